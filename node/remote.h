/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_REMOTE_H
#define FLI_REMOTE_H

/*
 * The border between the process world and the distribution: what the runtime asks of it (a table
 * that the layer above fills in), and what arrives from other nodes.
 *
 *     process --fli_remote_ops--> connection            connection --fli_remote_*--> process
 *
 * A peer object stands for a node name. The layer above owns it and embeds fli_peer in its own; the
 * runtime hangs its links and monitors on it, and empties them in fli_remote_down. It exists at
 * least while those lists are not empty.
 *
 * Threads: whoever owns the node's context (see sched.h), for every function here.
 * Memory: identifiers and payloads borrow until the function returns.
 * Errors: signals to the dead are answered or dropped as Erlang does; nothing here fails upwards.
 */

#include "flitch/server.h"
#include "node/base/buf.h"
#include "node/base/list.h"
#include "node/term/walk.h"

typedef struct fli_peer {
	fl_atom name;      /* interned */
	uint32_t creation; /* of the incarnation that is up; 0 before */
	bool is_up;
	bool is_hidden;         /* the link is: one of the two sides is */
	bool is_invisible;      /* the peer itself is; servers are not told of those */
	bool has_monitors;      /* monitors by pid and name were agreed */
	fli_link links;         /* of our processes with its processes */
	fli_link watchers;      /* its processes that watch ours */
	fli_link watched;       /* its processes that ours watch */
	uint32_t signals_count; /* entries in the three lists, for the limit */
} fli_peer;

void fli_peer_create(fli_peer *peer, fl_atom interned_name);

/* A payload as it stands on the wire: checked by fli_walk, not yet expanded. */
typedef struct fli_payload {
	const uint8_t *data;
	const fli_walked *walked;
	const fli_refs *refs; /* may be NULL */
	fli_buf *block;       /* not NULL: `data` lies in it; who empties it may keep its memory */
} fli_payload;

/* The receiver of a message on another node. */
typedef struct fli_target {
	enum { FLI_TARGET_PID, FLI_TARGET_NAME, FLI_TARGET_ALIAS } kind;
	const fl_pid *pid;
	const fl_ref *alias;
	fl_atom name;
} fli_target;

/* What a process asks for with spawn_request; also the C side of erpc calls. */
typedef struct fli_spawn {
	const fl_ref *request;
	const fl_pid *parent;
	fl_atom module, function;
	uint32_t arity;
	bool link, monitor;
} fli_spawn;

/* Filled in by the distribution. `peer` is connected on demand: signals wait, or fail as
 * noconnection. */
typedef struct fli_remote_ops {
	/* The peer of that name; dials when it is not up. NULL: unknown host form, limit, no
	 * memory. */
	fli_peer *(*peer)(void *dist, fl_atom node);
	/* The peer of that name when there is one; does not dial. */
	fli_peer *(*find)(void *dist, fl_atom node);
	/* Visits the peers that are up: start with *cursor = 0. May be NULL. */
	fli_peer *(*next)(void *dist, size_t *cursor);
	/*
	 * Opens a message; the caller appends exactly one term to the buffer and calls send_end,
	 * which may refuse what the destination cannot take (FL_ENOTSUP). Nothing else in between.
	 */
	fli_buf *(*send_begin)(fli_peer *peer, const fl_pid *from, const fli_target *to);
	int (*send_end)(fli_peer *peer);
	/*
	 * The same for a term that ends in a binary without bytes: they are those of `block` from
	 * `at` on, which has room for the rest of the message in front of them. Takes the block's
	 * memory in any case. May be NULL: nobody can.
	 */
	int (*send_end_with)(fli_peer *peer, fli_buf *block, size_t at);
	/* Forgets an opened message. */
	void (*send_cancel)(fli_peer *peer);
	void (*link)(fli_peer *peer, const fl_pid *from, const fl_pid *to);
	void (*unlink)(fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to);
	void (*unlink_ack)(fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to);
	void (*exit)(fli_peer *peer, const fl_pid *from, const fl_pid *to, fl_term reason);
	void (*exit2)(fli_peer *peer, const fl_pid *from, const fl_pid *to, fl_term reason);
	/* `to` is a pid or a name. */
	void (*monitor)(
		fli_peer *peer, const fl_pid *watcher, const fli_target *to, const fl_ref *ref);
	void (*demonitor)(
		fli_peer *peer, const fl_pid *watcher, const fli_target *to, const fl_ref *ref);
	/* `what` is the pid, or the name when the monitor was by name. */
	void (*down)(fli_peer *peer, const fli_target *what, const fl_pid *watcher,
		const fl_ref *ref, fl_term reason);
	void (*group_leader)(fli_peer *peer, const fl_pid *leader, const fl_pid *process);
	/* True while the peer's output is past its soft mark: the sender is suspended until
	 * fli_remote_ready. */
	bool (*is_busy)(const fli_peer *peer);
} fli_remote_ops;

void fli_remote_attach(fl_node *node, const fli_remote_ops *ops, void *dist);

/* ---- what arrives ---------------------------------------------------------------------------- */

/* `to` is a pid of this node by name; another creation is a dead process. */
void fli_remote_send(fl_node *node, fli_peer *peer, const fl_pid *to, const fli_payload *message);
void fli_remote_reg_send(fl_node *node, fli_peer *peer, fl_atom name, const fli_payload *message);
void fli_remote_alias_send(
	fl_node *node, fli_peer *peer, const fl_ref *alias, const fli_payload *message);
void fli_remote_link(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to);
/* From a peer without unlink ids: id 0, no acknowledgement. */
void fli_remote_unlink(
	fl_node *node, fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to);
void fli_remote_unlink_ack(
	fl_node *node, fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to);
/* A broken link; ignored when there is none. */
void fli_remote_exit(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to,
	const fli_payload *reason);
/* exit(To, Reason) */
void fli_remote_exit2(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to,
	const fli_payload *reason);
/* An alias named as the receiver of exit(Alias, Reason) (OTP 28). */
void fli_remote_exit_alias(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_ref *alias,
	const fli_payload *reason);
void fli_remote_monitor(fl_node *node, fli_peer *peer, const fl_pid *watcher, const fli_target *to,
	const fl_ref *ref);
void fli_remote_demonitor(fl_node *node, fli_peer *peer, const fl_pid *watcher, const fl_ref *ref);
void fli_remote_down(fl_node *node, fli_peer *peer, const fl_ref *ref, const fli_payload *reason);
void fli_remote_group_leader(fl_node *node, fli_peer *peer, const fl_pid *leader, const fl_pid *to);

/*
 * The connection is there: `creation`, `is_hidden`, `has_monitors` are set; visible ones are told
 * to every server's node_up before any of the peer's signals.
 */
void fli_remote_nodeup(fl_node *node, fli_peer *peer);
/*
 * The connection is gone, or could not be made: EXIT and DOWN with noconnection, watchers
 * forgotten, then node_down with `reason` (an atom) if it had been up.
 */
void fli_remote_nodedown(fl_node *node, fli_peer *peer, const char *reason);
/* The peer's output has room again. */
void fli_remote_ready(fl_node *node, fli_peer *peer);

#endif
