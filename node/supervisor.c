/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A supervisor's process: what comes to it, and what it decides (sup.h) carried out.
 *
 *  - Children are linked; it traps exits. An end that was asked for comes by the link as well, or
 *    by a monitor where a child might have cut the link.
 *  - It never waits in a handler: while it waits for an end it takes ends and times, keeps requests
 *    and further attempts back, and goes through them when it is idle.
 *  - An exit of its parent, or sys's terminate, is an end that takes turns too.
 *
 * Failure: a child that fails in the first starts ends those before it, and the init, with OTP's
 * {shutdown, {failed_to_start_child, Id, Reason}}; these are ended on the spot, without turns. A
 * request that there is no memory to keep back is answered {error, system_limit}.
 */
#include "node/supervisor.h"

#include <stdio.h>
#include <string.h>

#include "node/access.h"
#include "node/behaviours.h"
#include "node/conflict.h"
#include "node/owned.h"
#include "node/sched.h"
#include "node/sup_process.h"

#define MAILBOX_MAX (16U << 20) /* each of its children may end at once */

/* A request, or an attempt to start again. */
typedef struct deferred {
	fli_link link;
	fl_from from;
	fl_atom sender; /* the node that asked, interned */
	bool is_call;
	size_t size;
	uint8_t bytes[];
} deferred;

/* ---- what comes while it waits --------------------------------------------------------------- */

static bool defer(fl_proc *self, fli_supervisor *s, const fl_from *from, fl_term term)
{
	fl_buf buf = FL_BUF_INIT;
	deferred *d = NULL;

	if (fl_build(&buf, "~", term) == FL_OK)
		d = fli_owned_alloc(self, sizeof *d + buf.size);
	if (d != NULL) {
		d->is_call = from != NULL;
		if (from != NULL)
			d->from = *from;
		d->sender = fl_sender_node(self);
		d->size = buf.size;
		memcpy(d->bytes, buf.data, buf.size);
		fli_list_append(&s->deferred, &d->link);
	}
	fl_buf_free(&buf);
	return d != NULL;
}

static void try_again(fl_proc *self, fli_supervisor *s, fl_term message)
{
	fl_term which;
	fli_kid *kid;
	fl_pid pid;

	if (!fl_match(message, "{try_again_restart, ~}", &which))
		return; /* as in OTP: what it does not know is no reason to end its children */
	if (!fli_sup_is_dynamic(s->sup))
		kid = fli_sup_by_id(s->sup, which);
	else
		kid = fl_match(which, "~", &pid) ? fli_sup_by_pid(s->sup, pid.id, pid.serial)
						 : NULL;
	if (kid != NULL)
		fli_sup_again(s->sup, kid, fl_now_ms(self));
}

static bool take_deferred(fl_proc *self, fli_supervisor *s)
{
	fli_link *link = fli_list_pop(&s->deferred);
	deferred *d = link == NULL ? NULL : fli_container_of(link, deferred, link);
	fl_term term;

	if (d == NULL)
		return false;
	term = fli_term(self->node, d->bytes, d->size);
	if (d->is_call)
		(void)fli_supervisor_call(self, s, d->from, d->sender, term); /* it answers all */
	else
		try_again(self, s, term);
	fli_enter(self->node);
	fli_owned_free(d);
	fli_leave(self->node);
	return true;
}

/* ---- going on -------------------------------------------------------------------------------- */

static bool is_stopping(const fli_supervisor *s)
{
	/* relaxed: the owner of the context sets it, and wakes the supervisor through its mutex */
	return atomic_load_explicit(&s->is_stopping, memory_order_relaxed);
}

static bool wants_end(const fli_supervisor *s)
{
	return s->wants_end || is_stopping(s);
}

static void answer_asker(fli_supervisor *s)
{
	if (s->has_asker)
		(void)fl_reply(s->asker, "ok"); /* the caller may be gone */
	s->has_asker = false;
}

