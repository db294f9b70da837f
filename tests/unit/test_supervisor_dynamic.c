/* SPDX-License-Identifier: Apache-2.0 */
/* DynamicSupervisor, simple_one_for_one, PartitionSupervisor: see tests/support/sup_script.h. */
#include <stdio.h>

#include "flitch.h"
#include "flitch/sim.h"
#include "node/sched.h"
#include "node/term/hash.h"
#include "tests/support/actor.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"
#include "tests/support/sup_script.h"

#define OFFERS                                                                                     \
	.offers = (const fl_behaviour *const[])                                                    \
	{                                                                                          \
		&kid, &plain, NULL                                                                 \
	}

TREE(dynamic, NULL, .strategy = FL_DYNAMIC, .max_children = 3, OFFERS);
TREE(with_extra, NULL, .strategy = FL_DYNAMIC, .extra_arguments = "[n]", OFFERS);
TREE(bad_extra, NULL, .strategy = FL_DYNAMIC, .extra_arguments = "n", OFFERS);

/* The arguments of a simple_one_for_one's template come before those of a start. */
static const fl_child simple_child[] = {{.behaviour = &kid, .id = "worker"}, {0}};
static const fl_child temporary_child[] = {
	{.behaviour = &kid, .id = "worker", .restart = FL_TEMPORARY}, {0}};
TREE(simple, simple_child, .strategy = FL_SIMPLE_ONE_FOR_ONE, .intensity = 3);
TREE(simple_temporary, temporary_child, .strategy = FL_SIMPLE_ONE_FOR_ONE, .intensity = 3);
TREE(no_template, NULL, .strategy = FL_SIMPLE_ONE_FOR_ONE);

static const fl_child partition_child[] = {{.behaviour = &kid, .args = "p"}, {0}};
TREE(partitions, partition_child, .partitions = 3);
TREE(told_partitions, partition_child, .partitions = 2, .partition_args = true);

/* A child with a name, so that it can be told something. */
#define CHILD(name, restart)                                                                       \
	"ask {start_child, {{gen_server, start_link, [{local, " name "}, kid, " name               \
	", []]}, " restart ", 5000, worker, [kid]}}"

