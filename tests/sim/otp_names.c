/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of global: names and locks, each with monitors of the processes in it.
 *
 * - A name is inserted only while the lock of the one that inserts is still there: a registering
 * pid has to hold `global`, new_nodes has to name the lock that is set. With no lock at all it is
 *   inserted, unless the last lock went because its holder died: then a late message of a dead node
 *   must not leave a name behind.
 * - A holder or a named process that dies takes its lock or name along; nobody is told, since every
 *   node has its own monitor.
 */
#include "tests/sim/otp_global.h"

#include <stdlib.h>

/* ---- locks ----------------------------------------------------------------------------------- */

otp_lock *otp_lock_find(otp_global *g, otp_term resource)
{
	otp_lock *lock = g->locks;

	while (lock != NULL && !otp_equal(lock->resource, resource))
		lock = lock->next;
	return lock;
}

bool otp_lock_is_free(otp_node *node, otp_term resource, otp_term requester)
{
	otp_lock *lock = otp_lock_find(node->global, resource);

	return lock == NULL || otp_equal(lock->requester, requester);
}

static otp_holder **find_holder(otp_lock *lock, otp_term pid)
{
	otp_holder **at = &lock->holders;

	while (*at != NULL && !otp_equal((*at)->pid, pid))
		at = &(*at)->next;
	return at;
}

bool otp_lock_set(otp_node *node, otp_term resource, otp_term requester, otp_term pid)
{
	otp_global *g = node->global;
	otp_lock *lock = otp_lock_find(g, resource);
	otp_holder *holder;

	if (lock != NULL && !otp_equal(lock->requester, requester))
		return false;
	if (lock == NULL) {
		lock = otp_alloc(sizeof *lock);
		lock->resource = otp_keep(resource);
		lock->requester = otp_keep(requester);
		lock->next = g->locks;
		g->locks = lock;
	}
	if (*find_holder(lock, pid) != NULL)
		return true;
	holder = otp_alloc(sizeof *holder);
	holder->pid = otp_keep(pid);
	holder->next = lock->holders;
	lock->holders = holder;
	holder->monitor = otp_keep(otp_monitor_pid(node, g->server, pid));
	return true;
}

static void free_lock(otp_global *g, otp_lock *lock)
{
	otp_lock **at = &g->locks;

	while (*at != lock)
		at = &(*at)->next;
	*at = lock->next;
	otp_drop(&lock->resource);
	otp_drop(&lock->requester);
	free(lock);
}

static void remove_holder(otp_node *node, otp_lock *lock, otp_holder **at, bool is_down)
{
	otp_holder *holder = *at;

	*at = holder->next;
	otp_demonitor(node, node->global->server, holder->monitor);
	otp_drop(&holder->pid);
	otp_drop(&holder->monitor);
	free(holder);
	if (lock->holders != NULL)
		return;
	if (otp_is_atom(lock->resource, "global"))
		node->global->is_lock_down = is_down;
	free_lock(node->global, lock);
}

void otp_lock_del(otp_node *node, otp_term resource, otp_term requester, otp_term pid)
{
	otp_lock *lock = otp_lock_find(node->global, resource);
	otp_holder **at;

	if (lock == NULL || !otp_equal(lock->requester, requester))
		return;
	at = find_holder(lock, pid);
	if (*at != NULL)
		remove_holder(node, lock, at, false);
}

static void locks_down(otp_node *node, otp_term ref)
{
	for (otp_lock *lock = node->global->locks, *next; lock != NULL; lock = next) {
		next = lock->next;
		for (otp_holder **at = &lock->holders; *at != NULL; at = &(*at)->next)
			if (otp_equal((*at)->monitor, ref)) {
				remove_holder(node, lock, at, true);
				return;
			}
	}
}

/* ---- names ----------------------------------------------------------------------------------- */

otp_name *otp_name_find(otp_global *g, otp_term name)
{
	otp_name *n = g->names;

	while (n != NULL && !otp_equal(n->name, name))
		n = n->next;
	return n;
}

static void free_name(otp_name **at)
{
	otp_name *n = *at;

	*at = n->next;
	otp_drop(&n->name);
	otp_drop(&n->pid);
	otp_drop(&n->method);
	otp_drop(&n->monitor);
	otp_drop(&n->reg_node);
	free(n);
}

