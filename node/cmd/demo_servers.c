/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two servers of the demo.
 *
 *  - `counter` is the counter of the examples; it tells the guide of each call;
 *  - the guide monitors the counter by name, and looks now and then for what there is no event: a
 *    connection (node_up is for visible nodes) and a process of another node that watches the
 *    counter.
 *
 * A call of GenServer monitors, too, for as long as it takes: only a monitor that is there twice in
 * a row counts as one that the user made.
 */
#include <stdio.h>
#include <string.h>

#include "dist/dist.h"
#include "node/cmd/demo.h"
#include "node/sched.h"

#define LOOK_MS 200

/* ---- the counter ----------------------------------------------------------------------------- */

struct counter {
	int64_t total;
};

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct counter *c = state;
	int64_t by;
	fl_term term;

	(void)fl_send(self, FLI_DEMO_GUIDE, "{called, ~}", request); /* nobody there: no harm */
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
	fl_ref watch; /* our monitor of the counter */
	bool is_watching;
	uint32_t seen_words[5]; /* the remote monitor that was there at the last look */
	bool has_seen;
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

static int on_guide_init(fl_proc *self, void *state, fl_term args)
{
	struct guide *g = state;

	(void)args;
	g->is_watching = fl_monitor(self, "counter", &g->watch) == FL_OK;
	fl_next_timeout(self, LOOK_MS);
	return FL_OK;
}

/* The reference of a monitor that a process of another node has on the counter. */
static bool find_remote_watcher(fl_node *node, uint32_t ret_words[5])
{
	fl_proc *counter;
	bool found = false;

	fli_enter(node);
	counter = fli_name_find(node, fl_atom_of("counter"));
	for (fli_link *l = counter != NULL ? counter->watchers.next : NULL;
		l != NULL && l != &counter->watchers && !found; l = l->next) {
		const fli_monitor *m = fli_container_of(l, fli_monitor, in_target);

		found = m->watcher_peer != NULL;
		if (found)
			memcpy(ret_words, m->ref.words, sizeof m->ref.words);
	}
	fli_leave(node);
	return found;
}

static void look_for_monitor(fl_proc *self, struct guide *g)
{
	uint32_t words[5] = {0};
	bool found = find_remote_watcher(fl_self_node(self), words);

	if (found && g->has_seen && memcmp(words, g->seen_words, sizeof words) == 0)
		tick(g, FLI_STEP_MONITOR, "a process of yours monitors the counter");
	g->has_seen = found;
	memcpy(g->seen_words, words, sizeof words);
}

static void look_for_node(fl_proc *self, struct guide *g)
{
	fl_node *node = fl_self_node(self);
	char line[FLI_NODE_NAME_BYTES_MAX + 32];
	const fli_peer *peer;
	size_t cursor = 0;

	fli_enter(node);
	peer = fli_dist_next(fli_dist_of(node), &cursor);
	if (peer != NULL)
		(void)snprintf(line, sizeof line, "%.*s is connected", (int)peer->name.size,
			peer->name.text); /* a name fits */
	fli_leave(node);
	if (peer != NULL)
		tick(g, FLI_STEP_CONNECT, line);
}

static int on_guide_timeout(fl_proc *self, void *state)
{
	struct guide *g = state;

	/* At leisure: right after its death the name is nobody's, and each monitor would end at
	 * once. */
	if (!g->is_watching)
		g->is_watching = fl_monitor(self, "counter", &g->watch) == FL_OK;
	if (!g->done[FLI_STEP_CONNECT])
		look_for_node(self, g);
	if (!g->done[FLI_STEP_MONITOR])
		look_for_monitor(self, g);
	fl_next_timeout(self, LOOK_MS);
	return FL_OK;
}

static void on_counter_call(struct guide *g, fl_term request)
{
	char text[160], line[200];

	(void)snprintf(line, sizeof line, "the counter was called with %s",
		fl_print_to(text, sizeof text, request)); /* cut for people */
	tick(g, FLI_STEP_CALL, line);
	if (g->done[FLI_STEP_KILL])
		tick(g, FLI_STEP_RESTART,
			"the supervisor restarted it: a new process answered, from 0");
}

static int on_guide_info(fl_proc *self, void *state, fl_term message)
{
	struct guide *g = state;
	fl_term request, reason;
	fl_ref ref;
	char text[120], line[160];

	fl_next_timeout(self, LOOK_MS);
	if (!g->done[FLI_STEP_CONNECT])
		look_for_node(self, g);
	if (fl_match(message, "{called, ~}", &request)) {
		on_counter_call(g, request);
	} else if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &reason) &&
		   fl_ref_eq(&ref, &g->watch)) {
		(void)snprintf(line, sizeof line, "the counter died: %s",
			fl_print_to(text, sizeof text, reason)); /* cut for people */
		if (g->is_watching)
			tick(g, FLI_STEP_KILL, line);
		g->is_watching = false;
	}
	return FL_OK;
}

const fl_behaviour fli_demo_guide = {
	.name = FLI_DEMO_GUIDE,
	.state_size = sizeof(struct guide),
	.init = on_guide_init,
	.info = on_guide_info,
	.timeout = on_guide_timeout,
};
