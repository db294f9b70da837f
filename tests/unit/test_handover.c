/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/handover.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

enum { SIZE = 5 * FLI_HANDOVER_CREDIT + 12345 };

static void checksum_is_that_of_rfc_3720(void)
{
	uint8_t zeros[32] = {0}, ones[32], rising[32];

	memset(ones, 0xff, sizeof ones);
	for (uint8_t i = 0; i < 32; i++)
		rising[i] = i;
	CU_ASSERT_EQUAL(fli_crc32c(zeros, 32), 0x8a9136aa);
	CU_ASSERT_EQUAL(fli_crc32c(ones, 32), 0x62a8ab43);
	CU_ASSERT_EQUAL(fli_crc32c(rising, 32), 0x46dd794e);
	CU_ASSERT_EQUAL(fli_crc32c("123456789", 9), 0xe3069283);
}

static uint8_t *make_state(void)
{
	uint8_t *bytes = malloc(SIZE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * i >> 7);
	return bytes;
}

static void state_arrives_whole_and_never_beyond_its_credit(void)
{
	uint8_t *bytes = make_state();
	fli_giving g = {.bytes = bytes, .size = SIZE};
	fli_taking t = {0};
	uint64_t upto;
	fli_chunk chunk;
	int chunks = 0;

	CU_ASSERT_FALSE(fli_giving_next(&g, &chunk));
	CU_ASSERT_TRUE_FATAL(fli_taking_begin(&t, fli_mem_libc(), SIZE, SIZE));
	while (!fli_taking_is_whole(&t)) {
		CU_ASSERT_TRUE_FATAL(fli_taking_credit(&t, &upto));
		CU_ASSERT_TRUE(fli_giving_credit(&g, upto));
		while (fli_giving_next(&g, &chunk)) {
			chunks++;
			CU_ASSERT(chunk.offset + chunk.size <= upto);
			CU_ASSERT_TRUE_FATAL(fli_taking_chunk(&t, &chunk));
		}
	}
	CU_ASSERT_EQUAL(chunks, SIZE / FLI_HANDOVER_CHUNK + 1);
	CU_ASSERT_EQUAL(memcmp(t.bytes, bytes, SIZE), 0);
	fli_taking_end(&t);
	free(bytes);
}

static void pieces_that_are_not_right_are_refused(void)
{
	uint8_t *bytes = make_state();
	fli_giving g = {.bytes = bytes, .size = SIZE, .credit = FLI_HANDOVER_CREDIT};
	fli_taking t = {0};
	fli_chunk chunk, wrong;

	CU_ASSERT_TRUE_FATAL(fli_taking_begin(&t, fli_mem_libc(), SIZE, SIZE));
	CU_ASSERT_TRUE_FATAL(fli_giving_next(&g, &chunk));
	wrong = chunk;
	wrong.crc ^= 1;
	CU_ASSERT_FALSE(fli_taking_chunk(&t, &wrong));
	wrong = chunk;
	wrong.offset = 1;
	CU_ASSERT_FALSE(fli_taking_chunk(&t, &wrong));
	wrong = chunk;
	wrong.size = 0;
	CU_ASSERT_FALSE(fli_taking_chunk(&t, &wrong));
	CU_ASSERT_TRUE(fli_taking_chunk(&t, &chunk));
	CU_ASSERT_FALSE(fli_taking_chunk(&t, &chunk)); /* again */
	t.size = t.have + 1;
	CU_ASSERT_TRUE(fli_giving_next(&g, &chunk));
	CU_ASSERT_FALSE(fli_taking_chunk(&t, &chunk)); /* more than was said */
	fli_taking_end(&t);
	free(bytes);
}

static void limits_and_credits_are_kept(void)
{
	fli_giving g = {.bytes = (const uint8_t *)"x", .size = 100, .credit = 10};
	fli_taking t = {0};

	CU_ASSERT_FALSE(fli_taking_begin(&t, fli_mem_libc(), 0, 100));
	CU_ASSERT_FALSE(fli_taking_begin(&t, fli_mem_libc(), 101, 100));
	CU_ASSERT_FALSE(fli_taking_begin(&t, fli_mem_libc(), UINT64_MAX, 100));
	CU_ASSERT_TRUE(fli_taking_begin(&t, fli_mem_libc(), 100, 100));
	CU_ASSERT_PTR_NULL(t.bytes); /* nothing has come */
	CU_ASSERT_FALSE(fli_giving_credit(&g, 9));
	CU_ASSERT_FALSE(fli_giving_credit(&g, 101));
	CU_ASSERT_TRUE(fli_giving_credit(&g, 100));
	fli_taking_end(&t);
}

FL_SUITE("handover", FL_TEST(checksum_is_that_of_rfc_3720),
	FL_TEST(state_arrives_whole_and_never_beyond_its_credit),
	FL_TEST(pieces_that_are_not_right_are_refused), FL_TEST(limits_and_credits_are_kept));
