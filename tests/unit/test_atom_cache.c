/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/atom_cache.h"
#include "tests/support/suite.h"

/* As OTP 25 sent it: five references, all new. */
static const uint8_t sample[] = "\x05\x8f\xfc\x0c"
				"\x7c\x0dn25@127.0.0.1"
				"\x05\x00"
				"\x86\x02ok"
				"\x10\x03rex"
				"\xff\x05hello";

static fli_atom_cache cache;

static void start(void)
{
	fli_atom_cache_create(&cache, fli_mem_libc());
}

static int read_bytes(const void *bytes, size_t size)
{
	fli_cursor c = fli_cursor_make(bytes, size);
	int code = fli_atom_cache_read(&cache, &c, NULL);

	if (code == FL_OK)
		CU_ASSERT_EQUAL(fli_left(&c), 0);
	return code;
}

#define READ(text) read_bytes(text, sizeof(text) - 1)

static bool is_ref(size_t k, const char *text)
{
	return k < cache.refs.count && fl_atom_is(cache.refs.atoms[k], text);
}

static void new_entries_are_used_and_kept(void)
{
	start();
	CU_ASSERT_EQUAL(read_bytes(sample, sizeof sample - 1), FL_OK);
	CU_ASSERT_EQUAL(cache.refs.count, 5);
	CU_ASSERT(is_ref(0, "n25@127.0.0.1") && is_ref(1, "") && is_ref(2, "ok"));
	CU_ASSERT(is_ref(3, "rex") && is_ref(4, "hello"));
	/* Segments 7, 0, 4 now without the bit for new ones. */
	CU_ASSERT_EQUAL(READ("\x03\x47\x00\x7c\x86\x05"), FL_OK);
	CU_ASSERT_EQUAL(cache.refs.count, 3);
	CU_ASSERT(is_ref(0, "n25@127.0.0.1") && is_ref(1, "ok") && is_ref(2, ""));
	fli_atom_cache_destroy(&cache);
}

static void header_without_references_takes_one_byte(void)
{
	start();
	CU_ASSERT_EQUAL(READ("\x00"), FL_OK);
	CU_ASSERT_EQUAL(cache.refs.count, 0);
	fli_atom_cache_destroy(&cache);
}

static void long_atoms_have_two_byte_lengths(void)
{
	uint8_t bytes[5 + 600] = {1, 0x18, 7, 0x02, 0x55};

	start();
	for (size_t i = 5; i < sizeof bytes; i += 3)
		memcpy(bytes + i, "\xe2\x82\xac", 3);
	CU_ASSERT_EQUAL(read_bytes(bytes, 5 + 0x255), FL_OK);
	CU_ASSERT_EQUAL(cache.refs.atoms[0].size, 0x255);
	/* Two references: nibble 2 is the low half of the second byte. */
	CU_ASSERT_EQUAL(READ("\x02\x88\x01\x01\x00\x01x\x02\x00\x01y"), FL_OK);
	CU_ASSERT(is_ref(0, "x") && is_ref(1, "y"));
	fli_atom_cache_destroy(&cache);
}

static void every_cut_of_a_header_is_refused(void)
{
	for (size_t size = 0; size + 1 < sizeof sample; size++) {
		start();
		CU_ASSERT_EQUAL(read_bytes(sample, size), FL_EFORMAT);
		fli_atom_cache_destroy(&cache);
	}
}

static void slot_that_was_never_set_is_refused(void)
{
	start();
	CU_ASSERT_EQUAL(READ("\x01\x00\x05"), FL_EFORMAT);
	CU_ASSERT_EQUAL(read_bytes(sample, sizeof sample - 1), FL_OK);
	CU_ASSERT_EQUAL(READ("\x01\x00\x06"), FL_EFORMAT);
	fli_atom_cache_destroy(&cache);
}

static void bad_text_is_refused(void)
{
	uint8_t bytes[6 + 256] = {1, 0x18, 7, 1, 0};

	start();
	CU_ASSERT_EQUAL(READ("\x01\x08\x05\x02\xc3\x28"), FL_EFORMAT);
	CU_ASSERT_EQUAL(READ("\x01\x08\x05\x03\xed\xa0\x80"), FL_EFORMAT);
	memset(bytes + 5, 'a', 256);
	CU_ASSERT_EQUAL(read_bytes(bytes, 5 + 256), FL_EFORMAT); /* 256 characters */
	bytes[3] = 0;
	bytes[4] = 255;
	CU_ASSERT_EQUAL(read_bytes(bytes, 5 + 255), FL_OK);
	fli_atom_cache_destroy(&cache);
}

static void old_text_stays_valid_within_the_header_that_replaces_it(void)
{
	start();
	CU_ASSERT_EQUAL(READ("\x01\x08\x05\x03old"), FL_OK);
	/* cached 5, new 5, cached 5 */
	CU_ASSERT_EQUAL(READ("\x03\x80\x00\x05\x05\x03new\x05"), FL_OK);
	CU_ASSERT(is_ref(0, "old") && is_ref(1, "new") && is_ref(2, "new"));
	CU_ASSERT_EQUAL(READ("\x01\x00\x05"), FL_OK);
	CU_ASSERT(is_ref(0, "new"));
	fli_atom_cache_destroy(&cache);
}

static void all_slots_can_be_used_255_at_a_time(void)
{
	uint8_t bytes[1 + 128 + 255 * 3] = {255};
	size_t at = 1 + 128;

	start();
	memset(bytes + 1, 0xff, 127);
	bytes[128] = 0x0f;
	for (unsigned i = 0; i < 255; i++) {
		bytes[at++] = (uint8_t)i;
		bytes[at++] = 1;
		bytes[at++] = (uint8_t)('a' + i % 26);
	}
	CU_ASSERT_EQUAL(read_bytes(bytes, at), FL_OK);
	CU_ASSERT_EQUAL(cache.refs.count, 255);
	CU_ASSERT(is_ref(254, "u"));
	fli_atom_cache_destroy(&cache);
}

static void kept_refs_outlive_their_slots(void)
{
	fli_refs *kept;

	start();
	CU_ASSERT_EQUAL(read_bytes(sample, sizeof sample - 1), FL_OK);
	kept = fli_atom_cache_keep(&cache.refs, fli_mem_libc());
	fli_atom_cache_destroy(&cache);
	CU_ASSERT_PTR_NOT_NULL_FATAL(kept);
	CU_ASSERT_EQUAL(kept->count, 5);
	CU_ASSERT(fl_atom_is(kept->atoms[0], "n25@127.0.0.1"));
	CU_ASSERT(fl_atom_is(kept->atoms[1], "") && fl_atom_is(kept->atoms[4], "hello"));
	fli_free(fli_mem_libc(), kept);
}

FL_SUITE("atom_cache", FL_TEST(new_entries_are_used_and_kept),
	FL_TEST(header_without_references_takes_one_byte),
	FL_TEST(long_atoms_have_two_byte_lengths), FL_TEST(every_cut_of_a_header_is_refused),
	FL_TEST(slot_that_was_never_set_is_refused), FL_TEST(bad_text_is_refused),
	FL_TEST(old_text_stays_valid_within_the_header_that_replaces_it),
	FL_TEST(all_slots_can_be_used_255_at_a_time), FL_TEST(kept_refs_outlive_their_slots));
