/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole nodes, and what a program and its operator add to a policy or see of it: a rule of the
 * program's own, who counts, handlers that have time to finish, events, explanations, warnings.
 */
#include <stdio.h>
#include <string.h>

#include "flitch/events.h"
#include "flitch/pg.h"
#include "tests/support/partition_town.h"

#define OFF "global.prevent_overlapping_partitions", "off"

/* ---- a cluster of its own -------------------------------------------------------------------- */

enum { MOST = 5 };

static const char *const names[MOST] = {
	"1@h1.sim", "2@h2.sim", "3@h3.sim", "4@h4.sim", "tool@h5.sim"};
static const char *const hosts[MOST] = {"h1.sim", "h2.sim", "h3.sim", "h4.sim", "h5.sim"};

typedef struct plant {
	fl_sim *sim;
	fl_sim_node *nodes[MOST];
	uint32_t count;
	fl_partition_hooks hooks;
	unsigned asked;  /* the rule, on whichever node */
	unsigned told;   /* events */
	unsigned warned; /* about tick times, in the log */
	char path[1024]; /* of states, of node 1, as events had them */
	char reason[64]; /* of the last one */
	bool has_config;
} plant;

static int on_event(const fl_telemetry *event, void *config)
{
	plant *p = config;
	fl_term to, reason, value;
	fl_atom atom;
	char text[64];

	p->told++;
	if (fl_sim_node_of(event->node) != p->nodes[0] || !fl_get(event->metadata, "to", &to) ||
		!fl_get(event->metadata, "reason", &reason) || !fl_match(to, "~", &atom))
		return FL_OK;
	(void)snprintf(p->path + strlen(p->path), sizeof p->path - strlen(p->path), "%.*s ",
		(int)atom.size, atom.text);
	(void)snprintf(p->reason, sizeof p->reason, "%s", fl_print_to(text, sizeof text, reason));
	p->has_config = fl_get(event->metadata, "config", &value) &&
			fl_get(value, "policy", &value) && fl_get(event->metadata, "sees", &value);
	return FL_OK;
}

static int on_start(fl_sim_node *node, void *ctx)
{
	plant *p = ctx;
	fl_node *handle = fl_sim_handle(node);
	int rc = fl_pg_start(handle, FL_PG);

	if (rc == FL_OK)
		rc = fl_telemetry_attach(
			handle, "policy", "[flitch, partition, state]", on_event, p);
	if (rc == FL_OK && (p->hooks.decide != NULL || p->hooks.counts != NULL))
		rc = fl_partition_use(handle, &p->hooks);
	return rc;
}

static void on_log(fl_sim_node *node, const char *line, size_t size, void *ctx)
{
	static const char word[] = "net_ticktime of";

	(void)node;
	for (size_t i = 0; i + sizeof word - 1 <= size; i++)
		if (memcmp(line + i, word, sizeof word - 1) == 0)
			((plant *)ctx)->warned++;
}

static void start(plant *p, uint32_t i)
{
	fl_error err = {0};

	if (fl_sim_start(p->nodes[i], &err) != FL_OK)
		printf("  %s: %s\n", names[i], err.what);
	CU_ASSERT_EQUAL_FATAL(err.code, FL_OK);
	for (uint32_t j = 0; j < i; j++)
		CU_ASSERT_EQUAL(fl_sim_connect(p->nodes[i], names[j]), FL_OK);
}

static void build(plant *p, uint32_t count, const char *const *settings)
{
	fl_sim_config config = {.tick_time_ms = 8000,
		.settings = settings,
		.on_start = on_start,
		.on_log = on_log,
		.ctx = p};

	p->sim = fl_sim_new(&(fl_sim_options){.seed = 11});
	p->count = count;
	for (uint32_t i = 0; i < count; i++)
		p->nodes[i] = fl_sim_add(p->sim, names[i], &config, NULL);
}

static void open_plant(plant *p, uint32_t count, const char *const *settings)
{
	build(p, count, settings);
	for (uint32_t i = 0; i < count; i++)
		start(p, i);
	fl_sim_run(p->sim, 30000);
}

