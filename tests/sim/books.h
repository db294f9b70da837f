/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_BOOKS_H
#define FLITCH_TESTS_SIM_BOOKS_H

/*
 * What was asked, and what came of it: kept outside of the nodes, so that no node can lie about it.
 *
 *     actor   one life of a process: pid, host, the host's life
 *     ask     one message, call, monitor or link: from whom, to whom, over which connection
 *     event   what a handler saw: judged by the invariants of events, then entered
 *
 * An ask's number travels in the message; whoever gets it looks here what it must be.
 *
 * Threads: one. Memory: books_destroy; out of memory ends the program. Errors: the first breach is
 * kept, later ones are its consequences.
 */

#include "flitch.h"
#include "tests/sim/plan.h"

typedef struct books books;

enum { NOBODY = 0, BOOKS_PAIRS = 4096, BOOKS_TEXT = 400 };

/* ---- actors ---------------------------------------------------------------------------------- */

typedef struct book_actor {
	unsigned host, life; /* of the host: how often it was started */
	unsigned slot;
	fl_pid pid;          /* its node is the host's name */
	bool is_mortal;      /* does not trap exits */
	bool is_over;        /* seen dead */
	uint32_t open_first; /* asks of it that have not ended, the newest first */
	/* what it was told of each host, in the order of its mailbox */
	bool sees[PLAN_HOSTS_MAX], is_cut[PLAN_HOSTS_MAX];
	unsigned heard_life[PLAN_HOSTS_MAX];
} book_actor;

/* ---- asks ------------------------------------------------------------------------------------ */

typedef enum ask_kind { ASK_SEND, ASK_CAST, ASK_CALL, ASK_RPC, ASK_MONITOR, ASK_LINK } ask_kind;

/* What the receiver of a call does. */
typedef enum ask_how {
	HOW_NOW,
	HOW_LATER,
	HOW_NEVER,
	HOW_STOP,       /* ends without an answer */
	HOW_STOP_AFTER, /* answers and ends */
	HOW_COUNT
} ask_how;

typedef enum ask_end {
	END_NONE,
	END_REPLY,
	END_DOWN,    /* or EXIT */
	END_GIVEN_UP /* time-out, demonitor, unlink */
} ask_end;

typedef struct ask {
	ask_kind kind;
	ask_how how;
	ask_end end;
	uint32_t from;
	uint32_t to; /* NOBODY: by name */
	unsigned to_host;
	uint32_t before;    /* the message before it from and to the same pid; 0: none */
	uint32_t conn;      /* number of the sender's connection to that host; 0: it was not up */
	uint32_t next_open; /* of the same actor */
	bool is_sent, is_got;
	bool is_elsewhere; /* the connection was to another life of the host than the target's */
	bool is_timeless;  /* nothing will give it up */
	bool is_crossed; /* a link that the other end took away, or whose LINK met its UNLINK_ID */
	bool is_waited_for; /* by fl_call: its end overtakes what waits in the mailbox */
	uint64_t made_ms;
	uint32_t order; /* that asked for it */
	uint64_t bytes; /* of a body that is large; 0: as it comes */
	fl_ref ref;
} ask;

/* ---- events ---------------------------------------------------------------------------------- */

typedef enum book_kind {
	SAW_MESSAGE,
	SAW_REPLY,
	SAW_DOWN,
	SAW_EXIT,
	SAW_NODE_UP,
	SAW_NODE_DOWN
} book_kind;

typedef enum book_reason { REASON_OTHER, REASON_NOPROC, REASON_NOCONNECTION } book_reason;

typedef struct book_event {
	book_kind kind;
	uint32_t actor;     /* who saw it */
	uint32_t ask;       /* 0: nothing that was asked by it */
	unsigned host;      /* of a node event */
	book_reason reason; /* of a DOWN or EXIT */
	uint32_t by;        /* who the reason says has ended; NOBODY: it does not say */
	bool is_damaged;    /* the body is not what was sent */
	bool is_alive;      /* the target lives, as this is seen */
	bool is_same_conn;  /* the connection of the ask stands */
	uint32_t conn_back; /* the number of the connection from there to here; 0: none */
} book_event;

/* ---- the books ------------------------------------------------------------------------------- */

typedef struct book_pair {
	struct book_pair *next;
	uint32_t from, to;
	uint32_t sent_last; /* by pid */
	uint32_t got_last;  /* by pid or name */
} book_pair;

struct books {
	book_actor *actors; /* from 1 */
	uint32_t actors_count, actors_room;
	ask *asks; /* from 1 */
	uint32_t asks_count, asks_room;
	book_pair *pairs[BOOKS_PAIRS];
	/* frames of `from` were forged on their way to `to`: nothing is certain there any more */
	bool is_forged[PLAN_HOSTS_MAX][PLAN_HOSTS_MAX];
	bool has_no_memory[PLAN_HOSTS_MAX]; /* allocations failed: it may end anything */
	const char *breach;                 /* name of the invariant; NULL: none */
	char text[BOOKS_TEXT];
};

void books_create(books *b);
void books_destroy(books *b);

uint32_t books_born(books *b, const book_actor *actor);
/* An ask that is about to be sent: is_sent says later whether it was. */
uint32_t books_ask(books *b, const ask *a);
void books_end(books *b, uint32_t id, ask_end how);
/* The ask of the actor with that reference, open or not; 0: none. */
uint32_t books_by_ref(const books *b, uint32_t actor, const fl_ref *ref);
/* The open link of the actor to that one; 0: none. */
uint32_t books_link(const books *b, uint32_t actor, uint32_t to);
/* The actor with that pid; NOBODY. */
uint32_t books_by_pid(const books *b, const fl_pid *pid);
/* NULL: never. */
const book_pair *books_pair(const books *b, uint32_t from, uint32_t to);

/* Judges an event by the invariants of events, then enters it. */
void books_saw(books *b, const book_event *event);
/* Forged frames came from or to that host: what is seen there proves nothing. */
bool books_is_tampered(const books *b, unsigned host);
/* The first one is kept. */
void books_fail(books *b, const char *invariant, const char *text);

static inline book_actor *books_actor(const books *b, uint32_t id)
{
	return &b->actors[id];
}

static inline ask *books_at(const books *b, uint32_t id)
{
	return &b->asks[id];
}

#endif
