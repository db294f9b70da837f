/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/interop/terms/termtool.h"

static bool rebuild_tuple(fl_buf *buf, fl_term term)
{
	fl_term element;
	size_t i = 0;

	fl_tuple_open(buf);
	for (; fl_tuple_get(term, i, &element); i++)
		if (!tool_rebuild(buf, element))
			return false;
	fl_tuple_close(buf);
	return i == fl_term_arity(term);
}

/* Element by element; a list with a tail of its own kind is rebuilt around that tail. */
static bool rebuild_list(fl_buf *buf, fl_term term)
{
	fl_buf tail = FL_BUF_INIT;
	fl_term element, rest = term;
	bool ok = true;

	while (fl_list_next(&rest, &element))
		;
	if (fl_term_kind(rest) == FL_NIL) {
		fl_list_open(buf);
		while (ok && fl_list_next(&term, &element))
			ok = tool_rebuild(buf, element);
		fl_list_close(buf);
		return ok;
	}
	ok = fl_list_next(&term, &element) && tool_rebuild(&tail, element);
	if (ok && fl_term_kind(term) == FL_LIST) {
		fl_buf more = FL_BUF_INIT;

		ok = rebuild_list(&more, term) &&
		     fl_build(buf, "[~ | ~]", fl_buf_term(&tail), fl_buf_term(&more)) == FL_OK;
		fl_buf_free(&more);
	} else if (ok) {
		ok = fl_build(buf, "[~ | ~]", fl_buf_term(&tail), term) == FL_OK;
	}
	fl_buf_free(&tail);
	return ok;
}

static bool rebuild_map(fl_buf *buf, fl_term term)
{
	fl_term key, value;
	size_t cursor = 0, pairs = 0;

	fl_map_open(buf);
	for (; fl_map_next(term, &cursor, &key, &value); pairs++)
		if (!tool_rebuild(buf, key) || !tool_rebuild(buf, value))
			return false;
	fl_map_close(buf);
	return pairs == fl_term_arity(term);
}

bool tool_rebuild(fl_buf *buf, fl_term term)
{
	switch (fl_term_kind(term)) {
	/* fl_buf keeps at most 32 sequences open; the deepest are copied whole. */
	case FL_TUPLE:
		if (buf->depth < 30)
			return rebuild_tuple(buf, term);
		break;
	case FL_LIST:
		if (buf->depth < 30)
			return rebuild_list(buf, term);
		break;
	case FL_MAP:
		if (buf->depth < 30)
			return rebuild_map(buf, term);
		break;
	case FL_INVALID: return false;
	default: break;
	}
	return fl_build(buf, "~", term) == FL_OK;
}

#define CAPTURE(type, name)                                                                        \
	do {                                                                                       \
		type value;                                                                        \
		if (fl_match(term, "~", &value))                                                   \
			(void)fl_build(buf, "{" name ", ~}", value);                               \
	} while (0)

static void capture_integers(fl_buf *buf, fl_term term)
{
	CAPTURE(int8_t, "i8");
	CAPTURE(int16_t, "i16");
	CAPTURE(int32_t, "i32");
	CAPTURE(int64_t, "i64");
	CAPTURE(uint8_t, "u8");
	CAPTURE(uint16_t, "u16");
	CAPTURE(uint32_t, "u32");
	CAPTURE(uint64_t, "u64");
}

static void capture_others(fl_buf *buf, fl_term term)
{
	bool truth;

	CAPTURE(double, "double");
	CAPTURE(fl_bin, "bin");
	CAPTURE(fl_atom, "atom");
	CAPTURE(fl_pid, "pid");
	CAPTURE(fl_ref, "ref");
	CAPTURE(fl_port, "port");
	CAPTURE(fl_term, "term");
	if (fl_match(term, "~", &truth))
		(void)fl_build(buf, "{bool, ~}", fl_bool(truth));
}

static void capture_parts(fl_buf *buf, fl_term term)
{
	fl_term a, b;

	if (fl_match(term, "{~, ~}", &a, &b))
		(void)fl_build(buf, "{pair, [~, ~]}", a, b);
	if (fl_match(term, "[~ | ~]", &a, &b))
		(void)fl_build(buf, "{cons, [~ | ~]}", a, b);
	if (fl_match(term, "#{ok => ~}", &a))
		(void)fl_build(buf, "{ok, ~}", a);
	if (fl_match(term, "^", &term))
		(void)fl_build(buf, "pinned");
	if (fl_match(term, "[]"))
		(void)fl_build(buf, "nil");
}

bool tool_capture(fl_buf *buf, fl_term term)
{
	fl_list_open(buf);
	capture_integers(buf, term);
	capture_others(buf, term);
	capture_parts(buf, term);
	fl_list_close(buf);
	return buf->error == FL_OK;
}
