/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_GLOBAL_DOUBT_H
#define FLI_DIST_GLOBAL_DOUBT_H

/* Nodes with which something is not as it should be; global_doubt.c says what. Threads, memory,
 * errors: as global.h. */

#include "dist/global_state.h"

/* Something about it is odd; it has a while to pass, then the two part. */
void fli_global_doubt(fli_global *g, fli_global_node *node);
void fli_global_doubts_run(fli_global *g);
/* When the next one's time is over; UINT64_MAX. */
uint64_t fli_global_doubts_next(const fli_global *g);

/* A member that cannot be reached, while others may keep it; to be called before it is dropped. */
void fli_global_miss(fli_global *g, fli_global_node *node);
/* It is a member, with all its names; or it need not be remembered any more. */
void fli_global_found(fli_global *g, fli_global_node *node);
/* One that was missed has us for a member: the two part, and it is dialled. */
void fli_global_meet_anew(fli_global *g, fli_global_node *node);

#endif
