/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_NODE_H
#define FLI_TESTS_OTP_NODE_H

/*
 * A model of an OTP node: what a BEAM with kernel shows to the others, and nothing of the runtime
 * under test in it. It is written from the protocol and from recorded traffic.
 *
 *     host:  listen, resolve, sockets, one timer, clock, random   (a table: otp_host)
 *       |  bytes, events
 *     conns: handshake, frames, atom caches, fragments, ticks     (otp_shake, otp_wire, otp_net)
 *       |  control tuples
 *     procs: a small Erlang: mailboxes, names, links, monitors, exits, spawns     (otp_proc)
 *       |  terms
 *     services: net_kernel, rex, erpc, user; global's three processes; pg; the driver's own
 *
 * Everything is sans-IO: the host calls in with events, the node calls out by the table, and
 * between two events it has nothing to do but what its timer says.
 *
 * Threads: the host's. Memory: the node owns everything; terms in calls are copied. Errors: what a
 * peer does wrong costs its connection, as with OTP; findings about the node itself (a pg scope
 * that crashed) are counted, see otp_model.h.
 */

#include "tests/sim/otp_code.h"

typedef struct otp_node otp_node;
typedef struct otp_proc otp_proc;
typedef struct otp_conn otp_conn;

/* ---- the host -------------------------------------------------------------------------------- */

typedef enum otp_draw {
	OTP_DRAW_CHALLENGE, /* 32 bits of a handshake */
	OTP_DRAW_TAG,       /* of a session of global */
	OTP_DRAW_CREATION,  /* the number that names this life of global */
	OTP_DRAW_PICK,      /* one of several */
	OTP_DRAW_SLEEP      /* before the next try */
} otp_draw;

typedef struct otp_host {
	/* Begins to connect to a node by name; a number that is never used again. */
	uint32_t (*dial)(void *ctx, const char *node);
	void (*write)(void *ctx, uint32_t conn, const void *bytes, size_t size);
	void (*close)(void *ctx, uint32_t conn);
	/* One timer: the latest call counts; 0: none. */
	void (*timer)(void *ctx, uint64_t due_ms);
	uint64_t (*now_ms)(void *ctx);
	uint64_t (*random)(void *ctx, otp_draw what);
	/* What an OTP node would log; may be NULL. */
	void (*log)(void *ctx, const char *line);
} otp_host;

typedef struct otp_config {
	const char *name;   /* alive@host */
	const char *cookie; /* NULL: "cookie" */
	uint32_t creation;  /* at least 4 */
	uint32_t first_pid; /* 0: 50; GNS, locker and registrar are 4, 5 and 6 after it */
	int release;        /* 23, 25, 27, 29; 0: 29 */
	int global_vsn;     /* 5, 6, 7, 8; 0: the release's own */
	bool has_pop;       /* prevent_overlapping_partitions, on in a BEAM since 25 */
	bool is_hidden;
	bool has_no_global;     /* nobody is global_name_server */
	const char *pg_scopes;  /* "pg a b": started at once; NULL: none */
	uint64_t tick_ms;       /* 0: 60,000 */
	uint64_t setup_ms;      /* 0: 7,000 */
	size_t fragment_bytes;  /* 0: 65,536 */
	uint64_t flags_without; /* of what the release says */
} otp_config;

/* ---- connections ----------------------------------------------------------------------------- */

enum {
	OTP_PUBLISHED = 1,
	OTP_MONITORS = 1 << 3 | 1 << 5,
	OTP_HEADER = 1 << 13,
	OTP_SENDER = 1 << 19,
	OTP_EXIT_PAYLOAD = 1 << 22,
	OTP_FRAGMENTS = 1 << 23,
	OTP_HANDSHAKE_23 = 1 << 24,
	OTP_UNLINK_ID = 1 << 25,
	OTP_DIGEST_25 = 1 << 26
};
#define OTP_SPAWN (UINT64_C(1) << 32)
#define OTP_V4_NC (UINT64_C(1) << 34)
#define OTP_ALIAS (UINT64_C(1) << 35)
#define OTP_ALTACT (UINT64_C(1) << 37)

