/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners on libuv, and the network as a whole.
 *
 * What goes wrong: out of file descriptors, libuv accepts and closes by a spare one, and on_error
 * tells. Out of memory for a socket, a handle of the listener's own takes the connection and closes
 * it: one that is not taken would keep libuv from looking at the listener ever again. A port is
 * taken, the next one of the range is tried.
 */

#include "dist/socket_uv.h"

#include <string.h>

/* Connections that the kernel keeps for us while we are busy. */
enum { BACKLOG = 128 };

struct fli_listen {
	uv_tcp_t tcp;
	uv_tcp_t refused; /* takes what there is no memory for */
	fli_uv_net *net;
	fli_listen_at at;
	unsigned handles; /* that libuv still knows */
	bool is_refusing;
	bool has_next; /* one more came meanwhile, and has not been taken */
};

/* ---- listening ------------------------------------------------------------------------------- */

static void on_handle_closed(fli_listen *listen)
{
	if (--listen->handles > 0)
		return;
	listen->net->open--;
	fli_free(listen->net->config.mem, listen);
}

static void accept_one(fli_listen *listen);

static void on_refused(uv_handle_t *handle)
{
	fli_listen *listen = handle->data;

	listen->is_refusing = false;
	if (listen->has_next && uv_is_closing((uv_handle_t *)&listen->tcp) == 0) {
		listen->has_next = false;
		accept_one(listen);
	}
	on_handle_closed(listen);
}

static void refuse(fli_listen *listen)
{
	if (listen->is_refusing) {
		listen->has_next = true;
		return;
	}
	if (uv_tcp_init(listen->net->loop, &listen->refused) != 0)
		return; /* it fails for bad flags alone */
	listen->refused.data = listen;
	listen->handles++;
	listen->is_refusing = true;
	(void)uv_accept((uv_stream_t *)&listen->tcp, (uv_stream_t *)&listen->refused);
	uv_close((uv_handle_t *)&listen->refused, on_refused);
	listen->at.on_error(listen->at.ctx, "out of memory");
}

static void accept_one(fli_listen *listen)
{
	fli_uv_sock *sock = fli_uv_sock_new(listen->net);
	int status;

	if (sock == NULL) {
		refuse(listen);
		return;
	}
	status = uv_accept((uv_stream_t *)&listen->tcp, (uv_stream_t *)&sock->tcp);
	if (status == 0)
		status = fli_uv_sock_start(sock);
	if (status == 0) {
		listen->at.on_accept(listen->at.ctx, &sock->base);
		return;
	}
	fli_uv_sock_close(&sock->base);
	listen->at.on_error(listen->at.ctx, uv_strerror(status));
}

static void on_connection(uv_stream_t *server, int status)
{
	fli_listen *listen = server->data;

	if (status == 0)
		accept_one(listen);
	else
		listen->at.on_error(listen->at.ctx, uv_strerror(status));
}

static void on_listen_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void net_unlisten(fli_net *net, fli_listen *listen)
{
	(void)net;
	uv_close((uv_handle_t *)&listen->tcp, on_listen_closed);
}

