/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SESSIONS_H
#define FLITCH_TESTS_SESSIONS_H

/*
 * Two TLS sessions, one at each end of a wire that the test carries bytes over.
 *
 *     pair_begin(&p, dialler's context, acceptor's, "x@c1.lan");  pair_shake(&p, 4096);
 * pair_end(&p);
 *
 * Threads: the test's own. Errors: a failed CU_ASSERT.
 */

#include "tests/support/certs.h"

typedef struct pair {
	fli_tls *dialler_tls, *acceptor_tls;
	fli_tls_session *dialler, *acceptor;
} pair;

/* Of NAME.pem; `change` may be NULL. */
fli_tls *pair_context(const certs *set, const char *name, void (*change)(fli_tls_config *config));
/* Both contexts are the pair's from then on. */
void pair_begin(pair *p, fli_tls *dialler, fli_tls *acceptor, const char *node);
/* The same; the dialler takes no later version than 1.2. */
void pair_begin_12(pair *p, fli_tls *dialler, fli_tls *acceptor, const char *node);
void pair_end(pair *p);
/* What one has to say, in pieces of at most `piece`; the plain bytes that come out of it. */
size_t pair_carry(
	fli_tls_session *from, fli_tls_session *to, size_t piece, uint8_t *plain, size_t plain_max);
void pair_shake(pair *p, size_t piece);
bool pair_is_open(const pair *p);
/* Whether the session failed for that reason. */
bool pair_says(const fli_tls_session *session, const char *text);
/* As a BEAM of OTP 25 offers it. */
void pair_only_12(fli_tls_session *session);

#endif
