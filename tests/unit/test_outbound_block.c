/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are sent from the memory in which their binary was made. */
#include <stdlib.h>

#include "dist/flags.h"
#include "dist/outbound.h"
#include "node/term/write.h"
#include "tests/support/suite.h"

#define ALL UINT64_C(0x6d07df7fbd)
#define PLAIN (ALL & ~FLI_DFLAG(FRAGMENTS) & ~FLI_DFLAG(DIST_HDR_ATOM_CACHE))
#define ROOM 1024

static const fl_pid a = {{"a@h", 3}, 5, 1, 77};
static const fl_pid other = {{"a@h", 3}, 8, 1, 77};
static const fl_pid b = {{"b@h", 3}, 6, 2, 78};

static fli_outbound out;

static void start(uint64_t flags, size_t message_bytes_max)
{
	fli_outbound_config config = {.flags = flags,
		.mem = fli_mem_libc(),
		.limits.message_bytes_max = message_bytes_max};

	fli_outbound_create(&out, &config);
}

static void begin(const fl_pid *from)
{
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, from, &b), FL_OK);
	fli_write_tuple(&out.buf, 2);
	fli_write_atom(&out.buf, fl_atom_of("ok"));
}

/* {ok, Binary}, built. */
static int send_built(const fl_pid *from, uint8_t fill, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	memset(bytes, fill, size);
	begin(from);
	fli_write_binary(&out.buf, bytes, size);
	free(bytes);
	return fli_outbound_finish(&out, FLI_OUTBOUND_UNKNOWN_FEATURES);
}

/* The same, of a block with `room` bytes in front. */
static int send_block_behind(const fl_pid *from, uint8_t fill, size_t size, size_t room)
{
	fli_buf block;
	uint8_t *bytes;
	int code;

	begin(from);
	fli_write_binary(&out.buf, NULL, 0);
	fli_buf_create(&block, fli_mem_libc(), 0);
	bytes = fli_buf_extend(&block, room + size);
	memset(bytes + room, fill, size);
	code = fli_outbound_finish_block(&out, &block, room, FLI_OUTBOUND_UNKNOWN_FEATURES);
	CU_ASSERT_PTR_NULL(block.data);
	return code;
}

static int send_block(const fl_pid *from, uint8_t fill, size_t size)
{
	return send_block_behind(from, fill, size, ROOM);
}

typedef int send_fn(const fl_pid *from, uint8_t fill, size_t size);

/* What leaves when several send, small ones between large ones. */
static fli_buf sent_by(send_fn *send, uint64_t flags)
{
	fli_buf sent;
	const uint8_t *data;
	size_t size;

	fli_buf_create(&sent, fli_mem_libc(), 0);
	start(flags, 0);
	CU_ASSERT_EQUAL(send(&a, 'x', 200000), FL_OK);
	CU_ASSERT_EQUAL(send(&a, 'y', 10), FL_OK);
	CU_ASSERT_EQUAL(send(&other, 'z', 0), FL_OK);
	CU_ASSERT_EQUAL(send(&other, 'v', 65536), FL_OK);
	CU_ASSERT_EQUAL(send(&a, 'u', 65480), FL_OK);
	CU_ASSERT_EQUAL(send(&a, 'w', 131072), FL_OK);
	while (fli_outbound_take(&out, &data, &size)) {
		fli_buf_add(&sent, data, size);
		fli_outbound_done(&out, size);
	}
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
	fli_outbound_destroy(&out);
	return sent;
}

static void compare(send_fn *send, uint64_t flags)
{
	fli_buf expected = sent_by(send_built, flags), sent = sent_by(send, flags);

	CU_ASSERT_EQUAL_FATAL(sent.size, expected.size);
	CU_ASSERT_EQUAL(memcmp(sent.data, expected.data, sent.size), 0);
	fli_buf_destroy(&expected);
	fli_buf_destroy(&sent);
}

static void a_block_is_sent_like_a_built_one(void)
{
	compare(send_block, ALL);
	compare(send_block, PLAIN);
	compare(send_block, ALL & ~FLI_DFLAG(FRAGMENTS));
}

static int send_cramped(const fl_pid *from, uint8_t fill, size_t size)
{
	return send_block_behind(from, fill, size, 20);
}

static void without_room_for_what_comes_first_it_is_copied(void)
{
	compare(send_cramped, ALL);
}

static void the_bytes_do_not_move(void)
{
	const uint8_t *data, *bytes;
	size_t size;
	fli_buf block;

	start(ALL, 0);
	begin(&a);
	fli_write_binary(&out.buf, NULL, 0);
	fli_buf_create(&block, fli_mem_libc(), 0);
	bytes = fli_buf_extend(&block, ROOM + 100000);
	CU_ASSERT_EQUAL(fli_outbound_finish_block(&out, &block, ROOM, 0), FL_OK);
	CU_ASSERT(fli_outbound_take(&out, &data, &size));
	CU_ASSERT(data > bytes && data < bytes + ROOM);
	fli_outbound_destroy(&out); /* frees it, half sent */
}

static void what_is_too_long_is_refused_and_freed(void)
{
	start(ALL, 100000);
	CU_ASSERT_EQUAL(send_block(&a, 'x', 100001), FL_ELIMIT);
	CU_ASSERT_EQUAL(send_block(&a, 'x', 99990), FL_ELIMIT);
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
	CU_ASSERT_EQUAL(send_block(&a, 'x', 99000), FL_OK);
	fli_outbound_destroy(&out);
}

FL_SUITE("outbound_block", FL_TEST(a_block_is_sent_like_a_built_one),
	FL_TEST(without_room_for_what_comes_first_it_is_copied), FL_TEST(the_bytes_do_not_move),
	FL_TEST(what_is_too_long_is_refused_and_freed));
