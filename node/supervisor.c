/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first supervisor: one_for_one, permanent children.
 *
 *  - Children are linked; the supervisor traps exits and starts a child again when its EXIT comes.
 *  - Restarts within the period are counted as OTP's supervisor counts them; past the intensity it
 *    ends its children and itself with `shutdown`, and says so in the log.
 *  - An end, whether for that or because the node stops, is OTP's too: exit(shutdown) to the child
 *    that was started last, a wait for its end, the next one. Each is waited for as a server waits
 *    for anything, by messages and a timeout, so that all others are served meanwhile.
 *
 * Failure: a child whose restart fails is tried again, each attempt counting, until the intensity
 * is reached, as in OTP. A child that does not end within its time is killed.
 */
#include "node/supervisor.h"

#include <stdio.h>
#include <string.h>

#include "node/owned.h"
#include "node/sched.h"
#include "node/term/tag.h"

#define INTENSITY 3
#define PERIOD_MS 5000
#define CHILDREN_MAX 1024
#define SHUTDOWN_MS 5000 /* for each child to end by itself: OTP's default for workers */

typedef struct child {
	const fl_behaviour *behaviour;
	fl_pid pid;
	bool is_running;
} child;

typedef struct supervisor {
	child *children;
	uint32_t count;
	uint64_t restarts[INTENSITY + 1]; /* times, oldest first */
	uint32_t restarts_count;
	_Atomic(bool) is_stopping; /* owner of the context: set by who stops the node as well */
	bool has_begun;            /* to end its children */
	uint32_t left;             /* children that are not known to have ended, the first ones */
	bool is_asked;             /* the last of these, by exit(shutdown) */
	uint64_t deadline_ms;      /* when it is killed */
} supervisor;

/* A name of the whole cluster that somebody else has is no failure: one of them is enough. */
static bool is_elsewhere(fl_node *node, const fl_behaviour *behaviour, int rc)
{
	if (rc != FL_ETAKEN || behaviour->global_name == NULL)
		return false;
	fli_log_write(&node->log, FLI_NOTICE, "%s is not started: the global name %s is taken",
		behaviour->name, behaviour->global_name);
	return true;
}

static bool is_stopping(const supervisor *s)
{
	/* relaxed: the owner of the context sets it, and wakes the supervisor through its mutex */
	return atomic_load_explicit(&s->is_stopping, memory_order_relaxed);
}

static void set_stopping(supervisor *s)
{
	atomic_store_explicit(&s->is_stopping, true, memory_order_relaxed);
}

/* *ret_reason: what its init stopped with. */
static int start_child(fl_proc *self, child *c, fl_buf *ret_reason)
{
	static const uint8_t no_args[] = {FLI_NIL_EXT};
	fl_term args = {.data = no_args, .size = sizeof no_args};
	fl_node *node = fl_self_node(self);
	fli_start how = {.behaviour = c->behaviour,
		.name = c->behaviour->name,
		.parent = self,
		.link = true};
	fl_proc *proc;
	int rc;

	fli_enter(node);
	rc = fli_proc_start(node, &how, args, &proc, ret_reason);
	if (rc == FL_OK)
		c->pid = fli_proc_pid(proc);
	fli_leave(node);
	c->is_running = rc == FL_OK;
	return rc == FL_ENOENT || is_elsewhere(self->node, c->behaviour, rc) ? FL_OK : rc;
}

static child *find(supervisor *s, const fl_pid *pid)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->children[i].is_running && fl_pid_eq(&s->children[i].pid, pid))
			return &s->children[i];
	return NULL;
}

/* True while one more restart is within the intensity. */
static bool count_restart(supervisor *s, uint64_t now_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->restarts_count; i++)
		if (now_ms - s->restarts[i] <= PERIOD_MS)
			s->restarts[kept++] = s->restarts[i];
	s->restarts[kept++] = now_ms;
	s->restarts_count = kept > INTENSITY ? INTENSITY : kept;
	return kept <= INTENSITY;
}

