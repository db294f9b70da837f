/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match specifications over a table.
 *
 * - A head that says the key is a lookup; any other walks the table, as fl_table_fold does.
 * - A continuation is a term that holds all there is to know: table, kind, limit, specification,
 *   the key where it stands, and how many objects of that key are done. So nothing is kept for who
 *   never comes back, and what is inserted or deleted meanwhile harms nothing.
 * - What walks a table does so by pieces of some keys: between two it leaves its epoch, so that
 *   memory which waits for readers is freed, and gives up the lock of a select_delete to who waits
 *   for it. It goes on from the key where it stood. What is inserted or deleted meanwhile may be
 *   seen or not, as in OTP.
 *
 * Failure: a specification that takes FLI_MSPEC_STEPS_MAX steps, or a result beyond
 * FLI_TABLE_RESULT_MAX, is FL_ELIMIT; what select_delete has deleted by then is gone.
 *
 * Departs from OTP: there a continuation is opaque and not for other nodes; here it may travel.
 */
#include "node/mspec.h"
#include "node/table.h"

enum { PIECE = 512 /* keys, some 100 us */ };

typedef struct selection {
	fli_use use;
	fli_mspec *spec;
	fli_mrun run;
	fl_buf *out;
	uint32_t limit; /* 0: none */
	uint32_t found;
	fli_spot spot; /* where it stands */
	uint32_t skip; /* objects of that key that are done */
	uint32_t left; /* keys of the piece */
	bool has_key;  /* only objects of `key` can match */
	fl_term key;
	bool is_back; /* from the end of an ordered_set on */
	bool is_open; /* `use` */
} selection;

static int begin(
	selection *s, fl_tab tab, fli_table_right right, fl_table_query query, fl_term spec)
{
	int rc;

	*s = (selection){.left = PIECE, .is_back = query == FL_SELECT_REVERSE};
	rc = fli_use_begin(tab, right, &s->use);
	if (rc != FL_OK)
		return rc;
	s->is_open = true;
	if (s->is_back)
		query = FL_SELECT;
	rc = fli_mspec_compile(tab.node->mem, query, spec, &s->spec);
	if (rc == FL_OK) {
		rc = fli_mrun_create(&s->run, s->spec);
		if (rc != FL_OK)
			fli_mspec_delete(s->spec);
	}
	if (rc == FL_OK)
		s->has_key = fli_mspec_key(s->spec, s->use.table->keypos, &s->key);
	else
		fli_use_end(&s->use);
	return rc;
}

static void end(selection *s)
{
	if (s->is_open)
		fli_use_end(&s->use);
	fli_mrun_destroy(&s->run);
	fli_mspec_delete(s->spec);
}

/* A piece has ended before the place where it stands; others have their turn. */
static int let_others(selection *s, bool *ret_there)
{
	int rc = fli_use_pause(&s->use, &s->spot, s->is_back, ret_there);

	s->left = PIECE;
	s->is_open = rc == FL_OK;
	return rc;
}

static bool next_spot(selection *s)
{
	const fli_table *table = s->use.table;

	if (!s->is_back)
		return fli_spot_next(table, &s->spot);
	return fli_spot_before(table, fli_row_key(s->spot.row, NULL), &s->spot);
}

/* To the next key; *ret_there: there is one. */
static int step_on(selection *s, bool *ret_there)
{
	*ret_there = !s->has_key && next_spot(s);
	s->skip = 0;
	if (--s->left > 0 || !*ret_there)
		return FL_OK;
	return let_others(s, ret_there);
}

/* The objects of one key from `skip` on; false: the limit, or an error. */
static bool select_rows(selection *s, int *ret_rc)
{
	fl_term object, result;
	uint32_t done = 0, all;
	fl_rows rows;

	*ret_rc = fli_rows_take(&s->use, s->spot.row, &rows);
	if (*ret_rc != FL_OK)
		return false;
	all = rows.left;
	while (*ret_rc == FL_OK && fl_rows_next(&rows, &object)) {
		if (done++ < s->skip)
			continue;
		if (s->limit != 0 && s->found == s->limit) {
			done--;
			break;
		}
		if (fli_mspec_run(&s->run, object, &result)) {
			s->found++;
			*ret_rc = fl_build(s->out, "~", result);
			if (s->out->size > FLI_TABLE_RESULT_MAX)
				*ret_rc = FL_ELIMIT;
		} else {
			*ret_rc = s->run.error;
		}
	}
	fli_rows_drop(&rows);
	s->skip = done;
	return *ret_rc == FL_OK && done == all;
}

