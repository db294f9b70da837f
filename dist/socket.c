/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets on libuv.
 *
 * The happy path:
 *  - dial: an address fli_uv_literal is connected at once, a name goes through uv_getaddrinfo
 * first;
 *  - connected or accepted: Nagle's algorithm off, reading on, for good: a node that stops reading
 *    suspends processes on other nodes;
 *  - write is one system call; what does not fit is queued with libuv, which knows when there is
 * room.
 *
 * What goes wrong:
 *  - an address does not answer: the next one of the name is tried, the last failure is told;
 *  - close in the midst of a look-up: the memory stays until the resolver's thread has answered;
 */

#include "dist/socket_uv.h"

#include <string.h>

static fli_uv_net *net_of(const fli_uv_sock *sock)
{
	return (fli_uv_net *)(void *)sock->base.net;
}

int fli_uv_code(int status)
{
	switch (status) {
	case UV_EOF: return FL_ECLOSED;
	case UV_ECONNREFUSED: return FL_EREFUSED;
	case UV_ETIMEDOUT: return FL_ETIMEOUT;
	case UV_ENOMEM: return FL_ENOMEM;
	case UV_EAI_NONAME:
	case UV_EAI_NODATA: return FL_ENOENT;
	default: return FL_EIO;
	}
}

static void changed(fli_uv_net *net)
{
	if (net->config.on_change != NULL)
		net->config.on_change(net->config.ctx);
}

static const char *why_of(int status)
{
	return status == UV_EOF ? "closed by the other side" : uv_strerror(status);
}

static void end(fli_uv_sock *sock, int status)
{
	if (sock->is_closing || sock->has_ended || sock->base.events == NULL)
		return;
	sock->has_ended = true;
	sock->base.events->on_end(sock->base.owner, fli_uv_code(status), why_of(status));
}

/* ---- addresses ------------------------------------------------------------------------------- */

void fli_uv_address(const struct sockaddr *from, fli_address *ret_address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(ret_address, 0, sizeof *ret_address);
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;

		memcpy(ret_address->ip, mapped, sizeof mapped);
		memcpy(ret_address->ip + 12, &in->sin_addr, 4);
		ret_address->port = ntohs(in->sin_port);
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;

		memcpy(ret_address->ip, &in6->sin6_addr, 16);
		ret_address->port = ntohs(in6->sin6_port);
	}
}

static bool is_loopback(const fli_address *address)
{
	static const uint8_t v6[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(address->ip, v6, 16) == 0)
		return true;
	return memcmp(address->ip, mapped, 12) == 0 && address->ip[12] == 127;
}

static void tell_peer(fli_uv_sock *sock)
{
	struct sockaddr_storage storage;
	fli_address own;
	int size = sizeof storage;
	uv_os_fd_t fd;

	if (uv_tcp_getpeername(&sock->tcp, (struct sockaddr *)&storage, &size) == 0)
		fli_uv_address((struct sockaddr *)&storage, &sock->base.peer);
	sock->base.peer.is_local = is_loopback(&sock->base.peer);
	size = sizeof storage;
	if (uv_tcp_getsockname(&sock->tcp, (struct sockaddr *)&storage, &size) == 0) {
		fli_uv_address((struct sockaddr *)&storage, &own);
		if (memcmp(own.ip, sock->base.peer.ip, 16) == 0)
			sock->base.peer.is_local = true;
	}
	if (uv_fileno((uv_handle_t *)&sock->tcp, &fd) == 0)
		sock->base.fd = fd;
}

int fli_uv_literal(const char *text, uint16_t port, struct sockaddr_storage *ret_address)
{
	memset(ret_address, 0, sizeof *ret_address);
	if (uv_ip4_addr(text, port, (struct sockaddr_in *)ret_address) == 0)
		return FL_OK;
	if (uv_ip6_addr(text, port, (struct sockaddr_in6 *)ret_address) == 0)
		return FL_OK;
	return FL_EINVAL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	fli_uv_sock *sock = handle->data;

	(void)suggested;
	/* One full buffer a turn: what it brought is handled before more is taken. libuv asks again
	 * at once after a full read; no room makes it come back in the next turn. */
	*ret_buf = uv_buf_init(
		(char *)net_of(sock)->buffer, sock->had_full ? 0 : FLI_SOCKET_READ_BYTES);
	sock->had_full = false;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	fli_uv_sock *sock = stream->data;
	fli_uv_net *net = net_of(sock);

	if (sock->is_closing || size == 0 || size == UV_ENOBUFS)
		return;
	sock->had_full = size == (ssize_t)FLI_SOCKET_READ_BYTES;
	if (size < 0) {
		uv_read_stop(stream);
		end(sock, (int)size);
		return;
	}
	if (net->config.on_bytes != NULL)
		net->config.on_bytes(net->config.ctx, (size_t)size);
	if (sock->base.events != NULL)
		sock->base.events->on_read(
			sock->base.owner, (const uint8_t *)buf->base, (size_t)size);
}

