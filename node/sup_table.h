/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUP_TABLE_H
#define FLI_SUP_TABLE_H

/*
 * What the decisions of a supervisor (sup.c) do to the table of its children (sup_table.c).
 *
 * Threads, memory: as sup.h.
 */

#include "node/sup.h"

/* With DOWN its pid is forgotten. */
void fli_kid_set(fli_sup *sup, fli_kid *kid, fli_kid_state state);
/* What OTP's del_child does: a temporary or dynamic one is removed, another keeps its place. */
void fli_kid_put_down(fli_sup *sup, fli_kid *kid);
/* Without memory for its pid nobody would see its end: false. */
bool fli_kid_know_pid(fli_sup *sup, fli_kid *kid);

#endif
