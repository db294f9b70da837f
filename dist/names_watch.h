/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_NAMES_WATCH_H
#define FLI_NAMES_WATCH_H

/*
 * Who has to know when a name of `global` gets another holder, or none: in place of looking again
 * and again.
 *
 *     name changes --> core's `changed` --> watches about it are due --> acts are carried out -->
 *     fl_names to each process that is due, one at a time: the next one after fli_names_watch_take
 *
 * A message says only that something has changed: whoever gets it looks at the table, which is as
 * it is by then. Names that change while a message is under way are told by that one.
 *
 * Threads: the owner of the node's context; fli_names_watch_take any. Memory: the watching
 * process's, and goes with it. Errors: a message that there is no memory for is sent with the next
 * change.
 */

#include <stdatomic.h>

#include "dist/global_service.h"
#include "node/base/list.h"

#define FLI_NAMES_CHANGED "fl_names"

typedef struct fli_names_watch {
	fli_link link;
	fl_pid pid;   /* who is told */
	fl_term name; /* without data: all names */
	bool is_due;
	_Atomic(bool) is_told; /* and has not taken it */
} fli_names_watch;

/*
 * Tells `self` from now on. `name` lives as long as the process; without data: all names. NULL: no
 * memory. The node may have no `global`: then nothing ever comes.
 */
fli_names_watch *fli_names_watch_new(fl_proc *self, fl_term name);
/* Before the watcher looks at the table: what changes from here on is told by another message. */
void fli_names_watch_take(fli_names_watch *watch);

/* For global_service.c and global_act.c. */
void fli_names_watch_mark(fli_link *watches, fl_term name); /* without data: all names */
void fli_names_watch_tell(fl_node *node, fli_link *watches);

#endif
