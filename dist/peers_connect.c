/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting a peer.
 *
 *  - Its address is configured, or its host's epmd is asked for its port; then it is dialled.
 *  - Nothing begins within the call that asks for it: a timer that is due starts the work, so that
 *    no process learns of a failure in the midst of its own send.
 *  - After a failure the next attempt waits for HOLD_OFF_MS. A process that sends to a dead node in
 *    a loop costs so many attempts a second, and not a storm.
 *
 * What goes wrong: every end of an attempt comes to fli_peers_failed, which drops what waited,
 * tells who waited, and lets the runtime answer links and monitors with noconnection. An attempt
 * that ended in favour of the peer's own waits for that; when that one fails, ours is tried again.
 */

#include "dist/host_port.h"
#include "dist/peers.h"

enum { HOLD_OFF_MS = 200 };
/* Attempts that give way to the peer's own. The next does not: a name that somebody says in vain,
 * again and again, must not keep us from its true holder. */
enum { WAITED_MAX = 3 };

static void start_timer(fli_dist_peer *peer, uint64_t due_ms)
{
	fli_wheel_start(&peer->dist->node->wheel, &peer->timer, due_ms);
}

/* ---- the ends of an attempt ------------------------------------------------------------------ */

static void tell_waits(fli_dist_peer *peer, int result, const fl_error *err)
{
	fli_link mine;
	fli_link *link;

	/* who is told may wait again at once: that is another attempt */
	fli_list_create(&mine);
	while ((link = fli_list_pop(&peer->waits)) != NULL)
		fli_list_append(&mine, link);
	while ((link = fli_list_pop(&mine)) != NULL) {
		fli_dist_wait *wait = fli_container_of(link, fli_dist_wait, link);

		wait->done(wait, result, err);
	}
}

void fli_peers_told(fli_dist_peer *peer)
{
	static const fl_error none;

	tell_waits(peer, FL_OK, &none);
}

void fli_peers_abandon(fli_dist_peer *peer)
{
	if (peer->lookup != NULL)
		fli_lookup_cancel(peer->lookup);
	peer->lookup = NULL;
	if (peer->dialling != NULL)
		fli_pending_delete(peer->dialling);
	fli_wheel_stop(&peer->timer);
}

void fli_peers_failed(fli_dist_peer *peer, const fl_error *reason)
{
	fl_error err = *reason;

	fli_peers_abandon(peer);
	if (peer->conn != NULL)
		return;
	if (peer->state != FLI_PEER_WAITING && fli_peers_gives_way(peer)) {
		fli_peers_wait(peer);
		return;
	}
	peer->error = err;
	peer->failed_ms = fli_dist_now(peer->dist);
	peer->state = FLI_PEER_IDLE;
	peer->waited = 0;
	fli_remote_queue_clear(&peer->queue);
	fli_reconcile_failed(peer, &err);
	fli_reconcile_down(peer, FLI_LOSS_FAILED);
	fli_remote_nodedown(peer->dist->node, &peer->base, "connection_setup_failed");
	tell_waits(peer, err.code == FL_OK ? FL_ENOCONN : err.code, &err);
}

void fli_peers_wait(fli_dist_peer *peer)
{
	fli_dist *dist = peer->dist;

	if (peer->conn != NULL)
		return;
	peer->state = FLI_PEER_WAITING;
	peer->waited++;
	start_timer(peer, fli_dist_now(dist) + dist->config.step_ms);
}

static void waited_in_vain(fli_dist_peer *peer)
{
	fl_error err = {0};

	if (peer->is_overfull)
		(void)fl_error_set(&err, FL_ELIMIT,
			"more than %zu bytes of signals wait for a connection to %s, or %zu for all",
			peer->dist->config.limits.waiting_bytes_max, peer->name.text,
			peer->dist->config.limits.waiting_sum_max);
	else
		(void)fl_error_set(&err, FL_ETIMEOUT,
			"%s did not finish its own connection, for which ours gave way",
			peer->name.text);
	fli_peers_failed(peer, &err);
}

bool fli_peers_gives_way(const fli_dist_peer *peer)
{
	return peer->waited < WAITED_MAX && fli_pending_has(peer->dist, &peer->name);
}

/* The peer's own attempt came to nothing. */
static void go_on(fli_dist_peer *peer)
{
	if (peer->is_overfull || peer->waited > WAITED_MAX) {
		waited_in_vain(peer);
		return;
	}
	peer->state = FLI_PEER_LOOKING;
	start_timer(peer, fli_dist_now(peer->dist));
}

void fli_peers_accept_failed(fli_dist *dist, const fli_node_name *name)
{
	fli_dist_peer *peer = fli_peers_find(dist, name->text, name->size);

	if (peer != NULL && peer->state == FLI_PEER_WAITING && !fli_pending_has(dist, name))
		go_on(peer);
}

