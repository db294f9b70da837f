/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TABLE_H
#define FLI_TABLE_H

/*
 * The tables of a node: who has them, who may use them, and what their files share.
 *
 *     fl_tab {slot, generation, process} --> tables.slots[slot] --> fli_table --> hash or tree
 *
 *     table.c         made, named, given away, inherited, ended     table_fix.c  fixed
 *     table_use.c     a table opened for one operation, its keys, its places
 *     table_put.c     insert            table_cut.c    delete, take
 *     table_read.c    lookup, walks     table_view.c   many lookups at once
 *     table_count.c  update_counter, update_element
 *     table_splice.c  one element of a row        table_replace.c  whole objects
 *     table_select.c  match specifications over a table (mspec.h)
 *
 * Threads: the slots and a table's constants any, inside an epoch; its content any reads, one
 * writes under `lock`; fixations change under `fixers_lock`; names, owners and heirs change in the
 * context, which waits for no write.
 * Memory: a table lives in its slot until it is ended, then until its epoch has passed.
 * Errors: FL_E* as <flitch/table.h> says. Limits: FLI_TABLES_MAX.
 */

#include <pthread.h>

#include "flitch/table.h"
#include "node/runtime.h"
#include "node/table_hash.h"
#include "node/table_tree.h"

enum { FLI_TABLES_MAX = 8192, FLI_TABLE_RESULT_MAX = 256 << 20 /* bytes */ };

/* How often a process has fixed a table. */
typedef struct fli_fixer {
	uint64_t process;
	uint32_t count;
} fli_fixer;

typedef struct fli_table {
	fli_block block; /* of tables.dead */
	struct fli_tables *tables;
	uint32_t slot, generation;
	fl_table_type type;
	fl_table_access access;
	uint32_t keypos;
	size_t bytes_max; /* 0: none */
	uint64_t seed;
	_Atomic(uint64_t) owner; /* a process, as in fl_tab; changes in the context */

	/* The context. */
	fl_atom name; /* interned */
	bool is_named;
	fl_ref ref;
	fl_pid owner_pid;
	bool has_heir;
	fl_pid heir;
	fl_term heir_data; /* a copy */
	uint64_t dead_stamp;

	/* Held for as long as a write takes: who has the context never waits for it. */
	pthread_mutex_t lock; /* of what follows, for writers */
	pthread_mutex_t
		line; /* who has to wait for the lock does so with this; see fli_use_pause */
	fli_hindex hash;
	fli_tree tree; /* of an ordered_set */
	fli_limbo limbo;
	fli_block *tombs; /* rows of keys that went while it was fixed (fli_row_gone) */

	pthread_mutex_t fixers_lock; /* of what follows; short */
	fli_fixer *fixers;
	uint32_t fixers_count, fixers_capacity;
	int64_t fixed_us; /* when the first of them came */

	_Atomic(bool) is_dead;      /* any: nobody begins to write any more */
	_Atomic(uint32_t) is_fixed; /* any: fixations */
	_Atomic(size_t) size;       /* any */
	_Atomic(size_t) bytes;      /* any */
} fli_table;

typedef struct fli_tables {
	fl_node *node;
	fli_epochs epochs;
	uint32_t generation;
	uint32_t count;
	fli_map names, refs;
	fli_block *dead;  /* fli_table.block: ended, a reader may still be there */
	fli_table *terms; /* of persistent_term; NULL until the first */
	_Atomic(fli_table *) slots[FLI_TABLES_MAX];
} fli_tables;

/* ---- table.c: the context's owner ------------------------------------------------------------ */

