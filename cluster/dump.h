/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_DUMP_H
#define FLI_CLUSTER_DUMP_H

/*
 * A state dump: what the node is doing, as text with `=section` heads like a crash dump of OTP.
 *
 * Threads: any that is not inside a handler; holds the node's context while it looks, not while it
 * writes. Memory: none is kept. Errors: FL_ENOMEM, FL_EIO. Limits: FLI_DUMP_BYTES_MAX.
 */

#include "flitch/node.h"

#define FLI_DUMP_BYTES_MAX ((size_t)256 << 20)

/* Writes flitch_dump.PID in the current folder, or in /tmp where that cannot be written. */
int fli_dump_write(fl_node *node, char *ret_path, size_t size, fl_error *err);

#endif
