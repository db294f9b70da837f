/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_CERTS_H
#define FLITCH_TESTS_CERTS_H

/*
 * Certificates in a folder of their own, made when a suite begins.
 *
 *     certs_open(&set);  certs_add(&set, "c1", &order);  ... set.dir/c1.pem, c1.key ...
 *     certs_close(&set);
 *
 * Threads: the test's own. Errors: a failed CU_ASSERT_FATAL.
 */

#include "dist/tls.h"
#include "dist/tls_make.h"

typedef struct certs {
	char dir[64];
	fli_tls_pair *ca; /* ca.pem, ca.key */
} certs;

void certs_open(certs *set);
void certs_close(certs *set);
/* NAME.pem and NAME.key, signed by the authority; by itself where `is_own` is true. */
void certs_add(const certs *set, const char *name, const fli_tls_order *order, bool is_own);
/* One for these hosts as it should be. */
void certs_good(const certs *set, const char *name, const char *const *names);
/* revoked.crl: names NAME.pem; NULL: nobody. */
void certs_revoke(const certs *set, const char *name);

/* What a node that shows NAME.pem is told; texts live until the next call but three. */
fli_tls_config certs_config(const certs *set, const char *name);

#endif
