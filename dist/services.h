/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_SERVICES_H
#define FLI_DIST_SERVICES_H

/*
 * The processes that every node has: user, logger_proxy, logger, net_kernel, rex,
 * global_name_server, and a keeper that starts one again when somebody killed it.
 *
 * Threads: the owner of the node's context. Errors: FL_E*; what has been started stays and goes
 * with the node.
 */

#include "dist/spawn.h"

/*
 * Fills the table of native functions, starts the services, and takes spawn requests where the node
 * has a distribution. Policy (profile, allow-list) is fli_exports_policy's, before or after.
 */
int fli_services_start(fl_node *node);

#endif
