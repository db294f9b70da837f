/* SPDX-License-Identifier: Apache-2.0 */
/* Registries as servers use them. Names are Elixir's where the behaviour is Elixir's. */
#include <flitch.h>
#include <stdio.h>
#include <string.h>

#include "node/registry.h"
#include "tests/support/actor.h"
#include "tests/support/suite.h"

static const fl_behaviour names = {
	.name = "names", .registry = &(const fl_registry){.keys = FL_UNIQUE, .partitions = 3}};
static const fl_behaviour topics = {.name = "topics",
	.registry = &(const fl_registry){.keys = FL_DUPLICATE,
		.partitions = 4,
		.listeners = (const char *const[]){"listener", "nobody", NULL},
		.meta = "[{color, red}, {{a, 1}, [1]}]"}};
static const fl_behaviour by_key = {.name = "by_key",
	.registry = &(const fl_registry){.keys = FL_DUPLICATE_BY_KEY, .partitions = 4}};

static world w;

static void begin(void)
{
	actor_open(&w);
	(void)world_start(&w, &names, "names", NULL);
	(void)world_start(&w, &topics, "topics", NULL);
	(void)world_start(&w, &by_key, "by_key", NULL);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &actor, "b", NULL);
}

static void expect(const fl_buf *buf, const char *text)
{
	char got[1024];

	CU_ASSERT_STRING_EQUAL(fl_print_to(got, sizeof got, fl_buf_term(buf)), text);
	if (strcmp(got, text) != 0)
		printf("    is %s, not %s\n", got, text);
}

/* The list that was built, with pids as the names of who runs. */
static void expect_values(fl_buf *list, const char *text)
{
	fl_buf values = FL_BUF_INIT;
	fl_term left = fl_buf_term(list), entry, value;

	fl_list_open(&values);
	while (fl_list_next(&left, &entry))
		if (fl_match(entry, "{_, ~}", &value))
			(void)fl_build(&values, "~", value);
	fl_list_close(&values);
	expect(&values, text);
	fl_buf_free(&values);
	fl_buf_reset(list);
}

/* ---- unique -----------------------------------------------------------------------------------
 */

static int take_name(fl_proc *self)
{
	fl_pid owner;

	CU_ASSERT_EQUAL(fl_registry_register(self, "names", NULL, "{{room, ~}, open}", 7), FL_OK);
	CU_ASSERT_EQUAL(
		fl_registry_register(self, "names", &owner, "{{room, ~}, x}", 7), FL_ETAKEN);
	CU_ASSERT_EQUAL(owner.id, fl_self(self).id);
	CU_ASSERT_EQUAL(fl_registry_register(self, "names", NULL, "{{room, 7.0}, x}"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_register(self, "nope", NULL, "{a, b}"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_registry_register(self, "a", NULL, "{a, b}"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_registry_register(self, "names", NULL, "a"), FL_EMISUSE);
	CU_ASSERT_EQUAL(fl_registry_register(self, "names", NULL, "{a"), FL_EMISUSE);
	return FL_OK;
}

static int see_name(fl_proc *self)
{
	fl_pid owner, a;
	size_t count = 0;
	fl_buf list = FL_BUF_INIT;

	CU_ASSERT_TRUE(fl_whereis(self, "a", &a));
	CU_ASSERT_EQUAL(
		fl_registry_register(self, "names", &owner, "{{room, 7}, mine}"), FL_ETAKEN);
	CU_ASSERT_TRUE(fl_pid_eq(&owner, &a));
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &owner, "{room, ~}", 7), FL_OK);
	CU_ASSERT_TRUE(fl_pid_eq(&owner, &a));
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &owner, "{room, 8}"), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "topics", &owner, "x"), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fl_registry_count(self, "names", &count), FL_OK);
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(fl_registry_lookup(self, "names", &list, "{room, 7}"), FL_OK);
	expect_values(&list, "[open]");
	CU_ASSERT_EQUAL(fl_registry_keys_of(self, "names", a, &list), FL_OK);
	expect(&list, "[{room,7},{room,7.0}]");
	fl_buf_free(&list);
	/* somebody else's key stays */
	CU_ASSERT_EQUAL(fl_registry_unregister(self, "names", "{room, 7}"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &owner, "{room, 7}"), FL_OK);
	return FL_OK;
}

