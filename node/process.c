/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of processes: each function takes the context, does one thing, gives it back. */
#include <string.h>

#include "node/runtime.h"
#include "node/sched.h"
#include "node/via.h"

fl_pid fl_self(const fl_proc *self)
{
	return fli_proc_pid(self); /* immutable while the process has a frame */
}

fl_atom fl_sender_node(const fl_proc *self)
{
	const fli_act *act = self->act; /* of this thread: a handler runs */

	return act == NULL || act->sender.text == NULL ? self->node->name : act->sender;
}

fl_node *fl_self_node(const fl_proc *self)
{
	return self->node;
}

uint64_t fl_now_ms(fl_proc *self)
{
	return self->node->port->now_ns(self->node->port) / 1000000;
}

fl_ref fl_make_ref(fl_proc *self)
{
	fl_ref ref;

	fli_enter(self->node);
	ref = fli_ref_make(self->node);
	fli_leave(self->node);
	return ref;
}

/* Enters for a process that lives; false (and not entered) for one that was killed meanwhile. */
static bool enter_alive(fl_proc *self)
{
	fli_enter(self->node);
	if (FLI_LIKELY(self->status != FLI_EXITING))
		return true;
	fli_leave(self->node);
	return false;
}

static fli_msg **place_of(fli_extra *extra, fli_keep_what what)
{
	fli_msg **place = &extra->kept;

	while (*place != NULL && (*place)->kind != what)
		place = &(*place)->next;
	return place;
}

bool fli_proc_kept(const fl_proc *proc, fli_keep_what what, fl_term *ret_term)
{
	const fli_msg *msg = proc->extra == NULL ? NULL : *place_of(proc->extra, what);

	if (msg != NULL)
		*ret_term = fli_msg_term(proc->node, msg);
	return msg != NULL;
}

int fli_proc_keep_owned(fl_proc *proc, fli_keep_what what, fl_term term)
{
	fl_node *node = proc->node;
	fli_extra *extra = fli_proc_extra(proc);
	fli_msg *msg = extra == NULL ? NULL : fli_msg_of_term(node, term), *old, **place;

	if (msg == NULL)
		return FL_ENOMEM;
	place = place_of(extra, what);
	old = *place;
	msg->kind = (uint8_t)what;
	msg->next = old == NULL ? NULL : old->next;
	*place = msg;
	fli_msg_free(node, old);
	return FL_OK;
}

int fli_proc_keep(fl_proc *self, fli_keep_what what, fl_term term)
{
	int rc;

	if (!enter_alive(self))
		return FL_OK;
	rc = fli_proc_keep_owned(self, what, term);
	fli_leave(self->node);
	return rc;
}

int fl_set_label_spec(fl_proc *self, fl_spec label)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = fl_build_values(&buf, label.pattern, label.values, label.count);

	if (rc == FL_OK)
		rc = fli_proc_keep(self, FLI_KEEP_LABEL, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return rc;
}

static int silent(int rc)
{
	return rc == FL_ENOPROC || rc == FL_ENOCONN ? FL_OK : rc;
}

int fl_send_spec(fl_proc *self, fl_dest to, fl_spec message)
{
	int rc;

	if (!enter_alive(self))
		return FL_ECLOSED;
	to = fli_via_resolve(self->node, to);
	rc = silent(fli_send_spec(self->node, self, &to, message));
	fli_leave(self->node);
	return rc;
}

static int cast(fl_proc *self, const fl_dest *to, fl_spec message)
{
	fl_node *node = self->node;
	fli_send send;
	int rc = fli_send_begin(node, self, to, &send);

	if (rc != FL_OK)
		return silent(rc);
	fli_write_tuple(send.buf, 2);
	fli_write_atom(send.buf, fl_atom_of("$gen_cast"));
	rc = fli_build_values(send.buf, message.pattern, message.values, message.count);
	if (rc == FL_OK)
		return fli_send_end(node, self, &send);
	fli_send_cancel(node, &send);
	return rc;
}

int fl_cast_spec(fl_proc *self, fl_dest to, fl_spec message)
{
	int rc;

	if (!enter_alive(self))
		return FL_ECLOSED;
	to = fli_via_resolve(self->node, to);
	rc = cast(self, &to, message);
	fli_leave(self->node);
	return rc;
}

/* ---- names ----------------------------------------------------------------------------------- */

