/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: LMDB must not have one directory open twice in a process, since closing one of them
 * gives up the locks of both; so envs are found by the directory itself, whatever its path. A
 * server that was killed leaves its env open, and the one that follows takes it.
 *
 * Another process may have let the file grow beyond what is mapped here: then the mapping grows, as
 * soon as no transaction of this process is in it.
 */
#include "examples/accel/store/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

enum { FILE_MODE = 0640, DIR_MODE = 0750, DBS_MAX = 4 };

static const char format[] = "flitch store 1";

static pthread_mutex_t envs_lock = PTHREAD_MUTEX_INITIALIZER;
static store_env *envs;

/* ---- errors ---------------------------------------------------------------------------------- */

const char *env_error(int code)
{
	switch (code) {
	case MDB_NOTFOUND: return "not_found";
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC: return "full";
	case MDB_READERS_FULL:
	case MDB_MAP_RESIZED: return "busy";
	case MDB_BAD_VALSIZE: return "too_large";
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND: return "corrupted";
	case ENOMEM: return "enomem";
	default: return "eio";
	}
}

/* What opening made of it, for a person. */
static int explain(int code, const char *dir, fl_error *err)
{
	(void)fl_error_set(err, FL_EIO, "%s: %s", dir, mdb_strerror(code));
	if (code == MDB_INVALID || code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND)
		return fl_error_set(err, FL_EFORMAT,
			"%s: data.mdb is no LMDB file, or is damaged; restore it from a copy, or "
			"move it away to begin anew",
			dir);
	if (code == MDB_VERSION_MISMATCH)
		return fl_error_set(err, FL_EFORMAT,
			"%s: it was written by another version of LMDB; if nobody has it open, "
			"remove lock.mdb alone and start again",
			dir);
	if (code == EACCES || code == EPERM || code == EROFS)
		return fl_error_set(err, FL_ECONFIG,
			"%s: %s; this user must own the directory, on a file system that may be "
			"written to",
			dir, strerror(code));
	if (code == ENOMEM)
		return fl_error_set(err, FL_ENOMEM,
			"%s: no room for the mapping; see `ulimit -v`, or take fewer bytes", dir);
	return err == NULL ? FL_EIO : err->code;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int find_dir(const char *dir, struct stat *ret_stat, fl_error *err)
{
	if (mkdir(dir, DIR_MODE) != 0 && errno == ENOENT)
		return fl_error_set(
			err, FL_ECONFIG, "%s: the directory above it does not exist", dir);
	if (stat(dir, ret_stat) != 0)
		return explain(errno, dir, err);
	if (!S_ISDIR(ret_stat->st_mode))
		return fl_error_set(err, FL_ECONFIG, "%s: it is no directory", dir);
	return FL_OK;
}

/* The map is what the file says, or what is wanted, whichever is more. */
static int open_mdb(store_env *e, const env_options *o)
{
	unsigned flags = MDB_NOTLS | (o->is_lazy ? MDB_NOSYNC : 0);
	MDB_envinfo info;
	int dead, rc = mdb_env_create(&e->mdb);

	if (rc == 0)
		rc = mdb_env_set_maxreaders(e->mdb, ENV_READERS_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(e->mdb, DBS_MAX);
	if (rc == 0)
		rc = mdb_env_open(e->mdb, o->dir, flags, FILE_MODE);
	e->is_open = rc == 0;
	if (rc == 0)
		rc = mdb_env_info(e->mdb, &info);
	if (rc == 0 && info.me_mapsize < o->bytes_max)
		rc = mdb_env_set_mapsize(e->mdb, o->bytes_max);
	return rc == 0 ? mdb_reader_check(e->mdb, &dead) : rc;
}

static int put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, fl_bin value)
{
	MDB_val k = env_val((fl_bin){name, strlen(name)}), v = env_val(value);

	return mdb_put(txn, meta, &k, &v, 0);
}

static bool get_meta(MDB_txn *txn, MDB_dbi meta, const char *name, fl_bin *ret_value)
{
	MDB_val k = env_val((fl_bin){name, strlen(name)}), v;

	if (mdb_get(txn, meta, &k, &v) != 0)
		return false;
	*ret_value = env_bin(v);
	return true;
}

/* When it was made, so that the older of two is known, and chance. */
static int make_id(uint8_t id[static ENV_ID_BYTES])
{
	struct timespec now;
	uint64_t us;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	for (size_t i = 0; i < sizeof us; i++)
		id[i] = (uint8_t)(us >> (56 - 8 * i));
	return getrandom(id + sizeof us, ENV_ID_BYTES - sizeof us, 0) ==
			       (ssize_t)(ENV_ID_BYTES - sizeof us)
		       ? 0
		       : EIO;
}

/* MDB_NOTFOUND: nobody has made it yet; MDB_INCOMPATIBLE: somebody else did. */
static int open_dbs(store_env *e, unsigned create)
{
	fl_bin found, id;
	MDB_txn *txn;
	MDB_stat all;
	int rc = mdb_txn_begin(e->mdb, NULL, create != 0 ? 0 : MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_env_stat(e->mdb, &all);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "meta", create, &e->meta);
	if (rc == MDB_NOTFOUND && all.ms_entries > 0)
		rc = MDB_INCOMPATIBLE;
	if (rc == 0)
		rc = mdb_dbi_open(txn, "data", create, &e->data);
	if (rc == 0 && create != 0 && !get_meta(txn, e->meta, "id", &id)) {
		rc = make_id(e->id);
		if (rc == 0)
			rc = put_meta(txn, e->meta, "id", (fl_bin){e->id, sizeof e->id});
		if (rc == 0)
			rc = put_meta(txn, e->meta, "format", (fl_bin){format, sizeof format - 1});
	}
	if (rc == 0 &&
		(!get_meta(txn, e->meta, "format", &found) || found.size != sizeof format - 1 ||
			memcmp(found.data, format, found.size) != 0 ||
			!get_meta(txn, e->meta, "id", &id) || id.size != sizeof e->id))
		rc = MDB_INCOMPATIBLE;
	if (rc == 0)
		memcpy(e->id, id.data, id.size);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static void destroy(store_env *e)
{
	while (e->idle_count > 0)
		mdb_txn_abort(e->idle[--e->idle_count]);
	if (e->is_open)
		(void)mdb_env_sync(e->mdb, 1); /* what lazy commits left; nobody is there to tell */
	if (e->mdb != NULL)
		mdb_env_close(e->mdb);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}

/* Under the lock of all envs. */
static int open_new(const env_options *o, const struct stat *st, store_env **ret_env, fl_error *err)
{
	store_env *e = calloc(1, sizeof *e);
	int rc;

	if (e == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	e->refs = 1;
	e->dev = st->st_dev;
	e->inode = st->st_ino;
	(void)pthread_mutex_init(&e->lock, NULL);
	rc = open_mdb(e, o);
	if (rc == 0)
		rc = open_dbs(e, 0); /* who writes is not waited for, where it is not needed */
	if (rc == MDB_NOTFOUND)
		rc = open_dbs(e, MDB_CREATE);
	if (rc != 0) {
		destroy(e);
		if (rc == MDB_INCOMPATIBLE)
			return fl_error_set(err, FL_EFORMAT,
				"%s: an LMDB file, but no store of this version", o->dir);
		return explain(rc, o->dir, err);
	}
	e->next = envs;
	*ret_env = envs = e;
	return FL_OK;
}

int env_open(const env_options *options, store_env **ret_env, fl_error *err)
{
	struct stat st;
	store_env *e;
	int rc;

	(void)pthread_mutex_lock(&envs_lock);
	rc = find_dir(options->dir, &st, err);
	for (e = envs; rc == FL_OK && e != NULL; e = e->next)
		if (e->dev == st.st_dev && e->inode == st.st_ino)
			break;
	if (rc == FL_OK && e != NULL) {
		e->refs++;
		*ret_env = e;
	} else if (rc == FL_OK) {
		rc = open_new(options, &st, ret_env, err);
	}
	(void)pthread_mutex_unlock(&envs_lock);
	return rc;
}

store_env *env_ref(store_env *env)
{
	(void)pthread_mutex_lock(&envs_lock);
	env->refs++;
	(void)pthread_mutex_unlock(&envs_lock);
	return env;
}

void env_unref(store_env *env)
{
	store_env **at = &envs;

	if (env == NULL)
		return;
	(void)pthread_mutex_lock(&envs_lock);
	if (--env->refs == 0) {
		while (*at != env)
			at = &(*at)->next;
		*at = env->next;
		destroy(env);
	}
	(void)pthread_mutex_unlock(&envs_lock);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void leave(store_env *e)
{
	(void)pthread_mutex_lock(&e->lock);
	e->active--;
	(void)pthread_mutex_unlock(&e->lock);
}

/* The mapping takes the size that the file has got; false while others use it. */
static bool grow(store_env *e)
{
	bool has_grown;

	(void)pthread_mutex_lock(&e->lock);
	has_grown = e->active == 1 && mdb_env_set_mapsize(e->mdb, 0) == 0;
	(void)pthread_mutex_unlock(&e->lock);
	return has_grown;
}

static int begin(store_env *e, MDB_txn *idle, unsigned flags, MDB_txn **ret_txn)
{
	int rc = idle == NULL ? mdb_txn_begin(e->mdb, NULL, flags, ret_txn) : mdb_txn_renew(idle);

	if (rc == 0 && idle != NULL)
		*ret_txn = idle;
	return rc;
}

int env_read(store_env *env, MDB_txn **ret_txn)
{
	MDB_txn *idle;
	int rc;

	(void)pthread_mutex_lock(&env->lock);
	env->active++;
	idle = env->idle_count > 0 ? env->idle[--env->idle_count] : NULL;
	(void)pthread_mutex_unlock(&env->lock);
	rc = begin(env, idle, MDB_RDONLY, ret_txn);
	if (rc == MDB_READERS_FULL && env_forget_dead(env) > 0)
		rc = begin(env, idle, MDB_RDONLY, ret_txn);
	if (rc == MDB_MAP_RESIZED && grow(env))
		rc = begin(env, idle, MDB_RDONLY, ret_txn);
	if (rc != 0 && idle != NULL)
		mdb_txn_abort(idle);
	if (rc != 0)
		leave(env);
	return rc;
}

void env_read_end(store_env *env, MDB_txn *txn)
{
	bool is_kept;

	mdb_txn_reset(txn);
	(void)pthread_mutex_lock(&env->lock);
	env->active--;
	is_kept = env->idle_count < ENV_IDLE_MAX;
	if (is_kept)
		env->idle[env->idle_count++] = txn;
	(void)pthread_mutex_unlock(&env->lock);
	if (!is_kept)
		mdb_txn_abort(txn);
}

int env_write(store_env *env, MDB_txn **ret_txn)
{
	int rc;

	(void)pthread_mutex_lock(&env->lock);
	env->active++;
	(void)pthread_mutex_unlock(&env->lock);
	rc = begin(env, NULL, 0, ret_txn);
	if (rc == MDB_MAP_RESIZED && grow(env))
		rc = begin(env, NULL, 0, ret_txn);
	if (rc != 0)
		leave(env);
	return rc;
}

int env_commit(store_env *env, MDB_txn *txn)
{
	int rc = mdb_txn_commit(txn);

	leave(env);
	return rc;
}

void env_abort(store_env *env, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	leave(env);
}

int env_turn(store_env *env)
{
	size_t last = env_txnid(env);
	MDB_txn *txn;
	int rc = env_write(env, &txn);

	if (rc != 0)
		return rc;
	rc = put_meta(txn, env->meta, "turn", (fl_bin){&last, sizeof last});
	if (rc == 0)
		return env_commit(env, txn);
	env_abort(env, txn);
	return rc;
}

size_t env_txnid(const store_env *env)
{
	MDB_envinfo info;

	return mdb_env_info(env->mdb, &info) == 0 ? info.me_last_txnid : 0;
}

int env_forget_dead(store_env *env)
{
	int dead = 0;

	return mdb_reader_check(env->mdb, &dead) == 0 ? dead : 0;
}
