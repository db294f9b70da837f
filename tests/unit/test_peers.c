/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that come up, go down, race and lie, on a network of memory and a clock of the test's. */

#include <string.h>

#include "tests/support/lab.h"
#include "tests/support/suite.h"

static lab net;

static void open_two(lab_host **a, lab_host **b)
{
	lab_open(&net, fli_mem_libc());
	*a = lab_add(&net, "a@h.x", NULL);
	*b = lab_add(&net, "b@h.x", NULL);
}

static void dialled_peer_is_up_on_both_sides(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	CU_ASSERT_TRUE(lab_connect(a, b));
	CU_ASSERT_FALSE(lab_is_up(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_EQUAL(a->ups, 1);
	CU_ASSERT_EQUAL(b->ups, 1);
	CU_ASSERT_EQUAL(lab_peer(a, b)->base.creation, b->node->creation);
	CU_ASSERT_EQUAL(lab_peer(b, a)->base.creation, a->node->creation);
	CU_ASSERT_FALSE(lab_peer(a, b)->base.is_hidden);
	CU_ASSERT_TRUE(lab_peer(a, b)->base.has_monitors);
	lab_close(&net);
}

static void hide(fli_dist_config *config)
{
	config->is_visible = false;
}

static void hidden_peer_is_hidden_on_both_sides(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", hide);
	b = lab_add(&net, "b@h.x", NULL);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_peer(a, b)->base.is_hidden);
	CU_ASSERT_TRUE(lab_peer(b, a)->base.is_hidden);
	lab_close(&net);
}

static void messages_sent_before_the_connection_arrive_in_it(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(lab_send(a, b, "{hello, [1,2,3]}"), FL_OK);
	CU_ASSERT_EQUAL(b->received, 0);
	lab_run(&net);
	CU_ASSERT_EQUAL(b->received, 100);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_EQUAL(lab_peer(a, b)->queue.bytes, 0);
	lab_close(&net);
}

static void small_queue(fli_dist_config *config)
{
	config->limits.waiting_bytes_max = 4096;
}

static void queue_of_a_peer_is_bounded(void)
{
	lab_host *a, *b;
	int rc = FL_OK;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", small_queue);
	b = lab_add(&net, "b@h.x", NULL);
	for (int i = 0; i < 100 && rc == FL_OK; i++)
		rc = lab_send(a, b, "{hello, [1,2,3]}");
	CU_ASSERT_EQUAL(rc, FL_ELIMIT);
	lab_run(&net);
	CU_ASSERT_TRUE(b->received > 0 && b->received < 100);
	lab_close(&net);
}

static void few_in_all(fli_dist_config *config)
{
	config->limits.waiting_sum_max = 8192;
	config->limits.waiting_bytes_min = 1024;
}

/* One peer makes up names; what waits for them leaves the others some room each. */
static void queues_of_all_peers_are_bounded(void)
{
	lab_host *a, *b, *c;
	size_t most;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", few_in_all);
	b = lab_add(&net, "b@h.x", NULL);
	c = lab_add(&net, "c@h.x", NULL);
	while (lab_send(a, b, "{hello, [1,2,3]}") == FL_OK)
		;
	most = lab_peer(a, b)->queue.bytes;
	CU_ASSERT_TRUE(most > 7000 && most <= 8192);
	while (lab_send(a, c, "{hello, [1,2,3]}") == FL_OK)
		;
	most = lab_peer(a, c)->queue.bytes;
	CU_ASSERT_TRUE(most > 500 && most <= 1024);
	lab_run(&net);
	CU_ASSERT_TRUE(b->received > 0 && c->received > 0);
	CU_ASSERT_EQUAL(lab_peer(a, b)->dist->waiting_bytes, 0);
	lab_close(&net);
}

static void both_dial_at_once_and_one_connection_stays(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	CU_ASSERT_TRUE(lab_connect(a, b));
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	lab_pass(&net, 20000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_EQUAL(a->ups, 1);
	CU_ASSERT_EQUAL(b->ups, 1);
	CU_ASSERT_EQUAL(a->downs + b->downs, 0);
	CU_ASSERT_TRUE(fli_list_is_empty(&a->dist->pending));
	CU_ASSERT_TRUE(fli_list_is_empty(&b->dist->pending));
	lab_close(&net);
}

static void messages_of_both_arrive_when_both_dial_at_once(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(lab_send(a, b, "x"), FL_OK);
		CU_ASSERT_EQUAL(lab_send(b, a, "x"), FL_OK);
	}
	lab_run(&net);
	lab_pass(&net, 20000);
	CU_ASSERT_EQUAL(a->received, 10);
	CU_ASSERT_EQUAL(b->received, 10);
	lab_close(&net);
}

static void other_cookie(fli_dist_config *config)
{
	config->cookie = "another";
	config->cookie_size = 7;
}

static void wrong_cookie_is_told_on_both_sides(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "b@h.x", other_cookie);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_FALSE(lab_is_up(b, a));
	CU_ASSERT_TRUE(lab_logged(a, "cookie"));
	CU_ASSERT_TRUE(lab_logged(b, "cookie"));
	CU_ASSERT_FALSE(lab_logged(a, "secret"));
	CU_ASSERT_FALSE(lab_logged(b, "another"));
	CU_ASSERT_EQUAL(b->dist->counters.handshakes_failed, 1);
	lab_close(&net);
}