static int stop_now(fl_proc *self)
{
	return fl_stop(self, "normal");
}

static int see_nothing(fl_proc *self)
{
	size_t count = 1;
	fl_pid owner;

	CU_ASSERT_EQUAL(fl_registry_count(self, "names", &count), FL_OK);
	CU_ASSERT_EQUAL(count, 0);
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &owner, "{room, 7}"), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_registry_register(self, "names", NULL, "{{room, 7}, next}"), FL_OK);
	return FL_OK;
}

static void unique_key_has_one_process_until_it_ends(void)
{
	begin();
	actor_do(&w, "a", take_name);
	actor_do(&w, "b", see_name);
	actor_do(&w, "a", stop_now);
	actor_do(&w, "b", see_nothing);
	world_close(&w);
}

static int add_one(void *arg, fl_term old, fl_buf *ret_new)
{
	int64_t n;

	if (!fl_match(old, "~", &n))
		return FL_EINVAL;
	*(int64_t *)arg = n;
	return fl_build(ret_new, "~", n + 1);
}

static int update(fl_proc *self)
{
	fl_buf list = FL_BUF_INIT;
	int64_t old = 0;

	(void)fl_registry_register(self, "names", NULL, "{n, 1}");
	(void)fl_registry_register(self, "names", NULL, "{t, text}");
	CU_ASSERT_EQUAL(fl_registry_update_value(self, "names", add_one, &old, "n"), FL_OK);
	CU_ASSERT_EQUAL(old, 1);
	CU_ASSERT_EQUAL(fl_registry_update_value(self, "names", add_one, &old, "t"), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_registry_update_value(self, "names", add_one, &old, "m"), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_registry_update_value(self, "topics", add_one, &old, "n"), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fl_registry_lookup(self, "names", &list, "n"), FL_OK);
	expect_values(&list, "[2]");
	fl_buf_free(&list);
	return FL_OK;
}

static void update_value_is_for_the_owner_of_a_unique_key(void)
{
	begin();
	actor_do(&w, "a", update);
	world_close(&w);
}

/* ---- via --------------------------------------------------------------------------------------
 */

static int use_via(fl_proc *self)
{
	fl_start_options options = {.via = fl_via("names", "{server, ~}", 1)};
	fl_term reply;
	fl_pid pid;
	fl_ref ref;

	CU_ASSERT_EQUAL(fl_start(self, &actor, &options, &pid, "[]"), FL_OK);
	CU_ASSERT_EQUAL(fl_start(self, &actor, &options, &pid, "[]"), FL_ETAKEN);
	CU_ASSERT_EQUAL(
		fl_call(self, fl_via("names", "{server, 1}"), 10, &reply, "{q, ~}", 5), FL_OK);
	CU_ASSERT_TRUE(fl_match(reply, "{q, 5}"));
	CU_ASSERT_EQUAL(fl_call(self, fl_via("names", "nobody"), 10, &reply, "q"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_call(self, fl_via("nope", "nobody"), 10, &reply, "q"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_send(self, fl_via("names", "nobody"), "q"), FL_OK);
	CU_ASSERT_EQUAL(fl_monitor(self, fl_via("names", "{server, ~}", 1), &ref), FL_OK);
	CU_ASSERT_EQUAL(fl_cast(self, fl_via("names", "{server, 1}"), "odd"), FL_OK);
	CU_ASSERT_EQUAL(fl_request(self, fl_via("names", "{server, 1}"), &ref, "q"), FL_OK);
	options.via = fl_via("nope", "x");
	CU_ASSERT_EQUAL(fl_start(self, &actor, &options, &pid, "[]"), FL_ENOPROC);
	options.via = fl_via("topics", "x");
	CU_ASSERT_EQUAL(fl_start(self, &actor, &options, &pid, "[]"), FL_ENOTSUP);
	return FL_OK;
}

static void via_goes_wherever_a_name_goes(void)
{
	uint32_t processes;

	begin();
	processes = w.node->procs_count;
	actor_do(&w, "a", use_via);
	/* a cast that the actor has no slot for ended it */
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "{bad_cast,odd}"));
	CU_ASSERT_EQUAL(w.node->procs_count, processes);
	actor_do(&w, "b", see_nothing);
	world_close(&w);
}

