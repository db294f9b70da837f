/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that come up and go down.
 *
 *  - Up: the socket changes hands from the handshake to a connection; what waited goes out;
 * services and servers hear of it; then the bytes behind the handshake are read.
 *  - Down: the connection is taken off first, so that nothing of it is heard any more, and signals
 *    from here on begin a new one; then links, monitors, servers and services hear of it.
 *
 * Departures from OTP: of two attempts that both got through, the one that was up first stays,
 * since the other side has seen it, too. Our own attempt is not closed when the peer's is accepted,
 * but when that one has shown the cookie: until then anybody could end our attempts by naming a
 * peer.
 */

#include "dist/flags.h"
#include "dist/peers.h"
#include "node/base/bug.h"
#include "node/base/glob.h"

/* As many may say that they have one name before one of them shows the cookie. */
enum { SAME_NAME_MAX = 4 };

/* ---- down ------------------------------------------------------------------------------------ */

static fli_loss loss_of(const fli_conn *conn)
{
	if (conn->is_orderly)
		return FLI_LOSS_ORDERLY;
	return strcmp(conn->reason, "disconnect") == 0 ? FLI_LOSS_OURS : FLI_LOSS_FAILED;
}

static void tell_down(fli_dist_peer *peer, const char *reason)
{
	fli_dist *dist = peer->dist;
	fli_link *next;

	for (fli_link *at = dist->watches.next; at != &dist->watches; at = next) {
		fli_dist_watch *watch = fli_container_of(at, fli_dist_watch, link);

		next = at->next;
		watch->down(watch, &peer->base, reason);
	}
}

/* A health check that comes and goes every few seconds is nothing to notice. */
static fli_level news_level(const fli_dist_peer *peer)
{
	return peer->is_visitor ? FLI_INFO : FLI_NOTICE;
}

static void lose(fli_conn *conn)
{
	fli_dist_peer *peer = conn->peer;
	fli_dist *dist = peer->dist;
	const char *reason = conn->reason;
	fli_loss loss = loss_of(conn);

	if (dist->open.peer == peer && !dist->open.is_queued)
		dist->open.peer = NULL;
	peer->conn = NULL;
	peer->state = FLI_PEER_IDLE;
	fli_conn_delete(conn);
	dist->counters.downs++;
	fli_log_limited(&dist->node->log, fli_dist_now(dist), news_level(peer), "nodedown %s (%s)",
		peer->name.text, reason);
	fli_reconcile_down(peer, loss);
	fli_remote_nodedown(dist->node, &peer->base, reason);
	tell_down(peer, reason);
}

void fli_peers_reap(fli_dist *dist)
{
	while (!fli_list_is_empty(&dist->doomed))
		lose(fli_container_of(dist->doomed.next, fli_conn, doomed));
}

void fli_peers_replace(fli_dist_peer *peer)
{
	if (peer->conn == NULL)
		return;
	fli_conn_doom(peer->conn, "connection_closed");
	peer->conn->is_orderly = false;
	lose(peer->conn);
}

/* ---- up -------------------------------------------------------------------------------------- */

/* The first peer named us: pids that we make from now on carry that name. */
static bool take_name(fli_dist *dist, const fli_handshake_side *own)
{
	fl_atom name;

	if (!dist->is_dynamic || own->name.alive_size == 0)
		return true;
	if (!fli_atoms_intern_own(dist->node->atoms, own->name.text, own->name.size, &name))
		return false;
	fli_node_rename(dist->node, name, own->creation);
	dist->name = own->name;
	dist->is_dynamic = false;
	return true;
}

/* Others that say to be this node lose against the one that has proven it. */
static void drop_rivals(fli_dist *dist, const fli_node_name *name)
{
	fli_link *head = &dist->pending;
	fli_link *next;

	for (fli_link *at = head->next; at != head; at = next) {
		fli_pending *pending = fli_container_of(at, fli_pending, link);

		next = at->next;
		if (pending->is_accepted && fli_node_name_eq(&pending->name, name))
			fli_pending_delete(pending);
	}
}

static void tell_up(fli_dist_peer *peer)
{
	fli_dist *dist = peer->dist;
	fli_link *next;

	for (fli_link *at = dist->watches.next; at != &dist->watches; at = next) {
		fli_dist_watch *watch = fli_container_of(at, fli_dist_watch, link);

		next = at->next;
		watch->up(watch, &peer->base);
	}
}

static void go_up(fli_dist_peer *peer)
{
	fli_dist *dist = peer->dist;

	dist->counters.ups++;
	fli_log_write(&dist->node->log, news_level(peer), "nodeup %s%s", peer->name.text,
		peer->base.is_hidden ? " (hidden)" : "");
	fli_reconcile_up(peer);
	fli_remote_nodeup(dist->node, &peer->base);
	tell_up(peer);
	if (!FLI_BUG(queue_not_replayed))
		fli_remote_replay(peer);
	fli_peers_told(peer);
}

static void describe(fli_dist_peer *peer, const fli_handshake *handshake)
{
	const uint64_t monitors = FLI_DFLAG(DIST_MONITOR) | FLI_DFLAG(DIST_MONITOR_NAME);

	peer->base.creation = handshake->peer.creation;
	peer->base.is_hidden = (handshake->flags & FLI_DFLAG(PUBLISHED)) == 0 ||
			       handshake->peer.is_dynamic || handshake->own.is_dynamic;
	peer->base.is_invisible =
		(handshake->peer.flags & FLI_DFLAG(PUBLISHED)) == 0 || handshake->peer.is_dynamic;
	peer->is_visitor = handshake->peer.is_dynamic;
	peer->base.has_monitors = (handshake->flags & monitors) == monitors;
	peer->state = FLI_PEER_UP;
	peer->waited = 0;
	peer->failed_ms = 0;
	peer->error.code = FL_OK;
	peer->error.what[0] = '\0';
}

