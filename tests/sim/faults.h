/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_FAULTS_H
#define FLITCH_TESTS_SIM_FAULTS_H

/*
 * Faults of hosts, programs and memory; those of links are beside the table, in faults.c.
 *
 * Threads: the world's. Memory: none. Errors: what does not fit the state of a host does nothing.
 */

#include "tests/sim/run.h"

void fault_half_open(run *r, const plan_step *s);
void fault_half_open_end(run *r, const plan_step *s);
void fault_crash(run *r, const plan_step *s);
void fault_crash_end(run *r, const plan_step *s);
void fault_vanish(run *r, const plan_step *s);
void fault_vanish_end(run *r, const plan_step *s);
void fault_restart(run *r, const plan_step *s);
void fault_scope_restart(run *r, const plan_step *s);
void fault_scope_restart_end(run *r, const plan_step *s);
void fault_leave(run *r, const plan_step *s);
void fault_leave_end(run *r, const plan_step *s);
void fault_pause(run *r, const plan_step *s);
void fault_pause_end(run *r, const plan_step *s);
void fault_suspend(run *r, const plan_step *s);
void fault_suspend_end(run *r, const plan_step *s);
void fault_wall_jump(run *r, const plan_step *s);
void fault_epmd_down(run *r, const plan_step *s);
void fault_epmd_down_end(run *r, const plan_step *s);
void fault_epmd_lying(run *r, const plan_step *s);
void fault_epmd_lying_end(run *r, const plan_step *s);
void fault_epmd_slow(run *r, const plan_step *s);
void fault_epmd_slow_end(run *r, const plan_step *s);
void fault_wrong_cookie(run *r, const plan_step *s);
void fault_wrong_cookie_end(run *r, const plan_step *s);
void fault_alloc_nth(run *r, const plan_step *s);
void fault_alloc_nth_end(run *r, const plan_step *s);
void fault_alloc_some(run *r, const plan_step *s);
void fault_alloc_some_end(run *r, const plan_step *s);
void fault_sockets(run *r, const plan_step *s);
void fault_sockets_end(run *r, const plan_step *s);
void fault_forged_frame(run *r, const plan_step *s);
void fault_forged_instead(run *r, const plan_step *s);
void fault_flipped_bit(run *r, const plan_step *s);

#endif
