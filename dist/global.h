/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_GLOBAL_H
#define FLI_DIST_GLOBAL_H

/*
 * OTP's `global` as a plain function: cluster-wide names and locks, who is a member, and what is
 * done about links that are lost. Events go in, actions come out.
 *
 *     nodeup, casts, calls, answers, DOWNs, time --> fli_global --> acts: send, ask, reply, watch,
 *                                                                   dial, disconnect, log
 *
 * Three processes speak for it (services of a node, global_service.c): the name server, which is
 * registered as global_name_server; the locker, which holds the lock while two partitions join; the
 * registrar, which holds it while a name changes. Each act says which of them speaks.
 *
 * After each event the caller carries out what fli_global_acts lists, in that order, and calls
 * fli_global_acts_done.
 *
 * Threads: one at a time. Memory: everything in an event is copied. Errors: where memory runs out
 * the core is `failed` and must be thrown away together with every connection, since nobody can
 * tell any more who knows what. Limits: below; what a peer sends beyond them is dropped and
 * counted.
 */

#include "flitch/server.h"
#include "node/base/mem.h"
#include "node/log.h"
#include "node/port.h"

typedef struct fli_global fli_global;

enum {
	FLI_GLOBAL_VSN = 8,                   /* of OTP 25.1 and later */
	FLI_GLOBAL_VSN_POP = 7,               /* the first that knows lost_connection */
	FLI_GLOBAL_NAMES_MAX = 1 << 20,       /* names */
	FLI_GLOBAL_NAME_BYTES_MAX = 1 << 16,  /* a name and its method; a lock and who wants it */
	FLI_GLOBAL_NAMES_BYTES_MAX = 1 << 27, /* all names as one message has them */
	FLI_GLOBAL_LOCKS_MAX = 1 << 16,       /* resources, and holders of them */
	FLI_GLOBAL_LOCK_BYTES_MAX = 1 << 24,  /* resources and who asks for them, of all locks */
	FLI_GLOBAL_NODES_MAX = 4096,          /* nodes that are remembered, or read of one list */
	FLI_GLOBAL_EARLY_MAX = 64,            /* nodes that spoke before they were up */
	FLI_GLOBAL_MISSED_MAX = 256,          /* members that are remembered as not reached */
	FLI_GLOBAL_WAITS_MAX = 4096,          /* callers of sync */
	FLI_GLOBAL_JOBS_MAX = 1 << 16,        /* registrations that wait for the lock */
	FLI_GLOBAL_LOST_MAX = 1 << 14,        /* reports of lost links */
	FLI_GLOBAL_LOST_MS = 3600 * 1000      /* how long they are remembered */
};

/* Who of the three speaks. */
typedef enum fli_global_role {
	FLI_GLOBAL_SERVER,
	FLI_GLOBAL_LOCKER,
	FLI_GLOBAL_REGISTRAR,
	FLI_GLOBAL_ROLES
} fli_global_role;

/* prevent_overlapping_partitions. */
typedef enum fli_global_mode {
	FLI_GLOBAL_GUEST, /* obeys and forwards, never accuses: a bad link costs this node alone */
	FLI_GLOBAL_OTP,   /* as OTP does */
	FLI_GLOBAL_OFF
} fli_global_mode;

typedef struct fli_global_config {
	fli_mem *mem;
	const fli_port *port; /* randomness only */
	fl_atoms *atoms;
	fl_atom name; /* of this node, interned */
	uint32_t creation;
	uint64_t seed;
	fl_pid pids[FLI_GLOBAL_ROLES];
	fli_global_mode mode;
	uint64_t now_ms;
	/* A name is another process's, or nobody's. May be NULL; must not call the core. */
	void (*changed)(void *ctx, fl_term name);
	void *changed_ctx;
} fli_global_config;

int fli_global_new(const fli_global_config *config, fli_global **ret_global);
void fli_global_delete(fli_global *g);
bool fli_global_has_failed(const fli_global *g);

/* ---- acts ------------------------------------------------------------------------------------ */

typedef enum fli_global_do {
	FLI_GLOBAL_SEND,       /* `term` to global_name_server at `node`, if that is connected */
	FLI_GLOBAL_SEND_PID,   /* `term` to `pid` */
	FLI_GLOBAL_CAST,       /* a cast of `term` to global_name_server at `node` */
	FLI_GLOBAL_ASK,        /* a call of `term` to `server` at `node`; then fli_global_asked */
	FLI_GLOBAL_REPLY,      /* `term` answers `from` */
	FLI_GLOBAL_WATCH,      /* monitor `pid`, as the server; then fli_global_watched */
	FLI_GLOBAL_UNWATCH,    /* end the monitor `ref` */
	FLI_GLOBAL_DIAL,       /* connect to `node`; then fli_global_dialled, at once or later */
	FLI_GLOBAL_DISCONNECT, /* end the connection to `node` */
	FLI_GLOBAL_LOG         /* `term` is a binary, `level` its weight */
} fli_global_do;

