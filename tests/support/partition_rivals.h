/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_PARTITION_RIVALS_H
#define FLITCH_TESTS_PARTITION_RIVALS_H

/*
 * Engines of partition policies side by side on a virtual clock, joined by links that a test breaks
 * and mends. Members are "1@h", "2@h" ...; what they ask each other is answered a millisecond
 * later, as the links are then. Losses are seen at once by both ends.
 *
 * Threads: one. Memory: rivals_delete. Errors: assertions of CUnit. Limits: RIVALS_MOST members.
 */

#include "dist/partition.h"
#include "tests/support/suite.h"

enum { RIVALS_MOST = 6, RIVALS_QUESTIONS = 512 };

typedef struct rivals rivals;

typedef struct rivals_node {
	rivals *rivals;
	uint32_t number; /* from 0 */
	char name[8];
	fli_partition *engine; /* NULL: it is down */
	bool is_frozen;
	bool is_closed;    /* the gate */
	bool keeps_steps;  /* done is for the test to say */
	bool drops_queued; /* what waited was refused, too */
	unsigned events, pauses, resumes;
	uint64_t asked;
	fli_partition_reason reason; /* of the last pause */
} rivals_node;

typedef enum rivals_kind { RIVALS_VIEW, RIVALS_STORE, RIVALS_HOLDER } rivals_kind;

typedef struct rivals_question {
	uint64_t due_ms;
	rivals_kind kind;
	fli_lease_verb verb;
	uint32_t from, to, via; /* via == from: none */
} rivals_question;

/* Where a lease is kept: who has it, until when. */
typedef struct rivals_store {
	uint32_t holder;
	uint64_t until_ms;
	bool is_down;   /* answers that it cannot tell */
	bool is_silent; /* answers nothing */
} rivals_store;

struct rivals {
	uint32_t count;
	uint64_t now_ms;
	fli_partition_config config;
	fli_partition_times times;
	uint32_t min_members;
	bool rejects_early;
	bool runs_pop; /* prevent_overlapping_partitions, all of them */
	bool is_seen;  /* members are those that are seen */
	rivals_node nodes[RIVALS_MOST];
	bool links[RIVALS_MOST][RIVALS_MOST];
	rivals_question questions[RIVALS_QUESTIONS];
	uint32_t questions_count;
	rivals_store store;
};

/* keep_majority with a tie, 5 s of calm, 5 s of health; a test changes it before rivals_start. */
void rivals_create(rivals *l, uint32_t count);
/* Starts the engine of a node that is down, with the links it has. */
void rivals_start(rivals *l, uint32_t number);
/* All, connected with each other, and lets them come to rest. */
void rivals_start_all(rivals *l);
void rivals_crash(rivals *l, uint32_t number);
/* The same after having said so. */
void rivals_leave(rivals *l, uint32_t number);
void rivals_link(rivals *l, uint32_t a, uint32_t b, bool is_up);
/* "12|345": links inside groups are there, others are not. */
void rivals_split(rivals *l, const char *groups);
void rivals_run(rivals *l, uint64_t ms);
/* A node that does nothing, and its engine is not called, from now on; and back. */
void rivals_freeze(rivals *l, uint32_t number, bool is_frozen);
/* Those whose gate is open, as digits from 1. */
const char *rivals_serving(const rivals *l);
fli_partition_state rivals_state(const rivals *l, uint32_t number);
/* Two that serve and do not see each other. */
bool rivals_is_unsafe(const rivals *l);
void rivals_delete(rivals *l);

#endif
