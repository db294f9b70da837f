/* SPDX-License-Identifier: Apache-2.0 */
/* The network on libuv: real sockets over loopback. */

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/host_port.h"
#include "dist/socket.h"
#include "tests/support/suite.h"

enum { ROUNDS_MAX = 5000, ROUND_MS = 10 };

typedef struct end {
	fli_sock *sock;
	bool is_open, is_over;
	int code;
	size_t got, written;
	uint8_t last;
	bool echoes;
} end;

static fli_net *net;
static end mine, theirs;
static bool has_no_memory; /* what is asked for meanwhile fails */
static unsigned refused;
static const uint8_t big[8 << 20] = {[(8 << 20) - 1] = 7};

static void on_open(void *owner)
{
	((end *)owner)->is_open = true;
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	end *e = owner;

	e->got += size;
	e->last = data[size - 1];
	if (e->echoes)
		CU_ASSERT_EQUAL(fli_sock_write(e->sock, data, size), (int64_t)size);
}

static void on_written(void *owner, size_t size)
{
	((end *)owner)->written += size;
}

static void on_end(void *owner, int code, const char *why)
{
	end *e = owner;

	CU_ASSERT_TRUE(why[0] != '\0');
	e->is_over = true;
	e->code = code;
}

static const fli_sock_events events = {on_open, on_read, on_written, on_end};

static void on_accept(void *ctx, fli_sock *sock)
{
	(void)ctx;
	theirs.sock = sock;
	fli_sock_own(sock, &events, &theirs);
}

static void on_error(void *ctx, const char *why)
{
	(void)ctx;
	CU_ASSERT_STRING_EQUAL(why, "out of memory");
	CU_ASSERT_TRUE(has_no_memory);
	refused++;
}

static void *scarce_realloc(fli_mem *mem, void *block, size_t size)
{
	(void)mem;
	return has_no_memory ? NULL : realloc(block, size);
}

static void scarce_free(fli_mem *mem, void *block)
{
	(void)mem;
	free(block);
}

static fli_mem scarce = {.realloc = scarce_realloc, .free = scarce_free};

static void open_net_of(fli_family family)
{
	const fli_socket_config config = {.mem = &scarce, .family = family};

	CU_ASSERT_EQUAL_FATAL(fli_socket_net_new(&config, &net), FL_OK);
	mine = theirs = (end){.sock = NULL};
}

static void open_net(void)
{
	open_net_of(FLI_INET_FIRST);
}

static int listen_at(
	const char *address, uint16_t min, uint16_t max, fli_listen **ret, uint16_t *port)
{
	const fli_listen_at at = {.address = address,
		.port_min = min,
		.port_max = max,
		.on_accept = on_accept,
		.on_error = on_error};

	return net->listen(net, &at, ret, port, NULL);
}

static void run_until(const bool *done)
{
	for (int i = 0; i < ROUNDS_MAX && !*done; i++)
		fli_socket_net_run(net, ROUND_MS);
	CU_ASSERT_TRUE(*done);
}

static void dial(const char *host, uint16_t port)
{
	CU_ASSERT_EQUAL_FATAL(net->dial(net, host, port, &mine.sock), FL_OK);
	fli_sock_own(mine.sock, &events, &mine);
}

static fli_listen *open_pair(void)
{
	fli_listen *listen = NULL;
	uint16_t port = 0;

	open_net();
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", 0, 0, &listen, &port), FL_OK);
	CU_ASSERT_TRUE(port > 0);
	dial("127.0.0.1", port);
	run_until(&mine.is_open);
	while (theirs.sock == NULL)
		fli_socket_net_run(net, ROUND_MS);
	return listen;
}

static void close_pair(fli_listen *listen)
{
	fli_sock_close(mine.sock);
	fli_sock_close(theirs.sock);
	net->unlisten(net, listen);
	fli_socket_net_delete(net);
}

static void bytes_go_both_ways(void)
{
	fli_listen *listen = open_pair();

	theirs.echoes = true;
	CU_ASSERT_TRUE(theirs.sock->peer.is_local);
	CU_ASSERT_EQUAL(fli_sock_write(mine.sock, (const uint8_t *)"hello", 5), 5);
	for (int i = 0; i < ROUNDS_MAX && mine.got < 5; i++)
		fli_socket_net_run(net, ROUND_MS);
	CU_ASSERT_EQUAL(mine.got, 5);
	CU_ASSERT_EQUAL(theirs.got, 5);
	close_pair(listen);
}

