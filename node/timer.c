/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erlang:send_after for C: a message in a chunk that waits on the wheel. Whom a name means is found
 * out when it fires; one of the cluster or of a registry is kept as a term until then.
 */
#include <stdio.h>

#include "node/kept.h"
#include "node/runtime.h"
#include "node/sched.h"
#include "node/via.h"

#define REGISTRY_NAME_MAX 256 /* an atom has 255 characters */

/* {Registry, Key}, or the name of the cluster. */
static bool keep_name(fl_node *node, const fl_dest *to, fli_kept **ret_name)
{
	fl_buf name = FL_BUF_INIT, key = FL_BUF_INIT;

	if (to->kind == FL_TO_VIA && fl_build_values(&key, to->as.via.key.pattern,
					     to->as.via.key.values, to->as.via.key.count) == FL_OK)
		(void)fl_build(&name, "{~, ~}", fl_atom_of(to->as.via.registry), fl_buf_term(&key));
	else if (to->kind == FL_TO_GLOBAL && to->as.global.term.data != NULL)
		(void)fl_build(&name, "~", to->as.global.term);
	else if (to->kind == FL_TO_GLOBAL)
		(void)fl_build(&name, "~", to->as.global.atom);
	if (name.error == FL_OK && name.size > 0)
		*ret_name = fli_keep(node->mem, fl_buf_term(&name));
	fl_buf_free(&key);
	fl_buf_free(&name);
	return *ret_name != NULL;
}

/* False: not of this node, or the name cannot be kept. */
static bool keep_dest(fl_node *node, const fl_dest *to, fli_send_timer *timer)
{
	fl_dest *ret_kept = &timer->to;

	*ret_kept = *to;
	if (to->kind == FL_TO_NAME)
		return (to->as.name.node.size == 0 || fl_atom_eq(to->as.name.node, node->name)) &&
		       fli_atoms_intern(node->atoms, to->as.name.text.text, to->as.name.text.size,
			       &ret_kept->as.name.text);
	if (to->kind == FL_TO_PID) {
		ret_kept->as.pid.node = node->name;
		return fli_pid_is_local(node, &to->as.pid);
	}
	if (to->kind == FL_TO_VIA || to->kind == FL_TO_GLOBAL)
		return keep_name(node, to, &timer->name);
	ret_kept->as.alias.node = node->name;
	return fl_atom_eq(to->as.alias.node, node->name);
}

static void delete_timer(fli_send_timer *timer)
{
	fl_node *node = timer->node;

	fli_wheel_stop(&timer->timer);
	(void)fli_map_remove(&node->timers, fli_ref_hash(node, &timer->ref), &timer->ref);
	fli_msg_free(node, timer->msg);
	fli_free(node->mem, timer->name);
	fli_free(node->mem, timer);
}

/* Who has the name now, here or, of the cluster, on another node. */
static fl_dest resolve(const fli_send_timer *timer)
{
	fl_term whole = fli_kept_term(timer->name, timer->node->atoms), key;
	char registry[REGISTRY_NAME_MAX * 4];
	fl_atom name;

	if (timer->to.kind == FL_TO_GLOBAL)
		return fli_via_resolve(
			timer->node, (fl_dest){.kind = FL_TO_GLOBAL, .as.global.term = whole});
	if (!fl_match(whole, "{~, ~}", &name, &key) || name.size >= sizeof registry)
		return fl_to_name("");
	(void)snprintf(registry, sizeof registry, "%.*s", (int)name.size, name.text);
	return fli_via_resolve(timer->node, fl_to_via(registry, fl_spec("~", key)));
}

static fl_proc *receiver(const fli_send_timer *timer)
{
	const fli_alias *alias;

	switch (timer->to.kind) {
	case FL_TO_PID: return fli_proc_of(timer->node, &timer->to.as.pid);
	case FL_TO_NAME: return fli_name_find(timer->node, timer->to.as.name.text);
	default:
		alias = fli_alias_find(timer->node, &timer->to.as.alias);
		return alias == NULL ? NULL : alias->proc;
	}
}

static void fire(fli_timer *wheel_timer)
{
	fli_send_timer *timer = fli_container_of(wheel_timer, fli_send_timer, timer);
	fl_node *node = timer->node;
	fl_proc *proc;

	if (timer->name != NULL)
		timer->to = resolve(timer);
	proc = receiver(timer);
	if (timer->name != NULL && timer->to.kind == FL_TO_PID &&
		!fli_pid_is_local(node, &timer->to.as.pid))
		(void)fli_send_spec(node, NULL, &timer->to, /* nobody is there to hear of it */
			fl_spec("~", fli_msg_term(node, timer->msg)));
	if (proc != NULL) {
		fli_deliver(proc, timer->msg);
		timer->msg = NULL;
	}
	delete_timer(timer);
}

static int fill(fli_send_timer *timer, fl_spec message)
{
	fl_node *node = timer->node;
	int rc;

	fli_buf_clear(&node->scratch, 1 << 16);
	rc = fli_build_values(&node->scratch, message.pattern, message.values, message.count);
	if (rc != FL_OK)
		return rc;
	timer->msg = fli_msg_of_term(node, fli_term(node, node->scratch.data, node->scratch.size));
	if (timer->msg == NULL)
		return FL_ENOMEM;
	return fli_map_put(&node->timers, fli_ref_hash(node, &timer->ref), timer);
}

static int start(fl_node *node, uint32_t ms, const fl_dest *to, fl_ref *ret_timer, fl_spec message)
{
	fli_send_timer *timer = fli_zalloc(node->mem, sizeof *timer);
	int rc;

	if (timer == NULL)
		return FL_ENOMEM;
	timer->node = node;
	timer->ref = fli_ref_make(node);
	timer->timer.fire = fire;
	rc = keep_dest(node, to, timer) ? fill(timer, message) : FL_EINVAL;
	if (rc != FL_OK) {
		fli_msg_free(node, timer->msg);
		fli_free(node->mem, timer->name);
		fli_free(node->mem, timer);
		return rc;
	}
	fli_wheel_start(&node->wheel, &timer->timer, node->port->now_ns(node->port) / 1000000 + ms);
	if (ret_timer != NULL)
		*ret_timer = timer->ref;
	return FL_OK;
}

int fl_send_after_spec(fl_proc *self, uint32_t ms, fl_dest to, fl_ref *ret_timer, fl_spec message)
{
	fl_node *node = self->node;
	int rc = FL_ECLOSED;

	fli_enter(node);
	if (self->status != FLI_EXITING)
		rc = start(node, ms, &to, ret_timer, message);
	fli_leave(node);
	return rc;
}

int fl_cancel_timer(fl_proc *self, fl_ref ref)
{
	fl_node *node = self->node;
	fli_send_timer *timer;

	fli_enter(node);
	timer = fli_map_get(&node->timers, fli_ref_hash(node, &ref), &ref);
	if (timer != NULL)
		delete_timer(timer);
	fli_leave(node);
	return timer == NULL ? FL_ENOENT : FL_OK;
}

void fli_timers_destroy(fl_node *node)
{
	size_t cursor = 0;
	fli_send_timer *timer;

	while ((timer = fli_map_next(&node->timers, &cursor)) != NULL) {
		delete_timer(timer);
		cursor = 0;
	}
}