/* One thing that an idle one has to do; false: there is none. */
static bool go_on(fl_proc *self, fli_supervisor *s)
{
	answer_asker(s);
	/* relaxed: as in is_stopping */
	if (!wants_end(s) &&
		atomic_exchange_explicit(&s->wants_restart, false, memory_order_relaxed)) {
		fli_sup_restart_all(s->sup, fl_now_ms(self));
		return true;
	}
	if (!wants_end(s))
		return fli_sup_go_on(s->sup, fl_now_ms(self)) || take_deferred(self, s);
	fli_sup_end(s->sup, fl_now_ms(self));
	return true;
}

static int end(fl_proc *self, const fli_supervisor *s)
{
	if (s->reason == NULL)
		return fl_stop(self, "shutdown");
	return fl_stop(self, "~", fli_kept_term(s->reason, self->node->atoms));
}

static void set_timeout(fl_proc *self, const fli_supervisor *s)
{
	uint64_t now_ms = fl_now_ms(self), deadline_ms = s->sup->deadline_ms;

	if (s->is_again)
		fl_next_timeout(self, 1);
	else if (s->sup->phase == FLI_SUP_STOPPING && deadline_ms != UINT64_MAX)
		fl_next_timeout(self, deadline_ms > now_ms ? (uint32_t)(deadline_ms - now_ms) : 0);
}

int fli_supervisor_drive(fl_proc *self, fli_supervisor *s)
{
	bool is_busy = true;

	while (is_busy) {
		if (s->sup->phase == FLI_SUP_STOPPING && wants_end(s) &&
			s->sup->then == FLI_THEN_START)
			fli_sup_end(s->sup, fl_now_ms(self)); /* it starts nobody any more */
		if (s->sup->phase == FLI_SUP_STOPPING)
			fli_sup_tick(s->sup, fl_now_ms(self));
		is_busy = s->sup->phase == FLI_SUP_IDLE && go_on(self, s);
	}
	if (s->sup->phase == FLI_SUP_ENDED)
		return end(self, s);
	set_timeout(self, s);
	return FL_OK;
}

/* ---- handlers -------------------------------------------------------------------------------- */

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fli_supervisor *s = state;
	int rc = FL_OK;

	if (s->sup->phase == FLI_SUP_IDLE && !wants_end(s))
		rc = fli_supervisor_call(self, s, from, fl_sender_node(self), request);
	else if (defer(self, s, &from, request))
		rc = fl_later(self, from);
	else
		(void)fl_reply(from, "{error, system_limit}"); /* the caller may be gone */
	return rc == FL_OK ? fli_supervisor_drive(self, s) : rc;
}

static bool may_restart(fl_proc *self)
{
	fl_node *node = self->node;
	bool may;

	fli_enter(node);
	may = fli_access_may(node, fl_sender_node(self), FLI_ACCESS_RESTART_CHILD);
	fli_leave(node);
	return may;
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fli_supervisor *s = state;

	if (!may_restart(self))
		return FL_OK;
	if (s->sup->phase == FLI_SUP_IDLE)
		try_again(self, s, message);
	else if (fl_match(message, "{try_again_restart, _}") && !defer(self, s, NULL, message))
		s->is_again = true;
	return fli_supervisor_drive(self, s);
}

/* Anybody may send a message that looks like an exit. */
static bool is_dead(fl_proc *self, const fl_pid *pid, bool *ret_forgiven)
{
	fl_node *node = fl_self_node(self);
	fl_proc *proc;
	bool dead;

	fli_enter(node);
	proc = fli_proc_of(node, pid);
	dead = proc == NULL || proc->status == FLI_EXITING;
	*ret_forgiven = dead && fli_conflict_take(node, pid);
	fli_leave(node);
	return dead;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fli_supervisor *s = state;
	bool is_forgiven;
	fli_kid *kid;
	fl_term reason;
	fl_pid pid;

	if (fl_match(message, "{'EXIT', ~, ~}", &pid, &reason) ||
		fl_match(message, "{'DOWN', _, process, ~, ~}", &pid, &reason)) {
		kid = fli_pid_is_local(self->node, &pid)
			      ? fli_sup_by_pid(s->sup, pid.id, pid.serial)
			      : NULL;
		if (kid != NULL && is_dead(self, &pid, &is_forgiven)) {
			kid->is_forgiven = is_forgiven;
			fli_sup_ended(s->sup, kid, reason, fl_now_ms(self));
		}
	} else {
		(void)fl_unhandled(self, message); /* logs it */
	}
	return fli_supervisor_drive(self, s);
}