static void what_does_not_fit_is_queued(void)
{
	fli_listen *listen = open_pair();
	int64_t taken = fli_sock_write(mine.sock, big, sizeof big);
	size_t rest = sizeof big - (size_t)taken;

	CU_ASSERT_TRUE(taken > 0 && rest > 0);
	CU_ASSERT_EQUAL(fli_sock_queue(mine.sock, big + taken, rest), FL_OK);
	CU_ASSERT_EQUAL(fli_sock_queue(mine.sock, big, 1), FL_EBUSY);
	CU_ASSERT_EQUAL(fli_sock_write(mine.sock, big, 1), 0);
	for (int i = 0; i < ROUNDS_MAX && (theirs.got < sizeof big || mine.written == 0); i++)
		fli_socket_net_run(net, ROUND_MS);
	CU_ASSERT_EQUAL(theirs.got, sizeof big);
	CU_ASSERT_EQUAL(theirs.last, 7);
	CU_ASSERT_EQUAL(mine.written, rest);
	CU_ASSERT_EQUAL(fli_sock_write(mine.sock, big, 1), 1);
	close_pair(listen);
}

static void close_with_output_queued_is_safe(void)
{
	fli_listen *listen = open_pair();
	int64_t taken = fli_sock_write(mine.sock, big, sizeof big);

	CU_ASSERT_EQUAL(fli_sock_queue(mine.sock, big + taken, sizeof big - (size_t)taken), FL_OK);
	fli_sock_close(mine.sock);
	run_until(&theirs.is_over);
	CU_ASSERT_EQUAL(mine.written, 0);
	mine.sock = NULL;
	close_pair(listen);
}

static void close_of_one_side_is_an_end_in_order_for_the_other(void)
{
	fli_listen *listen = open_pair();

	fli_sock_close(theirs.sock);
	theirs.sock = NULL;
	run_until(&mine.is_over);
	CU_ASSERT_EQUAL(mine.code, FL_ECLOSED);
	CU_ASSERT_TRUE(fli_sock_write(mine.sock, big, 1) < 0);
	close_pair(listen);
}

/* Bytes that nobody read here would make a close a reset, and what is under way there is lost. */
static void finish_lets_the_other_side_read_all(void)
{
	fli_listen *listen = open_pair();
	size_t done = 0;
	int64_t taken = 1;

	CU_ASSERT_EQUAL(fli_sock_write(theirs.sock, (const uint8_t *)"unread", 6), 6);
	while (taken > 0 && done < sizeof big) {
		taken = fli_sock_write(mine.sock, big + done, sizeof big - done);
		done += taken > 0 ? (size_t)taken : 0;
	}
	CU_ASSERT_EQUAL(fli_sock_queue(mine.sock, big + done, sizeof big - done), FL_OK);
	net->finish(mine.sock);
	run_until(&theirs.is_over);
	CU_ASSERT_EQUAL(theirs.code, FL_ECLOSED);
	CU_ASSERT_EQUAL(theirs.got, sizeof big);
	CU_ASSERT_EQUAL(theirs.last, 7);
	CU_ASSERT_FALSE(mine.is_over);
	CU_ASSERT_EQUAL(mine.got, 6);
	fli_sock_close(theirs.sock);
	theirs.sock = NULL;
	run_until(&mine.is_over);
	CU_ASSERT_EQUAL(mine.code, FL_ECLOSED);
	close_pair(listen);
}

static void port_where_nobody_listens_refuses(void)
{
	fli_listen *listen = NULL;
	uint16_t port;

	open_net();
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", 0, 0, &listen, &port), FL_OK);
	net->unlisten(net, listen);
	fli_socket_net_run(net, ROUND_MS);
	dial("127.0.0.1", port);
	run_until(&mine.is_over);
	CU_ASSERT_EQUAL(mine.code, FL_EREFUSED);
	fli_sock_close(mine.sock);
	fli_socket_net_delete(net);
}

static void name_is_resolved(void)
{
	fli_listen *listen = NULL;
	uint16_t port;

	open_net();
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", 0, 0, &listen, &port), FL_OK);
	dial("localhost", port);
	run_until(&mine.is_open);
	close_pair(listen);
}

/* What the machine's own resolver says of localhost; as where it has no ::1. */
static bool has_v6_localhost(void)
{
	const struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	bool has = getaddrinfo("localhost", NULL, &hints, &found) == 0;

	if (has)
		freeaddrinfo(found);
	return has;
}

