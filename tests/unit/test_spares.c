/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/spares.h"

#include "tests/support/suite.h"

static fli_spares spares;

static fli_buf buf_of(size_t capacity)
{
	fli_buf buf;

	fli_buf_create(&buf, fli_mem_libc(), 0);
	if (capacity > 0)
		CU_ASSERT_TRUE_FATAL(fli_buf_grow(&buf, capacity));
	return buf;
}

static void give(size_t capacity)
{
	fli_buf buf = buf_of(capacity);

	fli_spares_give(&spares, &buf);
	CU_ASSERT_PTR_NULL(buf.data);
	CU_ASSERT_EQUAL(buf.capacity, 0);
}

static void block_goes_to_the_next_buffer(void)
{
	fli_buf buf = buf_of(100000), next = buf_of(0);
	uint8_t *data = buf.data;

	fli_spares_create(&spares, fli_mem_libc());
	fli_spares_give(&spares, &buf);
	fli_spares_take(&spares, &next);
	CU_ASSERT_PTR_EQUAL(next.data, data);
	CU_ASSERT(next.capacity >= 100000 && next.size == 0);
	fli_buf_destroy(&next);
	fli_spares_destroy(&spares);
}

static void only_large_blocks_are_kept_and_not_too_large_ones(void)
{
	fli_spares_create(&spares, fli_mem_libc());
	give(100);
	give(FLI_SPARES_BYTES_MAX + 1);
	CU_ASSERT_EQUAL(spares.count, 0);
	give(FLI_SPARES_BYTES_MAX);
	CU_ASSERT_EQUAL(spares.count, 1);
	fli_spares_destroy(&spares);
}

static void count_is_limited(void)
{
	fli_spares_create(&spares, fli_mem_libc());
	for (int i = 0; i < FLI_SPARES_COUNT + 2; i++)
		give(FLI_SPARES_BYTES_MIN);
	CU_ASSERT_EQUAL(spares.count, FLI_SPARES_COUNT);
	fli_spares_destroy(&spares);
}

static void buffer_with_memory_keeps_its_own(void)
{
	fli_buf buf = buf_of(10);
	uint8_t *data = buf.data;

	fli_spares_create(&spares, fli_mem_libc());
	give(FLI_SPARES_BYTES_MIN);
	fli_spares_take(&spares, &buf);
	CU_ASSERT_PTR_EQUAL(buf.data, data);
	fli_buf_destroy(&buf);
	fli_spares_destroy(&spares);
}

static void without_spares_memory_is_freed(void)
{
	fli_buf buf = buf_of(FLI_SPARES_BYTES_MIN);

	fli_spares_give(NULL, &buf);
	CU_ASSERT_PTR_NULL(buf.data);
	fli_spares_take(NULL, &buf);
	CU_ASSERT_PTR_NULL(buf.data);
}

FL_SUITE("spares", FL_TEST(block_goes_to_the_next_buffer),
	FL_TEST(only_large_blocks_are_kept_and_not_too_large_ones), FL_TEST(count_is_limited),
	FL_TEST(buffer_with_memory_keeps_its_own), FL_TEST(without_spares_memory_is_freed));
