/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver has a modelled node do: processes that keep what they get, and conversations that a
 * ticket stands for.
 *
 * A conversation has a process of its own, that sends, waits and notes how it ended. Locks are
 * taken by the driver's processes themselves, since their holder has to be one of them.
 */
#include "tests/sim/otp_global.h"
#include "tests/sim/otp_model.h"
#include "tests/sim/otp_pg.h"
#include "tests/sim/otp_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIL_MAX 65536 /* what a process keeps until it is asked */

static otp_model *model_of(otp_node *node)
{
	if (node->model == NULL)
		node->model = otp_alloc(sizeof *node->model);
	return node->model;
}

void otp_model_free(otp_node *node)
{
	otp_model *model = node->model;

	while (model != NULL && model->actors != NULL) {
		otp_actor *a = model->actors;

		model->actors = a->next;
		otp_drop(&a->pid);
		otp_buf_free(&a->mail);
		free(a);
	}
	while (model != NULL && model->tickets != NULL) {
		otp_ticket *t = model->tickets;

		model->tickets = t->next;
		otp_drop(&t->answer);
		free(t);
	}
	free(model);
	node->model = NULL;
}

otp_actor *otp_actor_find(otp_node *node, unsigned number)
{
	otp_actor *a = model_of(node)->actors;

	while (a != NULL && a->number != number)
		a = a->next;
	return a;
}

static otp_proc *proc_of(otp_node *node, unsigned number)
{
	otp_actor *a = otp_actor_find(node, number);

	return a == NULL ? NULL : otp_find(node, a->pid);
}

/* ---- tickets --------------------------------------------------------------------------------- */

otp_ticket *otp_ticket_find(otp_node *node, unsigned number)
{
	otp_ticket *t = model_of(node)->tickets;

	while (t != NULL && t->number != number)
		t = t->next;
	return t;
}

static unsigned new_ticket(otp_node *node)
{
	otp_model *model = model_of(node);
	otp_ticket *t = otp_alloc(sizeof *t);

	t->number = ++model->last_ticket;
	t->next = model->tickets;
	model->tickets = t;
	return t->number;
}

static void settle(otp_node *node, unsigned number, otp_outcome outcome, otp_term answer)
{
	otp_ticket *t = otp_ticket_find(node, number);

	if (t == NULL || t->outcome != OTP_PENDING)
		return;
	t->outcome = outcome;
	otp_drop(&t->answer);
	t->answer = otp_keep(answer);
}

/* ---- processes ------------------------------------------------------------------------------- */

typedef struct locking {
	unsigned number; /* of the actor */
	unsigned ticket; /* 0: nothing under way */
	int retries;
	unsigned times;
	otp_term id;
	otp_term nodes;
} locking;

static void try_again(otp_node *node, otp_proc *self);

static void over(otp_node *node, otp_proc *self, bool is_yes)
{
	locking *l = self->state;

	settle(node, l->ticket, is_yes ? OTP_YES : OTP_NO,
		otp_make(node, "~a", is_yes ? "true" : "false"));
	l->ticket = 0;
	otp_drop(&l->id);
	otp_drop(&l->nodes);
	otp_resume(node, self);
}

static void tried(otp_node *node, otp_proc *self, bool is_set)
{
	locking *l = self->state;

	if (is_set || l->retries == 0) {
		over(node, self, is_set);
		return;
	}
	l->retries -= l->retries > 0;
	otp_after(node, self, otp_random_sleep(node, ++l->times), otp_make(node, "$again"));
}

static void try_again(otp_node *node, otp_proc *self)
{
	locking *l = self->state;

	otp_try_lock(node, self, l->id, l->nodes, tried);
}

static void take_lock_job(otp_node *node, otp_proc *self, otp_term m)
{
	locking *l = self->state;
	int64_t ticket, retries;
	otp_term word, id, nodes;

	if (l->ticket != 0) {
		otp_save(self, m);
		return;
	}
	if (!otp_match(m, "{$lock,~t,~i,~i,~t,~t}", &word, &ticket, &retries, &id, &nodes))
		return;
	l->ticket = (unsigned)ticket;
	l->retries = (int)retries;
	l->times = 0;
	l->id = otp_keep(id);
	l->nodes = otp_keep(nodes);
	if (otp_is_atom(word, "set"))
		try_again(node, self);
	else
		otp_del_lock(node, self, id, nodes, over);
}