/* The tables of a node, made when they are first asked for; NULL: out of memory. */
fli_tables *fli_tables_of(fl_node *node);
/* fli_tables_delete and fli_tables_on_exit are in runtime.h. */
/* NULL: none. `key` is an atom (a name) or the reference of a table. */
fli_table *fli_tables_find(fl_node *node, fl_term key);
fli_table *fli_tables_named(const fl_node *node, fl_atom name);
/* Visits all: start with *cursor = 0. */
fli_table *fli_tables_next(const fl_node *node, uint32_t *cursor);
size_t fli_tables_bytes(const fl_node *node);
fl_tab fli_tab_of(const fli_table *table, const fl_proc *self);
static inline uint64_t fli_process_key(const fl_pid *pid)
{
	return (uint64_t)pid->serial << 32 | pid->id;
}
/* The name of a named table, else its reference. */
void fli_table_id_write(const fli_table *table, fl_buf *buf);
const char *fli_table_type_text(fl_table_type type);
const char *fli_table_access_text(fl_table_access access);
/* A table without owner or slot, as persistent_term has one. NULL: out of memory. */
fli_table *fli_table_make(fli_tables *tables, const fl_table_options *options);
void fli_table_free(fli_table *table);

/* Why a position or an update is FL_EINVAL, for who tells Erlang. */
enum { FLI_EPOSITION = -101, FLI_EKEYPOS = -102, FLI_ETYPE = -103 };
static inline int fli_table_rc(int rc)
{
	return rc <= FLI_EPOSITION ? FL_EINVAL : rc;
}
int fli_table_update_counter(
	fl_tab tab, fl_term key, fl_term update, const fl_term *otherwise, fl_buf *ret_result);
int fli_table_select_replace(fl_tab tab, fl_term spec, size_t *ret_count);
int fli_table_update_element(fl_tab tab, fl_term key, fl_term update, const fl_term *otherwise);

/* ---- table_fix.c: the context's owner -------------------------------------------------------- */

/* A process ends. Who writes to the table meanwhile sweeps it when he is done (fli_use_end). */
void fli_table_unfix(fli_table *table, uint64_t process);

/* ---- table_use.c ----------------------------------------------------------------------------- */

typedef enum fli_table_right { FLI_TABLE_LOOK, FLI_TABLE_READ, FLI_TABLE_WRITE } fli_table_right;

/* Where a reader stands: a place with a key, in either kind of index. */
typedef struct fli_spot {
	fli_tnode *tnode;    /* NULL: in the hash */
	const fli_row *head; /* what lies there in the hash; may be a tombstone */
	const fli_row *row;  /* what it sees there */
} fli_spot;

/* One operation. */
typedef struct fli_use {
	fli_table *table;
	fli_tables *tables;
	fl_tab tab; /* as which it was opened */
	unsigned guard;
	bool is_locked;
} fli_use;

/* Opens the table; FL_OK means fli_use_end. To write is to hold its lock. */
int fli_use_begin(fl_tab tab, fli_table_right right, fli_use *ret_use);
/* The same for a table that cannot end. */
void fli_use_table(fli_table *table, fli_table_right right, fli_use *ret_use);
void fli_use_end(fli_use *use);
/*
 * Ends an operation to read or write and begins it anew where `spot` stands: memory is freed
 * meanwhile, and writers who wait come first. *ret_there: there is a place from there on, which is
 * before it if `back`. Not FL_OK: it has ended.
 */
int fli_use_pause(fli_use *use, fli_spot *spot, bool back, bool *ret_there);

/* A key given as a C value. */
typedef struct fli_key {
	fl_term term;
	bool is_built; /* in `buf`, else in `room` or the value's own */
	fl_buf buf;
	uint8_t room[72];
} fli_key;

enum { FLI_INTEGER_ROOM = 11 };
/* As fl_build writes it; returns its size. */
size_t fli_integer_write(uint8_t room[static FLI_INTEGER_ROOM], int64_t number);
/* FL_OK means fli_key_end. */
int fli_key_begin(fli_key *key, fl_value value);
void fli_key_end(fli_key *key);
/* The hash, where the table has one. */
int fli_key_hash(const fli_table *table, fl_term key, uint64_t *ret_hash);