/* status/0 or one of its like, as a text. */
static const char *says(plant *p, uint32_t i, const char *function, char *ret, size_t size)
{
	fl_buf reply = FL_BUF_INIT;
	int rc = fl_sim_call(p->nodes[i], fl_name_at("rex", names[i]), 3000, &reply,
		"{call, flitch_partition, ~, [], user}", fl_atom_of(function));

	CU_ASSERT_EQUAL(rc, FL_OK);
	(void)fl_print_to(ret, size, fl_buf_term(&reply));
	fl_buf_free(&reply);
	return ret;
}

static bool has(plant *p, uint32_t i, const char *part)
{
	char text[4096];
	bool is = strstr(says(p, i, "status", text, sizeof text), part) != NULL;

	if (!is)
		printf("  %s says %s, without %s\n", names[i], text, part);
	return is;
}

static void split(plant *p, uint32_t first)
{
	for (uint32_t a = 0; a < first; a++)
		for (uint32_t b = first; b < p->count; b++) {
			(void)fl_sim_reset(p->sim, hosts[a], hosts[b]);
			fl_sim_cut(p->sim, hosts[a], hosts[b]);
		}
}

/* ---- a rule of one's own --------------------------------------------------------------------- */

/* The side that has the third node; whatever its size. */
static bool decide(void *ctx, const fl_partition_view *view)
{
	size_t here = 0;
	bool has_third = false;

	((plant *)ctx)->asked++;
	CU_ASSERT_TRUE(view->self < view->count && view->members[view->self].is_here);
	for (size_t i = 0; i < view->count; i++) {
		here += view->members[i].is_here ? 1 : 0;
		has_third = has_third || (view->members[i].is_here &&
						 fl_atom_is(view->members[i].name, names[2]));
	}
	CU_ASSERT_EQUAL(here, view->here);
	return has_third;
}

static void rule_of_the_program_says_which_side_serves(void)
{
	static const char *const settings[] = {OFF, "partition.policy", "custom",
		"partition.members", "1@h1.sim,2@h2.sim,3@h3.sim,4@h4.sim", NULL};
	plant p = {.hooks = {.decide = decide}};

	p.hooks.decide_ctx = &p;
	open_plant(&p, 4, settings);
	CU_ASSERT_TRUE(has(&p, 0, "state => serving") && has(&p, 0, "policy => custom"));
	split(&p, 2);
	fl_sim_run(p.sim, 20000);
	CU_ASSERT_TRUE(has(&p, 0, "state => paused") && has(&p, 1, "state => paused"));
	CU_ASSERT_TRUE(has(&p, 2, "state => degraded") && has(&p, 3, "state => degraded"));
	CU_ASSERT(p.asked > 0);
	CU_ASSERT_STRING_EQUAL(p.reason, "custom_pauses");
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 60000);
	split(&p, 3); /* and now the three are the ones with it */
	fl_sim_run(p.sim, 20000);
	CU_ASSERT_TRUE(has(&p, 0, "state => degraded") && has(&p, 3, "state => paused"));
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 60000);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(has(&p, i, "state => serving"));
	fl_sim_delete(p.sim);
}

static void rule_that_nobody_gave_pauses_both_sides(void)
{
	static const char *const settings[] = {OFF, "partition.policy", "custom",
		"partition.members", "1@h1.sim,2@h2.sim,3@h3.sim,4@h4.sim", NULL};
	plant p = {.asked = 0};

	open_plant(&p, 4, settings);
	split(&p, 1);
	fl_sim_run(p.sim, 20000);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(has(&p, i, "state => paused"));
	fl_sim_delete(p.sim);
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void each_change_is_an_event_with_what_it_was_made_from(void)
{
	static const char *const settings[] = {OFF, "partition.members",
		"1@h1.sim,2@h2.sim,3@h3.sim", "partition.tie", "none", NULL};
	plant p = {.asked = 0};
	char text[16384];

	open_plant(&p, 3, settings);
	p.path[0] = '\0';
	split(&p, 1);
	fl_sim_run(p.sim, 20000);
	CU_ASSERT_STRING_EQUAL(p.path, "suspect pausing paused ");
	CU_ASSERT_STRING_EQUAL(p.reason, "minority");
	CU_ASSERT_TRUE(p.has_config);
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_STRING_EQUAL(p.path, "suspect pausing paused resuming serving ");
	p.path[0] = '\0';
	fl_sim_pause_node(p.nodes[0], FL_SIM_STOPPED);
	fl_sim_run(p.sim, 7000);
	fl_sim_resume(p.nodes[0]);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_STRING_EQUAL(p.path, "stale suspect serving ");
	(void)says(&p, 0, "explain", text, sizeof text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "nontransitive => max_clique"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "tie => none"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "stable_ms => 4771"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "illness => "));
	fl_sim_delete(p.sim);
}