#define CASES(X)                                                                                                        \
	X(child_is_known_by_its_pid_alone, &dynamic,                                                                    \
		CHILD("a", "permanent") "; ask which_children; ask count_children",                                     \
		"+a ={ok,<a>} =[{undefined,<a>,worker,[kid]}] "                                                         \
		"=[{specs,1},{active,1},{supervisors,0},{workers,1}]")                                                  \
	X(max_children_are_not_exceeded, &dynamic,                                                                      \
		CHILD("a", "permanent") ";" CHILD("b", "permanent") ";" CHILD(                                          \
			"c", "permanent") ";" CHILD("d", "permanent"),                                                  \
		"+a ={ok,<a>} +b ={ok,<b>} +c ={ok,<c>} ={error,max_children}")                                         \
	X(one_that_ended_makes_room, &dynamic,                                                                          \
		CHILD("a", "temporary") ";" CHILD("b", "temporary") ";" CHILD(                                          \
			"c", "temporary") "; tell a crash;" CHILD("d", "temporary"),                                    \
		"+a ={ok,<a>} +b ={ok,<b>} +c ={ok,<c>} -a:boom +d ={ok,<d>}")                                          \
	X(permanent_is_restarted, &dynamic, CHILD("a", "permanent") "; tell a {stop, normal}",                          \
		"+a ={ok,<a>} -a:normal +a")                                                                            \
	X(transient_is_restarted_after_a_crash, &dynamic,                                                               \
		CHILD("a", "transient") "; tell a crash", "+a ={ok,<a>} -a:boom +a")                                    \
	X(transient_that_ends_well_is_forgotten, &dynamic,                                                              \
		CHILD("a", "transient") "; tell a {stop, shutdown}; ask which_children",                                \
		"+a ={ok,<a>} -a:shutdown =[]")                                                                         \
	X(temporary_is_forgotten, &dynamic,                                                                             \
		CHILD("a", "temporary") "; tell a crash; ask count_children; report",                                   \
		"+a ={ok,<a>} -a:boom =[{specs,0},{active,0},{supervisors,0},{workers,0}] "                             \
		"[child_terminated boom undefined]")                                                                    \
	X(default_intensity_is_three_in_five_seconds, &dynamic,                                                         \
		CHILD("a",                                                                                              \
			"permanent") "; tell a crash; tell a crash; tell a crash; tell a crash",                        \
		"+a ={ok,<a>} -a:boom +a -a:boom +a -a:boom +a -a:boom ^shutdown")                                      \
	X(giving_up_ends_all_children, &dynamic,                                                                        \
		CHILD("a", "permanent") ";" CHILD("b", "permanent") "; refuse a; tell a crash",                         \
		"+a ={ok,<a>} +b ={ok,<b>} -a:boom +a +a +a -b:shutdown ^shutdown")                                     \
	X(one_that_fails_to_restart_is_restarting, &dynamic,                                                            \
		CHILD("a", "permanent") "; refuse a; hold sup; tell a crash; free sup; report",                         \
		"+a ={ok,<a>} -a:boom +a +a +a ^shutdown [child_terminated boom undefined] "                            \
		"[start_error refused undefined] [start_error refused undefined] "                                      \
		"[start_error refused undefined] "                                                                      \
		"[shutdown reached_max_restart_intensity undefined]")                                                   \
	X(one_that_is_ignored_at_its_restart_is_forgotten, &dynamic,                                                    \
		CHILD("a", "permanent") "; ignore a; tell a crash; ask which_children",                                 \
		"+a ={ok,<a>} -a:boom +a =[]")                                                                          \
	X(start_that_fails_keeps_nothing, &dynamic,                                                                     \
		"refuse a;" CHILD("a", "permanent") "; ask which_children",                                             \
		"+a ={error,refused} =[]")                                                                              \
	X(start_that_is_ignored_is_ignore, &dynamic,                                                                    \
		"ignore a;" CHILD("a", "permanent") "; ask which_children", "+a =ignore =[]")                           \
	X(name_that_is_taken_is_already_started, &dynamic,                                                              \
		CHILD("a", "permanent") ";" CHILD("a", "permanent"),                                                    \
		"+a ={ok,<a>} ={error,{already_started,<a>}}")                                                          \
	X(unknown_module_is_undef, &dynamic,                                                                            \
		"ask {start_child, {{nowhere, start_link, [1]}, permanent, 5000, worker, []}}",                         \
		"={error,{undef,[{nowhere,start_link,[1],[]}]}}")                                                       \
	X(unknown_function_is_undef, &dynamic,                                                                          \
		"ask {start_child, {{kid, begin_link, [1]}, permanent, 5000, worker, []}}",                             \
		"={error,{undef,[{kid,begin_link,[1],[]}]}}")                                                           \
	X(unknown_arity_is_undef, &dynamic,                                                                             \
		"ask {start_child, {{kid, start_link, [1, 2]}, permanent, 5000, worker, []}}",                          \
		"={error,{undef,[{kid,start_link,[1,2],[]}]}}")                                                         \
	X(genservers_own_start_registers_the_name, &dynamic,                                                            \
		"ask {start_child, {{'Elixir.GenServer', start_link, [kid, e, [{name, e}]]}, "                          \
		"permanent, 5000, worker, [kid]}}",                                                                     \
		"+e ={ok,<e>}")                                                                                         \
	X(terminate_child_of_a_stranger_is_not_found, &dynamic, "ask {terminate_child, what}",                          \
		"={error,not_found}")                                                                                   \
	X(children_end_side_by_side, &dynamic,                                                                          \
		CHILD("a", "permanent") ";" CHILD("b",                                                                  \
			"permanent") "; hold a; parent shutdown; ended b; pass 4999; ended a; pass 1; ended a; report", \
		"+a ={ok,<a>} +b ={ok,<b>} -b:shutdown gone:b runs:a ^shutdown gone:a "                                 \
		"[shutdown_error killed undefined]")                                                                    \
	X(extra_arguments_come_first, &with_extra,                                                                      \
		"ask {start_child, {{kid, start_link, []}, permanent, 5000, worker, [kid]}}",                           \
		"+n ={ok,<?>}")                                                                                         \
	X(extra_arguments_count_for_the_arity, &with_extra,                                                             \
		"ask {start_child, {{kid, start_link, [m]}, permanent, 5000, worker, [kid]}}",                          \
		"={error,{undef,[{kid,start_link,[n,m],[]}]}}")                                                         \
	X(extra_arguments_are_a_list, &bad_extra, "ended sup",                                                          \
		"^{start_spec,{invalid_extra_arguments,<<\"n\">>}} gone:sup")                                           \
	X(simple_one_for_one_adds_arguments, &simple,                                                                   \
		"ask {start_child, [x]}; ask which_children; ask count_children",                                       \
		"+x ={ok,<?>} =[{undefined,<?>,worker,[kid]}] "                                                         \
		"=[{specs,1},{active,1},{supervisors,0},{workers,1}]")                                                  \
	X(simple_one_for_one_counts_its_one_spec, &simple, "ask count_children",                                        \
		"=[{specs,1},{active,0},{supervisors,0},{workers,0}]")                                                  \
	X(simple_one_for_one_ignored_is_ok_undefined, &simple,                                                          \
		"ignore x; ask {start_child, [x]}; ask which_children", "+x ={ok,undefined} =[]")                       \
	X(simple_one_for_one_failed_is_the_reason, &simple, "refuse x; ask {start_child, [x]}",                         \
		"+x ={error,refused}")                                                                                  \
	X(simple_one_for_one_has_no_ids, &simple,                                                                       \
		"ask {terminate_child, worker}; ask {restart_child, worker}; "                                          \
		"ask {delete_child, worker}; ask {which_child, worker}",                                                \
		"={error,simple_one_for_one} ={error,simple_one_for_one} "                                              \
		"={error,simple_one_for_one} ={error,simple_one_for_one}")                                              \
	X(simple_one_for_one_temporaries_are_forgotten, &simple_temporary,                                              \
		"ask {start_child, [x]}; parent shutdown", "+x ={ok,<?>} -x:shutdown ^shutdown")                        \
	X(simple_one_for_one_needs_its_one_child, &no_template, "ended sup",                                            \
		"^{start_spec,{bad_start_spec,[]}} gone:sup")                                                           \
	X(partitions_have_numbers_as_ids, &partitions, "ask which_children",                                            \
		"+p +p +p =[{2,<?>,worker,[kid]},{1,<?>,worker,[kid]},{0,<?>,worker,[kid]}]")                           \
	X(partitions_may_be_told_their_number, &told_partitions, "", "+{0,p} +{1,p}")