static void actor(otp_node *node, otp_proc *self, otp_term m)
{
	locking *l = self->state;
	otp_actor *a = otp_actor_find(node, l->number);
	char line[2048];

	if (otp_is_atom(otp_element(m, 0), "$lock")) {
		take_lock_job(node, self, m);
	} else if (otp_is_atom(m, "$again")) {
		try_again(node, self);
	} else if (a != NULL && a->mail.size < MAIL_MAX) {
		otp_print(m, line, sizeof line);
		otp_buf_add(&a->mail, line, strlen(line));
		otp_buf_add(&a->mail, "\n", 1);
	}
}

static void free_locking(void *state)
{
	locking *l = state;

	otp_drop(&l->id);
	otp_drop(&l->nodes);
}

unsigned otp_do_spawn(otp_node *node, const char *name)
{
	otp_model *model = model_of(node);
	otp_actor *a = otp_alloc(sizeof *a);
	locking *l = otp_alloc(sizeof *l);
	otp_proc *proc = otp_spawn(node, actor, l);

	a->number = l->number = ++model->last_actor;
	proc->has_trap = true;
	proc->on_free = free_locking;
	if (name != NULL)
		otp_register(proc, name);
	a->pid = otp_keep(proc->pid);
	a->next = model->actors;
	model->actors = a;
	return a->number;
}

bool otp_do_kill(otp_node *node, unsigned number, const char *reason)
{
	otp_proc *proc = proc_of(node, number);

	if (proc == NULL)
		return false;
	if (strcmp(reason, "kill") == 0)
		otp_exit2(node, proc->pid, proc->pid, otp_make(node, "kill"));
	else
		otp_exit(node, proc, otp_make(node, "~a", reason));
	otp_drain(node);
	return true;
}

static void reach_node_of(otp_node *node, otp_term identifier)
{
	otp_atom peer;

	if (otp_node_of(identifier, &peer))
		otp_reach(node, peer.text);
}

bool otp_do_link(otp_node *node, unsigned number, otp_term other)
{
	otp_proc *proc = proc_of(node, number);

	if (proc != NULL) {
		reach_node_of(node, other);
		otp_link(node, proc, other);
	}
	otp_drain(node);
	return proc != NULL;
}

bool otp_do_monitor(otp_node *node, unsigned number, otp_term other)
{
	otp_proc *proc = proc_of(node, number);

	if (proc != NULL) {
		reach_node_of(node, other);
		(void)otp_monitor_pid(node, proc, other);
	}
	otp_drain(node);
	return proc != NULL;
}

bool otp_do_send(otp_node *node, unsigned number, otp_term to, otp_term message)
{
	otp_proc *proc = proc_of(node, number);

	if (proc != NULL) {
		reach_node_of(node, to);
		otp_send(node, proc, to, message);
	}
	otp_drain(node);
	return proc != NULL;
}

/* ---- connections ----------------------------------------------------------------------------- */

void otp_do_connect(otp_node *node, const char *peer)
{
	otp_reach(node, peer);
	otp_drain(node);
}

void otp_do_disconnect(otp_node *node, const char *peer)
{
	otp_cut(node, peer, "disconnect");
	otp_drain(node);
}

/* ---- conversations --------------------------------------------------------------------------- */

typedef struct asking {
	unsigned ticket;
	otp_term tag;
	otp_term monitor;
	otp_term request; /* of a spawned call */
} asking;

static void free_asking(void *state)
{
	asking *a = state;

	otp_drop(&a->tag);
	otp_drop(&a->monitor);
	otp_drop(&a->request);
}

static void end_asking(otp_node *node, otp_proc *self, otp_outcome outcome, otp_term answer)
{
	asking *a = self->state;

	settle(node, a->ticket, outcome, answer);
	otp_exit(node, self, otp_make(node, "normal"));
}

/* What ends a conversation: a reply with the tag, DOWN, a reply to the spawn request, the time
 * limit. */
