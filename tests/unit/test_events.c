/* SPDX-License-Identifier: Apache-2.0 */
/* Events, by the rules of the library telemetry. */
#include <flitch.h>
#include <stdio.h>
#include <string.h>

#include "node/events.h"
#include "tests/support/actor.h"
#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;
static int count;

/* Notes what it is told, its config before it. */
static int note(const fl_telemetry *event, void *config)
{
	char name[128], metadata[256];

	count++;
	actor_note("%s %s %s;", (const char *)config, fl_print_to(name, sizeof name, event->name),
		fl_print_to(metadata, sizeof metadata, event->metadata));
	return FL_OK;
}

static int fail(const fl_telemetry *event, void *config)
{
	(void)event;
	(void)config;
	count++;
	return FL_EINVAL;
}

static void begin(void)
{
	actor_open(&w);
	count = 0;
	(void)world_start(&w, &actor, "a", NULL);
}

static int execute(fl_proc *self)
{
	return fl_telemetry_execute(self, "[shop, done]", "{#{count => ~}, #{id => ~}}", 1, 7);
}

static void has(const char *text)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, text));
	if (strstr(actor_notes, text) == NULL)
		printf("    no \"%s\" in \"%s\"\n", text, actor_notes);
}

static void has_not(const char *text)
{
	CU_ASSERT_PTR_NULL(strstr(actor_notes, text));
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

static void handlers_are_called_in_order_and_not_after_detach(void)
{
	begin();
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "one", "[shop, done]", note, "1"), FL_OK);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "two", "[shop, done]", note, "2"), FL_OK);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "other", "[shop]", note, "3"), FL_OK);
	actor_do(&w, "a", execute);
	has("1 [shop,done] #{id => 7};2 [shop,done] #{id => 7};");
	has_not("3 ");
	CU_ASSERT_EQUAL(fl_telemetry_detach(w.node, "one"), FL_OK);
	CU_ASSERT_EQUAL(fl_telemetry_detach(w.node, "one"), FL_ENOENT);
	actor_do(&w, "a", execute);
	has_not("1 ");
	has("2 [shop,done]");
	world_close(&w);
}

static void attach_refuses_what_telemetry_refuses(void)
{
	static const char *const many[] = {"[a]", "[b, c]", NULL};
	static const char *const bad[] = {"[a]", "[1]", NULL};

	begin();
	CU_ASSERT_EQUAL(fl_telemetry_attach_many(w.node, "id", many, note, "m"), FL_OK);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "id", "[x]", note, "m"), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "x", "atom", note, "m"), FL_EFORMAT);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "x", "[]", note, "m"), FL_EFORMAT);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "x", "[a", note, "m"), FL_EFORMAT);
	CU_ASSERT_EQUAL(fl_telemetry_attach_many(w.node, "x", bad, note, "m"), FL_EFORMAT);
	CU_ASSERT_EQUAL(fl_telemetry_attach(w.node, "x", "[ok]", note, "m"), FL_OK);
	world_close(&w);
}

static void list_handlers_is_by_prefix(void)
{
	static const char *const many[] = {"[a]", "[a, b]", "[c]", NULL};
	fl_buf list = FL_BUF_INIT;
	fl_term left, item;
	int found = 0;

	begin();
	(void)fl_telemetry_attach_many(w.node, "id", many, note, "m");
	CU_ASSERT_EQUAL(fl_telemetry_handlers(w.node, "[a]", &list), FL_OK);
	left = fl_buf_term(&list);
	while (fl_list_next(&left, &item)) {
		CU_ASSERT_TRUE(fl_match(item,
			"#{id => <<\"id\">>, event_name => [a | _], function => native, "
			"config => undefined}"));
		found++;
	}
	CU_ASSERT_EQUAL(found, 2);
	fl_buf_free(&list);
	world_close(&w);
}

