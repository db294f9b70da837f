/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading who may ask for what.
 *
 * What a rule leaves out is what a node of its profile has: all requests of sys and supervisors
 * with `default`, none with `strict`. A word that none of them knows is refused with the one that
 * was meant.
 */
#include "cluster/access_options.h"

#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "cluster/options_store.h"
#include "cluster/suggest.h"
#include "node/base/buf.h"

#define ALLOW_MAX 4096
#define ORIGIN_MAX 512

typedef struct reader {
	fli_mem *mem;
	const char *path;
	fl_error *err;
	char origin[ORIGIN_MAX];
} reader;

static int refuse(fl_error *err, const char *origin, const char *what)
{
	fl_error_set(err, FL_ECONFIG, "%s: %s", origin, what);
	fl_error_why(err, "access is a list of groups, of which the first that fits a node counts");
	fl_error_next(err, "write access = ({ nodes = \"ops@*\"; rpc = \"default\"; "
			   "allow = [\"init:stop/0\"]; sys = [\"get_state\"]; });");
	return FL_ECONFIG;
}

static int out_of_memory(fl_error *err)
{
	return fl_error_set(err, FL_ENOMEM, "out of memory");
}

/* ---- words ----------------------------------------------------------------------------------- */

static int unknown_word(const char *origin, const char *word, fl_error *err)
{
	fli_suggest suggest = fli_suggest_start(word);

	for (int i = 0; i < FLI_ACCESS_WORDS_COUNT; i++)
		fli_suggest_offer(&suggest, fli_access_word_text((fli_access_word)i));
	if (suggest.best == NULL)
		fl_error_set(err, FL_ECONFIG, "%s: \"%s\" is no request of sys or of a supervisor",
			origin, word);
	else
		fl_error_set(err, FL_ECONFIG,
			"%s: \"%s\" is no request of sys or of a supervisor (did you mean \"%s\"?)",
			origin, word, suggest.best);
	fl_error_why(err, "it is misspelt, or of another version of flitch");
	fl_error_next(err, "get_state, get_status, debug, suspend, resume, replace_state, "
			   "change_code, terminate, exit, group_leader, start_child, "
			   "terminate_child, restart_child, delete_child, get_childspec, "
			   "which_children, or * for all");
	return FL_ECONFIG;
}

static int add_word(const char *origin, const char *word, uint32_t *words, fl_error *err)
{
	uint32_t bit = fli_access_bit(word);

	*words |= bit;
	return bit == 0 ? unknown_word(origin, word, err) : FL_OK;
}

/* ---- the list -------------------------------------------------------------------------------- */

static void set_origin(reader *r, const config_setting_t *setting)
{
	const char *file = config_setting_source_file(setting);

	(void)snprintf(r->origin, sizeof r->origin, "%s:%u", file != NULL ? file : r->path,
		(unsigned)config_setting_source_line(setting)); /* a cut path is still a hint */
}

/* Calls `take` for each text of an array, or for the one text that stands there. */
static int each_text(reader *r, const config_setting_t *setting, void *ctx,
	int (*take)(reader *r, const char *text, void *ctx))
{
	const char *text = config_setting_get_string(setting);
	int rc = FL_OK;

	if (text != NULL)
		return take(r, text, ctx);
	if (config_setting_is_aggregate(setting) == CONFIG_FALSE ||
		config_setting_is_group(setting) == CONFIG_TRUE)
		return refuse(r->err, r->origin, "this key takes texts");
	for (int i = 0; rc == FL_OK && i < config_setting_length(setting); i++) {
		text = config_setting_get_string_elem(setting, i);
		rc = text != NULL ? take(r, text, ctx)
				  : refuse(r->err, r->origin, "this key takes texts");
	}
	return rc;
}

static int take_word(reader *r, const char *text, void *ctx)
{
	return add_word(r->origin, text, ctx, r->err);
}

static int take_function(reader *r, const char *text, void *ctx)
{
	fli_buf *all = ctx;

	(void)r; /* all of them are looked at together */
	fli_buf_add_text(all, text);
	fli_buf_add_text(all, " ");
	return FL_OK;
}

static char *keep(reader *r, const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = fli_alloc(r->mem, size);

	if (to != NULL)
		memcpy(to, text, size);
	return to;
}

static int read_allow(reader *r, const config_setting_t *setting, fli_access_rule *rule)
{
	fli_buf all;
	int rc;

	fli_buf_create(&all, r->mem, ALLOW_MAX);
	rc = each_text(r, setting, &all, take_function);
	fli_buf_add8(&all, '\0');
	if (rc == FL_OK && all.failed)
		rc = refuse(r->err, r->origin, "allow is longer than 4096 bytes");
	if (rc == FL_OK)
		rc = fli_exports_check_allow(r->origin, (const char *)all.data, r->err);
	if (rc == FL_OK && (rule->allow = keep(r, (const char *)all.data)) == NULL)
		rc = out_of_memory(r->err);
	fli_buf_destroy(&all);
	return rc;
}

static int read_profile(reader *r, const config_setting_t *setting, fli_access_rule *rule)
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL || (strcmp(text, "default") != 0 && strcmp(text, "strict") != 0))
		return refuse(r->err, r->origin, "rpc is default or strict");
	rule->profile = *text == 's' ? FLI_RPC_STRICT : FLI_RPC_DEFAULT;
	return FL_OK;
}

