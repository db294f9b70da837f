/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a registry, and its process.
 *
 *  - An entry hangs in its key's list and in its process's, so that either end takes it out at
 * once.
 *  - A process's entries go in its burial, before links and monitors are told: whoever hears of the
 *    end finds no entry.
 *  - A registry that ends sends those that are registered its reason, as a link to it would.
 *
 * Failure: without memory nothing is changed; a listener that cannot be told is not told.
 */
#include "node/registry.h"

#include <string.h>

#include "node/behaviours.h"
#include "node/events.h"
#include "node/owned.h"
#include "node/sched.h"
#include "node/term/hash.h"

typedef struct meta_item {
	uint64_t hash;
	fli_kept *key, *value;
} meta_item;

typedef struct registry_state {
	fli_registry *registry; /* NULL until init */
} registry_state;

/* ---- keys -------------------------------------------------------------------------------------
 */

static bool has_key(const void *item, const void *key)
{
	const fli_reg_key *have = item;
	const fl_term *want = key;
	fl_term term = {.data = have->bytes, .size = have->size, .atoms = want->atoms};

	return fl_equal(term, *want);
}

static bool has_meta(const void *item, const void *key)
{
	const fl_term *want = key;

	return fl_equal(fli_kept_term(((const meta_item *)item)->key, want->atoms), *want);
}

static fli_reg_partition *partition_of(
	const fli_registry *registry, uint64_t hash, const fl_proc *proc)
{
	if (registry->config->keys == FL_DUPLICATE)
		hash = fli_hash_mix((uint64_t)proc->serial << 32 | proc->id);
	return &registry->partitions[hash % registry->partitions_count];
}

int fli_registry_want(const fli_registry *registry, fl_term key, fli_reg_wanted *ret_wanted)
{
	uint64_t hash;

	if (key.size > FLI_REGISTRY_TERM_BYTES_MAX)
		return FL_ELIMIT;
	if (!fli_term_hash(registry->proc->node->seed, key, &hash))
		return FL_ENOMEM;
	*ret_wanted = (fli_reg_wanted){key, hash};
	return FL_OK;
}

static fli_reg_key *find_key(const fli_reg_partition *partition, const fli_reg_wanted *wanted)
{
	return fli_map_get(&partition->keys, wanted->hash, &wanted->key);
}

static fli_reg_key *make_key(
	const fli_registry *registry, fli_reg_partition *partition, const fli_reg_wanted *wanted)
{
	fli_mem *mem = registry->proc->node->mem;
	fl_buf buf = FL_BUF_INIT; /* what remains of a list has no bytes of its own */
	fli_reg_key *key = NULL;

	if (fl_build(&buf, "~", wanted->key) == FL_OK)
		key = fli_zalloc(mem, sizeof *key + buf.size);
	if (key != NULL) {
		key->hash = wanted->hash;
		key->partition = partition;
		key->size = (uint32_t)buf.size;
		memcpy(key->bytes, buf.data, buf.size);
		fli_list_create(&key->entries);
		if (fli_map_put(&partition->keys, key->hash, key) != FL_OK) {
			fli_free(mem, key);
			key = NULL;
		}
	}
	fl_buf_free(&buf);
	return key;
}

static void drop_key_if_empty(fli_mem *mem, fli_reg_key *key)
{
	fl_term term = {.data = key->bytes, .size = key->size};

	if (!fli_list_is_empty(&key->entries))
		return;
	(void)fli_map_remove(&key->partition->keys, key->hash, &term);
	fli_free(mem, key);
}

/* ---- listeners --------------------------------------------------------------------------------
 */

static fl_atom name_of(const fli_registry *registry)
{
	const fl_proc *proc = registry->proc;

	return proc->name != NULL ? proc->name->text : fl_atom_of(proc->behaviour->name);
}

static void tell(const fli_registry *registry, fl_spec message)
{
	const char *const *at = registry->config->listeners;

	for (; at != NULL && *at != NULL; at++) {
		fl_dest to = fl_to_name(*at);

		/* best effort: one that does not run is not told */
		(void)fli_send_spec(registry->proc->node, registry->proc, &to, message);
	}
}

static void emit(
	const fli_registry *registry, fli_event_kind kind, const fl_proc *proc, fl_term key)
{
	fli_event_tell(registry->proc->node, kind,
		fl_spec("#{registry => ~, key => ~, pid => ~}", name_of(registry), key,
			fli_proc_pid(proc)));
}