static void cookie_for_one_peer(fli_dist_config *config)
{
	((fli_dist_known *)(void *)(uintptr_t)config->known)[1].cookie = "another";
	((fli_dist_known *)(void *)(uintptr_t)config->known)[1].cookie_size = 7;
}

static void cookie_of_a_peer_goes_before_the_own(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", cookie_for_one_peer);
	b = lab_add(&net, "b@h.x", other_cookie);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_close(&net);
}

static void only_c(fli_dist_config *config)
{
	static const char *const allow[] = {"x*@h.x", "c@*"};

	config->allow = allow;
	config->allow_count = 2;
}

static void who_is_not_in_the_list_is_refused(void)
{
	lab_host *a, *b, *c;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "b@h.x", only_c);
	c = lab_add(&net, "c@h.x", NULL);
	CU_ASSERT_TRUE(lab_connect(a, b));
	CU_ASSERT_TRUE(lab_connect(c, b));
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(c, b));
	lab_close(&net);
}

static void refused_connection_is_a_node_down_for_who_waits(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	fli_dist_stop_listening(b->dist);
	CU_ASSERT_TRUE(lab_connect(a, b));
	CU_ASSERT_EQUAL(lab_send(a, b, "x"), FL_OK);
	lab_run(&net);
	CU_ASSERT_EQUAL(lab_peer(a, b)->state, FLI_PEER_IDLE);
	CU_ASSERT_EQUAL(lab_peer(a, b)->queue.bytes, 0);
	CU_ASSERT_EQUAL(lab_peer(a, b)->error.code, FL_EREFUSED);
	CU_ASSERT_TRUE(fli_list_is_empty(&lab_peer(a, b)->waits));
	CU_ASSERT_EQUAL(a->downs, 0); /* it had not been up */
	lab_close(&net);
}

static void dial_that_nobody_answers_ends_after_the_step_time(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	net.is_cut = true;
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_pass(&net, 6990);
	CU_ASSERT_EQUAL(lab_peer(a, b)->state, FLI_PEER_DIALLING);
	lab_pass(&net, 20);
	CU_ASSERT_EQUAL(lab_peer(a, b)->state, FLI_PEER_IDLE);
	CU_ASSERT_EQUAL(lab_peer(a, b)->error.code, FL_ETIMEOUT);
	lab_close(&net);
}

static void restarted_peer_replaces_its_half_open_connection(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	lab_forget_sockets(a);
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a)); /* it has heard nothing */
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	lab_pass(&net, 1000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_EQUAL(b->downs, 1);
	CU_ASSERT_EQUAL(b->ups, 2);
	CU_ASSERT_EQUAL(lab_send(a, b, "x"), FL_OK);
	lab_run(&net);
	CU_ASSERT_EQUAL(b->received, 1);
	lab_close(&net);
}

