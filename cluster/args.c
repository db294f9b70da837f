/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the command line by tables.
 *
 * Failure: the first mistake ends the reading; its message names the nearest flag, and the third
 * part always names the help of that very command.
 */
#include "cluster/args.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/option_values.h"
#include "cluster/suggest.h"

static const fli_flag help_flag = {.name = "--help", .help = "this text"};

typedef struct reader {
	fli_args *args;
	int argc;
	char *const *argv;
	int at;
	fl_error *err;
} reader;

/* The command without its arguments: "flitch call". */
static int command_size(const fli_args_spec *spec)
{
	return (int)strcspn(spec->usage, "[<") - (spec->usage[strcspn(spec->usage, "[<")] != '\0');
}

static int refuse(const fli_args_spec *spec, fl_error *err)
{
	fl_error_next(err, "%.*s --help lists what there is", command_size(spec), spec->usage);
	return FL_EINVAL;
}

static const fli_flag *find_flag(const fli_args_spec *spec, const char *name, size_t size)
{
	for (const fli_flag *const *table = spec->tables; *table != NULL; table++)
		for (const fli_flag *flag = *table; flag->name != NULL; flag++)
			if (strlen(flag->name) == size && memcmp(flag->name, name, size) == 0)
				return flag;
	if ((size == 6 && memcmp(name, "--help", size) == 0) ||
		(size == 2 && memcmp(name, "-h", size) == 0))
		return &help_flag;
	return NULL;
}

static int unknown_flag(const fli_args_spec *spec, const char *text, fl_error *err)
{
	fli_suggest suggest = fli_suggest_start(text);

	fli_suggest_offer(&suggest, help_flag.name);
	for (const fli_flag *const *table = spec->tables; *table != NULL; table++)
		for (const fli_flag *flag = *table; flag->name != NULL; flag++)
			fli_suggest_offer(&suggest, flag->name);
	if (suggest.best != NULL)
		fl_error_set(err, FL_EINVAL, "unknown flag \"%s\" (did you mean \"%s\"?)", text,
			suggest.best);
	else
		fl_error_set(err, FL_EINVAL, "unknown flag \"%s\"", text);
	fl_error_why(err, "it is misspelt, or a flag of another command");
	return refuse(spec, err);
}

static int take_flag(reader *r, const char *text)
{
	fli_args *args = r->args;
	size_t size = strcspn(text, "=");
	const fli_flag *flag = find_flag(args->spec, text, size);
	const char *value = text[size] == '=' ? text + size + 1 : NULL;

	if (flag == NULL)
		return unknown_flag(args->spec, text, r->err);
	if (flag->value == NULL && value != NULL) {
		fl_error_set(r->err, FL_EINVAL, "%s takes no value", flag->name);
		fl_error_why(r->err, "what follows its = has no meaning here");
		return refuse(args->spec, r->err);
	}
	if (flag->value != NULL && value == NULL && r->at < r->argc)
		value = r->argv[r->at++];
	if (flag->value != NULL && value == NULL) {
		fl_error_set(r->err, FL_EINVAL, "%s needs %s", flag->name, flag->value);
		fl_error_why(r->err, "it is the last word of the command line");
		return refuse(args->spec, r->err);
	}
	if (flag->option != NULL && value != NULL && *value == '\0') {
		fl_error_set(r->err, FL_EINVAL, "%s needs %s, not an empty text", flag->name,
			flag->value);
		fl_error_why(r->err, "a variable that it was made from is not set, perhaps");
		return refuse(args->spec, r->err);
	}
	if (args->found_count == FLI_ARGS_MAX)
		return fl_error_set(r->err, FL_EINVAL, "more than %d flags", FLI_ARGS_MAX);
	args->found[args->found_count].flag = flag;
	args->found[args->found_count++].value = value;
	return FL_OK;
}

static int take_word(reader *r, const char *text)
{
	if (r->args->words_count == FLI_ARGS_MAX)
		return fl_error_set(r->err, FL_EINVAL, "more than %d arguments", FLI_ARGS_MAX);
	r->args->words[r->args->words_count++] = text;
	return FL_OK;
}

static bool is_flag(const char *text)
{
	return text[0] == '-' && text[1] != '\0' && !isdigit((unsigned char)text[1]);
}

static int check_words(const fli_args *args, fl_error *err)
{
	const fli_args_spec *spec = args->spec;

	if (fli_args_has(args, help_flag.name))
		return FL_OK;
	if (args->words_count < spec->words_min)
		fl_error_set(err, FL_EINVAL, "too few arguments: %s", spec->usage);
	else if (args->words_count > spec->words_max)
		fl_error_set(err, FL_EINVAL, "\"%s\" is one argument too many: %s",
			args->words[spec->words_max], spec->usage);
	else
		return FL_OK;
	fl_error_why(err, "a term or a text with blanks needs quotes around it in a shell");
	return refuse(spec, err);
}

/* --name and --sname set one key to different ends: which one is meant cannot be told. */
static int check_name(const fli_args *args, fl_error *err)
{
	const fli_flag *first = NULL;

	for (size_t i = 0; i < args->found_count; i++) {
		const fli_flag *flag = args->found[i].flag;

		if (flag->option == NULL || strcmp(flag->option, "node.name") != 0)
			continue;
		if (first == flag)
			fl_error_set(err, FL_EINVAL, "%s is given twice", flag->name);
		else if (first != NULL)
			fl_error_set(err, FL_EINVAL, "%s and %s are both given", first->name,
				flag->name);
		if (first != NULL) {
			fl_error_why(err, "a node has one name");
			return refuse(args->spec, err);
		}
		first = flag;
	}
	return FL_OK;
}

