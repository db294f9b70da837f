/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_REMOTE_QUEUE_H
#define FLI_DIST_REMOTE_QUEUE_H

/*
 * Signals as values: what a process asked for, before it is known in which form the peer takes it.
 * They wait in a queue while the peer is being connected.
 *
 * Threads: the owner of the node's context. Memory: a queued signal owns copies of its texts and
 * bytes. Errors: FL_ENOMEM, FL_ELIMIT. Limits: bytes of one queue.
 */

#include "flitch/term.h"
#include "node/base/list.h"
#include "node/base/mem.h"
#include "node/remote.h"

typedef enum fli_remote_kind {
	FLI_REMOTE_SEND,   /* from, to (any), payload */
	FLI_REMOTE_LINK,   /* from, to */
	FLI_REMOTE_UNLINK, /* from, to, id */
	FLI_REMOTE_UNLINK_ACK,
	FLI_REMOTE_EXIT, /* from, to, payload */
	FLI_REMOTE_EXIT2,
	FLI_REMOTE_MONITOR, /* from (the watcher), to (pid or name), ref */
	FLI_REMOTE_DEMONITOR,
	FLI_REMOTE_DOWN,  /* from (the watcher), to (what ended), ref, payload */
	FLI_REMOTE_LEADER /* from (the new leader), to */
} fli_remote_kind;

typedef struct fli_remote_op {
	fli_remote_kind kind;
	fl_pid from;
	fli_target to; /* points at pid, ref and name below once it is queued */
	fl_pid pid;
	fl_ref ref; /* the monitor's, or the alias that is meant */
	uint64_t id;
	fl_term payload; /* no bytes: none */
} fli_remote_op;

typedef struct fli_remote_queued {
	fli_link link;
	fli_remote_op op;
	size_t size;
	uint8_t bytes[]; /* texts, then the payload */
} fli_remote_queued;

typedef struct fli_remote_queue {
	fli_link items;
	size_t bytes;
	size_t *sum; /* of this one and others */
	fli_mem *mem;
} fli_remote_queue;

/* `sum` outlives it. */
void fli_remote_queue_create(fli_remote_queue *queue, fli_mem *mem, size_t *sum);
void fli_remote_queue_clear(fli_remote_queue *queue);
/* Copies the signal, all that it points to included. */
int fli_remote_queue_add(fli_remote_queue *queue, const fli_remote_op *op, size_t bytes_max);
/* The oldest, which the caller frees with fli_free; NULL: empty. */
fli_remote_queued *fli_remote_queue_pop(fli_remote_queue *queue);

#endif