static int read_nodes(reader *r, const config_setting_t *setting, fli_access_rule *rule)
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL || *text == '\0' || rule->nodes != NULL)
		return refuse(r->err, r->origin, "nodes takes one pattern of names");
	rule->nodes = keep(r, text);
	return rule->nodes != NULL ? FL_OK : out_of_memory(r->err);
}

static int read_field(
	reader *r, const config_setting_t *setting, fli_access_rule *rule, bool *has_sys)
{
	const char *name = config_setting_name(setting);
	fli_suggest suggest = fli_suggest_start(name);
	char text[200];

	set_origin(r, setting);
	if (strcmp(name, "nodes") == 0)
		return read_nodes(r, setting, rule);
	if (strcmp(name, "rpc") == 0)
		return read_profile(r, setting, rule);
	if (strcmp(name, "allow") == 0 && rule->allow == NULL)
		return read_allow(r, setting, rule);
	if (strcmp(name, "sys") == 0) {
		*has_sys = true;
		return each_text(r, setting, &rule->words, take_word);
	}
	fli_suggest_offer(&suggest, "nodes");
	fli_suggest_offer(&suggest, "allow");
	(void)snprintf(text, sizeof text, "unknown key \"%.80s\"%s%s%s", name,
		suggest.best == NULL ? "" : " (did you mean \"",
		suggest.best == NULL ? "" : suggest.best, suggest.best == NULL ? "" : "\"?)");
	return refuse(r->err, r->origin, text);
}

static int read_rule(reader *r, const config_setting_t *group, fli_access_rule *rule)
{
	bool has_sys = false;
	int rc = FL_OK;

	set_origin(r, group);
	if (config_setting_is_group(group) == CONFIG_FALSE)
		return refuse(r->err, r->origin, "access holds groups");
	for (int i = 0; rc == FL_OK && i < config_setting_length(group); i++)
		rc = read_field(r, config_setting_get_elem(group, (unsigned)i), rule, &has_sys);
	set_origin(r, group);
	if (rc == FL_OK && rule->nodes == NULL)
		rc = refuse(r->err, r->origin, "a rule needs nodes, a pattern of names");
	if (!has_sys && rule->profile == FLI_RPC_DEFAULT)
		rule->words = FLI_ACCESS_ALL;
	return rc;
}

void fli_access_list_delete(fli_access_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++) {
		fli_free(list->mem, (void *)(uintptr_t)list->rules[i].nodes);
		fli_free(list->mem, (void *)(uintptr_t)list->rules[i].allow);
	}
	fli_free(list->mem, list->rules);
	fli_free(list->mem, list);
}

int fli_access_list_read(fli_mem *mem, const struct config_setting_t *setting, const char *path,
	fli_access_list **ret_list, fl_error *err)
{
	reader r = {.mem = mem, .path = path, .err = err};
	int length = config_setting_length(setting), rc = FL_OK;
	fli_access_list *list;

	set_origin(&r, setting);
	if (config_setting_is_list(setting) == CONFIG_FALSE || length > FLI_ACCESS_RULES_MAX)
		return refuse(err, r.origin, "access is a list of at most 1024 groups");
	list = fli_zalloc(mem, sizeof *list);
	if (list == NULL)
		return out_of_memory(err);
	list->mem = mem;
	list->rules = fli_zalloc(mem, ((size_t)length + 1) * sizeof *list->rules);
	if (list->rules == NULL)
		rc = out_of_memory(err);
	for (int i = 0; rc == FL_OK && i < length; i++) {
		list->count++;
		rc = read_rule(&r, config_setting_get_elem(setting, (unsigned)i), &list->rules[i]);
	}
	if (rc == FL_OK)
		*ret_list = list;
	else
		fli_access_list_delete(list);
	return rc;
}

/* ---- the keys -------------------------------------------------------------------------------- */

static int words_of_others(const fl_options *options, uint32_t *ret_words, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_SYS_ALLOW);
	bool is_strict = fli_options_int(options, FLI_KEY_RPC_PROFILE) == FLI_RPC_STRICT;
	uint32_t words = 0;
	int rc = FL_OK;

	if (!fli_options_is_set(options, FLI_KEY_SYS_ALLOW)) {
		*ret_words = is_strict ? 0 : FLI_ACCESS_ALL;
		return FL_OK;
	}
	for (size_t i = 0; rc == FL_OK && i < count; i++)
		rc = add_word(fli_options_origin(options, FLI_KEY_SYS_ALLOW),
			fli_options_item(options, FLI_KEY_SYS_ALLOW, i), &words, err);
	*ret_words = words;
	return rc;
}

int fli_access_check_options(const fl_options *options, fl_error *err)
{
	uint32_t words;
	int rc = fli_exports_check_allow(
		"rpc.allow", fli_options_text(options, FLI_KEY_RPC_ALLOW), err);

	return rc == FL_OK ? words_of_others(options, &words, err) : rc;
}

int fli_access_apply(fl_node *node, const fl_options *options, fl_error *err)
{
	const fli_access_list *list = options->access;
	uint32_t words;
	int rc = words_of_others(options, &words, err);

	if (rc == FL_OK)
		rc = fli_exports_policy(node,
			(fli_rpc_profile)fli_options_int(options, FLI_KEY_RPC_PROFILE),
			fli_options_text(options, FLI_KEY_RPC_ALLOW), err);
	if (rc == FL_OK && fli_access_set(node, list == NULL ? NULL : list->rules,
				   list == NULL ? 0 : list->count, words) != FL_OK)
		rc = out_of_memory(err);
	return rc;
}
