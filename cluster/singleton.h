/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SINGLETON_H
#define FLI_SINGLETON_H

/*
 * Who of several candidates runs the one server of a name: a plain function over what happens.
 * Events go in, wishes come out by a table; who carries them out says when they are done.
 *
 *     STANDBY --nobody holds it, the margin is over, my turn--> CLAIMING
 *     CLAIMING --each candidate that is seen has granted it--> (LEASING -->) STARTING --> HOLDING
 *     CLAIMING --one denied it, or said nothing--> STANDBY
 *     STARTING, HOLDING --this node pauses, or the lease ran out--> STOPPING --ended--> STANDBY
 *     HOLDING --the server ended--> STANDBY          and the others are told, who need not wait
 *
 * A candidate denies a claim while it sees a holder, while it waits out the margin of one that was
 * lost, while it has granted another claim, and while it claims itself with a better rank. So two
 * sides that share one candidate never both start one, whatever their policies say.
 *
 * An epoch is a number of take-overs, in the upper 48 bits, and sixteen bits of the node: it
 * grows, and two sides that count alike do not give out the same one.
 *
 * Threads: one at a time. Memory: within fli_singleton. Errors: FL_ELIMIT.
 * Limits: FLI_SINGLETON_CANDIDATES_MAX candidates beside this one.
 */

#include "dist/partition.h"
#include "flitch/term.h"

enum {
	FLI_SINGLETON_CANDIDATES_MAX = 255,
	FLI_SINGLETON_RANK_MS = 50,     /* between the turns of two candidates */
	FLI_SINGLETON_CLAIM_MS = 3000,  /* for all to answer */
	FLI_SINGLETON_RETRY_MS = 500,   /* after a claim that was denied */
	FLI_SINGLETON_GRANT_MS = 3000,  /* for who was granted a claim to begin */
	FLI_SINGLETON_CALM_MS = 60000,  /* a server that lived so long has not failed */
	FLI_SINGLETON_BACKOFF_MS = 100, /* after the first failure; doubles up to the next */
	FLI_SINGLETON_BACKOFF_MAX_MS = 30000
};

/* An epoch that is further ahead than so many take-overs is nobody's. */
#define FLI_EPOCH_LEAP_MAX (1ULL << 32)
#define FLI_EPOCH_TAG_BITS 16

#define FLI_SINGLETON_NEVER UINT64_MAX

/* X(ID, "atom") */
#define FLI_SINGLETON_STATES(X)                                                                    \
	X(STANDBY, "standby")                                                                      \
	X(CLAIMING, "claiming")                                                                    \
	X(LEASING, "leasing")                                                                      \
	X(STARTING, "starting")                                                                    \
	X(HOLDING, "holding")                                                                      \
	X(STOPPING, "stopping")

typedef enum fli_singleton_state {
#define FLI_SINGLETON_ENUM(id, atom) FLI_SINGLETON_##id,
	FLI_SINGLETON_STATES(FLI_SINGLETON_ENUM)
#undef FLI_SINGLETON_ENUM
} fli_singleton_state;

const char *fli_singleton_state_atom(fli_singleton_state state);

/* What candidates say to each other. */
typedef enum fli_word_kind {
	FLI_WORD_STATE,   /* what I know: to a newcomer, and when I hold it */
	FLI_WORD_CLAIM,   /* may I, with `epoch`? */
	FLI_WORD_GRANT,   /* to the claim of `epoch` */
	FLI_WORD_DENY,    /* likewise */
	FLI_WORD_RELEASED /* the server of `epoch` has ended: nobody need wait */
} fli_word_kind;

typedef struct fli_word {
	fli_word_kind kind;
	uint64_t epoch;
	uint64_t seen; /* the greatest epoch that I know of */
	bool has_holder;
	fl_pid holder; /* the server */
	uint64_t held; /* its epoch */
} fli_word;

typedef enum fli_loss {
	FLI_LOSS_ENDED, /* it ended, or its node said that it leaves */
	FLI_LOSS_SILENT /* nobody knows whether it still runs */
} fli_loss;

typedef struct fli_singleton_ops {
	void (*say)(void *ctx, const fl_pid *to, const fli_word *word);
	/* Tells when that server ends: fli_singleton_lost. NULL: no more. */
	void (*watch)(void *ctx, const fl_pid *holder);
	void (*start)(void *ctx, uint64_t epoch); /* then _started, or _ended */
	void (*stop)(void *ctx);                  /* then _ended */
	/* The store does what it is asked in that order; then _leased, but for RELEASE. */
	void (*lease)(void *ctx, fli_lease_verb verb, uint64_t epoch);
} fli_singleton_ops;

