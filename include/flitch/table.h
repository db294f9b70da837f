/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TABLE_H
#define FLITCH_TABLE_H

/*
 * Tables: ets in C, under OTP's words and with OTP's answers (the reference manual's page on ets).
 *
 *     fl_table_new(self, "stock", &(fl_table_options){.access = FL_TABLE_PUBLIC}, &tab);
 *     fl_table_insert(tab, "{~, ~}", id, amount);
 *     if (fl_table_lookup(tab, &rows, id) == FL_OK) {
 *             while (fl_rows_next(&rows, &object))
 *                     fl_match(object, "{_, ~}", &amount);
 *             fl_rows_end(&rows);
 *     }
 *
 * An object is a tuple; its key is the element at `keypos`. Keys are any terms, one key when they
 * are equal: by =:= in a set or bag, by == in an ordered_set. Processes of this node and, by rpc
 * and erpc, those of others reach a table as ets:lookup(stock, Id): within its access rights.
 *
 * Threads: what takes an fl_tab and no `self` may be called from any thread (late handlers, work of
 * fl_offload). Readers take no lock and wait for nobody; writers of one table wait for each other.
 * Each function is atomic for one key, and fl_table_insert_list for all its objects, as in OTP.
 * Memory: what is inserted is copied. Rows of a lookup are *borrowed*: they stay as they are,
 * whatever happens to the table, until fl_rows_end; be brief, since memory that writers free
 * meanwhile waits for it. What is appended to an fl_buf is a copy.
 * Errors: FL_ECLOSED the table is gone; FL_EREFUSED its access rights; FL_ENOENT no such key;
 * FL_EINVAL no such object, position or specification; FL_ELIMIT, FL_ENOMEM. Nothing has changed
 * then.
 * Limits: 8,192 tables a node; `bytes_max` a table; integers of counters and match specifications
 * up to 127 bits; a match specification 2^32 steps and a list of results 256 MiB a call.
 *
 * What goes through a whole table (fold, list, select and its kind) does so by pieces: between two
 * of them writers have their turn and memory is freed. Each object is seen as a whole, the table is
 * not.
 */

#include "flitch/process.h"

typedef enum fl_table_type {
	FL_TABLE_SET,
	FL_TABLE_ORDERED_SET,
	FL_TABLE_BAG,
	FL_TABLE_DUPLICATE_BAG
} fl_table_type;

typedef enum fl_table_access {
	FL_TABLE_PROTECTED, /* all read, the owner writes */
	FL_TABLE_PUBLIC,
	FL_TABLE_PRIVATE /* the owner's alone */
} fl_table_access;

/* Zeros are OTP's defaults: a protected set, its key at position 1. */
typedef struct fl_table_options {
	fl_table_type type;
	fl_table_access access;
	uint32_t keypos;   /* 1 based; 0: 1 */
	bool is_anonymous; /* not named_table: found by its identifier alone */
	size_t bytes_max;  /* FL_ELIMIT beyond; 0: no bound */
} fl_table_options;

/* A table, and the process whose rights count. A plain value; it may outlive the table. */
typedef struct fl_tab {
	fl_node *node;
	uint32_t slot;
	uint32_t generation;
	uint64_t process;
} fl_tab;

/* ---- the table as a whole: from a handler of `self` ------------------------------------------ */

/* ets:new(Name, Options); the table dies with `self`. FL_ETAKEN: the name. */
int fl_table_new(fl_proc *self, const char *name, const fl_table_options *options, fl_tab *ret_tab);
/* The table of that name, for `self`; false when there is none. */
bool fl_table_whereis(fl_proc *self, const char *name, fl_tab *ret_tab);
/* ets:delete(Table). */
int fl_table_delete(fl_proc *self, fl_tab tab);
/* ets:rename(Table, Name). FL_ETAKEN. */
int fl_table_rename(fl_proc *self, fl_tab tab, const char *name);
int fl_table_give_away_spec(fl_proc *self, fl_tab tab, fl_pid to, fl_spec data);
/* ets:give_away(Table, To, Data): `to` gets {'ETS-TRANSFER', Table, Self, Data}. FL_ENOPROC. */
#define fl_table_give_away(self, tab, to, ...)                                                     \
	fl_table_give_away_spec((self), (tab), (to), fl_spec(__VA_ARGS__))
int fl_table_heir_spec(fl_proc *self, fl_tab tab, const fl_pid *heir, fl_spec data);
/* {heir, Pid, Data}: who gets the table, and that message, when its owner ends. NULL: none. */
#define fl_table_heir(self, tab, heir, ...)                                                        \
	fl_table_heir_spec((self), (tab), (heir), fl_spec(__VA_ARGS__))
/* ets:safe_fixtable(Table, On): until then ets:next goes on from keys that have been deleted. */
int fl_table_fix(fl_proc *self, fl_tab tab, bool on);

