/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modelled OTP nodes and C nodes in one simulated cluster.
 */
#include "flitch/sim.h"
#include "tests/sim/otp_guest.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static fl_sim *sim;
static otp_guest *otp[3];
static fl_sim_node *node;
static char text[4096];

static void log_line(otp_guest *guest, const char *line, void *ctx)
{
	(void)ctx;
	fl_sim_note(sim, "%s: %s", otp_guest_name(guest), line);
}

static void start(bool has_epmd, int release)
{
	static const char *const names[] = {"o0@zero.sim", "o1@one.sim", "o2@two.sim"};
	fl_error err;

	sim = fl_sim_new(&(fl_sim_options){.seed = 11, .has_epmd = has_epmd});
	for (unsigned i = 0; i < 3; i++) {
		otp[i] = otp_guest_add(sim, &(otp_guest_options){.node = {.name = names[i],
									 .release = release,
									 .has_pop = true,
									 .pg_scopes = "pg"},
						    .has_epmd = has_epmd,
						    .on_log = log_line});
		CU_ASSERT_EQUAL(otp_guest_start(otp[i]), FL_OK);
	}
	node = fl_sim_add(sim, "c@three.sim", NULL, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	CU_ASSERT_EQUAL_FATAL(fl_sim_start(node, &err), FL_OK);
	fl_sim_run(sim, 3000);
}

static void end(void)
{
	for (unsigned i = 0; i < 3; i++)
		otp_guest_delete(otp[i]);
	fl_sim_delete(sim);
}

static void check_mesh(void)
{
	otp_ask_nodes(otp_guest_node(otp[0]), text, sizeof text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "o1@one.sim o2@two.sim"));
	otp_ask_synced(otp_guest_node(otp[2]), text, sizeof text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "o0@zero.sim o1@one.sim"));
}

static void modelled_nodes_form_a_mesh_in_the_world(void)
{
	for (unsigned has_epmd = 0; has_epmd < 2; has_epmd++) {
		start(has_epmd == 1, 27);
		otp_do_connect(otp_guest_node(otp[0]), "o1@one.sim");
		otp_do_connect(otp_guest_node(otp[2]), "o1@one.sim");
		fl_sim_run(sim, 20000);
		check_mesh();
		otp_guest_crash(otp[1], FL_SIM_KILLED);
		fl_sim_run(sim, 5000);
		otp_ask_nodes(otp_guest_node(otp[0]), text, sizeof text);
		CU_ASSERT_STRING_EQUAL(text, "o2@two.sim");
		CU_ASSERT_EQUAL(otp_guest_start(otp[1]), FL_OK);
		fl_sim_run(sim, 5000);
		otp_do_connect(otp_guest_node(otp[1]), "o0@zero.sim");
		fl_sim_run(sim, 20000);
		check_mesh();
		end();
	}
}

static void a_c_node_answers_a_ping_of_every_release(void)
{
	static const int releases[] = {23, 25, 27, 29};

	for (unsigned i = 0; i < 4; i++) {
		otp_node *o;
		unsigned ticket;

		start(false, releases[i]);
		o = otp_guest_node(otp[0]);
		ticket = otp_do_call(o, "net_kernel", "c@three.sim",
			otp_make(o, "{is_auth,~a}", "o0@zero.sim"), 5000);
		fl_sim_run(sim, 2000);
		CU_ASSERT_EQUAL(otp_result_text(o, ticket, text, sizeof text), OTP_YES);
		CU_ASSERT_STRING_EQUAL(text, "yes");
		CU_ASSERT(fl_sim_is_connected(node, "o0@zero.sim"));
		fl_sim_run(sim, 200000);
		CU_ASSERT(fl_sim_is_connected(node, "o0@zero.sim"));
		CU_ASSERT_EQUAL(otp_ask_findings(o).protocol_errors, 0);
		CU_ASSERT(fl_sim_disconnect(node, "o0@zero.sim"));
		fl_sim_run(sim, 100);
		CU_ASSERT_FALSE(otp_ask_is_connected(o, "c@three.sim"));
		end();
	}
}

static void a_cut_link_is_noticed_by_both_kinds(void)
{
	start(false, 29);
	CU_ASSERT_EQUAL(fl_sim_connect(node, "o0@zero.sim"), FL_OK);
	fl_sim_run(sim, 2000);
	CU_ASSERT(otp_ask_is_connected(otp_guest_node(otp[0]), "c@three.sim"));
	fl_sim_cut(sim, "zero.sim", "three.sim");
	fl_sim_run(sim, 100000);
	CU_ASSERT_FALSE(otp_ask_is_connected(otp_guest_node(otp[0]), "c@three.sim"));
	CU_ASSERT_FALSE(fl_sim_is_connected(node, "o0@zero.sim"));
	fl_sim_heal(sim);
	fl_sim_run(sim, 100000);
	CU_ASSERT(otp_ask_is_connected(otp_guest_node(otp[0]), "c@three.sim"));
	end();
}

FL_SUITE("otp_guest", FL_TEST(modelled_nodes_form_a_mesh_in_the_world),
	FL_TEST(a_c_node_answers_a_ping_of_every_release),
	FL_TEST(a_cut_link_is_noticed_by_both_kinds));
