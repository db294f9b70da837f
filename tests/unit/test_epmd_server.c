/* SPDX-License-Identifier: Apache-2.0 */
/* The epmd, byte for byte as OTP's answers, in virtual time. */
#include <stdio.h>
#include <string.h>

#include "dist/epmd_server.h"
#include "flitch/error.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

#define UNIX_S 1800000000u

static fli_epmd_server server;
static fli_buf out;
static fli_epmd_conn conns[1100];
static const fli_epmd_source local = {.is_local = true, .fd = 7};

static void create_limited(fli_mem *mem, fli_epmd_limits limits)
{
	fli_epmd_server_config config = {.mem = mem,
		.seed = 1,
		.now_ms = 5000,
		.unix_s = UNIX_S,
		.port = 4369,
		.limits = limits};

	fli_epmd_server_create(&server, &config);
	fli_buf_create(&out, fli_mem_libc(), 0);
}

static void create(void)
{
	create_limited(fli_mem_libc(), FLI_EPMD_LIMITS_DEFAULT);
}

static void destroy(void)
{
	fli_epmd_server_destroy(&server);
	fli_buf_destroy(&out);
}

static void open_local(fli_epmd_conn *conn)
{
	CU_ASSERT_EQUAL(fli_epmd_conn_open(conn, &server, &local, 5000), FL_OK);
}

static fli_epmd_verdict feed(fli_epmd_conn *conn, const void *bytes, size_t size)
{
	out.size = 0;
	return fli_epmd_conn_feed(conn, bytes, size, 5000, &out);
}

static bool is_out(const char *bytes, size_t size)
{
	return out.size == size && (size == 0 || memcmp(out.data, bytes, size) == 0);
}

/* One request on a connection of its own. */
static fli_epmd_verdict ask_from(const fli_epmd_source *source, const char *bytes, size_t size)
{
	fli_epmd_conn conn;
	fli_epmd_verdict verdict;

	CU_ASSERT_EQUAL(fli_epmd_conn_open(&conn, &server, source, 5000), FL_OK);
	verdict = feed(&conn, bytes, size);
	fli_epmd_conn_close(&conn, 5000);
	return verdict;
}

static fli_epmd_verdict ask(const char *bytes, size_t size)
{
	return ask_from(&local, bytes, size);
}

/* Registers `name` for port 1000 on an open connection. */
static fli_epmd_verdict alive(fli_epmd_conn *conn, const char *name, uint16_t highest)
{
	fli_epmd_node node = {.port = 1000,
		.type = 77,
		.highest = highest,
		.lowest = 5,
		.name = name,
		.name_size = strlen(name)};
	fli_epmd_verdict verdict;
	fli_buf request;

	fli_buf_create(&request, fli_mem_libc(), 0);
	(void)fli_epmd_write_alive2(&request, &node);
	verdict = feed(conn, request.data, request.size);
	fli_buf_destroy(&request);
	return verdict;
}

static uint32_t registered(fli_epmd_conn *conn, const char *name)
{
	open_local(conn);
	CU_ASSERT_EQUAL(alive(conn, name, 6), FLI_EPMD_READ);
	CU_ASSERT(out.size == 6 && memcmp(out.data, "v\0", 2) == 0);
	return out.size == 6 ? fli_get32(out.data + 2) : 0;
}

static void close_conn(fli_epmd_conn *conn)
{
	fli_epmd_conn_close(conn, 5000);
}

static void real_nodes_registration_is_answered_and_kept(void)
{
	static const char request[] = "\0\x12x\x11\x5cH\0\0\6\0\6\0\3ext\0\2HI";
	static const char found[] = "w\0\x11\x5cH\0\0\6\0\6\0\3ext\0\2HI";

	create();
	open_local(&conns[0]);
	CU_ASSERT_EQUAL(feed(&conns[0], request, sizeof request - 1), FLI_EPMD_READ);
	CU_ASSERT(is_out("v\0\x6b\x49\xd2\x00", 6)); /* 1800000000 */
	CU_ASSERT_EQUAL(conns[0].deadline_ms, UINT64_MAX);
	CU_ASSERT_EQUAL(ask("\0\4zext", 6), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out(found, sizeof found - 1));
	CU_ASSERT_EQUAL(ask("\0\5zext\0", 7), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out(found, sizeof found - 1));
	close_conn(&conns[0]);
	CU_ASSERT_EQUAL(ask("\0\4zext", 6), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out("w\1", 2));
	destroy();
}