/* [a, a, ...] with another end each time, as long as a name may be. */
static int attach_long_name(uint32_t number, fl_ref *ret_ref)
{
	fl_buf names = FL_BUF_INIT;
	const fl_pid pid = {.node = fl_atom_of("far@h.x"), .id = 1};
	char last[16];
	int rc;

	(void)snprintf(last, sizeof last, "n%u", number);
	fl_list_open(&names);
	fl_list_open(&names);
	for (int i = 0; i < 800; i++)
		(void)fl_build(&names, "~", fl_atom_of("ab"));
	(void)fl_build(&names, "~", fl_atom_of(last));
	fl_list_close(&names);
	fl_list_close(&names);
	fli_enter(w.node);
	*ret_ref = fli_ref_make(w.node);
	rc = fli_event_attach_pid(w.node, &pid, fl_buf_term(&names), ret_ref);
	fli_leave(w.node);
	fl_buf_free(&names);
	return rc;
}

static void detach_ref(fl_ref ref)
{
	fl_buf id = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fl_build(&id, "~", ref), FL_OK);
	fli_enter(w.node);
	CU_ASSERT_EQUAL(fli_event_detach_term(w.node, fl_buf_term(&id)), FL_OK);
	fli_leave(w.node);
	fl_buf_free(&id);
}

static void names_of_all_events_have_a_limit(void)
{
	fl_ref first, ref;
	uint32_t count_of = 0;

	begin();
	CU_ASSERT_EQUAL(attach_long_name(count_of++, &first), FL_OK);
	while (count_of < 600 && attach_long_name(count_of, &ref) == FL_OK)
		count_of++;
	CU_ASSERT_TRUE(count_of > 200 && count_of < 600);
	CU_ASSERT_EQUAL(attach_long_name(0, &ref), FL_ELIMIT);
	detach_ref(first);
	CU_ASSERT_EQUAL(attach_long_name(count_of, &ref), FL_OK); /* there is room again */
	CU_ASSERT_EQUAL(attach_long_name(count_of + 1, &ref), FL_ELIMIT);
	world_close(&w);
}

static void failing_handler_is_detached_from_all_of_its_events(void)
{
	static const char *const many[] = {"[shop, done]", "[shop, other]", NULL};

	begin();
	(void)fl_telemetry_attach_many(w.node, "bad", many, fail, NULL);
	(void)fl_telemetry_attach(w.node, "good", "[shop, done]", note, "g");
	(void)fl_telemetry_attach(w.node, "failures", "[telemetry, handler, failure]", note, "f");
	actor_do(&w, "a", execute);
	has("g [shop,done]");
	has("f [telemetry,handler,failure]");
	has("event_name => [shop,done]");
	has("handler_id => <<\"bad\">>");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "has failed and has been detached"));
	CU_ASSERT_EQUAL(fl_telemetry_detach(w.node, "bad"), FL_ENOENT);
	count = 0;
	actor_do(&w, "a", execute);
	CU_ASSERT_EQUAL(count, 1);
	world_close(&w);
}

static void failing_handler_of_failures_ends_there(void)
{
	begin();
	(void)fl_telemetry_attach(w.node, "bad", "[shop, done]", fail, NULL);
	(void)fl_telemetry_attach(w.node, "worse", "[telemetry, handler, failure]", fail, NULL);
	actor_do(&w, "a", execute);
	CU_ASSERT_EQUAL(count, 2);
	world_close(&w);
}

static int bad_events(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_telemetry_execute(self, "[shop, done]", "#{}"), FL_EMISUSE);
	CU_ASSERT_EQUAL(fl_telemetry_execute(self, "shop", "{#{}, #{}}"), FL_EFORMAT);
	CU_ASSERT_EQUAL(fl_telemetry_execute(self, "[nobody]", "{#{}, #{}}"), FL_OK);
	return FL_OK;
}

static int unheard(fl_proc *self)
{
	/* not even looked at */
	CU_ASSERT_EQUAL(fl_telemetry_execute(self, "no name", "{"), FL_OK);
	return FL_OK;
}

static void execute_costs_nothing_while_nobody_is_attached(void)
{
	begin();
	actor_do(&w, "a", unheard);
	CU_ASSERT_EQUAL(w.node->events_wanted, 0);
	(void)fl_telemetry_attach(w.node, "one", "[shop, done]", note, "1");
	actor_do(&w, "a", bad_events);
	(void)fl_telemetry_detach(w.node, "one");
	CU_ASSERT_EQUAL(w.node->events_wanted, 0);
	world_close(&w);
}

