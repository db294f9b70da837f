/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of objects on LMDB.
 *
 * - LMDB never overwrites a page that a committed state uses, and a commit is one page written
 * last. So a process may be killed at any moment: the file holds the last commit, whole.
 * - The file is locked for this open of it (flock): LMDB must not have one file open twice in a
 *   process, and another process would have a writer of its own.
 * - A write reads the record of the key's hash, makes the new one and stores it.
 *
 * Failure: a file of something else, of another version or type is refused at the open; a record
 * that is no row of objects is FL_EFORMAT where it is met. A full file aborts the transaction.
 */
#include "node/durable_store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "node/base/bytes.h"
#include "node/table_hash.h"
#include "node/term/walk.h"

enum { KEY_BYTES = 9, META_BYTES = 32, META_VERSION = 1, FILE_MODE = 0640 };

struct fli_store {
	fli_mem *mem;
	int fd; /* holds the lock */
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn; /* the writer's */
	fl_table_type type;
	uint32_t keypos;
	uint64_t seed;
	uint64_t count, count_before; /* objects: in the transaction, and committed */
	fl_buf record;                /* of the write under way */
};

static int code_of(int mdb)
{
	switch (mdb) {
	case MDB_SUCCESS: return FL_OK;
	case MDB_NOTFOUND: return FL_ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL: return FL_ELIMIT;
	case MDB_READERS_FULL: return FL_EBUSY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH: return FL_EFORMAT;
	case ENOMEM: return FL_ENOMEM;
	default: return FL_EIO;
	}
}

/* ---- opening --------------------------------------------------------------------------------- */

static int lock_file(fli_store *store, const char *path, fl_error *err)
{
	store->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (store->fd < 0) {
		(void)fl_error_set(err, FL_EIO, "%s: %s", path, strerror(errno));
		fl_error_next(err, "check that the folder is there and may be written to");
		return FL_EIO;
	}
	if (flock(store->fd, LOCK_EX | LOCK_NB) == 0)
		return FL_OK;
	(void)fl_error_set(err, FL_EBUSY, "%s: somebody has it open", path);
	fl_error_why(err, "another node, in this process or another, uses it");
	return FL_EBUSY;
}

static unsigned flags_of(const fl_durable_options *options)
{
	bool is_lazy = options->sync == FL_SYNC_INTERVAL || options->sync == FL_SYNC_NONE;

	return MDB_NOSUBDIR | MDB_NOTLS | (is_lazy ? MDB_NOSYNC : 0);
}

