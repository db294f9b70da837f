/* SPDX-License-Identifier: Apache-2.0 */
#include <flitch/ei.h>
#include <string.h>

#include "tests/support/suite.h"

static void term_is_read_by_eis_decoders(void)
{
	fl_buf buf = FL_BUF_INIT;
	const char *bytes;
	char atom[MAXATOMLEN];
	int index, arity;
	long number = 0;

	CU_ASSERT_EQUAL(fl_build(&buf, "{add, ~}", 41), FL_OK);
	bytes = fl_ei_bytes(fl_buf_term(&buf), &index);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_EQUAL(ei_decode_tuple_header(bytes, &index, &arity), 0);
	CU_ASSERT_EQUAL(arity, 2);
	CU_ASSERT_EQUAL(ei_decode_atom(bytes, &index, atom), 0);
	CU_ASSERT_STRING_EQUAL(atom, "add");
	CU_ASSERT_EQUAL(ei_decode_long(bytes, &index, &number), 0);
	CU_ASSERT_EQUAL(number, 41);
	fl_buf_free(&buf);
}

static void answer_is_built_by_eis_encoders(void)
{
	fl_buf buf = FL_BUF_INIT;
	ei_x_buff x;
	double number = 0;

	CU_ASSERT_EQUAL(ei_x_new_with_version(&x), 0);
	CU_ASSERT_EQUAL(ei_x_encode_tuple_header(&x, 2), 0);
	CU_ASSERT_EQUAL(ei_x_encode_atom(&x, "ok"), 0);
	CU_ASSERT_EQUAL(ei_x_encode_double(&x, 1.5), 0);
	CU_ASSERT_EQUAL(fl_build_ei(&buf, &x), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&buf), "{ok, ~}", &number));
	CU_ASSERT_EQUAL(number, 1.5);
	CU_ASSERT_EQUAL(ei_x_free(&x), 0);
	fl_buf_free(&buf);
}

static void half_a_term_is_refused(void)
{
	fl_buf buf = FL_BUF_INIT;
	ei_x_buff x;

	CU_ASSERT_EQUAL(ei_x_new(&x), 0);
	CU_ASSERT_EQUAL(ei_x_encode_tuple_header(&x, 2), 0);
	CU_ASSERT_EQUAL(ei_x_encode_atom(&x, "ok"), 0);
	CU_ASSERT_EQUAL(fl_build_ei(&buf, &x), FL_EFORMAT);
	CU_ASSERT_EQUAL(buf.size, 0);
	CU_ASSERT_EQUAL(ei_x_free(&x), 0);
	fl_buf_free(&buf);
}

static void rest_of_a_list_wants_a_copy(void)
{
	fl_buf buf = FL_BUF_INIT;
	fl_term rest;
	int index;

	CU_ASSERT_EQUAL(fl_build(&buf, "[a, b]"), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&buf), "[a | ~]", &rest));
	CU_ASSERT_PTR_NULL(fl_ei_bytes(rest, &index));
	rest = fl_copy(rest);
	CU_ASSERT_PTR_NOT_NULL(fl_ei_bytes(rest, &index));
	fl_term_free(rest);
	fl_buf_free(&buf);
}

FL_SUITE("ei", FL_TEST(term_is_read_by_eis_decoders), FL_TEST(answer_is_built_by_eis_encoders),
	FL_TEST(half_a_term_is_refused), FL_TEST(rest_of_a_list_wants_a_copy));
