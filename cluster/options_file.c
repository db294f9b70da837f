/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file in libconfig's notation.
 *
 *  - a dotted key is a path of groups: `dist: { ticktime = 60; };` or `dist = { ... }`;
 *  - a list of texts is an array, a list, or one text with commas;
 *  - `peers` is a list of groups, one a node; `children` is the application (children.h); `access`
 *    says who may ask for what (access_options.h).
 *
 * Failure: syntax errors, unknown keys and values of a wrong type or range are refused with
 * `file:line: ...`, the first one found.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/options_store.h"
#include "cluster/suggest.h"
#include "dist/host_port.h"
#include "node/base/buf.h"

/* Groups are at most one deep in the table of keys; a little more lets the message name the path.
 */
#define GROUPS_MAX 8
#define KEY_MAX 256
#define FILE_MAX (1 << 20)
#define FILE_PIECE 4096
#define ORIGIN_MAX 512

typedef struct reader {
	fl_options *options;
	const char *path;
	fl_error *err;
	char key[KEY_MAX];
	char origin[ORIGIN_MAX];
} reader;

static void set_origin(reader *r, const config_setting_t *setting)
{
	const char *file = config_setting_source_file(setting);

	(void)snprintf(r->origin, sizeof r->origin, "%s:%u", file != NULL ? file : r->path,
		(unsigned)config_setting_source_line(setting)); /* a cut path is still a hint */
}

/* Appends a scalar as text; false when it is none. */
static bool add_scalar(fli_buf *text, const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		fli_buf_printf(text, "%lld", config_setting_get_int64(setting));
		return true;
	case CONFIG_TYPE_FLOAT:
		fli_buf_printf(text, "%g", config_setting_get_float(setting));
		return true;
	case CONFIG_TYPE_BOOL:
		fli_buf_add_text(text, config_setting_get_bool(setting) ? "true" : "false");
		return true;
	case CONFIG_TYPE_STRING:
		fli_buf_add_text(text, config_setting_get_string(setting));
		return true;
	default: return false;
	}
}

static bool add_sequence(fli_buf *text, const config_setting_t *setting)
{
	int length = config_setting_length(setting);

	for (int i = 0; i < length; i++) {
		config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
		size_t start;

		if (i > 0)
			fli_buf_add8(text, ',');
		start = text->size;
		if (config_setting_type(item) != CONFIG_TYPE_STRING || !add_scalar(text, item))
			return false;
		/* A comma separates items once they are one text. */
		if (text->size > start &&
			memchr(text->data + start, ',', text->size - start) != NULL)
			return false;
	}
	return true;
}

/* Texts and lists of texts are quoted; the value is not shown, it may be a secret. */
static bool wants_text(fli_key key)
{
	switch (fli_option_of(key)->type) {
	case FLI_OPTION_TEXT:
	case FLI_OPTION_SECRET:
	case FLI_OPTION_LIST: return true;
	default: return false;
	}
}

static int refuse_type(const reader *r)
{
	fl_error_set(r->err, FL_ECONFIG, "%s: %s takes a text, in quotes", r->origin, r->key);
	fl_error_why(r->err, "what stands there is a number, or true or false");
	fl_error_next(r->err, "write %s = \"...\";", r->key);
	return FL_ECONFIG;
}

static int put_text(reader *r, fli_key key, fli_buf *text)
{
	fli_buf_add8(text, '\0');
	if (text->failed)
		return fl_error_set(r->err, FL_ENOMEM, "out of memory");
	return fli_options_put(r->options, key, (const char *)text->data,
		(fli_source){FLI_RANK_FILE, r->origin}, r->err);
}

static int read_value(reader *r, const config_setting_t *setting)
{
	fli_key key = fli_option_find(r->key);
	bool is_sequence = config_setting_is_aggregate(setting) == CONFIG_TRUE;
	fli_buf text;
	int rc;

	if (key == FLI_KEYS_COUNT)
		return fli_options_unknown(r->key, r->origin, r->err);
	if (!is_sequence && wants_text(key) && config_setting_type(setting) != CONFIG_TYPE_STRING)
		return refuse_type(r);
	fli_buf_create(&text, r->options->mem, 0);
	if (is_sequence && fli_option_of(key)->type != FLI_OPTION_LIST)
		rc = fl_error_set(r->err, FL_ECONFIG, "%s: %s takes one value, not a list",
			r->origin, r->key);
	else if (is_sequence ? !add_sequence(&text, setting) : !add_scalar(&text, setting))
		rc = fl_error_set(
			r->err, FL_ECONFIG, "%s: %s takes texts without commas", r->origin, r->key);
	else
		rc = put_text(r, key, &text);
	fli_buf_destroy(&text);
	return rc;
}

