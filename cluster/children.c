/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads `children`: each group becomes a node of a tree, with what fl_child and fl_supervisor say.
 *
 * Failure: an unknown key is refused with the one that it may have been meant to be, a value of the
 * wrong type or out of range with what is right; the first one found.
 */
#include "cluster/children.h"

#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "cluster/suggest.h"

typedef struct reader {
	fli_children *tree;
	fl_error *err;
	unsigned line;
} reader;

static const char help[] = "write children = ({ behaviour = \"counter\"; name = \"counter\"; });";

static int refuse(const reader *r, const char *what, const char *why)
{
	fl_error_set(r->err, FL_ECONFIG, "%s:%u: %s", r->tree->file, r->line, what);
	fl_error_why(r->err, "%s", why);
	fl_error_next(r->err, "%s", help);
	return FL_ECONFIG;
}

static int no_memory(const reader *r)
{
	return fl_error_set(r->err, FL_ENOMEM, "out of memory");
}

/* ---- values -----------------------------------------------------------------------------------
 */

static int copy_text(const reader *r, const config_setting_t *setting, char **ret_text)
{
	const char *text = config_setting_get_string(setting);
	size_t size;

	if (text == NULL)
		return refuse(r, "this key of a child takes a text, in quotes",
			"what stands there is a number, a group, or true or false");
	size = strlen(text) + 1;
	fli_free(r->tree->mem, *ret_text);
	*ret_text = fli_alloc(r->tree->mem, size);
	if (*ret_text == NULL)
		return no_memory(r);
	memcpy(*ret_text, text, size);
	return FL_OK;
}

/* One of `words`, whose place in the list is the value. */
static int read_word(const reader *r, const config_setting_t *setting, const char *const *words,
	unsigned *ret_place)
{
	const char *text = config_setting_get_string(setting);
	fli_suggest suggest = fli_suggest_start(text == NULL ? "" : text);

	for (unsigned i = 0; words[i] != NULL; i++) {
		if (text != NULL && strcmp(text, words[i]) == 0) {
			*ret_place = i;
			return FL_OK;
		}
		fli_suggest_offer(&suggest, words[i]);
	}
	fl_error_set(r->err, FL_ECONFIG, "%s:%u: \"%s\" is no value of %s", r->tree->file, r->line,
		text == NULL ? "?" : text, config_setting_name(setting));
	fl_error_why(r->err, "it is one of OTP's words for that key");
	fl_error_next(
		r->err, "did you mean \"%s\"?", suggest.best == NULL ? words[0] : suggest.best);
	return FL_ECONFIG;
}

static int read_count(const reader *r, const config_setting_t *setting, uint32_t *ret_count)
{
	long long value = config_setting_get_int64(setting);
	int type = config_setting_type(setting);

	if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || value < 0 ||
		value >= FL_BRUTAL_KILL)
		return refuse(r, "this key of a child takes a number",
			"it is a text, or negative, or too large");
	*ret_count = (uint32_t)value;
	return FL_OK;
}

static int read_restart(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	static const char *const words[] = {"permanent", "transient", "temporary", NULL};
	unsigned place = 0;
	int rc = read_word(r, setting, words, &place);

	c->child.restart = (fl_restart)place;
	return rc;
}

static int read_strategy(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	static const char *const words[] = {
		"one_for_one", "one_for_all", "rest_for_one", "dynamic", NULL};
	unsigned place = 0;
	int rc = read_word(r, setting, words, &place);

	c->flags.strategy = (fl_strategy)place;
	return rc;
}

static int read_auto_shutdown(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	static const char *const words[] = {"never", "any_significant", "all_significant", NULL};
	unsigned place = 0;
	int rc = read_word(r, setting, words, &place);

	c->flags.auto_shutdown = (fl_auto_shutdown)place;
	return rc;
}

static int read_shutdown(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	static const char *const words[] = {"infinity", "brutal_kill", NULL};
	static const uint32_t times[] = {FL_INFINITY, FL_BRUTAL_KILL};
	unsigned place = 0;
	int rc;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		rc = read_count(r, setting, &c->child.shutdown_ms);
		if (rc == FL_OK && c->child.shutdown_ms == 0)
			c->child.shutdown_ms = FL_BRUTAL_KILL; /* 0 is OTP's default in fl_child */
		return rc;
	}
	rc = read_word(r, setting, words, &place);
	c->child.shutdown_ms = times[place];
	return rc;
}