/* What could not be told by a message. */
static void try_all_again(fl_proc *self, fli_supervisor *s)
{
	fli_kid *kid = fli_sup_next(s->sup, NULL), *next;

	s->is_again = false;
	for (; kid != NULL && s->sup->phase == FLI_SUP_IDLE; kid = next) {
		next = fli_sup_next(s->sup, kid);
		if (kid->state == FLI_KID_RESTARTING)
			fli_sup_again(s->sup, kid, fl_now_ms(self));
	}
}

static int on_timeout(fl_proc *self, void *state)
{
	fli_supervisor *s = state;

	if (s->is_again && s->sup->phase == FLI_SUP_IDLE)
		try_all_again(self, s);
	return fli_supervisor_drive(self, s);
}

static int on_end(fl_proc *self, void *state, fl_term reason)
{
	fli_supervisor *s = state;

	if (!s->wants_end)
		s->reason = fli_keep(self->node->mem, reason); /* or shutdown */
	s->wants_end = true;
	return fli_supervisor_drive(self, s);
}

/* All have ended already, unless it ends at once, when nobody drives the node any more. */
static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	fli_supervisor *s = state;
	fl_node *node = fl_self_node(self);

	(void)reason;
	/* relaxed: as in is_stopping */
	atomic_store_explicit(&s->is_stopping, true, memory_order_relaxed);
	fli_supervisor_end_now(s);
	fli_enter(node);
	if (node->supervisor == self) {
		node->supervisor = NULL;
		fli_crew_wake(node); /* whoever drives waits for this */
	}
	fli_leave(node);
}

/* ---- init ------------------------------------------------------------------------------------ */

/* What lies in the process's own memory, and what hangs from it. */
typedef struct holdings {
	fli_sup sup;
	fli_supervisor *s;
	fli_mem *mem;
} holdings;

static void drop_holdings(void *block)
{
	holdings *h = block;

	fli_sup_destroy(&h->sup);
	fli_kid_spec_unref(h->s->last_spec);
	fli_free(h->mem, h->s->extra);
	fli_free(h->mem, h->s->reason);
}

static bool make_seats(fl_proc *self, fli_supervisor *s)
{
	size_t bytes = s->flags->partitions * sizeof(fli_seat);
	fli_seat *seats;

	if (bytes == 0)
		return true;
	fli_enter(self->node); /* others look at them */
	seats = fli_owned_alloc(self, bytes);
	if (seats != NULL)
		memset(seats, 0, bytes);
	s->seats = seats;
	fli_leave(self->node);
	return seats != NULL;
}

static bool make_holdings(fl_proc *self, fli_supervisor *s)
{
	holdings *h = fli_owned_alloc_with(self, sizeof *h, drop_holdings);

	s->self = self;
	s->flags = self->behaviour->supervisor;
	fli_list_create(&s->deferred);
	if (h == NULL)
		return false;
	h->s = s;
	h->mem = self->node->mem;
	fli_sup_create(&h->sup, h->mem, s->flags, self->node->seed);
	h->sup.ops = &fli_supervisor_ops;
	h->sup.ctx = s;
	s->sup = &h->sup;
	return make_seats(self, s);
}

static int read_text(fl_buf *buf, const char *text)
{
	fl_error err;

	return fl_read(buf, text, strlen(text), &err);
}

