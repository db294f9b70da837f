/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/fragments.h"

#include "dist/atom_cache.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

static const fl_atom atoms[] = {{"node@host", 9}, {"ok", 2}};
static const fli_refs two_refs = {atoms, 2}, no_refs = {atoms, 0};
static const fli_refs *refs = &two_refs;
static fli_fragments fragments;
static fli_fragment_seq *complete;

static void start(size_t open_max, size_t bytes_max)
{
	fli_fragments_create(
		&fragments, fli_mem_libc(), (fli_fragments_limits){open_max, bytes_max}, 42);
}

static int open_seq(uint64_t seq, uint64_t number, const char *text)
{
	fli_fragment first = {seq, number, (const uint8_t *)text, strlen(text)};

	return fli_fragments_open(&fragments, &first, refs, NULL);
}

/* In two parts, as it may arrive. */
static int add(uint64_t seq, uint64_t number, const char *text)
{
	fli_fragment next = {.seq = seq, .number = number};
	fli_fragment_seq *sequence;
	const uint8_t *data = (const uint8_t *)text;
	size_t half = strlen(text) / 2;
	int code = fli_fragments_begin(&fragments, &next, &sequence, NULL);

	complete = NULL;
	if (code == FL_OK)
		code = fli_fragments_append(&fragments, sequence, data, half, NULL);
	if (code == FL_OK)
		code = fli_fragments_append(
			&fragments, sequence, data + half, strlen(text) - half, NULL);
	if (code == FL_OK && fli_fragments_end(&fragments, sequence))
		complete = sequence;
	return code;
}

static void expect_complete(const char *text)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(complete);
	CU_ASSERT_EQUAL_FATAL(complete->bytes.size, FLI_FRAGMENT_ROOM + strlen(text));
	CU_ASSERT_EQUAL(memcmp(complete->bytes.data + FLI_FRAGMENT_ROOM, text, strlen(text)), 0);
	CU_ASSERT_EQUAL(complete->refs->count, 2);
	CU_ASSERT(fl_atom_is(complete->refs->atoms[1], "ok"));
	fli_fragment_seq_delete(&fragments, complete);
}

static void pieces_are_joined_in_order(void)
{
	start(4, 1000);
	CU_ASSERT_EQUAL(open_seq(7, 3, "abc"), FL_OK);
	CU_ASSERT_EQUAL(add(7, 2, ""), FL_OK);
	CU_ASSERT_PTR_NULL(complete);
	CU_ASSERT_EQUAL(add(7, 1, "de"), FL_OK);
	expect_complete("abcde");
	CU_ASSERT_EQUAL(fragments.bytes, 0);
	CU_ASSERT_EQUAL(fragments.open.count, 0);
	fli_fragments_destroy(&fragments);
}

static void sequences_may_alternate(void)
{
	start(4, 1000);
	CU_ASSERT_EQUAL(open_seq(7, 2, "a"), FL_OK);
	CU_ASSERT_EQUAL(open_seq(8, 3, "x"), FL_OK);
	CU_ASSERT_EQUAL(add(8, 2, "y"), FL_OK);
	CU_ASSERT_EQUAL(add(7, 1, "b"), FL_OK);
	expect_complete("ab");
	CU_ASSERT_EQUAL(add(8, 1, "z"), FL_OK);
	expect_complete("xyz");
	fli_fragments_destroy(&fragments);
}

static void finished_sequence_number_may_be_used_again(void)
{
	start(4, 100);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(open_seq(7, 2, "a"), FL_OK);
		CU_ASSERT_EQUAL(add(7, 1, "b"), FL_OK);
		expect_complete("ab");
	}
	fli_fragments_destroy(&fragments);
}

static void wrong_order_is_refused(void)
{
	start(4, 100);
	CU_ASSERT_EQUAL(add(7, 1, "b"), FL_EFORMAT); /* never opened */
	CU_ASSERT_EQUAL(open_seq(7, 3, "a"), FL_OK);
	CU_ASSERT_EQUAL(open_seq(7, 3, "a"), FL_EFORMAT); /* open */
	CU_ASSERT_EQUAL(add(7, 3, "b"), FL_EFORMAT);      /* repeated */
	CU_ASSERT_EQUAL(add(7, 1, "b"), FL_EFORMAT);      /* one left out */
	CU_ASSERT_EQUAL(add(7, 0, "b"), FL_EFORMAT);
	CU_ASSERT_EQUAL(add(9, 2, "b"), FL_EFORMAT);
	fli_fragments_destroy(&fragments);
}

