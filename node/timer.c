/* SPDX-License-Identifier: Apache-2.0 */
/* erlang:send_after for C: a message in a chunk that waits on the wheel. */
#include "node/runtime.h"
#include "node/sched.h"

/* What lives is looked up when it fires. False: not of this node, or the name cannot be kept. */
static bool keep_dest(fl_node *node, const fl_dest *to, fl_dest *ret_kept)
{
	*ret_kept = *to;
	if (to->kind == FL_TO_NAME)
		return (to->as.name.node.size == 0 || fl_atom_eq(to->as.name.node, node->name)) &&
		       fli_atoms_intern(node->atoms, to->as.name.text.text, to->as.name.text.size,
			       &ret_kept->as.name.text);
	if (to->kind == FL_TO_PID) {
		ret_kept->as.pid.node = node->name;
		return fli_pid_is_local(node, &to->as.pid);
	}
	ret_kept->as.alias.node = node->name;
	return fl_atom_eq(to->as.alias.node, node->name);
}

static void delete_timer(fli_send_timer *timer)
{
	fl_node *node = timer->node;

	fli_wheel_stop(&timer->timer);
	(void)fli_map_remove(&node->timers, fli_ref_hash(node, &timer->ref), &timer->ref);
	fli_msg_free(node, timer->msg);
	fli_free(node->mem, timer);
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
	fl_proc *proc = receiver(timer);

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
	rc = keep_dest(node, to, &timer->to) ? fill(timer, message) : FL_EINVAL;
	if (rc != FL_OK) {
		fli_msg_free(node, timer->msg);
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
