/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of configuration values.
 *
 *  - a value is checked by its row before anything is kept, so that a getter can never fail;
 *  - each value remembers its rank, and a lower one never replaces a higher one: file, environment
 *    and flags may be read in any order;
 *  - a list is kept as one text with commas, and cut into items when it is set.
 *
 * Failure: a refused value leaves the old one, and the message begins with where it came from.
 */
#include "cluster/options.h"

#include <stdio.h>
#include <string.h>

#include "cluster/option_values.h"
#include "cluster/options_store.h"
#include "cluster/suggest.h"

/* ---- life ------------------------------------------------------------------------------------ */

static int set_defaults(fl_options *options)
{
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++) {
		const fli_option *row = fli_option_of((fli_key)i);

		if (row->type == FLI_OPTION_LIST)
			continue;
		fl_assert(fli_option_parse(row, row->value, &options->values[i].number, NULL) ==
			  FL_OK);
	}
	return FL_OK;
}

fl_options *fli_options_new_in(fli_mem *mem)
{
	fl_options *options = fli_zalloc(mem, sizeof *options);

	if (options == NULL)
		return NULL;
	options->mem = mem;
	set_defaults(options);
	return options;
}

fl_options *fl_options_new(void)
{
	return fli_options_new_in(fli_mem_libc());
}

fli_mem *fli_options_mem(const fl_options *options)
{
	return options->mem;
}

/* A cookie may have been in there. */
static void free_text(const fl_options *options, char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	fli_free(options->mem, text);
}

static void free_value(const fl_options *options, fli_option_value *value)
{
	free_text(options, value->text);
	fli_free(options->mem, value->items);
	fli_free(options->mem, value->split);
	fli_free(options->mem, value->origin);
}

void fli_peer_config_free(const fl_options *options, fli_peer_config *peer)
{
	fli_free(options->mem, peer->name);
	fli_free(options->mem, peer->address);
	free_text(options, peer->cookie);
	fli_free(options->mem, peer->cookie_file);
	fli_free(options->mem, peer->origin);
}

void fl_options_delete(fl_options *options)
{
	if (options == NULL)
		return;
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++)
		free_value(options, &options->values[i]);
	for (size_t i = 0; i < options->peers_count; i++)
		fli_peer_config_free(options, &options->peers[i]);
	fli_free(options->mem, options->peers);
	fli_children_unref(options->children);
	fli_access_list_delete(options->access);
	fli_free(options->mem, options);
}

