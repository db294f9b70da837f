/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_PEERS_H
#define FLITCH_TESTS_SIM_PEERS_H

/*
 * The other side: a modelled OTP node (otp_guest.h) among the C nodes of a run, where the plan has
 * one. It connects and leaves, asks by call and by erpc, watches, and crashes; the C nodes must be
 * to it what a BEAM would be.
 *
 * Threads: the world's. Memory: peers_open and peers_close. Errors: entered in the books.
 */

#include "tests/sim/run.h"

void peers_open(run *r);
void peers_close(run *r);
/* It runs again, and its links pass. */
void peers_heal(run *r);
/* Every C node wants it. */
void peers_join(run *r);
/* It asks each C node by call and by erpc; what comes of it is the invariant's. */
void peers_ask_around(run *r);

/* Acts and faults (rows.h). */
void peers_connect(run *r, const plan_step *s);
void peers_disconnect(run *r, const plan_step *s);
void peers_call(run *r, const plan_step *s);
void peers_erpc(run *r, const plan_step *s);
void peers_watch(run *r, const plan_step *s);
void peers_name(run *r, const plan_step *s);
void peers_lock(run *r, const plan_step *s);
void peers_group(run *r, const plan_step *s);
void peers_cut(run *r, const plan_step *s);
void peers_cut_end(run *r, const plan_step *s);
void peers_crash(run *r, const plan_step *s);
void peers_crash_end(run *r, const plan_step *s);
void peers_pause(run *r, const plan_step *s);
void peers_pause_end(run *r, const plan_step *s);

/* What it knows, as lines of the trace. */
void peers_dump(run *r);

/* Invariants: of steps, that a BEAM would take all that came; of quiet, that it is served. */
bool peers_understand(run *r, char *text);
bool peers_are_served(run *r, char *text);
/* The members of its own; whether it has those of all. */
void peers_members(run *r, lines *ret);
bool peers_groups_are(run *r, lines *all);
/* It is up, and has that name. */
bool peers_has(run *r, fl_atom node);
/* Its table of global names as text; false: it is not up. */
bool peers_names(run *r, char *ret_text, size_t size);
bool peers_have_registered(run *r, char *text);
/* Connected on both sides. */
bool peers_agree(run *r);

#endif
