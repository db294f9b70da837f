/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/flags.h"
#include "dist/frame_in.h"
#include "dist/outbound.h"
#include "node/term/write.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

#define ALL UINT64_C(0x6d07df7fbd)

static const fl_pid a = {{"a@h", 3}, 5, 1, 77};
static const fl_pid other = {{"a@h", 3}, 8, 1, 77};
static const fl_pid b = {{"b@h", 3}, 6, 2, 78};
static const fl_ref ref = {{"b@h", 3}, 78, 3, {1, 2, 3}};

static fli_outbound out;
static fli_buf sent;

static void start_with(fli_outbound_config config)
{
	if (config.mem == NULL)
		config.mem = fli_mem_libc();
	fli_outbound_create(&out, &config);
	fli_buf_create(&sent, fli_mem_libc(), 0);
}

/* One piece, a few bytes at a time. */
static bool drain_piece(void)
{
	const uint8_t *data;
	size_t size, part;

	if (!fli_outbound_take(&out, &data, &size))
		return false;
	while (size > 0) {
		part = size < 1000 ? size : 1000;
		fli_buf_add(&sent, data, part);
		fli_outbound_done(&out, part);
		size -= part;
		data += part;
	}
	return true;
}

static void drain(void)
{
	while (drain_piece()) {}
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
}

static void end(void)
{
	fli_outbound_destroy(&out);
	fli_buf_destroy(&sent);
}

/* One frame of these bytes; no bytes: nothing. */
static bool sent_is(const char *bytes, size_t size)
{
	size_t at = size == 0 ? 0 : 4;
	bool is_same;

	drain();
	is_same = sent.size == size + at && (size == 0 || fli_get32(sent.data) == size) &&
		  (size == 0 || memcmp(sent.data + at, bytes, size) == 0);
	fli_buf_clear(&sent, SIZE_MAX);
	return is_same;
}

#define SENT(text) CU_ASSERT(sent_is(text, sizeof(text) - 1))

static int finish_atom(int begun, const char *text)
{
	if (begun != FL_OK)
		return begun;
	fli_write_atom(&out.buf, fl_atom_of(text));
	return fli_outbound_finish(&out, 0);
}

#define A_PID "Xw\3a@h\0\0\0\5\0\0\0\1\0\0\0\x4d"
#define B_PID "Xw\3b@h\0\0\0\6\0\0\0\2\0\0\0\x4e"

#define NAMES "\2\x88\0\0\3a@h\1\3b@h"
#define A_REF "XR\0\0\0\0\5\0\0\0\1\0\0\0\x4d"
#define B_REF "XR\1\0\0\0\6\0\0\0\2\0\0\0\x4e"
#define BY_REF "\x83\x44\2\0\0\0\1"

static void start_with_names(uint64_t flags)
{
	start_with((fli_outbound_config){.flags = flags, .names = {a.node, b.node}});
}

static void names_go_to_the_cache_with_the_first_frame(void)
{
	start_with_names(ALL);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	SENT("\x83\x44" NAMES "h\3a\1" A_PID B_PID);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	SENT(BY_REF "h\3a\1" A_REF B_REF);
	CU_ASSERT_EQUAL(
		finish_atom(fli_outbound_begin_alias_send(&out, &a, &ref, NULL), "m"), FL_OK);
	SENT(BY_REF "h\4a\x25"
		    "a\4" A_REF "Z\0\3R\1\0\0\0\x4e\0\0\0\1\0\0\0\2\0\0\0\3w\1m");
	end();
}

static void frames_begun_before_the_names_left_spell_them(void)
{
	start_with_names(ALL);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	drain();
	CU_ASSERT(sent.size > 100 &&
		  memcmp(sent.data + sent.size - sizeof(B_PID) + 1, B_PID, sizeof(B_PID) - 1) == 0);
	fli_buf_clear(&sent, SIZE_MAX);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	SENT(BY_REF "h\3a\1" A_REF B_REF);
	end();
}

static void a_large_first_message_brings_no_names(void)
{
	start_with((fli_outbound_config){
		.flags = ALL, .names = {a.node, b.node}, .limits = {.fragment_bytes = 64}});
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	memset(fli_buf_extend(&out.buf, 300), 106, 300);
	CU_ASSERT_EQUAL(fli_outbound_finish(&out, 0), FL_OK);
	/* one of its own sender waits behind it, and brings none either */
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(out.atoms.state, FLI_ATOMS_NEW);
	drain();
	CU_ASSERT_EQUAL(sent.data[22], 0);
	fli_buf_clear(&sent, SIZE_MAX);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &other, &b), FL_OK);
	CU_ASSERT_EQUAL(out.atoms.state, FLI_ATOMS_PLACED);
	end();
}

static void names_that_are_too_long_are_spelled(void)
{
	static char text[256];
	const fl_pid far = {{text, sizeof text}, 6, 2, 78};

	memset(text, 'n', sizeof text);
	start_with((fli_outbound_config){.flags = ALL, .names = {a.node, far.node}});
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &far), FL_OK);
	drain();
	CU_ASSERT_EQUAL(sent.data[6], 0);
	CU_ASSERT_EQUAL(out.atoms.state, FLI_ATOMS_OFF);
	end();
}

FL_SUITE("outbound_atoms", FL_TEST(names_go_to_the_cache_with_the_first_frame),
	FL_TEST(frames_begun_before_the_names_left_spell_them),
	FL_TEST(a_large_first_message_brings_no_names),
	FL_TEST(names_that_are_too_long_are_spelled));
