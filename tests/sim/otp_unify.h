/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_UNIFY_H
#define FLI_TESTS_OTP_UNIFY_H

/*
 * Two terms that say the same though their identifiers differ: what a recorded node said, and what
 * the model says in its place.
 *
 *     recorded                          model
 *     {$gen_cast,{in_sync,a@h,true}}    the same bytes
 *     {19,<a.102.0>,gns,#a.3.4.5}       {19,<a.85.0>,gns,#a.7.0.0}    and from now on <a.102.0> is
 * <a.85.0>
 *
 * Pids, references and funs of the player itself may differ, and so may large integers: the first
 * time two meet they are bound to each other, one to one. Lists match in any order: OTP does not
 * promise one. Maps match any map: the only one is internal to OTP.
 *
 * Memory: bindings own their terms.
 */

#include "tests/sim/otp_term.h"

typedef struct otp_binding {
	otp_term recorded;
	otp_term model;
} otp_binding;

typedef struct otp_bindings {
	const char *player; /* node name */
	otp_binding *items;
	unsigned count;
	unsigned room;
} otp_bindings;

/* False: they do not; then nothing is bound. `is_free`: small integers are identifiers, too. */
bool otp_unify(otp_bindings *b, otp_term recorded, otp_term model, bool is_free);
/* What a peer said, in the model's identifiers. */
void otp_translate(const otp_bindings *b, otp_term recorded, otp_buf *out);
/* As it was when `count` things were bound. */
void otp_unbind(otp_bindings *b, unsigned count);
void otp_bindings_free(otp_bindings *b);

#endif