static int read_significant(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return refuse(r, "significant is true or false", "what stands there is neither");
	c->child.significant = config_setting_get_bool(setting) != 0;
	return FL_OK;
}

static int read_intensity(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	int rc = read_count(r, setting, &c->flags.intensity);

	if (rc == FL_OK && c->flags.intensity == 0)
		c->flags.intensity = FL_NO_RESTARTS;
	return rc;
}

/* Arguments are Erlang notation; a number may stand for itself. */
static int read_args(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	char text[32];

	if (config_setting_is_number(setting) == CONFIG_FALSE ||
		config_setting_type(setting) == CONFIG_TYPE_FLOAT)
		return copy_text(r, setting, &c->args);
	(void)snprintf(text, sizeof text, "%lld", config_setting_get_int64(setting));
	fli_free(r->tree->mem, c->args);
	c->args = fli_alloc(r->tree->mem, sizeof text);
	if (c->args == NULL)
		return no_memory(r);
	memcpy(c->args, text, sizeof text);
	return FL_OK;
}

/* ---- groups -----------------------------------------------------------------------------------
 */

static const char *const keys[] = {"behaviour", "id", "args", "name", "restart", "shutdown",
	"significant", "strategy", "intensity", "period", "auto_shutdown", "max_children",
	"children", NULL};

static int unknown_key(const reader *r, const char *key)
{
	fli_suggest suggest = fli_suggest_start(key);

	for (unsigned i = 0; keys[i] != NULL; i++)
		fli_suggest_offer(&suggest, keys[i]);
	if (suggest.best == NULL)
		fl_error_set(r->err, FL_ECONFIG, "%s:%u: unknown key \"%s\"", r->tree->file,
			r->line, key);
	else
		fl_error_set(r->err, FL_ECONFIG, "%s:%u: unknown key \"%s\" (did you mean \"%s\"?)",
			r->tree->file, r->line, key, suggest.best);
	fl_error_why(r->err, "a child has behaviour, id, args, name, restart, shutdown, "
			     "significant; a supervisor strategy, intensity, period, "
			     "auto_shutdown, max_children, children");
	fl_error_next(r->err, "%s", help);
	return FL_ECONFIG;
}

static int read_key(const reader *r, const config_setting_t *setting, fli_child_config *c)
{
	const struct {
		const char *key;
		char **text;
		uint32_t *count;
		int (*read)(const reader *r, const config_setting_t *setting, fli_child_config *c);
	} all[] = {
		{"behaviour", &c->behaviour, NULL, NULL},
		{"id", &c->id, NULL, NULL},
		{"name", &c->name, NULL, NULL},
		{"args", NULL, NULL, read_args},
		{"restart", NULL, NULL, read_restart},
		{"shutdown", NULL, NULL, read_shutdown},
		{"significant", NULL, NULL, read_significant},
		{"strategy", NULL, NULL, read_strategy},
		{"intensity", NULL, NULL, read_intensity},
		{"period", NULL, &c->flags.period_s, NULL},
		{"auto_shutdown", NULL, NULL, read_auto_shutdown},
		{"max_children", NULL, &c->flags.max_children, NULL},
	};
	const char *key = config_setting_name(setting);

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (strcmp(all[i].key, key) != 0)
			continue;
		if (all[i].text != NULL)
			return copy_text(r, setting, all[i].text);
		return all[i].count != NULL ? read_count(r, setting, all[i].count)
					    : all[i].read(r, setting, c);
	}
	return unknown_key(r, key);
}

static int check_group(const reader *r, const fli_child_config *c, bool has_children)
{
	if (has_children || c->behaviour == NULL) {
		if (c->behaviour != NULL)
			return refuse(r, "a child has a behaviour, or children, not both",
				"the children of a behaviour are its own business");
		if (c->id == NULL)
			return refuse(r, "this child has neither a behaviour nor an id",
				"a supervisor needs an id, every other child a behaviour");
	}
	return FL_OK;
}

static int read_list(
	reader *r, const config_setting_t *list, unsigned depth, fli_child_config **ret_first);

