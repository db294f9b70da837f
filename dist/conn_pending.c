/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections before the cookie has been shown.
 *
 *  - Accepted: the listener has counted it; the handshake waits for a name.
 *  - Dialled: connect, then our name, unless the peer's own attempt has reached us meanwhile: then
 *    ours is given up, since no name of ours is out and no conflict can arise.
 *  - Done: the socket goes over to a connection, with the bytes that came behind the last message.
 *
 * What goes wrong: each step has its time and the whole has one; the peer closes, refuses, or says
 * what makes no sense. One log line says what, why and what next; a dialler's peer learns it too.
 * What two honest nodes do to each other in a race (`nok`) is no failure and is logged for
 * debugging only.
 */

#include "dist/peers.h"

#include <stdio.h>

#include "dist/flags.h"

static void on_timer(fli_timer *timer);

/* ---- making and ending ----------------------------------------------------------------------- */

static size_t cookie_for(void *context, const fli_node_name *peer, uint8_t *ret_cookie)
{
	const fli_pending *pending = context;
	const fli_dist_config *config = &pending->dist->config;
	const void *cookie = config->cookie;
	size_t size = config->cookie_size;

	for (size_t i = 0; i < config->known_count; i++) {
		const fli_dist_known *known = &config->known[i];

		if (known->cookie != NULL && strcmp(known->name, peer->text) == 0) {
			cookie = known->cookie;
			size = known->cookie_size;
		}
	}
	if (cookie == NULL || size > FLI_COOKIE_BYTES_MAX)
		return 0;
	memcpy(ret_cookie, cookie, size);
	return size;
}

static bool fill_random(void *context, void *ret_bytes, size_t size)
{
	const fli_pending *pending = context;
	const fli_port *port = pending->dist->node->port;

	port->random(port, ret_bytes, size);
	return true;
}

static bool is_own_challenge(void *context, uint32_t challenge)
{
	const fli_pending *self = context;
	const fli_link *head = &self->dist->pending;

	for (const fli_link *at = head->next; at != head; at = at->next) {
		const fli_pending *other = fli_container_of(at, fli_pending, link);

		if (other != self && other->handshake.challenge == challenge && other->is_open)
			return true;
	}
	return false;
}

static void describe(fli_pending *pending)
{
	fli_dist *dist = pending->dist;

	pending->config =
		(fli_handshake_config){.own = {.name = dist->name,
					       .flags = fli_flags_own(dist->config.is_visible),
					       .creation = dist->node->creation,
					       .is_dynamic = dist->is_dynamic},
			.prefix_bytes = dist->links->is_tls ? 4 : 2,
			.message_bytes_max = dist->config.limits.preauth_bytes_max,
			.cookie = cookie_for,
			.decide = fli_peers_decide,
			.random = fill_random,
			.is_own_challenge = is_own_challenge,
			.context = pending};
}

static fli_pending *pending_new(fli_dist *dist, fli_dist_peer *peer)
{
	fli_pending *pending = fli_zalloc(dist->mem, sizeof *pending);

	if (pending == NULL)
		return NULL;
	pending->dist = dist;
	pending->peer = peer;
	pending->ends_ms = fli_dist_now(dist) + FLI_HANDSHAKE_TOTAL_MS;
	fli_timer_create(&pending->timer, on_timer);
	fli_buf_create(&pending->out, dist->mem, 0);
	fli_list_append(&dist->pending, &pending->link);
	describe(pending);
	return pending;
}

void fli_pending_delete(fli_pending *pending)
{
	fli_dist *dist = pending->dist;

	if (pending->peer != NULL && pending->peer->dialling == pending)
		pending->peer->dialling = NULL;
	fli_wheel_stop(&pending->timer);
	fli_list_remove(&pending->link);
	fli_sock_close(pending->sock);
	fli_buf_destroy(&pending->out);
	fli_free(dist->mem, pending);
}

static void set_timer(fli_pending *pending)
{
	uint64_t due = fli_dist_now(pending->dist) + pending->dist->config.step_ms;

	if (due > pending->ends_ms)
		due = pending->ends_ms;
	pending->progress = pending->handshake.progress;
	fli_wheel_start(&pending->dist->node->wheel, &pending->timer, due);
}

/* ---- failure --------------------------------------------------------------------------------- */

static bool is_no_failure(fli_handshake_cause cause)
{
	return cause == FLI_CAUSE_SIMULTANEOUS || cause == FLI_CAUSE_ALIVE;
}

static void address_text(const fli_address *address, char *ret_text, size_t size)
{
	const uint8_t *ip = address->ip;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(ip, mapped, sizeof mapped) == 0) {
		(void)snprintf(ret_text, size, "%u.%u.%u.%u:%u", ip[12], ip[13], ip[14], ip[15],
			(unsigned)address->port);
		return;
	}
	(void)snprintf(ret_text, size, "[%x:%x:%x:%x:%x:%x:%x:%x]:%u", fli_get16(ip),
		fli_get16(ip + 2), fli_get16(ip + 4), fli_get16(ip + 6), fli_get16(ip + 8),
		fli_get16(ip + 10), fli_get16(ip + 12), fli_get16(ip + 14),
		(unsigned)address->port);
}

