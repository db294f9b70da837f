/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_DIST_H
#define FLI_DIST_DIST_H

/*
 * The distribution of one node: its listener, its connections, its peers; what the services and the
 * layers above ask of it.
 *
 *     fli_dist_open --> fli_dist_listen --> (the loop runs) --> fli_dist_close
 *
 * A peer is a node name. It is `idle` until somebody sends to it, connects to it or dials us; then
 * it is being connected, signals wait; then it is up.
 *
 * Threads: the owner of the node's context. Memory: peers keep their address while they are up,
 * being connected, wanted, or hold links and monitors. Errors: FL_E*.
 */

#include "dist/control.h"
#include "dist/handshake.h"
#include "dist/net.h"
#include "dist/outbound.h"
#include "node/runtime.h"

typedef struct fli_dist fli_dist;

typedef enum fli_dist_epmd {
	FLI_DIST_EPMD_AUTO,    /* starts one where none answers */
	FLI_DIST_EPMD_ON,      /* one must be there */
	FLI_DIST_EPMD_OFF,     /* fixed ports, known addresses */
	FLI_DIST_EPMD_EMBEDDED /* this node answers, unless one is there */
} fli_dist_epmd;

/* What is known of a peer beforehand. */
typedef struct fli_dist_known {
	const char *name;
	const char *address; /* host:port to dial instead of asking epmd; NULL: ask */
	const void *cookie;  /* NULL: the node's own */
	size_t cookie_size;
} fli_dist_known;

typedef struct fli_dist_limits {
	uint32_t pending_max;        /* handshakes of others under way */
	uint32_t pending_per_ip_max; /* the same from one address */
	uint32_t accepts_per_second; /* and as many again at once after a silence */
	uint32_t peers_max;          /* names that the node keeps */
	size_t waiting_bytes_max;    /* signals for a peer that is being connected */
	size_t waiting_sum_max;      /* those of all such peers; each has waiting_bytes_min */
	size_t waiting_bytes_min;    /* all the same */
	size_t out_soft_bytes;       /* output of one peer: its senders wait */
	size_t out_hard_bytes;       /* the peer is disconnected */
	size_t preauth_bytes_max;    /* longest message of a handshake */
	size_t frame_bytes_max;      /* longest message that comes in */
	size_t fragments_open_max;   /* messages in pieces of one peer */
	size_t fragment_bytes_max;   /* their bytes */
} fli_dist_limits;

fli_dist_limits fli_dist_limits_default(void);

typedef struct fli_dist_config {
	fl_node *node;
	fli_net *net;
	fli_net *links;     /* carries the connections between nodes; NULL: `net`, as epmd's */
	bool trusts_names;  /* with TLS: who dials may have any name that its cookie opens */
	fli_node_name name; /* a bare host: the name comes from the first peer, nothing listens */
	bool is_visible;
	const char *listen_address; /* NULL: no listener */
	bool is_v6;                 /* the epmd of this machine is asked at ::1 */
	uint16_t port_min, port_max;
	uint32_t tick_time_ms;   /* T: silence after which a peer is lost, and a quarter more */
	uint32_t tick_intensity; /* I: a tick each T / I of silence of our own */
	uint32_t step_ms;        /* of a handshake, a look-up, a registration */
	fli_dist_epmd epmd;
	uint16_t epmd_port;
	const char *epmd_program; /* for AUTO; NULL: found */
	uint16_t peer_port; /* with OFF: what a peer of no known address listens on; 0: none */
	const void *cookie;
	size_t cookie_size;
	const fli_dist_known *known;
	size_t known_count;
	const char *const *allow; /* patterns of names that may connect; `*` stands for anything */
	size_t allow_count;
	fli_dist_limits limits;
	void (*wake)(void *ctx); /* there is output again before the next event; may be NULL */
	void *wake_ctx;
} fli_dist_config;

/* Texts and cookies are copied. Attaches itself to the node. */
int fli_dist_open(const fli_dist_config *config, fli_dist **ret_dist);
/* Who may connect from now on; as `allow` of the configuration. FL_ENOMEM: nothing changed. */
int fli_dist_set_allow(fli_dist *dist, const char *const *allow, size_t count);
/* Begins to listen and to register; fli_dist_is_ready tells when that is done. */
int fli_dist_listen(fli_dist *dist, fl_error *err);
/* FL_OK, FL_EBUSY: not yet, or why it failed. */
int fli_dist_ready(const fli_dist *dist, fl_error *err);
/* The end of a turn: writes what has gathered, reaps what has ended. A hook of the loop. */
void fli_dist_flush(void *dist);
/* Refuses whoever comes from now on. */
void fli_dist_stop_listening(fli_dist *dist);
/* Leaves all peers in one stroke. */
void fli_dist_leave(fli_dist *dist);
/*
 * Says to all peers, in one stroke, that nothing more will come; true while one of them has not
 * answered that with its own end.
 */