static inline bool fli_table_is_ordered(const fli_table *table)
{
	return table->type == FL_TABLE_ORDERED_SET;
}

static inline bool fli_table_has_bags(const fli_table *table)
{
	return table->type == FL_TABLE_BAG || table->type == FL_TABLE_DUPLICATE_BAG;
}

/* The place of a key; false when there is none. `row` may be NULL: a tombstone, or a batch. */
bool fli_spot_find(const fli_table *table, fl_term key, fli_spot *ret_spot);
bool fli_spot_first(const fli_table *table, fli_spot *ret_spot);
bool fli_spot_last(const fli_table *table, fli_spot *ret_spot);
/* The next place that has a row. */
bool fli_spot_next(const fli_table *table, fli_spot *spot);
/* The next or previous place from a key that need not be there. */
bool fli_spot_after(const fli_table *table, fl_term key, fli_spot *ret_spot);
bool fli_spot_before(const fli_table *table, fl_term key, fli_spot *ret_spot);

/* ---- table_put.c, table_cut.c, table_splice.c: under the lock
 * ------------------------------------------------ */

/* Inserts them as one. FL_EALREADY: `only_new`, and one of the keys is there. */
int fli_table_put(fli_table *table, fli_object *objects, size_t count, bool only_new);
/* The row of a key in a set or ordered_set, and an element of it; table_splice.c. */
typedef struct fli_splice {
	fli_table *table;
	fli_hplace *place; /* or */
	fli_tnode *tnode;
	fli_row *row;
	fl_term element;
} fli_splice;
/* FL_ENOENT; FLI_EKEYPOS, FLI_EPOSITION. */
int fli_splice_find(fli_table *table, fl_term key, uint32_t pos, fli_splice *ret_splice);
/* The encoded term takes the element's place. */
int fli_splice_put(const fli_splice *splice, const uint8_t *value, size_t value_size);

/* What takes the place of an object of the same key; false: it stays. Borrowed for the call. */
typedef bool fli_table_change(void *ctx, fl_term object, fl_term *ret_object);
/* Of all objects at the spot, as one; *count is added to. Not for FL_TABLE_BAG; table_replace.c. */
typedef struct fli_replace {
	fli_table_change *change;
	void *ctx;
	size_t count;
} fli_replace;
int fli_table_replace(fli_table *table, const fli_spot *spot, fli_replace *replace);

/* Whether a row goes. */
typedef bool fli_table_goes(void *ctx, const fli_row *row);
/* Rows of the place for which it says so; NULL: all of them. */
typedef struct fli_cut {
	fli_table_goes *goes;
	void *ctx;
	size_t count; /* that went */
} fli_cut;
int fli_table_cut(fli_table *table, fl_term key, fli_cut *cut);
/* So many keys from the spot on, which moves on; *is_there: whether it stands before something. */
int fli_table_cut_on(fli_table *table, fli_cut *cut, uint32_t keys, fli_spot *spot, bool *is_there);
/* FL_ENOMEM: nothing has changed. */
int fli_table_clear(fli_table *table);
/* So many tombstones go. */
void fli_table_sweep_tombs(fli_table *table, size_t count);
/* Some go, if nobody fixes the table; not under the lock: does nothing when somebody has it. */
void fli_table_tidy(fli_table *table);

/* ---- table_read.c ---------------------------------------------------------------------------- */

/* Bytes. */
size_t fli_table_memory(const fli_table *table);
/* The rows from `row` on, oldest first by fl_rows_next; the guard is the caller's until it is OK.
 */
int fli_rows_take(const fli_use *use, const fli_row *row, fl_rows *ret_rows);
/* The memory of rows alone: the guard stays. */
void fli_rows_drop(fl_rows *rows);
/* The rows of a place as a list. */
int fli_rows_write(const fli_use *use, const fli_row *row, fl_buf *buf);

#endif