static int read_group(reader *r, const config_setting_t *group, unsigned depth, fli_child_config *c)
{
	const config_setting_t *children = NULL, *setting;
	int rc = FL_OK;

	for (int i = 0; rc == FL_OK && i < config_setting_length(group); i++) {
		setting = config_setting_get_elem(group, (unsigned)i);
		r->line = config_setting_source_line(setting);
		if (strcmp(config_setting_name(setting), "children") == 0)
			children = setting;
		else
			rc = read_key(r, setting, c);
	}
	r->line = c->line;
	if (rc == FL_OK)
		rc = check_group(r, c, children != NULL);
	if (rc == FL_OK && children != NULL)
		rc = read_list(r, children, depth + 1, &c->first);
	return rc;
}

static int read_list(
	reader *r, const config_setting_t *list, unsigned depth, fli_child_config **ret_first)
{
	const config_setting_t *group;
	fli_child_config *c;
	int rc = FL_OK;

	r->line = config_setting_source_line(list);
	if (config_setting_is_list(list) == CONFIG_FALSE)
		return refuse(r, "children is a list of groups",
			"the parentheses around the groups are missing");
	if (depth > FLI_CHILDREN_DEPTH_MAX)
		return refuse(r, "children are nested too deep", "16 levels are the limit");
	for (int i = 0; rc == FL_OK && i < config_setting_length(list); i++) {
		group = config_setting_get_elem(list, (unsigned)i);
		r->line = config_setting_source_line(group);
		if (config_setting_is_group(group) == CONFIG_FALSE)
			return refuse(r, "children holds groups: { behaviour = \"counter\"; }",
				"what stands there is a single value");
		if (r->tree->count++ == FLI_CHILDREN_MAX)
			return refuse(r, "there are too many children", "4096 are the limit");
		c = fli_zalloc(r->tree->mem, sizeof *c);
		if (c == NULL)
			return no_memory(r);
		c->line = r->line;
		*ret_first = c; /* the tree's from here on, whatever comes */
		ret_first = &c->next;
		rc = read_group(r, group, depth, c);
	}
	return rc;
}

/* ---- the tree ---------------------------------------------------------------------------------
 */

int fli_children_read(fli_mem *mem, const config_setting_t *list, const char *file,
	fli_children **ret_children, fl_error *err)
{
	fli_children *tree = fli_zalloc(mem, sizeof *tree);
	size_t size = strlen(file) + 1;
	reader r = {.tree = tree, .err = err};
	int rc;

	if (tree == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	tree->mem = mem;
	atomic_init(&tree->refs, 1);
	tree->file = fli_alloc(mem, size);
	if (tree->file != NULL)
		memcpy(tree->file, file, size);
	rc = tree->file == NULL ? no_memory(&r) : read_list(&r, list, 1, &tree->first);
	if (rc == FL_OK)
		*ret_children = tree;
	else
		fli_children_unref(tree);
	return rc;
}

fli_children *fli_children_ref(fli_children *tree)
{
	if (tree != NULL) /* relaxed: who takes one has one */
		atomic_fetch_add_explicit(&tree->refs, 1, memory_order_relaxed);
	return tree;
}

/* The next one in the order of a walk without a stack: children are moved in front. */
static fli_child_config *detach(fli_child_config **list)
{
	fli_child_config *c = *list, *last;

	if (c == NULL)
		return NULL;
	if (c->first != NULL) {
		for (last = c->first; last->next != NULL; last = last->next)
			;
		last->next = c->next;
		c->next = c->first;
		c->first = NULL;
	}
	*list = c->next;
	return c;
}

void fli_children_unref(fli_children *tree)
{
	fli_child_config *c;

	/* acq_rel: the last one sees what others wrote before they let go */
	if (tree == NULL || atomic_fetch_sub_explicit(&tree->refs, 1, memory_order_acq_rel) > 1)
		return;
	while ((c = detach(&tree->first)) != NULL) {
		fli_free(tree->mem, c->behaviour);
		fli_free(tree->mem, c->id);
		fli_free(tree->mem, c->args);
		fli_free(tree->mem, c->name);
		fli_free(tree->mem, c);
	}
	fli_free(tree->mem, tree->file);
	fli_free(tree->mem, tree);
}

/* The depth was limited when it was read. */
static bool names(const fli_child_config *c, const char *behaviour)
{
	for (; c != NULL; c = c->next)
		if ((c->behaviour != NULL && strcmp(c->behaviour, behaviour) == 0) ||
			names(c->first, behaviour))
			return true;
	return false;
}

bool fli_children_name(const fli_children *tree, const char *behaviour)
{
	return tree != NULL && names(tree->first, behaviour);
}
