/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_TLS_STATE_H
#define FLI_DIST_TLS_STATE_H

/*
 * What the files of TLS share: a context, a session, the texts for what goes wrong.
 *
 * Threads, memory, errors: as dist/tls.h says. Certificates passed in are borrowed.
 */

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "dist/tls.h"

struct fli_tls {
	fli_tls_config config;
	fli_mem *mem;
	BIO_METHOD *span; /* reads from bytes that were fed, writes into a buffer */
	SSL_CTX *context; /* of new sessions */
};

struct fli_tls_session {
	fli_tls *tls;
	SSL *ssl;
	fli_tls_state state;
	const uint8_t *in; /* what was fed and not read yet */
	size_t in_size;
	fli_buf out;
	uint64_t came;     /* plain bytes since the last negotiation */
	unsigned unearned; /* negotiations that traffic gave no reason for */
	bool is_dialler;
	int verify_error; /* X509_V_ERR_*, of the first that was found */
	char who[160];    /* whose certificate that was */
	char node[256];   /* who is dialled; "" else */
	char why[sizeof((fl_error *)0)->what + 256];
};

/* A context from the files. */
int fli_tls_context_new(const fli_tls_config *config, SSL_CTX **ret_context, fl_error *err);
/* SSL_CTX_set_verify's callback. */
int fli_tls_verify(int is_good, X509_STORE_CTX *store);
/* The method of a session's BIO; NULL: out of memory. */
BIO_METHOD *fli_tls_span_method(void);
/* A BIO of it for that session; NULL: out of memory. */
BIO *fli_tls_span_new(BIO_METHOD *method, fli_tls_session *session);

/* Whether a certificate is for the node, by SAN alone. */
bool fli_tls_cert_names(X509 *cert, const char *node);
/* "CN=c1, for c1.example.org, 10.0.0.5": whose it is and which names it has. */
void fli_tls_cert_text(X509 *cert, char *ret_text, size_t size);

/* Why the session failed, from OpenSSL's queue of errors, which is emptied. */
void fli_tls_explain(fli_tls_session *session);
/* What a person does about X509_V_ERR_*. */
const char *fli_tls_verify_next(int code);

#endif