static fl_ref late;

static int set_timers(fl_proc *self)
{
	fl_start_options options = {.via = fl_via("names", "{server, ~}", 2)};
	fl_pid pid;

	CU_ASSERT_EQUAL(
		fl_send_after(self, 50, fl_via("names", "{server, ~}", 2), NULL, "first"), FL_OK);
	CU_ASSERT_EQUAL(
		fl_send_after(self, 60, fl_via("names", "{server, ~}", 3), NULL, "lost"), FL_OK);
	CU_ASSERT_EQUAL(fl_send_after(self, 70, fl_via("nope", "x"), NULL, "lost"), FL_OK);
	CU_ASSERT_EQUAL(
		fl_send_after(self, 80, fl_via("names", "{server, 2}"), &late, "late"), FL_OK);
	CU_ASSERT_EQUAL(
		fl_send_after(self, 90, fl_via("names", "{server, 2}"), NULL, "last"), FL_OK);
	CU_ASSERT_NOT_EQUAL(fl_send_after(self, 1, fl_via("names", "{odd"), NULL, "x"), FL_OK);
	CU_ASSERT_EQUAL(fl_start(self, &actor, &options, &pid, "[]"), FL_OK);
	return FL_OK;
}

static int cancel_late(fl_proc *self)
{
	return fl_cancel_timer(self, late);
}

static int set_another(fl_proc *self)
{
	return fl_send_after(self, 1000, fl_via("names", "{server, 2}"), NULL, "never");
}

