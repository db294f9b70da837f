/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `global` on a node: events of three mailboxes into one core, its acts out.
 *
 *  - Each handler enters the context, tells the core the time and what has come, and carries out
 *    what it wants done, all before anybody else has the context. No handler waits, and none runs
 *    code of a user: who is slow here is slow for the whole cluster.
 *  - Answers to what the locker and the registrar ask come to their own mailboxes, since those are
 *    the pids that peers watch.
 *  - Dialling ends in a callback of the distribution; it only leaves word in the server's mailbox.
 *
 * Failure: one of the three that ends takes the others along; the keeper of services starts them
 * again, and they begin with no connection. A core that found no memory ends them.
 */
#include "dist/global_service.h"

#include "dist/dist.h"
#include "dist/global_act.h"
#include "dist/names_watch.h"
#include "node/export.h"
#include "node/sched.h"
#include "node/term/tag.h"
#include "node/via.h"

#define WORD_DIALLED "'$flitch_dialled'"

/* ---- entering and leaving -------------------------------------------------------------------- */

static uint64_t now_of(const fl_node *node)
{
	return node->port->now_ns(node->port) / 1000000;
}

static bool is_ours(const fli_global_service *s, const fl_proc *self)
{
	fl_pid me = fli_proc_pid(self);

	for (int i = 0; i < FLI_GLOBAL_ROLES; i++)
		if (fl_pid_eq(&me, &s->pids[i]))
			return true;
	return false;
}

/* The core with the time told, and the context taken; NULL: this process is not of its time. */
static fli_global_service *enter(fl_proc *self)
{
	fl_node *node = fl_self_node(self);
	fli_global_service *s;

	fli_enter(node);
	s = fli_global_service_of(node);
	if (s != NULL && s->core != NULL && is_ours(s, self)) {
		fli_global_time(s->core, now_of(node));
		return s;
	}
	fli_leave(node);
	return NULL;
}

static int leave(fli_global_service *s)
{
	fl_node *node = s->node;

	fli_global_carry_out(s);
	fli_leave(node);
	return FL_OK;
}

static void on_timer(fli_timer *timer)
{
	fli_global_service *s = fli_container_of(timer, fli_global_service, timer);

	if (s->core == NULL || fli_proc_of(s->node, &s->pids[FLI_GLOBAL_SERVER]) == NULL)
		return;
	fli_global_time(s->core, now_of(s->node));
	fli_global_carry_out(s);
}

/* ---- locker and registrar -------------------------------------------------------------------- */

/*
 * Over the connection of one node in the name of another one: the log says so, and no more comes of
 * it. A 'DOWN' that this node did not make of a signal is such a message, too.
 */
static bool is_borrowed(const fl_proc *self, const fli_global_service *s, fl_term message)
{
	fl_atom sender = fl_sender_node(self);
	char text[200];
	fl_term reply;
	fl_ref ref;

	if (fl_match(message, "{'DOWN', _, _, _, _}")) {
		if (fl_atom_eq(sender, s->node->name))
			return false;
	} else if (fl_match(message, "{~, ~}", &ref, &reply)) {
		if (fli_global_may_answer(s->core, &ref, sender))
			return false;
	} else if (fli_global_speaks_for(message, sender)) {
		return false;
	}
	fli_log_limited(&s->node->log, now_of(s->node), FLI_WARNING,
		"%.*s spoke to global in the name of another node, and was not heard: %s",
		(int)sender.size, sender.text, fl_print_to(text, sizeof text, message));
	return true;
}

/* {Ref, Reply} and 'DOWN' of what was asked. */
static bool take_answer(fli_global_service *s, fl_term message)
{
	fl_term reply = {.data = NULL};
	fl_ref ref;

	if (fl_match(message, "{'DOWN', ~, process, _, _}", &ref) ||
		fl_match(message, "{~, ~}", &ref, &reply))
		return fli_global_answer(s->core, &ref, reply);
	return false;
}

static int helper_info(fl_proc *self, void *state, fl_term message)
{
	fli_global_service *s = enter(self);

	(void)state;
	if (s == NULL)
		return FL_OK;
	if (!is_borrowed(self, s, message) && !take_answer(s, message))
		(void)fli_global_info(s->core, message); /* of a locker of version 5, or nothing */
	return leave(s);
}

static int helper_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self; /* nobody has a reason to */
	(void)state;
	(void)message;
	return FL_OK;
}

static int locker_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	(void)request;
	return fl_reply(from, "{error, notsup}");
}

