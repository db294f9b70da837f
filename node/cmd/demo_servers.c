/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two servers of the demo.
 *
 *  - `counter` is the counter of the examples; it tells the guide of each call, and the runtime
 *    tells it of each monitor from another node;
 *  - the guide monitors the counter, learns of visible nodes by node_up, and of a hidden one with
 *    the first thing that it does.
 *
 * A call of GenServer monitors, too, with the reference that is in its tag. So a monitor is the
 * user's own when no call with its reference came within a moment, or when it saw the counter die.
 */
#include <stdio.h>
#include <string.h>

#include "dist/dist.h"
#include "node/cmd/demo.h"
#include "node/sched.h"

#define MOMENT_MS 500
#define PENDING_MAX 16 /* monitors that may be a call's yet; an older one makes room */

/* ---- the counter ----------------------------------------------------------------------------- */

struct counter {
	int64_t total;
};

/* {called, Ref, Request}; nobody there: no harm. */
static void tell_guide(fl_proc *self, fl_from from, fl_term request)
{
	fl_node *node = fl_self_node(self);
	const fli_call *call;
	fl_ref ref = {.count = 0};
	bool is_alias, found;

	fli_enter(node);
	call = fli_call_find(node, from);
	found = call != NULL && fli_tag_ref(fli_term(node, call->msg->data + call->msg->tag,
						    call->msg->body - call->msg->tag),
					&ref, &is_alias);
	fli_leave(node);
	if (found)
		(void)fl_send(self, FLI_DEMO_GUIDE, "{called, ~, ~}", ref, request);
	else
		(void)fl_send(self, FLI_DEMO_GUIDE, "{called, none, ~}", request);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct counter *c = state;
	int64_t by;
	fl_term term;

	tell_guide(self, from, request);
	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", c->total += by);
	if (fl_match(request, "get"))
		return fl_reply(from, "~", c->total);
	if (fl_match(request, "{echo, ~}", &term))
		return fl_reply(from, "~", term);
	return fl_unhandled(self, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	struct counter *c = state;

	if (!fl_match(message, "reset"))
		return fl_unhandled(self, message);
	c->total = 0;
	return FL_OK;
}

const fl_behaviour fli_demo_counter = {
	.name = "counter",
	.state_size = sizeof(struct counter),
	.call = on_call,
	.cast = on_cast,
};

/* ---- the guide ------------------------------------------------------------------------------- */

struct guide {
	bool done[FLI_STEPS_COUNT];
	fl_ref watch;                /* our monitor of the counter */
	fl_ref pending[PENDING_MAX]; /* monitors of others, each a call's or the user's own */
	unsigned next;
};

static const char *const typed[FLI_STEPS_COUNT] = {
	[FLI_STEP_CONNECT] = "Node.connect(:\"%s\")",
	[FLI_STEP_CALL] = "GenServer.call({:counter, :\"%s\"}, {:add, 5})",
	[FLI_STEP_MONITOR] = "ref = Process.monitor({:counter, :\"%s\"})",
	[FLI_STEP_KILL] = "Process.exit(:erpc.call(:\"%s\", :erlang, :whereis, [:counter]), :kill)",
	[FLI_STEP_RESTART] = "flush(); GenServer.call({:counter, :\"%s\"}, :get)",
};

/* Prints one step's text with the node's name where the table has %s. */
static void print_typed(const char *text, const char *node)
{
	const char *hole = strstr(text, "%s");

	(void)printf("%.*s%s%s\n", (int)(hole - text), text, node, hole + 2);
}

void fli_demo_print_steps(const char *node, const char *cookie)
{
	const char *at = strchr(node, '@');
	const char *flag = strpbrk(at, ".:") != NULL ? "--name" : "--sname";

	(void)printf("\nIn another terminal:\n\n    iex %s me%s --cookie %s\n\n", flag, at, cookie);
	(void)printf("and there, one after the other:\n\n");
	for (int i = 0; i < FLI_STEPS_COUNT; i++) {
		(void)printf("  [ ] %d  ", i + 1);
		print_typed(typed[i], node);
		if (i == FLI_STEP_CONNECT)
			(void)printf(
				"         false: that iex has another cookie than the one above\n");
	}
	(void)printf("\nCtrl-C ends the demo.\n\n");
}

static void tick(struct guide *g, fli_step step, const char *what)
{
	if (g->done[step])
		return;
	g->done[step] = true;
	(void)printf("  [x] %d  %s\n", (int)step + 1, what);
	for (int i = 0; i < FLI_STEPS_COUNT; i++)
		if (!g->done[i]) {
			(void)fflush(stdout); /* who closed stdout does not look */
			return;
		}
	(void)printf("\nThat was all. The node goes on serving; Ctrl-C ends it.\n");
	(void)fflush(stdout);
}

/* In the midst of a read: nothing but a message may leave here. */
static void on_monitored(fl_proc *target, const fl_ref *ref)
{
	fl_dest guide = fl_to(FLI_DEMO_GUIDE);

	if (target->behaviour == &fli_demo_counter)
		(void)fli_send_spec(target->node, NULL, &guide, fl_spec("{monitored, ~}", *ref));
}

static int on_guide_init(fl_proc *self, void *state, fl_term args)
{
	struct guide *g = state;
	fl_node *node = fl_self_node(self);

	(void)args; /* none */
	fli_enter(node);
	node->on_monitored = on_monitored;
	fli_leave(node);
	return fl_monitor(self, "counter", &g->watch);
}

static fl_ref *find_pending(struct guide *g, const fl_ref *ref)
{
	for (unsigned i = 0; i < PENDING_MAX; i++)
		if (g->pending[i].count != 0 && fl_ref_eq(&g->pending[i], ref))
			return &g->pending[i];
	return NULL;
}

static bool has_pending(const struct guide *g)
{
	for (unsigned i = 0; i < PENDING_MAX; i++)
		if (g->pending[i].count != 0)
			return true;
	return false;
}

static void on_monitor(fl_proc *self, struct guide *g, const fl_ref *ref)
{
	if (g->done[FLI_STEP_MONITOR])
		return;
	g->pending[g->next++ % PENDING_MAX] = *ref;
	(void)fl_send_after(self, MOMENT_MS, FLI_DEMO_GUIDE, NULL, "{still, ~}", *ref);
}

static void tick_monitor(struct guide *g)
{
	tick(g, FLI_STEP_MONITOR, "a process of yours monitors the counter");
}

static void on_counter_call(struct guide *g, const fl_ref *ref, fl_term request)
{
	fl_ref *pending = ref == NULL ? NULL : find_pending(g, ref);
	char text[160], line[200];

	if (pending != NULL)
		pending->count = 0;
	(void)snprintf(line, sizeof line, "the counter was called with %s",
		fl_print_to(text, sizeof text, request)); /* cut for people */
	tick(g, FLI_STEP_CALL, line);
	if (g->done[FLI_STEP_KILL])
		tick(g, FLI_STEP_RESTART,
			"the supervisor restarted it: a new process answered, from 0");
}

static void on_counter_down(struct guide *g, fl_term reason)
{
	char text[120], line[160];

	if (has_pending(g))
		tick_monitor(g);
	(void)snprintf(line, sizeof line, "the counter died: %s",
		fl_print_to(text, sizeof text, reason)); /* cut for people */
	tick(g, FLI_STEP_KILL, line);
}

static void tick_connected(struct guide *g, fl_atom name)
{
	char line[FLI_NODE_NAME_BYTES_MAX + 32];

	(void)snprintf(line, sizeof line, "%.*s is connected", (int)name.size, name.text);
	tick(g, FLI_STEP_CONNECT, line); /* a name fits */
}

static int on_guide_node_up(fl_proc *self, void *state, fl_atom node)
{
	(void)self; /* the step is all there is to do */
	tick_connected(state, node);
	return FL_OK;
}

/* A hidden node is seen once it does something. */
static void look_for_node(fl_proc *self, struct guide *g)
{
	fl_node *node = fl_self_node(self);
	const fli_peer *peer;
	fl_atom name = {.size = 0};
	size_t cursor = 0;

	fli_enter(node);
	peer = fli_dist_next(fli_dist_of(node), &cursor);
	if (peer != NULL)
		name = peer->name; /* interned */
	fli_leave(node);
	if (name.size > 0)
		tick_connected(g, name);
}

static int on_guide_info(fl_proc *self, void *state, fl_term message)
{
	struct guide *g = state;
	fl_term request, reason;
	fl_ref ref;

	if (!g->done[FLI_STEP_CONNECT])
		look_for_node(self, g);
	if (fl_match(message, "{called, ~, ~}", &ref, &request))
		on_counter_call(g, &ref, request);
	else if (fl_match(message, "{called, none, ~}", &request))
		on_counter_call(g, NULL, request);
	else if (fl_match(message, "{monitored, ~}", &ref))
		on_monitor(self, g, &ref);
	else if (fl_match(message, "{still, ~}", &ref) && find_pending(g, &ref) != NULL)
		tick_monitor(g);
	else if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &reason) &&
		 fl_ref_eq(&ref, &g->watch))
		on_counter_down(g, reason);
	return FL_OK;
}

const fl_behaviour fli_demo_guide = {
	.name = FLI_DEMO_GUIDE,
	.state_size = sizeof(struct guide),
	.init = on_guide_init,
	.info = on_guide_info,
	.node_up = on_guide_node_up,
};
