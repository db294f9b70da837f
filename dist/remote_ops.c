/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime asks of the distribution.
 *
 *  - The peer is up: the signal is written into its output at once; a message is built in there.
 *  - It is being connected: the signal waits in the peer's queue.
 *  - It is neither: the signal is dropped. The runtime has been told of the node-down, or will be,
 *    and answers links and monitors itself.
 *
 * What goes wrong: a queue that is full refuses messages; a link or monitor that does not fit ends
 * the attempt, since a process would wait for its answer for ever.
 */

#include "dist/flags.h"
#include "dist/peers.h"

static fli_conn *conn_of(const fli_dist_peer *peer)
{
	return peer->conn != NULL && peer->conn->reason == NULL ? peer->conn : NULL;
}

static bool is_connecting(const fli_dist_peer *peer)
{
	return peer->state != FLI_PEER_IDLE && peer->state != FLI_PEER_UP;
}

/* ---- peers ----------------------------------------------------------------------------------- */

static fli_peer *op_find(void *ctx, fl_atom name)
{
	fli_dist_peer *peer = fli_peers_find(ctx, name.text, name.size);

	return peer == NULL ? NULL : &peer->base;
}

static fli_peer *op_next(void *ctx, size_t *cursor)
{
	return fli_dist_next(ctx, cursor);
}

/* Messages to one node come in rows. */
static fli_dist_peer *find(fli_dist *dist, fl_atom name)
{
	fli_dist_peer *asked = dist->asked;

	if (FLI_LIKELY(asked != NULL && fl_atom_eq(asked->base.name, name)))
		return asked;
	asked = fli_peers_find(dist, name.text, name.size);
	if (asked != NULL)
		dist->asked = asked;
	return asked;
}

static fli_peer *op_peer(void *ctx, fl_atom name)
{
	fli_dist *dist = ctx;
	fli_dist_peer *peer = find(dist, name);

	if (FLI_UNLIKELY(peer == NULL) && !dist->is_leaving)
		peer = fli_peers_get_rumoured(dist, name.text, name.size);
	if (peer == NULL)
		return NULL;
	if (FLI_UNLIKELY(peer->state == FLI_PEER_IDLE) && fli_peers_connect(peer, NULL) != FL_OK)
		return NULL;
	return &peer->base;
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A peer that makes up the names of others has as much wait as few real ones. */
static size_t waiting_max(const fli_dist_peer *peer)
{
	const fli_dist_limits *limits = &peer->dist->config.limits;
	size_t sum = lesser(peer->dist->waiting_bytes, limits->waiting_sum_max);
	size_t max = peer->queue.bytes + limits->waiting_sum_max - sum;

	if (max < limits->waiting_bytes_min)
		max = limits->waiting_bytes_min;
	return lesser(max, limits->waiting_bytes_max);
}

static bool op_is_busy(const fli_peer *base)
{
	const fli_dist_peer *peer = fli_container_of(base, const fli_dist_peer, base);
	fli_conn *conn = conn_of(peer);

	if (conn == NULL)
		return peer->queue.bytes > waiting_max(peer) / 2;
	if (FLI_LIKELY(fli_outbound_check(&conn->out) == FLI_OUTBOUND_READY))
		return false;
	conn->has_waiters = true;
	return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

static int enqueue(fli_dist_peer *peer, const fli_remote_op *op)
{
	return fli_remote_queue_add(&peer->queue, op, waiting_max(peer));
}

/* Copies what `op` points to, since the message is not finished within this call. */
static bool keep_op(fli_remote_open *open, const fli_remote_op *op)
{
	open->op = *op;
	if (op->to.kind == FLI_TARGET_PID) {
		open->op.pid = *op->to.pid;
		open->op.to.pid = &open->op.pid;
	} else if (op->to.kind == FLI_TARGET_ALIAS) {
		open->op.ref = *op->to.alias;
		open->op.to.alias = &open->op.ref;
		open->op.to.pid = NULL;
	} else {
		if (op->to.name.size > sizeof open->name)
			return false;
		memcpy(open->name, op->to.name.text, op->to.name.size);
		open->op.to.name.text = open->name;
	}
	return true;
}

static fli_buf *open_queued(fli_dist_peer *peer, const fli_remote_op *op)
{
	fli_remote_open *open = &peer->dist->open;

	if (!is_connecting(peer) || !keep_op(open, op))
		return NULL;
	open->peer = peer;
	open->is_queued = true;
	fli_buf_clear(&open->buf, FLI_CONN_EARLY_BYTES);
	return &open->buf;
}

static fli_buf *op_send_begin(fli_peer *base, const fl_pid *from, const fli_target *to)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);
	fli_conn *conn = conn_of(peer);
	const fli_remote_op op = {.kind = FLI_REMOTE_SEND, .from = *from, .to = *to};
	int rc;

	if (FLI_UNLIKELY(conn == NULL))
		return open_queued(peer, &op);
	rc = fli_remote_begin(&conn->out, &op);
	if (FLI_UNLIKELY(rc != FL_OK)) {
		fli_remote_settle(conn, rc); /* one that is lost leaves no gap behind */
		return NULL;
	}
	peer->dist->open.peer = peer;
	peer->dist->open.is_queued = false;
	return &conn->out.buf;
}

