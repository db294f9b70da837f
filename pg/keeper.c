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
 * What is kept is the node's, so that a keeper that ends loses nothing: the node's supervisor
 * starts another one.
 */
#include <string.h>

#include "flitch/pg.h"
#include "node/groups.h"
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
typedef struct kept_scopes {
	fli_group_ops ops;
	fli_link list;
	uint32_t count;
} kept_scopes;

static const uint8_t nil[] = {106};
static const fl_behaviour keeper;

/* ---- looking after ----------------------------------------------------------------------------
 */

static kept_scopes *kept_of(const fl_node *node)
{
	return fli_container_of(node->groups, kept_scopes, ops);
}

/* One that does not run is a DOWN at once. */
static void watch(fl_proc *proc, kept *k)
{
	k->is_due = fl_monitor(proc, (const char *)k->name, &k->monitor) != FL_OK;
}

/* Without memory for it the scope runs all the same. */
static void keep(fl_node *node, const char *name)
{
	fl_proc *proc = fli_name_find(node, fl_atom_of(KEEPER));
	size_t size = strlen(name) + 1;
	kept_scopes *scopes = kept_of(node);
	kept *k;

	k = scopes->count < SCOPES_MAX ? fli_zalloc(node->mem, sizeof *k + size) : NULL;
	if (k == NULL)
		return;
	memcpy(k->name, name, size);
	fli_list_append(&scopes->list, &k->link);
	scopes->count++;
	k->is_due = true;
	if (proc != NULL && proc->behaviour == &keeper) /* the next keeper looks at all */
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

/* A time-out takes no memory. */
static int rest(fl_proc *self)
{
	const kept_scopes *scopes = kept_of(self->node);

	for (const fli_link *at = scopes->list.next; at != &scopes->list; at = at->next)
		if (fli_container_of(at, kept, link)->is_due)
			fl_next_timeout(self, AGAIN_MS);
	return FL_OK;
}

/* What a keeper before this one kept. */
static int on_init(fl_proc *self, void *state, fl_term args)
{
	const kept_scopes *scopes;

	(void)state; /* none */
	(void)args;
	fli_enter(self->node);
	scopes = kept_of(self->node);
	for (const fli_link *at = scopes->list.next; at != &scopes->list; at = at->next)
		watch(self, fli_container_of(at, kept, link));
	(void)rest(self);
	fli_leave(self->node);
	return FL_OK;
}

static void forget(fl_node *node, kept *k)
{
	fli_list_remove(&k->link);
	kept_of(node)->count--;
	fli_free(node->mem, k);
}

static void start_again(fl_proc *self, kept *k)
{
	fl_node *node = self->node;
	fl_proc *proc;
	int rc;

	if (fli_name_find(node, fl_atom_of(k->name)) != NULL) {
		forget(node, k); /* whoever took the name keeps it */
		return;
	}
	rc = start_scope(node, k->name, &proc);
	k->is_due = rc != FL_OK;
	if (rc == FL_OK)
		watch(self, k);
	if (k->is_due)
		fli_log_limited(&node->log, fl_now_ms(self), FLI_ERROR,
			"scope %s could not be started again: %s", k->name, fl_error_text(rc));
}

static void on_down(fl_proc *self, const fl_ref *ref, fl_term reason)
{
	kept_scopes *scopes = kept_of(self->node);
	char text[256];
	fli_link *next;

	for (fli_link *at = scopes->list.next; at != &scopes->list; at = next) {
		kept *k = fli_container_of(at, kept, link);

		next = at->next;
		if (k->is_due || !fl_ref_eq(&k->monitor, ref))
			continue;
		if (fl_match(reason, "shutdown")) {
			forget(self->node, k);
			continue;
		}
		fli_log_write(&self->node->log, FLI_WARNING, "scope %s ended: %s", k->name,
			fl_print_to(text, sizeof text, reason));
		start_again(self, k);
	}
}

static int on_timeout(fl_proc *self, void *state)
{
	kept_scopes *scopes;
	fli_link *next;

	(void)state;
	fli_enter(self->node);
	scopes = kept_of(self->node);
	for (fli_link *at = scopes->list.next; at != &scopes->list; at = next) {
		kept *k = fli_container_of(at, kept, link);

		next = at->next;
		if (k->is_due)
			start_again(self, k);
	}
	(void)rest(self);
	fli_leave(self->node);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_node *node = fl_self_node(self);
	fl_term reason;
	fl_ref ref;

	(void)state;
	fli_enter(node);
	if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &reason))
		on_down(self, &ref, reason);
	(void)rest(self);
	fli_leave(node);
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	const char *names[SCOPES_MAX];
	const kept_scopes *scopes;
	size_t count = 0;

	(void)state;
	fli_enter(self->node);
	scopes = kept_of(self->node);
	for (const fli_link *at = scopes->list.next; at != &scopes->list; at = at->next)
		names[count++] = fli_container_of(at, kept, link)->name;
	fli_leave(self->node);
	/* only this process's own handlers take one out */
	return fli_shown_call(self, from, request, names, count);
}

static const fl_behaviour keeper = {
	.name = KEEPER,
	.init = on_init,
	.call = on_call,
	.cast = fli_silent_cast,
	.info = on_info,
	.timeout = on_timeout,
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

static void destroy(fl_node *node)
{
	kept_scopes *scopes = kept_of(node);

	while (!fli_list_is_empty(&scopes->list))
		forget(node, fli_container_of(scopes->list.next, kept, link));
	node->groups = NULL;
	fli_free(node->mem, scopes);
}

static int prepare(fl_node *node)
{
	kept_scopes *scopes = fli_zalloc(node->mem, sizeof *scopes);

	if (scopes == NULL)
		return FL_ENOMEM;
	scopes->ops = (fli_group_ops){join_groups, destroy};
	fli_list_create(&scopes->list);
	node->groups = &scopes->ops;
	return FL_OK;
}

int fli_pg_open(fl_node *node)
{
	fli_start how = {.behaviour = &keeper,
		.name = KEEPER,
		.parent = node->supervisor,
		.link = true,
		.is_system = true};
	fl_proc *proc;
	int rc = fli_natives_pg(node);

	if (rc == FL_OK)
		rc = prepare(node);
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
