/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_DURABLE_H
#define FLITCH_DURABLE_H

/*
 * Durable tables: what dets is for, on LMDB, without dets's 2 GB and without its repair.
 *
 *     fl_durable_open(fl_self_node(self), "stock.fl", NULL, &stock, &err);
 *     fl_durable_insert(self, stock, &ref, "{~, ~}", id, amount);     {Ref, ok} comes to `info`
 *     fl_durable_insert_wait(stock, "{~, ~}", id, amount);            or: wait for it
 *     fl_durable_lookup(stock, id, &objects);                         a list, a copy
 *
 *     insert --> queue --> writer thread: one transaction for all that waits --> file --> {Ref, ok}
 *
 * A write is acknowledged when it is as safe as `sync` says. Whatever was acknowledged is there
 * when the file is opened again, after kill -9 too; what was not is there whole or not at all.
 * Opening needs no repair, however it ended.
 *
 * Threads: any, but what takes `self`. Writes of one table run one after the other on a thread of
 * its own; readers wait for nobody. What ends in _wait blocks, as do close and sync.
 * Memory: a table belongs to the node: who opens the same path again gets the same table, and it is
 * closed when all have closed it, or the node ends. Answers are copies.
 * Errors: FL_ELIMIT the file or the queue is full; FL_EIO; FL_EFORMAT the file is damaged;
 * FL_EINVAL no such object; FL_ENOENT no such key. fl_durable_open tells people: FL_EBUSY somebody
 * else has the file open, FL_EFORMAT it is none of ours, FL_ECONFIG it is of another type,
 * FL_ENOTSUP in the simulator.
 * Limits: `bytes_max` a file; an object 64 MiB; 65,536 writes or 256 MiB that wait; 254 readers at
 * one time. The file is for machines of one byte order and word size, as LMDB's are. No
 * ordered_set, as dets has none: LMDB orders keys by their bytes, and numbers of different kinds,
 * which are one key when they are equal, have no bytes that are in Erlang's order.
 */

#include "flitch/table.h"

typedef struct fl_durable fl_durable;

typedef enum fl_sync {
	FL_SYNC_GROUP,    /* on the disk before it is acknowledged; what waits shares one flush */
	FL_SYNC_EACH,     /* the same, a transaction for each write */
	FL_SYNC_INTERVAL, /* acknowledged when written; flushed each interval_ms */
	FL_SYNC_NONE      /* the system flushes when it likes, and fl_durable_sync and _close do */
} fl_sync;
/*
 * With the last two a process that dies loses nothing, but a machine that does may lose what was
 * not flushed, or the file, where the file system does not keep writes in order.
 */

typedef struct fl_durable_options {
	fl_table_type type; /* all but FL_TABLE_ORDERED_SET */
	uint32_t keypos;    /* 0: 1 */
	fl_sync sync;
	uint32_t interval_ms; /* 0: 1,000 */
	uint64_t bytes_max;   /* of the file; 0: 64 GiB. It is sparse: this costs addresses only */
} fl_durable_options;

/* `options` may be NULL. Makes the file, and one beside it whose name ends in -lock. */
int fl_durable_open(fl_node *node, const char *path, const fl_durable_options *options,
	fl_durable **ret_table, fl_error *err);
/* Waits for the writes that are under way. Not from a thread that holds rows or a context. */
void fl_durable_close(fl_durable *table);

/* ---- writing --------------------------------------------------------------------------------- */

typedef enum fl_durable_op {
	FL_DURABLE_INSERT,
	FL_DURABLE_INSERT_NEW,
	FL_DURABLE_DELETE,
	FL_DURABLE_DELETE_OBJECT
} fl_durable_op;

int fl_durable_ask(
	fl_proc *self, fl_durable *table, fl_durable_op op, fl_ref *ret_ref, fl_spec what);
int fl_durable_do(fl_durable *table, fl_durable_op op, fl_spec what);

/*
 * Does not wait: {Ref, ok} or {Ref, {error, Reason}} comes to `info`; of insert_new {Ref, true} or
 * {Ref, false}. `ret_ref` NULL: no answer is wanted.
 */
#define fl_durable_insert(self, table, ret_ref, ...)                                               \
	fl_durable_ask((self), (table), FL_DURABLE_INSERT, (ret_ref), fl_spec(__VA_ARGS__))
#define fl_durable_insert_new(self, table, ret_ref, ...)                                           \
	fl_durable_ask((self), (table), FL_DURABLE_INSERT_NEW, (ret_ref), fl_spec(__VA_ARGS__))
#define fl_durable_delete(self, table, ret_ref, key)                                               \
	fl_durable_ask((self), (table), FL_DURABLE_DELETE, (ret_ref), fl_spec("~", (key)))
#define fl_durable_delete_object(self, table, ret_ref, ...)                                        \
	fl_durable_ask((self), (table), FL_DURABLE_DELETE_OBJECT, (ret_ref), fl_spec(__VA_ARGS__))
/* These wait. FL_EALREADY: insert_new found the key. */
#define fl_durable_insert_wait(table, ...)                                                         \
	fl_durable_do((table), FL_DURABLE_INSERT, fl_spec(__VA_ARGS__))
#define fl_durable_insert_new_wait(table, ...)                                                     \
	fl_durable_do((table), FL_DURABLE_INSERT_NEW, fl_spec(__VA_ARGS__))
#define fl_durable_delete_wait(table, key)                                                         \
	fl_durable_do((table), FL_DURABLE_DELETE, fl_spec("~", (key)))
/* All that was written before is on the disk. */
int fl_durable_sync(fl_durable *table);

/* ---- reading --------------------------------------------------------------------------------- */

int fl_durable_lookup_key(fl_durable *table, fl_value key, fl_buf *ret_objects);
/* dets:lookup(Table, Key): a list. */
#define fl_durable_lookup(table, key, ret_objects)                                                 \
	fl_durable_lookup_key((table), FLI_VALUE(key), (ret_objects))
/* FL_FIRST, FL_NEXT: a key, in an order of its own; FL_ENOENT: '$end_of_table'. */
int fl_durable_walk(fl_durable *table, fl_table_step step, fl_term key, fl_buf *ret_key);
/* All objects as they were at one moment. */
int fl_durable_fold(fl_durable *table, fl_table_visit *visit, void *ctx);

typedef struct fl_durable_info {
	fl_table_type type;
	uint32_t keypos;
	uint64_t size;       /* objects */
	uint64_t file_bytes; /* in use */
	uint64_t commits;    /* transactions since it was opened */
	uint32_t waiting;    /* writes */
} fl_durable_info;
int fl_durable_info_get(fl_durable *table, fl_durable_info *ret_info);

#endif
