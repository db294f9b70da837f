/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conflicts about global names, on the side of the processes.
 *
 *  - A kill looks like any other: exit(Pid, kill) from wherever the conflict was settled. It is one
 *    for a name when the process has one and the lock `global` is held meanwhile, as it is on every
 *    node of both halves while their names are compared.
 *  - What a loser gives goes by way of a process of the node, since nobody knows yet who will have
 *    the name when the loser is told.
 *
 * What goes wrong: a kill that somebody meant, of a process with a name, while names are changed,
 * is not counted either. A loser whose `give` fails keeps what it has.
 */
#include "node/conflict.h"

#include "node/base/list.h"
#include "node/base/map.h"
#include "node/via.h"

typedef struct noted {
	fli_link link;
	uint32_t id, serial;
	uint64_t ms;
} noted;

struct fli_conflicts {
	fli_map by_pid;
	fli_link oldest; /* those noted, the oldest first */
	fli_mem *mem;
};

static bool has_pid(const void *item, const void *key)
{
	const noted *n = item;
	const fl_pid *pid = key;

	return n->id == pid->id && n->serial == pid->serial;
}

static uint64_t hash_of(const fl_pid *pid)
{
	return fli_hash_mix((uint64_t)pid->serial << 32 | pid->id);
}

int fli_conflicts_new(fl_node *node)
{
	struct fli_conflicts *c = node->conflicts;

	if (c != NULL)
		return FL_OK;
	c = node->conflicts = fli_zalloc(node->mem, sizeof *c);
	if (c == NULL)
		return FL_ENOMEM;
	c->mem = node->mem;
	fli_map_create(&c->by_pid, node->mem, has_pid);
	fli_list_create(&c->oldest);
	return FL_OK;
}

static void drop(struct fli_conflicts *c, noted *n)
{
	const fl_pid pid = {.id = n->id, .serial = n->serial};

	(void)fli_map_remove(&c->by_pid, hash_of(&pid), &pid);
	fli_list_remove(&n->link);
	fli_free(c->mem, n);
}

static void drop_old(struct fli_conflicts *c, uint64_t now_ms)
{
	while (!fli_list_is_empty(&c->oldest)) {
		noted *n = fli_container_of(c->oldest.next, noted, link);

		if (now_ms <= n->ms + FLI_CONFLICTS_MS)
			return;
		drop(c, n);
	}
}

void fli_conflicts_delete(fl_node *node)
{
	struct fli_conflicts *c = node->conflicts;

	if (c == NULL)
		return;
	while (!fli_list_is_empty(&c->oldest))
		drop(c, fli_container_of(c->oldest.next, noted, link));
	fli_map_destroy(&c->by_pid);
	fli_free(node->mem, c);
	node->conflicts = NULL;
}

/* ---- who is noted ---------------------------------------------------------------------------- */

/* One that finds no room is counted, as an end of another kind. */
static void add(struct fli_conflicts *c, const fl_pid *pid, uint64_t now_ms)
{
	noted *n = c->by_pid.count < FLI_CONFLICTS_MAX ? fli_alloc(c->mem, sizeof *n) : NULL;

	if (n == NULL)
		return;
	*n = (noted){.id = pid->id, .serial = pid->serial, .ms = now_ms};
	if (fli_map_put(&c->by_pid, hash_of(pid), n) == FL_OK)
		fli_list_append(&c->oldest, &n->link);
	else
		fli_free(c->mem, n);
}

static bool has_supervisor(const fl_proc *proc)
{
	const fl_proc *parent = proc->extra != NULL && proc->extra->has_parent
					? fli_proc_of(proc->node, &proc->extra->parent)
					: NULL;

	return parent != NULL && parent->behaviour->supervisor != NULL;
}

void fli_conflict_note(const fl_proc *proc)
{
	fl_node *node = proc->node;
	struct fli_conflicts *c = node->conflicts;
	uint64_t now_ms = node->port->now_ns(node->port) / 1000000;
	fl_pid pid = fli_proc_pid(proc);

	if (c == NULL || node->via == NULL || !has_supervisor(proc) ||
		!node->via->is_contested(node, &pid))
		return;
	drop_old(c, now_ms);
	if (fli_map_get(&c->by_pid, hash_of(&pid), &pid) == NULL)
		add(c, &pid, now_ms);
}

bool fli_conflict_take(fl_node *node, const fl_pid *pid)
{
	struct fli_conflicts *c = node->conflicts;
	noted *n = c == NULL ? NULL : fli_map_get(&c->by_pid, hash_of(pid), pid);

	if (n != NULL)
		drop(c, n);
	return n != NULL;
}

/* ---- who lives ------------------------------------------------------------------------------- */

static int give(fl_proc *proc, fl_term name)
{
	const fl_behaviour *b = proc->behaviour;
	fl_buf buf = FL_BUF_INIT;

	if (b->give(proc, proc->state, &buf) == FL_OK && buf.error == FL_OK && buf.size > 0)
		(void)fl_cast(proc, FLI_HEIRS, "{lost, ~, ~, ~}", name, fl_self(proc),
			fl_buf_term(&buf)); /* without it nobody inherits */
	else
		fli_log_write(&proc->node->log, FLI_ERROR,
			"%s lost its global name and could not give its state", b->name);
	fl_buf_free(&buf);
	return FL_OK;
}

static int lose(fl_proc *proc, fl_term name)
{
	const fl_behaviour *b = proc->behaviour;
	int rc = b->on_name_conflict == NULL ? FL_OK : b->on_name_conflict(proc, proc->state, name);

	return rc == FL_OK && b->give != NULL ? give(proc, name) : rc;
}

static int merge(fl_proc *proc, fl_term name, fl_pid loser, fl_term theirs)
{
	int rc = proc->behaviour->merge(proc, proc->state, name, loser, theirs);

	if (rc == FL_OK)
		(void)fl_send(proc, loser, "{global_name_merged, ~, ~}", name, fl_self(proc));
	return rc;
}

bool fli_conflict_message(fl_proc *proc, fl_term message, int *ret_rc)
{
	const fl_behaviour *b = proc->behaviour;
	fl_term name, theirs;
	fl_pid pid;

	if (b->on_name_conflict == NULL && b->give == NULL && b->merge == NULL)
		return false;
	if ((b->on_name_conflict != NULL || b->give != NULL) &&
		fl_match(message, "{global_name_conflict, ~}", &name))
		*ret_rc = lose(proc, name);
	else if (b->on_name_conflict != NULL &&
		 fl_match(message, "{global_name_conflict, ~, _}", &name))
		*ret_rc = b->on_name_conflict(proc, proc->state, name);
	else if (b->merge != NULL &&
		 fl_match(message, "{global_name_merge, ~, ~, ~}", &name, &pid, &theirs))
		*ret_rc = merge(proc, name, pid, theirs);
	else if (b->give != NULL && b->info == NULL &&
		 fl_match(message, "{global_name_merged, _, _}"))
		*ret_rc = FL_OK;
	else
		return false;
	return true;
}