static void request_may_come_in_pieces(void)
{
	static const char request[] = "\0\x10x\x11\x5cM\0\0\6\0\5\0\3ext\0\0";

	create();
	open_local(&conns[0]);
	for (size_t i = 0; i + 1 < sizeof request - 1; i++) {
		CU_ASSERT_EQUAL(feed(&conns[0], request + i, 1), FLI_EPMD_READ);
		CU_ASSERT_EQUAL(out.size, 0);
	}
	CU_ASSERT_EQUAL(feed(&conns[0], request + sizeof request - 2, 1), FLI_EPMD_READ);
	CU_ASSERT_EQUAL(out.size, 6);
	close_conn(&conns[0]);
	destroy();
}

static void lists_are_newest_first(void)
{
	static const char names[] = "\0\0\x11\x11name cc at port 1000\nname bb at port 1000\n";
	static const char dump[] = "\0\0\x11\x11"
				   "active name     <cc> at port 1000, fd = 7\n\0"
				   "active name     <bb> at port 1000, fd = 7\n\0"
				   "old/unused name <aa>, port = 1000, fd = 7 \n\0"
				   "old/unused name <dd>, port = 1000, fd = 7 \n";

	create();
	(void)registered(&conns[0], "aa");
	(void)registered(&conns[1], "bb");
	(void)registered(&conns[2], "cc");
	(void)registered(&conns[3], "dd");
	close_conn(&conns[0]);
	close_conn(&conns[3]);
	CU_ASSERT_EQUAL(ask("\0\1n", 3), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out(names, sizeof names - 1));
	CU_ASSERT_EQUAL(ask("\0\1d", 3), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out(dump, sizeof dump));
	close_conn(&conns[1]);
	close_conn(&conns[2]);
	destroy();
}

static void taken_name_is_told_and_left_open_until_the_deadline(void)
{
	create();
	(void)registered(&conns[0], "aa");
	open_local(&conns[1]);
	CU_ASSERT_EQUAL(alive(&conns[1], "aa", 6), FLI_EPMD_READ);
	CU_ASSERT(is_out("v\1\0\0\0\x63", 6));
	CU_ASSERT(!fli_epmd_conn_is_late(&conns[1], 64999));
	CU_ASSERT(fli_epmd_conn_is_late(&conns[1], 65000));
	CU_ASSERT_EQUAL(feed(&conns[1], "x", 1), FLI_EPMD_CLOSE);
	close_conn(&conns[1]);
	open_local(&conns[1]);
	CU_ASSERT_EQUAL(alive(&conns[1], "aa", 5), FLI_EPMD_READ);
	CU_ASSERT(is_out("y\1\0\x63", 4));
	close_conn(&conns[1]);
	close_conn(&conns[0]);
	destroy();
}

static void byte_on_a_registration_ends_it(void)
{
	create();
	(void)registered(&conns[0], "aa");
	CU_ASSERT_EQUAL(feed(&conns[0], "q", 1), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 0);
	close_conn(&conns[0]);
	CU_ASSERT_EQUAL(fli_epmd_server_names(&server), 0);
	destroy();
}

static void creations_are_new_and_go_up_when_a_name_returns(void)
{
	uint32_t a, b;

	create();
	a = registered(&conns[0], "aa");
	b = registered(&conns[1], "bb");
	CU_ASSERT_EQUAL(a, UNIX_S);
	CU_ASSERT_EQUAL(b, UNIX_S + 1);
	close_conn(&conns[0]);
	CU_ASSERT_EQUAL(registered(&conns[0], "aa"), a + 1);
	close_conn(&conns[0]);
	close_conn(&conns[1]);
	destroy();
}

static void old_protocol_gets_a_small_creation(void)
{
	create();
	open_local(&conns[0]);
	CU_ASSERT_EQUAL(alive(&conns[0], "old", 5), FLI_EPMD_READ);
	CU_ASSERT(out.size == 4 && out.data[0] == 'y' && out.data[1] == 0);
	CU_ASSERT(fli_get16(out.data + 2) >= 1 && fli_get16(out.data + 2) <= 3);
	close_conn(&conns[0]);
	destroy();
}

static void malformed_requests_are_closed_without_a_word(void)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {{"\0\0", 2}, {"\0\1Q", 3}, {"\0\1z", 3}, {"\0\2z\0", 4}, {"\0\5zbb\0\0", 7},
		{"\0\3z\xff\xfe", 5}, {"\0\1n\0", 4}, {"\x0b\xf2", 2}, {"\xff\xffn", 3},
		{"\0\x0dx\0\1M\0\0\6\0\5\0\0\0\0", 15}, {"\0\x0fx\0\1M\0\0\6\0\5\0\2a\0\0\0", 17},
		{"\0\x0fx\0\1M\0\0\6\0\5\0\x14zz\0\0", 17}, {"\0\5saaaa", 7}, {"GET / HT", 8}};

	create();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CU_ASSERT_EQUAL(ask(rows[i].bytes, rows[i].size), FLI_EPMD_CLOSE);
		CU_ASSERT_EQUAL(out.size, 0);
	}
	destroy();
}