void fli_registry_tell_end(
	const fli_registry *registry, const fl_proc *proc, fl_term key, bool is_alive)
{
	if (FLI_UNLIKELY(fli_event_wanted(proc->node, FLI_EVENT_UNREGISTER)))
		emit(registry, FLI_EVENT_UNREGISTER, proc, key);
	if (is_alive && registry->config->listeners != NULL)
		tell(registry, fl_spec("{unregister, ~, ~, ~}", name_of(registry), key,
				       fli_proc_pid(proc)));
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static fli_reg_entry *make_entry(
	fli_registry *registry, fli_reg_key *key, fl_proc *proc, fl_term value)
{
	fli_mem *mem = registry->proc->node->mem;
	fli_reg_entry *entry = fli_zalloc(mem, sizeof *entry);

	if (entry != NULL)
		entry->value = fli_keep(mem, value);
	if (entry == NULL || entry->value == NULL) {
		fli_free(mem, entry);
		return NULL;
	}
	entry->registry = registry;
	entry->key = key;
	entry->proc = proc;
	fli_list_append(&key->entries, &entry->in_key);
	fli_list_append(&proc->extra->registered, &entry->in_proc);
	fli_list_append(&registry->entries, &entry->in_registry);
	registry->count++;
	return entry;
}

int fli_registry_add(fli_registry *registry, fl_proc *proc, const fli_reg_wanted *wanted,
	fl_term value, fl_proc **ret_owner)
{
	fli_reg_partition *partition = partition_of(registry, wanted->hash, proc);
	fli_reg_key *key = find_key(partition, wanted);

	if (registry->config->keys == FL_UNIQUE && key != NULL) {
		*ret_owner = fli_container_of(key->entries.next, fli_reg_entry, in_key)->proc;
		return FL_ETAKEN;
	}
	if (value.size > FLI_REGISTRY_TERM_BYTES_MAX)
		return FL_ELIMIT;
	if (fli_proc_extra(proc) == NULL)
		return FL_ENOMEM;
	if (key == NULL)
		key = make_key(registry, partition, wanted);
	if (key == NULL)
		return FL_ENOMEM;
	if (make_entry(registry, key, proc, value) == NULL) {
		drop_key_if_empty(proc->node->mem, key);
		return FL_ENOMEM;
	}
	if (FLI_UNLIKELY(fli_event_wanted(proc->node, FLI_EVENT_REGISTER)))
		emit(registry, FLI_EVENT_REGISTER, proc, wanted->key);
	if (registry->config->listeners != NULL)
		tell(registry, fl_spec("{register, ~, ~, ~, ~}", name_of(registry), wanted->key,
				       fli_proc_pid(proc), value));
	return FL_OK;
}

void fli_registry_remove(fli_reg_entry *entry)
{
	fli_mem *mem = entry->registry->proc->node->mem;

	fli_list_remove(&entry->in_key);
	fli_list_remove(&entry->in_proc);
	fli_list_remove(&entry->in_registry);
	entry->registry->count--;
	drop_key_if_empty(mem, entry->key);
	fli_free(mem, entry->value);
	fli_free(mem, entry);
}

/* The first entry of the key in this partition or a later one. */
static fli_reg_entry *first_from(
	const fli_registry *registry, const fli_reg_wanted *wanted, uint32_t at)
{
	for (; at < registry->partitions_count; at++) {
		fli_reg_key *key = find_key(&registry->partitions[at], wanted);

		if (key != NULL)
			return fli_container_of(key->entries.next, fli_reg_entry, in_key);
	}
	return NULL;
}

fli_reg_entry *fli_registry_next(
	const fli_registry *registry, const fli_reg_wanted *wanted, fli_reg_entry *entry)
{
	fli_reg_partition *only = NULL;

	if (registry->config->keys != FL_DUPLICATE)
		only = partition_of(registry, wanted->hash, NULL);
	if (entry == NULL && only != NULL) {
		fli_reg_key *key = find_key(only, wanted);

		return key == NULL ? NULL
				   : fli_container_of(key->entries.next, fli_reg_entry, in_key);
	}
	if (entry == NULL)
		return first_from(registry, wanted, 0);
	if (entry->in_key.next != &entry->key->entries)
		return fli_container_of(entry->in_key.next, fli_reg_entry, in_key);
	if (only != NULL)
		return NULL;
	return first_from(
		registry, wanted, (uint32_t)(entry->key->partition - registry->partitions) + 1);
}

fl_proc *fli_registry_owner(const fli_registry *registry, const fli_reg_wanted *wanted)
{
	fli_reg_entry *entry = fli_registry_next(registry, wanted, NULL);

	return entry == NULL ? NULL : entry->proc;
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

static int meta_find(const fli_registry *registry, fl_term key, uint64_t *ret_hash, meta_item **ret)
{
	fl_kind kind = fl_term_kind(key);

	if (kind != FL_ATOM && kind != FL_TUPLE)
		return FL_EINVAL;
	if (!fli_term_hash(registry->proc->node->seed, key, ret_hash))
		return FL_ENOMEM;
	*ret = fli_map_get(&registry->meta, *ret_hash, &key);
	return *ret == NULL ? FL_ENOENT : FL_OK;
}

int fli_registry_meta_get(const fli_registry *registry, fl_term key, fl_term *ret_value)
{
	meta_item *item;
	uint64_t hash;
	int rc = meta_find(registry, key, &hash, &item);

	if (rc == FL_OK)
		*ret_value = fli_kept_term(item->value, registry->proc->node->atoms);
	return rc;
}

static void meta_free(fli_mem *mem, meta_item *item)
{
	fli_free(mem, item->key);
	fli_free(mem, item->value);
	fli_free(mem, item);
}

static int meta_add(fli_registry *registry, fl_term key, uint64_t hash, fli_kept *value)
{
	fli_mem *mem = registry->proc->node->mem;
	meta_item *item = NULL;

	if (registry->meta.count >= FLI_REGISTRY_META_MAX)
		return FL_ELIMIT;
	item = fli_zalloc(mem, sizeof *item);
	if (item == NULL)
		return FL_ENOMEM;
	item->hash = hash;
	item->key = fli_keep(mem, key);
	if (item->key == NULL || fli_map_put(&registry->meta, hash, item) != FL_OK) {
		meta_free(mem, item);
		return FL_ENOMEM;
	}
	item->value = value;
	return FL_OK;
}

int fli_registry_meta_put(fli_registry *registry, fl_term key, fl_term value)
{
	fli_mem *mem = registry->proc->node->mem;
	meta_item *item;
	fli_kept *kept;
	uint64_t hash;
	int rc = meta_find(registry, key, &hash, &item);

	if (rc != FL_OK && rc != FL_ENOENT)
		return rc;
	if (key.size > FLI_REGISTRY_META_BYTES_MAX || value.size > FLI_REGISTRY_META_BYTES_MAX)
		return FL_ELIMIT;
	kept = fli_keep(mem, value);
	if (kept == NULL)
		return FL_ENOMEM;
	if (rc == FL_OK) {
		fli_free(mem, item->value);
		item->value = kept;
		return FL_OK;
	}
	rc = meta_add(registry, key, hash, kept);
	if (rc != FL_OK)
		fli_free(mem, kept);
	return rc;
}

int fli_registry_meta_delete(fli_registry *registry, fl_term key)
{
	meta_item *item;
	uint64_t hash;
	int rc = meta_find(registry, key, &hash, &item);

	if (rc != FL_OK)
		return rc == FL_ENOENT ? FL_OK : rc;
	(void)fli_map_remove(&registry->meta, hash, &key); /* it is there */
	meta_free(registry->proc->node->mem, item);
	return FL_OK;
}

/* ---- life -------------------------------------------------------------------------------------
 */

int fli_registry_create(fli_registry *registry, fl_proc *proc, const fl_registry *config)
{
	fli_mem *mem = proc->node->mem;
	uint32_t count = config->partitions == 0 ? 1 : config->partitions;

	*registry = (fli_registry){.proc = proc, .config = config};
	fli_map_create(&registry->meta, mem, has_meta);
	fli_list_create(&registry->entries);
	if (count > FLI_REGISTRY_PARTITIONS_MAX)
		return FL_ELIMIT;
	registry->partitions = fli_zalloc(mem, count * sizeof *registry->partitions);
	if (registry->partitions == NULL)
		return FL_ENOMEM;
	registry->partitions_count = count;
	for (uint32_t i = 0; i < count; i++)
		fli_map_create(&registry->partitions[i].keys, mem, has_key);
	return FL_OK;
}

/* NULL: none is left. */
static fli_reg_entry *any_entry(const fli_registry *registry)
{
	if (fli_list_is_empty(&registry->entries))
		return NULL;
	return fli_container_of(registry->entries.next, fli_reg_entry, in_registry);
}

void fli_registry_destroy(fli_registry *registry)
{
	fli_mem *mem = registry->proc->node->mem;
	fli_reg_entry *entry;
	size_t cursor = 0;
	meta_item *item;

	while ((entry = any_entry(registry)) != NULL)
		fli_registry_remove(entry);
	for (uint32_t i = 0; i < registry->partitions_count; i++)
		fli_map_destroy(&registry->partitions[i].keys);
	fli_free(mem, registry->partitions);
	while ((item = fli_map_next(&registry->meta, &cursor)) != NULL)
		meta_free(mem, item);
	fli_map_destroy(&registry->meta);
}

fli_registry *fli_registry_find(const fl_node *node, fl_atom name)
{
	fl_proc *proc = fli_name_find(node, name);

	if (proc == NULL || proc->behaviour->registry == NULL || proc->status == FLI_EXITING)
		return NULL;
	return ((registry_state *)(void *)proc->state)->registry;
}

/* ---- ends -------------------------------------------------------------------------------------
 */

/* As a link would: those that trap exits hear of it, the others end. Each process once. */
static void end_registry(fli_registry *registry, fl_term reason)
{
	fl_pid self = fli_proc_pid(registry->proc);
	fli_reg_entry *entry;

	while ((entry = any_entry(registry)) != NULL) {
		fl_proc *proc = entry->proc;
		fli_link *at = proc->extra->registered.next;

		while (at != &proc->extra->registered) {
			fli_reg_entry *own = fli_container_of(at, fli_reg_entry, in_proc);

			at = at->next;
			if (own->registry == registry)
				fli_registry_remove(own);
		}
		fli_exit_signal(proc, &self, reason, true);
	}
}

void fli_registry_on_exit(fl_proc *proc, fl_term reason)
{
	fli_registry *registry;

	if (FLI_LIKELY(proc->extra == NULL))
		return;
	while (!fli_list_is_empty(&proc->extra->registered)) {
		fli_reg_entry *entry =
			fli_container_of(proc->extra->registered.next, fli_reg_entry, in_proc);

		fli_registry_tell_end(entry->registry, proc,
			fli_reg_key_term(entry->registry, entry->key), false);
		fli_registry_remove(entry);
	}
	if (FLI_LIKELY(proc->behaviour->registry == NULL))
		return;
	registry = ((registry_state *)(void *)proc->state)->registry;
	if (registry != NULL)
		end_registry(registry, reason);
}

/* ---- the process ------------------------------------------------------------------------------
 */

static void drop(void *block)
{
	fli_registry_destroy(block);
}

static int put_all_meta(fli_registry *registry, const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	fl_term list, item, key, value;
	fl_error err;
	int rc = text == NULL ? FL_OK : fl_read(&buf, text, strlen(text), &err);

	list = fl_buf_term(&buf);
	while (rc == FL_OK && text != NULL && fl_list_next(&list, &item))
		rc = fl_match(item, "{~, ~}", &key, &value)
			     ? fli_registry_meta_put(registry, key, value)
			     : FL_EINVAL;
	fl_buf_free(&buf);
	return rc;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_node *node = fl_self_node(self);
	fli_registry *registry = fli_owned_alloc_with(self, sizeof *registry, drop);
	const fl_registry *config = self->behaviour->registry;
	int rc = FL_ENOMEM;

	(void)args; /* what it is stands in its behaviour */
	if (registry == NULL)
		return fl_stop(self, "enomem");
	fli_enter(node);
	rc = fli_registry_create(registry, self, config);
	if (rc == FL_OK)
		rc = put_all_meta(registry, config->meta);
	if (rc == FL_OK)
		((registry_state *)state)->registry = registry;
	fli_leave(node);
	return rc == FL_OK ? FL_OK : fl_stop(self, "{registry, ~}", fl_atom_of(fl_error_atom(rc)));
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self; /* nobody calls a registry: its functions need no message */
	(void)state;
	(void)request;
	return fl_reply(from, "{error, notsup}");
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self; /* likewise */
	(void)state;
	(void)message;
	return FL_OK;
}

static const char *keys_text(fl_registry_keys keys)
{
	return keys == FL_UNIQUE ? "unique" : "duplicate";
}

static int on_format_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const fli_registry *registry = ((const registry_state *)state)->registry;

	(void)self; /* called with the context */
	if (registry == NULL)
		return fl_build(ret_status, "starting");
	return fl_build(ret_status, "#{keys => ~, partitions => ~, entries => ~, meta => ~}",
		fl_atom_of(keys_text(registry->config->keys)), registry->partitions_count,
		registry->count, registry->meta.count);
}

fl_behaviour fli_registry_handlers(const fl_behaviour *behaviour)
{
	return (fl_behaviour){
		.name = behaviour->name,
		.state_size = sizeof(registry_state),
		.init = on_init,
		.call = on_call,
		.cast = on_cast,
		.info = on_cast,
		.format_status = on_format_status,
		.global_name = behaviour->global_name,
		.groups = behaviour->groups,
		.registry = behaviour->registry,
	};
}
