/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_PARTITION_H
#define FLI_CLUSTER_PARTITION_H

/*
 * A node that follows a partition policy: what its engine (dist/partition.h) wants, done on the
 * process world, groups, global names and connections.
 *
 *     node_up, node_down, answers, timer --> engine --> ask, gate, pause, resume, tell
 *
 * Threads: the owner of the node's context. Memory: one service a node, freed by
 * fli_partition_close. Errors: FL_E* with a text; a service that ended ends the node, which must
 * not go on without knowing on which side it is.
 * Limits: FLI_PARTITION_HISTORY decisions are kept.
 */

#include "cluster/core.h"
#include "cluster/lease_file.h"
#include "cluster/options.h"
#include "dist/partition.h"
#include "dist/partition_sides.h"
#include "flitch/partition.h"

#define FLI_PARTITION_HISTORY 64

/* What a side does that does not serve; the order is that of partition.action. */
typedef enum fli_partition_action {
	FLI_ACTION_PAUSE,
	FLI_ACTION_LEAVE, /* and closes all links in one stroke, to come back after a while */
	FLI_ACTION_EXIT,  /* ends the node in order, with 75 */
	FLI_ACTION_NOTIFY /* tells the servers, and refuses nothing */
} fli_partition_action;

/* Whom it keeps connected with; the order is that of cluster.reconnect. */
typedef enum fli_partition_reconnect {
	FLI_RECONNECT_MEMBERS,
	FLI_RECONNECT_NONE,
	FLI_RECONNECT_SEEN
} fli_partition_reconnect;

/* After scopes, before servers. Without a policy only its natives are there. */
int fli_partition_serve(fli_core *core, const fl_options *options, fl_error *err);
/* Before the node is deleted. */
void fli_partition_close(fli_core *core);

/* For handlers of the process that hears what nodes say of themselves. */
int fli_partition_node_up(fl_proc *self, fl_atom name);
int fli_partition_node_down(fl_proc *self, fl_atom name);
/* A node says that it stops in order, or which it was to become a member. */
void fli_partition_hear_leaving(struct fli_partition_service *s, fl_atom node);
void fli_partition_hear_side(struct fli_partition_service *s, fl_atom node, fl_term names);
void fli_partition_hear_stamp(struct fli_partition_service *s, fl_atom node, uint32_t stamp);

/* ---- between the files ----------------------------------------------------------------------- */

/* A question under way. */
typedef struct fli_partition_asked {
	fl_ref ref;
	bool is_tick; /* for its tick time, not for its nodes */
	size_t size;
	char name[FLI_NODE_NAME_BYTES_MAX + 1];
	char at[FLI_NODE_NAME_BYTES_MAX + 1]; /* who answers */
} fli_partition_asked;

/* A global name of a process of this node, given back meanwhile: {Name, Pid, Method}. */
typedef struct fli_kept_name {
	uint8_t *data;
	size_t size;
	fl_ref ref; /* of the change under way */
	bool is_waiting;
} fli_kept_name;

typedef struct fli_partition_record {
	uint8_t *data; /* a term */
	size_t size;
} fli_partition_record;

/* Where the lease is kept, and who is asked about it. */
typedef struct fli_partition_store {
	fl_lease lease; /* without `acquire`: nobody has said yet */
	fli_lease_file *file;
	bool is_for_callbacks;
	bool is_busy;  /* one call at a time */
	bool is_asked; /* the holder */
	fl_ref asked;  /* by this request */
	char at[FLI_NODE_NAME_BYTES_MAX + 1];
	uint32_t ttl_ms;
} fli_partition_store;

/* A rule of the program's own. */
typedef struct fli_partition_rule {
	fl_partition_decide *decide;
	void *ctx;
	fl_partition_member *members; /* room for all that may be shown */
	uint32_t capacity;
} fli_partition_rule;

/* What heal.loser needs to know of a split. */
typedef struct fli_partition_healing {
	bool is_on;
	bool has_met; /* all members at once, since its start: before it has no side */
	bool was_split;
	uint32_t members;    /* when it was */
	uint64_t wait_ms;    /* for the others' words */
	uint64_t due_ms;     /* when they are compared; 0: not yet */
	fli_side own, fresh; /* fresh: started anew meanwhile */
	fli_sides sides;
} fli_partition_healing;