int fli_uv_sock_start(fli_uv_sock *sock)
{
	/* A link carries small messages both ways; waiting for more would only add delay. */
	(void)uv_tcp_nodelay(&sock->tcp, 1);
	sock->is_open = true;
	tell_peer(sock);
	return uv_read_start((uv_stream_t *)&sock->tcp, on_alloc, on_read);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void on_shutdown(uv_shutdown_t *req, int status)
{
	fli_uv_sock *sock = req->data;

	if (status != 0 && status != UV_ECANCELED && !sock->is_closing)
		end(sock, status);
}

void fli_uv_finish(fli_sock *base)
{
	fli_uv_sock *sock = (fli_uv_sock *)(void *)base;

	if (!sock->is_open || sock->is_closing || sock->has_ended)
		return;
	sock->shutdown.data = sock;
	if (uv_shutdown(&sock->shutdown, (uv_stream_t *)&sock->tcp, on_shutdown) == 0)
		changed(net_of(sock));
}

static void release(fli_uv_sock *sock)
{
	fli_uv_net *net = net_of(sock);

	net->open--;
	if (!sock->is_resolving)
		fli_free(net->config.mem, sock);
}

static void on_closed(uv_handle_t *handle)
{
	fli_uv_sock *sock = handle->data;

	sock->tcp.data = NULL;
	release(sock);
}

void fli_uv_sock_close(fli_sock *base)
{
	fli_uv_sock *sock = (fli_uv_sock *)(void *)base;

	if (sock->is_closing)
		return;
	sock->is_closing = true;
	sock->base.events = NULL;
	if (sock->is_resolving)
		(void)uv_cancel((uv_req_t *)&sock->resolve);
	if (!uv_is_closing((uv_handle_t *)&sock->tcp))
		uv_close((uv_handle_t *)&sock->tcp, on_closed);
}

fli_uv_sock *fli_uv_sock_new(fli_uv_net *net)
{
	fli_uv_sock *sock = fli_zalloc(net->config.mem, sizeof *sock);

	if (sock == NULL)
		return NULL;
	if (uv_tcp_init(net->loop, &sock->tcp) != 0) {
		fli_free(net->config.mem, sock);
		return NULL;
	}
	sock->base.net = &net->base;
	sock->base.fd = -1;
	sock->tcp.data = sock;
	net->open++;
	return sock;
}

/* ---- dialling -------------------------------------------------------------------------------- */

static void try_next(fli_uv_sock *sock, int status);

static void on_connect(uv_connect_t *req, int status)
{
	fli_uv_sock *sock = req->data;

	if (sock->is_closing)
		return;
	if (status == 0)
		status = fli_uv_sock_start(sock);
	if (status != 0)
		try_next(sock, status);
	else if (sock->base.events != NULL)
		sock->base.events->on_open(sock->base.owner);
}

/* A handle that failed to connect cannot be used again: a new one takes its place. */
static void on_closed_for_next(uv_handle_t *handle)
{
	fli_uv_sock *sock = handle->data;
	const struct sockaddr *to;
	int status;

	if (sock->is_closing) {
		on_closed(handle);
		return;
	}
	status = uv_tcp_init(net_of(sock)->loop, &sock->tcp);
	sock->tcp.data = sock;
	if (status == 0) {
		to = (const struct sockaddr *)&sock->addresses[sock->addresses_at++];
		sock->connect.data = sock;
		status = uv_tcp_connect(&sock->connect, &sock->tcp, to, on_connect);
	}
	if (status != 0)
		end(sock, status);
}

static void try_next(fli_uv_sock *sock, int status)
{
	if (sock->addresses_at == sock->addresses_count)
		end(sock, status);
	else if (!uv_is_closing((uv_handle_t *)&sock->tcp))
		uv_close((uv_handle_t *)&sock->tcp, on_closed_for_next);
}

static int connect_first(fli_uv_sock *sock)
{
	const struct sockaddr *to = (const struct sockaddr *)&sock->addresses[0];

	sock->addresses_at = 1;
	sock->connect.data = sock;
	return uv_tcp_connect(&sock->connect, &sock->tcp, to, on_connect);
}

static void take_addresses(fli_uv_sock *sock, const struct addrinfo *found)
{
	for (; found != NULL && sock->addresses_count < FLI_UV_ADDRESSES_MAX;
		found = found->ai_next) {
		struct sockaddr_storage *to = &sock->addresses[sock->addresses_count];

		if (found->ai_addrlen > sizeof *to)
			continue;
		memcpy(to, found->ai_addr, found->ai_addrlen);
		if (found->ai_family == AF_INET)
			((struct sockaddr_in *)to)->sin_port = htons(sock->port);
		else if (found->ai_family == AF_INET6)
			((struct sockaddr_in6 *)to)->sin6_port = htons(sock->port);
		else
			continue;
		sock->addresses_count++;
	}
}

static int resolve(fli_uv_sock *sock);

/* BEAM nodes listen on one of the two; AF_UNSPEC: no more. */
static int next_family(const fli_uv_sock *sock)
{
	static const int families[][3] = {[FLI_INET_FIRST] = {AF_INET, AF_INET6, AF_UNSPEC},
		[FLI_INET6_FIRST] = {AF_INET6, AF_INET, AF_UNSPEC},
		[FLI_INET_ONLY] = {AF_INET, AF_UNSPEC},
		[FLI_INET6_ONLY] = {AF_INET6, AF_UNSPEC}};

	return families[net_of(sock)->config.family][sock->asked];
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	fli_uv_sock *sock = req->data;

	sock->is_resolving = false;
	if (status == 0)
		take_addresses(sock, found);
	uv_freeaddrinfo(found);
	net_of(sock)->open--;
	if (sock->tcp.data == NULL) {
		fli_free(net_of(sock)->config.mem, sock);
		return;
	}
	if (sock->is_closing)
		return;
	if (sock->addresses_count == 0 && next_family(sock) != AF_UNSPEC) {
		status = resolve(sock);
		if (status == 0)
			return;
	}
	if (sock->addresses_count > 0)
		status = connect_first(sock);
	if (status != 0 || sock->addresses_count == 0)
		end(sock, status != 0 ? status : UV_EAI_NODATA);
}

static int resolve(fli_uv_sock *sock)
{
	const struct addrinfo hints = {.ai_family = next_family(sock), .ai_socktype = SOCK_STREAM};
	int status;

	sock->asked++;
	sock->resolve.data = sock;
	status = uv_getaddrinfo(
		net_of(sock)->loop, &sock->resolve, on_resolved, sock->host, NULL, &hints);
	if (status == 0) {
		sock->is_resolving = true;
		net_of(sock)->open++;
	}
	return status;
}

int fli_uv_dial(fli_net *base, const char *host, uint16_t port, fli_sock **ret_sock)
{
	fli_uv_net *net = (fli_uv_net *)(void *)base;
	fli_uv_sock *sock;
	int status;

	if (strlen(host) >= sizeof sock->host)
		return FL_EINVAL;
	sock = fli_uv_sock_new(net);
	if (sock == NULL)
		return FL_ENOMEM;
	sock->port = port;
	memcpy(sock->host, host, strlen(host) + 1);
	if (fli_uv_literal(host, port, &sock->addresses[0]) == FL_OK) {
		sock->addresses_count = 1;
		status = connect_first(sock);
	} else {
		status = resolve(sock);
	}
	if (status != 0) {
		fli_uv_sock_close(&sock->base);
		return fli_uv_code(status);
	}
	changed(net);
	*ret_sock = &sock->base;
	return FL_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

int64_t fli_uv_write(fli_sock *base, const uint8_t *data, size_t size)
{
	fli_uv_sock *sock = (fli_uv_sock *)(void *)base;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
	int taken;

	if (!sock->is_open || sock->is_closing || sock->has_ended)
		return FL_ECLOSED;
	if (sock->queued > 0)
		return 0;
	taken = uv_try_write((uv_stream_t *)&sock->tcp, &buf, 1);
	if (taken == UV_EAGAIN)
		return 0;
	return taken < 0 ? fli_uv_code(taken) : taken;
}

static void on_written(uv_write_t *req, int status)
{
	fli_uv_sock *sock = req->data;
	size_t size = sock->queued;

	sock->queued = 0;
	if (sock->is_closing)
		return;
	if (status != 0)
		end(sock, status);
	else if (sock->base.events != NULL)
		sock->base.events->on_written(sock->base.owner, size);
}

int fli_uv_queue(fli_sock *base, const uint8_t *data, size_t size)
{
	fli_uv_sock *sock = (fli_uv_sock *)(void *)base;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
	int status;

	if (!sock->is_open || sock->is_closing || sock->has_ended)
		return FL_ECLOSED;
	if (sock->queued > 0)
		return FL_EBUSY;
	sock->write.data = sock;
	sock->queued = size;
	status = uv_write(&sock->write, (uv_stream_t *)&sock->tcp, &buf, 1, on_written);
	if (status == 0) {
		changed(net_of(sock));
		return FL_OK;
	}
	sock->queued = 0;
	return fli_uv_code(status);
}

size_t fli_uv_queued(const fli_sock *base)
{
	const fli_uv_sock *sock = (const fli_uv_sock *)(const void *)base;

	return uv_stream_get_write_queue_size((const uv_stream_t *)&sock->tcp);
}
