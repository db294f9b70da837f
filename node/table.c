/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a node as things with a name, an owner and an end.
 *
 * - A table is made by a process and sits in a slot; its identifier is a reference, as in OTP. Who
 *   has an fl_tab finds it by slot and generation, without the context.
 * - When its owner ends, before links and monitors tell anybody, it goes to its heir with
 *   {'ETS-TRANSFER', Table, Owner, Data}, or it ends.
 * - An ended table leaves its slot, is marked under its lock, and is freed when no reader from
 *   before is left: looked at when the next table is made or ends.
 *
 * Departs from OTP: a heir must be a process of this node that lives when the owner ends, as there;
 * a table whose memory is large is freed in one go.
 */
#include "node/table.h"

#include "node/events.h"
#include "node/sched.h"

enum { LOCKS = 3 };

const char *fli_table_type_text(fl_table_type type)
{
	static const char *const texts[] = {"set", "ordered_set", "bag", "duplicate_bag"};

	return texts[type];
}

const char *fli_table_access_text(fl_table_access access)
{
	static const char *const texts[] = {"protected", "public", "private"};

	return texts[access];
}

/* ---- a table --------------------------------------------------------------------------------- */

static void end_locks(fli_table *table, unsigned count)
{
	pthread_mutex_t *locks[] = {&table->lock, &table->line, &table->fixers_lock};

	while (count-- > 0)
		pthread_mutex_destroy(locks[count]);
}

static bool make_locks(fli_table *table)
{
	pthread_mutex_t *locks[] = {&table->lock, &table->line, &table->fixers_lock};

	for (unsigned i = 0; i < LOCKS; i++)
		if (pthread_mutex_init(locks[i], NULL) != 0) {
			end_locks(table, i);
			return false;
		}
	return true;
}

fli_table *fli_table_make(fli_tables *tables, const fl_table_options *options)
{
	fl_node *node = tables->node;
	fli_table *table = fli_zalloc(node->mem, sizeof *table);
	int rc;

	if (table == NULL)
		return NULL;
	table->tables = tables;
	table->type = options->type;
	table->access = options->access;
	table->keypos = options->keypos == 0 ? 1 : options->keypos;
	table->bytes_max = options->bytes_max;
	table->seed = fli_hash_mix(node->seed + tables->generation);
	fli_limbo_create(&table->limbo, node->mem, &tables->epochs);
	rc = fli_table_is_ordered(table)
		     ? fli_tree_create(&table->tree, node->mem, &table->limbo, table->seed)
		     : fli_hash_create(&table->hash, node->mem, &table->limbo);
	if (rc != FL_OK || !make_locks(table)) {
		if (rc == FL_OK && fli_table_is_ordered(table))
			fli_tree_destroy(&table->tree);
		else if (rc == FL_OK)
			fli_hash_destroy(&table->hash);
		fli_free(node->mem, table);
		return NULL;
	}
	return table;
}

