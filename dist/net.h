/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_NET_H
#define FLI_DIST_NET_H

/*
 * The network as the distribution sees it: a table of functions, so that a simulated cluster has
 * one of its own.
 *
 *     dial --> on_open --> on_read, on_read, ... --> on_end      (or on_end alone)
 *     write takes what fits at once; queue hands over the rest, on_written says when it is gone
 *
 * A socket has one owner, who gets its events, never from within a call of this table. After close
 * no event comes; on_end does not close by itself.
 *
 * Threads: the owner of the node's context. Memory: sockets and listeners belong to the network
 * until closed; bytes given to on_read are valid in there only; bytes given to `queue` stay the
 * caller's and must not move until on_written or close. Errors: FL_E*.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "flitch/error.h"

typedef struct fli_net fli_net;
typedef struct fli_sock fli_sock;
typedef struct fli_listen fli_listen;

/* The other end of a socket. */
typedef struct fli_address {
	uint8_t ip[16]; /* IPv6, or IPv4 mapped */
	uint16_t port;
	bool is_local; /* loopback, or the socket's own address */
} fli_address;

/*
 * What limits for each address count by: an IPv4 address, or the network of 64 bits that one host
 * of IPv6 may fill by itself. `ret_origin` has 16 bytes.
 */
static inline void fli_address_origin(const fli_address *address, uint8_t *ret_origin)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memcpy(ret_origin, address->ip, sizeof address->ip);
	if (memcmp(address->ip, mapped, sizeof mapped) != 0)
		memset(ret_origin + 8, 0, 8);
}

static inline bool fli_address_is_near(const fli_address *a, const fli_address *b)
{
	uint8_t first[16], second[16];

	fli_address_origin(a, first);
	fli_address_origin(b, second);
	return memcmp(first, second, sizeof first) == 0;
}

typedef struct fli_sock_events {
	void (*on_open)(void *owner); /* after dial only */
	void (*on_read)(void *owner, const uint8_t *data, size_t size);
	void (*on_written)(void *owner, size_t size);
	/*
	 * No more events come. FL_ECLOSED: the other side closed in order; FL_EREFUSED,
	 * FL_ETIMEOUT, FL_ENOENT (no such host), FL_EAUTH (one side does not believe the other)
	 * or FL_EIO otherwise; `why` is a text for people.
	 */
	void (*on_end)(void *owner, int code, const char *why);
} fli_sock_events;

/* What every network's socket begins with. */
struct fli_sock {
	fli_net *net;
	const fli_sock_events *events; /* NULL: nobody owns it yet */
	void *owner;
	fli_address peer;
	int fd; /* for people; -1: none */
};

typedef struct fli_listen_at {
	const char *address; /* an IP literal */
	bool is_v6_only;     /* "::" does not stand for all IPv4 addresses as well */
	uint16_t port_min;   /* 0: any free one */
	uint16_t port_max;
	/* The socket must be owned or closed in there. */
	void (*on_accept)(void *ctx, fli_sock *sock);
	void (*on_error)(void *ctx, const char *why); /* a connection could not be taken */
	void *ctx;
} fli_listen_at;

struct fli_net {
	/* FL_ETAKEN: no port of the range is free. */
	int (*listen)(fli_net *net, const fli_listen_at *at, fli_listen **ret_listen,
		uint16_t *ret_port, fl_error *err);
	void (*unlisten)(fli_net *net, fli_listen *listen);
	/* `host` is a name or an IP literal; failures come by on_end, but for FL_ENOMEM. */
	int (*dial)(fli_net *net, const char *host, uint16_t port, fli_sock **ret_sock);
	/* Bytes taken, from 0 to size; or FL_E*. 0 while something is queued. */
	int64_t (*write)(fli_sock *sock, const uint8_t *data, size_t size);
	/* One at a time. */
	int (*queue)(fli_sock *sock, const uint8_t *data, size_t size);
	/*
	 * Nothing is written any more: the other side reads what has been, then sees the end, and
	 * on_end tells of its own. Closing at once instead can cost it what it has not read, where
	 * bytes of its own are under way. NULL: a network that loses nothing by close.
	 */
	void (*finish)(fli_sock *sock);
	/* Bytes of what is queued that have not gone yet. */
	size_t (*queued)(const fli_sock *sock);
	void (*close)(fli_sock *sock);

	/* ---- of a network that knows who is who; NULL in others ---- */

	/* Right after dial: the node that has to be at the other end. */
	int (*expect)(fli_sock *sock, const char *node);
	/* Whether the other end has shown that it may have the name of that node. */
	bool (*proves)(const fli_sock *sock, const char *node);
	/* What a socket waits for that is open and gives no bytes yet; NULL: nothing of its own. */
	const char *(*waits_for)(const fli_sock *sock);
	bool is_tls; /* messages of the handshake then have lengths of 4 bytes, as OTP's have */
};

static inline void fli_sock_own(fli_sock *sock, const fli_sock_events *events, void *owner)
{
	sock->events = events;
	sock->owner = owner;
}

static inline int64_t fli_sock_write(fli_sock *sock, const uint8_t *data, size_t size)
{
	return sock->net->write(sock, data, size);
}

static inline int fli_sock_queue(fli_sock *sock, const uint8_t *data, size_t size)
{
	return sock->net->queue(sock, data, size);
}

static inline size_t fli_sock_queued(const fli_sock *sock)
{
	return sock->net->queued(sock);
}

static inline int fli_sock_expect(fli_sock *sock, const char *node)
{
	return sock->net->expect == NULL ? FL_OK : sock->net->expect(sock, node);
}

static inline bool fli_sock_proves(const fli_sock *sock, const char *node)
{
	return sock->net->proves == NULL || sock->net->proves(sock, node);
}

static inline const char *fli_sock_waits_for(const fli_sock *sock)
{
	return sock->net->waits_for == NULL ? NULL : sock->net->waits_for(sock);
}

/* NULL is fine. */
static inline void fli_sock_close(fli_sock *sock)
{
	if (sock != NULL)
		sock->net->close(sock);
}

#endif
