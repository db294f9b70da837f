/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

/*
 * Writes that wait, and the work that commits them: all that has come meanwhile in one transaction,
 * so that one flush of the disk serves many callers.
 *
 *     put --> queue --> pool: begin, apply, apply, ..., commit --> each caller is answered
 *               ^---------'  then what has come meanwhile
 *
 * Each is applied whole or not at all. One that cannot be, fails alone; one whose caller has gone
 * before its turn is left out.
 *
 * Threads: the server's; a batch on its way is the pool's. Memory: a writer is its server's, and
 * the first thing in its state; writes hold their messages. Errors: words, in the answers. Limits:
 * WRITER_*; what would be more is {error, busy}.
 */

#include "examples/accel/store/scan.h"

enum {
	WRITER_WAITING_MAX = 4096,
	WRITER_BYTES_MAX = 64 << 20,
	WRITER_OPS_MAX = 10000,
	WRITER_DELETES_MAX = 10000
};

typedef struct writer writer;

typedef struct writer_counts {
	uint32_t waiting;
	uint64_t waiting_bytes, commits, writes, largest, refused, given_up;
} writer_counts;

/* Borrows the env. */
writer *writer_new(store_env *env);
void writer_delete(writer *w);
/*
 * Takes what the request says: {put, K, V}, {delete, K}, {put_many, Pairs}, {write, Ops},
 * {delete_range, From, To, Limit}, all within the limits. Answers, later or at once.
 */
int writer_take(writer *w, fl_proc *self, fl_from from, fl_term request);
/* At the server's end: commits and answers what waits, where that takes no longer. */
void writer_finish(writer *w, uint32_t ms);
writer_counts writer_count(const writer *w);

#endif
