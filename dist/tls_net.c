/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets with TLS upon those of another network.
 *
 *  - dialled: connected, the handshake; its owner hears on_open when both have shown who they are;
 *  - accepted: its owner has it at once, and hears nothing but on_read when plain bytes come, so
 *    that the owner's own time limit bounds the handshake too. The session, which is what costs
 *    memory and time, begins with the first bytes: who is closed unheard never has one;
 *  - write: plain bytes become records in `out`, which changes places with `wire`; `wire` goes to
 *    the socket below, at once or by its queue. While that is busy nothing more is taken, so a slow
 *    peer holds back its senders as it does without TLS.
 *
 * What goes wrong: events of the socket below may end in the owner's closing of this one, in the
 * midst of our own work. So whatever hands something to an owner looks at `is_closed` afterwards,
 * and the last frame out frees.
 */
#include "dist/tls_net.h"

/* Plain bytes that are read, and so handed over, at once. */
#define PLAIN_BYTES ((size_t)128 << 10)
/* Plain bytes that become records before these are written. */
#define PIECE_BYTES ((size_t)64 << 10)
/* Memory that an idle socket keeps for each of its two buffers. */
#define KEEP_BYTES ((size_t)4 << 10)

typedef struct tls_net {
	fli_net base;
	fli_net *under;
	fli_tls *tls;
	fli_mem *mem;
	uint8_t plain[PLAIN_BYTES];
} tls_net;

typedef struct tls_sock {
	fli_sock base;
	fli_sock *under;
	fli_tls_session *session; /* NULL: nobody is expected yet, or nothing has come yet */
	fli_buf wire;             /* records; what the socket below has of them does not move */
	size_t wire_at;           /* taken by the socket below */
	const uint8_t *rest;      /* what the owner queued; NULL: nothing */
	size_t rest_size, rest_at;
	unsigned frames; /* of this file, with this socket, that call out */
	bool is_dialled, is_under_busy, is_finishing, is_closed, has_ended;
} tls_sock;

struct fli_listen {
	tls_net *net;
	fli_listen *under;
	fli_listen_at at; /* the owner's */
};

static tls_net *net_of(const tls_sock *sock)
{
	return (tls_net *)(void *)sock->base.net;
}

static tls_sock *sock_of(const fli_sock *base)
{
	return (tls_sock *)(void *)(uintptr_t)base;
}

static bool is_open(const tls_sock *sock)
{
	return sock->session != NULL && fli_tls_session_state(sock->session) == FLI_TLS_OPEN;
}