/* From where it stands to the limit or the end. *ret_more: it stands before something. */
static int select_on(selection *s, bool is_there, bool *ret_more)
{
	int rc = FL_OK;

	while (is_there && rc == FL_OK && select_rows(s, &rc))
		rc = step_on(s, &is_there);
	*ret_more = is_there;
	return rc;
}

static bool first_spot(selection *s)
{
	if (s->has_key)
		return fli_spot_find(s->use.table, s->key, &s->spot) && s->spot.row != NULL;
	return s->is_back ? fli_spot_last(s->use.table, &s->spot)
			  : fli_spot_first(s->use.table, &s->spot);
}

/* ---- all at once ----------------------------------------------------------------------------- */

int fl_table_select(fl_tab tab, fl_table_query query, fl_term spec, fl_buf *ret_list)
{
	selection s;
	bool more;
	int rc = begin(&s, tab, FLI_TABLE_READ, query, spec);

	if (rc != FL_OK)
		return rc;
	s.out = ret_list;
	fl_list_open(ret_list);
	rc = select_on(&s, first_spot(&s), &more);
	fl_list_close(ret_list);
	end(&s);
	return rc == FL_OK ? ret_list->error : rc;
}

/* ---- by pieces ------------------------------------------------------------------------------- */

typedef struct continuation {
	fl_table_query query;
	fl_term spec;
	uint32_t limit;
	bool is_on; /* `key` is where it stands */
	fl_term key;
	uint32_t skip;
} continuation;

/* Where the continuation stands. */
static bool stand(selection *s, const continuation *c)
{
	const fli_table *table = s->use.table;

	if (!c->is_on)
		return first_spot(s);
	if (!fli_spot_find(table, c->key, &s->spot) || s->spot.row == NULL ||
		fli_row_count(s->spot.row) <= c->skip)
		return !s->has_key && (s->is_back ? fli_spot_before(table, c->key, &s->spot)
						  : fli_spot_after(table, c->key, &s->spot));
	s->skip = c->skip;
	return true;
}

static void write_continuation(selection *s, const continuation *c, fl_buf *buf)
{
	fl_term key;

	if (!fl_tuple_get(fli_row_term(s->spot.row, NULL), s->use.table->keypos - 1, &key))
		return; /* each object has a key */
	fl_tuple_open(buf);
	fli_table_id_write(s->use.table, buf);
	(void)fl_build(buf, "~", (int)c->query);
	(void)fl_build(buf, "~", c->limit);
	(void)fl_build(buf, "~", c->spec);
	(void)fl_build(buf, "~", key);
	(void)fl_build(buf, "~", s->skip);
	fl_tuple_close(buf);
}

static int select_piece(selection *s, const continuation *c, fl_buf *ret_some)
{
	fl_buf list = FL_BUF_INIT;
	bool more;
	int rc;

	s->limit = c->limit;
	s->out = &list;
	fl_list_open(&list);
	rc = select_on(s, stand(s, c), &more);
	fl_list_close(&list);
	rc = rc == FL_OK ? list.error : rc;
	if (rc == FL_OK && s->found == 0) {
		rc = fl_build(ret_some, "'$end_of_table'");
	} else if (rc == FL_OK) {
		fl_tuple_open(ret_some);
		(void)fl_build(ret_some, "~", fl_buf_term(&list));
		if (more)
			write_continuation(s, c, ret_some);
		else
			(void)fl_build(ret_some, "'$end_of_table'");
		fl_tuple_close(ret_some);
		rc = ret_some->error;
	}
	fl_buf_free(&list);
	return rc;
}

static int select_from(fl_tab tab, const continuation *c, fl_buf *ret_some)
{
	selection s;
	int rc = begin(&s, tab, FLI_TABLE_READ, c->query, c->spec);

	if (rc != FL_OK)
		return rc;
	rc = select_piece(&s, c, ret_some);
	end(&s);
	return rc;
}

int fl_table_select_some(
	fl_tab tab, fl_table_query query, fl_term spec, uint32_t limit, fl_buf *ret_some)
{
	continuation c = {.query = query, .spec = spec, .limit = limit};

	return limit == 0 ? FL_EINVAL : select_from(tab, &c, ret_some);
}

int fl_table_select_more(fl_tab tab, fl_term from, fl_buf *ret_some)
{
	continuation c = {.is_on = true};
	uint32_t query;
	fl_term table;

	if (fl_match(from, "'$end_of_table'"))
		return fl_build(ret_some, "'$end_of_table'");
	if (!fl_match(from, "{~, ~, ~, ~, ~, ~}", &table, &query, &c.limit, &c.spec, &c.key,
		    &c.skip) ||
		query > FL_SELECT_REVERSE || c.limit == 0)
		return FL_EINVAL;
	c.query = (fl_table_query)query;
	return select_from(tab, &c, ret_some);
}

