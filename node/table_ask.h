/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TABLE_ASK_H
#define FLI_TABLE_ASK_H

/*
 * What the files of ets's native functions share: a table found by what a caller calls it, and
 * OTP's errors.
 *
 * Threads: handlers. Memory: none. Errors: as said.
 */

#include "node/export.h"
#include "node/table.h"

/* FL_ECLOSED: no such table; FL_EFORMAT: neither an atom nor a reference. */
int fli_tab_open(fl_proc *self, fl_term table, fl_tab *ret_tab);
/* badarg with the cause that the code stands for, or system_limit; what a native returns. */
int fli_ets_raise(fl_buf *result, int rc);
/* badarg with that cause, an fli_blame. */
int fli_ets_blame(fl_buf *result, int blame);
/* `true`, or the error. */
int fli_ets_true(fl_buf *result, int rc);

#endif