/* What ets:info says of numbers. */
typedef struct fl_table_info {
	fl_table_type type;
	fl_table_access access;
	uint32_t keypos;
	size_t size;   /* objects */
	size_t memory; /* bytes */
	bool is_fixed;
} fl_table_info;
int fl_table_info_get(fl_tab tab, fl_table_info *ret_info);

/* ---- writing --------------------------------------------------------------------------------- */

int fl_table_insert_spec(fl_tab tab, fl_spec object);
/* ets:insert(Table, Object). */
#define fl_table_insert(tab, ...) fl_table_insert_spec((tab), fl_spec(__VA_ARGS__))
int fl_table_insert_new_spec(fl_tab tab, fl_spec object);
/* ets:insert_new(Table, Object); FL_EALREADY where that is false. */
#define fl_table_insert_new(tab, ...) fl_table_insert_new_spec((tab), fl_spec(__VA_ARGS__))
/* A list of objects, or one: all or nothing, and all at once. FL_EALREADY as above. */
int fl_table_insert_list(fl_tab tab, fl_term objects, bool only_new);

int fl_table_erase_key(fl_tab tab, fl_value key);
/* ets:delete(Table, Key). A key is a C value or an fl_term, as for `~` of fl_build. */
#define fl_table_erase(tab, key) fl_table_erase_key((tab), FLI_VALUE(key))
/* ets:delete_object(Table, Object) */
int fl_table_delete_object(fl_tab tab, fl_term object);
/* ets:delete_all_objects(Table) */
int fl_table_delete_all(fl_tab tab);
int fl_table_take_key(fl_tab tab, fl_value key, fl_buf *ret_objects);
/* ets:take(Table, Key): a list. */
#define fl_table_take(tab, key, ret_objects) fl_table_take_key((tab), FLI_VALUE(key), (ret_objects))

int fl_table_update_counter_key(
	fl_tab tab, fl_value key, fl_term update, const fl_term *otherwise, fl_buf *ret_result);
/*
 * ets:update_counter(Table, Key, Update[, Default]) in all its forms; `otherwise` is the default
 * object, or NULL. FL_ENOENT: no such key.
 */
#define fl_table_update_counter(tab, key, update, otherwise, ret_result)                           \
	fl_table_update_counter_key((tab), FLI_VALUE(key), (update), (otherwise), (ret_result))
/* The common form: adds to the element behind the key, makes {Key, Amount} where there is none. */
int fl_table_add_key(fl_tab tab, fl_value key, int64_t amount, int64_t *ret_total);
#define fl_table_add(tab, key, amount, ret_total)                                                  \
	fl_table_add_key((tab), FLI_VALUE(key), (amount), (ret_total))
int fl_table_update_element_key(fl_tab tab, fl_value key, fl_term update, const fl_term *otherwise);
/* ets:update_element(Table, Key, {Pos, Value} or a list of them[, Default]). FL_ENOENT: false. */
#define fl_table_update_element(tab, key, update, otherwise)                                       \
	fl_table_update_element_key((tab), FLI_VALUE(key), (update), (otherwise))

/* ---- reading --------------------------------------------------------------------------------- */

enum { FLI_ROWS_FEW = 6 };

/* The objects of a key, borrowed. */
typedef struct fl_rows {
	fl_node *node;
	uint32_t left;
	uint32_t guard;
	const void **rows; /* `few`, or memory of their own; the newest first */
	const void *few[FLI_ROWS_FEW];
} fl_rows;

int fl_table_lookup_key(fl_tab tab, fl_rows *ret_rows, fl_value key);
/* ets:lookup(Table, Key). FL_ENOENT: none, and there is nothing to end. */
#define fl_table_lookup(tab, ret_rows, key) fl_table_lookup_key((tab), (ret_rows), FLI_VALUE(key))
bool fl_rows_next(fl_rows *rows, fl_term *ret_object);
void fl_rows_end(fl_rows *rows);

int fl_table_member_key(fl_tab tab, fl_value key);
/* ets:member(Table, Key): FL_OK or FL_ENOENT. */
#define fl_table_member(tab, key) fl_table_member_key((tab), FLI_VALUE(key))
int fl_table_objects_key(fl_tab tab, fl_value key, fl_buf *ret_objects);
/* ets:lookup as a copy: a list. */
#define fl_table_objects(tab, key, ret_objects)                                                    \
	fl_table_objects_key((tab), FLI_VALUE(key), (ret_objects))
int fl_table_element_key(fl_tab tab, fl_value key, uint32_t pos, fl_buf *ret_element);
/* ets:lookup_element(Table, Key, Pos): of a bag a list. FL_ENOENT: no such key. */
#define fl_table_element(tab, key, pos, ret_element)                                               \
	fl_table_element_key((tab), FLI_VALUE(key), (pos), (ret_element))