#define DEFINE(name, tree, script, expected)                                                       \
	static void name(void)                                                                     \
	{                                                                                          \
		sup_script(tree, script, expected);                                                \
	}
CASES(DEFINE)

/* ---- from C ---------------------------------------------------------------------------------- */

static world w;
static fl_pid started;

static int born(fl_proc *self, void *state, fl_term args)
{
	(void)self;
	(void)state;
	if (fl_match(args, "refuse"))
		return fl_stop(self, "refused");
	return fl_match(args, "ignore") ? FL_IGNORE : FL_OK;
}

static const fl_behaviour server = {.name = "server", .init = born};
static const fl_child as_server = {.behaviour = &server, .restart = FL_TEMPORARY};
static const fl_child as_permanent = {.behaviour = &server};
static const fl_behaviour pool = {
	.name = "pool", .supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC}};
static const fl_behaviour shelf = {
	.name = "shelf", .supervisor = &(const fl_supervisor){.intensity = 1}};
static const fl_behaviour split = {.name = "split",
	.supervisor = &(const fl_supervisor){
		.children = (const fl_child[]){{.behaviour = &server}, {0}}, .partitions = 4}};

static void open_with(const fl_behaviour *tree)
{
	actor_open(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, tree, tree->name, NULL);
}

static int use_pool(fl_proc *self)
{
	fl_children_count count;
	fl_pid pid;

	CU_ASSERT_EQUAL(fl_start_child(self, "pool", &as_server, &started, "[]"), FL_OK);
	CU_ASSERT_EQUAL(fl_start_child(self, "pool", &as_server, NULL, "refuse"), FL_EEXIT);
	CU_ASSERT_EQUAL(fl_start_child(self, "pool", &as_server, NULL, "ignore"), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_count_children(self, "pool", &count), FL_OK);
	CU_ASSERT_EQUAL(count.specs, 1);
	CU_ASSERT_EQUAL(count.active, 1);
	CU_ASSERT_EQUAL(fl_terminate_child(self, "pool", "~", started), FL_OK);
	CU_ASSERT_EQUAL(fl_terminate_child(self, "pool", "~", started), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_start_child(self, "nobody", &as_server, &pid, "[]"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_start_child(self, "driver", &as_server, &pid, "[]"), FL_ENOTSUP);
	return FL_OK;
}

static actor_fn *to_do;

static int drive(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	(void)request;
	(void)to_do(self);
	return fl_reply(from, "done");
}

static const fl_behaviour driver = {.name = "driver", .call = drive};

/* On a node where calls may wait. */
static void do_on_a_node(const fl_behaviour *tree, actor_fn *fn)
{
	const fl_behaviour *const servers[] = {tree, &driver, NULL};
	const fl_sim_config config = {.servers = servers};
	fl_sim *sim = fl_sim_new(NULL);
	fl_sim_node *node = fl_sim_add(sim, "a@one.sim", &config, NULL);
	fl_buf reply = FL_BUF_INIT;

	to_do = fn;
	CU_ASSERT_EQUAL_FATAL(fl_sim_start(node, NULL), FL_OK);
	CU_ASSERT_TRUE_FATAL(fl_sim_await(node, FL_SIM_UP, 1000));
	CU_ASSERT_EQUAL(fl_sim_call(node, "driver", 60000, &reply, "go"), FL_OK);
	fl_buf_free(&reply);
	fl_sim_stop(node);
	CU_ASSERT_TRUE(fl_sim_await(node, FL_SIM_DOWN, 1000));
	CU_ASSERT_EQUAL(fl_sim_leaked(node), 0);
	fl_sim_delete(sim);
}

static void dynamic_supervisor_is_used_from_c(void)
{
	do_on_a_node(&pool, use_pool);
}

static int use_shelf(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_EQUAL(fl_start_child(self, "shelf", &as_permanent, &started, "[]"), FL_OK);
	CU_ASSERT_EQUAL(fl_start_child(self, "shelf", &as_permanent, &pid, "[]"), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_restart_child(self, "shelf", "server"), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_delete_child(self, "shelf", "server"), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_terminate_child(self, "shelf", "server"), FL_OK);
	CU_ASSERT_EQUAL(fl_restart_child(self, "shelf", "server"), FL_OK);
	CU_ASSERT_EQUAL(fl_terminate_child(self, "shelf", "server"), FL_OK);
	CU_ASSERT_EQUAL(fl_delete_child(self, "shelf", "server"), FL_OK);
	CU_ASSERT_EQUAL(fl_delete_child(self, "shelf", "server"), FL_ENOENT);
	return FL_OK;
}

static void static_supervisor_is_used_from_c(void)
{
	do_on_a_node(&shelf, use_shelf);
}

static fl_term integer(fl_buf *buf, int64_t value)
{
	fl_buf_reset(buf);
	(void)fl_build(buf, "~", value);
	return fl_buf_term(buf);
}

static int route(fl_proc *self)
{
	fl_pid zero, one, other;
	fl_buf key = FL_BUF_INIT;
	uint32_t hash;

	CU_ASSERT_EQUAL(fl_partition(self, "split", integer(&key, 0), &zero), FL_OK);
	CU_ASSERT_EQUAL(fl_partition(self, "split", integer(&key, -5), &one), FL_OK);
	CU_ASSERT_FALSE(fl_pid_eq(&zero, &one));
	CU_ASSERT_EQUAL(fl_partition(self, "split", integer(&key, 1), &other), FL_OK);
	CU_ASSERT_TRUE(fl_pid_eq(&one, &other));
	CU_ASSERT_EQUAL(fl_partition(self, "split", integer(&key, INT64_MIN), &other), FL_OK);
	CU_ASSERT_TRUE(fl_pid_eq(&zero, &other)); /* 2^63 is a multiple of 4 */
	fl_buf_reset(&key);
	CU_ASSERT_EQUAL(fl_build(&key, "{user, 7}"), FL_OK);
	CU_ASSERT_TRUE(fli_phash2(fl_buf_term(&key), &hash));
	CU_ASSERT_EQUAL(fl_partition(self, "split", fl_buf_term(&key), &zero), FL_OK);
	CU_ASSERT_EQUAL(fl_partition(self, "split", integer(&key, hash % 4), &one), FL_OK);
	CU_ASSERT_TRUE(fl_pid_eq(&zero, &one));
	CU_ASSERT_EQUAL(fl_partition(self, "a", integer(&key, 0), &one), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_partition(self, "nobody", integer(&key, 0), &one), FL_ENOPROC);
	fl_buf_free(&key);
	started = zero;
	return FL_OK;
}

static int route_again(fl_proc *self)
{
	fl_buf key = FL_BUF_INIT;
	fl_pid pid;

	CU_ASSERT_EQUAL(fl_build(&key, "{user, 7}"), FL_OK);
	CU_ASSERT_EQUAL(fl_partition(self, "split", fl_buf_term(&key), &pid), FL_OK);
	CU_ASSERT_FALSE(fl_pid_eq(&pid, &started));
	fl_buf_free(&key);
	return FL_OK;
}

static int kill_started(fl_proc *self)
{
	return fl_exit(self, started, "kill");
}

static void keys_belong_to_partitions_as_in_elixir(void)
{
	open_with(&split);
	actor_do(&w, "a", route);
	actor_do(&w, "a", kill_started);
	actor_do(&w, "a", route_again);
	world_close(&w);
}

static int add_three(fl_proc *self, void *state, fl_term args)
{
	char id[8];
	fl_child child = {.behaviour = &server, .id = id};

	(void)state; /* a supervisor's own */
	(void)args;
	for (int i = 0; i < 3; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		CU_ASSERT_EQUAL(fl_add_child(self, &child, "~", i), FL_OK);
	}
	CU_ASSERT_EQUAL(fl_add_child(self, &child, "[]"), FL_EALREADY);
	return FL_OK;
}

static const fl_behaviour computed = {.name = "computed",
	.init = add_three,
	.supervisor = &(const fl_supervisor){.strategy = FL_ONE_FOR_ALL}};

static int count_computed(fl_proc *self)
{
	fl_children_count count;

	CU_ASSERT_EQUAL(fl_count_children(self, "computed", &count), FL_OK);
	CU_ASSERT_EQUAL(count.active, 3);
	CU_ASSERT_EQUAL(fl_add_child(self, &as_server, "[]"), FL_EMISUSE);
	return FL_OK;
}

static void init_may_add_children(void)
{
	open_with(&computed);
	actor_do(&w, "a", count_computed);
	world_close(&w);
}

/* ---- many ------------------------------------------------------------------------------------ */

enum { MANY = 5000 }; /* several slices */

static int start_many(fl_proc *self)
{
	for (int i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL_FATAL(
			fl_start_child(self, "pool", &as_server, &started, "~", i), FL_OK);
	return FL_OK;
}

static int stop_pool(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_TRUE_FATAL(fl_whereis(self, "pool", &pid));
	return fl_send(self, pid, "{system, {~, tag}, {terminate, shutdown}}", fl_self(self));
}

static void many_end_in_slices_and_give_their_memory_back(void)
{
	fli_fault fault;
	long before;

	fli_fault_create(&fault, 0);
	actor_notes[0] = '\0';
	world_open(&w, &fault.mem);
	w.node->limits.mailbox_max = 2000; /* fewer than there are ends */
	(void)world_start(&w, &actor, "a", NULL);
	before = fault.live;
	(void)world_start(&w, &pool, "pool", NULL);
	actor_do(&w, "a", start_many);
	CU_ASSERT_TRUE(w.node->procs_count > MANY);
	actor_do(&w, "a", stop_pool);
	world_pass(&w, 100);
	CU_ASSERT_EQUAL(w.node->procs_count, 1);
	CU_ASSERT_TRUE(fault.live < before + 5000); /* spare chunks; else at least three a child */
	world_close(&w);
	CU_ASSERT_EQUAL(fault.live, 0);
}

/* ---- one allocation after the other fails ------------------------------------------------------
 */

static const fl_behaviour small = {.name = "small",
	.supervisor = &(const fl_supervisor){.strategy = FL_ONE_FOR_ALL,
		.intensity = 100,
		.children = (const fl_child[]){
			{&server, .id = "x", .name = "x"}, {&server, .id = "y"}, {0}}}};

/* Whatever fails on the way is told by a code; here only what is left counts. */
static int use_all_quietly(fl_proc *self)
{
	fl_pid pid;

	(void)fl_terminate_child(self, "small", "x");
	(void)fl_restart_child(self, "small", "x");
	(void)fl_start_child(self, "small", &as_permanent, &pid, "[]");
	if (fl_start_child(self, "pool", &as_permanent, &pid, "[]") == FL_OK)
		(void)fl_exit(self, pid, "kill");
	if (fl_start_child(self, "pool", &as_server, &pid, "[]") == FL_OK)
		(void)fl_terminate_child(self, "pool", "~", pid);
	if (fl_whereis(self, "x", &pid))
		(void)fl_exit(self, pid, "kill");
	return FL_OK;
}

static bool run_once(long fail_at)
{
	fli_fault fault;

	fli_fault_create(&fault, 0);
	actor_notes[0] = '\0';
	world_open(&w, &fault.mem);
	(void)world_start(&w, &actor, "a", NULL);
	fault.countdown = fail_at;
	(void)world_start(&w, &small, "small", NULL);
	(void)world_start(&w, &pool, "pool", NULL);
	(void)world_start(&w, &split, "split", NULL);
	actor_do(&w, "a", use_all_quietly);
	world_pass(&w, 10000);
	fault.countdown = 0;
	actor_do(&w, "a", use_all_quietly);
	world_close(&w);
	CU_ASSERT_EQUAL(fault.live, 0);
	return fault.was_hit;
}

static void each_allocation_may_fail(void)
{
	long n = 1;

	while (n < 1000 && run_once(n))
		n++;
	CU_ASSERT_TRUE(n > 50);
	CU_ASSERT_TRUE(n < 1000);
}

#define LIST(name, tree, script, expected) FL_TEST(name),
/* clang-format off */
FL_SUITE("supervisor_dynamic", CASES(LIST)
	FL_TEST(dynamic_supervisor_is_used_from_c),
	FL_TEST(static_supervisor_is_used_from_c),
	FL_TEST(keys_belong_to_partitions_as_in_elixir),
	FL_TEST(init_may_add_children),
	FL_TEST(many_end_in_slices_and_give_their_memory_back),
	FL_TEST(each_allocation_may_fail));
