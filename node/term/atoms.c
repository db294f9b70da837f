/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of interned texts: open addressing over pointers to entries that never move.
 *
 * - A look-up loads the table and then slots, each with acquire; no lock.
 * - Adding holds the lock, looks again, writes the entry and publishes it with release.
 * - A table that gets too full is copied into one of twice the size, which is published in its
 *   place. The old one stays until the end, for readers that are still in it: all old tables
 *   together are smaller than the current one. A reader that misses an entry there looks again
 *   under the lock if it wants to add, and otherwise has merely looked a moment earlier.
 *
 * Failure: the quota, and memory; then the text stays unknown and nothing has changed.
 */
#include "node/term/atoms.h"

#include <pthread.h>
#include <stdatomic.h>

#include "node/base/map.h"
#include "node/term/step.h"

#define CAPACITY_FIRST 64

struct entry {
	uint64_t hash;
	size_t size;
	char text[]; /* terminated, for debuggers */
};

struct table {
	struct table *older;
	size_t capacity;                 /* a power of two */
	_Atomic(struct entry *) slots[]; /* release when filled, acquire when read */
};

struct fl_atoms {
	fli_mem *mem;
	uint64_t seed;
	size_t count_max;
	atomic_size_t count;           /* relaxed: a figure; exact under the lock */
	_Atomic(struct table *) table; /* release when replaced, acquire when read */
	pthread_mutex_t lock;          /* adding */
};

static struct table *table_new(fli_mem *mem, size_t capacity, struct table *older)
{
	struct table *table =
		fli_alloc(mem, sizeof *table + capacity * sizeof(_Atomic(struct entry *)));

	if (table == NULL)
		return NULL;
	table->older = older;
	table->capacity = capacity;
	for (size_t i = 0; i < capacity; i++)
		atomic_init(&table->slots[i], NULL);
	return table;
}

fl_atoms *fli_atoms_new(fli_mem *mem, uint64_t seed, size_t count_max)
{
	fl_atoms *atoms = fli_zalloc(mem, sizeof *atoms);
	struct table *table;

	if (atoms == NULL)
		return NULL;
	table = table_new(mem, CAPACITY_FIRST, NULL);
	if (table == NULL || pthread_mutex_init(&atoms->lock, NULL) != 0)
		goto fail;
	atoms->mem = mem;
	atoms->seed = seed;
	atoms->count_max = count_max;
	atomic_init(&atoms->count, 0);
	atomic_init(&atoms->table, table);
	return atoms;
fail:
	fli_free(mem, table);
	fli_free(mem, atoms);
	return NULL;
}

static struct table *current(const fl_atoms *atoms)
{
	return atomic_load_explicit(&((fl_atoms *)(uintptr_t)atoms)->table, memory_order_acquire);
}

void fli_atoms_delete(fl_atoms *atoms)
{
	struct table *table, *older;

	if (atoms == NULL)
		return;
	table = current(atoms);
	for (size_t i = 0; i < table->capacity; i++)
		fli_free(atoms->mem, atomic_load_explicit(&table->slots[i], memory_order_acquire));
	for (; table != NULL; table = older) {
		older = table->older;
		fli_free(atoms->mem, table);
	}
	(void)pthread_mutex_destroy(&atoms->lock); /* cannot fail: nobody holds it */
	fli_free(atoms->mem, atoms);
}

size_t fli_atoms_count(const fl_atoms *atoms)
{
	return atomic_load_explicit(&((fl_atoms *)(uintptr_t)atoms)->count, memory_order_relaxed);
}

static const struct entry *find(struct table *table, uint64_t hash, const char *text, size_t size)
{
	size_t mask = table->capacity - 1;
	const struct entry *entry;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		entry = atomic_load_explicit(&table->slots[i], memory_order_acquire);
		if (entry == NULL)
			return NULL;
		if (entry->hash == hash && entry->size == size &&
			memcmp(entry->text, text, size) == 0)
			return entry;
	}
}

/* Under the lock, or before the table is published. There is always a free slot. */
static void publish(struct table *table, struct entry *entry)
{
	size_t mask = table->capacity - 1, i = entry->hash & mask;

	while (atomic_load_explicit(&table->slots[i], memory_order_relaxed) != NULL)
		i = (i + 1) & mask;
	/* Pairs with the acquire in find: who sees the pointer sees the text. */
	atomic_store_explicit(&table->slots[i], entry, memory_order_release);
}

/* Under the lock: makes room for one more at a load of at most a half. */
static bool make_room(fl_atoms *atoms, size_t count)
{
	struct table *old = current(atoms), *table;

	if ((count + 1) * 2 <= old->capacity)
		return true;
	table = table_new(atoms->mem, old->capacity * 2, old);
	if (table == NULL)
		return false;
	for (size_t i = 0; i < old->capacity; i++) {
		struct entry *entry = atomic_load_explicit(&old->slots[i], memory_order_relaxed);

		if (entry != NULL)
			publish(table, entry);
	}
	/* Pairs with the acquire in current. */
	atomic_store_explicit(&atoms->table, table, memory_order_release);
	return true;
}

static const struct entry *add(
	fl_atoms *atoms, uint64_t hash, const char *text, size_t size, size_t count_max)
{
	size_t count = atomic_load_explicit(&atoms->count, memory_order_relaxed);
	struct entry *entry;

	if (count >= count_max || !make_room(atoms, count))
		return NULL;
	entry = fli_alloc(atoms->mem, sizeof *entry + size + 1);
	if (entry == NULL)
		return NULL;
	entry->hash = hash;
	entry->size = size;
	memcpy(entry->text, text, size);
	entry->text[size] = '\0';
	publish(current(atoms), entry);
	atomic_store_explicit(&atoms->count, count + 1, memory_order_relaxed);
	return entry;
}

static bool intern(
	fl_atoms *atoms, const char *text, size_t size, size_t count_max, fl_atom *ret_atom)
{
	uint64_t hash = fli_hash(atoms->seed, text, size);
	const struct entry *entry = find(current(atoms), hash, text, size);

	if (entry == NULL) {
		if (!fli_atom_text_ok(text, size))
			return false;
		(void)pthread_mutex_lock(&atoms->lock); /* a plain mutex, used properly */
		entry = find(current(atoms), hash, text, size);
		if (entry == NULL)
			entry = add(atoms, hash, text, size, count_max);
		(void)pthread_mutex_unlock(&atoms->lock);
	}
	if (entry == NULL)
		return false;
	*ret_atom = (fl_atom){entry->text, entry->size};
	return true;
}

bool fli_atoms_intern(fl_atoms *atoms, const char *text, size_t size, fl_atom *ret_atom)
{
	return intern(atoms, text, size, atoms->count_max, ret_atom);
}

bool fli_atoms_intern_own(fl_atoms *atoms, const char *text, size_t size, fl_atom *ret_atom)
{
	return intern(atoms, text, size, 2 * atoms->count_max, ret_atom);
}

bool fli_atoms_find(const fl_atoms *atoms, const char *text, size_t size, fl_atom *ret_atom)
{
	uint64_t hash = fli_hash(atoms->seed, text, size);
	const struct entry *entry = find(current(atoms), hash, text, size);

	if (entry == NULL)
		return false;
	*ret_atom = (fl_atom){entry->text, entry->size};
	return true;
}
