/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safe_fixtable: who fixes a table, how often, and the end of that. What it means for keys that go
 * meanwhile is in table_cut.c.
 */
#include "node/sched.h"
#include "node/table.h"

static fli_fixer *find_fixer(fli_table *table, uint64_t process)
{
	for (uint32_t i = 0; i < table->fixers_count; i++)
		if (table->fixers[i].process == process)
			return &table->fixers[i];
	return NULL;
}

/* Under the fixers' lock. */
static int fix(fli_table *table, uint64_t process)
{
	fli_fixer *fixer = find_fixer(table, process), *grown;
	fl_node *node = table->tables->node;

	if (fixer == NULL && table->fixers_count == table->fixers_capacity) {
		grown = fli_realloc(
			node->mem, table->fixers, (table->fixers_capacity + 4) * sizeof *grown);
		if (grown == NULL)
			return FL_ENOMEM;
		table->fixers = grown;
		table->fixers_capacity += 4;
	}
	if (fixer == NULL) {
		fixer = &table->fixers[table->fixers_count++];
		*fixer = (fli_fixer){.process = process};
	}
	if (atomic_fetch_add(&table->is_fixed, 1) == 0)
		table->fixed_us = node->port->wall_us(node->port);
	fixer->count++;
	return FL_OK;
}

/* Likewise. True: nobody fixes it any more. */
static bool unfix(fli_table *table, uint64_t process, uint32_t count)
{
	fli_fixer *fixer = find_fixer(table, process);

	if (fixer == NULL)
		return false;
	count = count < fixer->count ? count : fixer->count;
	fixer->count -= count;
	if (fixer->count == 0)
		*fixer = table->fixers[--table->fixers_count];
	return atomic_fetch_sub(&table->is_fixed, count) == count;
}

int fl_table_fix(fl_proc *self, fl_tab tab, bool on)
{
	fl_pid pid = fl_self(self);
	bool is_last = false;
	fli_use use;
	int rc;

	tab.process = fli_process_key(&pid);
	rc = fli_use_begin(tab, FLI_TABLE_READ, &use);
	if (rc != FL_OK)
		return rc;
	pthread_mutex_lock(&use.table->fixers_lock);
	if (on)
		rc = fix(use.table, tab.process);
	else
		is_last = unfix(use.table, tab.process, 1);
	pthread_mutex_unlock(&use.table->fixers_lock);
	if (is_last)
		fli_table_tidy(use.table);
	fli_use_end(&use);
	if (on && rc == FL_OK)
		self->has_tables = true;
	return rc;
}

/* In the context: who writes to it meanwhile sweeps it when he is done (fli_use_end). */
void fli_table_unfix(fli_table *table, uint64_t process)
{
	bool is_last;
	fli_use use;

	fli_use_table(table, FLI_TABLE_LOOK, &use);
	pthread_mutex_lock(&table->fixers_lock);
	is_last = unfix(table, process, UINT32_MAX);
	pthread_mutex_unlock(&table->fixers_lock);
	if (is_last)
		fli_table_tidy(table);
	fli_use_end(&use);
}
