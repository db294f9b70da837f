/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update_counter and update_element: an object read, changed element by element and put back under
 * the table's lock, so that no update is lost.
 *
 * - The elements of the object, or of the default with the key in its place, become an array of
 *   views; what an operation sets is built into a buffer beside it; then the tuple is written.
 * - One element of an object that is there needs none of that: table_splice.c.
 * - Operations run in order, each on what the one before left. When one fails nothing is put back.
 *
 * Departs from OTP: a counter of more than 127 bits is FL_ELIMIT.
 */
#include "node/table.h"
#include "node/term/peek.h"
#include "node/wide.h"

typedef struct change {
	fli_table *table;
	fli_mem *mem;
	fl_term *elements;
	uint32_t count;
	fl_buf values; /* what was set, one term after the other; `elements` hold offsets until then
			*/
	size_t *at;    /* offset + 1 in `values`, or 0: as it was */
	fl_buf object;
} change;

/* ---- from an object and back ----------------------------------------------------------------- */

static void change_end(change *c)
{
	fli_free(c->mem, c->elements);
	fli_free(c->mem, c->at);
	fl_buf_free(&c->values);
	fl_buf_free(&c->object);
}

static int change_begin(change *c, fli_table *table, fl_term object)
{
	uint32_t arity = (uint32_t)fl_term_arity(object);

	*c = (change){.table = table, .mem = table->tables->node->mem, .count = arity};
	c->elements = fli_alloc(c->mem, (arity + 1) * sizeof *c->elements);
	c->at = fli_zalloc(c->mem, (arity + 1) * sizeof *c->at);
	if (c->elements == NULL || c->at == NULL) {
		change_end(c);
		return FL_ENOMEM;
	}
	(void)fli_tuple_split(object, arity, c->elements); /* of its own arity */
	return FL_OK;
}

/* None, or one that has a key. */
static bool is_default(const fli_table *table, const fl_term *otherwise)
{
	fli_object object;

	return otherwise == NULL || fli_object_of(*otherwise, table->keypos, &object);
}

/* The object of the key, or the default under that key; FL_ENOENT. */
static int change_of_key(change *c, fli_table *table, fl_term key, const fl_term *otherwise)
{
	fli_spot spot;
	int rc;

	if (!is_default(table, otherwise))
		return FL_EINVAL;
	if (fli_spot_find(table, key, &spot) && spot.row != NULL)
		return change_begin(c, table, fli_row_term(spot.row, NULL));
	if (otherwise == NULL)
		return FL_ENOENT;
	rc = change_begin(c, table, *otherwise);
	if (rc == FL_OK)
		c->elements[table->keypos - 1] = key;
	return rc;
}

static fl_term element(const change *c, uint32_t pos)
{
	size_t at = c->at[pos - 1];
	fl_term value;

	if (at == 0)
		return c->elements[pos - 1];
	value = (fl_term){.data = c->values.data + at - 1, .size = c->values.size - (at - 1)};
	value.size = fli_term_size(value.data, value.size);
	return value;
}

static int put_back(change *c)
{
	fli_object object;

	fl_tuple_open(&c->object);
	for (uint32_t pos = 1; pos <= c->count; pos++)
		(void)fl_build(&c->object, "~", element(c, pos));
	fl_tuple_close(&c->object);
	if (c->object.error != FL_OK)
		return c->object.error;
	if (!fli_object_of(fl_buf_term(&c->object), c->table->keypos, &object))
		return FL_EINVAL;
	return fli_table_put(c->table, &object, 1, false);
}

/* ---- counters -------------------------------------------------------------------------------- */

typedef struct operation {
	uint32_t pos;
	fli_wide by;
	bool has_bound;
	fli_wide bound, reset;
} operation;

static int read_number(fl_term term, fli_wide *ret_value)
{
	if (fli_wide_read(term, ret_value))
		return FL_OK;
	return fl_term_kind(term) == FL_INTEGER ? FL_ELIMIT : FL_EINVAL;
}

static int read_bounded(fl_term term, operation *op)
{
	fl_term by, bound, reset;
	int rc;

	op->has_bound = fl_match(term, "{~, ~, ~, ~}", &op->pos, &by, &bound, &reset);
	if (!op->has_bound)
		return fl_match(term, "{~, ~}", &op->pos, &by) ? read_number(by, &op->by)
							       : FL_EINVAL;
	rc = read_number(by, &op->by);
	if (rc == FL_OK)
		rc = read_number(bound, &op->bound);
	return rc == FL_OK ? read_number(reset, &op->reset) : rc;
}

