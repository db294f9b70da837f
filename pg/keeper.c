/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who starts scopes, and starts them again.
 *
 *  - A scope is nobody's child: whoever asks for it may be gone at once. The keeper monitors each
 *    by its name.
 *  - One that ends without having been stopped is started again, with no members, as in OTP.
 *  - Behaviours that name groups (.groups) join them when their init has returned.
 *
 * Failure: a scope that cannot be started again is tried once a second, with a line in the log.
 */
#include <string.h>

#include "flitch/pg.h"
#include "node/groups.h"
#include "node/owned.h"
#include "node/sched.h"
#include "node/silent.h"
#include "node/sup_shown.h"
#include "node/supervisor.h"
#include "pg/server.h"

#define KEEPER "flitch_pg"
#define AGAIN_MS 1000
#define SCOPES_MAX 1024 /* started again; more run until they end */

typedef struct kept {
	fli_link link;
	fl_ref monitor;
	bool is_due; /* it could not be started again yet */
	char name[];
} kept;

/* Owner: the context; the keeper's handlers take it. */
typedef struct keeper_state {
	fli_link kept;
	uint32_t count;
} keeper_state;

static const uint8_t nil[] = {106};
static const fl_behaviour keeper;

/* ---- looking after ----------------------------------------------------------------------------
 */

static void watch(fl_proc *proc, kept *k)
{
	k->is_due = fl_monitor(proc, (const char *)k->name, &k->monitor) != FL_OK;
}

/* Without memory for it the scope runs all the same. */
static void keep(fl_node *node, const char *name)
{
	fl_proc *proc = fli_name_find(node, fl_atom_of(KEEPER));
	size_t size = strlen(name) + 1;
	keeper_state *state;
	kept *k;

	if (proc == NULL || proc->behaviour != &keeper)
		return;
	state = (keeper_state *)(void *)proc->state;
	k = state->count < SCOPES_MAX ? fli_owned_alloc(proc, sizeof *k + size) : NULL;
	if (k == NULL)
		return;
	memcpy(k->name, name, size);
	fli_list_append(&state->kept, &k->link);
	state->count++;
	watch(proc, k);
}

static int start_scope(fl_node *node, const char *name, fl_proc **ret_proc)
{
	fli_start how = {.behaviour = &fli_pg_server, .name = name, .is_system = true};

	return fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), ret_proc, NULL);
}

int fli_pg_start_scope(fl_node *node, const char *name, fl_proc **ret_proc)
{
	int rc = start_scope(node, name, ret_proc);

	if (rc == FL_OK)
		keep(node, name);
	return rc;
}

int fl_pg_start(fl_node *node, const char *name)
{
	fl_proc *proc;
	int rc;

	fli_enter(node);
	rc = fli_pg_start_scope(node, name, &proc);
	fli_leave(node);
	return rc;
}

int fl_pg_stop(fl_node *node, const char *name)
{
	fli_reason_atom atom;
	fli_scope *scope;

	fli_enter(node);
	scope = fli_pg_scope(node, fl_atom_of(name));
	if (scope != NULL)
		fli_proc_exit(scope->ctx, fli_reason_of(&atom, "shutdown"));
	fli_leave(node);
	return scope == NULL ? FL_ENOPROC : FL_OK;
}

/* ---- the keeper -------------------------------------------------------------------------------
 */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)self; /* only the list needs a start */
	(void)args;
	fli_list_create(&((keeper_state *)state)->kept);
	return FL_OK;
}

static void forget(keeper_state *state, kept *k)
{
	fli_list_remove(&k->link);
	state->count--;
	fli_owned_free(k);
}

