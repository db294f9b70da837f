/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_PEERS_H
#define FLI_DIST_PEERS_H

/*
 * The table of peers, and the one structure of the distribution that its files share.
 *
 *     IDLE --> LOOKING --> DIALLING --> UP        IDLE --(accepted)--> UP
 *               |   ^        |    |
 *               v   |        v    +--> WAITING (`nok`: the other side's attempt wins) --> UP
 *              failed: node-down for who waited, back to IDLE
 *
 * Threads: the owner of the node's context. Memory: peers are kept; one that is idle, unwanted and
 * without links or monitors may go when the table is full. Errors: FL_E*. Limits: peers_max.
 */

#include "dist/conn.h"
#include "dist/conn_pending.h"
#include "dist/dist.h"
#include "dist/epmd_driver.h"
#include "dist/listener.h"
#include "dist/reconcile.h"
#include "dist/remote_queue.h"

typedef enum fli_peer_state {
	FLI_PEER_IDLE,
	FLI_PEER_LOOKING,  /* epmd is asked, or the hold-off after a failure runs */
	FLI_PEER_DIALLING, /* `dialling` is under way */
	FLI_PEER_WAITING,  /* for the peer's own attempt */
	FLI_PEER_UP
} fli_peer_state;

struct fli_dist_peer {
	fli_peer base; /* first: the runtime has pointers to it */
	fli_dist *dist;
	fli_node_name name;
	fli_peer_state state;
	const fli_dist_known *known; /* NULL: nothing */
	fli_conn *conn;
	fli_pending *dialling;
	fli_lookup *lookup;
	fli_timer timer;    /* of LOOKING (hold-off) and WAITING */
	uint64_t failed_ms; /* of the last attempt; 0: none */
	unsigned waited;    /* times that an attempt ended in WAITING without a connection */
	bool is_overfull;   /* too much waited for it: the attempt ends */
	bool is_visitor;    /* it has its name from us: a command, a remote shell */
	fli_link waits;     /* fli_dist_wait */
	fli_remote_queue queue;
	fl_error error; /* of the last attempt */
	fli_address address;
	fli_want want;
};

/* The message under construction; at most one. */
typedef struct fli_remote_open {
	fli_dist_peer *peer; /* NULL: none */
	bool is_queued;      /* built in `buf`, for the queue; else in the connection's output */
	fli_remote_op op;
	char name[1024]; /* op.to.name */
	fli_buf buf;
} fli_remote_open;

/* Names that were given to peers without one: the last ones, to be given again. */
enum { FLI_GIVEN_MAX = 16 };
typedef struct fli_given {
	fli_node_name name;
	uint32_t creation;
} fli_given;

struct fli_dist {
	fli_dist_config config;
	fl_node *node;
	fli_net *net;   /* epmd's */
	fli_net *links; /* of connections between nodes */
	fli_mem *mem;
	fli_node_name name;
	bool is_dynamic; /* our name comes from the first peer */
	bool is_ready;   /* registered, or nothing to register: others may come */
	bool is_leaving;
	fli_listener listener;
	fli_epmd_config epmd_config;
	fli_epmd_driver epmd;
	fli_map peers;
	fli_dist_peer *asked; /* the last one that a message went to, or NULL */
	size_t waiting_bytes; /* in the queues of all peers */
	size_t peers_at;      /* where the search for one that may go goes on */
	fli_link pending;     /* fli_pending */
	fli_link dirty;       /* fli_conn with output */
	fli_link doomed;      /* fli_conn that end */
	fli_link watches;
	const fli_dist_spawns *spawns;
	fli_remote_open open;
	fli_given given[FLI_GIVEN_MAX];
	unsigned given_count;
	fli_dist_counters counters;
};

static inline uint64_t fli_dist_now(const fli_dist *dist)
{
	return dist->node->port->now_ns(dist->node->port) / 1000000;
}

static inline fli_dist_peer *fli_dist_peer_of(fli_peer *peer)
{
	return fli_container_of(peer, fli_dist_peer, base);
}

/* ---- the whole (dist.c, dist_config.c) ------------------------------------------------------- */

/* False: out of memory; free it all the same. */
bool fli_dist_config_copy(fli_dist_config *to, const fli_dist_config *from, fli_mem *mem);
void fli_dist_config_free(fli_dist_config *config, fli_mem *mem);

/* ---- the table (peers.c) --------------------------------------------------------------------- */

void fli_peers_create(fli_dist *dist);
fli_dist_peer *fli_peers_find(const fli_dist *dist, const char *name, size_t size);
/* Makes one where there is none. NULL: limit, no memory, not a name; `err` (may be NULL) says
 * which. */
fli_dist_peer *fli_peers_get(fli_dist *dist, const char *name, size_t size, fl_error *err);
/* The same for a name that only stood in some term: the last quarter of the table is not for it. */
fli_dist_peer *fli_peers_get_rumoured(fli_dist *dist, const char *name, size_t size);
void fli_peers_close(fli_dist *dist);

/* ---- connecting (peers_connect.c) ------------------------------------------------------------ */

void fli_peers_timer_create(fli_dist_peer *peer);
/* Begins to connect an idle peer. FL_OK: it is on the way, or up. */
int fli_peers_connect(fli_dist_peer *peer, fl_error *err);
/* The attempt of `peer` ended in `nok`: its own attempt to us goes on. */
void fli_peers_wait(fli_dist_peer *peer);
/* The attempt failed: everybody who waited is told. */
void fli_peers_failed(fli_dist_peer *peer, const fl_error *err);
/* It is up: everybody who waited is told. */
void fli_peers_told(fli_dist_peer *peer);
/* Whether an attempt of ours waits for the one that the peer itself seems to make. */
bool fli_peers_gives_way(const fli_dist_peer *peer);
/* Forgets an attempt that is under way, for a better one. */
void fli_peers_abandon(fli_dist_peer *peer);
/* Somebody who said to be `name` was accepted, and did not make it. */
void fli_peers_accept_failed(fli_dist *dist, const fli_node_name *name);

/* ---- up and down (peers_up.c) ---------------------------------------------------------------- */

/* The handshake is done; takes the socket. `rest` are bytes behind it. */
void fli_peers_established(fli_pending *pending, const uint8_t *rest, size_t size);
/* A new connection of a proven peer takes the place of its old one. */
void fli_peers_replace(fli_dist_peer *peer);
/* Ends what is doomed. */
void fli_peers_reap(fli_dist *dist);
fli_handshake_verdict fli_peers_decide(
	void *pending, const fli_handshake_side *side, fli_handshake_side *ret_named);

/* A name for a peer that has none, at its host (given_names.c). */
bool fli_given_take(fli_dist *dist, const fli_node_name *host, fli_handshake_side *ret_named);

/* ---- signals (remote_ops.c, remote_emit.c) --------------------------------------------------- */

const fli_remote_ops *fli_remote_ops_table(void);
/* Opens a signal with a payload in the output. */
int fli_remote_begin(fli_outbound *out, const fli_remote_op *op);
/* What follows from the result of an outbound call: output to write, or a gap. */
void fli_remote_settle(fli_conn *conn, int rc);
/* Puts the signal into the connection's output, in the form that the peer takes. */
void fli_remote_emit(fli_conn *conn, const fli_remote_op *op);
/* What waited for the connection goes out. */
void fli_remote_replay(fli_dist_peer *peer);

#endif