/* It had as long as a step may take. */
static void waited_long(fli_dist_peer *peer)
{
	if (peer->waited < WAITED_MAX)
		peer->waited = WAITED_MAX;
	go_on(peer);
}

/* ---- address, look-up, dial ------------------------------------------------------------------ */

static void dial(fli_dist_peer *peer, const char *host, uint16_t port)
{
	fl_error err = {0};
	int rc;

	peer->state = FLI_PEER_DIALLING;
	rc = fli_pending_dial(peer, host, port);
	if (rc == FL_OK)
		return;
	(void)fl_error_set(&err, rc, "cannot connect to %s at %s port %u: %s", peer->name.text,
		host, (unsigned)port, fl_error_text(rc));
	fli_peers_failed(peer, &err);
}

static void dial_known(fli_dist_peer *peer)
{
	const char *address = peer->known->address;
	char host[FLI_NODE_NAME_BYTES_MAX + 1];
	fl_error err = {0};
	uint16_t port;

	if (fli_host_port_split(address, host, sizeof host, &port)) {
		dial(peer, host, port);
		return;
	}
	(void)fl_error_set(&err, FL_ECONFIG, "the address of %s is no host:port: \"%s\"",
		peer->name.text, address);
	fli_peers_failed(peer, &err);
}

static void dial_without_epmd(fli_dist_peer *peer)
{
	fli_dist *dist = peer->dist;
	fl_error err = {0};

	if (dist->config.peer_port != 0) {
		dial(peer, fli_node_name_host(&peer->name), dist->config.peer_port);
		return;
	}
	(void)fl_error_set(&err, FL_ENOENT, "no address of %s is known", peer->name.text);
	fl_error_why(&err, "dist.epmd is off, and `peers` has no address for it");
	fl_error_next(&err, "add { name = \"%s\"; address = \"host:port\"; } to `peers`",
		peer->name.text);
	fli_peers_failed(peer, &err);
}

static void on_looked_up(void *owner, uint16_t port, const fl_error *err)
{
	fli_dist_peer *peer = owner;
	fli_dist *dist = peer->dist;

	peer->lookup = NULL;
	if (port != 0) {
		dial(peer, fli_node_name_host(&peer->name), port);
		return;
	}
	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_INFO, "connection to %s: %s%s%s",
		peer->name.text, err->what, err->why[0] == '\0' ? "" : "; ", err->why);
	fli_peers_failed(peer, err);
}

static void look_up(fli_dist_peer *peer)
{
	const fli_lookup_start start = {.config = &peer->dist->epmd_config,
		.name = &peer->name,
		.done = on_looked_up,
		.owner = peer};
	fl_error err = {0};
	int rc = fli_lookup_new(&start, &peer->lookup);

	if (rc == FL_OK)
		return;
	(void)fl_error_set(
		&err, rc, "cannot ask epmd for %s: %s", peer->name.text, fl_error_text(rc));
	fli_peers_failed(peer, &err);
}

static void begin(fli_dist_peer *peer)
{
	if (fli_peers_gives_way(peer))
		fli_peers_wait(peer); /* it is about to be accepted */
	else if (peer->known != NULL && peer->known->address != NULL)
		dial_known(peer);
	else if (peer->dist->config.epmd == FLI_DIST_EPMD_OFF)
		dial_without_epmd(peer);
	else
		look_up(peer);
}

static void on_timer(fli_timer *timer)
{
	fli_dist_peer *peer = fli_container_of(timer, fli_dist_peer, timer);

	if (peer->state == FLI_PEER_WAITING)
		waited_long(peer);
	else if (peer->state == FLI_PEER_LOOKING)
		begin(peer);
}

void fli_peers_timer_create(fli_dist_peer *peer)
{
	fli_timer_create(&peer->timer, on_timer);
}

int fli_peers_connect(fli_dist_peer *peer, fl_error *err)
{
	fli_dist *dist = peer->dist;
	uint64_t now = fli_dist_now(dist);
	int rc;

	if (peer->state != FLI_PEER_IDLE)
		return FL_OK;
	if (dist->is_leaving)
		return fl_error_set(err, FL_ECLOSED, "this node is leaving");
	if (fli_node_name_eq(&peer->name, &dist->name))
		return fl_error_set(err, FL_EINVAL, "%s is this node", peer->name.text);
	rc = fli_node_name_check_dial(&dist->name, &peer->name, err);
	if (rc != FL_OK)
		return rc;
	peer->state = FLI_PEER_LOOKING;
	peer->waited = 0;
	peer->is_overfull = false;
	if (peer->failed_ms != 0 && peer->failed_ms + HOLD_OFF_MS > now)
		now = peer->failed_ms + HOLD_OFF_MS;
	start_timer(peer, now);
	return FL_OK;
}