/* Nothing of IPv6 can be tried on a machine without ::1, and the test says so. */
static bool listen_v6(fli_listen **ret, uint16_t *port)
{
	if (listen_at("::1", 0, 0, ret, port) == FL_OK)
		return true;
	(void)printf("left out: this machine has no ::1\n");
	fli_socket_net_delete(net);
	return false;
}

static void address_of_ipv6_is_dialled(void)
{
	fli_listen *listen = NULL;
	uint16_t port;

	open_net();
	if (!listen_v6(&listen, &port))
		return;
	dial("::1", port);
	run_until(&mine.is_open);
	while (theirs.sock == NULL)
		fli_socket_net_run(net, ROUND_MS);
	CU_ASSERT_TRUE(theirs.sock->peer.is_local);
	close_pair(listen);
}

static void kind_of_address_that_is_preferred_is_tried_first(void)
{
	fli_listen *four = NULL, *six = NULL;
	bool has_v6 = has_v6_localhost();
	uint16_t port;

	open_net_of(FLI_INET6_FIRST);
	if (!listen_v6(&six, &port))
		return;
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", port, port, &four, &port), FL_OK);
	dial("localhost", port); /* by IPv4 where the resolver knows nothing else */
	run_until(&mine.is_open);
	while (theirs.sock == NULL)
		fli_socket_net_run(net, ROUND_MS);
	CU_ASSERT_EQUAL(theirs.sock->peer.ip[15] == 1 && theirs.sock->peer.ip[10] == 0, has_v6);
	net->unlisten(net, four);
	close_pair(six);
}

static void one_kind_of_address_may_be_all_that_counts(void)
{
	fli_listen *four = NULL, *six = NULL;
	bool has_v6 = has_v6_localhost();
	uint16_t port;

	open_net_of(FLI_INET6_ONLY);
	if (!listen_v6(&six, &port))
		return;
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", port, port, &four, &port), FL_OK);
	dial("localhost", port);
	run_until(has_v6 ? &mine.is_open : &mine.is_over);
	if (!has_v6)
		CU_ASSERT_EQUAL(mine.code, FL_ENOENT);
	net->unlisten(net, four);
	close_pair(six);
}

static void all_addresses_of_ipv6_leave_room_for_those_of_ipv4(void)
{
	fli_listen_at at = {.address = "::", .is_v6_only = true, .on_accept = on_accept};
	fli_listen *four = NULL, *six = NULL;
	uint16_t port;

	open_net();
	if (!listen_v6(&six, &port))
		return;
	net->unlisten(net, six);
	CU_ASSERT_EQUAL_FATAL(listen_at("0.0.0.0", 0, 0, &four, &port), FL_OK);
	at.port_min = at.port_max = port;
	CU_ASSERT_EQUAL(net->listen(net, &at, &six, &port, NULL), FL_OK);
	net->unlisten(net, four);
	net->unlisten(net, six);
	fli_socket_net_delete(net);
}

static fli_address address(const char *text)
{
	fli_address a = {.port = 1};

	CU_ASSERT_EQUAL(inet_pton(AF_INET6, text, a.ip), 1);
	return a;
}

static void limits_count_a_network_of_ipv6_as_one(void)
{
	static const struct {
		const char *a, *b;
		bool are_near;
	} rows[] = {{"fd00::1", "fd00::ffff:1:2:3", true}, {"fd00::1", "fd00:0:0:1::1", false},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.1", true},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.2", false}, {"::1", "::ffff:10.0.0.2", false}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fli_address a = address(rows[i].a), b = address(rows[i].b);

		CU_ASSERT_EQUAL(fli_address_is_near(&a, &b), rows[i].are_near);
	}
}

static void host_and_port_are_told_apart(void)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} rows[] = {{"h:1", "h", 1}, {"10.0.0.5:9100", "10.0.0.5", 9100},
		{"[fd00::5]:65535", "fd00::5", 65535}, {"[::1]:9100", "::1", 9100}, {"", NULL, 0},
		{"h", NULL, 0}, {":1", NULL, 0}, {"h:", NULL, 0}, {"h:0", NULL, 0},
		{"h:65536", NULL, 0}, {"h:1x", NULL, 0}, {"h: 1", NULL, 0}, {"::1:9100", NULL, 0},
		{"[]:1", NULL, 0}, {"[h]:1", NULL, 0}, {"[::1]", NULL, 0},
		{"a-host-that-is-too-long:1", NULL, 0}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint16_t port = 7;
		char host[16] = "";
		bool is = fli_host_port_split(rows[i].text, host, sizeof host, &port);

		CU_ASSERT_EQUAL(is, rows[i].host != NULL);
		CU_ASSERT_STRING_EQUAL(host, is ? rows[i].host : "");
		CU_ASSERT_EQUAL(port, is ? rows[i].port : 7);
	}
}