static bool read_wish(fl_term request, fli_global_wish *ret)
{
	return fl_match(request, "{change, ~, ~, ~, ~}", &ret->change, &ret->name, &ret->pid,
		       &ret->method) &&
	       ret->change <= FLI_GLOBAL_REGISTER_EXTERNAL;
}

/* Wishes are for this node's own processes; others have a registrar of their own. */
static int registrar_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fli_global_wish wish = {.from = from};
	fli_global_service *s = enter(self);
	fl_pid caller;

	(void)state;
	if (s == NULL)
		return fl_reply(from, "{error, noproc}");
	if (fl_from_pid(from, &caller) && fli_pid_is_local(s->node, &caller) &&
		fl_atom_eq(fl_sender_node(self), s->node->name) && read_wish(request, &wish))
		fli_global_wish_for(s->core, &wish);
	else
		(void)fl_reply(from, "{error, notsup}");
	(void)fl_later(self, from); /* it may have been answered already */
	return leave(s);
}

static const fl_behaviour locker = {
	.name = "global_locker", .call = locker_call, .cast = helper_cast, .info = helper_info};
static const fl_behaviour registrar = {.name = "global_registrar",
	.call = registrar_call,
	.cast = helper_cast,
	.info = helper_info};

/* ---- the name server ------------------------------------------------------------------------- */

/* Links would not do: the node's own processes take no exit signals. */
typedef struct server_state {
	fl_ref helpers[2]; /* monitors of locker and registrar */
} server_state;

static int start_helper(
	fl_proc *self, const fl_behaviour *behaviour, fl_pid *ret_pid, fl_ref *ret_monitor)
{
	static const uint8_t nil[] = {FLI_NIL_EXT};
	fli_start how = {.behaviour = behaviour, .parent = self, .is_system = true};
	fl_node *node = fl_self_node(self);
	fl_proc *proc;
	int rc = fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);

	if (rc != FL_OK)
		return rc;
	*ret_pid = fli_proc_pid(proc);
	return fl_monitor(self, *ret_pid, ret_monitor);
}

/* Those of an earlier name server: nobody must hold locks in its name. */
static void end_helper(fl_node *node, const fl_pid *pid)
{
	fl_proc *proc = fli_proc_of(node, pid);
	fli_reason_atom reason;

	if (proc != NULL)
		fli_proc_exit(proc, fli_reason_of(&reason, "shutdown"));
}

static bool is_of_helper(const server_state *state, fl_term message)
{
	fl_ref ref;

	return fl_match(message, "{'DOWN', ~, process, _, _}", &ref) &&
	       (fl_ref_eq(&ref, &state->helpers[0]) || fl_ref_eq(&ref, &state->helpers[1]));
}

static void on_change(void *ctx, fl_term name)
{
	fli_global_service *s = ctx;

	fli_names_watch_mark(&s->watches, name);
}

static int make_core(fli_global_service *s)
{
	fl_node *node = s->node;
	fli_global_config config = {.mem = node->mem,
		.port = node->port,
		.atoms = node->atoms,
		.name = node->name,
		.creation = node->creation,
		.seed = node->seed,
		.mode = s->mode,
		.now_ms = now_of(node),
		.changed = on_change,
		.changed_ctx = s};

	for (int i = 0; i < FLI_GLOBAL_ROLES; i++)
		config.pids[i] = s->pids[i];
	return fli_global_new(&config, &s->core);
}

/* Nodes that were there before: new ones are met, those of an earlier core are left. */
static void look_around(fli_global_service *s, bool is_again)
{
	fli_dist *dist = fli_dist_of(s->node);
	size_t cursor = 0;
	fli_peer *peer;

	while (dist != NULL && (peer = fli_dist_next(dist, &cursor)) != NULL) {
		if (peer->is_hidden)
			continue;
		if (is_again)
			(void)fli_dist_disconnect(dist, peer->name);
		else
			fli_global_node_up(s->core, peer->name);
	}
}