static void timer_looks_a_key_up_when_its_time_has_come(void)
{
	begin();
	actor_do(&w, "a", set_timers);
	actor_do(&w, "a", cancel_late);
	world_pass(&w, 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ": first;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ": last;"));
	CU_ASSERT_PTR_NULL(strstr(actor_notes, "late"));
	CU_ASSERT_PTR_NULL(strstr(actor_notes, "lost"));
	actor_do(&w, "a", set_another); /* that waits when the node ends */
	world_close(&w);
}

static const fl_child named_kids[] = {
	{.behaviour = &actor, .id = "k", .name = "{via, 'Elixir.Registry', {names, {kid, 1}}}"},
	{0},
};
static const fl_behaviour named_tree = {
	.name = "named_tree", .supervisor = &(const fl_supervisor){.children = named_kids}};

static int start_named(fl_proc *self)
{
	const fl_child again = {.behaviour = &actor, .id = "l", .name = named_kids[0].name};
	const fl_child astray = {
		.behaviour = &actor, .id = "m", .name = "{via, 'Elixir.Registry', {nope, 1}}"};
	fl_start_options options = {.name = "named_tree"};
	fl_pid tree, first, second;

	CU_ASSERT_EQUAL(fl_start(self, &named_tree, &options, &tree, "[]"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &first, "{kid, 1}"), FL_OK);
	CU_ASSERT_EQUAL(fl_start_child(self, tree, &again, NULL, "[]"), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_start_child(self, tree, &astray, NULL, "[]"), FL_EEXIT);
	CU_ASSERT_EQUAL(fl_exit(self, first, "odd"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &second, "{kid, 1}"), FL_ENOENT);
	return FL_OK;
}

static int see_it_again(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_EQUAL(fl_registry_whereis(self, "names", &pid, "{kid, 1}"), FL_OK);
	return FL_OK;
}

static void supervised_child_has_its_key_from_start_to_start(void)
{
	begin();
	actor_do(&w, "a", start_named);
	world_settle(&w);
	actor_do(&w, "a", see_it_again);
	world_close(&w);
}

/* ---- duplicate --------------------------------------------------------------------------------
 */

static int calls;

static void count_entries(fl_proc *self, void *arg, fl_term entries)
{
	fl_term entry;

	(void)self;
	calls++;
	while (fl_list_next(&entries, &entry))
		++*(int *)arg;
}

static int subscribe(fl_proc *self)
{
	static const uint8_t large[24 << 20]; /* a list of three is too large */
	fl_buf list = FL_BUF_INIT;
	size_t count;

	for (int i = 1; i <= 3; i++) {
		CU_ASSERT_EQUAL(
			fl_registry_register(self, "topics", NULL, "{lobby, {~, x}}", i), FL_OK);
		(void)fl_registry_register(self, "by_key", NULL, "{lobby, ~}", i);
	}
	CU_ASSERT_EQUAL(fl_registry_values(self, "topics", fl_self(self), &list, "lobby"), FL_OK);
	expect(&list, "[{1,x},{2,x},{3,x}]");
	fl_buf_reset(&list);
	CU_ASSERT_EQUAL(fl_registry_match(
				self, "topics", &list, "{lobby, {'$1', '_'}, [{'>', '$1', ~}]}", 1),
		FL_OK);
	expect_values(&list, "[{2,x},{3,x}]");
	CU_ASSERT_EQUAL(
		fl_registry_match(self, "topics", &list, "{lobby, '_', [{odd, 1}]}"), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_registry_match(self, "topics", &list, "{lobby, '_', '_'}"), FL_EINVAL);
	CU_ASSERT_EQUAL(
		fl_registry_count_match(self, "topics", &count, "{lobby, {3, '_'}}"), FL_OK);
	CU_ASSERT_EQUAL(count, 1);
	fl_buf_reset(&list);
	CU_ASSERT_EQUAL(fl_registry_select(self, "topics", &list,
				"[{{lobby, '_', {'$1', x}}, [{'>', '$1', ~}], [{{'$1', y}}]}]", 1),
		FL_OK);
	expect(&list, "[{2,y},{3,y}]");
	fl_buf_reset(&list);
	CU_ASSERT_EQUAL(
		fl_registry_select(self, "topics", &list, "[{{lobby, '_'}, [], [1]}]"), FL_EFORMAT);
	CU_ASSERT_EQUAL(
		fl_registry_select(self, "topics", &list, "[{{'_', '_', '_'}, [{odd}], [1]}]"),
		FL_EINVAL);
	fl_buf_reset(&list);
	CU_ASSERT_EQUAL(
		fl_registry_select(self, "topics", &list, "[{{lobby, '_', '_'}, [], [{const, ~}]}]",
			((fl_bin){large, sizeof large})),
		FL_ELIMIT);
	CU_ASSERT_EQUAL(fl_registry_count_select(self, "topics", &count,
				"[{{'_', '$1', '_'}, [{'==', '$1', ~}], [true]}]", fl_self(self)),
		FL_OK);
	CU_ASSERT_EQUAL(count, 3);
	fl_buf_reset(&list);
	CU_ASSERT_EQUAL(fl_registry_unregister_match(self, "topics", "{lobby, {3, '_'}}"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_lookup(self, "topics", &list, "lobby"), FL_OK);
	expect_values(&list, "[{1,x},{2,x}]");
	fl_buf_free(&list);
	return FL_OK;
}

static int publish(fl_proc *self)
{
	int entries = 0;

	(void)fl_registry_register(self, "topics", NULL, "{lobby, b}");
	(void)fl_registry_register(self, "by_key", NULL, "{lobby, b}");
	calls = 0;
	CU_ASSERT_EQUAL(
		fl_registry_dispatch(self, "by_key", count_entries, &entries, "lobby"), FL_OK);
	CU_ASSERT_EQUAL(calls, 1);
	CU_ASSERT_EQUAL(entries, 4);
	CU_ASSERT_EQUAL(
		fl_registry_dispatch(self, "topics", count_entries, &entries, "nothing"), FL_OK);
	CU_ASSERT_EQUAL(calls, 1);
	entries = 0;
	CU_ASSERT_EQUAL(
		fl_registry_dispatch(self, "topics", count_entries, &entries, "lobby"), FL_OK);
	CU_ASSERT_EQUAL(entries, 3);
	CU_ASSERT_EQUAL(fl_registry_publish(self, "topics", "{lobby, {said, ~}}", "hi"), FL_OK);
	return FL_OK;
}

static void dispatch_reaches_each_entry_and_calls_once_a_partition(void)
{
	begin();
	actor_do(&w, "a", subscribe);
	actor_do(&w, "b", publish);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "a: {said,<<\"hi\">>};a: {said,<<\"hi\">>};"));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "b: {said,<<\"hi\">>};"));
	world_close(&w);
}

