/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_TLS_NET_H
#define FLI_DIST_TLS_NET_H

/*
 * A network whose sockets are those of another one with TLS upon them.
 *
 *     distribution --> fli_net of TLS --> fli_net of libuv, or of a test
 *
 * Threads: those of the network below. Memory: as dist/net.h says; a socket has the one below and a
 * session. Errors: as dist/net.h; FL_EAUTH with three parts in its text where TLS failed.
 */

#include "dist/net.h"
#include "dist/tls.h"
#include "node/base/mem.h"

/* `under` and `tls` stay the caller's and outlive it. */
int fli_tls_net_new(fli_net *under, fli_tls *tls, fli_mem *mem, fli_net **ret_net);
/* NULL is fine; its sockets and listeners are closed by now. */
void fli_tls_net_delete(fli_net *net);

#endif