static void longest_request_is_that_of_epmd(void)
{
	static char request[3060];

	create();
	memset(request, 'a', sizeof request);
	memcpy(request, "\x0b\xf1n", 3); /* 3057 bytes of body */
	CU_ASSERT_EQUAL(ask(request, 3059), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 4);
	request[1] = '\xf2';
	CU_ASSERT_EQUAL(ask(request, 3060), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 0);
	destroy();
}

static void unusable_names_get_result_1(void)
{
	static const char *const names[] = {"\xff\xfe", "a\nname evil at port 1"};
	char longest[257];

	create();
	for (size_t i = 0; i < 2; i++) {
		open_local(&conns[0]);
		CU_ASSERT_EQUAL(alive(&conns[0], names[i], 6), FLI_EPMD_READ);
		CU_ASSERT(is_out("v\1\0\0\0\x63", 6));
		close_conn(&conns[0]);
	}
	memset(longest, 'q', sizeof longest);
	longest[256] = '\0';
	open_local(&conns[0]);
	CU_ASSERT_EQUAL(alive(&conns[0], longest, 6), FLI_EPMD_READ);
	CU_ASSERT(is_out("v\1\0\0\0\x63", 6));
	close_conn(&conns[0]);
	longest[255] = '\0';
	(void)registered(&conns[0], longest);
	close_conn(&conns[0]);
	destroy();
}

static void strangers_may_only_look(void)
{
	static const fli_epmd_source stranger = {.address = {10, 0, 0, 9}};
	static const char request[] = "\0\x10x\x11\x5cM\0\0\6\0\5\0\3ext\0\0";

	create();
	CU_ASSERT_EQUAL(ask_from(&stranger, request, sizeof request - 1), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 0);
	CU_ASSERT_EQUAL(ask_from(&stranger, "\0\1d", 3), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 0);
	CU_ASSERT_EQUAL(ask_from(&stranger, "\0\1k", 3), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 0);
	CU_ASSERT_EQUAL(ask_from(&stranger, "\0\1n", 3), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 4);
	CU_ASSERT_EQUAL(ask_from(&stranger, "\0\3zaa", 5), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out("w\1", 2));
	CU_ASSERT_EQUAL(fli_epmd_server_names(&server), 0);
	destroy();
}

static void kill_is_refused_unless_allowed_and_empty(void)
{
	create();
	CU_ASSERT_EQUAL(ask("\0\1k", 3), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out("NO", 2));
	server.config.allows_kill = true;
	(void)registered(&conns[0], "aa");
	CU_ASSERT_EQUAL(ask("\0\1k", 3), FLI_EPMD_CLOSE);
	CU_ASSERT(is_out("NO", 2));
	close_conn(&conns[0]);
	CU_ASSERT_EQUAL(ask("\0\1k", 3), FLI_EPMD_END);
	CU_ASSERT(is_out("OK", 2));
	destroy();
}

static void partial_reads_do_not_move_the_deadline(void)
{
	static const uint8_t request[] = "\0\4zext";

	create();
	open_local(&conns[0]);
	for (size_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(
			fli_epmd_conn_feed(&conns[0], request + i, 1, 5000 + 11000 * i, &out),
			FLI_EPMD_READ);
		CU_ASSERT_EQUAL(conns[0].deadline_ms, 65000);
	}
	CU_ASSERT_EQUAL(fli_epmd_conn_feed(&conns[0], request + 5, 1, 65000, &out), FLI_EPMD_CLOSE);
	CU_ASSERT_EQUAL(out.size, 0);
	close_conn(&conns[0]);
	destroy();
}

static void connections_are_limited_in_all_and_per_source(void)
{
	fli_epmd_source stranger = {.address = {10, 0, 0, 1}};
	size_t opened = 0;

	create_limited(fli_mem_libc(), (fli_epmd_limits){10, 8, 2});
	while (fli_epmd_conn_open(&conns[opened], &server, &stranger, 0) == FL_OK)
		opened++;
	CU_ASSERT_EQUAL(opened, 2);
	for (uint8_t i = 2; i < 20; i++) {
		stranger.address[3] = i;
		if (fli_epmd_conn_open(&conns[opened], &server, &stranger, 0) == FL_OK)
			opened++;
	}
	CU_ASSERT_EQUAL(opened, 6); /* a quarter is kept for this machine */
	while (fli_epmd_conn_open(&conns[opened], &server, &local, 0) == FL_OK)
		opened++;
	CU_ASSERT_EQUAL(opened, 8);
	while (opened > 0)
		close_conn(&conns[--opened]);
	CU_ASSERT_EQUAL(server.sources.count, 0);
	CU_ASSERT_EQUAL(server.pending_count, 0);
	destroy();
}