int fli_args_parse(
	fli_args *ret_args, const fli_args_spec *spec, int argc, char *const *argv, fl_error *err)
{
	reader r = {.args = ret_args, .argc = argc, .argv = argv, .err = err};
	bool has_ended = false;
	int rc = FL_OK;

	ret_args->spec = spec;
	ret_args->found_count = ret_args->words_count = 0;
	while (rc == FL_OK && r.at < argc) {
		const char *text = argv[r.at++];

		if (!has_ended && strcmp(text, "--") == 0)
			has_ended = true;
		else if (!has_ended && is_flag(text))
			rc = take_flag(&r, text);
		else
			rc = take_word(&r, text);
	}
	if (rc == FL_OK)
		rc = check_words(ret_args, err);
	return rc == FL_OK ? check_name(ret_args, err) : rc;
}

bool fli_args_has(const fli_args *args, const char *name)
{
	for (size_t i = 0; i < args->found_count; i++)
		if (strcmp(args->found[i].flag->name, name) == 0)
			return true;
	return false;
}

const char *fli_args_value(const fli_args *args, const char *name)
{
	for (size_t i = args->found_count; i-- > 0;)
		if (strcmp(args->found[i].flag->name, name) == 0)
			return args->found[i].value;
	return NULL;
}

int fli_args_time(
	const fli_args *args, const char *name, int64_t fallback, int64_t *ret_ms, fl_error *err)
{
	const fli_option row = {.key = name, .type = FLI_OPTION_TIME, .max = UINT32_MAX - 1};
	const char *value = fli_args_value(args, name);

	*ret_ms = fallback;
	if (value == NULL || fli_option_parse(&row, value, ret_ms, err) == FL_OK)
		return FL_OK;
	if (err != NULL)
		err->code = FL_EINVAL;
	return refuse(args->spec, err);
}

/* ---- into options ---------------------------------------------------------------------------- */

/* Sets "key=value" on behalf of `from`. */
static int put_pair(fl_options *options, const char *pair, fli_source from, fl_error *err)
{
	char key[128];
	size_t size = strcspn(pair, "=");
	fli_key found;

	if (pair[size] != '=' || size >= sizeof key) {
		fl_error_set(err, FL_ECONFIG, "%s: \"%s\" is not of the form key=value",
			from.origin, pair);
		fl_error_why(err, "the = is missing, or there is a blank before it");
		fl_error_next(err, "for example --set dist.ticktime=30");
		return FL_ECONFIG;
	}
	memcpy(key, pair, size);
	key[size] = '\0';
	found = fli_option_find(key);
	if (found == FLI_KEYS_COUNT)
		return fli_options_unknown(key, from.origin, err);
	return fli_options_put(options, found, pair + size + 1, from, err);
}

static int apply_flag(fl_options *options, const fli_flag *flag, const char *value, fl_error *err)
{
	const fli_source from = {FLI_RANK_FLAG, flag->name};
	fli_key key;
	int rc = FL_OK;

	if (strcmp(flag->name, "--set") == 0)
		return put_pair(options, value, (fli_source){FLI_RANK_SET, "--set"}, err);
	if (flag->implied != NULL)
		rc = put_pair(options, flag->implied, from, err);
	if (rc != FL_OK || flag->option == NULL)
		return rc;
	key = fli_option_find(flag->option);
	fl_assert(key != FLI_KEYS_COUNT);
	if (flag->value == NULL)
		value = flag->fixed;
	if (fli_option_of(key)->type == FLI_OPTION_LIST)
		return fli_options_append(options, key, value, from, err);
	return fli_options_put(options, key, value, from, err);
}

int fli_args_apply(const fli_args *args, fl_options *options, fl_error *err)
{
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && i < args->found_count; i++)
		rc = apply_flag(options, args->found[i].flag, args->found[i].value, err);
	return rc;
}

/* ---- secrets --------------------------------------------------------------------------------- */

/* As long as it was, so that whoever reads the text meanwhile finds its end. */
static void blot(const char *text)
{
	memset((char *)(uintptr_t)text, 'x', strlen(text)); /* argv and environ may be written */
}

void fli_args_hide_secrets(const fli_args *args)
{
	static const char *const variables[] = {
		"FLITCH_COOKIE", "FLITCH_NODE_COOKIE", "RELEASE_COOKIE"};
	static const char key[] = "node.cookie";

	for (size_t i = 0; i < args->found_count; i++) {
		const fli_flag *flag = args->found[i].flag;
		const char *value = args->found[i].value;

		if (value == NULL)
			continue;
		if (flag->option != NULL && strcmp(flag->option, key) == 0)
			blot(value);
		else if (strcmp(flag->name, "--set") == 0 &&
			 strncmp(value, key, sizeof key - 1) == 0 && value[sizeof key - 1] == '=')
			blot(value + sizeof key);
	}
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (getenv(variables[i]) != NULL)
			blot(getenv(variables[i]));
}

/* ---- help ------------------------------------------------------------------------------------ */

static void print_flag(const fli_flag *flag, int fd)
{
	char left[64];

	(void)snprintf(left, sizeof left, "%s%s%s", flag->name, flag->value != NULL ? " " : "",
		flag->value != NULL ? flag->value : "");     /* both are short constants */
	(void)dprintf(fd, "  %-24s %s\n", left, flag->help); /* help that cannot be read: too bad */
}

void fli_args_help(const fli_args_spec *spec, int fd)
{
	(void)dprintf(fd, "usage: %s\n\n%s\n\n", spec->usage, spec->about);
	for (const fli_flag *const *table = spec->tables; *table != NULL; table++)
		for (const fli_flag *flag = *table; flag->name != NULL; flag++)
			print_flag(flag, fd);
	print_flag(&help_flag, fd);
}