int fl_register(fl_proc *self, const char *name)
{
	fl_atom atom;
	int rc;

	if (!enter_alive(self))
		return FL_ECLOSED;
	rc = fli_atoms_intern_own(self->node->atoms, name, strlen(name), &atom)
		     ? fli_name_register(self, atom)
		     : FL_ELIMIT;
	fli_leave(self->node);
	return rc;
}

int fl_unregister(fl_proc *self, const char *name)
{
	int rc;

	if (!enter_alive(self))
		return FL_ECLOSED;
	rc = fli_name_unregister(self->node, fl_atom_of(name));
	fli_leave(self->node);
	return rc;
}

bool fl_whereis(fl_proc *self, const char *name, fl_pid *ret_pid)
{
	fl_proc *proc;

	fli_enter(self->node);
	proc = fli_name_find(self->node, fl_atom_of(name));
	if (proc != NULL)
		*ret_pid = fli_proc_pid(proc);
	fli_leave(self->node);
	return proc != NULL;
}

/* ---- links, monitors, exits ------------------------------------------------------------------ */

int fl_link(fl_proc *self, fl_pid pid)
{
	int rc;

	if (!enter_alive(self))
		return FL_ECLOSED;
	rc = fli_plink_add(self, &pid);
	fli_leave(self->node);
	return rc;
}

int fl_unlink(fl_proc *self, fl_pid pid)
{
	int rc;

	if (!enter_alive(self))
		return FL_ECLOSED;
	rc = fli_plink_remove(self, &pid);
	fli_leave(self->node);
	return rc;
}

int fl_monitor_dest(fl_proc *self, fl_dest to, fl_ref *ret_ref)
{
	fli_monitor *monitor;
	fl_ref ref;

	if (to.kind == FL_TO_ALIAS)
		return FL_EINVAL;
	if (!enter_alive(self))
		return FL_ECLOSED;
	to = fli_via_resolve(self->node, to);
	ref = fli_ref_make(self->node);
	monitor = fli_monitor_new(self, &to, &ref);
	if (monitor != NULL) {
		fli_monitor_aim(monitor, &to);
		*ret_ref = ref;
	}
	fli_leave(self->node);
	return monitor == NULL ? FL_ENOMEM : FL_OK;
}

/* A 'DOWN' of that monitor that waits already is taken out again. */
static void flush_down(fl_proc *self, const fl_ref *ref)
{
	fli_msg *msg = self->first, *before = NULL;

	while (msg != NULL) {
		fli_msg *next = msg->next;

		if (msg->kind == FLI_MSG_INFO && fl_match(fli_msg_term(self->node, msg),
							 "{'DOWN', ^, process, _, _}", ref)) {
			if (before == NULL)
				self->first = next;
			else
				before->next = next;
			if (self->last == msg)
				self->last = before;
			self->mailbox_count--;
			fli_msg_free(self->node, msg);
			return; /* a monitor fires once */
		}
		before = msg;
		msg = next;
	}
}

int fl_demonitor(fl_proc *self, fl_ref ref)
{
	fli_monitor *monitor;

	if (!enter_alive(self))
		return FL_ECLOSED;
	monitor = fli_monitor_find(self->node, NULL, &ref);
	if (monitor != NULL && monitor->watcher == self && monitor->wait == NULL)
		fli_monitor_cancel(self->node, monitor);
	else
		flush_down(self, &ref);
	fli_leave(self->node);
	return FL_OK;
}

void fl_trap_exit(fl_proc *self, bool on)
{
	fli_enter(self->node);
	self->trap_exit = on;
	fli_leave(self->node);
}

static int exit_there(fl_proc *self, const fl_pid *pid, fl_term reason)
{
	fl_node *node = self->node;
	fl_pid me = fli_proc_pid(self);
	fli_peer *peer = node->remote == NULL ? NULL : node->remote->peer(node->dist, pid->node);

	if (peer != NULL && (!peer->is_up || peer->creation == pid->creation))
		node->remote->exit2(peer, &me, pid, reason);
	return FL_OK;
}

int fli_exit_send(fl_proc *self, const fl_pid *pid, fl_term reason)
{
	fl_node *node = self->node;
	fl_pid me = fli_proc_pid(self);
	fl_proc *to;

	if (!fli_pid_is_local(node, pid))
		return exit_there(self, pid, reason);
	to = fli_proc_of(node, pid);
	if (to != NULL)
		fli_exit_signal(to, &me, reason, false);
	return FL_OK;
}