int fli_supervisor_add(
	fli_supervisor *s, const fl_child *child, fl_term args, fli_kid **ret_kid, fl_buf *ret_why)
{
	fl_node *node = s->self->node;
	fli_kid_spec_home home = {node->mem, node->atoms, s->sup->auto_shutdown};
	fl_buf map = FL_BUF_INIT;
	fli_kid_spec *spec = NULL;
	fl_term start_args, id;
	int rc = fli_kid_spec_build(&map, child, args);

	fli_enter(node);
	(void)fli_behaviour_know(node, child->behaviour); /* a name that is taken: not from afar */
	fli_leave(node);
	if (rc == FL_OK)
		rc = fli_kid_spec_read(&home, fl_buf_term(&map), &spec, &start_args, ret_why);
	else if (rc != FL_ENOMEM)
		(void)fl_build(
			ret_why, "{invalid_child_spec, ~}", fl_atom_of(child->behaviour->name));
	if (rc == FL_OK) {
		spec->behaviour = child->behaviour;
		id = fli_kid_spec_get(spec, FLI_SPEC_ID);
		if (fli_sup_by_id(s->sup, id) != NULL) {
			(void)fl_build(ret_why, "{duplicate_child_name, ~}", id);
			rc = FL_EALREADY;
		} else {
			*ret_kid = fli_sup_add(s->sup, spec, start_args);
			rc = *ret_kid == NULL ? FL_ENOMEM : FL_OK;
		}
	}
	fli_kid_spec_unref(spec);
	fl_buf_free(&map);
	return rc;
}

/* `text` in Erlang notation; NULL: []. */
static int add_text(fli_supervisor *s, const fl_child *child, const char *text, fl_buf *ret_why)
{
	fl_buf args = FL_BUF_INIT;
	fli_kid *kid;
	int rc = read_text(&args, text == NULL ? "[]" : text);

	if (rc == FL_OK)
		rc = fli_supervisor_add(s, child, fl_buf_term(&args), &kid, ret_why);
	else
		(void)fl_build(ret_why, "{invalid_mfa, ~}", text);
	fl_buf_free(&args);
	return rc;
}

static int add_partitions(fli_supervisor *s, fl_buf *ret_why)
{
	fl_child child = s->flags->children[0];
	char id[16], args[4096];
	int rc = FL_OK;

	child.id = id;
	for (uint32_t i = 0; i < s->flags->partitions && rc == FL_OK; i++) {
		const char *text = child.args == NULL ? "[]" : child.args;
		int size = snprintf(args, sizeof args, "{%u, %s}", i, text);

		(void)snprintf(id, sizeof id, "%u", i);
		if (size < 0 || (size_t)size >= sizeof args)
			return FL_ELIMIT;
		rc = add_text(s, &child, s->flags->partition_args ? args : text, ret_why);
	}
	return rc;
}

static int keep_extra(fli_supervisor *s, fl_term list)
{
	if (fl_term_kind(list) != FL_LIST && fl_term_kind(list) != FL_NIL)
		return FL_EINVAL;
	s->extra = fli_keep(s->self->node->mem, list);
	return s->extra == NULL ? FL_ENOMEM : FL_OK;
}

static int read_extra(fli_supervisor *s, fl_buf *ret_why)
{
	fl_buf list = FL_BUF_INIT;
	int rc;

	if (s->flags->extra_arguments == NULL)
		return FL_OK;
	rc = read_text(&list, s->flags->extra_arguments);
	if (rc == FL_OK)
		rc = keep_extra(s, fl_buf_term(&list));
	if (rc != FL_OK)
		(void)fl_build(ret_why, "{invalid_extra_arguments, ~}", s->flags->extra_arguments);
	fl_buf_free(&list);
	return rc;
}

