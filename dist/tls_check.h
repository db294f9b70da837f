/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_TLS_CHECK_H
#define FLI_DIST_TLS_CHECK_H

/*
 * Whether a node can use its certificates, before it starts: each thing that a peer will look at,
 * as a line for people.
 *
 *     ok    certificate  CN=c1, for c1.example.org
 *     FAIL  usage        not for clients: make one with extendedKeyUsage = serverAuth, clientAuth
 *
 * Threads: any. Memory: the report is the caller's buffer. Errors: FL_ECONFIG when a line fails, or
 * when a file cannot be used at all, which `err` then tells.
 */

#include "dist/tls.h"

/* `node` is the name of the node that shows them; NULL: its name is not looked at. */
int fli_tls_check(const fli_tls_config *config, const char *node, fli_buf *report, fl_error *err);

#endif
