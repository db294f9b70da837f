/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DURABLE_STORE_H
#define FLI_DURABLE_STORE_H

/*
 * The file of a durable table: objects by the hash of their key, in LMDB.
 *
 *     00          -> "fltb", version, type, keypos, seed of the hash, number of objects
 *     01 hash(8)  -> object, object, ...    encoded tuples, one after the other; of a set they
 *                                           differ in their keys, which is rare
 *
 * So a key may be of any size and is found by one search. The hash is keyed by the seed of the
 * file.
 *
 * Threads: readers any; one writer. Memory: what is appended to an fl_buf belongs to that.
 * Errors: FL_E*; what stands in the file is checked as a peer's bytes are. Limits: FLI_DURABLE_*.
 */

#include "flitch/durable.h"
#include "node/base/mem.h"

#define FLI_DURABLE_OBJECT_MAX ((size_t)64 << 20)
#define FLI_DURABLE_BYTES_MAX ((uint64_t)64 << 30)
enum { FLI_DURABLE_READERS_MAX = 254 };

typedef struct fli_store fli_store;

/* `seed` is of a file that is made. */
int fli_store_open(fli_store **ret_store, fli_mem *mem, const char *path,
	const fl_durable_options *options, fl_error *err);
void fli_store_close(fli_store *store);

/* ---- the writer ------------------------------------------------------------------------------ */

int fli_store_begin(fli_store *store);
/* FL_OK, FL_EALREADY, FL_EINVAL; after any other code the transaction must be aborted. */
int fli_store_write(fli_store *store, fl_durable_op op, fl_term what);
int fli_store_commit(fli_store *store);
void fli_store_abort(fli_store *store);
int fli_store_sync(fli_store *store);

/* ---- readers --------------------------------------------------------------------------------- */

int fli_store_lookup(fli_store *store, fl_term key, fl_buf *ret_objects);
int fli_store_walk(fli_store *store, fl_table_step step, fl_term key, fl_buf *ret_key);
int fli_store_fold(fli_store *store, fl_table_visit *visit, void *ctx);
int fli_store_info(fli_store *store, fl_durable_info *ret_info);

#endif
