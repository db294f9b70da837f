/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SILENT_H
#define FLI_SILENT_H

/*
 * Slots for servers of the node's own that nobody has to call: a stray request must not end them,
 * as the defaults would.
 */

#include "flitch/server.h"

/* Answers {error, notsup}. */
int fli_silent_call(fl_proc *self, void *state, fl_from from, fl_term request);
/* Takes no notice. */
int fli_silent_cast(fl_proc *self, void *state, fl_term message);

#endif