static fli_wide bounded(const operation *op, fli_wide value)
{
	bool is_beyond = op->by < 0 ? value < op->bound : value > op->bound;

	return op->has_bound && is_beyond ? op->reset : value;
}

static int count_one(change *c, const operation *op, fl_buf *ret_result)
{
	fli_wide value;
	int rc;

	if (op->pos == c->table->keypos)
		return FLI_EKEYPOS;
	if (op->pos == 0 || op->pos > c->count)
		return FLI_EPOSITION;
	rc = read_number(element(c, op->pos), &value);
	if (rc != FL_OK)
		return rc;
	if (!fli_wide_add(value, op->by, &value))
		return FL_ELIMIT;
	value = bounded(op, value);
	c->at[op->pos - 1] = c->values.size + 1;
	(void)fli_wide_write(&c->values, value);
	rc = fli_wide_write(ret_result, value);
	return rc == FL_OK ? c->values.error : rc;
}

static int count_list(change *c, fl_term list, fl_buf *ret_result)
{
	operation op;
	fl_term one;
	int rc = FL_OK;

	fl_list_open(ret_result);
	while (rc == FL_OK && fl_list_next(&list, &one)) {
		rc = read_bounded(one, &op);
		if (rc == FL_OK)
			rc = count_one(c, &op, ret_result);
	}
	fl_list_close(ret_result);
	return rc == FL_OK && fl_term_kind(list) != FL_NIL ? FL_EINVAL : rc;
}

static int count(change *c, fl_term update, fl_buf *ret_result)
{
	operation op = {.pos = c->table->keypos + 1};
	fl_kind kind = fl_term_kind(update);
	int rc;

	if (kind == FL_LIST || kind == FL_NIL)
		return count_list(c, update, ret_result);
	rc = kind == FL_INTEGER ? read_number(update, &op.by) : read_bounded(update, &op);
	return rc == FL_OK ? count_one(c, &op, ret_result) : rc;
}

/* One counter of an object that is there, the common case; false: not that simple. */
static bool count_simple(
	fli_table *table, fl_term key, fl_term update, fl_buf *ret_result, int *ret_rc)
{
	operation op = {.pos = table->keypos + 1};
	uint8_t text[FLI_INTEGER_ROOM];
	fli_splice splice;
	fli_wide value;
	size_t size;

	if ((fl_term_kind(update) == FL_INTEGER ? read_number(update, &op.by)
						: read_bounded(update, &op)) != FL_OK ||
		fli_splice_find(table, key, op.pos, &splice) != FL_OK ||
		!fli_wide_read(splice.element, &value) || !fli_wide_add(value, op.by, &value))
		return false;
	value = bounded(&op, value);
	if (value < INT64_MIN || value > INT64_MAX)
		return false;
	size = fli_integer_write(text, (int64_t)value);
	*ret_rc = fli_wide_write(ret_result, value);
	if (*ret_rc == FL_OK)
		*ret_rc = fli_splice_put(&splice, text, size);
	return true;
}

static int count_key(
	fli_table *table, fl_term key, fl_term update, const fl_term *otherwise, fl_buf *ret_result)
{
	change c;
	int rc;

	if (otherwise != NULL && fl_term_kind(*otherwise) != FL_TUPLE)
		return FL_EINVAL;
	if (fli_table_has_bags(table))
		return FLI_ETYPE;
	if (is_default(table, otherwise) && count_simple(table, key, update, ret_result, &rc))
		return rc;
	rc = change_of_key(&c, table, key, otherwise);
	if (rc != FL_OK)
		return rc;
	rc = count(&c, update, ret_result);
	if (rc == FL_OK)
		rc = put_back(&c);
	change_end(&c);
	return rc;
}

int fli_table_update_counter(
	fl_tab tab, fl_term key, fl_term update, const fl_term *otherwise, fl_buf *ret_result)
{
	fl_buf result = FL_BUF_INIT;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);

	if (rc != FL_OK)
		return rc;
	rc = count_key(use.table, key, update, otherwise, &result);
	fli_use_end(&use);
	if (rc == FL_OK)
		rc = fl_build(ret_result, "~", fl_buf_term(&result));
	fl_buf_free(&result);
	return rc;
}

int fl_table_update_counter_key(
	fl_tab tab, fl_value value, fl_term update, const fl_term *otherwise, fl_buf *ret_result)
{
	fli_key key;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = fli_table_update_counter(tab, key.term, update, otherwise, ret_result);
	fli_key_end(&key);
	return fli_table_rc(rc);
}

