/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ENV_H
#define STORE_ENV_H

/*
 * A directory of keys and values in LMDB, open once in this process, and in others of the machine.
 *
 *     data.mdb    "data": key -> value, in the order of the keys' bytes
 *                 "meta": format, and an id that tells this directory's data from any other's
 *     lock.mdb    who reads which state, and who writes: one at a time over all processes
 *
 * What is committed is there after kill -9 of anybody at any moment; a lock or a reader's slot of a
 * process that was killed is taken back.
 *
 * Threads: any. A transaction belongs to one thread at a time, one that writes to one thread.
 * Memory: who opens a directory that is open gets the same env; the last env_unref closes it. What
 * is read lies in the file's mapping until the transaction ends. Errors: LMDB's codes, and errno's,
 * which env_error names; env_open tells people. Limits: ENV_*; `bytes_max` for all of it.
 */

#include <flitch.h>
#include <lmdb.h>
#include <pthread.h>

enum {
	ENV_KEY_MAX = 511, /* LMDB's */
	ENV_READERS_MAX = 512,
	ENV_IDLE_MAX = 16,
	ENV_ID_BYTES = 16
};

typedef struct store_env store_env;
struct store_env {
	store_env *next;
	int refs;            /* next and refs: under the lock of all envs */
	uint64_t dev, inode; /* of the directory */
	MDB_env *mdb;
	bool is_open;
	MDB_dbi data, meta;
	uint8_t id[ENV_ID_BYTES];

	pthread_mutex_t lock;        /* of what follows */
	unsigned active;             /* transactions: while there is one the mapping cannot grow */
	MDB_txn *idle[ENV_IDLE_MAX]; /* reset ones that read */
	size_t idle_count;
};

typedef struct env_options {
	const char *dir;
	uint64_t bytes_max;
	bool is_lazy; /* a commit does not wait for the disk */
} env_options;

/* Makes the directory where its parent exists. FL_ECONFIG, FL_EFORMAT, FL_EIO, FL_ENOMEM. */
int env_open(const env_options *options, store_env **ret_env, fl_error *err);
/* For work on other threads: one more that has it open. */
store_env *env_ref(store_env *env);
void env_unref(store_env *env);

/* The last committed state, for as long as the transaction lives. */
int env_read(store_env *env, MDB_txn **ret_txn);
void env_read_end(store_env *env, MDB_txn *txn);
/* Waits for other writers, of other processes, too. */
int env_write(store_env *env, MDB_txn **ret_txn);
/* Ends it either way. */
int env_commit(store_env *env, MDB_txn *txn);
void env_abort(store_env *env, MDB_txn *txn);

/*
 * A commit of its own: what the last one freed can be used from the second one after it on, which
 * in a full file would never come.
 */
int env_turn(store_env *env);
/* Of the last commit, whoever made it. */
size_t env_txnid(const store_env *env);
/* Slots of processes that were killed, which would keep old states, are free again; how many. */
int env_forget_dead(store_env *env);
/* The word for it in {error, Word}. */
const char *env_error(int code);

static inline fl_bin env_id(const store_env *env)
{
	return (fl_bin){env->id, sizeof env->id};
}

static inline MDB_val env_val(fl_bin bin)
{
	return (MDB_val){bin.size, (void *)(uintptr_t)bin.data};
}

static inline fl_bin env_bin(MDB_val val)
{
	return (fl_bin){val.mv_data, val.mv_size};
}

#endif
