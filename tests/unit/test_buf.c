/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/buf.h"

#include "tests/support/fault.h"
#include "tests/support/suite.h"

static void numbers_are_big_endian(void)
{
	static const uint8_t expected[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'x', 'y'};
	fli_buf b;

	fli_buf_create(&b, fli_mem_libc(), 0);
	fli_buf_add8(&b, 1);
	fli_buf_add16(&b, 0x0203);
	fli_buf_add32(&b, 0x04050607);
	fli_buf_add64(&b, 0x08090a0b0c0d0e0f);
	fli_buf_add_text(&b, "xy");
	fli_buf_add(&b, NULL, 0);
	CU_ASSERT_EQUAL(b.size, sizeof expected);
	CU_ASSERT_EQUAL(memcmp(b.data, expected, sizeof expected), 0);
	fli_buf_destroy(&b);
	CU_ASSERT(b.data == NULL && b.size == 0);
}

static void failure_is_sticky_until_cleared(void)
{
	fli_buf b;

	fli_buf_create(&b, fli_mem_libc(), 4);
	fli_buf_add_text(&b, "abc");
	fli_buf_add_text(&b, "de");
	CU_ASSERT(b.failed && b.size == 3);
	fli_buf_add8(&b, 'd');
	CU_ASSERT_EQUAL(b.size, 3);
	fli_buf_clear(&b, 1000);
	fli_buf_add_text(&b, "abcd");
	CU_ASSERT(!b.failed && b.size == 4);
	fli_buf_destroy(&b);
}

static void clearing_keeps_memory_up_to_a_bound(void)
{
	fli_buf b;

	fli_buf_create(&b, fli_mem_libc(), 0);
	fli_buf_add(&b, "0123456789", 10);
	fli_buf_clear(&b, b.capacity);
	CU_ASSERT(b.capacity > 0 && b.size == 0);
	fli_buf_add8(&b, 1);
	fli_buf_clear(&b, b.capacity - 1);
	CU_ASSERT_EQUAL(b.capacity, 0);
	fli_buf_destroy(&b);
}

static void the_front_can_be_cut_off(void)
{
	fli_buf b;

	fli_buf_create(&b, fli_mem_libc(), 0);
	fli_buf_add_text(&b, "hello");
	fli_buf_consume(&b, 2);
	CU_ASSERT(b.size == 3 && memcmp(b.data, "llo", 3) == 0);
	fli_buf_consume(&b, 3);
	CU_ASSERT_EQUAL(b.size, 0);
	fli_buf_destroy(&b);
}

static void absurd_sizes_are_refused(void)
{
	fli_buf b;

	fli_buf_create(&b, fli_mem_libc(), 0);
	CU_ASSERT_FALSE(fli_buf_grow(&b, SIZE_MAX));
	CU_ASSERT_TRUE(b.failed);
	CU_ASSERT_PTR_NULL(fli_buf_extend(&b, 1));
	fli_buf_destroy(&b);
}

static void lack_of_memory_keeps_what_was_there(void)
{
	fli_fault fault;
	fli_buf b;

	fli_fault_create(&fault, 2);
	fli_buf_create(&b, &fault.mem, 0);
	fli_buf_add_text(&b, "abc");
	for (int i = 0; i < 100; i++)
		fli_buf_printf(&b, "%d ", i);
	CU_ASSERT(b.failed && b.size >= 3 && memcmp(b.data, "abc", 3) == 0);
	fli_buf_destroy(&b);
	CU_ASSERT_EQUAL(fault.live, 0);
}

static void formatted_text_is_appended_without_its_end(void)
{
	fli_buf b;

	fli_buf_create(&b, fli_mem_libc(), 0);
	fli_buf_printf(&b, "%s=%d", "n", 42);
	fli_buf_printf(&b, ";");
	CU_ASSERT(b.size == 5 && memcmp(b.data, "n=42;", 5) == 0);
	fli_buf_destroy(&b);
}

static void cursors_never_pass_their_end(void)
{
	static const uint8_t data[] = {1, 2, 3};
	fli_cursor c = fli_cursor_make(data, sizeof data);
	const uint8_t *bytes;
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	CU_ASSERT_FALSE(fli_take32(&c, &v32));
	CU_ASSERT_FALSE(fli_take64(&c, &v64));
	CU_ASSERT_FALSE(fli_take(&c, 4, &bytes));
	CU_ASSERT(fli_take8(&c, &v8) && v8 == 1);
	CU_ASSERT(fli_take16(&c, &v16) && v16 == 0x0203);
	CU_ASSERT_FALSE(fli_take8(&c, &v8));
	CU_ASSERT_FALSE(fli_take16(&c, &v16));
	CU_ASSERT_TRUE(fli_take(&c, 0, &bytes));
	CU_ASSERT_EQUAL(fli_left(&c), 0);
}

FL_SUITE("buf", FL_TEST(numbers_are_big_endian), FL_TEST(failure_is_sticky_until_cleared),
	FL_TEST(clearing_keeps_memory_up_to_a_bound), FL_TEST(the_front_can_be_cut_off),
	FL_TEST(absurd_sizes_are_refused), FL_TEST(lack_of_memory_keeps_what_was_there),
	FL_TEST(formatted_text_is_appended_without_its_end), FL_TEST(cursors_never_pass_their_end));
