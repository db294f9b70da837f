/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_TLS_MAKE_H
#define FLI_DIST_TLS_MAKE_H

/*
 * Certificates for a lab and for tests: an authority, nodes signed by it, a list of those that it
 * took back. Keys are P-256 and are not protected by a passphrase: for production there are better
 * places to make certificates.
 *
 * Threads: any. Memory: pairs are the caller's until fli_tls_pair_delete. Errors: FL_E* with a
 * text.
 */

#include <stdbool.h>
#include <stdint.h>

#include "flitch/error.h"

typedef struct fli_tls_pair fli_tls_pair; /* a certificate and its key */

typedef struct fli_tls_order {
	const char *subject;      /* the common name */
	const char *const *names; /* hosts, addresses, alive@host; NULL ends; NULL: none */
	int64_t from_s, until_s;  /* valid, in seconds from now */
	bool is_authority;        /* signs others; else: for a node */
	bool for_server, for_client;
} fli_tls_order;

/* Signed by `issuer`; NULL: by itself. */
int fli_tls_make(const fli_tls_order *order, const fli_tls_pair *issuer, fli_tls_pair **ret_pair,
	fl_error *err);
void fli_tls_pair_delete(fli_tls_pair *pair); /* NULL is fine */
/* PEM; the key for its owner alone. Either file may be NULL. */
int fli_tls_save(
	const fli_tls_pair *pair, const char *cert_file, const char *key_file, fl_error *err);
int fli_tls_read(
	const char *cert_file, const char *key_file, fli_tls_pair **ret_pair, fl_error *err);
/* The authority's list of what it took back; `revoked` may be NULL. */
int fli_tls_revoke(const fli_tls_pair *authority, const fli_tls_pair *revoked, const char *file,
	fl_error *err);

#endif