bool fli_dist_finish(fli_dist *dist);
/* Something waits for a peer that is up to read it. */
bool fli_dist_has_output(fli_dist *dist);
void fli_dist_close(fli_dist *dist);

/* The distribution of a node; NULL where it has none. */
static inline fli_dist *fli_dist_of(const fl_node *node)
{
	return node->dist;
}

uint16_t fli_dist_port(const fli_dist *dist); /* 0: does not listen */
const fli_node_name *fli_dist_name(const fli_dist *dist);
bool fli_dist_is_visible(const fli_dist *dist);
uint32_t fli_dist_tick_ms(const fli_dist *dist); /* T */

/* ---- peers ----------------------------------------------------------------------------------- */

/* Visits the peers that are up: start with *cursor = 0; NULL at the end. No change meanwhile. */
fli_peer *fli_dist_next(fli_dist *dist, size_t *cursor);
/* The peer of that name if it is known, up or not; never dials. */
fli_peer *fli_dist_find(fli_dist *dist, fl_atom name);

/* Somebody who waits for a connection; embedded in what he owns. */
typedef struct fli_dist_wait {
	fli_link link;
	/* FL_OK, or why not; `err` holds the text for people. Called unlinked. */
	void (*done)(struct fli_dist_wait *wait, int result, const fl_error *err);
} fli_dist_wait;

/*
 * Connects. FL_OK: is up already, `done` is not called. FL_EBUSY: `done` will be called. Otherwise
 * it cannot be tried, with a text in `err`.
 */
int fli_dist_connect(fli_dist *dist, fl_atom name, fli_dist_wait *wait, fl_error *err);
static inline void fli_dist_wait_cancel(fli_dist_wait *wait)
{
	fli_list_remove(&wait->link);
}

/* Keeps a connection to that node up from now on: dials, and again after a loss. */
int fli_dist_want(fli_dist *dist, fl_atom name, fl_error *err);
void fli_dist_unwant(fli_dist *dist, fl_atom name);

/*
 * Ends the connection: node-down with reason `disconnect` at the end of the turn. False when there
 * is none. A wanted node is not dialled again before it, or somebody here, connects.
 */
bool fli_dist_disconnect(fli_dist *dist, fl_atom name);

/* Who is told of each connection: services that keep an eye on all nodes. */
typedef struct fli_dist_watch {
	fli_link link;
	void (*up)(struct fli_dist_watch *watch, fli_peer *peer);
	void (*down)(struct fli_dist_watch *watch, fli_peer *peer, const char *reason);
} fli_dist_watch;

/* `up` runs before any signal of the peer, `down` after the last. End:
 * fli_list_remove(&watch->link) */
void fli_dist_watch_add(fli_dist *dist, fli_dist_watch *watch);

/* ---- signals that the services send and take ------------------------------------------------- */

/*
 * The output of a peer that is up, else NULL. Emit one signal with dist/outbound.h, then call
 * fli_dist_wrote.
 */
fli_outbound *fli_dist_out(fli_peer *peer);
/* The result of the last outbound call; closes the connection where order would have a gap. */
void fli_dist_wrote(fli_peer *peer, int result);

typedef struct fli_dist_spawns {
	void (*request)(fl_node *node, fli_peer *peer, const fli_signal *signal);
	void (*reply)(fl_node *node, fli_peer *peer, const fli_signal *signal);
} fli_dist_spawns;

/* Without it, spawn requests are answered `notsup`. */
void fli_dist_on_spawn(fli_dist *dist, const fli_dist_spawns *spawns);

/* ---- what tools show ------------------------------------------------------------------------- */

typedef struct fli_dist_counters {
	uint64_t accepted, refused_limit, handshakes_failed, ups, downs, protocol_errors;
	uint64_t bytes_in, bytes_out;
} fli_dist_counters;

const fli_dist_counters *fli_dist_counters_of(const fli_dist *dist);

typedef struct fli_dist_peer_info {
	fl_atom name;
	const char *state; /* idle, looking, dialling, waiting, up */
	bool is_wanted;
	uint64_t flags;
	uint64_t up_since_ms;
	uint64_t bytes_in, bytes_out;
	size_t out_bytes; /* waiting to be written */
	fli_address address;
	const fl_error *error; /* of the last attempt */
} fli_dist_peer_info;

/* As fli_dist_next, but all that are known. */
bool fli_dist_info_next(fli_dist *dist, size_t *cursor, fli_dist_peer_info *ret_info);

#endif