void otp_name_delete(otp_node *node, otp_term name)
{
	otp_name **at = &node->global->names;

	while (*at != NULL && !otp_equal((*at)->name, name))
		at = &(*at)->next;
	if (*at == NULL)
		return;
	otp_demonitor(node, node->global->server, (*at)->monitor);
	if (otp_is_atom((*at)->reg_node, node->config.name))
		otp_unlink(node, node->global->server, (*at)->pid);
	free_name(at);
}

/* `from`: a pid that has to hold the lock, or the lock itself. */
static bool is_lock_still_set(otp_node *node, otp_term from)
{
	otp_global *g = node->global;
	otp_lock *lock = otp_lock_find(g, otp_make(node, "global"));

	if (lock == NULL)
		return !g->is_lock_down;
	if (otp_is_pid(from))
		return *find_holder(lock, from) != NULL;
	return otp_equal(otp_element(from, 1), lock->requester);
}

void otp_name_insert(otp_node *node, otp_term name, otp_term pid, otp_term method, otp_term from)
{
	otp_name *n = otp_alloc(sizeof *n);

	/* The caller's terms may be those of the entry that goes. */
	n->name = otp_keep(name);
	n->pid = otp_keep(pid);
	n->method = otp_keep(method);
	otp_name_delete(node, n->name);
	n->next = node->global->names;
	node->global->names = n;
	n->monitor = otp_keep(otp_monitor_pid(node, node->global->server, n->pid));
	if (!is_lock_still_set(node, from))
		otp_name_delete(node, otp_make(node, "~t", n->name));
}

/* It was just inserted, on behalf of a node that watches over the process. */
void otp_name_external(otp_node *node, otp_term name, otp_term pid, otp_term reg_node)
{
	otp_name *n = otp_name_find(node->global, name);

	if (n == NULL || !otp_equal(n->pid, pid))
		return;
	otp_drop(&n->reg_node);
	n->reg_node = otp_keep(reg_node);
	if (otp_is_atom(reg_node, node->config.name))
		otp_link(node, node->global->server, pid);
}

otp_term otp_names_list(otp_node *node)
{
	otp_term list = otp_make(node, "[]");

	for (otp_name *n = node->global->names; n != NULL; n = n->next)
		list = otp_cons(
			node, otp_make(node, "{~t,~t,~t}", n->name, n->pid, n->method), list);
	return list;
}

otp_term otp_names_ext(otp_node *node)
{
	otp_term list = otp_make(node, "[]");

	for (otp_name *n = node->global->names; n != NULL; n = n->next)
		if (n->reg_node.data != NULL)
			list = otp_cons(node,
				otp_make(node, "{~t,~t,~t}", n->name, n->pid, n->reg_node), list);
	return list;
}

static void run_insert(otp_node *node, otp_term entry, otp_term names_ext, otp_term lock_id)
{
	otp_term name, pid, method, item, ext_name, ext_pid, reg_node;

	if (!otp_match(entry, "{~t,~t,~t}", &name, &pid, &method) || !otp_is_pid(pid))
		return;
	otp_name_insert(node, name, pid, method, lock_id);
	while (otp_next(&names_ext, &item))
		if (otp_match(item, "{~t,~t,~t}", &ext_name, &ext_pid, &reg_node) &&
			otp_equal(ext_name, name) && otp_equal(ext_pid, pid))
			otp_name_external(node, name, pid, reg_node);
}

/* [{insert,{Name,Pid,Method}} | {delete,Name}]; deletions come last, as with OTP. */
void otp_ops_run(otp_node *node, otp_term ops, otp_term names_ext, otp_term lock_id)
{
	otp_term rest = ops, op, what;

	while (otp_next(&rest, &op))
		if (otp_match(op, "{insert,~t}", &what))
			run_insert(node, what, names_ext, lock_id);
	while (otp_next(&ops, &op))
		if (otp_match(op, "{delete,~t}", &what))
			otp_name_delete(node, what);
}

void otp_names_down(otp_node *node, otp_term ref)
{
	locks_down(node, ref);
	for (otp_name *n = node->global->names; n != NULL; n = n->next)
		if (otp_equal(n->monitor, ref)) {
			otp_name_delete(node, otp_make(node, "~t", n->name));
			return;
		}
}

void otp_names_free(otp_global *g)
{
	while (g->names != NULL)
		free_name(&g->names);
	while (g->locks != NULL) {
		otp_lock *lock = g->locks;

		while (lock->holders != NULL) {
			otp_holder *holder = lock->holders;

			lock->holders = holder->next;
			otp_drop(&holder->pid);
			otp_drop(&holder->monitor);
			free(holder);
		}
		free_lock(g, lock);
	}
}