/* ---- processes that subscribe -----------------------------------------------------------------
 */

static fl_ref subscription;

static int subscribe(fl_proc *self)
{
	static const char *const events[] = {"[shop, done]", "[flitch, process, exit]", NULL};

	CU_ASSERT_EQUAL(fl_telemetry_subscribe(self, events, &subscription), FL_OK);
	return FL_OK;
}

static int unsubscribe(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_telemetry_unsubscribe(self, subscription), FL_OK);
	CU_ASSERT_EQUAL(fl_telemetry_unsubscribe(self, subscription), FL_ENOENT);
	return FL_OK;
}

static int stop_odd(fl_proc *self)
{
	return fl_stop(self, "{shutdown, odd}");
}

static void subscriber_gets_messages_until_it_unsubscribes_or_ends(void)
{
	begin();
	(void)world_start(&w, &actor, "b", NULL);
	(void)world_start(&w, &actor, "c", NULL);
	actor_do(&w, "b", subscribe);
	actor_do(&w, "a", execute);
	has("b: {[shop,done],#Ref");
	has(",#{count => 1},#{id => 7}};");
	actor_do(&w, "c", stop_odd);
	has("b: {[flitch,process,exit],#Ref");
	has("reason => {shutdown,odd}");
	actor_do(&w, "b", unsubscribe);
	actor_do(&w, "a", execute);
	has_not("b: ");
	actor_do(&w, "b", subscribe);
	actor_do(&w, "b", stop_odd);
	actor_do(&w, "a", execute);
	CU_ASSERT_EQUAL(w.node->events_wanted, 0); /* nobody is there: detached */
	world_close(&w);
}

/* ---- spans ------------------------------------------------------------------------------------
 */

static int work(fl_proc *self, void *arg, fl_buf *ret_metadata)
{
	(void)self;
	(void)fl_build(ret_metadata, "#{result => fine, id => 2}");
	return *(int *)arg;
}

static int span(fl_proc *self)
{
	int rc = FL_OK, bad = FL_EIO;

	CU_ASSERT_EQUAL(
		fl_telemetry_span(self, "[job]", work, &rc, "#{id => ~, a => b}", 1), FL_OK);
	CU_ASSERT_EQUAL(fl_telemetry_span(self, "[job]", work, &bad, "#{id => ~}", 1), FL_EIO);
	return FL_OK;
}

static void span_is_start_then_stop_or_exception(void)
{
	static const char *const events[] = {
		"[job, start]", "[job, stop]", "[job, exception]", NULL};

	begin();
	(void)fl_telemetry_attach_many(w.node, "s", events, note, "s");
	actor_do(&w, "a", span);
	has("s [job,start] #{a => b,id => 1,telemetry_span_context => #Ref");
	has("s [job,stop] #{a => b,id => 2,result => fine,telemetry_span_context => #Ref");
	has("s [job,exception] #{id => 1,kind => error,reason => eio,stacktrace => [],telemetry");
	(void)fl_telemetry_detach(w.node, "s");
	actor_do(&w, "a", span);
	has_not("s ");
	world_close(&w);
}

/* ---- the node's own ---------------------------------------------------------------------------
 */

static int call_some(fl_proc *self)
{
	fl_term reply;
	fl_pid pid;

	(void)fl_start(self, &actor, &(fl_start_options){.name = "born"}, &pid, "[]");
	(void)fl_call(self, "born", 10, &reply, "what");
	(void)fl_call(self, "born", 10, &reply, "stop");
	return FL_OK;
}

static void processes_and_calls_are_told_of(void)
{
	static const char *const events[] = {"[flitch, process, start]", "[flitch, process, exit]",
		"[flitch, call, stop]", "[flitch, call, exception]", NULL};

	begin();
	(void)fl_telemetry_attach_many(w.node, "own", events, note, "o");
	actor_do(&w, "a", call_some);
	has("o [flitch,process,start] #{behaviour => actor,name => born,pid => <");
	has("o [flitch,call,stop] #{behaviour => actor,caller => <");
	has("o [flitch,call,exception] #{behaviour => actor,caller => <");
	has("reason => normal");
	has("o [flitch,process,exit] #{behaviour => actor,name => born,pid => <");
	world_close(&w);
}