typedef struct fli_global_act {
	fli_global_do what;
	fli_global_role role;
	fl_atom node;
	const char *server;
	fl_pid pid;
	fl_ref ref;
	fl_from from;
	uint64_t id;
	bool may_dial; /* a cast for who is being connected */
	fli_level level;
	size_t at, size; /* of the term, see fli_global_term */
} fli_global_act;

const fli_global_act *fli_global_acts(const fli_global *g, size_t *ret_count);
/* The term of an act; lives until fli_global_acts_done. */
fl_term fli_global_term(const fli_global *g, const fli_global_act *act);
void fli_global_acts_done(fli_global *g);

/* ---- events ---------------------------------------------------------------------------------- */

/* What time it is; runs what is due. To be called before each other event. */
void fli_global_time(fli_global *g, uint64_t now_ms);
/* When to call it next; UINT64_MAX: only with the next event. */
uint64_t fli_global_next_ms(const fli_global *g);

/* A visible node is there; before any message of it. */
void fli_global_node_up(fli_global *g, fl_atom node);
void fli_global_node_down(fli_global *g, fl_atom node);
void fli_global_dialled(fli_global *g, fl_atom node, bool is_up);

/* A cast to the server, a bare message to the server or the locker; false: not understood. */
bool fli_global_cast(fli_global *g, fl_term message);
bool fli_global_info(fli_global *g, fl_term message);
/* A call to the server. It is answered by an act, now or later; false: not understood. */
bool fli_global_call(fli_global *g, const fl_pid *caller, fl_from from, fl_term request);

/*
 * Whether a message may come over the connection of `sender`: false for one that speaks in the name
 * of another node. To be asked before each cast and bare message.
 */
bool fli_global_speaks_for(fl_term message, fl_atom sender);
/* The same of an answer: only who was asked gives it. */
bool fli_global_may_answer(const fli_global *g, const fl_ref *ref, fl_atom sender);

/* The reference of the call that an ASK began. */
void fli_global_asked(fli_global *g, uint64_t id, const fl_ref *ref);
/* Its answer; without data: none will come. False: nobody asked. */
bool fli_global_answer(fli_global *g, const fl_ref *ref, fl_term reply);
/* The reference of a monitor that a WATCH made; false: nobody needs it any more, end it. */
bool fli_global_watched(fli_global *g, const fl_pid *pid, const fl_ref *ref);
/* A DOWN, by the process's end or for want of a connection; false: nobody watched. */
bool fli_global_down(fli_global *g, const fl_ref *ref, const fl_pid *pid, bool is_unreached);

/* ---- what this node's own processes ask for -------------------------------------------------- */

typedef enum fli_global_change {
	FLI_GLOBAL_REGISTER,
	FLI_GLOBAL_REREGISTER,
	FLI_GLOBAL_UNREGISTER,
	FLI_GLOBAL_REGISTER_EXTERNAL /* for a process of a node that has no global of its own */
} fli_global_change;

typedef struct fli_global_wish {
	fli_global_change change;
	fl_term name;
	fl_pid pid;
	fl_term method;
	fl_from from; /* gets yes, no, or ok */
} fli_global_wish;

/* Changes a name on all nodes, under the lock. */
void fli_global_wish_for(fli_global *g, const fli_global_wish *wish);
/* Looks in the table of this node, which is complete. */
bool fli_global_whereis(const fli_global *g, fl_term name, fl_pid *ret_pid);
/* Appends the list of all names. */
void fli_global_names(const fli_global *g, fl_buf *buf);
/* Leaves all nodes in one stroke; appends the list of them. */
void fli_global_disconnect(fli_global *g, fl_buf *ret_nodes);
/* Takes another mode; before the first connection. */
void fli_global_use_mode(fli_global *g, fli_global_mode mode);
/* This node is going down: nothing is said any more. */
void fli_global_leave(fli_global *g);

typedef struct fli_global_counters {
	uint64_t names, locks;      /* that are held now */
	uint64_t known, synced;     /* nodes */
	uint64_t refused;           /* beyond a limit, or not understood */
	uint64_t accused, expelled; /* losses reported by others; demands to leave */
	uint64_t conflicts;         /* names that two partitions had */
	uint64_t unreached; /* members that this node was told of and could not connect to */
} fli_global_counters;

fli_global_counters fli_global_count(const fli_global *g);

#endif