static void start_again(fl_proc *self, keeper_state *state, kept *k)
{
	fl_node *node = self->node;
	fl_proc *proc;
	int rc;

	if (fli_name_find(node, fl_atom_of(k->name)) != NULL) {
		forget(state, k); /* whoever took the name keeps it */
		return;
	}
	rc = start_scope(node, k->name, &proc);
	k->is_due = rc != FL_OK;
	if (rc == FL_OK)
		watch(self, k);
	if (!k->is_due)
		return;
	fli_log_limited(&node->log, fl_now_ms(self), FLI_ERROR,
		"scope %s could not be started again: %s", k->name, fl_error_text(rc));
	(void)fl_send_after(self, AGAIN_MS, fl_self(self), NULL, "again"); /* or at the next end */
}

static void on_down(fl_proc *self, keeper_state *state, const fl_ref *ref, fl_term reason)
{
	char text[256];
	fli_link *next;

	for (fli_link *at = state->kept.next; at != &state->kept; at = next) {
		kept *k = fli_container_of(at, kept, link);

		next = at->next;
		if (k->is_due || !fl_ref_eq(&k->monitor, ref))
			continue;
		if (fl_match(reason, "shutdown")) {
			forget(state, k);
			continue;
		}
		fli_log_write(&self->node->log, FLI_WARNING, "scope %s ended: %s", k->name,
			fl_print_to(text, sizeof text, reason));
		start_again(self, state, k);
	}
}

static void on_again(fl_proc *self, keeper_state *state)
{
	fli_link *next;

	for (fli_link *at = state->kept.next; at != &state->kept; at = next) {
		kept *k = fli_container_of(at, kept, link);

		next = at->next;
		if (k->is_due)
			start_again(self, state, k);
	}
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_node *node = fl_self_node(self);
	fl_term reason;
	fl_ref ref;

	fli_enter(node);
	if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &reason))
		on_down(self, state, &ref, reason);
	else if (fl_match(message, "again"))
		on_again(self, state);
	fli_leave(node);
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	const char *names[SCOPES_MAX];
	keeper_state *s = state;
	size_t count = 0;

	fli_enter(self->node);
	for (fli_link *at = s->kept.next; at != &s->kept; at = at->next)
		names[count++] = fli_container_of(at, kept, link)->name;
	fli_leave(self->node);
	/* only this process's own handlers take one out */
	return fli_shown_call(self, from, request, names, count);
}

static const fl_behaviour keeper = {
	.name = KEEPER,
	.state_size = sizeof(keeper_state),
	.init = on_init,
	.call = on_call,
	.cast = fli_silent_cast,
	.info = on_info,
};

/* ---- the groups that a behaviour names ---------------------------------------------------------
 */

static int join_named(fl_proc *proc, const fl_group *group)
{
	const char *name = group->scope == NULL ? FL_PG : group->scope;
	fli_scope *scope = fli_pg_scope(proc->node, fl_atom_of(name));
	const fl_pid self = fli_proc_pid(proc);
	const uint64_t id = fli_pg_id(&self);
	const fli_scope_pids one = {.ids = &id, .count = 1};
	fl_buf key = FL_BUF_INIT;
	fl_error err;
	int rc = FL_ENOPROC;

	if (scope != NULL)
		rc = fl_read(&key, group->name, strlen(group->name), &err);
	if (rc == FL_OK)
		rc = fli_scope_join(scope, fl_buf_term(&key), &one);
	fl_buf_free(&key);
	return rc;
}

static int join_groups(fl_proc *proc)
{
	int rc = FL_OK;

	for (const fl_group *g = proc->behaviour->groups; rc == FL_OK && g->name != NULL; g++)
		rc = join_named(proc, g);
	return rc;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

int fli_pg_open(fl_node *node)
{
	static const fli_group_ops ops = {join_groups};
	fli_start how = {.behaviour = &keeper,
		.name = KEEPER,
		.parent = node->supervisor,
		.link = true,
		.is_system = true};
	fl_proc *proc;
	int rc = fli_natives_pg(node);

	node->groups = &ops;
	if (rc == FL_OK)
		rc = fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);
	if (rc == FL_OK && node->supervisor != NULL)
		rc = fli_supervisor_show(node, proc);
	return rc;
}

void fli_pg_limit(fl_node *node, uint64_t members_max)
{
	node->groups_max = members_max;
}