static int come_and_go(fl_proc *self)
{
	(void)fl_registry_register(self, "topics", NULL, "{k, v}");
	(void)fl_registry_unregister(self, "topics", "k");
	(void)fl_registry_register(self, "topics", NULL, "{k2, v}");
	return fl_stop(self, "normal");
}

static void listeners_are_told_of_each_change_but_of_no_end(void)
{
	begin();
	(void)world_start(&w, &actor, "listener", NULL);
	actor_do(&w, "a", come_and_go);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "listener: {register,topics,k,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "listener: {unregister,topics,k,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "listener: {register,topics,k2,"));
	CU_ASSERT_PTR_NULL(strstr(actor_notes, "{unregister,topics,k2,"));
	world_close(&w);
}

/* ---- metadata, the end of a registry ------------------------------------------------------------
 */

static int use_meta(fl_proc *self)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = FL_OK;

	CU_ASSERT_EQUAL(fl_registry_meta(self, "topics", &buf, "color"), FL_OK);
	expect(&buf, "red");
	fl_buf_reset(&buf);
	CU_ASSERT_EQUAL(fl_registry_meta(self, "topics", &buf, "{a, 1}"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_put_meta(self, "topics", "{color, blue}"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_put_meta(self, "topics", "{1, blue}"), FL_EINVAL);
	fl_buf_reset(&buf);
	CU_ASSERT_EQUAL(fl_registry_meta(self, "topics", &buf, "color"), FL_OK);
	expect(&buf, "blue");
	CU_ASSERT_EQUAL(fl_registry_delete_meta(self, "topics", "color"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_delete_meta(self, "topics", "color"), FL_OK);
	CU_ASSERT_EQUAL(fl_registry_meta(self, "topics", &buf, "color"), FL_ENOENT);
	for (int i = 0; i <= FLI_REGISTRY_META_MAX && rc == FL_OK; i++)
		rc = fl_registry_put_meta(self, "names", "{{n, ~}, x}", i);
	CU_ASSERT_EQUAL(rc, FL_ELIMIT);
	fl_buf_free(&buf);
	return FL_OK;
}

static void meta_is_kept_by_atoms_and_tuples_up_to_its_limit(void)
{
	begin();
	actor_do(&w, "a", use_meta);
	world_close(&w);
}

static int end_names(fl_proc *self)
{
	fl_pid pid;

	(void)fl_registry_register(self, "names", NULL, "{mine, 1}");
	(void)fl_registry_register(self, "topics", NULL, "{mine, 1}");
	CU_ASSERT_TRUE(fl_whereis(self, "names", &pid));
	return fl_exit(self, pid, "broken");
}

static int join_names(fl_proc *self)
{
	(void)fl_registry_register(self, "names", NULL, "{~, 1}", fl_self(self));
	(void)fl_registry_register(self, "names", NULL, "{{~, 2}, 1}", fl_self(self));
	return FL_OK;
}

static void registry_takes_with_it_who_is_registered(void)
{
	fl_pid a, b;

	begin();
	(void)world_start(&w, &trapper, "t", NULL);
	a = fli_proc_pid(fli_name_find(w.node, fl_atom_of("a")));
	b = fli_proc_pid(fli_name_find(w.node, fl_atom_of("b")));
	actor_do(&w, "t", join_names);
	actor_do(&w, "a", end_names);
	CU_ASSERT_FALSE(world_is_alive(&w, &a));
	CU_ASSERT_TRUE(world_is_alive(&w, &b));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "t: EXIT "));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, " broken;"));
	world_close(&w);
}

