/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_REGISTRY_H
#define FLI_REGISTRY_H

/*
 * The tables of a registry: keys, entries of processes, metadata. Elixir's Registry; what users see
 * is <flitch/registry.h>.
 *
 *     fli_registry --- partitions[] --- keys: fli_reg_key --- entries ---.
 *                                                                fli_reg_entry
 *     fl_proc.extra --- registered --------------------------------------'
 *
 * Threads: the owner of the node's context. Memory: a registry is owned by its process; entries go
 * with either end. Errors: FL_E*. Limits: those below, checked before anything is allocated.
 */

#include "flitch/registry.h"
#include "node/runtime.h"
#include "node/sup_spec.h"

#define FLI_REGISTRY_TERM_BYTES_MAX (16U << 20)
#define FLI_REGISTRY_META_MAX 1024
#define FLI_REGISTRY_META_BYTES_MAX 65536
#define FLI_REGISTRY_PARTITIONS_MAX 1024

typedef struct fli_reg_partition {
	fli_map keys; /* fli_reg_key */
} fli_reg_partition;

typedef struct fli_registry {
	fl_proc *proc;
	const fl_registry *config;
	uint32_t partitions_count;
	fli_reg_partition *partitions;
	fli_link entries; /* all of them */
	fli_map meta;     /* meta_item */
	uint64_t count;
} fli_registry;

typedef struct fli_reg_key {
	uint64_t hash;
	fli_reg_partition *partition;
	fli_link entries;
	uint32_t size;
	uint8_t bytes[];
} fli_reg_key;

typedef struct fli_reg_entry {
	fli_link in_key;
	fli_link in_proc; /* fli_extra.registered */
	fli_link in_registry;
	fli_registry *registry;
	fli_reg_key *key;
	fl_proc *proc;
	fli_kept *value;
} fli_reg_entry;

/* What is looked for: a key and its hash. */
typedef struct fli_reg_wanted {
	fl_term key;
	uint64_t hash;
} fli_reg_wanted;

int fli_registry_create(fli_registry *registry, fl_proc *proc, const fl_registry *config);
void fli_registry_destroy(fli_registry *registry);
/* NULL: no registry of that name runs. */
fli_registry *fli_registry_find(const fl_node *node, fl_atom name);
fl_behaviour fli_registry_handlers(const fl_behaviour *behaviour);

/* FL_ELIMIT: the key is too large. FL_ENOMEM. */
int fli_registry_want(const fli_registry *registry, fl_term key, fli_reg_wanted *ret_wanted);
/* FL_ETAKEN: *ret_owner has it. */
int fli_registry_add(fli_registry *registry, fl_proc *proc, const fli_reg_wanted *wanted,
	fl_term value, fl_proc **ret_owner);
/* Takes an entry out; its key goes with the last one. Tells nobody. */
void fli_registry_remove(fli_reg_entry *entry);
/* Entries of `proc` are gone: listeners are told when it lives, as Elixir's are. */
void fli_registry_tell_end(
	const fli_registry *registry, const fl_proc *proc, fl_term key, bool is_alive);
/* The entries of a key, partition after partition: start with NULL. */
fli_reg_entry *fli_registry_next(
	const fli_registry *registry, const fli_reg_wanted *wanted, fli_reg_entry *entry);
/* Who has a unique key, or NULL. */
fl_proc *fli_registry_owner(const fli_registry *registry, const fli_reg_wanted *wanted);
static inline fl_term fli_reg_key_term(const fli_registry *registry, const fli_reg_key *key)
{
	return fli_term(registry->proc->node, key->bytes, key->size);
}
static inline fl_term fli_reg_value(const fli_reg_entry *entry)
{
	return fli_kept_term(entry->value, entry->registry->proc->node->atoms);
}

/* Metadata. FL_ENOENT; FL_EINVAL for a key that is neither an atom nor a tuple; FL_ELIMIT. */
int fli_registry_meta_get(const fli_registry *registry, fl_term key, fl_term *ret_value);
int fli_registry_meta_put(fli_registry *registry, fl_term key, fl_term value);
int fli_registry_meta_delete(fli_registry *registry, fl_term key);

/* Its entries are gone; a registry takes those that are registered with it. */
void fli_registry_on_exit(fl_proc *proc, fl_term reason);

/* ---- what C's functions and Elixir's names share (registry_ask.c) ------------------------------
 */

/* [{Pid, Value}] of what fits; `what` is {Key, Pattern} or {Key, Pattern, Guards}. */
int fli_registry_match(
	const fli_registry *registry, fl_term what, fl_buf *ret_list, size_t *ret_count);
/*
 * What a match specification over {Key, Pid, Value} gives: a list, or, where ret_list is NULL, how
 * many entries it was true for. FL_EFORMAT: a clause is of another form; FL_EINVAL: it is none.
 */
int fli_registry_select(
	const fli_registry *registry, fl_term spec, fl_buf *ret_list, size_t *ret_count);
int fli_registry_lookup(const fli_registry *registry, fl_term key, fl_buf *ret_list);
int fli_registry_values(
	const fli_registry *registry, fl_term key, const fl_pid *pid, fl_buf *ret_list);
int fli_registry_keys_of(const fli_registry *registry, const fl_pid *pid, fl_buf *ret_list);
int fli_registry_unregister(fli_registry *registry, fl_proc *proc, fl_term key);
int fli_registry_unregister_match(fli_registry *registry, fl_proc *proc, fl_term what);
int fli_registry_register(
	fli_registry *registry, fl_proc *proc, fl_term key, fl_term value, fl_proc **ret_owner);

#endif