static void socket_may_be_closed_while_its_name_is_looked_up(void)
{
	open_net();
	dial("localhost", 1);
	fli_sock_close(mine.sock);
	fli_socket_net_delete(net);
	CU_ASSERT_FALSE(mine.is_over);
}

static void taken_port_is_skipped_within_a_range(void)
{
	fli_listen *first = NULL, *second = NULL, *third = NULL;
	uint16_t port, next = 0;

	open_net();
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", 0, 0, &first, &port), FL_OK);
	CU_ASSERT_EQUAL(listen_at("127.0.0.1", port, port, &third, &next), FL_ETAKEN);
	if (port < 65000 &&
		listen_at("127.0.0.1", port, (uint16_t)(port + 50), &second, &next) == FL_OK) {
		CU_ASSERT_TRUE(next > port && next <= port + 50);
		net->unlisten(net, second);
	}
	net->unlisten(net, first);
	fli_socket_net_delete(net);
}

static void address_of_another_machine_is_refused_with_a_text(void)
{
	const fli_listen_at at = {.address = "192.0.2.1"};
	fli_listen *listen = NULL;
	fl_error err = {0};
	uint16_t port;

	open_net();
	CU_ASSERT_EQUAL(net->listen(net, &at, &listen, &port, &err), FL_EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "192.0.2.1"));
	fli_socket_net_delete(net);
}

/* Two that come at once, so that the second waits until the first has been closed. */
static void connections_without_memory_are_closed_and_later_ones_accepted(void)
{
	end early[2] = {{.sock = NULL}};
	fli_listen *listen = NULL;
	uint16_t port;

	open_net();
	refused = 0;
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", 0, 0, &listen, &port), FL_OK);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(net->dial(net, "127.0.0.1", port, &early[i].sock), FL_OK);
		fli_sock_own(early[i].sock, &events, &early[i]);
	}
	has_no_memory = true;
	for (size_t i = 0; i < 2; i++)
		run_until(&early[i].is_over);
	has_no_memory = false;
	CU_ASSERT_EQUAL(refused, 2);
	for (size_t i = 0; i < 2; i++)
		fli_sock_close(early[i].sock);
	dial("127.0.0.1", port);
	run_until(&mine.is_open);
	for (int i = 0; i < ROUNDS_MAX && theirs.sock == NULL; i++)
		fli_socket_net_run(net, ROUND_MS);
	CU_ASSERT_PTR_NOT_NULL_FATAL(theirs.sock);
	close_pair(listen);
}

static void listener_may_be_closed_while_it_refuses(void)
{
	fli_listen *listen = NULL;
	uint16_t port;

	open_net();
	refused = 0;
	CU_ASSERT_EQUAL_FATAL(listen_at("127.0.0.1", 0, 0, &listen, &port), FL_OK);
	dial("127.0.0.1", port);
	has_no_memory = true;
	for (int i = 0; i < ROUNDS_MAX && refused == 0; i++)
		fli_socket_net_run(net, 0);
	net->unlisten(net, listen);
	has_no_memory = false;
	CU_ASSERT_EQUAL(refused, 1);
	fli_sock_close(mine.sock);
	fli_socket_net_delete(net);
}

FL_SUITE("socket", FL_TEST(bytes_go_both_ways), FL_TEST(what_does_not_fit_is_queued),
	FL_TEST(close_with_output_queued_is_safe),
	FL_TEST(close_of_one_side_is_an_end_in_order_for_the_other),
	FL_TEST(finish_lets_the_other_side_read_all), FL_TEST(port_where_nobody_listens_refuses),
	FL_TEST(name_is_resolved), FL_TEST(address_of_ipv6_is_dialled),
	FL_TEST(kind_of_address_that_is_preferred_is_tried_first),
	FL_TEST(one_kind_of_address_may_be_all_that_counts),
	FL_TEST(all_addresses_of_ipv6_leave_room_for_those_of_ipv4),
	FL_TEST(limits_count_a_network_of_ipv6_as_one), FL_TEST(host_and_port_are_told_apart),
	FL_TEST(socket_may_be_closed_while_its_name_is_looked_up),
	FL_TEST(taken_port_is_skipped_within_a_range),
	FL_TEST(address_of_another_machine_is_refused_with_a_text),
	FL_TEST(connections_without_memory_are_closed_and_later_ones_accepted),
	FL_TEST(listener_may_be_closed_while_it_refuses));