/* ---- counting and deleting ------------------------------------------------------------------- */

static bool is_true(fl_term result)
{
	bool value;

	return fl_match(result, "~", &value) && value;
}

typedef struct tally {
	selection *s;
	bool any; /* match_delete: whatever the body says */
	int rc;
} tally;

static bool counts(void *ctx, const fli_row *row)
{
	tally *t = ctx;
	fl_term result;
	bool matches;

	if (t->rc != FL_OK)
		return false;
	matches = fli_mspec_run(
		&t->s->run, fli_row_term(row, t->s->use.tables->node->atoms), &result);
	t->rc = t->s->run.error;
	return matches && (t->any || is_true(result));
}

static size_t count_rows(tally *t, const fli_row *row)
{
	size_t count = 0;

	for (; row != NULL; row = row->older)
		count += counts(t, row);
	return count;
}

static int count_all(selection *s, size_t *ret_count)
{
	tally t = {.s = s};
	bool is_there = first_spot(s);
	int rc = FL_OK;

	*ret_count = 0;
	while (is_there && rc == FL_OK) {
		*ret_count += count_rows(&t, s->spot.row);
		rc = t.rc == FL_OK ? step_on(s, &is_there) : t.rc;
	}
	return rc;
}

int fl_table_select_count(fl_tab tab, fl_term spec, size_t *ret_count)
{
	selection s;
	int rc = begin(&s, tab, FLI_TABLE_READ, FL_SELECT, spec);

	if (rc != FL_OK)
		return rc;
	rc = count_all(&s, ret_count);
	end(&s);
	return rc;
}

static int delete_pieces(selection *s, fli_cut *cut)
{
	bool is_there = fli_spot_first(s->use.table, &s->spot);
	int rc = FL_OK;

	while (is_there && rc == FL_OK) {
		rc = fli_table_cut_on(s->use.table, cut, PIECE, &s->spot, &is_there);
		if (is_there && rc == FL_OK)
			rc = let_others(s, &is_there);
	}
	return rc;
}

static int delete_all(selection *s, bool any, size_t *ret_count)
{
	tally t = {.s = s, .any = any};
	fli_cut cut = {.goes = counts, .ctx = &t};
	int rc = s->has_key ? fli_table_cut(s->use.table, s->key, &cut) : delete_pieces(s, &cut);

	*ret_count = cut.count;
	return t.rc != FL_OK ? t.rc : rc;
}

int fl_table_select_delete(fl_tab tab, fl_table_query query, fl_term spec, size_t *ret_count)
{
	selection s;
	int rc = begin(&s, tab, FLI_TABLE_WRITE, query, spec);

	if (rc != FL_OK)
		return rc;
	rc = delete_all(&s, query == FL_MATCH, ret_count);
	end(&s);
	return rc;
}

/* ---- replacing ------------------------------------------------------------------------------- */

static bool replaces(void *ctx, fl_term object, fl_term *ret_object)
{
	tally *t = ctx;
	bool matches = t->rc == FL_OK && fli_mspec_run(&t->s->run, object, ret_object);

	if (t->rc == FL_OK)
		t->rc = t->s->run.error;
	return matches;
}

static int replace_all(selection *s, size_t *ret_count)
{
	tally t = {.s = s};
	fli_replace replace = {.change = replaces, .ctx = &t};
	bool is_there = first_spot(s);
	int rc = FL_OK;

	while (is_there && rc == FL_OK) {
		rc = fli_table_replace(s->use.table, &s->spot, &replace);
		if (rc == FL_OK)
			rc = t.rc;
		if (rc == FL_OK)
			rc = step_on(s, &is_there);
	}
	*ret_count = replace.count;
	return rc;
}

int fli_table_select_replace(fl_tab tab, fl_term spec, size_t *ret_count)
{
	fl_table_info info;
	selection s;
	int rc = fl_table_info_get(tab, &info);

	if (rc == FL_OK && info.type == FL_TABLE_BAG)
		return FLI_ETYPE;
	if (rc == FL_OK)
		rc = begin(&s, tab, FLI_TABLE_WRITE, FL_SELECT, spec);
	if (rc != FL_OK)
		return rc;
	rc = fli_mspec_keeps_key(spec, info.keypos) ? replace_all(&s, ret_count) : FL_EINVAL;
	end(&s);
	return rc;
}

int fl_table_select_replace(fl_tab tab, fl_term spec, size_t *ret_count)
{
	return fli_table_rc(fli_table_select_replace(tab, spec, ret_count));
}
