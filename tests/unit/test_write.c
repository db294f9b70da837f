/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/write.h"

#include <math.h>
#include <string.h>

#include "node/term/peek.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

#define U4(x) 0, 0, 0, (x)
#define HAS(buf, ...)                                                                              \
	has(buf, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static fli_buf *fresh(void)
{
	static fli_buf buf;

	if (buf.mem != NULL)
		fli_buf_destroy(&buf);
	fli_buf_create(&buf, fli_mem_libc(), 0);
	return &buf;
}

static bool has(fli_buf *buf, const uint8_t *bytes, size_t size)
{
	bool is_same = !buf->failed && buf->size == size && memcmp(buf->data, bytes, size) == 0;

	fli_buf_destroy(buf);
	return is_same;
}

static void integers_take_their_shortest_form(void)
{
	fli_buf *b = fresh();

	fli_write_int(b, 255);
	CU_ASSERT_TRUE(HAS(b, 97, 255));
	fli_write_int(b, 256);
	CU_ASSERT_TRUE(HAS(b, 98, 0, 0, 1, 0));
	fli_write_int(b, -1);
	CU_ASSERT_TRUE(HAS(b, 98, 255, 255, 255, 255));
	fli_write_int(b, INT32_MIN);
	CU_ASSERT_TRUE(HAS(b, 98, 128, 0, 0, 0));
	fli_write_int(b, (int64_t)INT32_MAX + 1);
	CU_ASSERT_TRUE(HAS(b, 110, 4, 0, 0, 0, 0, 128));
	fli_write_int(b, INT64_MIN);
	CU_ASSERT_TRUE(HAS(b, 110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128));
	fli_write_uint(b, UINT64_MAX);
	CU_ASSERT_TRUE(HAS(b, 110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255));
	fli_write_uint(b, 7);
	CU_ASSERT_TRUE(HAS(b, 97, 7));
}

static void every_integer_reads_back(void)
{
	uint64_t seed = 5;

	for (int i = 0; i < 20000; i++) {
		fli_buf *b = fresh();
		int64_t value, read = 0;
		fli_cursor c;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		value = (int64_t)seed >> (seed >> 7 & 63);
		fli_write_int(b, value);
		c = fli_cursor_make(b->data, b->size);
		CU_ASSERT(fli_peek_int(&c, &read) && read == value && fli_left(&c) == 0);
	}
	(void)fresh();
}

static void atoms_of_over_255_bytes_take_the_long_form(void)
{
	char text[1021];
	fli_buf *b = fresh();

	memset(text, 'x', sizeof text);
	fli_write_atom(b, (fl_atom){text, 255});
	CU_ASSERT(b->size == 257 && b->data[0] == 119);
	b = fresh();
	fli_write_atom(b, (fl_atom){text, 256});
	CU_ASSERT(b->size == 259 && b->data[0] == 118);
	b = fresh();
	fli_write_atom(b, (fl_atom){text, 1021});
	CU_ASSERT(b->failed && b->size == 0);
	fli_write_atom(fresh(), fl_atom_of(""));
	CU_ASSERT_TRUE(HAS(b, 119, 0));
}

static void containers_have_their_heads(void)
{
	fli_buf *b = fresh();

	fli_write_tuple(b, 255);
	fli_write_tuple(b, 256);
	fli_write_list(b, 2);
	fli_write_list(b, 0);
	fli_write_map(b, 3);
	fli_write_nil(b);
	CU_ASSERT_TRUE(HAS(b, 104, 255, 105, 0, 0, 1, 0, 108, U4(2), 116, U4(3), 106));
	fli_write_tuple(fresh(), 1u << 24);
	CU_ASSERT_TRUE(b->failed);
}

static void a_float_must_be_finite(void)
{
	fli_buf *b = fresh();

	fli_write_double(b, -1.5);
	CU_ASSERT_TRUE(HAS(b, 70, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0));
	fli_write_double(fresh(), INFINITY);
	CU_ASSERT_TRUE(b->failed);
	fli_write_double(fresh(), NAN);
	CU_ASSERT_TRUE(b->failed);
}

static void strings_are_charlists(void)
{
	static char longer[65537];
	fli_buf *b = fresh();

	fli_write_string(b, "abc");
	CU_ASSERT_TRUE(HAS(b, 107, 0, 3, 'a', 'b', 'c'));
	fli_write_string(b, "");
	CU_ASSERT_TRUE(HAS(b, 106));
	fli_write_string(b, "\xc3\xa9");
	CU_ASSERT_TRUE(HAS(b, 107, 0, 1, 0xe9));
	fli_write_string(b, "\xe2\x82\xac");
	CU_ASSERT_TRUE(HAS(b, 108, U4(1), 98, 0, 0, 0x20, 0xac, 106));
	memset(longer, 'x', 65536);
	fli_write_string(b, longer);
	CU_ASSERT(b->size == 5 + 2 * 65536 + 1 && b->data[0] == 108);
	longer[65535] = '\0';
	fli_write_string(fresh(), longer);
	CU_ASSERT(b->size == 3 + 65535 && b->data[0] == 107);
	(void)fresh();
}

static void identifiers_read_back(void)
{
	fl_pid pid = {{"a@b", 3}, 1, 2, 3}, pid2;
	fl_ref ref = {{"a@b", 3}, 9, 5, {1, 2, 3, 4, 5}}, ref2;
	fl_port narrow = {{"a@b", 3}, 5, 6}, wide = {{"a@b", 3}, UINT64_C(1) << 28, 6}, port;
	fli_buf *b = fresh();
	fli_cursor c;

	fli_write_pid(b, &pid);
	fli_write_ref(b, &ref);
	fli_write_port(b, &narrow);
	fli_write_port(b, &wide);
	c = fli_cursor_make(b->data, b->size);
	CU_ASSERT(fli_peek_pid(&c, NULL, &pid2) && fl_pid_eq(&pid, &pid2));
	CU_ASSERT(fli_peek_ref(&c, NULL, &ref2) && fl_ref_eq(&ref, &ref2));
	CU_ASSERT_EQUAL(*c.at, 89);
	CU_ASSERT(fli_peek_port(&c, NULL, &port) && port.id == 5);
	CU_ASSERT_EQUAL(*c.at, 120);
	CU_ASSERT(fli_peek_port(&c, NULL, &port) && port.id == UINT64_C(1) << 28);
	CU_ASSERT_EQUAL(fli_left(&c), 0);
	ref.count = 6;
	fli_write_ref(fresh(), &ref);
	CU_ASSERT_TRUE(b->failed);
}

static void the_rest_of_a_list_gets_a_head(void)
{
	static const uint8_t list[] = {108, U4(2), 97, 1, 97, 2, 106};
	static const uint8_t string[] = {107, 0, 2, 'a', 'b'};
	fl_term rest = {.data = list, .size = sizeof list}, element;
	fli_buf *b = fresh();

	CU_ASSERT_TRUE(fl_list_next(&rest, &element));
	fli_write_term(b, rest);
	CU_ASSERT_TRUE(HAS(b, 108, U4(1), 97, 2, 106));
	rest = (fl_term){.data = string, .size = sizeof string};
	CU_ASSERT_TRUE(fl_list_next(&rest, &element));
	fli_write_term(b, rest);
	CU_ASSERT_TRUE(HAS(b, 107, 0, 1, 'b'));
	CU_ASSERT_TRUE(fl_list_next(&rest, &element));
	fli_write_term(b, rest);
	CU_ASSERT_TRUE(HAS(b, 106));
}

static void every_writer_survives_lack_of_memory(void)
{
	fl_pid pid = {{"a@b", 3}, 1, 2, 3};
	fl_ref ref = {{"a@b", 3}, 9, 5, {1, 2, 3, 4, 5}};
	fl_port port = {{"a@b", 3}, 5, 6};
	bool was_hit = true;

	for (long n = 1; was_hit; n++) {
		fli_fault fault;
		fli_buf b;

		fli_fault_create(&fault, n);
		fli_buf_create(&b, &fault.mem, 0);
		for (int i = 0; i < 30; i++) {
			fli_write_tuple(&b, 1000);
			fli_write_tuple(&b, 1);
			fli_write_int(&b, INT64_MIN);
			fli_write_int(&b, 1);
			fli_write_double(&b, 1);
			fli_write_atom(&b, fl_atom_of("abc"));
			fli_write_binary(&b, "abc", 3);
			fli_write_string(&b, "abc");
			fli_write_pid(&b, &pid);
			fli_write_ref(&b, &ref);
			fli_write_port(&b, &port);
		}
		was_hit = fault.was_hit;
		CU_ASSERT_EQUAL(b.failed, was_hit);
		fli_buf_destroy(&b);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
}

FL_SUITE("write", FL_TEST(integers_take_their_shortest_form), FL_TEST(every_integer_reads_back),
	FL_TEST(atoms_of_over_255_bytes_take_the_long_form), FL_TEST(containers_have_their_heads),
	FL_TEST(a_float_must_be_finite), FL_TEST(strings_are_charlists),
	FL_TEST(identifiers_read_back), FL_TEST(the_rest_of_a_list_gets_a_head),
	FL_TEST(every_writer_survives_lack_of_memory));