typedef struct fli_candidate {
	fl_pid guard;
	uint32_t hash; /* phash2({Name, Node}) */
	bool has_granted;
} fli_candidate;

typedef struct fli_singleton_config {
	fl_pid guard;
	uint32_t hash;
	uint64_t margin_ms; /* after a silent loss */
	uint64_t settle_ms; /* after the start, for the others to be met */
	uint64_t lease_ms;  /* 0: no lease */
	uint64_t renew_ms;
	const fli_singleton_ops *ops;
	void *ctx;
	uint64_t now_ms;
} fli_singleton_config;

/* Owner: who feeds it; others read. */
typedef struct fli_singleton {
	fli_singleton_config config;
	fli_singleton_state state;
	uint64_t now_ms;
	bool may_run, may_start;
	bool has_begun; /* was allowed to start one before */
	uint64_t seen;  /* the greatest epoch */
	uint64_t epoch; /* of the claim, or of what runs here; 0: neither */
	bool has_holder;
	fl_pid holder;
	uint64_t held;
	uint64_t lost;          /* epoch of the holder whose margin is waited out */
	uint64_t free_ms;       /* since when nobody holds it */
	uint64_t not_before_ms; /* after a claim that was denied */
	uint64_t margin_end_ms;
	uint64_t due_ms; /* of what waits in this state */
	bool has_grantee;
	fl_pid grantee; /* has not said what became of it */
	uint64_t granted;
	uint64_t grant_end_ms;
	uint32_t fails;
	uint64_t started_ms;
	uint64_t lease_end_ms, lease_asked_ms;
	bool is_renewing;
	uint64_t takeovers; /* by this candidate */
	uint32_t count;
	fli_candidate candidates[FLI_SINGLETON_CANDIDATES_MAX]; /* the others */
} fli_singleton;

void fli_singleton_create(fli_singleton *s, const fli_singleton_config *config);
/* What is due happens. Before each other event. */
void fli_singleton_time(fli_singleton *s, uint64_t now_ms);
uint64_t fli_singleton_next_ms(const fli_singleton *s);

/* What the policy of this node allows; `is_degraded`: members are missing. */
void fli_singleton_allow(fli_singleton *s, bool may_run, bool may_start, bool is_degraded);
/* Another candidate's guard is in the group. FL_ELIMIT. Again is fine. */
int fli_singleton_joined(fli_singleton *s, const fl_pid *guard, uint32_t hash);
void fli_singleton_left(fli_singleton *s, const fl_pid *guard);
void fli_singleton_heard(fli_singleton *s, const fl_pid *from, const fli_word *word);
/* The server that is watched is gone. */
void fli_singleton_lost(fli_singleton *s, const fl_pid *holder, fli_loss loss);
/* What ops->start began: it serves; it ended, whether it was told to or not. */
void fli_singleton_started(fli_singleton *s, const fl_pid *server);
void fli_singleton_ended(fli_singleton *s);
/* `asked_ms`: the time when that was asked for. */
void fli_singleton_leased(fli_singleton *s, bool is_granted, uint64_t asked_ms);
/* Somebody else has the name. */
void fli_singleton_yield(fli_singleton *s);

/* A planned move: the epoch of who takes it; it was taken, or given. */
uint64_t fli_singleton_next_epoch(fli_singleton *s, uint64_t seen);
void fli_singleton_take(fli_singleton *s, const fl_pid *server, uint64_t epoch);
/*
 * The same under a lease that was asked for then; and its giver's part: no renewal is under way and
 * none begins (false: one is), so that the lease can be released; it was, and nobody took it over.
 */
void fli_singleton_take_leased(
	fli_singleton *s, const fl_pid *server, uint64_t epoch, uint64_t asked_ms);
bool fli_singleton_keep_lease(fli_singleton *s);
void fli_singleton_lose_lease(fli_singleton *s);
void fli_singleton_give(fli_singleton *s, const fl_pid *server, uint64_t epoch);

/* The place of this candidate among all that are seen: 0 is the first. */
uint32_t fli_singleton_rank(const fli_singleton *s);
bool fli_singleton_is_candidate(const fli_singleton *s, const fl_pid *guard);

#endif