typedef struct fli_partition_service {
	fli_partition_store store;
	fli_partition_rule rule;
	fl_node *node;
	fli_core *core;
	fli_partition *engine;
	fl_pid pid; /* of the process that speaks for it */
	fli_timer timer;
	fli_partition_action action;
	fli_partition_healing healing;
	uint64_t restarts; /* of all servers, by heal.loser */
	fli_partition_reconnect reconnect;
	uint32_t wanted;             /* members that it keeps connected with */
	char **patterns;             /* of those that count; NULL ends them; NULL: all */
	fl_partition_counts *counts; /* the program's own; NULL: none */
	void *counts_ctx;
	bool holds; /* calls wait between a loss and the decision */
	uint64_t start_ms;
	bool is_joining; /* paused since its start: nobody has to be told */
	bool has_told_pause;
	uint64_t left_ms; /* 0: has not left its peers, or is meeting them again */

	fli_partition_asked *asked; /* FLI_PARTITION_MEMBERS_MAX at most */
	uint32_t asked_count, asked_capacity;
	fli_kept_name *names;
	uint32_t names_count, names_capacity;
	/* handlers are waited for, or names */
	enum { FLI_STEP_NONE, FLI_STEP_DRAIN, FLI_STEP_PAUSE, FLI_STEP_RESUME } step;
	fli_timer drain;
	uint64_t drain_ms, drain_end_ms;

	fli_partition_record history[FLI_PARTITION_HISTORY];
	uint64_t recorded; /* in all */
} fli_partition_service;

static inline fl_proc *fli_partition_proc(const fli_partition_service *s)
{
	return fli_proc_of(s->node, &s->pid);
}

/* partition_steps.c: the steps of a pause and of going on */
void fli_partition_steps_open(fli_partition_service *s);
void fli_partition_pause(fli_partition_service *s, fli_partition_reason reason);
void fli_partition_resume(fli_partition_service *s);
/* An answer about a name; false: none was waited for. */
bool fli_partition_name_answered(fli_partition_service *s, const fl_ref *ref, fl_term answer);
/* A server of this node wants a name while the node pauses: it gets it afterwards. */
void fli_partition_keep_name(fli_partition_service *s, fl_term entry);
void fli_partition_take_names(fli_partition_service *s);
void fli_partition_names_free(fli_partition_service *s);
/* Connects with the members, and stays so. */
void fli_partition_want_members(fli_partition_service *s);

/* partition_history.c: what was decided, and from what; kept, and told to who is attached */
void fli_partition_record_event(fli_partition_service *s, const fli_partition_event *event);
/* partition_heal.c: which side's servers are started anew after a split */
void fli_partition_heal_state(fli_partition_service *s, const fli_partition_event *event);
void fli_partition_heal_up(fli_partition_service *s, fl_atom name);
void fli_partition_heal_time(fli_partition_service *s);
/* partition_count.c: who is a member where those that were seen are, and what is odd about them */
int fli_partition_count_open(fli_partition_service *s, const fl_options *options);
void fli_partition_count_close(fli_partition_service *s);
bool fli_partition_is_member(const fli_partition_service *s, fl_atom name);
void fli_partition_told_tick(fli_partition_service *s, fl_atom node, fl_term answer);
/* Appends the list of records, the last one first. */
void fli_partition_history(const fli_partition_service *s, fl_buf *buf);
void fli_partition_history_free(fli_partition_service *s);

/* partition_gates.c: what a paused node refuses, and how */
int fli_partition_gates_open(fli_partition_service *s, const fl_options *options, fl_error *err);
void fli_partition_gate(void *ctx, bool is_closed, bool queued);

/* partition_hooks.c: the lease's store, and rules of the program's own */
int fli_partition_hooks_open(fli_partition_service *s, const fl_options *options, fl_error *err);
void fli_partition_hooks_close(fli_partition_service *s);
void fli_partition_lease(void *ctx, fli_lease_verb verb);
void fli_partition_ask_lease(void *ctx, fl_atom node);
bool fli_partition_custom_rule(
	void *ctx, const fli_partition_picture *picture, const fli_partition_verdict *verdict);
/* An answer of a member that was asked for how long it has the lease; false: none was waited for.
 */
bool fli_partition_lease_answered(fli_partition_service *s, const fl_ref *ref, fl_term answer);

/* The handler's message came from that node, or from this one, which tells ends. */
bool fli_partition_may_answer(const fli_partition_service *s, const char *at);
/* partition.c: the service with the context taken and the time told; NULL: the node ends */
fli_partition_service *fli_partition_enter(fl_proc *self);
int fli_partition_leave(fli_partition_service *s);

/* natives_partition.c */
int fli_natives_partition(fl_node *node);

#endif
