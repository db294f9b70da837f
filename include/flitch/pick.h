/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_PICK_H
#define FLITCH_PICK_H

/*
 * Work spread over the members of a group: who is to do the next piece.
 *
 *     fl_pick_any(self, FL_PG, FL_PICK_LOCAL, &pid, "workers");
 *     fl_pick_by_key(self, FL_PG, key, &pid, "workers");           the same owner on every node
 *     fl_picker_next(self, &state->picker, &pid, "workers");       ... fl_picker_done(.., pid)
 *
 * By key, the owner is the member with the greatest phash2({Key, Node, Id, Serial}); of equals, the
 * one that is last by node, serial, id. When a member comes or goes, only keys that it gets or had
 * change their owner. flitch_pick:owner/2 (beam/src/flitch_pick.erl) finds the same one in Erlang.
 *
 * A picker keeps what the last two ways need from one pick to the next: whose turn it is, or how
 * much each member has been given and not finished. It counts what this process gave out, not what
 * others did.
 *
 * Threads: as <flitch/pg.h>. Memory: a picker is plain storage of its process's state, zeroed at
 * first; it needs no end. Errors: FL_ENOENT when the group is empty, FL_ENOPROC without the scope.
 * Limits: FL_PICKER_MAX members are counted one by one, further ones as idle; FL_PICK_MAX are
 * looked at.
 */

#include "flitch/pg.h"

enum { FL_PICKER_MAX = 256, FL_PICK_MAX = 1 << 20 };

typedef enum fl_pick_how {
	FL_PICK_RANDOM,
	FL_PICK_LOCAL, /* a random one of this node's; of all, where it has none */
	FL_PICK_ROUND, /* with a picker: each once, in the order of node and pid */
	FL_PICK_LEAST  /* with a picker: whoever has the least unfinished; a random one of those */
} fl_pick_how;

int fl_pick_any_spec(
	fl_proc *self, const char *scope, fl_pick_how how, fl_pid *ret_pid, fl_spec group);
/* FL_PICK_RANDOM or FL_PICK_LOCAL. */
#define fl_pick_any(self, scope, how, ret_pid, ...)                                                \
	fl_pick_any_spec((self), (scope), (how), (ret_pid), fl_spec(__VA_ARGS__))

int fl_pick_by_key_spec(
	fl_proc *self, const char *scope, fl_term key, fl_pid *ret_pid, fl_spec group);
/* The owner of a key, which is any term. */
#define fl_pick_by_key(self, scope, key, ret_pid, ...)                                             \
	fl_pick_by_key_spec((self), (scope), (key), (ret_pid), fl_spec(__VA_ARGS__))

/* What a member was given by this picker. */
typedef struct fl_picked {
	fl_pid pid;
	uint32_t open;
} fl_picked;

typedef struct fl_picker {
	const char *scope; /* NULL: pg */
	fl_pick_how how;
	fl_pid last;    /* FL_PICK_ROUND: whose turn it was; no node at first */
	uint32_t count; /* FL_PICK_LEAST: in `given` */
	fl_picked given[FL_PICKER_MAX];
} fl_picker;

int fl_picker_next_spec(fl_proc *self, fl_picker *picker, fl_pid *ret_pid, fl_spec group);
#define fl_picker_next(self, picker, ret_pid, ...)                                                 \
	fl_picker_next_spec((self), (picker), (ret_pid), fl_spec(__VA_ARGS__))
/* FL_PICK_LEAST: the member has finished one piece, or is gone and will not. */
void fl_picker_done(fl_picker *picker, fl_pid pid);

/* erlang:phash2(Term, 1 bsl 32); false for a native record, or out of memory. */
bool fl_phash2(fl_term term, uint32_t *ret_hash);

#endif
