/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that somebody puts into a connection that has shown the cookie. */
#include <string.h>

#include "sim/forge.h"
#include "sim/store.h"
#include "tests/support/sim_servers.h"
#include "tests/support/suite.h"

#define A "a@one.sim"
#define B "b@two.sim"

/* A handshake's messages, and then frames of 3, 0 and 2 bytes. */
static const uint8_t stream[] = {
	0, 2, 'N', 'x', 0, 1, 'r', 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 2, 4, 5};

typedef struct bench {
	fli_forge forge;
	fli_dice dice;
	fli_buf out;
} bench;

static void bench_open(bench *b)
{
	fli_forge_create(&b->forge);
	b->dice = (fli_dice){7};
	fli_buf_create(&b->out, fli_store_mem(), 0);
}

/* In pieces of that size. */
static void feed(bench *b, size_t piece)
{
	for (size_t at = 0; at < sizeof stream; at += piece) {
		size_t size = sizeof stream - at < piece ? sizeof stream - at : piece;

		fli_forge_pass(&b->forge, &b->dice, (fli_forge_bytes){stream + at, size}, &b->out);
	}
}

static bool has(const bench *b, const char *bytes, size_t size)
{
	return b->out.size == size && memcmp(b->out.data, bytes, size) == 0;
}

static void bench_close(bench *b)
{
	fli_forge_destroy(&b->forge);
	fli_buf_destroy(&b->out);
}

static void without_an_order_everything_passes_as_it_is(void)
{
	for (size_t piece = 1; piece <= sizeof stream; piece++) {
		bench b;

		bench_open(&b);
		feed(&b, piece);
		CU_ASSERT_TRUE(has(&b, (const char *)stream, sizeof stream));
		CU_ASSERT_TRUE(fli_forge_is_between(&b.forge));
		bench_close(&b);
	}
}

static void what_is_added_stands_before_the_first_frame(void)
{
	static const char expected[] = "\0\2Nx\0\1rNEW\0\0\0\3\1\2\3\0\0\0\0\0\0\0\2\4\5";

	for (size_t piece = 1; piece <= sizeof stream; piece++) {
		bench b;

		bench_open(&b);
		fli_forge_order(&b.forge, FL_SIM_FORGE_ADD, "NEW", 3);
		feed(&b, piece);
		CU_ASSERT_TRUE(has(&b, expected, sizeof expected - 1));
		bench_close(&b);
	}
}

static void what_replaces_a_frame_leaves_the_others(void)
{
	static const char expected[] = "\0\2Nx\0\1rNEW\0\0\0\0\0\0\0\2\4\5";

	for (size_t piece = 1; piece <= sizeof stream; piece++) {
		bench b;

		bench_open(&b);
		fli_forge_order(&b.forge, FL_SIM_FORGE_REPLACE, "NEW", 3);
		feed(&b, piece);
		CU_ASSERT_TRUE(has(&b, expected, sizeof expected - 1));
		bench_close(&b);
	}
}

static unsigned bits_apart(const bench *b, size_t from, size_t size)
{
	unsigned count = 0;

	for (size_t i = from; i < from + size; i++)
		count += (unsigned)__builtin_popcount(b->out.data[i] ^ stream[i]);
	return count;
}

static void one_bit_of_a_body_is_turned(void)
{
	for (size_t piece = 1; piece <= sizeof stream; piece++) {
		bench b;

		bench_open(&b);
		fli_forge_order(&b.forge, FL_SIM_FORGE_FLIP, NULL, 0);
		fli_forge_order(&b.forge, FL_SIM_FORGE_FLIP, NULL, 0);
		feed(&b, piece);
		CU_ASSERT_EQUAL(b.out.size, sizeof stream);
		CU_ASSERT_EQUAL(bits_apart(&b, 0, sizeof stream), 2);
		CU_ASSERT_EQUAL(bits_apart(&b, 11, 3), 1);
		CU_ASSERT_EQUAL(bits_apart(&b, 22, 2), 1);
		bench_close(&b);
	}
}

static void garbage_costs_the_connection_and_not_the_node(void)
{
	static const uint8_t garbage[] = {0, 0, 0, 5, 131, 68, 0, 104, 99};
	fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = 3});
	fl_sim_node *a = sim_node(sim, A), *b = sim_node(sim, B);

	CU_ASSERT_EQUAL(fl_sim_forge(a, B, FL_SIM_FORGE_ADD, garbage, sizeof garbage), FL_ENOENT);
	CU_ASSERT_EQUAL(sim_ask(a, B, "{add, 1}"), 1);
	CU_ASSERT_EQUAL(fl_sim_forge(a, B, FL_SIM_FORGE_ADD, garbage, sizeof garbage), FL_OK);
	fl_sim_run(sim, 10);
	CU_ASSERT_FALSE(fl_sim_is_connected(b, A));
	fl_sim_run(sim, 5000);
	CU_ASSERT_EQUAL(sim_ask(a, B, "get"), 1);
	fl_sim_delete(sim);
}

static void turned_bits_never_end_a_node(void)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = seed});
		fl_sim_node *a = sim_node(sim, A), *b = sim_node(sim, B);

		(void)sim_ask(a, B, "get");
		(void)fl_sim_forge(a, B, FL_SIM_FORGE_FLIP, NULL, 0);
		(void)fl_sim_forge(b, A, FL_SIM_FORGE_FLIP, NULL, 0);
		(void)sim_ask(a, B, "get");
		fl_sim_run(sim, 10000);
		CU_ASSERT_EQUAL(fl_sim_state_of(a), FL_SIM_UP);
		CU_ASSERT_EQUAL(fl_sim_state_of(b), FL_SIM_UP);
		CU_ASSERT_EQUAL(sim_ask(a, B, "get"), 0);
		fl_sim_delete(sim);
	}
}

FL_SUITE("sim_forge", FL_TEST(without_an_order_everything_passes_as_it_is),
	FL_TEST(what_is_added_stands_before_the_first_frame),
	FL_TEST(what_replaces_a_frame_leaves_the_others), FL_TEST(one_bit_of_a_body_is_turned),
	FL_TEST(garbage_costs_the_connection_and_not_the_node),
	FL_TEST(turned_bits_never_end_a_node));
