/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_PARTITION_H
#define FLI_DIST_PARTITION_H

/*
 * What this node does about members that are lost: a plain function over what happens. Events go
 * in, wishes come out by a table; who carries them out says when they are done.
 *
 *     JOINING --enough members--> RESUMING --done--> SERVING, or DEGRADED while some are missing
 *     SERVING, DEGRADED --a member is lost--> SUSPECT          the clock starts; views are asked
 * for SUSPECT --all are back--> SERVING SUSPECT --another is lost--> SUSPECT the clock starts again
 *     SUSPECT --calm for stable_ms--> the decision: DEGRADED or PAUSING
 *     SUSPECT --no calm in time--> PAUSING
 *     PAUSING --done--> PAUSED --it would serve for heal_ms--> RESUMING
 *     RESUMING --a member is lost--> PAUSING
 *     SERVING, DEGRADED, SUSPECT --we were suspended ourselves--> STALE     the gate is closed
 *     STALE --after a second, in which dead links are noticed--> SUSPECT    as it stays
 *
 * Nothing is decided in the event that a loss is, since losses come in another order on each node.
 * A peer may come and go as often as it likes: an event sets a bit, and the bits are looked at ten
 * times a second.
 *
 * Ages: those of a list are its order. Where members are those that are seen each node takes a
 * stamp when it becomes a member, one more than all it has been told of, and tells it to the
 * others; the smallest is the oldest, of equal ones the lowest name. Who tells none is the
 * youngest.
 *
 * Threads: one at a time. Memory: all is allocated in fli_partition_new and, for members that are
 * seen, as they come. Errors: a member that finds no room is not counted, which makes this node
 * more cautious. Limits: FLI_PARTITION_MEMBERS_MAX members and as many newcomers.
 */

#include "dist/partition_roster.h"

typedef struct fli_partition fli_partition;

/* X(ID, "atom") */
#define FLI_PARTITION_STATES(X)                                                                    \
	X(JOINING, "joining")                                                                      \
	X(SERVING, "serving")                                                                      \
	X(SUSPECT, "suspect")                                                                      \
	X(DEGRADED, "degraded")                                                                    \
	X(PAUSING, "pausing")                                                                      \
	X(PAUSED, "paused")                                                                        \
	X(RESUMING, "resuming")                                                                    \
	X(STALE, "stale")

typedef enum fli_partition_state {
#define FLI_STATE_ENUM(id, atom) FLI_PARTITION_##id,
	FLI_PARTITION_STATES(FLI_STATE_ENUM)
#undef FLI_STATE_ENUM
} fli_partition_state;

const char *fli_partition_state_atom(fli_partition_state state);

enum {
	FLI_PARTITION_TICK_MS = 1000,  /* between two rounds of asking, and looks at the clock */
	FLI_PARTITION_SETTLE_MS = 100, /* after a change, before it is looked at */
	FLI_PARTITION_STABLE_MIN_MS = 3000,
	FLI_PARTITION_LATE_MS = 500,    /* a round that is so late tells of an ailing node */
	FLI_PARTITION_CALM_ROUNDS = 10, /* in time, for it to be one degree better */
	FLI_PARTITION_ILL_MAX = 7,
	FLI_PARTITION_LEAVE_MS = 30000, /* from saying so to being gone */
	FLI_PARTITION_STAMP_MAX = 1 << 30,
	FLI_PARTITION_LEASE_WAIT_MS = 5000 /* for the lease, before a side does without */
};

typedef struct fli_partition_times {
	uint64_t stable_ms; /* 0: 10 s times the decimal logarithm of the members, 3 s at least */
	uint32_t unstable_percent; /* of the stable time and beyond it; 0: wait for ever */
	uint64_t heal_ms;
	uint64_t forget_ms; /* who was seen and is gone for so long is no member; 0: never */
	uint64_t drain_ms;  /* for handlers that run when it pauses */
	bool heeds_health;  /* who comes too late itself waits longer before it goes on */
	uint64_t gap_ms;    /* not having been called for so long: we were suspended */
	uint64_t notice_ms; /* a loss that nobody tells of is noticed after that at most */
	uint64_t lease_ttl_ms, lease_renew_ms;
	uint64_t lease_delay_ms; /* after which the smaller side asks for it */
} fli_partition_times;

/* What has changed, and what it was decided from. */
typedef struct fli_partition_event {
	fli_partition_state from, to;
	fli_partition_reason reason;
	bool is_stale; /* we were suspended */
	uint64_t now_ms, first_loss_ms, last_loss_ms;
	const fli_roster *roster;
	const fli_partition_picture *picture;
	const fli_partition_verdict *verdict;
} fli_partition_event;

typedef enum fli_lease_verb {
	FLI_LEASE_ACQUIRE,
	FLI_LEASE_RENEW,
	FLI_LEASE_RELEASE /* is not answered */
} fli_lease_verb;