static void ask(otp_node *node, otp_proc *self, otp_term m)
{
	asking *a = self->state;
	otp_term ref, reason, value;

	if (otp_match(m, "{DOWN,~t,process,_,~t}", &ref, &reason) &&
		(otp_equal(ref, a->monitor) || otp_equal(ref, a->request))) {
		bool is_return =
			otp_equal(ref, a->request) && otp_match(reason, "{_,return,~t}", &value);

		end_asking(node, self, is_return ? OTP_YES : OTP_NO, is_return ? value : reason);
	} else if (otp_match(m, "{spawn_reply,~t,error,~t}", &ref, &reason)) {
		end_asking(node, self, OTP_NO, reason);
	} else if (otp_is_atom(m, "$timeout")) {
		otp_demonitor(node, self, a->monitor);
		end_asking(node, self, OTP_NO, otp_make(node, "timeout"));
	} else if (otp_arity(m) == 2 && otp_equal(otp_element(m, 0), a->tag)) {
		value = otp_element(m, 1);
		otp_demonitor(node, self, a->monitor);
		end_asking(node, self, otp_is_atom(value, "no") ? OTP_NO : OTP_YES, value);
	}
}

static otp_proc *start_asking(otp_node *node)
{
	asking *a = otp_alloc(sizeof *a);
	otp_proc *proc = otp_spawn(node, ask, a);

	a->ticket = new_ticket(node);
	proc->on_free = free_asking;
	return proc;
}

static unsigned ticket_of(otp_node *node, otp_proc *proc)
{
	unsigned ticket = ((asking *)proc->state)->ticket;

	otp_drain(node);
	return ticket;
}

/* Kind as in otp_registrar.c. */
static unsigned start_job(
	otp_node *node, const char *kind, const char *name, otp_term pid, otp_term method)
{
	otp_proc *proc = start_asking(node);
	asking *a = proc->state;

	a->tag = otp_keep(otp_ref(node, 3));
	if (node->global == NULL || pid.data == NULL)
		end_asking(node, proc, OTP_NO, otp_make(node, "no"));
	else
		otp_deliver(node, node->global->registrar,
			otp_make(node, "{job,~t,~t,~a,~a,~t,~t}", proc->pid, a->tag, kind, name,
				pid, method));
	return ticket_of(node, proc);
}

/* `fun global:F/3`, or what a BEAM sends for a fun of its own. */
static otp_term method_of(otp_node *node, otp_method method)
{
	static const char *const names[] = {
		"random_exit_name", "random_notify_name", "notify_all_name"};
	otp_term three =
		otp_make(node, "{global,~a,3}", names[method == OTP_LOCAL_FUN ? 0 : method]);
	otp_term fun = otp_make(node, "[]");
	otp_buf *buf = &node->made[node->made_count - 1];

	(void)fun;
	buf->size = 0;
	otp_buf_int(buf, method == OTP_LOCAL_FUN ? 112 : 113, 1);
	if (method != OTP_LOCAL_FUN) {
		otp_buf_add(buf, three.data + 2, three.size - 2);
		return otp_term_of(buf);
	}
	/* size arity uniq index free, module, index, uniq, pid */
	otp_buf_int(buf, 0, 4);
	otp_buf_int(buf, 3, 1);
	memset(otp_buf_extend(buf, 16), node->config.release, 16);
	otp_buf_int(buf, 18, 4);
	otp_buf_int(buf, 0, 4);
	otp_build(buf, "global");
	otp_build(buf, "~i", (int64_t)18);
	otp_build(buf, "~i", (int64_t)node->config.release * 1000003);
	otp_buf_add(buf, node->user->pid.data, node->user->pid.size);
	for (unsigned i = 0; i < 4; i++)
		buf->data[1 + i] = (uint8_t)((buf->size - 1) >> (24 - 8 * i));
	return otp_term_of(buf);
}

unsigned otp_do_register(otp_node *node, const char *name, unsigned proc, otp_method method)
{
	return start_job(node, "register", name, otp_pid_of(node, proc), method_of(node, method));
}

unsigned otp_do_reregister(otp_node *node, const char *name, unsigned proc, otp_method method)
{
	return start_job(
		node, "re_register", name, otp_pid_of(node, proc), method_of(node, method));
}

unsigned otp_do_register_ext(otp_node *node, const char *name, otp_term pid)
{
	return start_job(node, "register_ext", name, pid, otp_make(node, "{global,cnode}"));
}

unsigned otp_do_unregister(otp_node *node, const char *name)
{
	return start_job(node, "unregister", name, node->user->pid, otp_make(node, "none"));
}

