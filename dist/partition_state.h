/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_PARTITION_STATE_H
#define FLI_DIST_PARTITION_STATE_H

/*
 * What the files of the partition engine share: states (partition.c), who sees whom
 * (partition_views.c), members that are seen (partition_members.c), the lease (partition_lease.c).
 *
 * Threads, memory, errors: as partition.h.
 */

#include "dist/partition.h"

/* Somebody who came and is not counted yet. */
typedef struct fli_newcomer {
	uint64_t since_ms;
	uint32_t stamp;
	size_t size;
	char name[FLI_NODE_NAME_BYTES_MAX + 1];
} fli_newcomer;

typedef enum fli_lease_step {
	FLI_LEASE_IDLE,
	FLI_LEASE_WAITING,   /* before the store is asked */
	FLI_LEASE_AT_STORE,  /* it is asked */
	FLI_LEASE_AT_HOLDER, /* the member that has it is asked how long yet */
} fli_lease_step;

/* What is known of the lease; the holder is this node or a member that said so itself. */
typedef struct fli_lease_state {
	fli_lease_step step;
	bool is_ours;
	bool is_relied_on;    /* this node serves because of it */
	uint64_t round_ms;    /* when this round of seeking began */
	uint64_t due_ms;      /* WAITING: when the store is asked */
	uint64_t asked_ms;    /* when what is under way was asked */
	uint64_t over_ms;     /* when a round ended without it; 0: none has */
	uint64_t until_ms;    /* the holder has it for so long at least */
	uint64_t renew_ms;    /* when to ask for more */
	uint64_t promised_ms; /* others were told that this node has it until then */
	size_t size, asked_size;
	char holder[FLI_NODE_NAME_BYTES_MAX + 1], asked[FLI_NODE_NAME_BYTES_MAX + 1];
} fli_lease_state;

struct fli_partition {
	fli_lease_state lease;
	fli_partition_config config; /* without texts: the roster has them */
	fli_partition_start start;
	fli_roster roster;
	fli_newcomer *newcomers; /* when members are those that are seen */
	uint32_t newcomers_count, newcomers_capacity;
	bool is_listed; /* members are those of a list */

	/* who sees whom; by places in the roster */
	fli_partition_seat *seats;
	uint64_t *rows;
	uint32_t *answered; /* the last round that a member answered */
	uint32_t capacity;  /* members that there is room for */
	uint32_t round;

	fli_partition_state state;
	fli_partition_verdict verdict; /* the last one */
	bool has_served;
	bool is_stale;
	bool all_run_pop; /* as it was when nobody was missing */
	uint32_t ill, calm_rounds;
	bool is_closed; /* the gate */
	uint64_t now_ms;
	uint64_t tick_ms;    /* when the next round is due */
	uint64_t changed_ms; /* 0: nothing that was not looked at */
	uint64_t first_loss_ms, last_loss_ms;
	uint32_t restarts; /* of the clock, since the first loss */
	uint64_t burst_ms; /* when the last of them was */
	uint64_t begun_ms;
	uint64_t well_ms;    /* since when it would serve; 0: it would not */
	uint64_t paused_ms;  /* since when */
	uint64_t counted_ms; /* until when that is in counters.paused_ms */
	fli_partition_counters counters;
};

/* ---- partition_views.c ----------------------------------------------------------------------- */

static inline fl_atom fli_partition_name(const fli_partition *p, uint32_t place)
{
	return (fl_atom){p->roster.entries[place]->name, p->roster.entries[place]->size};
}

/* For so many members, before they are added; who sees whom is forgotten. False: no memory. */
bool fli_partition_make_room(fli_partition *p, uint32_t count);
void fli_partition_free_views(fli_partition *p);
/* Members have changed: nothing is known about who sees whom. */
void fli_partition_reset_views(fli_partition *p);
/* A round of questions. */
void fli_partition_ask(fli_partition *p);
/* The member is gone: nothing is known of it. */
void fli_partition_forget_view(fli_partition *p, uint32_t place);
/* Until they say so themselves, all that are connected with us are with each other. */
void fli_partition_assume_views(fli_partition *p);
void fli_partition_picture_of(fli_partition *p, fli_partition_picture *ret_picture);
bool fli_partition_all_up(const fli_partition *p);
uint32_t fli_partition_up_count(const fli_partition *p);
/* All have answered what was asked since then. */
bool fli_partition_all_answered(const fli_partition *p);

/* ---- partition_members.c --------------------------------------------------------------------- */

void fli_partition_newcomer(fli_partition *p, fl_atom name);
void fli_partition_newcomer_left(fli_partition *p, fl_atom name);
/* Nobody is missing: who has been here for long enough is a member. */
void fli_partition_promote(fli_partition *p);
void fli_partition_forget_old(fli_partition *p);
/* It said that it stops, and is gone: where members are seen it is none any more. */
void fli_partition_has_left(fli_partition *p, uint32_t place);

/* ---- partition_lease.c ----------------------------------------------------------------------- */

/*
 * The verdict depends on the lease, and nobody on this side is known to have it: asks for it.
 * False: it does not depend on it, or a round that ended after `since_ms` was in vain.
 */
bool fli_partition_seek_lease(fli_partition *p, uint64_t since_ms);
/* What is due. */
void fli_partition_lease_time(fli_partition *p);
uint64_t fli_partition_lease_next_ms(const fli_partition *p);
/* How much longer than its rules say a node may serve while it asks. */
uint64_t fli_partition_lease_patience_ms(const fli_partition *p);

/* ---- partition.c ----------------------------------------------------------------------------- */

/* A link between two others is gone. */
void fli_partition_lost(fli_partition *p);
/* What this node served by has run out. */
void fli_partition_lease_is_over(fli_partition *p);
/* The state that follows from what is known now. */
void fli_partition_look(fli_partition *p);

#endif
