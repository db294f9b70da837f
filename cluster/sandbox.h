/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_SANDBOX_H
#define FLI_CLUSTER_SANDBOX_H

/*
 * What the process gives up once it listens and before it loads a server: the rights of root
 * (run.user), and system calls that no node needs (run.sandbox).
 *
 * Threads: one at a time; all threads of the process give it up. Memory: none. Errors: FL_ECONFIG,
 * FL_EIO with a text; the process must end then, since it may stand half-way.
 */

#include "cluster/options.h"

/* Whether run.user is somebody, and this process may become him. */
int fli_sandbox_check_options(const fl_options *options, fl_error *err);
int fli_sandbox_enter(const fl_options *options, fl_error *err);

#endif