static void log_failure(const fli_pending *pending, fli_level level, const fl_error *err)
{
	fli_dist *dist = pending->dist;
	const fli_address *address = &pending->sock->peer;
	char from[64] = "";

	if (address->port != 0) /* 0: it was not reached */
		address_text(address, from, sizeof from);
	fli_log_limited(&dist->node->log, fli_dist_now(dist), level, "%s %s%s%s: %s%s%s%s%s",
		pending->peer == NULL ? "connection from" : "connection to",
		pending->peer == NULL ? pending->name.text : pending->peer->name.text,
		pending->name.size + (pending->peer != NULL) > 0 && from[0] != '\0' ? " at " : "",
		from, err->what, err->why[0] == '\0' ? "" : "; ", err->why,
		err->next[0] == '\0' ? "" : "; ", err->next);
}

static void fail(fli_pending *pending, const fl_error *reason)
{
	fli_dist *dist = pending->dist;
	fli_dist_peer *peer = pending->peer;
	fli_node_name name = pending->name;
	bool was_accepted = pending->is_accepted;
	fl_error err = *reason;
	fli_level level = FLI_WARNING;

	if (is_no_failure(pending->handshake.cause))
		level = FLI_DEBUG;
	else
		dist->counters.handshakes_failed++;
	log_failure(pending, level, &err);
	fli_pending_delete(pending);
	if (peer != NULL)
		fli_peers_failed(peer, &err);
	else if (was_accepted)
		fli_peers_accept_failed(dist, &name);
}

static bool is_of(const fli_pending *pending, const fli_address *from, const fli_node_name *name)
{
	if (pending->peer != NULL)
		return false;
	if (from != NULL && !fli_address_is_near(&pending->sock->peer, from))
		return false;
	return name == NULL || (pending->is_accepted && fli_node_name_eq(&pending->name, name));
}

void fli_pending_make_room(fli_dist *dist, const fli_address *from, const fli_node_name *name)
{
	fl_error err = {0};

	for (fli_link *at = dist->pending.next; at != &dist->pending; at = at->next) {
		fli_pending *pending = fli_container_of(at, fli_pending, link);

		if (!is_of(pending, from, name))
			continue;
		(void)fl_error_set(&err, FL_ELIMIT,
			"handshake with %s, given up for a newer one: too many were under way",
			pending->name.size > 0 ? pending->name.text : "an unknown node");
		fl_error_why(&err, name != NULL ? "more than one says to be that node"
						: "others open connections and say nothing");
		fl_error_next(&err, "see who dials, and close the port to them");
		dist->counters.refused_limit++;
		fail(pending, &err);
		return;
	}
}

/* ---- the handshake --------------------------------------------------------------------------- */

/* A message of the handshake is smaller than any socket's buffer; if not, the socket is broken. */
static bool send_out(fli_pending *pending)
{
	size_t size = pending->out.size;
	bool ok = size == 0 ||
		  fli_sock_write(pending->sock, pending->out.data, size) == (int64_t)size;

	fli_buf_clear(&pending->out, FLI_HANDSHAKE_MESSAGE_BYTES_MAX);
	return ok;
}

/* Answers what the handshake asks of its driver, so that it can go on. */
static fli_handshake_state react(fli_pending *pending, fli_handshake_state state)
{
	if (state == FLI_HANDSHAKE_QUESTION)
		return fli_handshake_answer(
			&pending->handshake, !pending->peer->base.is_up, &pending->out);
	if (state == FLI_HANDSHAKE_TAKEOVER) {
		const fli_node_name *name = &pending->handshake.peer.name;
		fli_dist_peer *peer = fli_peers_find(pending->dist, name->text, name->size);

		if (peer != NULL)
			fli_peers_replace(peer);
		return fli_handshake_take_over(&pending->handshake, &pending->out);
	}
	return state;
}

static const fl_error *disproved(fl_error *err)
{
	(void)fl_error_set(err, FL_EAUTH, "its TLS certificate is for other names than that");
	fl_error_why(
		err, "a node with another one's certificate, or one that claims to be another");
	fl_error_next(err, "make one whose subjectAltName has DNS:HOST of the node's name, or say "
			   "tls.check_client_name = false");
	return err;
}

/* After each step. False: `pending` is gone. */
static bool settle(
	fli_pending *pending, fli_handshake_state state, const uint8_t *rest, size_t size)
{
	bool is_sent = send_out(pending);
	fli_dist_peer *peer = pending->peer;
	fl_error err = {0};

	if (state == FLI_HANDSHAKE_FAILED && pending->is_disproved) {
		fail(pending, disproved(&err));
	} else if (state == FLI_HANDSHAKE_FAILED) {
		fail(pending, &pending->handshake.error);
	} else if (!is_sent) {
		(void)fl_error_set(&err, FL_EIO, "the socket does not take a handshake message");
		fail(pending, &err);
	} else if (state == FLI_HANDSHAKE_DONE) {
		fli_peers_established(pending, rest, size);
	} else if (state == FLI_HANDSHAKE_WAIT) {
		fli_pending_delete(pending);
		fli_peers_wait(peer);
	} else {
		if (pending->progress != pending->handshake.progress)
			set_timer(pending);
		return true;
	}
	return false;
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	fli_pending *pending = owner;
	fli_handshake_state state;
	size_t used;

	do {
		used = 0;
		state = fli_handshake_feed(&pending->handshake, data, size, &used, &pending->out);
		data += used;
		size -= used;
		state = react(pending, state);
	} while (state == FLI_HANDSHAKE_MORE && size > 0 && used > 0);
	(void)settle(pending, state, data, size);
}