/*
 * Many lookups in one section, in a set or ordered_set. An object is borrowed until the section
 * ends; each is what its key had at a moment of its own. A section belongs to one thread; be brief,
 * as with rows.
 *
 *     if (fl_view_begin(tab, &view) == FL_OK) {
 *             there = fl_view_get_ints(&view, ids, count, objects);
 *             ...
 *             fl_view_end(&view);
 *     }
 */
typedef struct fl_view {
	fl_node *node;
	const void *table;
	uint32_t guard;
} fl_view;

/* FL_OK means fl_view_end. FL_EINVAL: a bag, a key of which has more than one object. */
int fl_view_begin(fl_tab tab, fl_view *ret_view);
void fl_view_end(fl_view *view);
int fl_view_get_key(const fl_view *view, fl_value key, fl_term *ret_object);
/* FL_ENOENT. */
#define fl_view_get(view, key, ret_object) fl_view_get_key((view), FLI_VALUE(key), (ret_object))
/*
 * The objects of many keys, in their order; .data is NULL where there is none. Returns how many
 * there are. Memory is asked for ahead, so in a set that no cache holds this takes a fraction of
 * the time that as many single lookups wait.
 */
size_t fl_view_get_many(
	const fl_view *view, const fl_term *keys, size_t count, fl_term *ret_objects);
/* The same for integers. */
size_t fl_view_get_ints(
	const fl_view *view, const int64_t *keys, size_t count, fl_term *ret_objects);

/*
 * ets:first, last, next, prev: append a key. FL_ENOENT: '$end_of_table'. Of a hashed table the
 * order is its own, last is first and prev is next; FL_EINVAL there when the key is gone and the
 * table not fixed. With `objects`, as first_lookup and its like of OTP 27: {Key, Objects}.
 */
typedef enum fl_table_step { FL_FIRST, FL_LAST, FL_NEXT, FL_PREV } fl_table_step;
int fl_table_walk(fl_tab tab, fl_table_step step, fl_term key, bool objects, fl_buf *ret_key);

/* Called for each object, which is borrowed for the call; false ends the walk. */
typedef bool fl_table_visit(void *ctx, fl_term object);
/* ets:foldl: objects that are there all the while are seen once; inserts meanwhile may be. */
int fl_table_fold(fl_tab tab, fl_table_visit *visit, void *ctx);
/* ets:tab2list(Table) */
int fl_table_list(fl_tab tab, fl_buf *ret_list);

/* ---- match specifications -------------------------------------------------------------------- */

typedef enum fl_table_query {
	FL_SELECT,        /* a match specification */
	FL_MATCH,         /* a pattern; results are lists of what '$1', '$2', ... hold */
	FL_MATCH_OBJECT,  /* a pattern; results are the objects */
	FL_SELECT_REVERSE /* as FL_SELECT, of an ordered_set from its end on */
} fl_table_query;

/* ets:select(Table, Spec), ets:match, ets:match_object: a list. */
int fl_table_select(fl_tab tab, fl_table_query query, fl_term spec, fl_buf *ret_list);
/* The same by pieces: {Results, Continuation} or '$end_of_table'. */
int fl_table_select_some(
	fl_tab tab, fl_table_query query, fl_term spec, uint32_t limit, fl_buf *ret_some);
/* ets:select(Continuation) */
int fl_table_select_more(fl_tab tab, fl_term continuation, fl_buf *ret_some);
/* ets:select_count(Table, Spec): of objects for which the body is `true`. */
int fl_table_select_count(fl_tab tab, fl_term spec, size_t *ret_count);
/* ets:select_delete(Table, Spec); with FL_MATCH ets:match_delete(Table, Pattern). */
int fl_table_select_delete(fl_tab tab, fl_table_query query, fl_term spec, size_t *ret_count);

/*
 * ets:select_replace(Table, Spec): what the body gives takes the object's place. FL_EINVAL: a bag,
 * or a body of which it is not plain that the key stays.
 */
int fl_table_select_replace(fl_tab tab, fl_term spec, size_t *ret_count);

/* ---- persistent terms ------------------------------------------------------------------------ */

int fl_persistent_put_spec(fl_proc *self, fl_value key, fl_spec value);
/* persistent_term:put(Key, Value): of the node, readable without a lock and without a copy. */
#define fl_persistent_put(self, key, ...)                                                          \
	fl_persistent_put_spec((self), FLI_VALUE(key), fl_spec(__VA_ARGS__))
int fl_persistent_get_key(fl_proc *self, fl_rows *ret_rows, fl_value key, fl_term *ret_value);
/* The value is borrowed until fl_rows_end(&rows). FL_ENOENT: none, and nothing to end. */
#define fl_persistent_get(self, ret_rows, key, ret_value)                                          \
	fl_persistent_get_key((self), (ret_rows), FLI_VALUE(key), (ret_value))
int fl_persistent_erase_key(fl_proc *self, fl_value key);
/* FL_ENOENT when there was none. */
#define fl_persistent_erase(self, key) fl_persistent_erase_key((self), FLI_VALUE(key))

#endif