/* 'N', all flags, creation, a name; without a cookie it gets no further. */
static void claim_name(lab_sock *visitor, const char *name)
{
	uint8_t bytes[64] = {0, 0, 'N', 0, 0, 0, 0x6d, 0x07, 0xdf, 0x7f, 0xbd, 0, 0, 0, 9, 0};
	size_t size = strlen(name);

	bytes[1] = (uint8_t)(15 + size);
	bytes[16] = (uint8_t)size;
	memcpy(bytes + 17, name, size);
	lab_visit_write(visitor, bytes, 17 + size);
}

static void unproven_name_ends_no_connection(void)
{
	lab_host *a, *b;
	lab_sock *liar;

	open_two(&a, &b);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	liar = lab_visit(b);
	claim_name(liar, "a@h.x");
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(b, a));
	lab_pass(&net, 8000);
	CU_ASSERT_TRUE(lab_visit_is_over(liar));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_EQUAL(b->downs, 0);
	lab_close(&net);
}

static void unproven_name_does_not_keep_the_true_peer_out(void)
{
	lab_host *a, *b;
	lab_sock *liar;

	open_two(&a, &b);
	liar = lab_visit(b);
	claim_name(liar, "a@h.x");
	lab_run(&net);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_TRUE(lab_visit_is_over(liar));
	lab_close(&net);
}

static void unproven_name_delays_our_own_attempt_only(void)
{
	lab_host *a, *b;
	lab_sock *liar;

	open_two(&a, &b);
	liar = lab_visit(b);
	claim_name(liar, "a@h.x");
	lab_run(&net);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	CU_ASSERT_EQUAL(lab_peer(b, a)->state, FLI_PEER_WAITING);
	lab_pass(&net, 7100);
	CU_ASSERT_TRUE(lab_visit_is_over(liar));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	lab_close(&net);
}

static void name_that_many_claim_is_free_for_its_holder(void)
{
	lab_host *a, *b;
	lab_sock *liars[6];

	open_two(&a, &b);
	for (size_t i = 0; i < 6; i++) {
		liars[i] = lab_visit(b);
		claim_name(liars[i], "a@h.x");
		lab_run(&net);
	}
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(lab_visit_is_over(liars[i]), i < 2);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_TRUE(lab_visit_is_over(liars[5]));
	lab_close(&net);
}

/* Somebody says a's name without end, always before the last who did has run out of time. */
static void name_that_is_claimed_for_ever_is_dialled_all_the_same(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	claim_name(lab_visit(b), "a@h.x");
	lab_run(&net);
	CU_ASSERT_TRUE(lab_connect(b, a));
	for (size_t i = 0; i < 5 && !lab_is_up(b, a); i++) {
		lab_pass(&net, 3500);
		claim_name(lab_visit(b), "a@h.x");
		lab_run(&net);
	}
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_close(&net);
}

static void no_listener(fli_dist_config *config)
{
	config->listen_address = NULL;
	config->is_visible = false;
}

static void nameless_node_is_named_by_its_first_peer(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "h.x", no_listener);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	CU_ASSERT_EQUAL(a->ups, 1);
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_TRUE(lab_is_up(a, b)); /* by the name that it was given */
	CU_ASSERT_EQUAL(b->node->name.size, 12 + strlen("@h.x"));
	CU_ASSERT_TRUE(lab_peer(a, b)->base.is_hidden);
	CU_ASSERT_EQUAL(lab_peer(a, b)->base.creation, b->node->creation);
	lab_close(&net);
}

