/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUP_H
#define FLI_SUP_H

/*
 * What a supervisor decides: the children, in order, and what each event means for them. It knows
 * no process: who uses it starts and stops by a table of functions, and tells what happened.
 *
 *     fli_sup_start_all --> IDLE --ended, again--> restart --> IDLE
 *                            |                        `-- STOPPING others --> start them --'
 *                            |--stop_kid--> STOPPING one --> IDLE
 *                            `--end, intensity, auto_shutdown--> STOPPING all --> ENDED
 *
 * While it is STOPPING it waits for the end of one child (of all, where they are dynamic), as OTP's
 * waits in terminate/2; ends of others are kept and looked at afterwards (fli_sup_go_on), and who
 * uses it keeps requests back.
 *
 * Threads: one at a time. Memory: owns its children; a kid's address holds until it is removed.
 * Errors: FL_ENOMEM. Where memory runs out for a reason, it is `killed`; for the times of restarts,
 * earlier ones count as late as the last.
 */

#include "node/base/list.h"
#include "node/base/map.h"
#include "node/sup_spec.h"

typedef enum fli_kid_state {
	FLI_KID_DOWN, /* no process: ignored, terminated, or ended in good order */
	FLI_KID_ALIVE,
	FLI_KID_LOST,      /* has ended; that is looked at when the supervisor is idle */
	FLI_KID_RESTARTING /* could not be started again; another attempt is due */
} fli_kid_state;

typedef struct fli_kid {
	fli_link in_order;
	fli_link in_lost;
	fli_kid_spec *spec;
	fli_kept *args;      /* the list of the start's arguments; NULL: forgotten */
	fli_kept *reason;    /* FLI_KID_LOST; NULL: killed */
	uint32_t id, serial; /* of its pid; also the last one's while it is restarting */
	uint8_t state;       /* fli_kid_state */
	bool has_pid;        /* it is in `by_pid` */
	bool is_killed;      /* it did not end in time */
	bool is_forgiven;    /* its end was no failure: the next restart is not counted */
} fli_kid;

typedef enum fli_born { FLI_BORN, FLI_BORN_IGNORED, FLI_BORN_FAILED } fli_born;

typedef struct fli_sup_ops {
	/* FLI_BORN: kid->id and kid->serial are set. FLI_BORN_FAILED: the reason is in ret_reason.
	 */
	fli_born (*start)(void *ctx, fli_kid *kid, fl_buf *ret_reason);
	/* exit(Pid, shutdown) or exit(Pid, kill). Its end is told by fli_sup_ended, also when it
	 * had ended before. */
	void (*stop)(void *ctx, const fli_kid *kid, bool kill);
	/* Calls fli_sup_again when what waits for the supervisor has had its turn. */
	void (*again)(void *ctx, const fli_kid *kid);
	void (*report)(void *ctx, const fli_kid *kid, const char *context, fl_term reason);
} fli_sup_ops;

typedef enum fli_sup_phase { FLI_SUP_IDLE, FLI_SUP_STOPPING, FLI_SUP_ENDED } fli_sup_phase;

/* Restarts within one second. */
typedef struct fli_sup_moment {
	uint64_t second;
	uint32_t count;
} fli_sup_moment;

typedef struct fli_sup {
	fli_mem *mem;
	const fli_sup_ops *ops;
	void *ctx;
	uint64_t seed; /* of by_id */
	fl_strategy strategy;
	uint32_t intensity, period_s;
	fl_auto_shutdown auto_shutdown;

	fli_link kids; /* the first started first */
	fli_link lost;
	fli_map by_id; /* not of dynamic ones */
	fli_map by_pid;
	uint32_t count, alive; /* alive: ALIVE or LOST */
	uint32_t restarting;
	fli_sup_moment *moments; /* oldest first; `few`, or grown */
	fli_sup_moment few[4];
	uint32_t moments_count, moments_capacity;

	fli_sup_phase phase;
	enum { FLI_THEN_IDLE, FLI_THEN_START, FLI_THEN_END } then;
	fli_kid *at;          /* whose end is waited for; NULL: of all */
	fli_link *from;       /* the last one to be stopped, and the first one to be started; of
				 dynamic ones the next to be asked */
	uint32_t open;        /* dynamic ones that are asked to end */
	bool is_asked;        /* `at` has been asked to end */
	uint64_t deadline_ms; /* when fli_sup_tick has something to do; UINT64_MAX: never */
	uint64_t began_ms;    /* the end of all */
} fli_sup;

/* The flags; see fl_supervisor. */
void fli_sup_create(fli_sup *sup, fli_mem *mem, const fl_supervisor *flags, uint64_t seed);
void fli_sup_destroy(fli_sup *sup);

/* Takes its own reference of `spec`, copies `args`. NULL: out of memory. */
fli_kid *fli_sup_add(fli_sup *sup, fli_kid_spec *spec, fl_term args);
void fli_sup_remove(fli_sup *sup, fli_kid *kid);
fli_kid *fli_sup_by_id(const fli_sup *sup, fl_term id);
fli_kid *fli_sup_by_pid(const fli_sup *sup, uint32_t id, uint32_t serial);
/* From the first (kid NULL) to the last; NULL at the end. And the other way. */
fli_kid *fli_sup_next(const fli_sup *sup, const fli_kid *kid);
fli_kid *fli_sup_prev(const fli_sup *sup, const fli_kid *kid);
bool fli_sup_is_dynamic(const fli_sup *sup);

/* In order. The one that failed is in *ret_failed, its reason in ret_reason; those before it run.
 */
bool fli_sup_start_all(fli_sup *sup, fli_kid **ret_failed, fl_buf *ret_reason);
/* One that is down; FLI_BORN: it lives. Whoever asked for it is told, not the log. */
fli_born fli_sup_start_kid(fli_sup *sup, fli_kid *kid, fl_buf *ret_reason);
/* A process that somebody else started, as a living child. FL_ENOMEM: the child is removed. */
int fli_sup_adopt(fli_sup *sup, fli_kid *kid, uint32_t id, uint32_t serial);
/* It has ended, by itself or as it was asked. */
void fli_sup_ended(fli_sup *sup, fli_kid *kid, fl_term reason, uint64_t now_ms);
/* The attempt that ops->again asked for. */
void fli_sup_again(fli_sup *sup, fli_kid *kid, uint64_t now_ms);
/* terminate_child: IDLE again when it has ended; a temporary or dynamic one is removed then. */
void fli_sup_stop_kid(fli_sup *sup, fli_kid *kid, uint64_t now_ms);
/* All are ended, the last one first, and started again: no failure of anybody. IDLE when it is
 * over.
 */
void fli_sup_restart_all(fli_sup *sup, uint64_t now_ms);
/* ENDED when all have ended. */
void fli_sup_end(fli_sup *sup, uint64_t now_ms);
/* A time limit may have passed. */
void fli_sup_tick(fli_sup *sup, uint64_t now_ms);
/* IDLE: looks at one that was lost meanwhile; false: there is none. */
bool fli_sup_go_on(fli_sup *sup, uint64_t now_ms);

#endif