static int open_env(
	fli_store *store, const char *path, const fl_durable_options *options, fl_error *err)
{
	uint64_t bytes = options->bytes_max == 0 ? FLI_DURABLE_BYTES_MAX : options->bytes_max;
	int rc = mdb_env_create(&store->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(store->env, bytes);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(store->env, FLI_DURABLE_READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(store->env, path, flags_of(options), FILE_MODE);
	if (rc == 0)
		return FL_OK;
	(void)fl_error_set(err, code_of(rc), "%s: %s", path, mdb_strerror(rc));
	if (code_of(rc) == FL_EFORMAT)
		fl_error_why(err, "it is no durable table, or it is damaged");
	return code_of(rc);
}

static void write_meta(const fli_store *store, uint8_t meta[static META_BYTES])
{
	memset(meta, 0, META_BYTES);
	memcpy(meta, "fltb", 4);
	meta[4] = META_VERSION;
	meta[5] = (uint8_t)store->type;
	fli_put32(meta + 8, store->keypos);
	fli_put64(meta + 16, store->seed);
	fli_put64(meta + 24, store->count);
}

static int put_meta(fli_store *store)
{
	uint8_t bytes[META_BYTES], name = 0;
	MDB_val key = {1, &name}, value = {META_BYTES, bytes};

	write_meta(store, bytes);
	return code_of(mdb_put(store->txn, store->dbi, &key, &value, 0));
}

static int check_meta(fli_store *store, const MDB_val *value, const char *path, fl_error *err)
{
	const uint8_t *meta = value->mv_data;

	if (value->mv_size != META_BYTES || memcmp(meta, "fltb", 4) != 0 || meta[4] != META_VERSION)
		return fl_error_set(err, FL_EFORMAT, "%s: no durable table of this version", path);
	if (meta[5] != (uint8_t)store->type || fli_get32(meta + 8) != store->keypos)
		return fl_error_set(err, FL_ECONFIG,
			"%s: it is of type %u with the key at position %u", path, meta[5],
			fli_get32(meta + 8));
	store->seed = fli_get64(meta + 16);
	store->count = store->count_before = fli_get64(meta + 24);
	return FL_OK;
}

/* A fresh file gets its first record; any other must have one. */
static int read_meta(fli_store *store, const char *path, fl_error *err)
{
	uint8_t name = 0;
	MDB_val key = {1, &name}, value;
	MDB_stat stat;
	int rc = code_of(mdb_txn_begin(store->env, NULL, 0, &store->txn));

	if (rc == FL_OK)
		rc = code_of(mdb_dbi_open(store->txn, NULL, 0, &store->dbi));
	if (rc == FL_OK)
		rc = code_of(mdb_stat(store->txn, store->dbi, &stat));
	if (rc != FL_OK)
		return fl_error_set(err, rc, "%s: it cannot be read", path);
	rc = code_of(mdb_get(store->txn, store->dbi, &key, &value));
	if (rc == FL_OK)
		return check_meta(store, &value, path, err);
	if (rc != FL_ENOENT || stat.ms_entries > 0)
		return fl_error_set(
			err, FL_EFORMAT, "%s: an LMDB file, but no durable table", path);
	if (getrandom(&store->seed, sizeof store->seed, 0) != sizeof store->seed)
		return fl_error_set(err, FL_EIO, "no random numbers");
	rc = put_meta(store);
	return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "%s: it cannot be written", path);
}

int fli_store_open(fli_store **ret_store, fli_mem *mem, const char *path,
	const fl_durable_options *options, fl_error *err)
{
	fli_store *store = fli_zalloc(mem, sizeof *store);
	int rc;

	if (store == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	*store = (fli_store){.mem = mem,
		.type = options->type,
		.keypos = options->keypos == 0 ? 1 : options->keypos};
	rc = lock_file(store, path, err);
	if (rc == FL_OK)
		rc = open_env(store, path, options, err);
	if (rc == FL_OK)
		rc = read_meta(store, path, err);
	if (rc == FL_OK) {
		rc = code_of(mdb_txn_commit(store->txn));
		store->txn = NULL;
		if (rc != FL_OK)
			(void)fl_error_set(err, rc, "%s: it cannot be written", path);
	}
	if (rc == FL_OK)
		*ret_store = store;
	else
		fli_store_close(store);
	return rc;
}

void fli_store_close(fli_store *store)
{
	if (store->txn != NULL)
		mdb_txn_abort(store->txn);
	if (store->env != NULL) {
		(void)mdb_env_sync(store->env, 1); /* what could not be flushed is told by writes */
		mdb_env_close(store->env);
	}
	if (store->fd >= 0)
		(void)close(store->fd);
	fl_buf_free(&store->record);
	fli_free(store->mem, store);
}

/* ---- records --------------------------------------------------------------------------------- */

static int hash_key(const fli_store *store, fl_term key, uint8_t bytes[static KEY_BYTES])
{
	uint64_t hash;

	if (!fli_hash_key(store->seed, key, &hash))
		return FL_ENOMEM;
	bytes[0] = 1;
	fli_put64(bytes + 1, hash);
	return FL_OK;
}

/* The next object of a record; FL_ENOENT at its end. */
static int next_object(const fli_store *store, fli_cursor *c, fli_object *ret_object)
{
	fli_walked walked;
	fl_term term;

	if (fli_left(c) == 0)
		return FL_ENOENT;
	if (!fli_walk(c->at, fli_left(c), NULL, &walked) || !walked.is_plain)
		return FL_EFORMAT;
	term = (fl_term){.data = c->at, .size = walked.size};
	c->at += walked.size;
	return fli_object_of(term, store->keypos, ret_object) ? FL_OK : FL_EFORMAT;
}

static int get_record(fli_store *store, MDB_txn *txn, const uint8_t *name, fli_cursor *ret_cursor)
{
	MDB_val key = {KEY_BYTES, (void *)(uintptr_t)name}, value = {0, NULL};
	int rc = code_of(mdb_get(txn, store->dbi, &key, &value));

	*ret_cursor = fli_cursor_make(value.mv_data, rc == FL_OK ? value.mv_size : 0);
	return rc == FL_ENOENT ? FL_OK : rc;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct change {
	fl_durable_op op;
	fl_term what;
	fl_term key;
	bool is_set;
	uint64_t gone; /* objects */
	bool is_there; /* the key */
	bool is_same;  /* the object, of a bag */
} change;

static bool goes(change *c, const fli_object *object)
{
	if (!fli_same_term(object->key, c->key))
		return false;
	c->is_there = true;
	switch (c->op) {
	case FL_DURABLE_DELETE: return true;
	case FL_DURABLE_DELETE_OBJECT: return fli_same_term(object->term, c->what);
	default: break;
	}
	c->is_same = c->is_same || fli_same_term(object->term, c->what);
	return c->is_set;
}

/* What is left of the record, in store->record. */
static int filter(fli_store *store, const uint8_t *name, change *c)
{
	fli_object object;
	fli_cursor cursor;
	int rc = get_record(store, store->txn, name, &cursor);

	fl_buf_reset(&store->record);
	while (rc == FL_OK && (rc = next_object(store, &cursor, &object)) == FL_OK) {
		if (goes(c, &object))
			c->gone++;
		else
			rc = fl_build(&store->record, "~", object.term);
	}
	return rc == FL_ENOENT ? FL_OK : rc;
}

static int put_record(fli_store *store, const uint8_t *name)
{
	MDB_val key = {KEY_BYTES, (void *)(uintptr_t)name};
	MDB_val value = {store->record.size, store->record.data};
	int rc;

	if (store->record.size == 0) {
		rc = code_of(mdb_del(store->txn, store->dbi, &key, NULL));
		return rc == FL_ENOENT ? FL_OK : rc;
	}
	return code_of(mdb_put(store->txn, store->dbi, &key, &value, 0));
}

static bool is_insert(const change *c)
{
	return c->op == FL_DURABLE_INSERT || c->op == FL_DURABLE_INSERT_NEW;
}

static int apply(fli_store *store, const uint8_t *name, change *c)
{
	int rc = filter(store, name, c);

	if (rc != FL_OK)
		return rc;
	if (c->op == FL_DURABLE_INSERT_NEW && c->is_there)
		return FL_EALREADY;
	if (is_insert(c)) {
		if (store->type == FL_TABLE_BAG && c->is_same)
			return FL_OK;
		rc = fl_build(&store->record, "~", c->what);
	} else if (c->gone == 0) {
		return FL_OK;
	}
	if (rc == FL_OK)
		rc = put_record(store, name);
	if (rc == FL_OK)
		store->count += is_insert(c) - c->gone;
	return rc;
}

int fli_store_write(fli_store *store, fl_durable_op op, fl_term what)
{
	change c = {.op = op, .what = what, .key = what, .is_set = store->type == FL_TABLE_SET};
	uint8_t name[KEY_BYTES];
	fli_object object;
	int rc;

	if (op != FL_DURABLE_DELETE) {
		if (what.size > FLI_DURABLE_OBJECT_MAX ||
			!fli_object_of(what, store->keypos, &object))
			return FL_EINVAL;
		c.key = object.key;
	}
	rc = hash_key(store, c.key, name);
	return rc == FL_OK ? apply(store, name, &c) : rc;
}

int fli_store_begin(fli_store *store)
{
	return code_of(mdb_txn_begin(store->env, NULL, 0, &store->txn));
}

int fli_store_commit(fli_store *store)
{
	int rc = put_meta(store);

	if (rc != FL_OK) {
		fli_store_abort(store);
		return rc;
	}
	rc = code_of(mdb_txn_commit(store->txn));
	store->txn = NULL;
	if (rc == FL_OK)
		store->count_before = store->count;
	else
		store->count = store->count_before;
	return rc;
}

void fli_store_abort(fli_store *store)
{
	mdb_txn_abort(store->txn);
	store->txn = NULL;
	store->count = store->count_before;
}

int fli_store_sync(fli_store *store)
{
	return code_of(mdb_env_sync(store->env, 1));
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_begin(fli_store *store, MDB_txn **ret_txn)
{
	return code_of(mdb_txn_begin(store->env, NULL, MDB_RDONLY, ret_txn));
}

static int add_objects(fli_store *store, MDB_txn *txn, fl_term key, fl_buf *ret_objects)
{
	uint8_t name[KEY_BYTES];
	fli_object object;
	fli_cursor cursor;
	int rc = hash_key(store, key, name);

	if (rc == FL_OK)
		rc = get_record(store, txn, name, &cursor);
	while (rc == FL_OK && (rc = next_object(store, &cursor, &object)) == FL_OK)
		if (fli_same_term(object.key, key))
			rc = fl_build(ret_objects, "~", object.term);
	return rc == FL_ENOENT ? FL_OK : rc;
}

int fli_store_lookup(fli_store *store, fl_term key, fl_buf *ret_objects)
{
	MDB_txn *txn;
	int rc = read_begin(store, &txn);

	if (rc != FL_OK)
		return rc;
	fl_list_open(ret_objects);
	rc = add_objects(store, txn, key, ret_objects);
	fl_list_close(ret_objects);
	mdb_txn_abort(txn);
	return rc == FL_OK ? ret_objects->error : rc;
}

/* The key behind `key` in its own record; FL_ENOENT: it is in a later one. */
static int next_in_record(fli_store *store, fli_cursor c, fl_term key, fl_buf *ret_key)
{
	fli_object object;
	bool found = false;
	int rc;

	while ((rc = next_object(store, &c, &object)) == FL_OK) {
		bool is_key = fli_same_term(object.key, key);

		if (found && !is_key)
			return fl_build(ret_key, "~", object.key);
		found = found || is_key;
	}
	return rc;
}

/* The first key of the record at the cursor. */
static int first_in_record(fli_store *store, const MDB_val *value, fl_buf *ret_key)
{
	fli_cursor c = fli_cursor_make(value->mv_data, value->mv_size);
	fli_object object;
	int rc = next_object(store, &c, &object);

	return rc == FL_OK ? fl_build(ret_key, "~", object.key) : FL_EFORMAT;
}

static int walk_from(
	fli_store *store, MDB_cursor *cursor, const uint8_t *name, fl_term from, fl_buf *ret_key)
{
	MDB_val key = {KEY_BYTES, (void *)(uintptr_t)name}, value;
	int rc = code_of(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));

	if (rc == FL_OK && from.data != NULL && key.mv_size == KEY_BYTES &&
		memcmp(key.mv_data, name, KEY_BYTES) == 0) {
		rc = next_in_record(
			store, fli_cursor_make(value.mv_data, value.mv_size), from, ret_key);
		if (rc != FL_ENOENT)
			return rc;
		rc = code_of(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
	}
	return rc == FL_OK ? first_in_record(store, &value, ret_key) : rc;
}

int fli_store_walk(fli_store *store, fl_table_step step, fl_term key, fl_buf *ret_key)
{
	uint8_t name[KEY_BYTES] = {1};
	fl_term from = step == FL_NEXT ? key : (fl_term){0};
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc = from.data == NULL ? FL_OK : hash_key(store, key, name);

	if (rc == FL_OK)
		rc = read_begin(store, &txn);
	if (rc != FL_OK)
		return rc;
	rc = code_of(mdb_cursor_open(txn, store->dbi, &cursor));
	if (rc == FL_OK) {
		rc = walk_from(store, cursor, name, from, ret_key);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc;
}

static int visit_record(
	fli_store *store, const MDB_val *value, fl_table_visit *visit, void *ctx, bool *ret_on)
{
	fli_cursor c = fli_cursor_make(value->mv_data, value->mv_size);
	fli_object object;
	int rc;

	while ((rc = next_object(store, &c, &object)) == FL_OK)
		if (!visit(ctx, object.term)) {
			*ret_on = false;
			return FL_OK;
		}
	return rc == FL_ENOENT ? FL_OK : rc;
}

int fli_store_fold(fli_store *store, fl_table_visit *visit, void *ctx)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	bool goes_on = true;
	int rc = read_begin(store, &txn);

	if (rc != FL_OK)
		return rc;
	rc = code_of(mdb_cursor_open(txn, store->dbi, &cursor));
	if (rc == FL_OK) {
		while (goes_on && rc == FL_OK &&
			(rc = code_of(mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) == FL_OK)
			if (key.mv_size == KEY_BYTES)
				rc = visit_record(store, &value, visit, ctx, &goes_on);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc == FL_ENOENT ? FL_OK : rc;
}

int fli_store_info(fli_store *store, fl_durable_info *ret_info)
{
	uint8_t name = 0;
	MDB_val key = {1, &name}, value;
	MDB_envinfo env;
	MDB_stat stat;
	MDB_txn *txn;
	int rc = read_begin(store, &txn);

	if (rc != FL_OK)
		return rc;
	rc = code_of(mdb_get(txn, store->dbi, &key, &value));
	if (rc == FL_OK && value.mv_size != META_BYTES)
		rc = FL_EFORMAT;
	if (rc == FL_OK)
		ret_info->size = fli_get64((const uint8_t *)value.mv_data + 24);
	mdb_txn_abort(txn);
	(void)mdb_env_info(store->env, &env); /* neither fails on an open environment */
	(void)mdb_env_stat(store->env, &stat);
	ret_info->type = store->type;
	ret_info->keypos = store->keypos;
	ret_info->file_bytes = (uint64_t)(env.me_last_pgno + 1) * stat.ms_psize;
	return rc;
}