static void tick_times_that_differ_are_told(void)
{
	static const char *const settings[] = {OFF, "partition.members", "1@h1.sim,2@h2.sim", NULL};
	plant p = {.asked = 0};
	const fl_sim_config slow = {.tick_time_ms = 60000,
		.settings = settings,
		.on_start = on_start,
		.on_log = on_log,
		.ctx = &p};

	open_plant(&p, 2, settings);
	CU_ASSERT_EQUAL(p.warned, 0);
	fl_sim_delete(p.sim);
	p = (plant){.asked = 0};
	build(&p, 2, settings);
	fl_sim_reconfigure(p.nodes[1], &slow);
	start(&p, 0);
	start(&p, 1);
	fl_sim_run(p.sim, 10000);
	CU_ASSERT_EQUAL(p.warned, 2);                   /* each end once */
	CU_ASSERT_TRUE(has(&p, 0, "state => serving")); /* it works all the same */
	fl_sim_delete(p.sim);
}

/* ---- who counts ------------------------------------------------------------------------------ */

static bool is_no_tool(void *ctx, fl_atom node)
{
	(void)ctx;
	return node.size < 4 || memcmp(node.text, "tool", 4) != 0;
}

static void nodes_that_do_not_count_are_no_loss(void)
{
	static const char *const by_pattern[] = {
		OFF, "partition.policy", "require_all", "partition.count", "?@*", NULL};
	static const char *const by_program[] = {OFF, "partition.policy", "require_all", NULL};

	for (int i = 0; i < 2; i++) {
		plant p = {.hooks = {.counts = i == 0 ? NULL : is_no_tool}};

		open_plant(&p, 5, i == 0 ? by_pattern : by_program);
		CU_ASSERT_TRUE(has(&p, 0, "members => 4"));
		CU_ASSERT_TRUE(has(&p, 0, "state => serving"));
		fl_sim_crash_node(p.nodes[4], FL_SIM_KILLED);
		fl_sim_run(p.sim, 30000);
		CU_ASSERT_TRUE(has(&p, 0, "state => serving") && has(&p, 0, "partitions => 0"));
		fl_sim_crash_node(p.nodes[3], FL_SIM_KILLED);
		fl_sim_run(p.sim, 30000);
		CU_ASSERT_TRUE(has(&p, 0, "state => paused"));
		fl_sim_delete(p.sim);
	}
}

/* Three nodes that nobody told to stay connected: after a split they find back by themselves. */
static void those_that_were_seen_are_kept_connected(void)
{
	static const char *const seen[] = {
		OFF, "partition.policy", "keep_majority", "cluster.reconnect", "seen", NULL};
	plant p = {.asked = 0};

	build(&p, 3, seen);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(fl_sim_start(p.nodes[i], NULL), FL_OK);
	for (uint32_t i = 1; i < 3; i++) /* by a call, which keeps nothing up */
		for (uint32_t j = 0; j < i; j++)
			(void)fl_sim_call(p.nodes[i], fl_name_at("rex", names[j]), 3000, NULL,
				"{call, erlang, node, [], user}");
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_TRUE(has(&p, 0, "members => 3"));
	split(&p, 1);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_FALSE(fl_sim_is_connected(p.nodes[0], names[1]));
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 90000);
	CU_ASSERT_TRUE(fl_sim_is_connected(p.nodes[0], names[1]));
	CU_ASSERT_TRUE(fl_sim_is_connected(p.nodes[2], names[0]));
	fl_sim_delete(p.sim);
}

FL_SUITE("sim_policy", FL_TEST(rule_of_the_program_says_which_side_serves),
	FL_TEST(rule_that_nobody_gave_pauses_both_sides),
	FL_TEST(each_change_is_an_event_with_what_it_was_made_from),
	FL_TEST(tick_times_that_differ_are_told), FL_TEST(nodes_that_do_not_count_are_no_loss),
	FL_TEST(those_that_were_seen_are_kept_connected));
