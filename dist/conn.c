/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link that is up.
 *
 *  - Bytes are parsed where the network read them; each signal goes to the runtime at once, which
 *    only fills mailboxes.
 *  - Output gathers during a turn and is written at its end; a batch beyond FLI_CONN_EARLY_BYTES
 *    goes at once, since the peer may start on it meanwhile.
 *  - A tick goes after T / I without a byte of ours, unless output waits anyway; and in answer to
 * one of a peer that ticks more often, which OTP does not do. One timer serves ticks and both
 * deadlines; it is set for the earliest and only looks when it fires, so that traffic costs no
 * timer work.
 *
 * What ends it: no byte from the peer for 1.25 T (the BEAM counts whole frames, which kills slow
 * links in the midst of a large one; here any byte is life); output that waits and makes no
 * progress for as long (the BEAM has no such check, and keeps its senders suspended for hours);
 * output past the hard mark; what the protocol forbids.
 */

#include "dist/peers.h"
#include "node/base/bug.h"

static uint64_t tick_every(const fli_dist *dist)
{
	return dist->config.tick_time_ms / dist->config.tick_intensity;
}

static uint64_t silence_max(const fli_dist *dist)
{
	return (uint64_t)dist->config.tick_time_ms + dist->config.tick_time_ms / 4;
}

/* ---- the end --------------------------------------------------------------------------------- */

void fli_conn_doom(fli_conn *conn, const char *reason)
{
	fli_dist *dist = conn->peer->dist;

	if (conn->reason != NULL)
		return;
	conn->reason = reason;
	fli_list_append(&dist->doomed, &conn->doomed);
	if (dist->config.wake != NULL)
		dist->config.wake(dist->config.wake_ctx);
}

void fli_conn_delete(fli_conn *conn)
{
	fli_dist *dist = conn->peer->dist;

	fli_wheel_stop(&conn->timer);
	fli_list_remove(&conn->dirty);
	fli_list_remove(&conn->doomed);
	fli_sock_close(conn->sock);
	fli_inbound_destroy(&conn->in);
	fli_outbound_destroy(&conn->out);
	fli_free(dist->mem, conn);
}

/* ---- in -------------------------------------------------------------------------------------- */

static void report_bad_input(fli_conn *conn, const fl_error *err)
{
	fli_dist *dist = conn->peer->dist;

	dist->counters.protocol_errors++;
	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_ERROR,
		"disconnected from %s: it sent what this node cannot take: %s",
		conn->peer->name.text, err->what);
}

/*
 * A peer with a shorter tick time than ours would take our silence for death: its tick is answered
 * when nothing of ours has gone since its last one. Two with the same tick time never get there.
 */
static void answer_tick(fli_conn *conn)
{
	bool is_silent = conn->written_ms <= conn->ticked_ms;

	conn->ticked_ms = conn->read_ms;
	if (is_silent && fli_outbound_tick(&conn->out))
		fli_conn_flush(conn);
}

static bool is_tick(const uint8_t *data, size_t size)
{
	static const uint8_t tick[4];

	return size == sizeof tick && memcmp(data, tick, sizeof tick) == 0;
}

void fli_conn_feed(fli_conn *conn, const uint8_t *data, size_t size)
{
	fl_error err;

	err.what[0] = '\0';
	if (!FLI_BUG(only_large_reads_are_life) || size > 4)
		conn->read_ms = fli_dist_now(conn->peer->dist);
	conn->peer->dist->counters.bytes_in += size;
	if (fli_inbound_feed(&conn->in, data, size, &err) == FL_OK || conn->reason != NULL) {
		if (FLI_UNLIKELY(is_tick(data, size)) && conn->reason == NULL)
			answer_tick(conn);
		return;
	}
	report_bad_input(conn, &err);
	fli_conn_doom(conn, "connection_closed");
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	fli_conn *conn = owner;
	fli_dist *dist = conn->peer->dist;

	if (conn->reason == NULL && !conn->is_finishing)
		fli_conn_feed(conn, data, size);
	fli_peers_reap(dist);
}

