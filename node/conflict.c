/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conflicts about global names, on the side of the processes.
 *
 *  - A kill looks like any other: exit(Pid, kill) from wherever the conflict was settled. It is one
 *    for a name when the process has one and the lock `global` is held meanwhile, as it is on every
 *    node of both halves while their names are compared.
 *  - The noted are looked up by their supervisors in about the order in which they ended: a ring.
 *  - What a loser gives goes by way of a process of the node, since nobody knows yet who will have
 *    the name when the loser is told.
 *
 * What goes wrong: a kill that somebody meant, of a process with a name, while names are changed,
 * is not counted either. A loser whose `give` fails keeps what it has.
 */
#include "node/conflict.h"

#include "node/via.h"

enum { FIRST = 64 };

typedef struct noted {
	uint32_t id, serial;
	uint64_t ms;
	bool is_taken;
} noted;

struct fli_conflicts {
	noted *ring;
	uint32_t first, count, capacity; /* a power of two */
};

int fli_conflicts_new(fl_node *node)
{
	if (node->conflicts == NULL)
		node->conflicts = fli_zalloc(node->mem, sizeof *node->conflicts);
	return node->conflicts == NULL ? FL_ENOMEM : FL_OK;
}

void fli_conflicts_delete(fl_node *node)
{
	if (node->conflicts == NULL)
		return;
	fli_free(node->mem, node->conflicts->ring);
	fli_free(node->mem, node->conflicts);
	node->conflicts = NULL;
}

/* ---- the ring -------------------------------------------------------------------------------- */

static noted *at(const struct fli_conflicts *c, uint32_t i)
{
	return &c->ring[(c->first + i) & (c->capacity - 1)];
}

static void drop_first(struct fli_conflicts *c)
{
	c->first = (c->first + 1) & (c->capacity - 1);
	c->count--;
}

static void drop_old(struct fli_conflicts *c, uint64_t now_ms)
{
	while (c->count > 0 && (at(c, 0)->is_taken || now_ms > at(c, 0)->ms + FLI_CONFLICTS_MS))
		drop_first(c);
}

static bool has_room(fl_node *node, struct fli_conflicts *c)
{
	uint32_t capacity = c->capacity == 0 ? FIRST : 2 * c->capacity;
	noted *grown;

	if (c->count < c->capacity)
		return true;
	grown = capacity > FLI_CONFLICTS_MAX ? NULL
					     : fli_alloc(node->mem, capacity * sizeof *grown);
	if (grown == NULL)
		return false;
	for (uint32_t i = 0; i < c->count; i++)
		grown[i] = *at(c, i);
	fli_free(node->mem, c->ring);
	c->ring = grown;
	c->first = 0;
	c->capacity = capacity;
	return true;
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
	if (!has_room(node, c))
		return; /* counted, as an end of another kind */
	*at(c, c->count++) = (noted){.id = pid.id, .serial = pid.serial, .ms = now_ms};
}

bool fli_conflict_take(fl_node *node, const fl_pid *pid)
{
	struct fli_conflicts *c = node->conflicts;

	for (uint32_t i = 0; c != NULL && i < c->count; i++) {
		noted *n = at(c, i);

		if (n->is_taken || n->id != pid->id || n->serial != pid->serial)
			continue;
		n->is_taken = true;
		drop_old(c, 0);
		return true;
	}
	return false;
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