/* The one child is a form for all: it is taken out again, its specification and arguments stay. */
static int add_template(fli_supervisor *s, fl_buf *ret_why)
{
	const fl_child *child = s->flags->children;
	fli_kid *kid;
	int rc;

	if (child == NULL || child->behaviour == NULL)
		return fl_build(ret_why, "{bad_start_spec, []}") == FL_OK ? FL_EINVAL : FL_ENOMEM;
	rc = add_text(s, child, child->args, ret_why);
	if (rc != FL_OK)
		return rc;
	kid = fli_sup_next(s->sup, NULL);
	s->last_spec = fli_kid_spec_ref(kid->spec);
	if (child->args == NULL) { /* [] stands for no argument, where more are put behind */
		static const uint8_t nil[] = {106};

		rc = keep_extra(s, (fl_term){.data = nil, .size = sizeof nil});
	} else {
		rc = keep_extra(s, fli_kept_term(kid->args, s->self->node->atoms));
	}
	fli_sup_remove(s->sup, kid);
	return rc;
}

static int add_table(fli_supervisor *s, fl_buf *ret_why)
{
	const fl_child *child = s->flags->children;
	int rc = FL_OK;

	if (s->flags->strategy == FL_SIMPLE_ONE_FOR_ONE)
		return add_template(s, ret_why);
	if (s->flags->strategy == FL_DYNAMIC)
		return read_extra(s, ret_why);
	if (s->flags->partitions > 0 && child != NULL && child->behaviour != NULL)
		return add_partitions(s, ret_why);
	for (; rc == FL_OK && child != NULL && child->behaviour != NULL; child++)
		rc = add_text(s, child, child->args, ret_why);
	return rc;
}

static int refuse(fl_proc *self, fl_buf *why)
{
	if (why->error == FL_OK && why->size > 0)
		(void)fl_stop(self, "{start_spec, ~}", fl_buf_term(why));
	else
		(void)fl_stop(self, "system_limit");
	fl_buf_free(why);
	return FL_STOP;
}

static int start_children(fl_proc *self, fli_supervisor *s)
{
	fl_buf reason = FL_BUF_INIT;
	fli_kid *failed;

	if (fli_sup_start_all(s->sup, &failed, &reason)) {
		fl_buf_free(&reason);
		return FL_OK;
	}
	fli_supervisor_end_now(s);
	if (reason.error == FL_OK)
		(void)fl_stop(self, "{shutdown, {failed_to_start_child, ~, ~}}",
			fli_kid_spec_get(failed->spec, FLI_SPEC_ID), fl_buf_term(&reason));
	else
		(void)fl_stop(self, "shutdown");
	fl_buf_free(&reason);
	return FL_STOP;
}

/* A name that is taken stays whose it is. */
static void know_offers(const fli_supervisor *s)
{
	fl_node *node = s->self->node;

	fli_enter(node);
	for (const fl_behaviour *const *at = s->flags->offers; at != NULL && *at != NULL; at++)
		(void)fli_behaviour_know(node, *at);
	fli_leave(node);
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	const fl_behaviour *user = fli_behaviour_of_run(self->behaviour);
	fli_supervisor *s = state;
	fl_buf why = FL_BUF_INIT;
	int rc = FL_OK;

	if (!make_holdings(self, s))
		return fl_stop(self, "system_limit");
	know_offers(s);
	if (add_table(s, &why) != FL_OK)
		return refuse(self, &why);
	fl_buf_free(&why);
	s->is_starting = true;
	if (user->init != NULL)
		rc = user->init(self, NULL, args);
	s->is_starting = false;
	if (rc != FL_OK)
		return rc;
	fli_enter(self->node);
	self->extra->end = on_end; /* there since its holdings are */
	fli_leave(self->node);
	return start_children(self, s);
}

fl_behaviour fli_supervisor_handlers(const fl_behaviour *behaviour)
{
	return (fl_behaviour){.name = behaviour->name,
		.state_size = sizeof(fli_supervisor),
		.init = on_init,
		.call = on_call,
		.cast = on_cast,
		.info = on_info,
		.timeout = on_timeout,
		.terminate = on_terminate,
		.format_status = fli_supervisor_status,
		.trap_exit = true,
		.mailbox_max = MAILBOX_MAX,
		.global_name = behaviour->global_name,
		.groups = behaviour->groups,
		.supervisor = behaviour->supervisor};
}
