/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many lookups in one section.
 *
 * - One epoch is entered for all of them.
 * - Keys are taken by windows: first the bucket of each is asked for, then the row that its tag
 *   points to, then the rows are looked at, while the next window's buckets are on their way. So
 *   their memory comes together, while lookups one by one wait for two lines each.
 * - The row that the tag points to has the key, but for one in thousands; that one is looked up.
 *
 * A row is looked at later than its slot was. In a set that is the same: it was there when the slot
 * was read, or became visible as a whole since, or its tombstone says that it went since.
 */
#include "node/table.h"

enum { WINDOW = 32 };

int fl_view_begin(fl_tab tab, fl_view *ret_view)
{
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_READ, &use);

	if (rc != FL_OK)
		return rc;
	if (fli_table_has_bags(use.table)) {
		fli_use_end(&use);
		return FL_EINVAL;
	}
	*ret_view = (fl_view){.node = tab.node, .table = use.table, .guard = use.guard};
	return FL_OK;
}

void fl_view_end(fl_view *view)
{
	fli_epoch_leave(&view->node->tables->epochs, view->guard);
}

static bool get(const fl_view *view, fl_term key, fl_term *ret_object)
{
	fli_spot spot;

	if (!fli_spot_find(view->table, key, &spot) || spot.row == NULL)
		return false;
	*ret_object = fli_row_term(spot.row, view->node->atoms);
	return true;
}

int fl_view_get_key(const fl_view *view, fl_value value, fl_term *ret_object)
{
	fli_key key;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = get(view, key.term, ret_object) ? FL_OK : FL_ENOENT;
	fli_key_end(&key);
	return rc;
}

/* ---- many ------------------------------------------------------------------------------------ */

/* A key on its way. */
typedef struct wanted {
	fl_term key;
	uint64_t hash;
	const fli_bucket *bucket; /* NULL: it has no hash */
	const fli_row *row;       /* that probably has it */
} wanted;

static void fetch_bucket(const fli_table *table, wanted *w)
{
	w->bucket = fli_hash_bucket(&table->hash, w->hash);
	__builtin_prefetch(w->bucket);
}

/* What a lookup reads of a row may lie on two lines. */
static void fetch_row(wanted *w)
{
	w->row = w->bucket == NULL ? NULL : fli_bucket_guess(w->bucket, w->hash);
	if (w->row != NULL) {
		__builtin_prefetch(&w->row->entry);
		__builtin_prefetch(w->row->bytes + FLI_ROW_NEAR);
	}
}

static bool finish(const fl_view *view, const wanted *w, fl_term *ret_object)
{
	const fli_row *row = w->row;

	*ret_object = (fl_term){0};
	if (row == NULL || !fli_same_term(fli_row_key(row, NULL), w->key))
		return w->key.size > 0 && get(view, w->key, ret_object);
	row = fli_row_seen(row);
	if (row != NULL)
		*ret_object = fli_row_term(row, view->node->atoms);
	return row != NULL;
}

/* What is looked up, and how a key of it gets into a window. */
typedef struct batch {
	const fl_view *view;
	const fl_term *terms; /* or NULL: */
	const int64_t *numbers;
	size_t count;
	wanted windows[2][WINDOW];
	uint8_t texts[2][WINDOW][FLI_INTEGER_ROOM];
} batch;

static void take_key(batch *b, size_t at, wanted *w, uint8_t *text)
{
	const fli_table *table = b->view->table;
	bool has_hash = false;

	w->row = NULL;
	w->bucket = NULL;
	if (b->terms != NULL) {
		w->key = b->terms[at];
		has_hash = w->key.size > 0 && fli_key_hash(table, w->key, &w->hash) == FL_OK;
	} else {
		w->key = (fl_term){.data = text, .size = fli_integer_write(text, b->numbers[at])};
		w->hash = fli_hash_int(table->seed, b->numbers[at]);
		has_hash = true;
	}
	if (has_hash && !fli_table_is_ordered(table))
		fetch_bucket(table, w);
}

static size_t window_size(const batch *b, size_t from)
{
	size_t left = from < b->count ? b->count - from : 0;

	return left < WINDOW ? left : WINDOW;
}

static void take_window(batch *b, size_t from)
{
	unsigned half = from / WINDOW % 2;

	for (size_t i = 0; i < window_size(b, from); i++)
		take_key(b, from + i, &b->windows[half][i], b->texts[half][i]);
}

static void fetch_window(batch *b, size_t from)
{
	for (size_t i = 0; i < window_size(b, from); i++)
		fetch_row(&b->windows[from / WINDOW % 2][i]);
}

static size_t finish_window(batch *b, size_t from, fl_term *ret_objects)
{
	size_t there = 0;

	for (size_t i = 0; i < window_size(b, from); i++)
		there += finish(b->view, &b->windows[from / WINDOW % 2][i], &ret_objects[from + i]);
	return there;
}

static size_t get_batch(batch *b, fl_term *ret_objects)
{
	size_t there = 0;

	take_window(b, 0);
	fetch_window(b, 0);
	for (size_t from = 0; from < b->count; from += WINDOW) {
		take_window(b, from + WINDOW);
		there += finish_window(b, from, ret_objects);
		fetch_window(b, from + WINDOW);
	}
	return there;
}

size_t fl_view_get_many(
	const fl_view *view, const fl_term *keys, size_t count, fl_term *ret_objects)
{
	batch b; /* of windows nothing is read that was not taken */

	b.view = view;
	b.terms = keys;
	b.numbers = NULL;
	b.count = count;
	return count == 0 ? 0 : get_batch(&b, ret_objects);
}

size_t fl_view_get_ints(
	const fl_view *view, const int64_t *keys, size_t count, fl_term *ret_objects)
{
	batch b;

	b.view = view;
	b.terms = NULL;
	b.numbers = keys;
	b.count = count;
	return count == 0 ? 0 : get_batch(&b, ret_objects);
}
