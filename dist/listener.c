/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is let as far as a handshake.
 *
 * An unknown peer costs a socket, a structure of a few KiB and a timer, until it has shown the
 * cookie. The limits keep that from growing, and one address from taking the room of all others:
 * a newcomer takes the place of the oldest one, so that whoever opens connections and says nothing
 * keeps nobody out. Who comes too fast is closed at once, without a word, and counted; an honest
 * node tries again, and one that was here before does not stand in the same line, of which no
 * address takes more than half.
 */

#include "dist/listener.h"

#include "dist/peers.h"

static size_t slot_of(const fli_dist *dist, const uint8_t ip[static 16])
{
	return fli_hash(dist->node->seed, ip, 16) % FLI_LISTENER_SLOTS;
}

static fli_listener_bucket *share_of(fli_dist *dist, const fli_address *from)
{
	uint8_t origin[16];

	fli_address_origin(from, origin);
	return &dist->listener.shares[slot_of(dist, origin)];
}

void fli_listener_proved(fli_dist *dist, const fli_address *from)
{
	memcpy(dist->listener.proven[slot_of(dist, from->ip)], from->ip, sizeof from->ip);
}

/* Takes one token; false when the bucket is empty. A bucket that was never used fills at once. */
static bool take_token(fli_listener_bucket *bucket, uint32_t a_second, uint64_t now_ms)
{
	uint64_t tokens = bucket->tokens_milli + (now_ms - bucket->filled_ms) * a_second;
	uint64_t full = (uint64_t)a_second * 1000;

	if (bucket->filled_ms == 0 || tokens > full)
		tokens = full;
	bucket->filled_ms = now_ms;
	bucket->tokens_milli = (uint32_t)(tokens < 1000 ? tokens : tokens - 1000);
	return tokens >= 1000;
}

static bool is_in_time(fli_dist *dist, const fli_address *from)
{
	fli_listener *listener = &dist->listener;
	uint32_t a_second = dist->config.limits.accepts_per_second;
	uint64_t now = fli_dist_now(dist) + 1; /* 0 is for those that were never used */
	size_t slot = slot_of(dist, from->ip);
	bool is_known = memcmp(listener->proven[slot], from->ip, sizeof from->ip) == 0;
	fli_listener_bucket *share =
		is_known ? &listener->known_shares[slot] : share_of(dist, from);
	uint32_t parts = is_known ? 2 : 8;

	if (!from->is_local && !take_token(share, a_second < parts ? 1 : a_second / parts, now))
		return false;
	return take_token(is_known ? &listener->known : &listener->all, a_second, now);
}

static const char *why_not(fli_dist *dist, const fli_address *from)
{
	if (dist->is_leaving)
		return "this node is leaving";
	if (!dist->is_ready)
		return "this node is not registered yet";
	if (!is_in_time(dist, from))
		return "they come too fast; somebody dials in a loop, or scans the port; see who "
		       "dials, or close the port to others";
	return NULL;
}

static void make_room(fli_dist *dist, const fli_address *from)
{
	const fli_dist_limits *limits = &dist->config.limits;

	if (fli_pending_count(dist, from) >= limits->pending_per_ip_max)
		fli_pending_make_room(dist, from, NULL);
	else if (fli_pending_count(dist, NULL) >= limits->pending_max)
		fli_pending_make_room(dist, NULL, NULL);
}

static void on_accept(void *ctx, fli_sock *sock)
{
	fli_dist *dist = ctx;
	const char *why = why_not(dist, &sock->peer);

	if (why == NULL) {
		dist->counters.accepted++;
		make_room(dist, &sock->peer);
		fli_pending_accept(dist, sock);
		return;
	}
	dist->counters.refused_limit++;
	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_WARNING,
		"a connection was closed unheard: %s", why);
	fli_sock_close(sock);
}

static void on_error(void *ctx, const char *why)
{
	fli_dist *dist = ctx;

	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_ERROR,
		"a connection could not be accepted: %s", why);
}

/*
 * Debian gives a machine's own name the address 127.0.1.1. A node on loopback whose name has that
 * host would not be found by the nodes beside it, so it listens there as well, where it can.
 */
static void listen_beside(fli_dist *dist, const fli_listen_at *at)
{
	const char *host = fli_node_name_host(&dist->name);
	fli_listen_at beside = *at;
	uint16_t port;

	if (strcmp(at->address, "127.0.0.1") != 0 || strchr("0123456789", host[0]) != NULL)
		return;
	beside.address = "127.0.1.1";
	beside.port_min = beside.port_max = dist->listener.port;
	if (dist->links->listen(dist->links, &beside, &dist->listener.beside, &port, NULL) != FL_OK)
		dist->listener.beside = NULL;
}

int fli_listener_open(fli_dist *dist, fl_error *err)
{
	const fli_listen_at at = {.address = dist->config.listen_address,
		.port_min = dist->config.port_min,
		.port_max = dist->config.port_max,
		.on_accept = on_accept,
		.on_error = on_error,
		.ctx = dist};
	fli_listener *listener = &dist->listener;
	int rc = dist->links->listen(dist->links, &at, &listener->listen, &listener->port, err);

	if (rc != FL_OK)
		return rc;
	listen_beside(dist, &at);
	return FL_OK;
}

void fli_listener_close(fli_dist *dist)
{
	if (dist->listener.listen != NULL)
		dist->links->unlisten(dist->links, dist->listener.listen);
	if (dist->listener.beside != NULL)
		dist->links->unlisten(dist->links, dist->listener.beside);
	dist->listener.listen = dist->listener.beside = NULL;
}
