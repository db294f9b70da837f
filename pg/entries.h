/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PG_ENTRIES_H
#define FLI_PG_ENTRIES_H

/*
 * Groups with their members as scopes write them, read from front to back and each byte once: a
 * neighbour's whole membership is one term of megabytes.
 *
 *     [{Group, [Pid]}]    #{Group => [Pid]}    [{Group, [Pid], [Pid]}]
 *      ^ next  ^ pids       ^ next    ^ pids     ^ next  ^ pids ^ pids
 *
 * After fli_entries_next the cursor stands before the first list of pids; whoever reads takes each
 * list of the entry to its end by fli_pids_next before he asks for the next entry.
 *
 * Threads: any. Memory: none; keys borrow. Errors: false at anything else, so that what was checked
 * once cannot fail later. Limits: FLI_SCOPE_KEY_MAX.
 */

#include "flitch/term.h"
#include "node/base/bytes.h"

typedef enum fli_entries_kind {
	FLI_ENTRIES_PAIRS,
	FLI_ENTRIES_MAP,
	FLI_ENTRIES_UPDATES
} fli_entries_kind;

typedef struct fli_entries {
	fli_cursor at;
	uint32_t left; /* until the next head of a list, or the end of a map */
	fli_entries_kind kind;
} fli_entries;

/* Whether the content is such a term, whole. */
bool fli_entries_check(fl_term content, fli_entries_kind kind);
/* Of a content that was checked. */
void fli_entries_begin(fli_entries *entries, fl_term content, fli_entries_kind kind);
/* False at the end. */
bool fli_entries_next(fli_entries *entries, fl_term *ret_key);

/* A list of pids, before the first. */
typedef struct fli_pids {
	fli_cursor *at;
	uint32_t left;
} fli_pids;

typedef enum fli_pid_read {
	FLI_PID_END,   /* the cursor has moved past the list */
	FLI_PID_OWN,   /* of the node and incarnation that was asked for */
	FLI_PID_OTHER, /* of another */
	FLI_PID_BAD    /* this is no list of pids */
} fli_pid_read;

/* `owner` may be NULL; ret_id as fli_pg_id. */
fli_pid_read fli_pids_next(fli_pids *pids, const fl_pid *owner, uint64_t *ret_id);
/* To the end of the list; false: it is none. */
bool fli_pids_skip(fli_cursor *at);

#endif