static void nameless_node_comes_and_goes_without_a_notice(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "h.x", no_listener);
	atomic_store_explicit(&a->node->log.level, FLI_NOTICE, memory_order_relaxed);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	CU_ASSERT_EQUAL(a->ups, 1);
	CU_ASSERT_TRUE(lab_disconnect(b, a));
	lab_run(&net);
	CU_ASSERT_EQUAL(a->downs, 1);
	CU_ASSERT_FALSE(lab_logged(a, "nodeup"));
	CU_ASSERT_FALSE(lab_logged(a, "nodedown"));
	b = lab_add(&net, "c@h.x", NULL);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_logged(a, "nodeup c@h.x"));
	CU_ASSERT_TRUE(lab_disconnect(b, a));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_logged(a, "nodedown c@h.x"));
	lab_close(&net);
}

static void name_that_is_free_again_is_given_again(void)
{
	lab_host *a, *b, *c;
	uint32_t creation;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "h.x", no_listener);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	creation = b->node->creation;
	CU_ASSERT_TRUE(lab_disconnect(b, a));
	lab_run(&net);
	c = lab_add(&net, "h.x", no_listener);
	CU_ASSERT_TRUE(lab_connect(c, a));
	lab_run(&net);
	CU_ASSERT_TRUE(fl_atom_eq(c->node->name, b->node->name));
	CU_ASSERT_EQUAL(c->node->creation, creation + 1);
	lab_close(&net);
}

static void node_of_the_own_name_is_refused(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "a@h.x", NULL);
	CU_ASSERT_FALSE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_EQUAL(a->ups + b->ups, 0);
	lab_close(&net);
}

static void few_peers(fli_dist_config *config)
{
	config->limits.peers_max = 2;
}

static void idle_peers_make_room_for_others(void)
{
	static const char *const names[] = {"u@h.x", "v@h.x", "w@h.x", "x@h.x"};
	lab_host *a;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", few_peers);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_PTR_NOT_NULL(fli_peers_get(a->dist, names[i], strlen(names[i]), NULL));
	CU_ASSERT_EQUAL(a->dist->peers.count, 2);
	lab_close(&net);
}

static void short_names_are_not_dialled_by_long_ones(void)
{
	lab_host *a;
	fli_dist_wait wait;
	fl_error err = {0};

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	CU_ASSERT_TRUE(fli_dist_connect(a->dist, fl_atom_of("b@h"), &wait, &err) < 0);
	CU_ASSERT_TRUE(err.what[0] != '\0');
	CU_ASSERT_EQUAL(lab_peer(a, a), NULL);
	lab_close(&net);
}

FL_SUITE("peers", FL_TEST(dialled_peer_is_up_on_both_sides),
	FL_TEST(hidden_peer_is_hidden_on_both_sides),
	FL_TEST(messages_sent_before_the_connection_arrive_in_it),
	FL_TEST(queue_of_a_peer_is_bounded), FL_TEST(queues_of_all_peers_are_bounded),
	FL_TEST(both_dial_at_once_and_one_connection_stays),
	FL_TEST(messages_of_both_arrive_when_both_dial_at_once),
	FL_TEST(wrong_cookie_is_told_on_both_sides), FL_TEST(cookie_of_a_peer_goes_before_the_own),
	FL_TEST(who_is_not_in_the_list_is_refused),
	FL_TEST(refused_connection_is_a_node_down_for_who_waits),
	FL_TEST(dial_that_nobody_answers_ends_after_the_step_time),
	FL_TEST(restarted_peer_replaces_its_half_open_connection),
	FL_TEST(unproven_name_ends_no_connection),
	FL_TEST(unproven_name_does_not_keep_the_true_peer_out),
	FL_TEST(unproven_name_delays_our_own_attempt_only),
	FL_TEST(name_that_many_claim_is_free_for_its_holder),
	FL_TEST(name_that_is_claimed_for_ever_is_dialled_all_the_same),
	FL_TEST(nameless_node_is_named_by_its_first_peer),
	FL_TEST(nameless_node_comes_and_goes_without_a_notice),
	FL_TEST(name_that_is_free_again_is_given_again), FL_TEST(node_of_the_own_name_is_refused),
	FL_TEST(idle_peers_make_room_for_others),
	FL_TEST(short_names_are_not_dialled_by_long_ones));