static int end_queued(fli_dist_peer *peer, fli_remote_open *open)
{
	if (open->buf.failed)
		return FL_ENOMEM;
	open->op.payload = (fl_term){.data = open->buf.data, .size = open->buf.size};
	if (conn_of(peer) != NULL) { /* it came up meanwhile */
		fli_remote_emit(peer->conn, &open->op);
		return FL_OK;
	}
	return is_connecting(peer) ? enqueue(peer, &open->op) : FL_ENOCONN;
}

static int op_send_end(fli_peer *base)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);
	fli_remote_open *open = &peer->dist->open;
	fli_conn *conn = conn_of(peer);
	bool is_mine = open->peer == peer;
	int rc;

	open->peer = NULL;
	if (!is_mine)
		return FL_ENOCONN;
	if (open->is_queued)
		return end_queued(peer, open);
	if (peer->conn == NULL)
		return FL_ENOCONN;
	rc = fli_outbound_finish(&peer->conn->out, FLI_OUTBOUND_UNKNOWN_FEATURES);
	if (FLI_LIKELY(rc == FL_OK && conn != NULL))
		fli_conn_mark(conn);
	return rc;
}

static int op_send_end_with(fli_peer *base, fli_buf *block, size_t at)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);
	fli_remote_open *open = &peer->dist->open;
	fli_conn *conn = conn_of(peer);
	int rc = FL_ENOCONN;

	if (open->peer == peer && open->is_queued) {
		if (!open->buf.failed)
			fli_put32(
				open->buf.data + open->buf.size - 4, (uint32_t)(block->size - at));
		fli_buf_add(&open->buf, block->data + at, block->size - at);
		rc = op_send_end(base);
	} else if (open->peer == peer && peer->conn != NULL) {
		open->peer = NULL;
		rc = fli_outbound_finish_block(
			&peer->conn->out, block, at, FLI_OUTBOUND_UNKNOWN_FEATURES);
		if (rc == FL_OK && conn != NULL)
			fli_conn_mark(conn);
	}
	open->peer = NULL;
	fli_buf_destroy(block);
	return rc;
}

static void op_send_cancel(fli_peer *base)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);
	fli_remote_open *open = &peer->dist->open;

	if (open->peer == peer && !open->is_queued && peer->conn != NULL)
		fli_outbound_abort(&peer->conn->out);
	open->peer = NULL;
}

/* ---- everything else ------------------------------------------------------------------------- */