/* ---- scarce memory ----------------------------------------------------------------------------
 */

static int all_of_it(fl_proc *self)
{
	fl_start_options options = {.via = fl_via("names", "{server, ~}", 1)};
	fl_buf list = FL_BUF_INIT;
	int64_t old;
	fl_pid pid;

	(void)fl_registry_register(self, "names", NULL, "{n, 1}");
	(void)fl_registry_register(self, "topics", NULL, "{n, 1}");
	(void)fl_registry_update_value(self, "names", add_one, &old, "n");
	(void)fl_registry_put_meta(self, "names", "{n, 1}");
	(void)fl_registry_lookup(self, "names", &list, "#{a => 1}");
	(void)fl_registry_publish(self, "topics", "{n, hello}");
	(void)fl_start(self, &actor, &options, &pid, "[]");
	(void)fl_send(self, fl_via("names", "{server, 1}"), "x");
	(void)fl_registry_unregister(self, "names", "n");
	fl_buf_free(&list);
	return FL_OK;
}

static void scene(void)
{
	(void)world_start(&w, &names, "names", NULL);
	(void)world_start(&w, &topics, "topics", NULL);
	actor_do(&w, "a", all_of_it);
}

static void each_allocation_may_fail(void)
{
	actor_scarce(&w, scene);
}

/* Many keys, one process, and back to nothing; the time is linear or the suite's limit ends it. */
static int fill(fl_proc *self)
{
	for (int i = 0; i < 100000; i++)
		(void)fl_registry_register(self, "names", NULL, "{{n, ~}, ~}", i, i);
	for (int i = 0; i < 50000; i++)
		(void)fl_registry_unregister(self, "names", "{n, ~}", i);
	return FL_OK;
}

static void hundred_thousand_keys_go_with_their_process(void)
{
	begin();
	actor_do(&w, "a", fill);
	actor_do(&w, "a", stop_now);
	actor_do(&w, "b", see_nothing);
	world_close(&w);
}

FL_SUITE("registry", FL_TEST(unique_key_has_one_process_until_it_ends),
	FL_TEST(update_value_is_for_the_owner_of_a_unique_key),
	FL_TEST(via_goes_wherever_a_name_goes),
	FL_TEST(timer_looks_a_key_up_when_its_time_has_come),
	FL_TEST(supervised_child_has_its_key_from_start_to_start),
	FL_TEST(dispatch_reaches_each_entry_and_calls_once_a_partition),
	FL_TEST(listeners_are_told_of_each_change_but_of_no_end),
	FL_TEST(meta_is_kept_by_atoms_and_tuples_up_to_its_limit),
	FL_TEST(registry_takes_with_it_who_is_registered), FL_TEST(each_allocation_may_fail),
	FL_TEST(hundred_thousand_keys_go_with_their_process));
