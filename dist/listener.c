/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is let as far as a handshake.
 *
 * An unknown peer costs a socket, a structure of a few KiB and a timer, until it has shown the
 * cookie. The limits keep that from growing, and one address from taking the room of all others:
 * a newcomer takes the place of the oldest one, so that whoever opens connections and says nothing
 * keeps nobody out. Who comes too fast is closed at once, without a word, and counted; an honest
 * node tries again.
 */

#include "dist/listener.h"

#include "dist/peers.h"

/* Takes one token; false when the bucket is empty. */
static bool take_token(fli_dist *dist)
{
	fli_listener *listener = &dist->listener;
	uint64_t full = (uint64_t)dist->config.limits.accepts_per_second * 1000;
	uint64_t now = fli_dist_now(dist);

	listener->tokens_milli +=
		(now - listener->filled_ms) * dist->config.limits.accepts_per_second;
	listener->filled_ms = now;
	if (listener->tokens_milli > full)
		listener->tokens_milli = full;
	if (listener->tokens_milli < 1000)
		return false;
	listener->tokens_milli -= 1000;
	return true;
}

static const char *why_not(fli_dist *dist)
{
	if (dist->is_leaving)
		return "this node is leaving";
	if (!dist->is_ready)
		return "this node is not registered yet";
	if (!take_token(dist))
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
	const char *why = why_not(dist);

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
	listener->filled_ms = fli_dist_now(dist);
	listener->tokens_milli = (uint64_t)dist->config.limits.accepts_per_second * 1000;
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