/* Makes the connection; the socket is its own then. */
static bool hand_over(fli_pending *pending, fli_dist_peer *peer)
{
	const fli_conn_start start = {.peer = peer,
		.sock = pending->sock,
		.flags = pending->handshake.flags,
		.peer_creation = pending->handshake.peer.creation};

	if (!take_name(peer->dist, &pending->handshake.own))
		return false;
	peer->conn = fli_conn_new(&start);
	if (peer->conn == NULL)
		return false;
	peer->address = pending->sock->peer;
	pending->sock = NULL;
	return true;
}

static void cannot_keep(fli_pending *pending, const fl_error *err)
{
	fli_dist *dist = pending->dist;
	fli_dist_peer *peer = pending->peer;

	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_ERROR,
		"connection of %s given up: %s", pending->handshake.peer.name.text, err->what);
	fli_pending_delete(pending);
	if (peer != NULL)
		fli_peers_failed(peer, err);
}

void fli_peers_established(fli_pending *pending, const uint8_t *rest, size_t size)
{
	fli_dist *dist = pending->dist;
	const fli_node_name *name = &pending->handshake.peer.name;
	fl_error err = {.code = FL_ENOMEM, .what = "out of memory"};
	fli_dist_peer *peer = pending->peer != NULL
				      ? pending->peer
				      : fli_peers_get(dist, name->text, name->size, &err);

	fli_listener_proved(dist, &pending->sock->peer);
	if (peer != NULL && peer->conn != NULL) {
		fli_log_write(&dist->node->log, FLI_DEBUG, "second connection of %s closed",
			peer->name.text);
		fli_pending_delete(pending);
		return;
	}
	if (peer == NULL || !hand_over(pending, peer)) {
		cannot_keep(pending, &err);
		return;
	}
	describe(peer, &pending->handshake);
	fli_pending_delete(pending);
	if (!FLI_BUG(simultaneous_keeps_both))
		fli_peers_abandon(peer);
	drop_rivals(dist, &peer->name);
	go_up(peer);
	if (size > 0 && peer->conn != NULL && peer->conn->reason == NULL)
		fli_conn_feed(peer->conn, rest, size);
	fli_peers_reap(dist);
}

/* ---- who may come in ------------------------------------------------------------------------- */

static bool is_allowed(const fli_dist *dist, const fli_node_name *name)
{
	for (size_t i = 0; i < dist->config.allow_count; i++) {
		if (fli_glob(dist->config.allow[i], name->text, name->size))
			return true;
	}
	return dist->config.allow_count == 0;
}

static size_t rivals(const fli_dist *dist, const fli_node_name *name)
{
	size_t count = 0;

	for (const fli_link *at = dist->pending.next; at != &dist->pending; at = at->next) {
		const fli_pending *pending = fli_container_of(at, fli_pending, link);

		if (pending->is_accepted && fli_node_name_eq(&pending->name, name))
			count++;
	}
	return count;
}

static fli_handshake_verdict verdict_for(fli_dist *dist, const fli_node_name *name)
{
	const fli_dist_peer *peer = fli_peers_find(dist, name->text, name->size);

	if (rivals(dist, name) >= SAME_NAME_MAX)
		fli_pending_make_room(dist, NULL, name);
	if (peer == NULL)
		return FLI_VERDICT_OK;
	if (peer->conn != NULL)
		return FLI_VERDICT_ALIVE;
	if (peer->state == FLI_PEER_WAITING || peer->state == FLI_PEER_LOOKING)
		return FLI_VERDICT_OK_SIMULTANEOUS;
	if (peer->dialling == NULL)
		return FLI_VERDICT_OK;
	if (!peer->dialling->is_open)
		return FLI_VERDICT_OK_SIMULTANEOUS;
	if (FLI_BUG(simultaneous_keeps_both))
		return FLI_VERDICT_OK;
	return fli_simultaneous(&dist->name, name);
}

fli_handshake_verdict fli_peers_decide(
	void *context, const fli_handshake_side *side, fli_handshake_side *ret_named)
{
	fli_pending *pending = context;
	fli_dist *dist = pending->dist;
	fli_handshake_verdict verdict;

	if (dist->is_leaving)
		return FLI_VERDICT_NOT_ALLOWED;
	if (side->is_dynamic) {
		if (!fli_given_take(dist, &side->name, ret_named))
			return FLI_VERDICT_NOT_ALLOWED;
		pending->name = ret_named->name;
		pending->is_accepted = true;
		return is_allowed(dist, &ret_named->name) ? FLI_VERDICT_NAMED
							  : FLI_VERDICT_NOT_ALLOWED;
	}
	pending->name = side->name;
	if (!is_allowed(dist, &side->name))
		return FLI_VERDICT_NOT_ALLOWED;
	pending->is_disproved =
		!dist->config.trusts_names && !fli_sock_proves(pending->sock, side->name.text);
	if (pending->is_disproved)
		return FLI_VERDICT_NOT_ALLOWED;
	verdict = verdict_for(dist, &side->name);
	pending->is_accepted = verdict == FLI_VERDICT_OK || verdict == FLI_VERDICT_ALIVE ||
			       verdict == FLI_VERDICT_OK_SIMULTANEOUS;
	return verdict;
}
