/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors that t_trees starts anew for each test, by supervisor:start_child({trees, Node}, _),
 * and that it has in Erlang as well: the two must not differ in anything that a request shows.
 *
 * dummy_kid: its argument may be ignore or {fail, Reason}; {stop, Reason} ends it; a call of `trap`
 * makes it trap exits.
 */
#include <flitch.h>

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_term reason;

	(void)state;
	if (fl_match(args, "{fail, ~}", &reason))
		return fl_stop(self, "~", reason);
	return fl_match(args, "ignore") ? FL_IGNORE : FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	if (fl_match(request, "trap"))
		fl_trap_exit(self, true);
	return fl_reply(from, "ok");
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_term reason;

	(void)state;
	if (fl_match(message, "{stop, ~}", &reason))
		return fl_stop(self, "~", reason);
	return FL_OK;
}

static const fl_behaviour dummy_kid = {
	.name = "dummy_kid", .init = on_init, .call = on_call, .info = on_info};

static const fl_child three[] = {
	{.behaviour = &dummy_kid, .id = "a", .args = "a"},
	{.behaviour = &dummy_kid, .id = "b", .args = "b", .restart = FL_TRANSIENT},
	{.behaviour = &dummy_kid, .id = "c", .args = "c", .restart = FL_TEMPORARY},
	{0},
};
static const fl_behaviour tree_one = {.name = "tree_one",
	.supervisor = &(const fl_supervisor){
		.strategy = FL_ONE_FOR_ONE, .intensity = 2, .period_s = 60, .children = three}};
static const fl_behaviour tree_all = {.name = "tree_all",
	.supervisor = &(const fl_supervisor){
		.strategy = FL_ONE_FOR_ALL, .intensity = 2, .period_s = 60, .children = three}};
static const fl_behaviour tree_rest = {.name = "tree_rest",
	.supervisor = &(const fl_supervisor){
		.strategy = FL_REST_FOR_ONE, .intensity = 2, .period_s = 60, .children = three}};

static const fl_child with_significant[] = {
	{.behaviour = &dummy_kid, .id = "p", .args = "p"},
	{.behaviour = &dummy_kid,
		.id = "s",
		.args = "s",
		.restart = FL_TRANSIENT,
		.significant = true},
	{.behaviour = &dummy_kid,
		.id = "t",
		.args = "t",
		.restart = FL_TEMPORARY,
		.significant = true,
		.shutdown_ms = FL_BRUTAL_KILL},
	{0},
};
static const fl_behaviour tree_any = {.name = "tree_any",
	.supervisor = &(const fl_supervisor){.auto_shutdown = FL_ANY_SIGNIFICANT,
		.intensity = 2,
		.period_s = 60,
		.children = with_significant}};
static const fl_behaviour tree_last = {.name = "tree_last",
	.supervisor = &(const fl_supervisor){.auto_shutdown = FL_ALL_SIGNIFICANT,
		.intensity = 2,
		.period_s = 60,
		.children = with_significant}};

static const fl_behaviour tree_simple = {.name = "tree_simple",
	.supervisor = &(const fl_supervisor){.strategy = FL_SIMPLE_ONE_FOR_ONE,
		.intensity = 2,
		.period_s = 60,
		.children = (const fl_child[]){{.behaviour = &dummy_kid, .id = "kid"}, {0}}}};
static const fl_behaviour tree_nested = {.name = "tree_nested",
	.supervisor = &(const fl_supervisor){.intensity = 2,
		.period_s = 60,
		.children = (const fl_child[]){{.behaviour = &tree_all, .id = "inner"},
			{.behaviour = &dummy_kid, .id = "z", .args = "z"}, {0}}}};
static const fl_behaviour tree_dynamic = {.name = "tree_dynamic",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC, .max_children = 3}};
static const fl_behaviour tree_parts = {.name = "tree_parts",
	.supervisor = &(const fl_supervisor){.partitions = 3,
		.children = (const fl_child[]){{.behaviour = &dummy_kid, .args = "x"}, {0}}}};

static const fl_behaviour trees = {.name = "trees",
	.supervisor = &(const fl_supervisor){
		.offers = (const fl_behaviour *const[]){&dummy_kid, &tree_one, &tree_all,
			&tree_rest, &tree_any, &tree_last, &tree_simple, &tree_nested,
			&tree_dynamic, &tree_parts, NULL}}};

FL_MODULE(&trees);