typedef enum otp_conn_state {
	OTP_DIALING,        /* our attempt: no socket yet */
	OTP_WAIT_STATUS,    /* ours: the name is out */
	OTP_WAIT_CHALLENGE, /* ours: status was good */
	OTP_WAIT_ACK,       /* ours: reply is out */
	OTP_YIELDED,        /* ours: the other said nok; its own attempt will come */
	OTP_WAIT_NAME,      /* theirs: nothing said yet */
	OTP_WAIT_TRUE,      /* theirs: we said alive */
	OTP_WAIT_REPLY,     /* theirs: the challenge is out */
	OTP_WAIT_OLD,       /* theirs: shown the cookie; the old connection has to go first (23) */
	OTP_UP,
	OTP_OVER
} otp_conn_state;

/* A message that comes in parts. */
typedef struct otp_fragment {
	struct otp_fragment *next;
	uint64_t sequence;
	uint64_t left;   /* fragments still to come */
	otp_buf control; /* canonical */
	otp_buf payload; /* as on the wire */
	otp_buf atoms;   /* the references of the first one, canonical, one after the other */
	unsigned atom_count;
} otp_fragment;

struct otp_conn {
	otp_conn *next;
	/* Who takes the signals; NULL: the node. */
	bool (*sink)(otp_conn *conn, otp_term control, otp_term payload);
	void *sink_ctx;
	otp_node *node;
	uint32_t id;
	otp_conn_state state;
	bool is_ours;
	bool has_socket;
	otp_atom peer; /* "": not known yet */
	uint64_t their_flags;
	uint64_t flags; /* agreed */
	uint32_t their_creation;
	uint32_t challenge;
	uint32_t their_challenge;
	uint64_t due_ms; /* of the handshake */
	otp_buf in;
	otp_cache *cache_in;
	otp_cache *cache_out;
	otp_fragment *fragments;
	uint64_t sequence;
	bool has_read; /* since the last tick */
	bool has_written;
	unsigned silent; /* ticks without a byte */
};

/* ---- processes ------------------------------------------------------------------------------- */

typedef void otp_handler(otp_node *node, otp_proc *self, otp_term message);

typedef struct otp_message {
	struct otp_message *next;
	otp_proc *to;
	otp_term term;
	/* An exit signal, not a message: from whom, and whether by exit/2. */
	otp_term exit_from;
	bool is_exit2;
} otp_message;

typedef struct otp_call {
	otp_term key; /* a reference, or a reference and a node, as the tag of the reply */
	otp_term monitor;
	otp_atom node;
	bool is_done;
	otp_term reply; /* none: bad node */
} otp_call;

/* Asks many at once and waits, as gen_server:multi_call. */
typedef struct otp_multicall {
	otp_call *calls;
	unsigned count;
	void (*done)(otp_node *node, otp_proc *self, const struct otp_multicall *calls);
} otp_multicall;

/* Under way: a lock on several nodes (otp_lists.c). */
typedef void otp_locked(otp_node *node, otp_proc *self, bool is_set);
typedef struct otp_try {
	otp_term id;
	otp_term nodes;
	otp_locked *done;
} otp_try;

struct otp_proc {
	otp_proc *next;
	otp_pid id;
	otp_term pid;
	char name[64]; /* "": none */
	otp_handler *handler;
	void (*on_exit)(otp_node *node, otp_proc *self, otp_term reason);
	void (*on_free)(void *state); /* what the state itself holds */
	void *state;                  /* freed with the process */
	bool has_trap;
	bool is_dead;
	otp_term leader;
	bool has_node_events; /* gets {nodeup,N}, {nodedown,N}, {nodefail,N} */
	otp_term alias;       /* of the multicall */
	otp_try *locking;
	otp_multicall *waits; /* nothing else is handled meanwhile */
	otp_message *saved;   /* for then, oldest first */
};

/* ref is none for links. */
typedef struct otp_monitor {
	struct otp_monitor *next;
	otp_term ref;
	otp_term watcher;
	otp_term target; /* pid, or name */
	otp_atom target_node;
} otp_monitor;

typedef struct otp_bond {
	struct otp_bond *next;
	otp_term local;
	otp_term other;
	uint64_t unlink_id; /* not 0: unlinked by us, not acknowledged */
} otp_bond;

typedef struct otp_request {
	struct otp_request *next;
	otp_term ref;
	otp_term from;
	otp_atom node;
} otp_request;

