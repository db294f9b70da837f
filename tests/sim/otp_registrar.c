/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrar of global: registers and unregisters names, one after the other, on all known
 * nodes.
 *
 *     {job,From,Tag,Kind,Name,Pid,Method}  -->  lock the boss, then everybody
 *                                          -->  still the same nodes? then the request to everybody
 *                                          -->  unlock, the boss last  -->  {Tag,Result} to From
 *
 * A lock that is not to be had is tried again after a random sleep. Meanwhile other jobs wait.
 */
#include "tests/sim/otp_global.h"

typedef struct registrar {
	otp_term job; /* none: idle */
	otp_term nodes;
	otp_term result;
	unsigned times;
} registrar;

static otp_term lock_id(otp_node *node, otp_proc *self)
{
	return otp_make(node, "{global,~t}", self->pid);
}

static otp_term known_and_self(otp_node *node)
{
	return otp_cons(node, otp_my_node(node), otp_known_list(node, NULL));
}

static void finish(otp_node *node, otp_proc *self, bool is_set)
{
	registrar *r = self->state;
	otp_proc *from = otp_find(node, otp_element(r->job, 1));

	(void)is_set;
	if (from != NULL)
		otp_deliver(
			node, from, otp_make(node, "{~t,~t}", otp_element(r->job, 2), r->result));
	otp_drop(&r->job);
	otp_drop(&r->nodes);
	otp_drop(&r->result);
	otp_resume(node, self);
}

static void unlock(otp_node *node, otp_proc *self, const char *result)
{
	registrar *r = self->state;

	r->result = otp_keep(otp_make(node, "~a", result));
	otp_del_global_lock(node, self, lock_id(node, self), r->nodes, finish);
}

static void asked_all(otp_node *node, otp_proc *self, const otp_multicall *calls)
{
	registrar *r = self->state;

	(void)calls;
	unlock(node, self, otp_is_atom(otp_element(r->job, 3), "unregister") ? "ok" : "yes");
}

/* The name is free, and the process has no other. */
static bool may_register(otp_node *node, otp_term name, otp_term pid)
{
	otp_name *n = otp_name_find(node->global, name);

	if (n != NULL && (!otp_is_mine(node, n->pid) || otp_find(node, n->pid) != NULL))
		return false;
	for (n = node->global->names; n != NULL; n = n->next)
		if (otp_equal(n->pid, pid))
			return false;
	return true;
}

static void locked(otp_node *node, otp_proc *self)
{
	registrar *r = self->state;
	otp_term kind = otp_element(r->job, 3), name = otp_element(r->job, 4);
	otp_term pid = otp_element(r->job, 5), method = otp_element(r->job, 6), request;
	bool is_external = otp_is_atom(kind, "register_ext");

	if ((is_external && otp_name_find(node->global, name) != NULL) ||
		(otp_is_atom(kind, "register") && !may_register(node, name, pid))) {
		unlock(node, self, "no");
		return;
	}
	if (otp_is_atom(kind, "unregister"))
		request = otp_make(node, "{unregister,~t}", name);
	else if (is_external)
		request = otp_make(
			node, "{register_ext,~t,~t,~t,~a}", name, pid, method, node->config.name);
	else
		request = otp_make(node, "{register,~t,~t,~t}", name, pid, method);
	otp_multicall_start(node, self, r->nodes, request, asked_all);
}

static void sleep_then_again(otp_node *node, otp_proc *self, bool is_set)
{
	registrar *r = self->state;

	(void)is_set;
	otp_after(node, self, otp_random_sleep(node, r->times++), otp_make(node, "again"));
}

static void all_tried(otp_node *node, otp_proc *self, bool is_set)
{
	registrar *r = self->state;
	otp_term boss = otp_make(node, "[~t]", otp_list_max(r->nodes));

	if (is_set && otp_length(otp_list_without(node, known_and_self(node), r->nodes)) == 0)
		locked(node, self);
	else
		otp_del_lock(node, self, lock_id(node, self), boss, sleep_then_again);
}

static void boss_tried(otp_node *node, otp_proc *self, bool is_set)
{
	registrar *r = self->state;

	if (is_set)
		otp_try_lock(node, self, lock_id(node, self), r->nodes, all_tried);
	else
		sleep_then_again(node, self, false);
}

static void begin(otp_node *node, otp_proc *self)
{
	registrar *r = self->state;

	otp_drop(&r->nodes);
	r->nodes = otp_keep(known_and_self(node));
	otp_try_lock(node, self, lock_id(node, self),
		otp_make(node, "[~t]", otp_list_max(r->nodes)), boss_tried);
}

static void handle(otp_node *node, otp_proc *self, otp_term m)
{
	registrar *r = self->state;

	if (otp_is_atom(m, "again")) {
		begin(node, self);
	} else if (r->job.data != NULL) {
		otp_save(self, m);
	} else if (otp_match(m, "{job,_,_,_,_,_,_}")) {
		r->job = otp_keep(m);
		r->times = 0;
		begin(node, self);
	}
}

static void free_registrar(void *state)
{
	registrar *r = state;

	otp_drop(&r->job);
	otp_drop(&r->nodes);
	otp_drop(&r->result);
}

void otp_registrar_start(otp_node *node)
{
	node->global->registrar = otp_spawn(node, handle, otp_alloc(sizeof(registrar)));
	node->global->registrar->on_free = free_registrar;
}
