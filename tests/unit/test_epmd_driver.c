/* SPDX-License-Identifier: Apache-2.0 */
/* Registration, look-up and an epmd inside a node, on a network of memory. */

#include <string.h>

#include "tests/support/lab.h"
#include "tests/support/suite.h"

static lab net;

static void embedded(fli_dist_config *config)
{
	config->epmd = FLI_DIST_EPMD_EMBEDDED;
	config->epmd_port = 4369;
	config->known_count = 0;
}

static void asks_epmd(fli_dist_config *config)
{
	config->epmd = FLI_DIST_EPMD_ON;
	config->epmd_port = 4369;
	config->known_count = 0;
}

static void node_without_epmd_serves_one(void)
{
	lab_host *a;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", embedded);
	CU_ASSERT_EQUAL(fli_dist_ready(a->dist, NULL), FL_EBUSY);
	lab_pass(&net, 100);
	CU_ASSERT_EQUAL(fli_dist_ready(a->dist, NULL), FL_OK);
	CU_ASSERT_EQUAL(a->node->creation, a->dist->epmd.reg.creation);
	CU_ASSERT_TRUE(a->node->creation >= 4);
	lab_close(&net);
}

static void second_node_uses_the_epmd_of_the_first(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", embedded);
	lab_pass(&net, 100);
	b = lab_add(&net, "b@h.x", embedded);
	lab_pass(&net, 100);
	CU_ASSERT_EQUAL(fli_dist_ready(b->dist, NULL), FL_OK);
	CU_ASSERT_PTR_NULL(b->dist->epmd.here);
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_pass(&net, 100);
	CU_ASSERT_TRUE(lab_is_up(b, a));
	lab_close(&net);
}

static void without_epmd_a_node_that_needs_one_does_not_start(void)
{
	lab_host *a;
	fl_error err = {0};

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", asks_epmd);
	lab_run(&net);
	CU_ASSERT_EQUAL(fli_dist_ready(a->dist, &err), FL_EREFUSED);
	CU_ASSERT_TRUE(err.what[0] != '\0' && err.why[0] != '\0' && err.next[0] != '\0');
	lab_close(&net);
}

static void name_that_is_taken_is_said_to_be(void)
{
	lab_host *b;
	fl_error err = {0};

	lab_open(&net, fli_mem_libc());
	(void)lab_add(&net, "a@h.x", embedded);
	lab_pass(&net, 100);
	b = lab_add(&net, "a@h.x", asks_epmd);
	lab_pass(&net, 100);
	CU_ASSERT_EQUAL(fli_dist_ready(b->dist, &err), FL_ETAKEN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "a@h.x"));
	lab_close(&net);
}

static void nobody_is_accepted_before_the_registration(void)
{
	lab_host *a;
	lab_sock *visitor;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", embedded);
	visitor = lab_visit(a);
	lab_run(&net);
	CU_ASSERT_TRUE(lab_visit_is_over(visitor));
	lab_pass(&net, 100);
	visitor = lab_visit(a);
	lab_run(&net);
	CU_ASSERT_FALSE(lab_visit_is_over(visitor));
	lab_close(&net);
}

static void absent_name_is_told_to_who_waits(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", embedded);
	b = lab_add(&net, "b@h.x", NULL);
	lab_pass(&net, 100);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_pass(&net, 100);
	CU_ASSERT_EQUAL(lab_peer(a, b)->error.code, FL_ENOENT);
	CU_ASSERT_EQUAL(lab_peer(a, b)->state, FLI_PEER_IDLE);
	lab_close(&net);
}

static void registration_comes_back_with_its_creation(void)
{
	lab_host *a, *b;
	uint32_t creation;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", embedded);
	lab_pass(&net, 100);
	b = lab_add(&net, "b@h.x", asks_epmd);
	lab_pass(&net, 100);
	creation = b->node->creation;
	fli_drive_begin(a->node);
	fli_epmd_driver_stop(&a->dist->epmd); /* and its epmd with it */
	fli_drive_end(a->node);
	lab_pass(&net, 5000);
	CU_ASSERT_TRUE(b->dist->epmd.reg.phase != FLI_EPMD_HELD);
	CU_ASSERT_EQUAL(fli_dist_ready(b->dist, NULL), FL_OK);
	(void)lab_add(&net, "c@h.x", embedded);
	lab_pass(&net, 2500);
	CU_ASSERT_EQUAL(b->dist->epmd.reg.phase, FLI_EPMD_HELD);
	CU_ASSERT_EQUAL(b->node->creation, creation);
	CU_ASSERT_TRUE(lab_logged(b, "registered in epmd again"));
	lab_close(&net);
}

static void node_that_died_is_found_again_sooner_than_one_that_left(void)
{
	lab_host *a, *b;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", embedded);
	lab_pass(&net, 100);
	b = lab_add(&net, "b@h.x", asks_epmd);
	lab_pass(&net, 100);
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_pass(&net, 20000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	fli_drive_begin(b->node); /* its link and its name go, as at its death */
	fli_epmd_driver_stop(&b->dist->epmd);
	fli_drive_end(b->node);
	CU_ASSERT_TRUE(lab_disconnect(b, a));
	lab_pass(&net, 1500);
	CU_ASSERT_FALSE(lab_peer(a, b)->want.is_suspended);
	lab_pass(&net, 2000);
	CU_ASSERT_TRUE(lab_peer(a, b)->failed_ms != 0); /* tried already */
	lab_close(&net);
}

FL_SUITE("epmd_driver", FL_TEST(node_without_epmd_serves_one),
	FL_TEST(second_node_uses_the_epmd_of_the_first),
	FL_TEST(without_epmd_a_node_that_needs_one_does_not_start),
	FL_TEST(name_that_is_taken_is_said_to_be),
	FL_TEST(nobody_is_accepted_before_the_registration),
	FL_TEST(absent_name_is_told_to_who_waits),
	FL_TEST(registration_comes_back_with_its_creation),
	FL_TEST(node_that_died_is_found_again_sooner_than_one_that_left));