typedef struct fli_partition_ops {
	/* Whom does `node` see? Through `via` where that is not empty. Then fli_partition_seen. */
	void (*ask)(void *ctx, fl_atom node, fl_atom via);
	/* Refuses what others ask of this node, or no more; `queued`: what waits already, too. */
	void (*gate)(void *ctx, bool is_closed, bool queued);
	/*
	 * The steps of a pause, or of going on. Then fli_partition_done. The gate opens when the
	 * first step of going on asks for it, by fli_partition_open.
	 */
	void (*pause)(void *ctx, fli_partition_reason reason);
	void (*resume)(void *ctx, uint64_t paused_ms);
	void (*tell)(void *ctx, const fli_partition_event *event);
	/* Of the lease's store; then fli_partition_leased, at once or later. */
	void (*lease)(void *ctx, fli_lease_verb verb);
	/*
	 * For how long does `node` have it yet? Then fli_partition_lease_told, likewise.
	 */
	void (*ask_lease)(void *ctx, fl_atom node);
	/* All members that are here have prevent_overlapping_partitions on; NULL: they have not. */
	bool (*runs_pop)(void *ctx);
	/* This node has its stamp, and all others are to know; who comes later asks for it. */
	void (*tell_stamp)(void *ctx, uint32_t stamp);
} fli_partition_ops;

typedef struct fli_partition_start {
	fli_mem *mem;
	fl_atom self;
	const fli_partition_config *config; /* copied, the texts too */
	fli_partition_times times;
	uint32_t min_members; /* before so many are here it is JOINING */
	bool rejects_early;   /* from the first loss on, where the decision would be to pause */
	const fli_partition_ops *ops;
	void *ctx;
	uint64_t now_ms;
} fli_partition_start;

int fli_partition_new(const fli_partition_start *start, fli_partition **ret_partition);
void fli_partition_delete(fli_partition *p);
/* The first look: serves, or is JOINING. */
void fli_partition_begin(fli_partition *p);

/* ---- events; each after fli_partition_time ----------------------------------------------------
 */

/* What time it is; what is due happens. */
void fli_partition_time(fli_partition *p, uint64_t now_ms);
uint64_t fli_partition_next_ms(const fli_partition *p);
/* A visible node that has a name of its own. */
void fli_partition_up(fli_partition *p, fl_atom node);
void fli_partition_down(fli_partition *p, fl_atom node);
/* It said that it stops in order: that it is lost soon is no loss. */
void fli_partition_leaving(fli_partition *p, fl_atom node);
/* Which it says it was to become a member. */
void fli_partition_told_stamp(fli_partition *p, fl_atom node, uint32_t stamp);
/* This node's own; 0: not yet, or ages are those of a list. */
uint32_t fli_partition_stamp(const fli_partition *p);
/* The answer to an `ask`: a list of names; anything else: there was none. */
void fli_partition_seen(fli_partition *p, fl_atom node, fl_term names);
/* Going on has come so far that others may reach this node again. */
void fli_partition_open(fli_partition *p);
/* The store's answer: FL_OK; FL_ETAKEN, by `holder`; anything else: it could not say. */
void fli_partition_leased(fli_partition *p, int result, fl_atom holder);
/* What the holder answers; 0: it does not have it, or said nothing. */
void fli_partition_lease_told(fli_partition *p, uint64_t left_ms);
/* What this node answers: others rely on it for so long. */
uint64_t fli_partition_lease_left(fli_partition *p);
/* The steps of the last pause or resume have been taken. */
void fli_partition_done(fli_partition *p);
/* A member that was seen is none any more. FL_ENOENT; FL_EBUSY: it is here; FL_EINVAL: listed. */
int fli_partition_forget(fli_partition *p, fl_atom node);

/* ---- what tools show ------------------------------------------------------------------------- */

typedef struct fli_partition_counters {
	uint64_t partitions, pauses, false_suspicions, gaps;
	uint64_t paused_ms; /* of pauses that are over */
} fli_partition_counters;

fli_partition_state fli_partition_state_of(const fli_partition *p);
const fli_partition_counters *fli_partition_count(const fli_partition *p);
/* Of all pauses, that in which it is included. */
uint64_t fli_partition_paused_ms(const fli_partition *p, uint64_t now_ms);
const fli_roster *fli_partition_roster(const fli_partition *p);
/* How ill this node is, 0 to FLI_PARTITION_ILL_MAX: how often it came too late of late. */
uint32_t fli_partition_illness(const fli_partition *p);
/* What is done about links that some have: never FLI_VIEWS_AUTO. */
fli_partition_views fli_partition_views_of(const fli_partition *p);
const fli_partition_rules *fli_partition_rules_of(const fli_partition *p);
uint64_t fli_partition_stable_ms(const fli_partition *p);
/* From its first loss to the decision to pause, at most. */
uint64_t fli_partition_pause_ms(const fli_partition *p);
/*
 * What would be decided at once if the nodes of that set were gone (FLI_PARTITION_WORDS_MAX words);
 * NULL: as it is.
 */
int fli_partition_foresee(
	fli_partition *p, const uint64_t *gone, fli_partition_verdict *ret_verdict);

#endif
