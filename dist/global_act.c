/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's acts, carried out on a node.
 *
 *  - Words go out as the process that speaks them, so that each one's keep their order.
 *  - A peer that takes no more suspends none of the three: the cluster must not wait for the
 *    slowest. Past the hard mark it is disconnected, as anybody's.
 *  - Only what must reach a node that is being connected dials; everything else is for who is
 * there.
 */
#include "dist/global_act.h"

#include "dist/names_watch.h"
#include "node/sched.h"
#include "node/via.h"

typedef struct dial {
	fli_dist_wait wait;
	fli_link link;
	fli_global_service *service;
	fl_atom node;
	bool is_over;
} dial;

fli_global_service *fli_global_service_of(const fl_node *node)
{
	return node->via_ctx;
}

static bool is_up(const fl_node *node, fl_atom name)
{
	const fli_peer *peer = NULL;

	if (node->dist != NULL)
		peer = fli_dist_find(fli_dist_of(node), name);
	return peer != NULL && peer->is_up;
}

/* ---- dialling -------------------------------------------------------------------------------- */

static void dial_done(fli_dist_wait *wait, int result, const fl_error *err)
{
	dial *d = fli_container_of(wait, dial, wait);
	fl_node *node = d->service->node;
	fl_dest to = fl_to_pid(d->service->pids[FLI_GLOBAL_SERVER]);

	(void)result; /* whether it is up is looked at when the word arrives */
	(void)err;
	d->is_over = true;
	(void)fli_send_spec(node, NULL, &to, fl_spec("'$flitch_dialled'"));
}

static void begin_dial(fli_global_service *s, fl_atom node)
{
	fli_dist *dist = fli_dist_of(s->node);
	dial *d = fli_zalloc(s->node->mem, sizeof *d);
	fl_error err = {0};
	int rc = FL_ENOMEM;

	if (d != NULL && dist != NULL) {
		d->service = s;
		d->node = node;
		d->wait.done = dial_done;
		fli_list_create(&d->wait.link);
		fli_list_append(&s->dials, &d->link);
		rc = fli_dist_connect(dist, node, &d->wait, &err);
	} else {
		fli_free(s->node->mem, d);
		d = NULL;
	}
	if (rc != FL_EBUSY && d != NULL)
		dial_done(&d->wait, rc, &err);
}

void fli_global_dials_done(fli_global_service *s)
{
	fli_link *next;

	for (fli_link *l = s->dials.next; l != &s->dials; l = next) {
		dial *d = fli_container_of(l, dial, link);

		next = l->next;
		if (!d->is_over)
			continue;
		fli_list_remove(&d->link);
		fli_global_dialled(s->core, d->node, is_up(s->node, d->node));
		fli_free(s->node->mem, d);
	}
}

void fli_global_service_reset(fli_global_service *s)
{
	fli_link *link;

	while ((link = fli_list_pop(&s->dials)) != NULL) {
		dial *d = fli_container_of(link, dial, link);

		fli_dist_wait_cancel(&d->wait);
		fli_free(s->node->mem, d);
	}
	fli_wheel_stop(&s->timer);
	if (s->core != NULL)
		fli_names_watch_mark(&s->watches, (fl_term){.data = NULL});
	fli_global_delete(s->core);
	s->core = NULL;
}

/* ---- acts ------------------------------------------------------------------------------------ */

static fl_dest server_at(const char *name, fl_atom node)
{
	return (fl_dest){.kind = FL_TO_NAME, .as.name = {.text = fl_atom_of(name), .node = node}};
}

static fl_proc *speaker(const fli_global_service *s, fli_global_role role)
{
	return fli_proc_of(s->node, &s->pids[role]);
}

static void say(fli_global_service *s, const fli_global_act *act, const fl_dest *to, fl_spec what)
{
	/* nobody there is as good as said: his end will be told */
	(void)fli_send_spec(s->node, speaker(s, act->role), to, what);
}

static void send_to_node(fli_global_service *s, const fli_global_act *act, fl_term term)
{
	fl_dest to = server_at("global_name_server", act->node);

	if (!act->may_dial && !is_up(s->node, act->node))
		return;
	if (act->what == FLI_GLOBAL_CAST)
		say(s, act, &to, fl_spec("{'$gen_cast', ~}", term));
	else
		say(s, act, &to, fl_spec("~", term));
}