static const fl_behaviour names = {
	.name = "names", .registry = &(const fl_registry){.keys = FL_UNIQUE}};
static const fl_behaviour tree = {.name = "tree",
	.supervisor = &(const fl_supervisor){
		.children = (const fl_child[]){{.behaviour = &actor, .name = "kid"}, {0}}}};

static int register_some(fl_proc *self)
{
	fl_pid pid;

	(void)fl_registry_register(self, "names", NULL, "{{k, 1}, v}");
	(void)fl_registry_unregister(self, "names", "{k, 1}");
	(void)fl_start(self, &tree, NULL, &pid, "[]");
	return fl_whereis(self, "kid", &pid) ? fl_exit(self, pid, "odd") : FL_STOP;
}

static void supervisors_and_registries_are_told_of(void)
{
	static const char *const events[] = {"[flitch, supervisor, child, start]",
		"[flitch, supervisor, child, report]", "[flitch, registry, register]",
		"[flitch, registry, unregister]", NULL};

	begin();
	(void)world_start(&w, &names, "names", NULL);
	(void)fl_telemetry_attach_many(w.node, "own", events, note, "o");
	actor_do(&w, "a", register_some);
	has("o [flitch,registry,register] #{key => {k,1},pid => <");
	has("o [flitch,registry,unregister] #{key => {k,1},pid => <");
	has("o [flitch,supervisor,child,start] #{id => actor,pid => <");
	has("o [flitch,supervisor,child,report] #{context => child_terminated,id => actor");
	has("reason => odd");
	world_close(&w);
}

static int tables_come_and_go(fl_proc *self)
{
	fl_tab tab;
	fl_pid to;

	(void)fl_table_new(self, "t", NULL, &tab);
	(void)fl_table_insert(tab, "{1, a}");
	(void)fl_table_new(self, "passed", &(fl_table_options){.is_anonymous = true}, &tab);
	if (fl_whereis(self, "b", &to))
		(void)fl_table_give_away(self, tab, to, "it");
	return FL_STOP;
}

static void tables_are_told_of(void)
{
	static const char *const events[] = {"[flitch, table, new]", "[flitch, table, delete]",
		"[flitch, table, give_away]", NULL};

	begin();
	(void)world_start(&w, &actor, "b", NULL);
	(void)fl_telemetry_attach_many(w.node, "own", events, note, "o");
	actor_do(&w, "a", tables_come_and_go);
	has("o [flitch,table,new] #{name => t,owner => <");
	has(",table => t,type => set};");
	has("o [flitch,table,new] #{name => passed,owner => <");
	has("o [flitch,table,give_away] #{from => <");
	has("o [flitch,table,delete] #{name => t,owner => <");
	world_close(&w);
}

static void connections_are_told_of(void)
{
	static const char *const events[] = {
		"[flitch, connection, up]", "[flitch, connection, down]", NULL};

	begin();
	fake_remote_attach(&w);
	(void)fl_telemetry_attach_many(w.node, "own", events, note, "o");
	fake_remote_up(&w, 77);
	has("o [flitch,connection,up] #{hidden => false,node => b@h};");
	fake_remote_down(&w);
	has("o [flitch,connection,down] #{hidden => false,node => b@h,reason => ");
	fake_remote_detach(&w);
	world_close(&w);
}

/* ---- subscribers on another node --------------------------------------------------------------
 */

static fl_ref subscribe_from_afar(uint32_t id)
{
	fl_buf list = FL_BUF_INIT;
	fl_pid pid = fake_pid(id);
	fl_ref ref;

	(void)fl_build(&list, "[[shop, done]]");
	fli_enter(w.node);
	ref = fli_ref_make(w.node);
	CU_ASSERT_EQUAL(fli_event_attach_pid(w.node, &pid, fl_buf_term(&list), &ref), FL_OK);
	fli_leave(w.node);
	fl_buf_free(&list);
	return ref;
}

static bool lists(const char *text)
{
	fl_buf list = FL_BUF_INIT;
	char printed[512];
	bool found;

	CU_ASSERT_EQUAL(fl_telemetry_handlers(w.node, "[]", &list), FL_OK);
	found = strstr(fl_print_to(printed, sizeof printed, fl_buf_term(&list)), text) != NULL;
	fl_buf_free(&list);
	return found;
}

