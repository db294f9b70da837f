/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_NET_KERNEL_H
#define FLI_DIST_NET_KERNEL_H

/*
 * The server `net_kernel`: the answer to net_adm:ping, and what else is asked of it by hand.
 *
 *     {is_auth, Node} -> yes     nodename -> Node     longnames -> true | false     ticktime -> s
 *
 * Any other call gets {error, notsup}, where OTP would leave its caller waiting; other messages are
 * ignored. Threads, memory: as any server.
 */

#include "flitch/server.h"

extern const fl_behaviour fli_net_kernel;

#endif