static void on_open(void *owner)
{
	fli_pending *pending = owner;
	fli_dist_peer *peer = pending->peer;

	if (fli_peers_gives_way(peer)) {
		fli_pending_delete(pending);
		fli_peers_wait(peer);
		return;
	}
	pending->is_open = true;
	set_timer(pending);
	(void)settle(pending,
		fli_handshake_dial(
			&pending->handshake, &pending->config, &peer->name, &pending->out),
		NULL, 0);
}

static void cannot_connect(fli_pending *pending, int code, const char *why)
{
	fl_error err = {0};

	(void)fl_error_set(&err, code, "cannot connect: %s", why);
	if (code == FL_EREFUSED) {
		fl_error_why(&err, "nothing listens there: the node has stopped, or its address or "
				   "port is another one");
		fl_error_next(&err, "see that the node runs, and which address it listens on");
	} else if (code == FL_ENOENT) {
		fl_error_why(&err, "the host of the node's name has no address here");
		fl_error_next(&err, "add it to DNS or /etc/hosts, or give an address in `peers`");
	} else {
		fl_error_why(&err, "a firewall or a route between the two machines");
	}
	fail(pending, &err);
}

/* The carrier's own failure, with all that a person needs in its text. */
static void carrier_failed(fli_pending *pending, const char *why)
{
	fl_error err = {0};

	(void)fl_error_set(&err, FL_EAUTH, "%s", why);
	fail(pending, &err);
}

static void on_end(void *owner, int code, const char *why)
{
	fli_pending *pending = owner;

	if (code == FL_EAUTH)
		carrier_failed(pending, why);
	else if (pending->peer != NULL && !pending->is_open)
		cannot_connect(pending, code, why);
	else
		(void)settle(pending, fli_handshake_eof(&pending->handshake), NULL, 0);
}

static void on_timer(fli_timer *timer)
{
	fli_pending *pending = fli_container_of(timer, fli_pending, timer);
	const char *waits_for = fli_sock_waits_for(pending->sock);

	if (waits_for != NULL)
		carrier_failed(pending, waits_for);
	else if (pending->peer != NULL && !pending->is_open)
		cannot_connect(pending, FL_ETIMEOUT, "no answer");
	else
		(void)settle(pending, fli_handshake_timeout(&pending->handshake), NULL, 0);
}

static const fli_sock_events events = {.on_open = on_open, .on_read = on_read, .on_end = on_end};

void fli_pending_accept(fli_dist *dist, fli_sock *sock)
{
	fli_pending *pending = pending_new(dist, NULL);

	if (pending == NULL) {
		fli_sock_close(sock);
		return;
	}
	pending->sock = sock;
	pending->is_open = true;
	fli_handshake_accept(&pending->handshake, &pending->config);
	fli_sock_own(sock, &events, pending);
	set_timer(pending);
}

int fli_pending_dial(fli_dist_peer *peer, const char *host, uint16_t port)
{
	fli_dist *dist = peer->dist;
	fli_pending *pending = pending_new(dist, peer);
	int rc;

	if (pending == NULL)
		return FL_ENOMEM;
	rc = dist->links->dial(dist->links, host, port, &pending->sock);
	if (rc == FL_OK) {
		fli_sock_own(pending->sock, &events, pending);
		rc = fli_sock_expect(pending->sock, peer->name.text);
	}
	if (rc != FL_OK) {
		fli_pending_delete(pending);
		return rc;
	}
	set_timer(pending);
	peer->dialling = pending;
	return FL_OK;
}

/* ---- who is here ----------------------------------------------------------------------------- */

bool fli_pending_has(const fli_dist *dist, const fli_node_name *name)
{
	const fli_link *head = &dist->pending;

	for (const fli_link *at = head->next; at != head; at = at->next) {
		const fli_pending *pending = fli_container_of(at, fli_pending, link);

		if (pending->is_accepted && fli_node_name_eq(&pending->name, name))
			return true;
	}
	return false;
}

size_t fli_pending_count(const fli_dist *dist, const fli_address *from)
{
	const fli_link *head = &dist->pending;
	size_t count = 0;

	for (const fli_link *at = head->next; at != head; at = at->next) {
		const fli_pending *pending = fli_container_of(at, fli_pending, link);

		if (pending->peer == NULL &&
			(from == NULL || fli_address_is_near(&pending->sock->peer, from)))
			count++;
	}
	return count;
}
