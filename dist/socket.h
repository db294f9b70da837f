/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_SOCKET_H
#define FLI_DIST_SOCKET_H

/*
 * The network of dist/net.h on libuv: TCP, and names through the system's resolver.
 *
 * All sockets of a network share one read buffer, since frames are parsed where they lie; a name is
 * resolved on libuv's threads.
 *
 * Threads: the owner of the loop. Memory: as dist/net.h says. Errors: FL_E*.
 */

#include "dist/net.h"
#include "node/base/mem.h"

struct uv_loop_s;

/* One read takes this much at most: large enough for a batch of frames, small enough for a cache.
 */
#define FLI_SOCKET_READ_BYTES ((size_t)128 << 10)

/* Which addresses the name of a host stands for; the second kind where there is none of the first.
 */
typedef enum fli_family {
	FLI_INET_FIRST,
	FLI_INET6_FIRST,
	FLI_INET_ONLY,
	FLI_INET6_ONLY
} fli_family;

typedef struct fli_socket_config {
	struct uv_loop_s *loop; /* NULL: one of its own, driven by fli_socket_net_run */
	fli_mem *mem;
	fli_family family;
	void (*on_bytes)(void *ctx, size_t size); /* after each read; may be NULL */
	/*
	 * A socket began something of which the loop learns in its next round only, so that it must
	 * not sleep before that; may be NULL.
	 */
	void (*on_change)(void *ctx);
	void *ctx;
} fli_socket_config;

int fli_socket_net_new(const fli_socket_config *config, fli_net **ret_net);
/* Sockets and listeners are closed by now; waits until the loop has let go of them. */
void fli_socket_net_delete(fli_net *net);
/* Serves events, waits up to `timeout_ms` for one. Only with a loop of its own. */
void fli_socket_net_run(fli_net *net, uint32_t timeout_ms);

#endif