static otp_term all_nodes(otp_node *node)
{
	otp_term list = otp_make(node, "[~a]", node->config.name);

	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_UP && otp_is_visible(c))
			list = otp_cons(node, otp_make(node, "~a", c->peer.text), list);
	return list;
}

static unsigned lock_job(
	otp_node *node, const char *word, otp_term id, unsigned number, int retries)
{
	otp_proc *proc = proc_of(node, number);
	unsigned ticket = new_ticket(node);

	if (proc == NULL || node->global == NULL)
		settle(node, ticket, OTP_NO, otp_make(node, "noproc"));
	else
		otp_deliver(node, proc,
			otp_make(node, "{$lock,~a,~i,~i,~t,~t}", word, (int64_t)ticket,
				(int64_t)retries, id, all_nodes(node)));
	otp_drain(node);
	return ticket;
}

unsigned otp_do_lock(
	otp_node *node, const char *resource, const char *requester, unsigned proc, int retries)
{
	return lock_job(node, "set", otp_make(node, "{~a,~a}", resource, requester), proc, retries);
}

unsigned otp_do_unlock(otp_node *node, const char *resource, const char *requester, unsigned proc)
{
	return lock_job(node, "del", otp_make(node, "{~a,~a}", resource, requester), proc, 0);
}

/* MONITOR_P, then the call; the tag has the form of the release. */
static otp_proc *start_call(otp_node *node, const char *name, const char *peer, otp_term request)
{
	otp_proc *proc = start_asking(node);
	asking *a = proc->state;
	unsigned words = node->config.release >= 27 ? 5 : 3;
	otp_term ref = otp_ref(node, words), tag = ref;

	if (node->config.release >= 24)
		tag = otp_make(node, "[alias|~t]", ref);
	proc->alias = otp_keep(ref);
	a->tag = otp_keep(tag);
	a->monitor = otp_keep(ref);
	otp_reach(node, peer);
	otp_monitor_name(node, proc, name, peer, ref);
	otp_send_name(node, proc, name, peer,
		otp_make(node, "{$gen_call,{~t,~t},~t}", proc->pid, tag, request));
	return proc;
}

unsigned otp_do_sync(otp_node *node)
{
	return ticket_of(node, start_call(node, "global_name_server", node->config.name,
				       otp_make(node, "{sync,~t}", all_nodes(node))));
}

unsigned otp_do_call(
	otp_node *node, const char *name, const char *peer, otp_term request, uint64_t timeout_ms)
{
	otp_proc *proc = start_call(node, name, peer, request);

	if (timeout_ms > 0)
		otp_after(node, proc, timeout_ms, otp_make(node, "$timeout"));
	return ticket_of(node, proc);
}

unsigned otp_do_erpc(
	otp_node *node, const char *peer, const char *module, const char *function, otp_term args)
{
	otp_proc *proc = start_asking(node);
	asking *a = proc->state;
	otp_term ref = otp_ref(node, 3);

	otp_reach(node, peer);
	a->request = otp_keep(
		otp_spawn_request(node, proc, peer, otp_make(node, "{erpc,execute_call,4}"),
			otp_make(node, "[~t,~a,~a,~t]", ref, module, function, args)));
	return ticket_of(node, proc);
}

/* ---- pg -------------------------------------------------------------------------------------- */

bool otp_do_join(otp_node *node, const char *scope, const char *group, unsigned proc)
{
	otp_pg *pg = otp_pg_find(node, scope);
	bool has_joined =
		pg != NULL && otp_pg_join(pg, otp_make(node, "~a", group), otp_pid_of(node, proc));

	otp_drain(node);
	return has_joined;
}

bool otp_do_leave(otp_node *node, const char *scope, const char *group, unsigned proc)
{
	otp_actor *a = otp_actor_find(node, proc);
	otp_pg *pg = otp_pg_find(node, scope);
	bool has_left =
		pg != NULL && a != NULL && otp_pg_leave(pg, otp_make(node, "~a", group), a->pid);

	otp_drain(node);
	return has_left;
}

void otp_do_start_scope(otp_node *node, const char *scope)
{
	otp_pg_start(node, scope);
	otp_drain(node);
}

void otp_do_stop_scope(otp_node *node, const char *scope)
{
	otp_pg *pg = otp_pg_find(node, scope);

	if (pg != NULL && pg->proc != NULL)
		otp_exit(node, pg->proc, otp_make(node, "shutdown"));
	otp_drain(node);
}