void fli_table_free(fli_table *table)
{
	fli_mem *mem = table->tables->node->mem;

	fli_table_sweep_tombs(table, SIZE_MAX);
	if (fli_table_is_ordered(table))
		fli_tree_destroy(&table->tree);
	else
		fli_hash_destroy(&table->hash);
	fli_limbo_destroy(&table->limbo);
	fl_term_free(table->heir_data);
	fli_free(mem, table->fixers);
	end_locks(table, LOCKS);
	fli_free(mem, table);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool has_name(const void *item, const void *key)
{
	return fl_atom_eq(((const fli_table *)item)->name, *(const fl_atom *)key);
}

static bool has_ref(const void *item, const void *key)
{
	return fl_ref_eq(&((const fli_table *)item)->ref, key);
}

static uint64_t name_hash(const fl_node *node, fl_atom name)
{
	return fli_hash(node->seed, name.text, name.size);
}

fli_tables *fli_tables_of(fl_node *node)
{
	fli_tables *tables = node->tables;

	if (tables != NULL)
		return tables;
	tables = fli_zalloc(node->mem, sizeof *tables);
	if (tables == NULL)
		return NULL;
	tables->node = node;
	fli_epochs_create(&tables->epochs);
	fli_map_create(&tables->names, node->mem, has_name);
	fli_map_create(&tables->refs, node->mem, has_ref);
	node->tables = tables;
	return tables;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* {Measurements, Metadata} of an event. `from`: who had it before; NULL: nobody. */
static void describe(const fli_table *table, fl_buf *buf, const fl_pid *from)
{
	fl_node *node = table->tables->node;

	fl_tuple_open(buf);
	(void)fl_build(buf, "#{system_time => ~, size => ~, memory => ~}",
		node->port->wall_us(node->port), atomic_load(&table->size),
		fli_table_memory(table));
	fl_map_open(buf);
	(void)fl_build(buf, "table");
	fli_table_id_write(table, buf);
	(void)fl_build(buf, "name");
	(void)fl_build(buf, "~", table->name);
	(void)fl_build(buf, "type");
	(void)fl_build(buf, "~", fl_atom_of(fli_table_type_text(table->type)));
	(void)fl_build(buf, "owner");
	(void)fl_build(buf, "~", table->owner_pid);
	if (from != NULL) {
		(void)fl_build(buf, "from");
		(void)fl_build(buf, "~", *from);
	}
	fl_map_close(buf);
	fl_tuple_close(buf);
}

/* Handlers run: the caller holds no table any more. */
static void tell(fl_node *node, fli_event_kind kind, const fl_buf *about)
{
	if (about->error == FL_OK)
		fli_event_emit(node, kind, fl_spec("~", fl_buf_term(about)));
}

static void tell_of(const fli_table *table, fli_event_kind kind, const fl_pid *from)
{
	fl_node *node = table->tables->node;
	fl_buf about = FL_BUF_INIT;

	if (FLI_LIKELY(!fli_event_wanted(node, kind)))
		return;
	describe(table, &about, from);
	tell(node, kind, &about);
	fl_buf_free(&about);
}

/* ---- the end of a table ---------------------------------------------------------------------- */

static void sweep_dead(fli_tables *tables)
{
	fli_block **at = &tables->dead;

	while (*at != NULL) {
		fli_table *table = fli_container_of(*at, fli_table, block);

		if (fli_epoch_has_passed(&tables->epochs, table->dead_stamp)) {
			*at = table->block.next;
			fli_table_free(table);
		} else {
			at = &table->block.next;
		}
	}
}

/* Out of its slot and of the names. */
static void end_table(fli_table *table)
{
	fli_tables *tables = table->tables;
	fl_node *node = tables->node;

	if (table->is_named)
		(void)fli_map_remove(&tables->names, name_hash(node, table->name), &table->name);
	(void)fli_map_remove(&tables->refs, fli_ref_hash(node, &table->ref), &table->ref);
	atomic_store(&tables->slots[table->slot], NULL);
	atomic_store(&table->is_dead, true);
	tables->count--;
	table->dead_stamp = fli_epoch_advance(&tables->epochs);
	table->block.next = tables->dead;
	tables->dead = &table->block;
	sweep_dead(tables);
}

/* The figures are those of the moment before. */
static void end_told(fli_table *table)
{
	fl_node *node = table->tables->node;
	bool is_wanted = fli_event_wanted(node, FLI_EVENT_TABLE_DELETE);
	fl_buf about = FL_BUF_INIT;

	if (FLI_UNLIKELY(is_wanted))
		describe(table, &about, NULL);
	end_table(table);
	if (FLI_UNLIKELY(is_wanted))
		tell(node, FLI_EVENT_TABLE_DELETE, &about);
	fl_buf_free(&about);
}

void fli_tables_delete(fl_node *node)
{
	fli_tables *tables = node->tables;
	uint32_t cursor = 0;
	fli_table *table;

	if (tables == NULL)
		return;
	while ((table = fli_tables_next(node, &cursor)) != NULL)
		end_table(table);
	while (tables->dead != NULL) {
		table = fli_container_of(tables->dead, fli_table, block);
		tables->dead = table->block.next;
		fli_table_free(table);
	}
	if (tables->terms != NULL)
		fli_table_free(tables->terms);
	fli_map_destroy(&tables->names);
	fli_map_destroy(&tables->refs);
	fli_free(node->mem, tables);
	node->tables = NULL;
}

fli_table *fli_tables_next(const fl_node *node, uint32_t *cursor)
{
	const fli_tables *tables = node->tables;

	while (tables != NULL && *cursor < FLI_TABLES_MAX) {
		fli_table *table = atomic_load(&tables->slots[(*cursor)++]);

		if (table != NULL)
			return table;
	}
	return NULL;
}

size_t fli_tables_bytes(const fl_node *node)
{
	const fli_table *table;
	uint32_t cursor = 0;
	size_t bytes = 0;

	while ((table = fli_tables_next(node, &cursor)) != NULL)
		bytes += fli_table_memory(table);
	return bytes;
}

fli_table *fli_tables_named(const fl_node *node, fl_atom name)
{
	if (node->tables == NULL)
		return NULL;
	return fli_map_get(&node->tables->names, name_hash(node, name), &name);
}

fli_table *fli_tables_find(fl_node *node, fl_term key)
{
	fl_atom name;
	fl_ref ref;

	if (node->tables == NULL)
		return NULL;
	if (fl_match(key, "~", &name))
		return fli_tables_named(node, name);
	if (!fl_match(key, "~", &ref))
		return NULL;
	return fli_map_get(&node->tables->refs, fli_ref_hash(node, &ref), &ref);
}

fl_tab fli_tab_of(const fli_table *table, const fl_proc *self)
{
	fl_pid pid = fli_proc_pid(self);

	return (fl_tab){.node = table->tables->node,
		.slot = table->slot,
		.generation = table->generation,
		.process = fli_process_key(&pid)};
}

void fli_table_id_write(const fli_table *table, fl_buf *buf)
{
	if (table->is_named)
		(void)fl_build(buf, "~", table->name);
	else
		(void)fl_build(buf, "~", table->ref);
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool free_slot(const fli_tables *tables, uint32_t *ret_slot)
{
	for (uint32_t i = 0; i < FLI_TABLES_MAX; i++) {
		*ret_slot = (tables->generation + i) % FLI_TABLES_MAX;
		if (atomic_load(&tables->slots[*ret_slot]) == NULL)
			return true;
	}
	return false;
}

static int index_table(fli_table *table)
{
	fli_tables *tables = table->tables;
	uint64_t ref_hash = fli_ref_hash(tables->node, &table->ref);

	if (fli_map_put(&tables->refs, ref_hash, table) != FL_OK)
		return FL_ENOMEM;
	if (!table->is_named ||
		fli_map_put(&tables->names, name_hash(tables->node, table->name), table) == FL_OK)
		return FL_OK;
	(void)fli_map_remove(&tables->refs, ref_hash, &table->ref);
	return FL_ENOMEM;
}

static void own(fli_table *table, fl_proc *proc)
{
	fl_pid pid = fli_proc_pid(proc), had = table->owner_pid;
	bool is_new = atomic_load(&table->owner) == 0;

	table->owner_pid = pid;
	atomic_store(&table->owner, fli_process_key(&pid));
	proc->has_tables = true;
	if (!is_new)
		tell_of(table, FLI_EVENT_TABLE_GIVE_AWAY, &had);
}

static int make(fl_proc *self, fl_atom name, const fl_table_options *options, fli_table **ret)
{
	fli_tables *tables = fli_tables_of(fl_self_node(self));
	fli_table *table;
	uint32_t slot;

	if (tables == NULL)
		return FL_ENOMEM;
	if (!options->is_anonymous && fli_tables_named(tables->node, name) != NULL)
		return FL_ETAKEN;
	sweep_dead(tables);
	if (!free_slot(tables, &slot))
		return FL_ELIMIT;
	table = fli_table_make(tables, options);
	if (table == NULL)
		return FL_ENOMEM;
	table->slot = slot;
	table->generation = ++tables->generation;
	table->is_named = !options->is_anonymous;
	table->ref = fli_ref_make(tables->node);
	if (!fli_atoms_intern_own(tables->node->atoms, name.text, name.size, &table->name)) {
		fli_table_free(table);
		return FL_ELIMIT;
	}
	if (index_table(table) != FL_OK) {
		fli_table_free(table);
		return FL_ENOMEM;
	}
	own(table, self);
	tables->count++;
	atomic_store(&tables->slots[slot], table);
	*ret = table;
	return FL_OK;
}

int fl_table_new(fl_proc *self, const char *name, const fl_table_options *options, fl_tab *ret_tab)
{
	static const fl_table_options none = {0};
	fl_node *node = fl_self_node(self);
	fli_table *table;
	int rc;

	options = options == NULL ? &none : options;
	if (options->type > FL_TABLE_DUPLICATE_BAG || options->access > FL_TABLE_PRIVATE)
		return FL_EINVAL;
	fli_enter(node);
	rc = make(self, fl_atom_of(name), options, &table);
	if (rc == FL_OK) {
		*ret_tab = fli_tab_of(table, self);
		tell_of(table, FLI_EVENT_TABLE_NEW, NULL);
	}
	fli_leave(node);
	return rc;
}

bool fl_table_whereis(fl_proc *self, const char *name, fl_tab *ret_tab)
{
	fl_node *node = fl_self_node(self);
	const fli_table *table;

	fli_enter(node);
	table = fli_tables_named(node, fl_atom_of(name));
	if (table != NULL)
		*ret_tab = fli_tab_of(table, self);
	fli_leave(node);
	return table != NULL;
}

/* ---- what only who may write can do ---------------------------------------------------------- */

/* In the context: the table of the handle; *ret_rc says why there is none. */
static fli_table *begin(fl_proc *self, fl_tab tab, bool only_owner, int *ret_rc)
{
	fl_node *node = fl_self_node(self);
	fl_pid pid = fl_self(self);
	uint64_t me = fli_process_key(&pid);
	fli_table *table = NULL;

	fli_enter(node);
	if (node->tables != NULL && tab.node == node && tab.slot < FLI_TABLES_MAX)
		table = atomic_load(&node->tables->slots[tab.slot]);
	*ret_rc = FL_ECLOSED;
	if (table == NULL || table->generation != tab.generation)
		return NULL;
	*ret_rc = FL_EREFUSED;
	if (atomic_load(&table->owner) != me && (only_owner || table->access != FL_TABLE_PUBLIC))
		return NULL;
	*ret_rc = FL_OK;
	return table;
}

int fl_table_delete(fl_proc *self, fl_tab tab)
{
	int rc;
	fli_table *table = begin(self, tab, false, &rc);

	if (table != NULL)
		end_told(table);
	fli_leave(fl_self_node(self));
	return rc;
}

static int rename_table(fli_table *table, fl_atom name)
{
	fli_tables *tables = table->tables;
	fl_node *node = tables->node;
	fli_table *other = fli_tables_named(node, name);
	fl_atom interned;

	if (other != NULL)
		return other == table ? FL_OK : FL_ETAKEN;
	if (!fli_atoms_intern_own(node->atoms, name.text, name.size, &interned))
		return FL_ELIMIT;
	if (table->is_named) {
		(void)fli_map_remove(&tables->names, name_hash(node, table->name), &table->name);
		table->name = interned;
		/* In the room that has just become free. */
		return fli_map_put(&tables->names, name_hash(node, interned), table);
	}
	table->name = interned;
	return FL_OK;
}

int fl_table_rename(fl_proc *self, fl_tab tab, const char *name)
{
	int rc;
	fli_table *table = begin(self, tab, false, &rc);

	if (table != NULL)
		rc = rename_table(table, fl_atom_of(name));
	fli_leave(fl_self_node(self));
	return rc;
}

/* ---- owners ---------------------------------------------------------------------------------- */

static int tell_transfer(fli_table *table, fl_proc *from, const fl_pid *to, fl_spec data)
{
	fl_buf text = FL_BUF_INIT;
	fl_dest dest = fl_to_pid(*to);
	int rc;

	fl_tuple_open(&text);
	(void)fl_build(&text, "'ETS-TRANSFER'");
	fli_table_id_write(table, &text);
	(void)fl_build(&text, "~", fli_proc_pid(from));
	(void)fl_build_values(&text, data.pattern, data.values, data.count);
	fl_tuple_close(&text);
	rc = text.error;
	if (rc == FL_OK)
		rc = fli_send_term(table->tables->node, from, &dest, fl_buf_term(&text));
	fl_buf_free(&text);
	return rc;
}

int fl_table_give_away_spec(fl_proc *self, fl_tab tab, fl_pid to, fl_spec data)
{
	int rc;
	fl_node *node = fl_self_node(self);
	fli_table *table = begin(self, tab, true, &rc);
	fl_proc *heir = table == NULL ? NULL : fli_proc_of(node, &to);

	if (table != NULL && (heir == NULL || heir == self)) {
		rc = heir == NULL ? FL_ENOPROC : FL_EINVAL;
	} else if (table != NULL) {
		rc = tell_transfer(table, self, &to, data);
		if (rc == FL_OK)
			own(table, heir);
	}
	fli_leave(node);
	return rc;
}

int fl_table_heir_spec(fl_proc *self, fl_tab tab, const fl_pid *heir, fl_spec data)
{
	int rc;
	fl_buf buf = FL_BUF_INIT;
	fl_term copy = {0};
	fli_table *table = begin(self, tab, true, &rc);

	if (table != NULL && heir != NULL) {
		rc = fl_build_values(&buf, data.pattern, data.values, data.count);
		if (rc == FL_OK) {
			copy = fl_copy(fl_buf_term(&buf));
			rc = copy.data == NULL ? FL_ENOMEM : FL_OK;
		}
	}
	if (table != NULL && rc == FL_OK) {
		fl_term_free(table->heir_data);
		table->heir_data = copy;
		table->has_heir = heir != NULL;
		if (heir != NULL)
			table->heir = *heir;
	}
	fli_leave(fl_self_node(self));
	fl_buf_free(&buf);
	return rc;
}

/* True: the heir has it. */
static bool inherit(fli_table *table, fl_proc *from)
{
	fl_proc *heir = table->has_heir ? fli_proc_of(table->tables->node, &table->heir) : NULL;
	fl_pid pid = table->heir;

	if (heir == NULL || heir == from || heir->status == FLI_EXITING ||
		tell_transfer(table, from, &pid, fl_spec("~", table->heir_data)) != FL_OK)
		return false;
	fl_term_free(table->heir_data);
	table->heir_data = (fl_term){0};
	table->has_heir = false;
	own(table, heir); /* last: handlers of events run, and may end it */
	return true;
}

/* ---- a process ends -------------------------------------------------------------------------- */

void fli_tables_on_exit(fl_proc *proc)
{
	fl_pid pid = fli_proc_pid(proc);
	uint64_t key = fli_process_key(&pid);
	uint32_t cursor = 0;
	fli_table *table;

	if (!proc->has_tables)
		return;
	while ((table = fli_tables_next(proc->node, &cursor)) != NULL) {
		fli_table_unfix(table, key);
		if (atomic_load(&table->owner) == key && !inherit(table, proc))
			end_told(table);
	}
}
