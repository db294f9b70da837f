/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_TLS_OPTIONS_H
#define FLI_CLUSTER_TLS_OPTIONS_H

/*
 * The keys tls.* as the TLS of the distribution takes them.
 *
 * Threads: as cluster/options.h. Memory: texts are the options'. Errors: FL_ECONFIG with a text.
 */

#include "cluster/options.h"
#include "dist/tls.h"

/* Whether connections between nodes are TLS: there is a certificate. */
bool fli_tls_is_on(const fl_options *options);
fli_tls_config fli_tls_told(const fl_options *options);
/* Certificate, key and authorities belong together. Files are looked at when the node opens. */
int fli_tls_check_options(const fl_options *options, fl_error *err);

#endif
