/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CONFLICT_H
#define FLI_CONFLICT_H

/*
 * What two processes that had one global name come to: who was killed for it is no failure of its
 * own, so that its supervisor does not count that restart; who was told hands on what it has.
 *
 *     kill, of who has a name, while names are compared --> noted --> its supervisor asks
 *     {global_name_conflict, Name}             on_name_conflict, then `give` --> flitch_heirs
 *     {global_name_merge, Name, Loser, State}  `merge`, and the loser is told
 *
 * Threads: the owner of the node's context; fli_conflict_told and _merged in a handler of the
 * process. Memory: fli_conflicts_delete. Errors: what finds no memory is counted as any end.
 * Limits: FLI_CONFLICTS_MAX ends that no supervisor has heard of yet, for FLI_CONFLICTS_MS.
 */

#include "node/runtime.h"

enum { FLI_CONFLICTS_MAX = 65536, FLI_CONFLICTS_MS = 60000 };

/* Who takes what losers give: see cluster/heirs.h. */
#define FLI_HEIRS "flitch_heirs"

/* From now on such ends are noted. */
int fli_conflicts_new(fl_node *node);
void fli_conflicts_delete(fl_node *node);
/* The process is killed: notes it if that is for a name of its own, and it has a supervisor. */
void fli_conflict_note(const fl_proc *proc);
/* True, once: it was noted. */
bool fli_conflict_take(fl_node *node, const fl_pid *pid);

/* The message is about a conflict, and has been seen to; false: it is for `info`. */
bool fli_conflict_message(fl_proc *proc, fl_term message, int *ret_rc);

#endif