static int begin(fl_proc *self, server_state *state, fli_global_service *s)
{
	int rc;

	fli_global_service_reset(s);
	end_helper(s->node, &s->pids[FLI_GLOBAL_LOCKER]);
	end_helper(s->node, &s->pids[FLI_GLOBAL_REGISTRAR]);
	s->pids[FLI_GLOBAL_SERVER] = fli_proc_pid(self);
	rc = start_helper(self, &locker, &s->pids[FLI_GLOBAL_LOCKER], &state->helpers[0]);
	if (rc == FL_OK)
		rc = start_helper(
			self, &registrar, &s->pids[FLI_GLOBAL_REGISTRAR], &state->helpers[1]);
	if (rc == FL_OK)
		rc = make_core(s);
	if (rc != FL_OK)
		return rc;
	look_around(s, s->has_begun);
	s->has_begun = true;
	fli_global_carry_out(s);
	return FL_OK;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_node *node = fl_self_node(self);
	fli_global_service *s;
	int rc = FL_ENOMEM;

	(void)args; /* none */
	fli_enter(node);
	s = fli_global_service_of(node);
	if (s != NULL)
		rc = begin(self, state, s);
	fli_leave(node);
	return rc == FL_OK ? FL_OK : fl_stop(self, "~", fl_atom_of(fl_error_atom(rc)));
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fli_global_service *s = enter(self);
	fl_pid caller;

	(void)state;
	if (s == NULL)
		return fl_reply(from, "{error, noproc}");
	/* locks and names are whose who asks over his own connection */
	if (!fl_from_pid(from, &caller) || !fl_atom_eq(caller.node, fl_sender_node(self)) ||
		!fli_global_call(s->core, &caller, from, request))
		(void)fl_reply(from, "{error, unknown_call}");
	fli_global_carry_out(s);
	(void)fl_later(self, from); /* it may have been answered already */
	return leave(s);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fli_global_service *s = enter(self);
	char text[200];

	(void)state;
	if (s == NULL)
		return FL_OK;
	if (!is_borrowed(self, s, message) && !fli_global_cast(s->core, message))
		fli_log_limited(&s->node->log, now_of(s->node), FLI_WARNING,
			"The global_name_server received an unexpected cast: %s",
			fl_print_to(text, sizeof text, message));
	return leave(s);
}

static bool take_down(fli_global_service *s, fl_term message)
{
	fl_term reason;
	fl_pid pid;
	fl_ref ref;

	return fl_match(message, "{'DOWN', ~, process, ~, ~}", &ref, &pid, &reason) &&
	       fli_global_down(s->core, &ref, &pid, fl_match(reason, "noconnection"));
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fli_global_service *s = enter(self);
	char text[200];

	if (s == NULL)
		return FL_OK;
	if (is_borrowed(self, s, message))
		return leave(s);
	if (is_of_helper(state, message)) {
		(void)leave(s);
		return fl_stop(self, "helper_ended");
	}
	if (fl_match(message, WORD_DIALLED))
		fli_global_dials_done(s);
	else if (!take_down(s, message) && !take_answer(s, message) &&
		 !fli_global_info(s->core, message))
		fli_log_limited(&s->node->log, now_of(s->node), FLI_WARNING,
			"The global_name_server received an unexpected message: %s",
			fl_print_to(text, sizeof text, message));
	return leave(s);
}

static int on_node_up(fl_proc *self, void *state, fl_atom name)
{
	fli_global_service *s = enter(self);
	const fli_peer *peer;

	(void)state;
	if (s == NULL)
		return FL_OK;
	peer = fli_dist_find(fli_dist_of(s->node), name);
	if (peer != NULL && !peer->is_hidden)
		fli_global_node_up(s->core, peer->name);
	return leave(s);
}

static int on_node_down(fl_proc *self, void *state, fl_atom name, fl_term reason)
{
	fli_global_service *s = enter(self);

	(void)state;
	(void)reason;
	if (s == NULL)
		return FL_OK;
	fli_global_node_down(s->core, name);
	return leave(s);
}

const fl_behaviour fli_global_name_server = {
	.name = "global_name_server",
	.state_size = sizeof(server_state),
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.node_up = on_node_up,
	.node_down = on_node_down,
};

/* ---- the node's side ------------------------------------------------------------------------- */

static void destroy(fl_node *node)
{
	fli_global_service *s = fli_global_service_of(node);

	node->via = NULL;
	node->via_ctx = NULL;
	fli_global_service_reset(s);
	fli_free(node->mem, s);
}

static const fli_via via = {fli_global_find, fli_global_claim, fli_global_contested, destroy};

int fli_global_prepare(fl_node *node)
{
	fli_global_service *s;

	if (node->via != NULL)
		return FL_OK;
	s = fli_zalloc(node->mem, sizeof *s);
	if (s == NULL)
		return FL_ENOMEM;
	s->node = node;
	fli_list_create(&s->dials);
	fli_list_create(&s->watches);
	fli_timer_create(&s->timer, on_timer);
	node->via_ctx = s;
	node->via = &via;
	return FL_OK;
}