static void on_end(void *owner, int code, const char *why)
{
	fli_conn *conn = owner;
	fli_dist *dist = conn->peer->dist;

	if (conn->reason == NULL && !conn->is_finishing)
		fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_INFO,
			"connection to %s ended: %s", conn->peer->name.text, why);
	conn->is_orderly = conn->reason == NULL && !conn->is_finishing && code == FL_ECLOSED;
	fli_conn_doom(conn, conn->is_finishing ? "disconnect" : "connection_closed");
	fli_peers_reap(dist);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void tell_ready(fli_conn *conn)
{
	if (FLI_BUG(sender_never_woken))
		return;
	if (!conn->has_waiters || fli_outbound_check(&conn->out) != FLI_OUTBOUND_READY)
		return;
	conn->has_waiters = false;
	fli_remote_ready(conn->peer->dist->node, &conn->peer->base);
}

static void note_written(fli_conn *conn, size_t size)
{
	fli_outbound_done(&conn->out, size);
	conn->peer->dist->counters.bytes_out += size;
	conn->written_ms = conn->progress_ms = fli_dist_now(conn->peer->dist);
}

/* Writes what fits; false when the rest has to wait, or the connection ends. */
static bool write_piece(fli_conn *conn, const uint8_t *data, size_t size, bool may_queue)
{
	int64_t taken = fli_sock_write(conn->sock, data, size);

	if (taken < 0) {
		fli_conn_doom(conn, "connection_closed");
		return false;
	}
	if (taken > 0)
		note_written(conn, (size_t)taken);
	if (FLI_BUG(short_write_loses) && taken > 0 && (size_t)taken < size) {
		note_written(conn, size - (size_t)taken);
		taken = (int64_t)size;
	}
	if ((size_t)taken == size)
		return true;
	if (!may_queue)
		return false;
	conn->progress_ms = fli_dist_now(conn->peer->dist);
	conn->queued_left = size - (size_t)taken;
	conn->is_queued = fli_sock_queue(conn->sock, data + taken, size - (size_t)taken) == FL_OK;
	if (!conn->is_queued)
		fli_conn_doom(conn, "connection_closed");
	return false;
}

/* True when nothing is left that could be written now. */
static bool write_out(fli_conn *conn, bool may_queue)
{
	size_t written = 0, size;
	const uint8_t *data;

	while (!conn->is_queued && conn->reason == NULL && !conn->is_finishing) {
		if (written >= FLI_CONN_FLUSH_BYTES)
			return false;
		if (!fli_outbound_take(&conn->out, &data, &size))
			return true;
		if (!write_piece(conn, data, size, may_queue))
			return true;
		written += size;
	}
	return true;
}

void fli_conn_flush(fli_conn *conn)
{
	fli_dist *dist = conn->peer->dist;

	fli_list_remove(&conn->dirty);
	if (!write_out(conn, true)) {
		/* others first; the loop must not go to sleep over the rest */
		fli_list_append(&dist->dirty, &conn->dirty);
		if (dist->config.wake != NULL)
			dist->config.wake(dist->config.wake_ctx);
	}
	tell_ready(conn);
}

bool fli_conn_finish(fli_conn *conn)
{
	if (conn->is_finishing || conn->sock->net->finish == NULL)
		return conn->is_finishing;
	conn->is_finishing = true;
	conn->sock->net->finish(conn->sock);
	return true;
}

static void on_written(void *owner, size_t size)
{
	fli_conn *conn = owner;
	fli_dist *dist = conn->peer->dist;

	conn->is_queued = false;
	note_written(conn, size);
	fli_conn_flush(conn);
	fli_peers_reap(dist);
}

static void overflow(fli_conn *conn)
{
	fli_dist *dist = conn->peer->dist;

	if (conn->reason != NULL)
		return;
	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_ERROR,
		"disconnected from %s: %zu bytes wait for it, the limit is %zu; "
		"it reads too slowly, see dist.out_hard",
		conn->peer->name.text, fli_outbound_size(&conn->out),
		dist->config.limits.out_hard_bytes);
	fli_conn_doom(conn, "connection_closed");
}

void fli_conn_mark(fli_conn *conn)
{
	fli_dist *dist = conn->peer->dist;

	if (fli_list_is_empty(&conn->dirty))
		fli_list_append(&dist->dirty, &conn->dirty);
	if (FLI_LIKELY(fli_outbound_size(&conn->out) < FLI_CONN_EARLY_BYTES))
		return;
	if (fli_outbound_check(&conn->out) == FLI_OUTBOUND_OVERFULL)
		overflow(conn);
	else
		(void)write_out(conn, false); /* what does not fit stays for the end of the turn */
}

/* ---- time ------------------------------------------------------------------------------------ */