/* Anybody may send a message that looks like an exit. */
static bool is_dead(fl_proc *self, const fl_pid *pid)
{
	fl_node *node = fl_self_node(self);
	fl_proc *proc;
	bool dead;

	fli_enter(node);
	proc = fli_proc_of(node, pid);
	dead = proc == NULL || proc->status == FLI_EXITING;
	fli_leave(node);
	return dead;
}

/* Worded as OTP's report: who watches, what happened, why, to whom. */
static void log_report(fl_proc *self, const child *c, const char *context, fl_term reason)
{
	fl_pid pid = c->pid;
	char text[512], pid_text[320] = "undefined";

	if (pid.node.size > 0)
		(void)snprintf(pid_text, sizeof pid_text, "<%.*s.%u.%u>", (int)pid.node.size,
			pid.node.text, pid.id, pid.serial);
	fli_log_write(&fl_self_node(self)->log, FLI_ERROR,
		"Supervisor: {local,%s}. Context: %s. Reason: %s. Offender: id=%s,pid=%s.",
		self->behaviour->name, context, fl_print_to(text, sizeof text, reason),
		c->behaviour->name, pid_text);
}

static void log_reason(fl_proc *self, const child *c, const char *context, const char *reason)
{
	fli_reason_atom atom;

	log_report(self, c, context, fli_reason_of(&atom, reason));
}

/* ---- the end ---------------------------------------------------------------------------------
 */

static void signal_exit(fl_proc *self, const fl_pid *pid, const char *reason)
{
	fl_node *node = fl_self_node(self);
	fl_pid me = fl_self(self);
	fli_reason_atom atom;
	fl_proc *proc;

	fli_enter(node);
	proc = fli_proc_of(node, pid);
	if (proc != NULL)
		fli_exit_signal(proc, &me, fli_reason_of(&atom, reason), false);
	fli_leave(node);
}

static void ask_to_end(fl_proc *self, supervisor *s, const child *c)
{
	s->is_asked = true;
	s->deadline_ms = fl_now_ms(self) + SHUTDOWN_MS;
	signal_exit(self, &c->pid, "shutdown");
}

/* As far as it goes: the last started ends first. Stops when none is left. */
static int end_next(fl_proc *self, supervisor *s)
{
	if (!s->has_begun)
		s->left = s->count;
	s->has_begun = true;
	while (s->left > 0) {
		child *c = &s->children[s->left - 1];
		uint64_t now_ms = fl_now_ms(self);

		if (!c->is_running || is_dead(self, &c->pid)) {
			s->left--;
			s->is_asked = false;
		} else if (!s->is_asked) {
			ask_to_end(self, s, c);
		} else if (now_ms >= s->deadline_ms) {
			log_reason(self, c, "shutdown_error", "killed");
			signal_exit(self, &c->pid, "kill");
			c->is_running = false; /* reported */
		} else {
			fl_next_timeout(self, (uint32_t)(s->deadline_ms - now_ms));
			return FL_OK;
		}
	}
	return fl_stop(self, "shutdown");
}

static int on_timeout(fl_proc *self, void *state)
{
	return is_stopping(state) ? end_next(self, state) : FL_OK;
}

static int try_start(fl_proc *self, child *c)
{
	fl_buf reason = FL_BUF_INIT;
	int rc = start_child(self, c, &reason);

	if (rc == FL_EEXIT && reason.size > 0)
		log_report(self, c, "start_error", fl_buf_term(&reason));
	else if (rc != FL_OK)
		log_reason(self, c, "start_error", fl_error_atom(rc));
	fl_buf_free(&reason);
	return rc;
}

static int restart(fl_proc *self, supervisor *s, child *c)
{
	while (!is_stopping(s) && count_restart(s, fl_now_ms(self)))
		if (try_start(self, c) == FL_OK)
			return FL_OK;
	if (!is_stopping(s))
		log_reason(self, c, "shutdown", "reached_max_restart_intensity");
	set_stopping(s);
	return end_next(self, s);
}

