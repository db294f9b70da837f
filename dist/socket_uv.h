/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_SOCKET_UV_H
#define FLI_DIST_SOCKET_UV_H

/*
 * What the files of the libuv network share: its structures, and the calls between them.
 *
 * Threads, memory, errors: as dist/socket.h says; functions here return libuv's codes.
 */

#include <uv.h>

#include "dist/socket.h"

/* Addresses of one name that are tried in turn. */
enum { FLI_UV_ADDRESSES_MAX = 4 };

typedef struct fli_uv_net {
	fli_net base;
	uv_loop_t *loop;
	uv_loop_t own_loop;
	uv_timer_t alarm; /* of fli_socket_net_run */
	bool has_own_loop;
	fli_socket_config config;
	size_t open; /* handles and look-ups that libuv still knows */
	uint8_t *buffer;
} fli_uv_net;

typedef struct fli_uv_sock {
	fli_sock base;
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_getaddrinfo_t resolve;
	uv_write_t write;
	uv_shutdown_t shutdown;
	size_t queued;
	struct sockaddr_storage addresses[FLI_UV_ADDRESSES_MAX];
	unsigned addresses_count, addresses_at;
	bool is_resolving, is_open, is_closing, has_ended;
	uint8_t asked; /* kinds of addresses that were asked for */
	bool had_full; /* the last read filled the buffer */
	uint16_t port;
	char host[256];
} fli_uv_sock;

fli_uv_sock *fli_uv_sock_new(fli_uv_net *net);
void fli_uv_sock_close(fli_sock *sock);
/* The socket is connected: no delay, reads from now on. */
int fli_uv_sock_start(fli_uv_sock *sock);
int fli_uv_dial(fli_net *net, const char *host, uint16_t port, fli_sock **ret_sock);
int64_t fli_uv_write(fli_sock *sock, const uint8_t *data, size_t size);
int fli_uv_queue(fli_sock *sock, const uint8_t *data, size_t size);
void fli_uv_finish(fli_sock *base);
size_t fli_uv_queued(const fli_sock *sock);

int fli_uv_code(int status); /* FL_E* */
int fli_uv_literal(const char *text, uint16_t port, struct sockaddr_storage *ret_address);
void fli_uv_address(const struct sockaddr *from, fli_address *ret_address);

#endif
