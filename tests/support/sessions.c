/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sessions.h"

#include <CUnit/CUnit.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "dist/tls_state.h"

fli_tls *pair_context(const certs *set, const char *name, void (*change)(fli_tls_config *config))
{
	fli_tls_config config = certs_config(set, name);
	fl_error err = {0};
	fli_tls *tls = NULL;

	if (change != NULL)
		change(&config);
	CU_ASSERT_EQUAL_FATAL(fli_tls_new(&config, fli_mem_libc(), &tls, &err), FL_OK);
	return tls;
}

static void make(pair *p, fli_tls *dialler, fli_tls *acceptor, const char *node)
{
	*p = (pair){.dialler_tls = dialler, .acceptor_tls = acceptor};
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(dialler, node, &p->dialler), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(acceptor, NULL, &p->acceptor), FL_OK);
}

void pair_begin(pair *p, fli_tls *dialler, fli_tls *acceptor, const char *node)
{
	make(p, dialler, acceptor, node);
	(void)fli_tls_session_begin(p->dialler);
}

void pair_begin_12(pair *p, fli_tls *dialler, fli_tls *acceptor, const char *node)
{
	make(p, dialler, acceptor, node);
	pair_only_12(p->dialler);
	(void)fli_tls_session_begin(p->dialler);
}

void pair_end(pair *p)
{
	fli_tls_session_delete(p->dialler);
	fli_tls_session_delete(p->acceptor);
	fli_tls_delete(p->dialler_tls);
	fli_tls_delete(p->acceptor_tls);
}

/* What one has to say, in pieces of at most `piece`; the plain bytes that come out of it. */
size_t pair_carry(
	fli_tls_session *from, fli_tls_session *to, size_t piece, uint8_t *plain, size_t plain_max)
{
	fli_buf *out = fli_tls_session_out(from);
	uint8_t bytes[1 << 16];
	size_t size = out->size, total = 0, got;

	CU_ASSERT_TRUE_FATAL(size <= sizeof bytes);
	if (size > 0)
		memcpy(bytes, out->data, size);
	fli_buf_clear(out, 0);
	for (size_t at = 0; at < size; at += piece) {
		fli_tls_session_feed(to, bytes + at, size - at < piece ? size - at : piece);
		do {
			got = fli_tls_session_read(to, plain + total, plain_max - total);
			total += got;
		} while (got > 0 && total < plain_max);
	}
	return total;
}

void pair_shake(pair *p, size_t piece)
{
	uint8_t none[64];

	for (int i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(pair_carry(p->dialler, p->acceptor, piece, none, sizeof none), 0);
		CU_ASSERT_EQUAL(pair_carry(p->acceptor, p->dialler, piece, none, sizeof none), 0);
	}
}

bool pair_is_open(const pair *p)
{
	return fli_tls_session_state(p->dialler) == FLI_TLS_OPEN &&
	       fli_tls_session_state(p->acceptor) == FLI_TLS_OPEN;
}

bool pair_says(const fli_tls_session *session, const char *text)
{
	bool found = strstr(fli_tls_session_why(session), text) != NULL;

	if (!found)
		(void)printf("  it says: %s\n", fli_tls_session_why(session));
	return found;
}

/* As a BEAM of OTP 25 offers it. */
void pair_only_12(fli_tls_session *session)
{
	CU_ASSERT_EQUAL(SSL_set_max_proto_version(session->ssl, TLS1_2_VERSION), 1);
}
