/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_GUEST_H
#define FLI_TESTS_OTP_GUEST_H

/*
 * A modelled OTP node as a guest of the simulated cluster.
 *
 *     otp_guest *g = otp_guest_add(sim, &(otp_guest_options){.node = {.name = "o@one.sim"}});
 *     otp_guest_start(g);
 *     otp_do_connect(otp_guest_node(g), "c@two.sim"), fl_sim_run(sim, 5000);
 *
 * With an epmd on each host it registers there and looks others up, and is up when that is done;
 * without one it listens on FL_SIM_PORT. Each start is a new node: a new creation, nothing
 * remembered.
 *
 * Threads: the world's; what is done to the node is done between two events. Memory:
 * otp_guest_delete before the world goes.
 */

#include "sim/guest.h"
#include "tests/sim/otp_model.h"

typedef struct otp_guest otp_guest;

typedef struct otp_guest_options {
	otp_config node; /* its creation is not looked at; cookie NULL: the simulation's own */
	bool has_epmd;   /* as in fl_sim_options */
	/* What an OTP node would log; may be NULL. */
	void (*on_log)(otp_guest *guest, const char *line, void *ctx);
	void *ctx;
} otp_guest_options;

/* `options` is copied with its texts, but for pg_scopes. */
otp_guest *otp_guest_add(fl_sim *sim, const otp_guest_options *options);
void otp_guest_delete(otp_guest *guest);
/* FL_ETAKEN: its port is in use. */
int otp_guest_start(otp_guest *guest);
/* Leaves: init:stop() closes every connection. */
void otp_guest_stop(otp_guest *guest);
void otp_guest_crash(otp_guest *guest, fl_sim_crash how);
/* SIGSTOP and SIGCONT. */
void otp_guest_pause(otp_guest *guest);
void otp_guest_resume(otp_guest *guest);
/* NULL: it is not up. Another one after each start. */
otp_node *otp_guest_node(otp_guest *guest);
const char *otp_guest_name(const otp_guest *guest);

#endif
