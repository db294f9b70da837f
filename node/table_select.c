/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match specifications over a table.
 *
 * - A head that says the key is a lookup; any other walks the table, as fl_table_fold does.
 * - A continuation is a term that holds all there is to know: table, kind, limit, specification,
 * the key where it stands, and how many objects of that key are done. So nothing is kept for who
 *   never comes back, and what is inserted or deleted meanwhile harms nothing.
 * - select_delete holds the table's lock while it runs, so it takes exactly what it counted.
 *
 * Departs from OTP: there a continuation is opaque and not for other nodes; here it may travel.
 */
#include "node/mspec.h"
#include "node/table.h"

typedef struct selection {
	const fli_use *use;
	fli_mspec *spec;
	fli_mrun run;
	fl_buf *out;
	uint32_t limit; /* 0: none */
	uint32_t found;
	fli_spot spot; /* where it stands */
	uint32_t skip; /* objects of that key that are done */
} selection;

static int begin(selection *s, const fli_use *use, fl_table_query query, fl_term spec)
{
	fli_mem *mem = use->tables->node->mem;
	int rc;

	*s = (selection){.use = use};
	rc = fli_mspec_compile(mem, query, spec, &s->spec);
	if (rc != FL_OK)
		return rc;
	rc = fli_mrun_create(&s->run, s->spec);
	if (rc != FL_OK)
		fli_mspec_delete(s->spec);
	return rc;
}

static void end(selection *s)
{
	fli_mrun_destroy(&s->run);
	fli_mspec_delete(s->spec);
}

/* The objects of one key from `skip` on; false: the limit, or an error. */
static bool select_rows(selection *s, int *ret_rc)
{
	fl_term object, result;
	uint32_t done = 0;
	fl_rows rows;

	*ret_rc = fli_rows_take(s->use, s->spot.row, &rows);
	if (*ret_rc != FL_OK)
		return false;
	while (fl_rows_next(&rows, &object)) {
		if (done++ < s->skip)
			continue;
		if (s->limit != 0 && s->found == s->limit) {
			done--;
			break;
		}
		if (fli_mspec_run(&s->run, object, &result)) {
			s->found++;
			*ret_rc = fl_build(s->out, "~", result);
		} else {
			*ret_rc = s->run.error;
		}
		if (*ret_rc != FL_OK)
			break;
	}
	fli_rows_drop(&rows);
	s->skip = done;
	return *ret_rc == FL_OK && done == fli_row_count(s->spot.row);
}

/* From where it stands to the limit or the end. *ret_more: it stands before something. */
static int select_on(selection *s, bool is_there, bool *ret_more)
{
	int rc = FL_OK;

	while (is_there && select_rows(s, &rc)) {
		s->skip = 0;
		is_there = fli_spot_next(s->use->table, &s->spot);
	}
	*ret_more = is_there;
	return rc;
}

static bool first_spot(selection *s, bool *ret_one)
{
	fl_term key;

	*ret_one = fli_mspec_key(s->spec, s->use->table->keypos, &key);
	if (*ret_one)
		return fli_spot_find(s->use->table, key, &s->spot) && s->spot.row != NULL;
	return fli_spot_first(s->use->table, &s->spot);
}

/* ---- all at once ----------------------------------------------------------------------------- */

static int select_all(selection *s)
{
	bool only_one, more;
	bool is_there = first_spot(s, &only_one);
	int rc = FL_OK;

	if (!only_one)
		rc = select_on(s, is_there, &more);
	else if (is_there)
		(void)select_rows(s, &rc);
	return rc;
}

int fl_table_select(fl_tab tab, fl_table_query query, fl_term spec, fl_buf *ret_list)
{
	selection s;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_READ, &use);

	if (rc != FL_OK)
		return rc;
	rc = begin(&s, &use, query, spec);
	if (rc == FL_OK) {
		s.out = ret_list;
		fl_list_open(ret_list);
		rc = select_all(&s);
		fl_list_close(ret_list);
		end(&s);
	}
	fli_use_end(&use);
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
	const fli_table *table = s->use->table;
	fl_term only;

	if (!c->is_on)
		return fli_mspec_key(s->spec, table->keypos, &only)
			       ? fli_spot_find(table, only, &s->spot) && s->spot.row != NULL
			       : fli_spot_first(table, &s->spot);
	if (!fli_spot_find(table, c->key, &s->spot) || s->spot.row == NULL ||
		fli_row_count(s->spot.row) <= c->skip)
		return fli_spot_after(table, c->key, &s->spot);
	s->skip = c->skip;
	return true;
}

static void write_continuation(selection *s, const continuation *c, fl_buf *buf)
{
	fl_term key;

	if (!fl_tuple_get(fli_row_term(s->spot.row, NULL), s->use->table->keypos - 1, &key))
		return; /* each object has a key */
	fl_tuple_open(buf);
	fli_table_id_write(s->use->table, buf);
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
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_READ, &use);

	if (rc != FL_OK)
		return rc;
	rc = begin(&s, &use, c->query, c->spec);
	if (rc == FL_OK) {
		rc = select_piece(&s, c, ret_some);
		end(&s);
	}
	fli_use_end(&use);
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
		query > FL_MATCH_OBJECT || c.limit == 0)
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
		&t->s->run, fli_row_term(row, t->s->use->tables->node->atoms), &result);
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
	bool only_one;
	bool is_there = first_spot(s, &only_one);

	*ret_count = 0;
	while (is_there && t.rc == FL_OK) {
		*ret_count += count_rows(&t, s->spot.row);
		is_there = !only_one && fli_spot_next(s->use->table, &s->spot);
	}
	return t.rc;
}

int fl_table_select_count(fl_tab tab, fl_term spec, size_t *ret_count)
{
	selection s;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_READ, &use);

	if (rc != FL_OK)
		return rc;
	rc = begin(&s, &use, FL_SELECT, spec);
	if (rc == FL_OK) {
		rc = count_all(&s, ret_count);
		end(&s);
	}
	fli_use_end(&use);
	return rc;
}

static int cut_all(fli_table *table, fli_cut *cut)
{
	fli_spot spot;
	bool is_there = fli_spot_first(table, &spot);

	return fli_table_cut_on(table, cut, UINT32_MAX, &spot, &is_there);
}

static int delete_all(selection *s, bool any, size_t *ret_count)
{
	tally t = {.s = s, .any = any};
	fli_cut cut = {.goes = counts, .ctx = &t};
	fl_term key;
	int rc;

	rc = fli_mspec_key(s->spec, s->use->table->keypos, &key)
		     ? fli_table_cut(s->use->table, key, &cut)
		     : cut_all(s->use->table, &cut);
	*ret_count = cut.count;
	return t.rc != FL_OK ? t.rc : rc;
}

int fl_table_select_delete(fl_tab tab, fl_table_query query, fl_term spec, size_t *ret_count)
{
	selection s;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);

	if (rc != FL_OK)
		return rc;
	rc = begin(&s, &use, query, spec);
	if (rc == FL_OK) {
		rc = delete_all(&s, query != FL_SELECT, ret_count);
		end(&s);
	}
	fli_use_end(&use);
	return rc;
}
