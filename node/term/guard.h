/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_GUARD_H
#define FLI_TERM_GUARD_H

/*
 * Guards of a match specification: a list of terms that must all come to `true`.
 *
 *     [{'>', '$1', 3}, {is_atom, {element, 1, '$2'}}]        '$N' as fli_bind has bound them
 *
 * Understood are the tests is_*, the comparisons, not, and, or, xor, andalso, orelse, element, hd,
 * tl, length, size, byte_size, map_size, map_get, is_map_key, abs, arithmetic on integers of 64
 * bits and floats, {const, X} and '$_', the whole. A guard that cannot be computed is false, as in
 * Erlang.
 *
 * Source: erts, "Match Specifications in Erlang".
 *
 * Threads: any. Memory: none. Errors: false.
 * Limits: no recursion; 128 terms that wait, 128 numbers that are computed. A tuple that is to be
 * built, {{..}}, and a list or map must hold no variables.
 */

#include "node/term/bind.h"

/* They are such a list, of functions with the right number of arguments. */
bool fli_guards_check(fl_term guards);
bool fli_guards_hold(fl_term guards, const fli_bindings *bindings, fl_term whole);

#endif