/* As count_simple, in numbers. */
static bool add_simple(fli_table *table, fl_term key, int64_t amount, int64_t *total, int *ret_rc)
{
	uint8_t text[FLI_INTEGER_ROOM];
	fli_splice splice;
	fli_cursor c;
	int64_t value;

	if (fli_table_has_bags(table) ||
		fli_splice_find(table, key, table->keypos + 1, &splice) != FL_OK)
		return false;
	c = fli_cursor_make(splice.element.data, splice.element.size);
	if (!fli_peek_int(&c, &value) || __builtin_add_overflow(value, amount, &value))
		return false;
	*ret_rc = fli_splice_put(&splice, text, fli_integer_write(text, value));
	if (*ret_rc == FL_OK)
		*total = value;
	return true;
}

static int add_any(fli_table *table, fl_term key, int64_t amount, int64_t *ret_total)
{
	fl_buf update = FL_BUF_INIT, otherwise = FL_BUF_INIT, result = FL_BUF_INIT;
	fl_term none;
	int rc;

	(void)fl_build(&update, "~", amount);
	rc = fl_build(&otherwise, "{none, 0}");
	if (rc == FL_OK)
		rc = update.error;
	if (rc == FL_OK) {
		none = fl_buf_term(&otherwise);
		rc = count_key(table, key, fl_buf_term(&update), &none, &result);
	}
	if (rc == FL_OK && !fl_match(fl_buf_term(&result), "~", ret_total))
		rc = FL_ELIMIT;
	fl_buf_free(&update);
	fl_buf_free(&otherwise);
	fl_buf_free(&result);
	return rc;
}

int fl_table_add_key(fl_tab tab, fl_value value, int64_t amount, int64_t *ret_total)
{
	fli_key key;
	fli_use use;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);
	if (rc == FL_OK) {
		if (!add_simple(use.table, key.term, amount, ret_total, &rc))
			rc = add_any(use.table, key.term, amount, ret_total);
		fli_use_end(&use);
	}
	fli_key_end(&key);
	return fli_table_rc(rc);
}

/* ---- elements -------------------------------------------------------------------------------- */

static int set_one(change *c, fl_term one)
{
	fl_term value;
	uint32_t pos;

	if (!fl_match(one, "{~, ~}", &pos, &value))
		return FL_EINVAL;
	if (pos == c->table->keypos)
		return FLI_EKEYPOS;
	if (pos == 0 || pos > c->count)
		return FLI_EPOSITION;
	c->at[pos - 1] = c->values.size + 1;
	return fl_build(&c->values, "~", value);
}

/* One element of an object that is there; false: not that simple. */
static bool set_simple(fli_table *table, fl_term key, fl_term update, int *ret_rc)
{
	fli_splice splice;
	fl_term value;
	uint32_t pos;

	if (!fl_match(update, "{~, ~}", &pos, &value) || value.rest != 0 ||
		fli_splice_find(table, key, pos, &splice) != FL_OK)
		return false;
	*ret_rc = fli_splice_put(&splice, value.data, value.size);
	return true;
}

static int set_key(fli_table *table, fl_term key, fl_term update, const fl_term *otherwise)
{
	change c;
	fl_term one;
	int rc;

	if (fli_table_has_bags(table))
		return FL_EINVAL;
	if (is_default(table, otherwise) && set_simple(table, key, update, &rc))
		return rc;
	rc = change_of_key(&c, table, key, otherwise);
	if (rc != FL_OK)
		return rc;
	if (fl_term_kind(update) == FL_TUPLE) {
		rc = set_one(&c, update);
	} else {
		while (rc == FL_OK && fl_list_next(&update, &one))
			rc = set_one(&c, one);
		if (rc == FL_OK && fl_term_kind(update) != FL_NIL)
			rc = FL_EINVAL;
	}
	if (rc == FL_OK)
		rc = put_back(&c);
	change_end(&c);
	return rc;
}

int fli_table_update_element(fl_tab tab, fl_term key, fl_term update, const fl_term *otherwise)
{
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);

	if (rc != FL_OK)
		return rc;
	rc = set_key(use.table, key, update, otherwise);
	fli_use_end(&use);
	return rc;
}

int fl_table_update_element_key(
	fl_tab tab, fl_value value, fl_term update, const fl_term *otherwise)
{
	fli_key key;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = fli_table_update_element(tab, key.term, update, otherwise);
	fli_key_end(&key);
	return fli_table_rc(rc);
}