/* ---- peers ----------------------------------------------------------------------------------- */

static char **peer_field(fli_peer_config *peer, const char *name)
{
	const struct {
		const char *name;
		char **field;
	} fields[] = {{"name", &peer->name}, {"address", &peer->address}, {"cookie", &peer->cookie},
		{"cookie_file", &peer->cookie_file}};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strcmp(fields[i].name, name) == 0)
			return fields[i].field;
	return NULL;
}

static const char peers_help[] =
	"write peers = ({ name = \"a@h\"; address = \"10.0.0.5:9100\"; });";

static int refuse_peer(reader *r, const char *what, const char *why)
{
	fl_error_set(r->err, FL_ECONFIG, "%s: %s", r->origin, what);
	fl_error_why(r->err, "%s", why);
	fl_error_next(r->err, "%s", peers_help);
	return FL_ECONFIG;
}

static int unknown_field(reader *r, const char *name)
{
	static const char *const names[] = {"name", "address", "cookie", "cookie_file"};
	fli_suggest suggest = fli_suggest_start(name);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		fli_suggest_offer(&suggest, names[i]);
	if (suggest.best == NULL)
		fl_error_set(r->err, FL_ECONFIG, "%s: unknown key \"%s\"", r->origin, name);
	else
		fl_error_set(r->err, FL_ECONFIG, "%s: unknown key \"%s\" (did you mean \"%s\"?)",
			r->origin, name, suggest.best);
	fl_error_why(r->err, "a peer has name, address, cookie, cookie_file");
	fl_error_next(r->err, "%s", peers_help);
	return FL_ECONFIG;
}

static int read_peer_field(reader *r, const config_setting_t *setting, fli_peer_config *peer)
{
	const char *name = config_setting_name(setting);
	const char *text = config_setting_get_string(setting);
	char **field;

	set_origin(r, setting);
	field = peer_field(peer, name);
	if (field == NULL)
		return unknown_field(r, name);
	if (text == NULL)
		return refuse_peer(r, "this key of a peer takes a text",
			"what stands there is a number, a group, or true or false");
	if ((*field = fli_options_copy(r->options, text)) == NULL)
		return fl_error_set(r->err, FL_ENOMEM, "out of memory");
	return FL_OK;
}

/* Absent fields become "", so that readers have no NULL to think of. */
static int complete_peer(reader *r, fli_peer_config *peer)
{
	char **fields[] = {&peer->name, &peer->address, &peer->cookie, &peer->cookie_file};
	char host[FLI_NODE_NAME_BYTES_MAX + 1];
	uint16_t port;

	if (peer->name == NULL)
		return refuse_peer(
			r, "a peer needs a name", "the name says which node the others are for");
	if (peer->address != NULL && !fli_host_port_split(peer->address, host, sizeof host, &port))
		return refuse_peer(r, "the address of a peer is no host:port",
			"it has no port, or an IPv6 address without [ ] around it");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (*fields[i] == NULL)
			*fields[i] = fli_options_copy(r->options, "");
		if (*fields[i] == NULL)
			return fl_error_set(r->err, FL_ENOMEM, "out of memory");
	}
	peer->origin = fli_options_copy(r->options, r->origin);
	return peer->origin != NULL ? FL_OK : fl_error_set(r->err, FL_ENOMEM, "out of memory");
}

static int read_peer(reader *r, const config_setting_t *group)
{
	fli_peer_config peer = {0};
	int rc = FL_OK;

	set_origin(r, group);
	if (config_setting_is_group(group) == CONFIG_FALSE)
		return refuse_peer(r, "peers holds groups: { name = \"a@h\"; ... }",
			"what stands there is a single value");
	for (int i = 0; rc == FL_OK && i < config_setting_length(group); i++)
		rc = read_peer_field(r, config_setting_get_elem(group, (unsigned)i), &peer);
	set_origin(r, group);
	if (rc == FL_OK)
		rc = complete_peer(r, &peer);
	if (rc == FL_OK &&
		fli_node_name_parse(NULL, peer.name, strlen(peer.name), r->err) != FL_OK) {
		fl_error_wrap(r->err, "%s", r->origin);
		rc = FL_ECONFIG;
	}
	if (rc == FL_OK)
		rc = fli_options_add_peer(r->options, &peer, r->err);
	if (rc != FL_OK)
		fli_peer_config_free(r->options, &peer);
	return rc;
}