typedef struct otp_timer {
	struct otp_timer *next;
	uint64_t due_ms;
	uint64_t order;
	otp_term to;
	otp_term message;
} otp_timer;

/* A signal to a node that is being connected. */
typedef struct otp_waiting {
	struct otp_waiting *next;
	otp_atom node;
	otp_term control;
	otp_term payload;
} otp_waiting;

struct otp_global;
struct otp_pg;
struct otp_model;

struct otp_node {
	otp_config config;
	const otp_host *host;
	void *ctx;
	otp_conn *conns;
	otp_proc *procs;
	otp_message *mail;
	otp_message **mail_end;
	otp_monitor *monitors;
	otp_bond *bonds;
	otp_request *requests;
	otp_timer *timers;
	otp_waiting *waiting;
	otp_proc *user;
	otp_proc *net_kernel;
	struct otp_global *global;
	struct otp_pg *pgs;
	struct otp_model *model;
	otp_buf *made; /* terms of otp_make, gone after the event */
	size_t made_count;
	uint64_t next_tick_ms;
	uint64_t timer_order;
	uint64_t unlink_id;
	uint32_t next_pid;
	uint32_t next_ref;
	bool is_running; /* in the mail loop */
	bool is_down;
	uint64_t protocol_errors;
	char last_error[160];
};

/* A term that lives until the event is over. */
otp_term otp_make(otp_node *node, const char *format, ...);

/* ---- otp_net.c: the host's events, who is connected ------------------------------------------ */

