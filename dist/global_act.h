/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_GLOBAL_ACT_H
#define FLI_DIST_GLOBAL_ACT_H

/*
 * What a node keeps for its core of `global`, and how it carries out what the core wants done.
 *
 * Threads: the owner of the node's context. Memory: one for each node, freed with it. Errors: a
 * core that failed ends the name server, which begins anew.
 */

#include "dist/dist.h"
#include "dist/global_service.h"

typedef struct fli_global_service {
	fl_node *node;
	fli_global *core; /* NULL until the name server has started */
	fl_pid pids[FLI_GLOBAL_ROLES];
	fli_global_mode mode;
	fli_timer timer;
	bool has_begun;   /* there was a core; what it said still counts for others */
	fli_link dials;   /* connections that are being made for the core */
	fli_link watches; /* fli_names_watch */
} fli_global_service;

fli_global_service *fli_global_service_of(const fl_node *node);
/* Carries out the core's acts, and winds its clock. */
void fli_global_carry_out(fli_global_service *s);
/* Tells the core of dials that have come to an end. */
void fli_global_dials_done(fli_global_service *s);
/* Forgets what an earlier core has begun; the core itself too. */
void fli_global_service_reset(fli_global_service *s);
/* Registers `self`, in its handler: see via.h. */
int fli_global_claim(fl_proc *self, const char *name);

#endif
