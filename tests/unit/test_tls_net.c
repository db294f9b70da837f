/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes whose connections are TLS, on a network of memory. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/tls_net.h"
#include "tests/support/certs.h"
#include "tests/support/fault.h"
#include "tests/support/lab.h"
#include "tests/support/suite.h"

enum { NETS_MAX = 4 };

static lab net;
static certs set;
static fli_tls *contexts[NETS_MAX];
static fli_net *nets[NETS_MAX];
static size_t nets_count;
static const char *shown; /* the certificate of the node that is added next */
static bool has_failed;
static fli_mem *mem;

static void remove_set(void)
{
	certs_close(&set);
}

static void make_set(void)
{
	static const char *const hx[] = {"h.x", NULL};
	static const char *const other[] = {"other.x", NULL};

	if (set.ca != NULL)
		return;
	certs_open(&set);
	(void)atexit(remove_set);
	certs_good(&set, "hx", hx);
	certs_good(&set, "other", other);
}

static void with_tls(fli_dist_config *config)
{
	const fli_tls_config files = certs_config(&set, shown);

	if (fli_tls_new(&files, mem, &contexts[nets_count], NULL) != FL_OK ||
		fli_tls_net_new(config->net, contexts[nets_count], mem, &nets[nets_count]) !=
			FL_OK) {
		has_failed = true;
		nets_count++;
		return;
	}
	config->links = nets[nets_count++];
}

static void with_tls_and_any_name(fli_dist_config *config)
{
	with_tls(config);
	config->trusts_names = true;
}

static void open_net(void)
{
	make_set();
	mem = fli_mem_libc();
	has_failed = false;
	nets_count = 0;
	memset(contexts, 0, sizeof contexts);
	memset(nets, 0, sizeof nets);
	lab_open(&net, fli_mem_libc());
}

static lab_host *add(const char *name, const char *cert)
{
	shown = cert;
	return lab_add(&net, name, with_tls);
}

static void close_net(void)
{
	lab_close(&net);
	for (size_t i = 0; i < nets_count; i++) {
		fli_tls_net_delete(nets[i]);
		fli_tls_delete(contexts[i]);
	}
}

static void nodes_with_tls_meet_and_talk(void)
{
	lab_host *a, *b;

	open_net();
	a = add("a@h.x", "hx");
	b = add("b@h.x", "hx");
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b) && lab_is_up(b, a));
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(lab_send(a, b, "{hello, [1,2,3]}"), FL_OK);
	lab_run(&net);
	CU_ASSERT_EQUAL(b->received, 100);
	CU_ASSERT_TRUE(lab_disconnect(a, b));
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(b, a));
	close_net();
}

/* Pieces of records at a time: each of them waits for the socket below. */
static void small_windows_lose_nothing(void)
{
	char *text = malloc(300010);
	lab_host *a, *b;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	text[0] = '"';
	memset(text + 1, 'x', 300000);
	memcpy(text + 300001, "\"", 2);
	open_net();
	net.window = 1000;
	a = add("a@h.x", "hx");
	b = add("b@h.x", "hx");
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(lab_send(a, b, text), FL_OK);
	lab_run(&net);
	CU_ASSERT_EQUAL(b->received, 5);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	close_net();
	free(text);
}

static void reader_that_stops_holds_its_writer_back(void)
{
	lab_host *a, *b;

	open_net();
	net.window = 1000;
	a = add("a@h.x", "hx");
	b = add("b@h.x", "hx");
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	net.is_stopped = true;
	for (int i = 0; i < 20000; i++)
		CU_ASSERT_EQUAL(lab_send(a, b, "{some, \"text of some length\"}"), FL_OK);
	lab_run(&net);
	CU_ASSERT_TRUE(fli_outbound_size(&lab_peer(a, b)->conn->out) > 0);
	net.is_stopped = false;
	lab_run(&net);
	CU_ASSERT_EQUAL(b->received, 20000);
	CU_ASSERT_EQUAL(fli_outbound_size(&lab_peer(a, b)->conn->out), 0);
	close_net();
}

static void wrong_host_is_refused_by_who_dials(void)
{
	lab_host *a, *b;

	open_net();
	a = add("a@h.x", "hx");
	b = add("b@h.x", "other");
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_logged(a, "certificate of the other side (CN=other, for other.x)"));
	CU_ASSERT_TRUE(lab_logged(b, "the other side refused TLS with this node"));
	close_net();
}

static void wrong_name_is_refused_by_who_accepts(void)
{
	lab_host *a, *b;

	open_net();
	a = add("a@h.x", "other");
	b = add("b@h.x", "hx");
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_logged(b, "TLS certificate is for other names"));
	close_net();
}

static void names_need_not_be_checked(void)
{
	lab_host *a, *b;

	open_net();
	a = add("a@h.x", "other");
	shown = "hx";
	b = lab_add(&net, "b@h.x", with_tls_and_any_name);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	close_net();
}

static void plain_peer_is_told_from_tls(void)
{
	lab_host *a, *b;

	open_net();
	a = lab_add(&net, "a@h.x", NULL);
	b = add("b@h.x", "hx");
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_logged(b, "what came is no TLS"));
	lab_pass(&net, 60000);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_pass(&net, 20000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_logged(a, "TLS"));
	CU_ASSERT_TRUE(lab_logged(b, "closed in the midst of the TLS handshake"));
	close_net();
}

static void silent_peer_is_given_up_in_time(void)
{
	lab_host *b;
	lab_sock *visit;

	open_net();
	b = add("b@h.x", "hx");
	visit = lab_visit(b);
	lab_pass(&net, 10000);
	CU_ASSERT_TRUE(lab_visit_is_over(visit));
	CU_ASSERT_TRUE(lab_logged(b, "the TLS handshake is not answered"));
	close_net();
}

/* One allocation after the other fails, from the first dial on. */
static void failing_allocations_cost_a_connection(void)
{
	fli_fault fault;
	bool was_hit = true;

	for (long at = 1; was_hit && at < 200; at++) {
		lab_host *a, *b;

		open_net();
		fli_fault_create(&fault, 0);
		mem = &fault.mem;
		a = add("a@h.x", "hx");
		b = add("b@h.x", "hx");
		CU_ASSERT_FALSE(has_failed);
		atomic_store(&fault.countdown, at);
		(void)lab_connect(a, b);
		lab_run(&net);
		was_hit = atomic_load(&fault.was_hit);
		atomic_store(&fault.countdown, 0);
		lab_pass(&net, 60000);
		(void)lab_connect(a, b);
		lab_run(&net);
		CU_ASSERT_TRUE(lab_is_up(a, b));
		close_net();
		CU_ASSERT_EQUAL(atomic_load(&fault.live), 0);
	}
	CU_ASSERT_FALSE(was_hit);
}

FL_SUITE("tls_net", FL_TEST(nodes_with_tls_meet_and_talk), FL_TEST(small_windows_lose_nothing),
	FL_TEST(reader_that_stops_holds_its_writer_back),
	FL_TEST(wrong_host_is_refused_by_who_dials), FL_TEST(wrong_name_is_refused_by_who_accepts),
	FL_TEST(names_need_not_be_checked), FL_TEST(plain_peer_is_told_from_tls),
	FL_TEST(silent_peer_is_given_up_in_time), FL_TEST(failing_allocations_cost_a_connection));