/* While all end, only an end that was not asked for is news. */
static int on_end(fl_proc *self, supervisor *s, child *c, fl_term reason)
{
	c->is_running = false;
	if (!is_stopping(s)) {
		log_report(self, c, "child_terminated", reason);
		return restart(self, s, c);
	}
	if (!fl_match(reason, "shutdown"))
		log_report(self, c, "shutdown_error", reason);
	return end_next(self, s);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	supervisor *s = state;
	fl_term reason;
	fl_pid pid;
	child *c;

	if (fl_match(message, "{'EXIT', ~, ~}", &pid, &reason)) {
		c = find(s, &pid);
		if (c != NULL && is_dead(self, &pid))
			return on_end(self, s, c, reason);
	} else {
		(void)fl_unhandled(self, message); /* logs it */
	}
	return on_timeout(self, state);
}

static int reply_children(const supervisor *s, fl_from from)
{
	fl_buf list = FL_BUF_INIT;
	int rc;

	fl_list_open(&list);
	for (uint32_t i = s->count; i-- > 0;) {
		fl_atom name = fl_atom_of(s->children[i].behaviour->name);

		if (s->children[i].is_running)
			(void)fl_build(
				&list, "{~, ~, worker, [~]}", name, s->children[i].pid, name);
		else
			(void)fl_build(&list, "{~, undefined, worker, [~]}", name, name);
	}
	fl_list_close(&list);
	rc = list.error == FL_OK ? fl_reply(from, "~", fl_buf_term(&list)) : list.error;
	fl_buf_free(&list);
	return rc;
}

static int reply_counts(const supervisor *s, fl_from from)
{
	uint32_t active = 0;

	for (uint32_t i = 0; i < s->count; i++)
		active += s->children[i].is_running ? 1 : 0;
	return fl_reply(from, "[{specs, ~}, {active, ~}, {supervisors, 0}, {workers, ~}]", s->count,
		active, s->count);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	const supervisor *s = state;
	int rc = FL_OK;

	if (fl_match(request, "which_children"))
		rc = reply_children(s, from);
	else if (fl_match(request, "count_children"))
		rc = reply_counts(s, from);
	else
		(void)fl_reply(from, "{error, unknown_call}"); /* the caller may be gone */
	return rc == FL_OK ? on_timeout(self, state) : rc;
}

/* As in OTP: what it does not know is no reason to end its children. */
static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)message;
	return on_timeout(self, state);
}

/* For a supervisor that ends at once, when nobody drives the node any more. */
static void end_children(fl_node *node, supervisor *s)
{
	fli_reason_atom atom;
	fl_term reason = fli_reason_of(&atom, "shutdown");
	fl_proc *proc;

	set_stopping(s);
	for (uint32_t i = s->count; i-- > 0;) {
		proc = s->children[i].is_running ? fli_proc_of(node, &s->children[i].pid) : NULL;
		if (proc != NULL && proc->frames == 0 && proc->trap_exit)
			(void)fli_server_stop(proc, reason, NULL);
		else if (proc != NULL)
			fli_proc_exit(proc, reason);
		fli_exits_drain(node);
	}
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	supervisor *s = state;
	fl_node *node = fl_self_node(self);

	(void)reason;
	fli_enter(node);
	end_children(node, s);
	node->supervisor = NULL;
	fli_crew_wake(node); /* whoever drives waits for this */
	fli_owned_free(s->children);
	s->children = NULL;
	s->count = 0;
	fli_leave(node);
}

static const fl_behaviour node_supervisor = {
	.name = "flitch_sup",
	.state_size = sizeof(supervisor),
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.timeout = on_timeout,
	.terminate = on_terminate,
	.trap_exit = true,
};

int fli_supervisor_start(fl_node *node)
{
	static const uint8_t no_args[] = {FLI_NIL_EXT};
	fli_start how = {
		.behaviour = &node_supervisor, .name = node_supervisor.name, .is_system = true};
	fl_term args = {.data = no_args, .size = sizeof no_args};
	int rc = fli_proc_start(node, &how, args, &node->supervisor, NULL);

	if (rc != FL_OK)
		return rc;
	if (fli_proc_extra(node->supervisor) == NULL) { /* so that a stop needs no memory */
		fli_proc_exit(node->supervisor, (fl_term){.data = NULL});
		fli_exits_drain(node);
		return FL_ENOMEM;
	}
	node->system_pid = fli_proc_pid(node->supervisor);
	return FL_OK;
}

