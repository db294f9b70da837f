/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment: FLITCH_DIST_LISTEN is dist.listen, and the names that OTP and its releases use.
 *
 * What belongs to nobody is left alone: other programs have FLITCH_ variables of their own. An
 * empty value counts as absent, as compose files produce it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/options_store.h"

typedef struct variable {
	const char *name;
	fli_key key;
	fli_rank rank;
} variable;

static const variable aliases[] = {
	{"RELEASE_NODE", FLI_KEY_NODE_NAME, FLI_RANK_RELEASE},
	{"RELEASE_COOKIE", FLI_KEY_NODE_COOKIE, FLI_RANK_RELEASE},
	{"ERL_EPMD_PORT", FLI_KEY_EPMD_PORT, FLI_RANK_RELEASE},
	{"ERL_EPMD_ADDRESS", FLI_KEY_EPMD_ADDRESS, FLI_RANK_RELEASE},
	{"FLITCH_COOKIE", FLI_KEY_NODE_COOKIE, FLI_RANK_ENV},
	{"FLITCH_COOKIE_FILE", FLI_KEY_NODE_COOKIE_FILE, FLI_RANK_ENV},
};

/* The value when `entry` is "NAME=value" with that name, or NULL. */
static const char *value_of(const char *entry, const char *name)
{
	size_t size = strlen(name);

	return strncmp(entry, name, size) == 0 && entry[size] == '=' ? entry + size + 1 : NULL;
}

static int put(fl_options *options, const variable *from, const char *value, fl_error *err)
{
	if (*value == '\0')
		return FL_OK;
	return fli_options_put(
		options, from->key, value, (fli_source){from->rank, from->name}, err);
}

static void name_of_key(const char *key, char *ret_name, size_t size)
{
	(void)snprintf(ret_name, size, "FLITCH_%s", key); /* keys are short constants */
	for (char *p = ret_name; *p != '\0'; p++)
		*p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
}

/* mix release: RELEASE_DISTRIBUTION is sname, name or none. */
static int put_distribution(fl_options *options, const char *value, fl_error *err)
{
	const char *type = strcmp(value, "name") == 0 ? "long" : "short";

	if (strcmp(value, "name") != 0 && strcmp(value, "sname") != 0)
		return FL_OK;
	return fli_options_put(options, FLI_KEY_NODE_NAME_TYPE, type,
		(fli_source){FLI_RANK_RELEASE, "RELEASE_DISTRIBUTION"}, err);
}

static int read_entry(fl_options *options, const char *entry, fl_error *err)
{
	const char *value = value_of(entry, "RELEASE_DISTRIBUTION");
	char name[64];

	if (value != NULL)
		return put_distribution(options, value, err);
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		value = value_of(entry, aliases[i].name);
		if (value != NULL)
			return put(options, &aliases[i], value, err);
	}
	if (strncmp(entry, "FLITCH_", 7) != 0)
		return FL_OK;
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++) {
		name_of_key(fli_option_of((fli_key)i)->key, name, sizeof name);
		value = value_of(entry, name);
		if (value != NULL)
			return put(
				options, &(variable){name, (fli_key)i, FLI_RANK_ENV}, value, err);
	}
	return FL_OK;
}

int fl_options_environment(fl_options *options, fl_error *err)
{
	return fli_options_environment(options, environ, err);
}

int fli_options_environment(fl_options *options, char *const *environment, fl_error *err)
{
	int rc = FL_OK;

	for (; rc == FL_OK && *environment != NULL; environment++)
		rc = read_entry(options, *environment, err);
	return rc;
}
