/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a few links, with each allocation failing in turn: nothing leaks, nothing breaks. */

#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/lab.h"
#include "tests/support/suite.h"

static void embedded(fli_dist_config *config)
{
	config->epmd = FLI_DIST_EPMD_EMBEDDED;
	config->epmd_port = 4369;
	config->known_count = 0;
}

static void live(lab *net)
{
	lab_host *a = lab_add(net, "a@h.x", NULL);
	lab_host *b = lab_add(net, "b@h.x", NULL);
	lab_host *c = lab_add(net, "c@h.x", embedded);

	lab_pass(net, 100);
	if (a == NULL || b == NULL || c == NULL)
		return;
	(void)lab_send(a, b, "{early, <<1,2,3>>}");
	(void)lab_want(b, a);
	(void)lab_connect(c, a);
	(void)lab_connect(a, c);
	lab_pass(net, 100);
	(void)lab_send(b, a, "{late, #{x => 1}}");
	lab_run(net);
	(void)lab_disconnect(a, b);
	(void)lab_connect(b, c);
	lab_pass(net, 100000);
}

static void each_allocation_may_fail(void)
{
	static lab net;
	fli_fault fault;
	long at = 1;

	do {
		fli_fault_create(&fault, at);
		lab_open(&net, &fault.mem);
		live(&net);
		lab_close(&net);
		CU_ASSERT_EQUAL_FATAL(atomic_load(&fault.live), 0);
		at++;
	} while (atomic_load(&fault.was_hit));
	CU_ASSERT_TRUE(at > 100);
}

/* True: the allocation was reached. *ret_lost: the message was not even begun. */
static bool send_with_failure(lab *net, long at, bool *ret_lost)
{
	static char text[40000];
	fli_fault fault;
	lab_host *a, *b;

	(void)memset(text, '1', sizeof text - 1);
	fli_fault_create(&fault, 0);
	lab_open(net, &fault.mem);
	a = lab_add(net, "a@h.x", NULL);
	b = lab_add(net, "b@h.x", NULL);
	CU_ASSERT_FATAL(lab_connect(a, b));
	lab_run(net);
	fault.countdown = at;
	*ret_lost = lab_send(a, b, text) == FL_ENOCONN;
	fault.countdown = 0;
	lab_run(net);
	CU_ASSERT_EQUAL(lab_is_up(a, b), !*ret_lost);
	lab_close(net);
	return atomic_load(&fault.was_hit);
}

/* What comes after a message that was lost must not arrive as if nothing was missing. */
static void message_that_cannot_be_begun_costs_the_connection(void)
{
	static lab net;
	unsigned lost = 0;
	bool is_lost;

	for (long at = 1; send_with_failure(&net, at, &is_lost); at++)
		lost += is_lost;
	CU_ASSERT_TRUE(lost > 0);
}

FL_SUITE("peers_oom", FL_TEST(each_allocation_may_fail),
	FL_TEST(message_that_cannot_be_begun_costs_the_connection));