static int reserve(fl_proc *proc, supervisor *s, fl_error *err)
{
	child *children;

	if (s->count >= CHILDREN_MAX)
		return fl_error_set(
			err, FL_ELIMIT, "the supervisor has %d children already", CHILDREN_MAX);
	children = fli_owned_alloc(proc, (s->count + 1) * sizeof *children);
	if (children == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	if (s->count > 0)
		memcpy(children, s->children, s->count * sizeof *children);
	fli_owned_free(s->children);
	s->children = children;
	return FL_OK;
}

static int explain(int rc, const fl_behaviour *behaviour, fl_buf *reason, fl_error *err)
{
	char text[200];

	if (rc == FL_ETAKEN) {
		(void)fl_error_set(err, rc, "cannot start %s: the name is registered already",
			behaviour->name);
		fl_error_why(err, "two modules have a behaviour of that name");
		fl_error_next(err, "load only one of them");
	} else if (rc == FL_EEXIT && reason->size > 0) {
		(void)fl_error_set(err, rc, "cannot start %s: its init stopped with %s",
			behaviour->name, fl_print_to(text, sizeof text, fl_buf_term(reason)));
	} else {
		(void)fl_error_set(
			err, rc, "cannot start %s: %s", behaviour->name, fl_error_text(rc));
	}
	return rc;
}

static const char *why_not(const fl_node *node)
{
	const fl_proc *proc = node->supervisor;

	if (proc == NULL || proc->status == FLI_EXITING)
		return "has ended";
	if (is_stopping((const supervisor *)(const void *)proc->state))
		return "is stopping";
	return proc->frames > 0 ? "is busy" : NULL;
}

/* It was held over an init, as if it were in a handler; what came meanwhile is its turn now. */
static void let_go(fl_proc *proc)
{
	proc->frames--;
	fli_server_rest(proc);
	fli_proc_free(proc);
}

int fli_supervisor_start_child(fl_node *node, const fl_behaviour *behaviour, fl_error *err)
{
	static const uint8_t no_args[] = {FLI_NIL_EXT};
	fl_term args = {.data = no_args, .size = sizeof no_args};
	fli_start how = {.behaviour = behaviour, .name = behaviour->name, .link = true};
	fl_buf reason = FL_BUF_INIT;
	const char *obstacle = why_not(node);
	fl_proc *proc, *parent = node->supervisor;
	supervisor *s;
	int rc;

	if (obstacle != NULL)
		return fl_error_set(err, FL_EBUSY, "cannot start %s: the supervisor %s",
			behaviour->name, obstacle);
	s = (supervisor *)(void *)parent->state;
	rc = reserve(parent, s, err);
	if (rc != FL_OK)
		return rc;
	how.parent = parent;
	parent->frames++; /* the init may take long: neither run nor freed meanwhile */
	rc = fli_proc_start(node, &how, args, &proc, &reason);
	if (rc == FL_OK)
		s->children[s->count++] = (child){behaviour, fli_proc_pid(proc), true};
	else if (is_elsewhere(node, behaviour, rc))
		rc = FL_OK;
	else if (rc != FL_ENOENT)
		rc = explain(rc, behaviour, &reason, err);
	let_go(parent);
	fl_buf_free(&reason);
	return rc == FL_ENOENT ? FL_OK : rc;
}

void fli_supervisor_stop(fl_node *node)
{
	fl_proc *proc = node->supervisor;

	if (proc == NULL || proc->status == FLI_EXITING)
		return;
	set_stopping((supervisor *)(void *)proc->state);
	proc->extra->idle_due = true;
	if (proc->status == FLI_WAITING)
		fli_run_queue_add(proc);
}