int fl_exit_spec(fl_proc *self, fl_pid pid, fl_spec reason)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = fl_build_values(&buf, reason.pattern, reason.values, reason.count);

	if (rc == FL_OK && enter_alive(self)) {
		rc = fli_exit_send(self, &pid, fl_buf_term(&buf));
		fli_leave(self->node);
	}
	fl_buf_free(&buf);
	return rc;
}

/* ---- aliases --------------------------------------------------------------------------------- */

fl_ref fl_alias(fl_proc *self)
{
	fli_alias *alias;
	fl_ref ref;

	fli_enter(self->node);
	alias = self->status == FLI_EXITING ? NULL : fli_alias_new(self, false);
	ref = alias == NULL ? fli_ref_make(self->node) : alias->ref;
	fli_leave(self->node);
	return ref;
}

int fl_unalias(fl_proc *self, fl_ref ref)
{
	fli_alias *alias;

	fli_enter(self->node);
	alias = fli_alias_find(self->node, &ref);
	if (alias != NULL && alias->proc == self)
		fli_alias_delete(self->node, alias);
	fli_leave(self->node);
	return alias == NULL ? FL_ENOENT : FL_OK;
}

/* ---- starting others ------------------------------------------------------------------------- */

/* A monitor of nobody yet, so that nothing can fail once the child runs. */
static bool prepare_monitor(fl_proc *self, fl_ref *ret_ref)
{
	fl_dest nobody = fl_to_pid(fli_proc_pid(self));

	*ret_ref = fli_ref_make(self->node);
	return fli_monitor_new(self, &nobody, ret_ref) != NULL;
}

/* Aims it at the child; NULL: there is none. */
static void settle_monitor(fl_proc *self, const fl_ref *ref, const fl_pid *child)
{
	fli_monitor *monitor = fli_monitor_find(self->node, NULL, ref);
	fl_dest to;

	if (monitor == NULL)
		return;
	if (child == NULL) {
		fli_monitor_cancel(self->node, monitor);
		return;
	}
	to = fl_to_pid(*child);
	monitor->target_pid = *child;
	fli_monitor_aim(monitor, &to);
}

static int start(fl_proc *self, const fl_behaviour *behaviour, const fl_start_options *options,
	fl_term args, fl_pid *ret_pid)
{
	fl_node *node = self->node;
	fli_start how = {.behaviour = behaviour,
		.parent = self,
		.name = options == NULL ? NULL : options->name,
		.global_name = options == NULL ? NULL : options->global_name,
		.via = options != NULL && options->via.kind == FL_TO_VIA ? &options->via : NULL,
		.link = options != NULL && options->link};
	bool watches = options != NULL && options->monitor;
	fl_ref ref = {.count = 0};
	fl_proc *proc;
	int rc;

	/* first, since a child that was started cannot be taken back without a trace */
	if (watches && !prepare_monitor(self, &ref))
		return FL_ENOMEM;
	rc = fli_proc_start(node, &how, args, &proc, NULL);
	if (rc == FL_OK)
		*ret_pid = fli_proc_pid(proc);
	if (self->status == FLI_EXITING)
		return FL_ECLOSED; /* killed meanwhile: nobody is left to watch */
	if (watches)
		settle_monitor(self, &ref, rc == FL_OK ? ret_pid : NULL);
	if (watches && rc == FL_OK && options->ret_monitor != NULL)
		*options->ret_monitor = ref;
	return rc;
}

int fl_start_spec(fl_proc *self, const fl_behaviour *behaviour, const fl_start_options *options,
	fl_pid *ret_pid, fl_spec args)
{
	fl_buf buf = FL_BUF_INIT;
	fl_pid pid;
	int rc = fl_build_values(&buf, args.pattern, args.values, args.count);

	if (rc == FL_OK) {
		rc = FL_ECLOSED;
		if (enter_alive(self)) {
			rc = start(self, behaviour, options, fl_buf_term(&buf), &pid);
			fli_leave(self->node);
		}
		if (rc == FL_OK && ret_pid != NULL)
			*ret_pid = pid;
	}
	fl_buf_free(&buf);
	return rc;
}