static void send_to_pid(fli_global_service *s, const fli_global_act *act, fl_term term)
{
	fl_dest to = fl_to_pid(act->pid);

	if (fli_pid_is_local(s->node, &act->pid) || is_up(s->node, act->pid.node))
		say(s, act, &to, fl_spec("~", term));
}

/* False: out of memory. */
static bool ask(fli_global_service *s, const fli_global_act *act, fl_term term)
{
	fl_proc *proc = speaker(s, act->role);
	fl_ref ref;

	if (proc == NULL || fl_request_spec(proc, server_at(act->server, act->node), &ref,
				    fl_spec("~", term)) != FL_OK)
		return false;
	fli_global_asked(s->core, act->id, &ref);
	return true;
}

static bool watch(fli_global_service *s, const fl_pid *pid)
{
	fl_proc *proc = speaker(s, FLI_GLOBAL_SERVER);
	fl_ref ref;

	if (proc == NULL || fl_monitor_dest(proc, fl_to_pid(*pid), &ref) != FL_OK)
		return false;
	if (!fli_global_watched(s->core, pid, &ref))
		(void)fl_demonitor(proc, ref);
	return true;
}

static void unwatch(fli_global_service *s, fl_ref ref)
{
	fl_proc *proc = speaker(s, FLI_GLOBAL_SERVER);

	if (proc != NULL)
		(void)fl_demonitor(proc, ref);
}

static void log_line(fli_global_service *s, const fli_global_act *act, fl_term term)
{
	fl_bin text;

	if (fl_match(term, "~", &text))
		fli_log_limited(&s->node->log, s->node->port->now_ns(s->node->port) / 1000000,
			act->level, "%.*s", (int)text.size, (const char *)text.data);
}

static bool carry_out_one(fli_global_service *s, const fli_global_act *act)
{
	fl_term term = fli_global_term(s->core, act);

	switch (act->what) {
	case FLI_GLOBAL_SEND:
	case FLI_GLOBAL_CAST: send_to_node(s, act, term); return true;
	case FLI_GLOBAL_SEND_PID: send_to_pid(s, act, term); return true;
	case FLI_GLOBAL_ASK: return ask(s, act, term);
	case FLI_GLOBAL_REPLY: (void)fl_reply(act->from, "~", term); return true;
	case FLI_GLOBAL_WATCH: return watch(s, &act->pid);
	case FLI_GLOBAL_UNWATCH: unwatch(s, act->ref); return true;
	case FLI_GLOBAL_DIAL: begin_dial(s, act->node); return true;
	case FLI_GLOBAL_DISCONNECT:
		if (s->node->dist != NULL)
			(void)fli_dist_disconnect(fli_dist_of(s->node), act->node);
		return true;
	case FLI_GLOBAL_LOG: log_line(s, act, term); return true;
	}
	return true;
}

static void begin_anew(fli_global_service *s)
{
	fl_proc *proc = speaker(s, FLI_GLOBAL_SERVER);
	fli_reason_atom reason;

	if (proc != NULL)
		fli_proc_exit(proc, fli_reason_of(&reason, "enomem"));
}

static void stay_awake(fli_global_service *s)
{
	for (int i = 0; i < FLI_GLOBAL_ROLES; i++) {
		fl_proc *proc = speaker(s, (fli_global_role)i);

		if (proc != NULL)
			proc->has_busy = false;
	}
}

static void wind(fli_global_service *s)
{
	uint64_t next = fli_global_next_ms(s->core);

	if (next == UINT64_MAX)
		fli_wheel_stop(&s->timer);
	else
		fli_wheel_start(&s->node->wheel, &s->timer, next);
}

void fli_global_carry_out(fli_global_service *s)
{
	size_t count;
	const fli_global_act *acts = fli_global_acts(s->core, &count);
	bool done = true;

	for (size_t i = 0; i < count && done; i++)
		done = carry_out_one(s, &acts[i]);
	fli_global_acts_done(s->core);
	stay_awake(s);
	wind(s);
	fli_names_watch_tell(s->node, &s->watches);
	if (!done || fli_global_has_failed(s->core))
		begin_anew(s);
}