static void begin_with_a_peer(void)
{
	begin();
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	(void)world_start(&w, &fli_event_watcher, fli_event_watcher.name, NULL);
}

static void end_of_a_subscriber_afar_takes_its_subscription(void)
{
	begin_with_a_peer();
	(void)subscribe_from_afar(7);
	(void)subscribe_from_afar(8);
	CU_ASSERT_TRUE(lists("dest_pid => <b@h.7.0>"));
	fli_enter(w.node);
	fli_remote_down(w.node, &fake.peer, &fake.ref, fake_payload("gone")); /* of the last */
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_TRUE(lists("dest_pid => <b@h.7.0>"));
	CU_ASSERT_FALSE(lists("dest_pid => <b@h.8.0>"));
	world_send(&w, fli_event_watcher.name, "{'DOWN', x, process, y, z}");
	fake_remote_down(&w);
	world_settle(&w);
	CU_ASSERT_TRUE(lists("[]"));
	fake_remote_detach(&w);
	world_close(&w);
}

static void subscriber_that_detaches_is_watched_no_more(void)
{
	fl_buf id = FL_BUF_INIT;
	fl_ref ref;

	begin_with_a_peer();
	ref = subscribe_from_afar(7);
	(void)fl_build(&id, "~", ref);
	fli_enter(w.node);
	CU_ASSERT_EQUAL(fli_event_detach_term(w.node, fl_buf_term(&id)), FL_OK);
	fli_leave(w.node);
	has("demonitor ");
	fl_buf_free(&id);
	fake_remote_detach(&w);
	world_close(&w);
}

static void subscribers_outlive_who_watches_them(void)
{
	fl_atom name = fl_atom_of(fli_event_watcher.name);

	begin_with_a_peer();
	(void)subscribe_from_afar(7);
	fli_enter(w.node);
	fli_proc_exit(fli_name_find(w.node, name), (fl_term){.data = NULL});
	fli_leave(w.node);
	world_settle(&w);
	(void)world_start(&w, &fli_event_watcher, fli_event_watcher.name, NULL);
	CU_ASSERT_TRUE(lists("dest_pid => <b@h.7.0>"));
	fake_remote_down(&w);
	world_settle(&w);
	CU_ASSERT_TRUE(lists("[]"));
	fake_remote_detach(&w);
	world_close(&w);
}

/* ---- scarce memory ----------------------------------------------------------------------------
 */

static void scene(void)
{
	static const char *const events[] = {"[shop, done]", "[flitch, process, start]",
		"[flitch, call, stop]", "[job, start]", NULL};

	(void)fl_telemetry_attach_many(w.node, "own", events, note, "o");
	(void)fl_telemetry_attach(w.node, "bad", "[shop, done]", fail, NULL);
	actor_do(&w, "b", execute);
	actor_do(&w, "a", call_some);
	actor_do(&w, "a", span);
	(void)fl_telemetry_detach(w.node, "own");
}

static void each_allocation_may_fail(void)
{
	actor_scarce(&w, scene);
}

FL_SUITE("events", FL_TEST(handlers_are_called_in_order_and_not_after_detach),
	FL_TEST(attach_refuses_what_telemetry_refuses), FL_TEST(list_handlers_is_by_prefix),
	FL_TEST(names_of_all_events_have_a_limit),
	FL_TEST(failing_handler_is_detached_from_all_of_its_events),
	FL_TEST(failing_handler_of_failures_ends_there),
	FL_TEST(execute_costs_nothing_while_nobody_is_attached),
	FL_TEST(subscriber_gets_messages_until_it_unsubscribes_or_ends),
	FL_TEST(span_is_start_then_stop_or_exception), FL_TEST(processes_and_calls_are_told_of),
	FL_TEST(supervisors_and_registries_are_told_of), FL_TEST(tables_are_told_of),
	FL_TEST(connections_are_told_of), FL_TEST(end_of_a_subscriber_afar_takes_its_subscription),
	FL_TEST(subscriber_that_detaches_is_watched_no_more),
	FL_TEST(subscribers_outlive_who_watches_them), FL_TEST(each_allocation_may_fail));
