/* SPDX-License-Identifier: Apache-2.0 */
/* Who may leave what it had under a global name to the one that has the name now. */
#include "cluster/heirs.h"

#include <stdio.h>
#include <string.h>

#include "node/conflict.h"
#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;
static char lost[64]; /* the cast of a loser */

static const fl_behaviour loser = {.name = "loser"};

static void open_world(void)
{
	char pid[32];
	fl_pid who;

	actor_open(&w);
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	fli_enter(w.node);
	CU_ASSERT_EQUAL_FATAL(fli_heirs_open(w.node), FL_OK);
	fli_leave(w.node);
	who = world_start(&w, &loser, "loser", NULL);
	(void)snprintf(pid, sizeof pid, "<test@localhost.%u.%u>", who.id, who.serial);
	(void)snprintf(lost, sizeof lost, "{'$gen_cast', {lost, n, %s, 7}}", pid);
}

static void close_world(void)
{
	fake_remote_detach(&w);
	world_close(&w);
}

/* No node has the name, so that what was kept is dropped in the end, and told. */
static bool was_kept(void)
{
	world_pass(&w, FLI_HEIRS_MS);
	world_pass(&w, FLI_HEIRS_LOOK_MS);
	return strstr(w.log, "what a process here had under the name n was not merged") != NULL;
}

static void what_a_loser_gives_waits_for_an_heir(void)
{
	open_world();
	world_send(&w, FLI_HEIRS, lost);
	world_settle(&w);
	CU_ASSERT_TRUE(was_kept());
	close_world();
}

static void another_node_gives_nothing_in_a_losers_name(void)
{
	open_world();
	fli_enter(w.node);
	fli_remote_reg_send(w.node, &fake.peer, fl_atom_of(FLI_HEIRS), fake_payload(lost));
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_FALSE(was_kept());
	close_world();
}

FL_SUITE("heirs", FL_TEST(what_a_loser_gives_waits_for_an_heir),
	FL_TEST(another_node_gives_nothing_in_a_losers_name));