/* Before both have shown who they are. */
static bool is_shaking(const tls_sock *sock)
{
	if (sock->session == NULL)
		return !sock->is_dialled;
	return fli_tls_session_state(sock->session) == FLI_TLS_SHAKING;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void release(tls_sock *sock)
{
	fli_tls_session_delete(sock->session);
	fli_buf_destroy(&sock->wire);
	fli_free(net_of(sock)->mem, sock);
}

static void enter(tls_sock *sock)
{
	sock->frames++;
}

static void leave(tls_sock *sock)
{
	if (--sock->frames == 0 && sock->is_closed)
		release(sock);
}

static void tls_close(fli_sock *base)
{
	tls_sock *sock = sock_of(base);

	if (sock->is_closed)
		return;
	sock->is_closed = true;
	fli_sock_close(sock->under);
	sock->under = NULL;
	if (sock->frames == 0)
		release(sock);
}

static void end(tls_sock *sock, int code, const char *why)
{
	if (sock->is_closed || sock->has_ended || sock->base.events == NULL)
		return;
	sock->has_ended = true;
	sock->base.events->on_end(sock->base.owner, code, why);
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Hands the socket below what there is; FL_OK also when that has to wait. */
static int pump(tls_sock *sock)
{
	fli_buf *out = fli_tls_session_out(sock->session);
	fli_buf empty;
	int64_t taken;

	if (sock->is_under_busy || out->size == 0)
		return FL_OK;
	empty = sock->wire;
	sock->wire = *out;
	*out = empty;
	taken = fli_sock_write(sock->under, sock->wire.data, sock->wire.size);
	if (taken < 0)
		return (int)taken;
	if ((size_t)taken < sock->wire.size) {
		sock->is_under_busy = true;
		return fli_sock_queue(
			sock->under, sock->wire.data + taken, sock->wire.size - (size_t)taken);
	}
	fli_buf_clear(&sock->wire, KEEP_BYTES + PIECE_BYTES);
	return FL_OK;
}

/* As much as goes without waiting; FL_E*, or how much of it was taken. */
static int64_t push(tls_sock *sock, const uint8_t *data, size_t size)
{
	size_t total = 0;

	while (total < size && !sock->is_under_busy) {
		size_t piece = size - total < PIECE_BYTES ? size - total : PIECE_BYTES;
		size_t taken = fli_tls_session_write(sock->session, data + total, piece);
		int rc = pump(sock);

		if (rc != FL_OK)
			return rc;
		total += taken;
		if (taken < piece)
			break;
	}
	return is_open(sock) ? (int64_t)total : FL_EIO;
}

static int64_t tls_write(fli_sock *base, const uint8_t *data, size_t size)
{
	tls_sock *sock = sock_of(base);

	if (!is_open(sock) || sock->is_closed || sock->has_ended)
		return FL_ECLOSED;
	return sock->rest != NULL ? 0 : push(sock, data, size);
}

/* It waits for the socket below, or for a negotiation, so an event will come. */
static int tls_queue(fli_sock *base, const uint8_t *data, size_t size)
{
	tls_sock *sock = sock_of(base);

	if (!is_open(sock) || sock->is_closed || sock->has_ended)
		return FL_ECLOSED;
	if (sock->rest != NULL)
		return FL_EBUSY;
	sock->rest = data;
	sock->rest_size = size;
	sock->rest_at = 0;
	return FL_OK;
}

static size_t tls_queued(const fli_sock *base)
{
	const tls_sock *sock = sock_of(base);
	size_t below = sock->is_under_busy ? fli_sock_queued(sock->under) : 0;

	return sock->rest == NULL ? below : sock->rest_size - sock->rest_at + below;
}

static void say_end(tls_sock *sock)
{
	fli_tls_session_finish(sock->session);
	if (pump(sock) == FL_OK && !sock->is_under_busy)
		sock->under->net->finish(sock->under);
}

static void tls_finish(fli_sock *base)
{
	tls_sock *sock = sock_of(base);

	if (sock->is_finishing || sock->is_closed || sock->has_ended || !is_open(sock))
		return;
	sock->is_finishing = true;
	if (!sock->is_under_busy)
		say_end(sock);
}

/* What the owner queued goes on; within enter and leave. */
static void go_on(tls_sock *sock)
{
	int64_t taken;
	size_t size;

	if (sock->is_closed || sock->has_ended)
		return;
	taken = pump(sock);
	if (taken == FL_OK && sock->rest != NULL)
		taken = push(sock, sock->rest + sock->rest_at, sock->rest_size - sock->rest_at);
	if (taken < 0) {
		end(sock, (int)taken, "the connection does not take output");
		return;
	}
	if (sock->rest == NULL)
		return;
	sock->rest_at += (size_t)taken;
	if (sock->rest_at < sock->rest_size || sock->is_under_busy)
		return;
	size = sock->rest_size;
	sock->rest = NULL;
	sock->base.events->on_written(sock->base.owner, size);
}

static void on_written(void *owner, size_t size)
{
	tls_sock *sock = owner;

	(void)size;
	enter(sock);
	sock->is_under_busy = false;
	fli_buf_clear(&sock->wire, KEEP_BYTES + PIECE_BYTES);
	go_on(sock);
	if (sock->is_finishing && !sock->is_closed && !sock->is_under_busy)
		say_end(sock);
	leave(sock);
}

/* ---- in -------------------------------------------------------------------------------------- */

/* After the session went on; false: nothing more comes of it. */
static bool settle(tls_sock *sock)
{
	switch (fli_tls_session_state(sock->session)) {
	case FLI_TLS_FAILED:
		(void)pump(sock); /* the alert, if it goes at once */
		end(sock, FL_EAUTH, fli_tls_session_why(sock->session));
		return false;
	case FLI_TLS_CLOSED: end(sock, FL_ECLOSED, "closed by the other side"); return false;
	default: return true;
	}
}

static void was_opened(tls_sock *sock, bool was_shaking)
{
	if (was_shaking && sock->is_dialled && is_open(sock) && !sock->is_closed)
		sock->base.events->on_open(sock->base.owner);
}

/* All plain bytes of what was fed go to the owner. */
static void hand_over(tls_sock *sock)
{
	tls_net *net = net_of(sock);
	size_t size;

	do {
		bool was_shaking = !is_open(sock);

		size = fli_tls_session_read(sock->session, net->plain, sizeof net->plain);
		if (was_shaking && pump(sock) != FL_OK) {
			end(sock, FL_EIO, "the connection does not take output");
			return;
		}
		was_opened(sock, was_shaking);
		if (size > 0 && !sock->is_closed && !sock->has_ended)
			sock->base.events->on_read(sock->base.owner, net->plain, size);
	} while (size > 0 && !sock->is_closed && !sock->has_ended);
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	tls_sock *sock = owner;

	if (sock->has_ended || (sock->session == NULL && sock->is_dialled))
		return;
	enter(sock);
	if (sock->session == NULL &&
		fli_tls_session_new(net_of(sock)->tls, NULL, &sock->session) != FL_OK) {
		end(sock, FL_ENOMEM, "out of memory");
	} else {
		fli_tls_session_feed(sock->session, data, size);
		hand_over(sock);
		if (!sock->is_closed && !sock->has_ended && settle(sock))
			go_on(sock);
	}
	leave(sock);
}

static void on_open(void *owner)
{
	tls_sock *sock = owner;

	enter(sock);
	sock->base.peer = sock->under->peer;
	sock->base.fd = sock->under->fd;
	if (sock->session == NULL)
		end(sock, FL_EIO, "nobody was expected");
	else if (fli_tls_session_begin(sock->session) != FLI_TLS_FAILED && pump(sock) != FL_OK)
		end(sock, FL_EIO, "the connection does not take output");
	else
		(void)settle(sock);
	leave(sock);
}

static void on_end(void *owner, int code, const char *why)
{
	tls_sock *sock = owner;

	enter(sock);
	if (code == FL_ECLOSED && is_shaking(sock))
		end(sock, FL_EAUTH,
			"closed in the midst of the TLS handshake; the other side speaks plain "
			"distribution, or does not believe this node's certificate; its own log "
			"says more");
	else
		end(sock, code, why);
	leave(sock);
}

static const fli_sock_events events = {
	.on_open = on_open, .on_read = on_read, .on_written = on_written, .on_end = on_end};

/* ---- making ---------------------------------------------------------------------------------- */

static tls_sock *sock_new(tls_net *net)
{
	tls_sock *sock = fli_zalloc(net->mem, sizeof *sock);

	if (sock == NULL)
		return NULL;
	sock->base.net = &net->base;
	sock->base.fd = -1;
	fli_buf_create(&sock->wire, net->mem, FLI_TLS_OUT_BYTES_MAX); /* as what it changes with */
	return sock;
}

static int tls_dial(fli_net *base, const char *host, uint16_t port, fli_sock **ret_sock)
{
	tls_net *net = (tls_net *)(void *)base;
	tls_sock *sock = sock_new(net);
	int rc;

	if (sock == NULL)
		return FL_ENOMEM;
	sock->is_dialled = true;
	rc = net->under->dial(net->under, host, port, &sock->under);
	if (rc != FL_OK) {
		release(sock);
		return rc;
	}
	fli_sock_own(sock->under, &events, sock);
	*ret_sock = &sock->base;
	return FL_OK;
}

static int tls_expect(fli_sock *base, const char *node)
{
	tls_sock *sock = sock_of(base);

	return fli_tls_session_new(net_of(sock)->tls, node, &sock->session);
}

static bool tls_proves(const fli_sock *base, const char *node)
{
	const tls_sock *sock = sock_of(base);

	return sock->session != NULL && fli_tls_session_proves(sock->session, node);
}

static const char *tls_waits_for(const fli_sock *base)
{
	if (!is_shaking(sock_of(base)))
		return NULL;
	return "the TLS handshake is not answered; the other side speaks plain distribution, or is "
	       "stuck; give all nodes of the cluster TLS, or none";
}

static void on_accept(void *ctx, fli_sock *under)
{
	fli_listen *listen = ctx;
	tls_sock *sock = sock_new(listen->net);

	if (sock == NULL) {
		fli_sock_close(under);
		listen->at.on_error(listen->at.ctx, "out of memory");
		return;
	}
	sock->under = under;
	sock->base.peer = under->peer;
	sock->base.fd = under->fd;
	fli_sock_own(under, &events, sock);
	listen->at.on_accept(listen->at.ctx, &sock->base);
}

static void on_error(void *ctx, const char *why)
{
	const fli_listen *listen = ctx;

	listen->at.on_error(listen->at.ctx, why);
}

static int tls_listen(fli_net *base, const fli_listen_at *at, fli_listen **ret_listen,
	uint16_t *ret_port, fl_error *err)
{
	tls_net *net = (tls_net *)(void *)base;
	fli_listen *listen = fli_zalloc(net->mem, sizeof *listen);
	fli_listen_at below = *at;
	int rc;

	if (listen == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	listen->net = net;
	listen->at = *at;
	below.on_accept = on_accept;
	below.on_error = on_error;
	below.ctx = listen;
	rc = net->under->listen(net->under, &below, &listen->under, ret_port, err);
	if (rc == FL_OK)
		*ret_listen = listen;
	else
		fli_free(net->mem, listen);
	return rc;
}

static void tls_unlisten(fli_net *base, fli_listen *listen)
{
	tls_net *net = (tls_net *)(void *)base;

	net->under->unlisten(net->under, listen->under);
	fli_free(net->mem, listen);
}

int fli_tls_net_new(fli_net *under, fli_tls *tls, fli_mem *mem, fli_net **ret_net)
{
	tls_net *net = fli_zalloc(mem, sizeof *net);

	if (net == NULL)
		return FL_ENOMEM;
	net->base = (fli_net){.listen = tls_listen,
		.unlisten = tls_unlisten,
		.dial = tls_dial,
		.write = tls_write,
		.queue = tls_queue,
		.finish = under->finish == NULL ? NULL : tls_finish,
		.queued = tls_queued,
		.close = tls_close,
		.expect = tls_expect,
		.proves = tls_proves,
		.waits_for = tls_waits_for,
		.is_tls = true};
	net->under = under;
	net->tls = tls;
	net->mem = mem;
	*ret_net = &net->base;
	return FL_OK;
}

void fli_tls_net_delete(fli_net *base)
{
	tls_net *net = (tls_net *)(void *)base;

	if (net != NULL)
		fli_free(net->mem, net);
}