otp_conn *otp_up(otp_node *node, const char *peer);
/* Up or our own attempt; dials when there is neither. */
void otp_reach(otp_node *node, const char *peer);
/* It is up, or being connected by either side. */
bool otp_is_reached(otp_node *node, const char *peer);
/* Ends it; nodedown and all. Nothing happens when it is not up. */
void otp_cut(otp_node *node, const char *peer, const char *reason);
void otp_conn_end(otp_conn *conn, const char *reason);
void otp_conn_is_up(otp_conn *conn);
void otp_log(otp_node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool otp_is_visible(const otp_conn *conn);
void otp_drain(otp_node *node);

/* ---- otp_shake.c, otp_wire.c, otp_signal.c --------------------------------------------------- */

void otp_shake_open(otp_conn *conn);
/* One message of the handshake. */
void otp_shake_message(otp_conn *conn, const uint8_t *message, size_t size);
void otp_shake_old_gone(otp_conn *conn);
uint64_t otp_flags_of(const otp_node *node);

/* One frame. False: the connection has to end. */
bool otp_frame(otp_conn *conn, const uint8_t *frame, size_t size);
void otp_write_signal(otp_conn *conn, otp_term control, otp_term payload, bool is_early);
/* A control tuple and its payload, or none. */
bool otp_signal(otp_conn *conn, otp_term control, otp_term payload);

/* ---- otp_emit.c: signals out ----------------------------------------------------------------- */

/*
 * To a node that is up; kept while it is being connected, dropped when it is neither. Forms that
 * depend on what the peer understands are chosen by otp_flags_to: 0 while it is being connected.
 */
void otp_emit(otp_node *node, const char *peer, otp_term control, otp_term payload);
uint64_t otp_flags_to(otp_node *node, const char *peer);
/* To a pid or an alias. */
void otp_send(otp_node *node, otp_proc *from, otp_term to, otp_term message);
void otp_send_name(
	otp_node *node, otp_proc *from, const char *name, const char *peer, otp_term message);
/* {'$gen_cast',Message} to a name. */
void otp_cast(otp_node *node, otp_proc *from, const char *name, const char *peer, otp_term message);
/* gen:reply. */
void otp_reply(otp_node *node, otp_proc *self, otp_term to, otp_term tag, otp_term reply);

/* ---- otp_proc.c ------------------------------------------------------------------------------ */

otp_proc *otp_spawn(otp_node *node, otp_handler *handler, void *state);
void otp_register(otp_proc *proc, const char *name);
otp_proc *otp_find(otp_node *node, otp_term pid);
otp_proc *otp_whereis(otp_node *node, const char *name);
otp_proc *otp_find_alias(otp_node *node, otp_term ref);
void otp_deliver(otp_node *node, otp_proc *to, otp_term message);
void otp_exit(otp_node *node, otp_proc *proc, otp_term reason);
/* exit/2; `from` and `to` may be anywhere. */
void otp_exit2(otp_node *node, otp_term from, otp_term to, otp_term reason);
void otp_exit_signal(otp_node *node, otp_proc *to, otp_term from, otp_term reason, bool is_exit2);
void otp_link(otp_node *node, otp_proc *self, otp_term other);
void otp_unlink(otp_node *node, otp_proc *self, otp_term other);
/* A new reference of so many words; lives until the event is over. */
otp_term otp_ref(otp_node *node, unsigned words);
otp_term otp_monitor_pid(otp_node *node, otp_proc *self, otp_term pid);
otp_term otp_monitor_name(
	otp_node *node, otp_proc *self, const char *name, const char *peer, otp_term ref);
void otp_demonitor(otp_node *node, otp_proc *self, otp_term ref);
/* What signals from outside do to monitors, requests and links. */
void otp_monitor_here(otp_node *node, otp_term ref, otp_term watcher, otp_term target);
void otp_monitor_fired(otp_node *node, otp_term ref, otp_term watcher, otp_term reason);
void otp_demonitor_here(otp_node *node, otp_term ref, otp_term watcher);
void otp_monitor_spawned(otp_node *node, otp_proc *self, otp_term ref, otp_term pid);
void otp_free_monitors(otp_node *node);
/* Answers {spawn_reply,Ref,ok,Pid} or {spawn_reply,Ref,error,Reason}; it is monitored by Ref. */
otp_term otp_spawn_request(
	otp_node *node, otp_proc *self, const char *peer, otp_term mfa, otp_term args);
void otp_spawn_replied(otp_node *node, otp_term ref, otp_term to, int64_t flags, otp_term result);
bool otp_bond_add(otp_node *node, otp_term local, otp_term other);
bool otp_bond_is_idle(otp_node *node, otp_term local, otp_term other);
bool otp_bond_remove(otp_node *node, otp_term local, otp_term other, uint64_t id);
void otp_bonds_gone(otp_node *node, const char *peer);
/* DOWN for each monitor that `target` (a pid, or a name) of this node has. */
void otp_fire(otp_node *node, otp_proc *target, otp_term reason);
/* Everything that a lost node means for processes. */
void otp_node_gone(otp_node *node, const char *peer);
void otp_after(otp_node *node, otp_proc *self, uint64_t ms, otp_term message);
bool otp_is_mine(const otp_node *node, otp_term identifier);
void otp_deliver_next(otp_node *node);
/* Frees what is dead; with `all` everything that processes have. */
void otp_reap_procs(otp_node *node, bool all);
/* Runs what was put aside. */
void otp_resume(otp_node *node, otp_proc *proc);
void otp_save(otp_proc *proc, otp_term message);

/* ---- otp_calls.c ----------------------------------------------------------------------------- */

/* `request` to `name` on each node of the list of atoms; `done` is called when all have answered.
 */
void otp_multicall_start(otp_node *node, otp_proc *self, otp_term nodes, otp_term request,
	void (*done)(otp_node *node, otp_proc *self, const otp_multicall *calls));
/* True: the message was an answer. */
bool otp_multicall_take(otp_node *node, otp_proc *self, otp_term message);
void otp_multicall_free(otp_proc *self);
void otp_waits_free(otp_proc *proc);
otp_term otp_my_node(otp_node *node);

/* ---- services -------------------------------------------------------------------------------- */

void otp_kernel_start(otp_node *node);
/* {nodeup,N}, {nodedown,N}, {nodefail,N} (it could not be reached) to who wants to know. */
void otp_kernel_tell(otp_node *node, const char *word, const char *peer);
/* Handler of a process that SPAWN_REQUEST started: {run,{M,F,Arity},Args}. */
void otp_run_message(otp_node *node, otp_proc *self, otp_term message);
/* Module:Function(Args) here; none: undef. May end processes and send messages. */
otp_term otp_apply(
	otp_node *node, otp_proc *self, const char *module, const char *function, otp_term args);
void otp_global_start(otp_node *node);
void otp_global_free(otp_node *node);
void otp_pg_start(otp_node *node, const char *scope);
void otp_pg_free(otp_node *node);
void otp_model_free(otp_node *node);

#endif