static int read_peers(reader *r, const config_setting_t *list)
{
	int rc = FL_OK;

	if (config_setting_is_list(list) == CONFIG_FALSE)
		return refuse_peer(r, "peers is a list of groups",
			"the parentheses around the groups are missing");
	for (int i = 0; rc == FL_OK && i < config_setting_length(list); i++)
		rc = read_peer(r, config_setting_get_elem(list, (unsigned)i));
	return rc;
}

/* A later file's list is in place of an earlier one's. */
static int read_children(reader *r, const config_setting_t *list)
{
	fli_children *children;
	int rc = fli_children_read(r->options->mem, list, r->path, &children, r->err);

	if (rc != FL_OK)
		return rc;
	fli_children_unref(r->options->children);
	r->options->children = children;
	return FL_OK;
}

static int read_access(reader *r, const config_setting_t *list)
{
	fli_access_list *access;
	int rc = fli_access_list_read(r->options->mem, list, r->path, &access, r->err);

	if (rc != FL_OK)
		return rc;
	fli_access_list_delete(r->options->access);
	r->options->access = access;
	return FL_OK;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static int read_group(reader *r, const config_setting_t *group, unsigned depth)
{
	size_t prefix = strlen(r->key);
	int rc = FL_OK;

	if (depth == GROUPS_MAX)
		return fl_error_set(r->err, FL_ECONFIG, "%s: groups nested too deep", r->origin);
	for (int i = 0; rc == FL_OK && i < config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);

		(void)snprintf(r->key + prefix, sizeof r->key - prefix, "%s%s",
			prefix > 0 ? "." : "",
			config_setting_name(setting)); /* cut: then it is unknown */
		set_origin(r, setting);
		if (strcmp(r->key, "peers") == 0)
			rc = read_peers(r, setting);
		else if (strcmp(r->key, "children") == 0)
			rc = read_children(r, setting);
		else if (strcmp(r->key, "access") == 0)
			rc = read_access(r, setting);
		else if (config_setting_is_group(setting) == CONFIG_TRUE)
			rc = read_group(r, setting, depth + 1);
		else
			rc = read_value(r, setting);
		r->key[prefix] = '\0';
	}
	return rc;
}

static int refuse_file(const char *path, int code, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "cannot read %s: %s", path, strerror(code));
	if (code == ENOENT)
		fl_error_why(err, "a relative path begins in the folder of the start");
	else
		fl_error_why(err, "it is no file, or this user may not read it");
	fl_error_next(err, "name an existing file with --config");
	return FL_ECONFIG;
}

/* Not by libconfig itself: its scanner ends the program when a read fails (a folder, say). */
static int read_whole(const char *path, fli_buf *text, fl_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	ssize_t got = 1;

	if (fd < 0)
		return refuse_file(path, errno, err);
	while (got > 0 && fli_buf_grow(text, FILE_PIECE)) {
		got = read(fd, text->data + text->size, FILE_PIECE);
		if (got > 0)
			text->size += (size_t)got;
	}
	code = errno;
	(void)close(fd); /* it was only read */
	if (got < 0)
		return refuse_file(path, code, err);
	fli_buf_add8(text, '\0');
	if (text->failed)
		return fl_error_set(err, FL_ENOMEM, "out of memory, or %s is longer than %d bytes",
			path, FILE_MAX);
	return FL_OK;
}

static int read_syntax(config_t *config, const char *path, const char *text, fl_error *err)
{
	if (config_read_string(config, text) == CONFIG_TRUE)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "%s:%d: %s", path, config_error_line(config),
		config_error_text(config));
	fl_error_why(err, "groups are written dist = { ticktime = 60; }; and each value ends in ;");
	fl_error_next(err, "compare that line and the one before it with docs/flitch.conf.example");
	return FL_ECONFIG;
}

int fl_options_load(fl_options *options, const char *path, fl_error *err)
{
	reader r = {.options = options, .path = path, .err = err};
	config_t config;
	fli_buf text;
	int rc;

	fli_buf_create(&text, options->mem, FILE_MAX);
	config_init(&config);
	rc = read_whole(path, &text, err);
	if (rc == FL_OK)
		rc = read_syntax(&config, path, (const char *)text.data, err);
	if (rc == FL_OK)
		rc = read_group(&r, config_root_setting(&config), 0);
	config_destroy(&config);
	fli_buf_destroy(&text);
	return rc;
}