static void open_sequences_are_limited(void)
{
	start(2, 1000);
	CU_ASSERT_EQUAL(open_seq(1, 2, "a"), FL_OK);
	CU_ASSERT_EQUAL(open_seq(2, 2, "a"), FL_OK);
	CU_ASSERT_EQUAL(open_seq(3, 2, "a"), FL_ELIMIT);
	CU_ASSERT_EQUAL(add(1, 1, "b"), FL_OK);
	expect_complete("ab");
	CU_ASSERT_EQUAL(open_seq(3, 2, "a"), FL_OK);
	fli_fragments_destroy(&fragments);
}

static void bytes_are_limited_in_sum(void)
{
	refs = &no_refs;
	start(4, 8);
	CU_ASSERT_EQUAL(open_seq(1, 3, "abcd"), FL_OK);
	CU_ASSERT_EQUAL(open_seq(2, 3, "abcd"), FL_OK);
	CU_ASSERT_EQUAL(fragments.bytes, 8);
	CU_ASSERT_EQUAL(add(1, 2, ""), FL_OK);
	CU_ASSERT_EQUAL(add(1, 1, "e"), FL_ELIMIT);
	CU_ASSERT_EQUAL(open_seq(3, 2, "a"), FL_ELIMIT);
	CU_ASSERT_EQUAL(fragments.open.count, 2);
	fli_fragments_destroy(&fragments);
	refs = &two_refs;
}

/* One byte of a header can stand for an atom of 1020. */
static void kept_atoms_count_as_bytes(void)
{
	start(4, 100);
	CU_ASSERT_EQUAL(open_seq(1, 2, ""), FL_OK);
	CU_ASSERT_EQUAL(fragments.bytes, fli_atom_cache_kept_size(refs));
	CU_ASSERT(fragments.bytes > 11);
	CU_ASSERT_EQUAL(open_seq(2, 2, ""), FL_ELIMIT);
	fli_fragments_destroy(&fragments);
	start(4, 100);
	CU_ASSERT_EQUAL(open_seq(1, 2, "a"), FL_OK);
	CU_ASSERT_EQUAL(add(1, 1, "b"), FL_OK);
	expect_complete("ab");
	CU_ASSERT_EQUAL(fragments.bytes, 0);
	fli_fragments_destroy(&fragments);
}

static void claim_of_many_fragments_allocates_nothing(void)
{
	refs = &no_refs;
	start(4, 100);
	CU_ASSERT_EQUAL(open_seq(1, UINT64_MAX, "a"), FL_OK);
	CU_ASSERT_EQUAL(add(1, UINT64_MAX - 1, "b"), FL_OK);
	CU_ASSERT_EQUAL(fragments.bytes, 2);
	fli_fragments_destroy(&fragments);
}

/* A sequence takes a spare block; one that cannot be opened gives it back. */
static void a_block_is_not_lost_with_a_sequence_that_failed(void)
{
	for (long nth = 1; nth <= 6; nth++) {
		fli_fault fault;
		fli_spares spares;
		fli_buf block;

		fli_fault_create(&fault, 0);
		fli_spares_create(&spares, &fault.mem);
		fli_buf_create(&block, &fault.mem, 0);
		CU_ASSERT_PTR_NOT_NULL(fli_buf_extend(&block, FLI_SPARES_BYTES_MIN));
		fli_spares_give(&spares, &block);
		fli_fragments_create(&fragments, &fault.mem, (fli_fragments_limits){4, 1000}, 42);
		fragments.spares = &spares;
		fault.countdown = nth;
		CU_ASSERT_EQUAL(open_seq(1, 2, "a"), fault.was_hit ? FL_ENOMEM : FL_OK);
		fli_fragments_destroy(&fragments);
		CU_ASSERT_EQUAL(spares.count, 1);
		fli_spares_destroy(&spares);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
}

FL_SUITE("fragments", FL_TEST(pieces_are_joined_in_order), FL_TEST(sequences_may_alternate),
	FL_TEST(finished_sequence_number_may_be_used_again), FL_TEST(wrong_order_is_refused),
	FL_TEST(open_sequences_are_limited), FL_TEST(bytes_are_limited_in_sum),
	FL_TEST(kept_atoms_count_as_bytes),
	FL_TEST(a_block_is_not_lost_with_a_sequence_that_failed),
	FL_TEST(claim_of_many_fragments_allocates_nothing));
