/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first supervisor: one_for_one, permanent children.
 *
 *  - Children are linked; the supervisor traps exits and starts a child again when its EXIT comes.
 *  - Restarts within the period are counted as OTP's supervisor counts them; past the intensity it
 *    ends its children and itself with `shutdown`, and says so in the log.
 *
 * Failure: a child whose restart fails is tried again, each attempt counting, until the intensity
 * is reached, as in OTP.
 */
#include "node/supervisor.h"

#include <string.h>

#include "node/owned.h"
#include "node/sched.h"
#include "node/term/tag.h"

#define INTENSITY 3
#define PERIOD_MS 5000
#define CHILDREN_MAX 1024

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
	bool is_stopping;
} supervisor;

static int start_child(fl_proc *self, child *c)
{
	fl_start_options options = {.name = c->behaviour->name, .link = true};
	int rc = fl_start(self, c->behaviour, &options, &c->pid, "[]");

	c->is_running = rc == FL_OK;
	return rc == FL_ENOENT ? FL_OK : rc;
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

static void log_report(fl_proc *self, const child *c, const char *context, fl_term reason)
{
	char text[512];

	fli_log_write(&fl_self_node(self)->log, FLI_ERROR, "Supervisor: %s: %s, reason: %s",
		c->behaviour->name, context, fl_print_to(text, sizeof text, reason));
}

static int restart(fl_proc *self, supervisor *s, child *c)
{
	while (count_restart(s, fl_now_ms(self))) {
		int rc = start_child(self, c);

		if (rc == FL_OK)
			return FL_OK;
		fli_log_write(&fl_self_node(self)->log, FLI_ERROR,
			"Supervisor: %s: could not be restarted: %s", c->behaviour->name,
			fl_error_text(rc));
	}
	fli_log_write(&fl_self_node(self)->log, FLI_ERROR,
		"Supervisor: %s: reached_max_restart_intensity (%d in %d s), all children end",
		c->behaviour->name, INTENSITY, PERIOD_MS / 1000);
	return fl_stop(self, "shutdown");
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	supervisor *s = state;
	fl_term reason;
	fl_pid pid;
	child *c;

	if (!fl_match(message, "{'EXIT', ~, ~}", &pid, &reason))
		return fl_unhandled(self, message);
	c = find(s, &pid);
	if (c == NULL || !is_dead(self, &pid))
		return FL_OK;
	c->is_running = false;
	if (s->is_stopping)
		return FL_OK;
	log_report(self, c, "child_terminated", reason);
	return restart(self, s, c);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	supervisor *s = state;
	fl_buf list = FL_BUF_INIT;
	int rc;

	(void)self;
	if (!fl_match(request, "which_children"))
		return fl_reply(from, "{error, unknown_call}");
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

/* As in OTP: what it does not know is no reason to end its children. */
static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

/* The last started ends first. */
static void end_children(fl_node *node, supervisor *s)
{
	fl_buf reason = FL_BUF_INIT;
	fl_proc *proc;

	s->is_stopping = true;
	(void)fl_build(&reason, "shutdown"); /* without memory they end as killed */
	for (uint32_t i = s->count; i-- > 0;) {
		proc = s->children[i].is_running ? fli_proc_of(node, &s->children[i].pid) : NULL;
		if (proc != NULL && proc->frames == 0)
			(void)fli_server_stop(proc, fl_buf_term(&reason), NULL);
		else if (proc != NULL)
			fli_proc_exit(proc, fl_buf_term(&reason));
		fli_exits_drain(node);
	}
	fl_buf_free(&reason);
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	supervisor *s = state;
	fl_node *node = fl_self_node(self);

	(void)reason;
	fli_enter(node);
	end_children(node, s);
	node->supervisor = NULL;
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

	if (rc == FL_OK)
		node->system_pid = fli_proc_pid(node->supervisor);
	return rc;
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

int fli_supervisor_start_child(fl_node *node, const fl_behaviour *behaviour, fl_error *err)
{
	static const uint8_t no_args[] = {FLI_NIL_EXT};
	fl_term args = {.data = no_args, .size = sizeof no_args};
	fli_start how = {.behaviour = behaviour, .name = behaviour->name, .link = true};
	fl_buf reason = FL_BUF_INIT;
	supervisor *s;
	fl_proc *proc;
	int rc;

	if (node->supervisor == NULL || node->supervisor->frames > 0)
		return fl_error_set(err, FL_EBUSY, "cannot start %s: the supervisor %s",
			behaviour->name, node->supervisor == NULL ? "has ended" : "is busy");
	s = (supervisor *)(void *)node->supervisor->state;
	rc = reserve(node->supervisor, s, err);
	if (rc != FL_OK)
		return rc;
	how.parent = node->supervisor;
	rc = fli_proc_start(node, &how, args, &proc, &reason);
	if (rc == FL_OK)
		s->children[s->count++] = (child){behaviour, fli_proc_pid(proc), true};
	else if (rc != FL_ENOENT)
		rc = explain(rc, behaviour, &reason, err);
	fl_buf_free(&reason);
	return rc == FL_ENOENT ? FL_OK : rc;
}

void fli_supervisor_stop_children(fl_node *node)
{
	if (node->supervisor != NULL)
		end_children(node, (supervisor *)(void *)node->supervisor->state);
}