char *fli_options_copy(const fl_options *options, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = fli_alloc(options->mem, size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

/* ---- writing --------------------------------------------------------------------------------- */

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	return text;
}

/* Cuts a copy of the text at its commas; empty items are left out. */
static int split_list(const fl_options *options, fli_option_value *value, fl_error *err)
{
	size_t most = 1;
	char *rest;

	for (const char *p = value->text; *p != '\0'; p++)
		most += *p == ',' ? 1 : 0;
	if (most > FLI_OPTIONS_ITEMS_MAX)
		return fl_error_set(err, FL_ECONFIG, "more than %d items", FLI_OPTIONS_ITEMS_MAX);
	value->split = fli_options_copy(options, value->text);
	value->items = fli_alloc(options->mem, most * sizeof *value->items);
	if (value->split == NULL || value->items == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	rest = value->split;
	for (char *item; (item = strsep(&rest, ",")) != NULL;) {
		item = trim(item);
		if (*item != '\0')
			value->items[value->count++] = item;
	}
	return FL_OK;
}

static int fill_value(const fl_options *options, const fli_option *row, fli_option_value *value,
	const char *text, fl_error *err)
{
	int rc = fli_option_parse(row, text, &value->number, err);

	if (rc != FL_OK)
		return rc;
	if (row->type == FLI_OPTION_SECRET && *text == '\0') {
		fl_error_set(err, FL_ECONFIG, "%s is empty", row->key);
		fl_error_why(err, "a variable that it was made from is not set, perhaps");
		fl_error_next(err, "give it a value, or leave it out");
		return FL_ECONFIG;
	}
	if (strlen(text) > FLI_OPTIONS_TEXT_MAX && row->type != FLI_OPTION_LIST) {
		fl_error_set(err, FL_ECONFIG, "the value of %s is longer than %d bytes", row->key,
			FLI_OPTIONS_TEXT_MAX);
		fl_error_why(err, "a quote or a semicolon is missing after it, perhaps");
		fl_error_next(err, "write a shorter one");
		return FL_ECONFIG;
	}
	value->text = fli_options_copy(options, text);
	if (value->text == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	return row->type == FLI_OPTION_LIST ? split_list(options, value, err) : FL_OK;
}

int fli_options_put(
	fl_options *options, fli_key key, const char *text, fli_source source, fl_error *err)
{
	fli_option_value *old = &options->values[key];
	fli_option_value value = {.rank = source.rank};
	int rc = fill_value(options, fli_option_of(key), &value, text, err);

	if (rc == FL_OK && (value.origin = fli_options_copy(options, source.origin)) == NULL)
		rc = fl_error_set(err, FL_ENOMEM, "out of memory");
	if (rc != FL_OK)
		fl_error_wrap(err, "%s", source.origin);
	if (rc != FL_OK || source.rank < old->rank) {
		free_value(options, &value);
		return rc;
	}
	free_value(options, old);
	*old = value;
	return FL_OK;
}

int fli_options_append(
	fl_options *options, fli_key key, const char *item, fli_source source, fl_error *err)
{
	const fli_option_value *old = &options->values[key];
	size_t size;
	char *joined;
	int rc;

	if (old->rank != source.rank || old->text == NULL)
		return fli_options_put(options, key, item, source, err);
	size = strlen(old->text) + strlen(item) + 2;
	joined = fli_alloc(options->mem, size);
	if (joined == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	(void)snprintf(joined, size, "%s,%s", old->text, item); /* fits by its size */
	rc = fli_options_put(options, key, joined, source, err);
	fli_free(options->mem, joined);
	return rc;
}

int fli_options_unknown(const char *key, const char *origin, fl_error *err)
{
	fli_suggest suggest = fli_suggest_start(key);

	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++)
		fli_suggest_offer(&suggest, fli_option_of((fli_key)i)->key);
	fli_suggest_offer(&suggest, "peers");
	fli_suggest_offer(&suggest, "children");
	fli_suggest_offer(&suggest, "access");
	if (suggest.best == NULL)
		fl_error_set(err, FL_ECONFIG, "%s: unknown key \"%s\"", origin, key);
	else
		fl_error_set(err, FL_ECONFIG, "%s: unknown key \"%s\" (did you mean \"%s\"?)",
			origin, key, suggest.best);
	fl_error_why(err, "it is misspelt, or of another version of flitch");
	fl_error_next(err, "flitch config show lists all keys");
	return FL_ECONFIG;
}

int fl_options_set(
	fl_options *options, const char *key, const char *value, const char *origin, fl_error *err)
{
	fli_key found = fli_option_find(key);

	if (found == FLI_KEYS_COUNT)
		return fli_options_unknown(key, origin, err);
	return fli_options_put(options, found, value, (fli_source){FLI_RANK_SET, origin}, err);
}

static int refuse_twice(const fli_peer_config *peer, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "%s: peer \"%s\" is there twice", peer->origin, peer->name);
	fl_error_why(err, "which of the two counts cannot be told");
	fl_error_next(err, "leave one of the two groups out");
	return FL_ECONFIG;
}

int fli_options_add_peer(fl_options *options, const fli_peer_config *peer, fl_error *err)
{
	size_t count = options->peers_count;
	fli_peer_config *grown;

	if (count == FLI_OPTIONS_PEERS_MAX)
		return fl_error_set(err, FL_ECONFIG, "%s: more than %d peers", peer->origin,
			FLI_OPTIONS_PEERS_MAX);
	if (fli_options_peer_of(options, peer->name) != NULL)
		return refuse_twice(peer, err);
	grown = fli_realloc(options->mem, options->peers, (count + 1) * sizeof *grown);
	if (grown == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	options->peers = grown;
	options->peers[count] = *peer;
	options->peers_count = count + 1;
	return FL_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const fli_option_value *value_of(const fl_options *options, fli_key key)
{
	fl_assert((unsigned)key < FLI_KEYS_COUNT);
	return &options->values[key];
}

const char *fli_options_text(const fl_options *options, fli_key key)
{
	const fli_option_value *value = value_of(options, key);

	return value->text != NULL ? value->text : fli_option_of(key)->value;
}

const char *fl_options_get(const fl_options *options, const char *key)
{
	fli_key found = fli_option_find(key);

	return found == FLI_KEYS_COUNT ? NULL : fli_options_text(options, found);
}

int64_t fli_options_int(const fl_options *options, fli_key key)
{
	return value_of(options, key)->number;
}

bool fli_options_bool(const fl_options *options, fli_key key)
{
	return value_of(options, key)->number != 0;
}

size_t fli_options_count(const fl_options *options, fli_key key)
{
	return value_of(options, key)->count;
}

const char *const *fli_options_items(const fl_options *options, fli_key key)
{
	return (const char *const *)value_of(options, key)->items;
}

const char *fli_options_item(const fl_options *options, fli_key key, size_t index)
{
	const fli_option_value *value = value_of(options, key);

	fl_assert(index < value->count);
	return value->items[index];
}

bool fli_options_is_set(const fl_options *options, fli_key key)
{
	return value_of(options, key)->text != NULL;
}

const char *fli_options_origin(const fl_options *options, fli_key key)
{
	const fli_option_value *value = value_of(options, key);

	return value->origin != NULL ? value->origin : "default";
}

struct fli_children *fli_options_children(const fl_options *options)
{
	return options->children;
}

size_t fli_options_peers_count(const fl_options *options)
{
	return options->peers_count;
}

const fli_peer_config *fli_options_peer(const fl_options *options, size_t index)
{
	fl_assert(index < options->peers_count);
	return &options->peers[index];
}

const fli_peer_config *fli_options_peer_of(const fl_options *options, const char *node)
{
	for (size_t i = 0; i < options->peers_count; i++)
		if (strcmp(options->peers[i].name, node) == 0)
			return &options->peers[i];
	return NULL;
}