static void registered_connections_are_not_pending(void)
{
	char name[16];

	create_limited(fli_mem_libc(), (fli_epmd_limits){5, 2, 2});
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof name, "n%zu", i);
		(void)registered(&conns[i], name);
	}
	open_local(&conns[5]);
	CU_ASSERT_EQUAL(alive(&conns[5], "n5", 6), FLI_EPMD_READ);
	CU_ASSERT(is_out("v\1\0\0\0\x63", 6)); /* names_max */
	for (size_t i = 0; i < 6; i++)
		close_conn(&conns[i]);
	destroy();
}

static void only_the_last_thousand_names_are_remembered(void)
{
	char name[16];
	uint32_t first = 0, again;

	create();
	for (size_t i = 0; i < 1001; i++) {
		(void)snprintf(name, sizeof name, "n%zu", i);
		again = registered(&conns[0], name);
		if (i == 0)
			first = again;
		close_conn(&conns[0]);
	}
	CU_ASSERT_EQUAL(server.remembered.count, 1000);
	CU_ASSERT_EQUAL(registered(&conns[0], "n1"), first + 2);    /* remembered: last plus one */
	CU_ASSERT_EQUAL(registered(&conns[1], "n0"), first + 1001); /* forgotten: a new one */
	close_conn(&conns[0]);
	close_conn(&conns[1]);
	destroy();
}

static void idle_time_begins_with_the_last_name(void)
{
	create();
	CU_ASSERT_EQUAL(fli_epmd_server_idle_since(&server), 5000);
	(void)registered(&conns[0], "aa");
	(void)registered(&conns[1], "bb");
	CU_ASSERT_EQUAL(fli_epmd_server_idle_since(&server), UINT64_MAX);
	fli_epmd_conn_close(&conns[0], 6000);
	CU_ASSERT_EQUAL(fli_epmd_server_idle_since(&server), UINT64_MAX);
	fli_epmd_conn_close(&conns[1], 7000);
	(void)ask("\0\1n", 3);
	CU_ASSERT_EQUAL(fli_epmd_server_idle_since(&server), 7000);
	destroy();
}

static void exercise(fli_mem *mem)
{
	static const fli_epmd_source stranger = {.address = {10, 0, 0, 1}};
	bool is_open[3];

	create_limited(mem, FLI_EPMD_LIMITS_DEFAULT);
	is_open[0] = fli_epmd_conn_open(&conns[0], &server, &local, 0) == FL_OK;
	is_open[1] = fli_epmd_conn_open(&conns[1], &server, &local, 0) == FL_OK;
	is_open[2] = fli_epmd_conn_open(&conns[2], &server, &stranger, 0) == FL_OK;
	if (is_open[0])
		(void)alive(&conns[0], "aa", 6);
	if (is_open[1])
		(void)alive(&conns[1], "bb", 6);
	if (is_open[2])
		(void)feed(&conns[2], "\0\1n", 3);
	for (size_t i = 0; i < 3; i++)
		if (is_open[i])
			close_conn(&conns[i]);
	destroy();
}

static void every_failing_allocation_is_survived(void)
{
	fli_fault fault;
	long at = 0;

	do {
		fli_fault_create(&fault, ++at);
		exercise(&fault.mem);
		CU_ASSERT_EQUAL(fault.live, 0);
	} while (fault.was_hit);
	CU_ASSERT(at > 5);
}

FL_SUITE("epmd_server", FL_TEST(real_nodes_registration_is_answered_and_kept),
	FL_TEST(request_may_come_in_pieces), FL_TEST(lists_are_newest_first),
	FL_TEST(taken_name_is_told_and_left_open_until_the_deadline),
	FL_TEST(byte_on_a_registration_ends_it),
	FL_TEST(creations_are_new_and_go_up_when_a_name_returns),
	FL_TEST(old_protocol_gets_a_small_creation),
	FL_TEST(malformed_requests_are_closed_without_a_word),
	FL_TEST(longest_request_is_that_of_epmd), FL_TEST(unusable_names_get_result_1),
	FL_TEST(strangers_may_only_look), FL_TEST(kill_is_refused_unless_allowed_and_empty),
	FL_TEST(partial_reads_do_not_move_the_deadline),
	FL_TEST(connections_are_limited_in_all_and_per_source),
	FL_TEST(registered_connections_are_not_pending),
	FL_TEST(only_the_last_thousand_names_are_remembered),
	FL_TEST(idle_time_begins_with_the_last_name),
	FL_TEST(every_failing_allocation_is_survived));