static void set_timer(fli_conn *conn, uint64_t now_ms)
{
	fli_dist *dist = conn->peer->dist;
	bool is_waiting = fli_outbound_size(&conn->out) > 0;
	uint64_t due = conn->read_ms + silence_max(dist);
	uint64_t tick = (is_waiting ? now_ms : conn->written_ms) + tick_every(dist);

	if (tick < due)
		due = tick;
	if (is_waiting && conn->progress_ms + silence_max(dist) < due)
		due = conn->progress_ms + silence_max(dist);
	fli_wheel_start(&dist->node->wheel, &conn->timer, due);
}

static void give_up(fli_conn *conn, const char *what)
{
	fli_dist *dist = conn->peer->dist;

	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_ERROR,
		"disconnected from %s: it %s for %llu ms; the machine, the network or the node is "
		"stuck",
		conn->peer->name.text, what, (unsigned long long)silence_max(dist));
	fli_conn_doom(conn, "net_tick_timeout");
}

/* A piece may take longer than the peer may be silent: each byte of it that goes is progress. */
static void note_progress(fli_conn *conn, uint64_t now_ms)
{
	size_t left = conn->is_queued ? fli_sock_queued(conn->sock) : 0;

	if (conn->is_queued && left < conn->queued_left && !FLI_BUG(only_whole_pieces_are_progress))
		conn->progress_ms = now_ms;
	conn->queued_left = left;
}

static void on_timer(fli_timer *timer)
{
	fli_conn *conn = fli_container_of(timer, fli_conn, timer);
	fli_dist *dist = conn->peer->dist;
	uint64_t now = fli_dist_now(dist);
	bool is_waiting = fli_outbound_size(&conn->out) > 0;

	note_progress(conn, now);
	if (conn->reason == NULL && now >= conn->read_ms + silence_max(dist))
		give_up(conn, "sent nothing");
	else if (is_waiting && now >= conn->progress_ms + silence_max(dist))
		give_up(conn, "read nothing");
	else if (!is_waiting && now >= conn->written_ms + tick_every(dist)) {
		if (!FLI_BUG(tick_not_sent))
			(void)fli_outbound_tick(&conn->out);
		fli_conn_flush(conn);
	}
	if (conn->reason == NULL)
		set_timer(conn, now);
	fli_peers_reap(dist);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static uint64_t random_seed(const fli_dist *dist)
{
	uint64_t seed;

	dist->node->port->random(dist->node->port, &seed, sizeof seed);
	return seed;
}

static void create_streams(fli_conn *conn, const fli_conn_start *start)
{
	fli_dist *dist = start->peer->dist;
	const fli_dist_limits *limits = &dist->config.limits;
	const fli_outbound_config out = {.flags = start->flags,
		.peer_creation = start->peer_creation,
		.names = {dist->node->name, start->peer->base.name},
		.seed = random_seed(dist),
		.limits = {.soft_bytes = limits->out_soft_bytes,
			.hard_bytes = limits->out_hard_bytes,
			.message_bytes_max = dist->node->limits.message_bytes_max},
		.mem = dist->mem,
		.spares = &dist->node->spares};
	const fli_inbound_config in = {.flags = start->flags,
		.peer = start->peer->base.name,
		.seed = random_seed(dist),
		.limits = {.frame_bytes_max = limits->frame_bytes_max,
			.fragments_open_max = limits->fragments_open_max,
			.fragment_bytes_max = limits->fragment_bytes_max},
		.mem = dist->mem,
		.spares = &dist->node->spares,
		.on_signal = fli_conn_on_signal,
		.ctx = conn};

	fli_outbound_create(&conn->out, &out);
	fli_inbound_create(&conn->in, &in);
}

fli_conn *fli_conn_new(const fli_conn_start *start)
{
	static const fli_sock_events events = {
		.on_read = on_read, .on_written = on_written, .on_end = on_end};
	fli_dist *dist = start->peer->dist;
	fli_conn *conn = fli_zalloc(dist->mem, sizeof *conn);

	if (conn == NULL)
		return NULL;
	conn->peer = start->peer;
	conn->sock = start->sock;
	conn->flags = start->flags;
	fli_list_create(&conn->dirty);
	fli_list_create(&conn->doomed);
	fli_timer_create(&conn->timer, on_timer);
	create_streams(conn, start);
	conn->up_ms = conn->read_ms = conn->written_ms = conn->progress_ms = fli_dist_now(dist);
	set_timer(conn, conn->up_ms);
	fli_sock_own(conn->sock, &events, conn);
	return conn;
}