/* Ends the attempt from a timer, not from within the process's own call. */
static void give_up(fli_dist_peer *peer)
{
	fli_peers_abandon(peer);
	fli_remote_queue_clear(&peer->queue);
	peer->state = FLI_PEER_WAITING;
	peer->is_overfull = true;
	fli_wheel_start(&peer->dist->node->wheel, &peer->timer, fli_dist_now(peer->dist));
}

static void submit(fli_peer *base, const fli_remote_op *op)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);
	fli_conn *conn = conn_of(peer);

	if (FLI_LIKELY(conn != NULL))
		fli_remote_emit(conn, op);
	else if (is_connecting(peer) && enqueue(peer, op) != FL_OK)
		give_up(peer);
}

static fli_target at_pid(const fl_pid *pid)
{
	return (fli_target){.kind = FLI_TARGET_PID, .pid = pid};
}

static void op_link(fli_peer *peer, const fl_pid *from, const fl_pid *to)
{
	submit(peer, &(fli_remote_op){.kind = FLI_REMOTE_LINK, .from = *from, .to = at_pid(to)});
}

static void op_unlink(fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to)
{
	submit(peer, &(fli_remote_op){
			     .kind = FLI_REMOTE_UNLINK, .from = *from, .to = at_pid(to), .id = id});
}

static void op_unlink_ack(fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to)
{
	submit(peer,
		&(fli_remote_op){
			.kind = FLI_REMOTE_UNLINK_ACK, .from = *from, .to = at_pid(to), .id = id});
}

static void op_exit(fli_peer *peer, const fl_pid *from, const fl_pid *to, fl_term reason)
{
	submit(peer, &(fli_remote_op){.kind = FLI_REMOTE_EXIT,
			     .from = *from,
			     .to = at_pid(to),
			     .payload = reason});
}

static void op_exit2(fli_peer *peer, const fl_pid *from, const fl_pid *to, fl_term reason)
{
	submit(peer, &(fli_remote_op){.kind = FLI_REMOTE_EXIT2,
			     .from = *from,
			     .to = at_pid(to),
			     .payload = reason});
}

static void op_monitor(
	fli_peer *peer, const fl_pid *watcher, const fli_target *to, const fl_ref *ref)
{
	submit(peer, &(fli_remote_op){
			     .kind = FLI_REMOTE_MONITOR, .from = *watcher, .to = *to, .ref = *ref});
}

static void op_demonitor(
	fli_peer *peer, const fl_pid *watcher, const fli_target *to, const fl_ref *ref)
{
	submit(peer,
		&(fli_remote_op){
			.kind = FLI_REMOTE_DEMONITOR, .from = *watcher, .to = *to, .ref = *ref});
}

static void op_down(fli_peer *peer, const fli_target *what, const fl_pid *watcher,
	const fl_ref *ref, fl_term reason)
{
	submit(peer, &(fli_remote_op){.kind = FLI_REMOTE_DOWN,
			     .from = *watcher,
			     .to = *what,
			     .ref = *ref,
			     .payload = reason});
}

static void op_group_leader(fli_peer *peer, const fl_pid *leader, const fl_pid *process)
{
	submit(peer, &(fli_remote_op){
			     .kind = FLI_REMOTE_LEADER, .from = *leader, .to = at_pid(process)});
}

const fli_remote_ops *fli_remote_ops_table(void)
{
	static const fli_remote_ops table = {.peer = op_peer,
		.find = op_find,
		.next = op_next,
		.send_begin = op_send_begin,
		.send_end = op_send_end,
		.send_end_with = op_send_end_with,
		.send_cancel = op_send_cancel,
		.link = op_link,
		.unlink = op_unlink,
		.unlink_ack = op_unlink_ack,
		.exit = op_exit,
		.exit2 = op_exit2,
		.monitor = op_monitor,
		.demonitor = op_demonitor,
		.down = op_down,
		.group_leader = op_group_leader,
		.is_busy = op_is_busy};

	return &table;
}
