/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "node/term/tag.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

#define LARGE ((size_t)100000)

static const fl_atom atoms[] = {{"$gen_call", 9}, {"node@127.0.0.1", 14}};
static const fli_refs refs = {atoms, 2};
static world w;
static fli_buf block;
static fli_walked walked;

static void add_ref_of_node(fli_buf *buf)
{
	fli_buf_add8(buf, FLI_NEWER_REFERENCE_EXT);
	fli_buf_add16(buf, 1);
	fli_buf_add8(buf, FLI_ATOM_CACHE_REF);
	fli_buf_add8(buf, 1);
	fli_buf_add32(buf, 7);
	fli_buf_add32(buf, 8);
}

/* `room` bytes of nothing, then {'$gen_call', {Pid, Ref}, Binary} with atoms of the cache. */
static fli_payload make_call(size_t room, size_t size)
{
	static const uint8_t head[] = {FLI_SMALL_TUPLE_EXT, 3, FLI_ATOM_CACHE_REF, 0,
		FLI_SMALL_TUPLE_EXT, 2, FLI_NEW_PID_EXT, FLI_ATOM_CACHE_REF, 1};

	world_open(&w, fli_mem_libc());
	fli_buf_create(&block, w.node->mem, 0);
	(void)fli_buf_extend(&block, room);
	fli_buf_add(&block, head, sizeof head);
	for (int i = 0; i < 3; i++)
		fli_buf_add32(&block, 1);
	add_ref_of_node(&block);
	fli_buf_add8(&block, FLI_BINARY_EXT);
	fli_buf_add32(&block, (uint32_t)size);
	for (size_t i = 0; i < size; i++)
		fli_buf_add8(&block, (uint8_t)i);
	CU_ASSERT_TRUE(fli_walk(block.data + room, block.size - room, &refs, &walked));
	return (fli_payload){
		.data = block.data + room, .walked = &walked, .refs = &refs, .block = &block};
}

static uint8_t *expanded(const fli_payload *payload)
{
	uint8_t *bytes = malloc(payload->walked->expanded_size);

	fli_expand(payload->data, payload->walked, payload->refs, bytes);
	return bytes;
}

/* The message of `payload` is what a copy would be; true: it took the block. */
static bool take(const fli_payload *payload)
{
	size_t size = payload->walked->expanded_size;
	uint8_t *copy = expanded(payload);
	fli_msg *msg = fli_msg_of_payload(w.node, payload);
	bool is_taken = block.data == NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL_FATAL(msg->size, size);
	CU_ASSERT_EQUAL(memcmp(msg->data, copy, size), 0);
	CU_ASSERT_EQUAL(msg->kind, FLI_MSG_CALL);
	CU_ASSERT_EQUAL(msg->data[msg->body], FLI_BINARY_EXT);
	CU_ASSERT_EQUAL(msg->block != NULL, is_taken);
	fli_msg_free(w.node, msg);
	free(copy);
	fli_buf_destroy(&block);
	world_close(&w);
	return is_taken;
}

static void large_binary_at_the_end_stays_where_it_arrived(void)
{
	fli_payload payload = make_call(512, LARGE);

	CU_ASSERT_TRUE(take(&payload));
}

static void without_room_for_its_atoms_a_message_is_copied(void)
{
	fli_payload payload = make_call(8, LARGE);

	CU_ASSERT_FALSE(take(&payload));
}

static void small_message_is_copied(void)
{
	fli_payload payload = make_call(512, 100);

	CU_ASSERT_FALSE(take(&payload));
}

static void memory_of_another_owner_is_copied(void)
{
	fli_payload payload = make_call(512, LARGE);
	fli_buf *own = payload.block;

	payload.block = NULL;
	CU_ASSERT_FALSE(take(&payload));
	CU_ASSERT_PTR_NULL(own->data);
}

static void chunk_is_used_again_after_a_taken_block(void)
{
	fli_payload payload = make_call(512, LARGE);
	fli_msg *msg = fli_msg_of_payload(w.node, &payload), *next;

	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	fli_msg_free(w.node, msg);
	next = fli_msg_new(w.node, 10);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	CU_ASSERT_PTR_EQUAL(next->data, next->room);
	CU_ASSERT_PTR_NULL(next->block);
	fli_msg_free(w.node, next);
	world_close(&w);
}

FL_SUITE("mailbox", FL_TEST(large_binary_at_the_end_stays_where_it_arrived),
	FL_TEST(without_room_for_its_atoms_a_message_is_copied), FL_TEST(small_message_is_copied),
	FL_TEST(memory_of_another_owner_is_copied),
	FL_TEST(chunk_is_used_again_after_a_taken_block));