/* libuv reports a taken port by uv_listen; a handle that failed must be closed, not used again. */
static int listen_on(
	fli_uv_net *net, const fli_listen_at *at, uint16_t port, fli_listen **ret_listen)
{
	struct sockaddr_storage to;
	fli_listen *listen;
	int status;

	if (fli_uv_literal(at->address, port, &to) != FL_OK)
		return UV_EINVAL;
	listen = fli_zalloc(net->config.mem, sizeof *listen);
	if (listen == NULL)
		return UV_ENOMEM;
	listen->net = net;
	listen->at = *at;
	status = uv_tcp_init(net->loop, &listen->tcp);
	if (status != 0) {
		fli_free(net->config.mem, listen);
		return status;
	}
	listen->tcp.data = listen;
	listen->handles = 1;
	net->open++;
	status = uv_tcp_bind(&listen->tcp, (const struct sockaddr *)&to,
		at->is_v6_only && to.ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
	if (status == 0)
		status = uv_listen((uv_stream_t *)&listen->tcp, BACKLOG, on_connection);
	if (status != 0)
		net_unlisten(&net->base, listen);
	else
		*ret_listen = listen;
	return status;
}

static int listen_failed(const fli_listen_at *at, int status, fl_error *err)
{
	if (status == UV_EADDRINUSE) {
		if (at->port_min == at->port_max)
			fl_error_set(err, FL_ETAKEN, "port %u on %s is taken",
				(unsigned)at->port_min, at->address);
		else
			fl_error_set(err, FL_ETAKEN, "ports %u to %u on %s are taken",
				(unsigned)at->port_min, (unsigned)at->port_max, at->address);
		fl_error_why(err, "another program listens there");
		fl_error_next(err, "choose another port, or 0 for any free one");
		return FL_ETAKEN;
	}
	fl_error_set(err, FL_EIO, "cannot listen on %s port %u: %s", at->address,
		(unsigned)at->port_min, uv_strerror(status));
	fl_error_next(err, "choose an address of this machine, such as 127.0.0.1 or 0.0.0.0");
	return FL_EIO;
}

static int net_listen(fli_net *base, const fli_listen_at *at, fli_listen **ret_listen,
	uint16_t *ret_port, fl_error *err)
{
	fli_uv_net *net = (fli_uv_net *)(void *)base;
	struct sockaddr_storage own;
	fli_address address;
	int size = sizeof own;
	uint32_t port = at->port_min;
	int status;

	do {
		status = listen_on(net, at, (uint16_t)port, ret_listen);
	} while (status == UV_EADDRINUSE && port++ < at->port_max);
	if (status != 0)
		return listen_failed(at, status, err);
	if (uv_tcp_getsockname(&(*ret_listen)->tcp, (struct sockaddr *)&own, &size) == 0) {
		fli_uv_address((struct sockaddr *)&own, &address);
		*ret_port = address.port;
	}
	return FL_OK;
}

/* ---- the network ----------------------------------------------------------------------------- */

int fli_socket_net_new(const fli_socket_config *config, fli_net **ret_net)
{
	fli_uv_net *net = fli_zalloc(config->mem, sizeof *net);

	if (net == NULL)
		return FL_ENOMEM;
	net->base = (fli_net){.listen = net_listen,
		.unlisten = net_unlisten,
		.dial = fli_uv_dial,
		.write = fli_uv_write,
		.queue = fli_uv_queue,
		.finish = fli_uv_finish,
		.queued = fli_uv_queued,
		.close = fli_uv_sock_close};
	net->config = *config;
	net->loop = config->loop;
	net->buffer = fli_alloc(config->mem, FLI_SOCKET_READ_BYTES);
	if (net->buffer == NULL)
		goto no_buffer;
	if (net->loop != NULL) {
		*ret_net = &net->base;
		return FL_OK;
	}
	if (uv_loop_init(&net->own_loop) != 0)
		goto no_loop;
	net->loop = &net->own_loop;
	net->has_own_loop = true;
	(void)uv_timer_init(net->loop, &net->alarm);
	*ret_net = &net->base;
	return FL_OK;
no_loop:
	fli_free(config->mem, net->buffer);
no_buffer:
	fli_free(config->mem, net);
	return FL_ENOMEM;
}

void fli_socket_net_delete(fli_net *base)
{
	fli_uv_net *net = (fli_uv_net *)(void *)base;

	while (net->open > 0)
		(void)uv_run(net->loop, UV_RUN_ONCE);
	if (net->has_own_loop) {
		uv_close((uv_handle_t *)&net->alarm, NULL);
		(void)uv_run(net->loop, UV_RUN_DEFAULT);
		fl_assert(uv_loop_close(net->loop) == 0);
	}
	fli_free(net->config.mem, net->buffer);
	fli_free(net->config.mem, net);
}

static void on_alarm(uv_timer_t *timer)
{
	uv_timer_stop(timer);
}

void fli_socket_net_run(fli_net *base, uint32_t timeout_ms)
{
	fli_uv_net *net = (fli_uv_net *)(void *)base;

	(void)uv_timer_start(&net->alarm, on_alarm, timeout_ms, 0);
	(void)uv_run(net->loop, UV_RUN_ONCE);
}
