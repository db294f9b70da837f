/* SPDX-License-Identifier: Apache-2.0 */
#include "node/table.h"

#include <flitch.h>
#include <stdio.h>

#include "node/export.h"
#include "node/natives.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static char answer[65536]; /* "ok Value", "error Reason Cause" */
static char told[4096];

/* ---- a process that owns tables and runs what it is sent ---------------------------------------
 */

static void run_here(fl_proc *self, fl_term message)
{
	static char text[60000];
	fl_buf result = FL_BUF_INIT, stack = FL_BUF_INIT;
	fl_term first, info = {0}, cause = {0};
	fli_mfa mfa;
	int class;

	if (!fl_match(message, "{~, ~, ~}", &mfa.module, &mfa.function, &mfa.args))
		return;
	class = fli_apply(self, &mfa, &result);
	(void)fl_print_to(text, sizeof text, fl_buf_term(&result));
	(void)snprintf(answer, sizeof answer, "%s %s", class == FL_OK ? "ok" : "error", text);
	if (class != FL_OK && fli_mfa_stack(&stack, &mfa) == FL_OK &&
		fl_match(fl_buf_term(&stack), "[{_, _, _, ~} | _]", &first) &&
		fl_match(first, "[{error_info, ~}]", &info) && fl_get(info, "cause", &cause)) {
		(void)fl_print_to(text, 64, cause);
		(void)snprintf(answer + strlen(answer), 80, " %.63s", text);
	}
	fl_buf_free(&result);
	fl_buf_free(&stack);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	if (fl_match(message, "{'ETS-TRANSFER', _, _, _}"))
		(void)fl_print_to(told, sizeof told, message);
	else
		run_here(self, message);
	return FL_OK;
}

static const fl_behaviour owner = {.name = "owner", .info = on_info};

static const char *ask_of(const char *who, const char *text)
{
	world_send(&w, who, text);
	world_settle(&w);
	return answer;
}

static const char *ask(const char *text)
{
	return ask_of("owner", text);
}

static void open_world(fli_mem *mem)
{
	world_open(&w, mem);
	(void)fli_natives_ets(w.node);
	(void)fli_natives_ets_table(w.node);
	(void)world_start(&w, &owner, "owner", NULL);
	(void)world_start(&w, &owner, "other", NULL);
}

#define IS(text, expected) CU_ASSERT_STRING_EQUAL(ask(text), expected)
#define OTHER_IS(text, expected) CU_ASSERT_STRING_EQUAL(ask_of("other", text), expected)

/* ---- the four types ---------------------------------------------------------------------------
 */

static void set_has_one_object_a_key_and_tells_1_from_1_0(void)
{
	open_world(fli_mem_libc());
	IS("{ets, new, [t, [named_table]]}", "ok t");
	IS("{ets, insert, [t, [{1, a}, {1.0, b}, {1, c}]]}", "ok true");
	IS("{ets, lookup, [t, 1]}", "ok [{1,c}]");
	IS("{ets, lookup, [t, 1.0]}", "ok [{1.0,b}]");
	IS("{ets, info, [t, size]}", "ok 2");
	IS("{ets, insert_new, [t, [{2, x}, {1, y}]]}", "ok false");
	IS("{ets, insert_new, [t, [{2, x}, {3, y}]]}", "ok true");
	IS("{ets, take, [t, 2]}", "ok [{2,x}]");
	IS("{ets, take, [t, 2]}", "ok []");
	IS("{ets, member, [t, 2]}", "ok false");
	IS("{ets, lookup_element, [t, 3, 2]}", "ok y");
	IS("{ets, lookup_element, [t, 9, 2, none]}", "ok none");
	world_close(&w);
}

static void ordered_set_compares_by_value_and_walks_both_ways(void)
{
	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table, ordered_set]]}");
	IS("{ets, insert, [t, [{3, c}, {1, a}, {2.5, b}, {\"x\", l}, {foo, d}]]}", "ok true");
	IS("{ets, insert, [t, {1.0, z}]}", "ok true");
	IS("{ets, tab2list, [t]}", "ok [{1.0,z},{2.5,b},{3,c},{foo,d},{\"x\",l}]");
	IS("{ets, first, [t]}", "ok 1.0");
	IS("{ets, last, [t]}", "ok \"x\"");
	IS("{ets, next, [t, 2]}", "ok 2.5");
	IS("{ets, prev, [t, 2]}", "ok 1.0");
	IS("{ets, prev, [t, 1]}", "ok '$end_of_table'");
	IS("{ets, next_lookup, [t, 3]}", "ok {foo,[{foo,d}]}");
	IS("{ets, delete, [t, 1]}", "ok true");
	IS("{ets, lookup, [t, 1.0]}", "ok []");
	world_close(&w);
}

static void bag_keeps_order_and_no_equal_objects(void)
{
	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table, bag]]}");
	(void)ask("{ets, new, [d, [named_table, duplicate_bag]]}");
	IS("{ets, insert, [t, [{1, a}, {1, b}, {1, a}, {1, c}]]}", "ok true");
	IS("{ets, insert, [d, [{1, a}, {1, b}, {1, a}, {1, c}]]}", "ok true");
	IS("{ets, lookup, [t, 1]}", "ok [{1,a},{1,b},{1,c}]");
	IS("{ets, lookup, [d, 1]}", "ok [{1,a},{1,b},{1,a},{1,c}]");
	IS("{ets, delete_object, [d, {1, a}]}", "ok true");
	IS("{ets, lookup, [d, 1]}", "ok [{1,b},{1,c}]");
	IS("{ets, delete_object, [t, {1, b}]}", "ok true");
	IS("{ets, lookup_element, [t, 1, 2]}", "ok [a,c]");
	IS("{ets, info, [t, size]}", "ok 2");
	IS("{ets, update_counter, [t, 1, 1]}", "error badarg table_type");
	world_close(&w);
}

/* ---- counters ---------------------------------------------------------------------------------
 */

static void update_counter_has_all_of_its_forms(void)
{
	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table]]}");
	(void)ask("{ets, insert, [t, {a, 5, x, 10}]}");
	IS("{ets, update_counter, [t, a, 3]}", "ok 8");
	IS("{ets, update_counter, [t, a, {4, -1}]}", "ok 9");
	IS("{ets, update_counter, [t, a, {2, 5, 10, 0}]}", "ok 0");
	IS("{ets, update_counter, [t, a, {2, -5, -3, 7}]}", "ok 7");
	IS("{ets, update_counter, [t, a, [{2, 2000000}, {2, 1}, {4, 1}]]}",
		"ok [2000007,2000008,10]");
	IS("{ets, update_counter, [t, a, []]}", "ok []");
	IS("{ets, update_counter, [t, b, 2, {x, 40}]}", "ok 42");
	IS("{ets, lookup, [t, b]}", "ok [{b,42}]");
	IS("{ets, update_counter, [t, b, 18446744073709551616]}", "ok 18446744073709551658");
	IS("{ets, update_counter, [t, a, [{2, 1}, {3, 1}]]}", "error badarg");
	IS("{ets, lookup, [t, a]}", "ok [{a,2000008,x,10}]");
	IS("{ets, update_counter, [t, a, {1, 1}]}", "error badarg keypos");
	IS("{ets, update_counter, [t, a, {9, 1}]}", "error badarg position");
	IS("{ets, update_counter, [t, zz, 1]}", "error badarg badkey");
	IS("{ets, update_element, [t, a, [{3, y}, {2, 0}]]}", "ok true");
	IS("{ets, update_element, [t, zz, {3, y}]}", "ok false");
	IS("{ets, update_element, [t, zz, {3, y}, {1, 2, 3}]}", "ok true");
	IS("{ets, lookup, [t, zz]}", "ok [{zz,2,y}]");
	world_close(&w);
}

/* ---- match specifications ---------------------------------------------------------------------
 */

static void patterns_bind_and_specifications_compute(void)
{
	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table, ordered_set]]}");
	(void)ask(
		"{ets, insert, [t, [{1, a, [1, 2]}, {2, b, [3]}, {3, a, []}, {4, #{k => v, l => 1}, x}]]}");
	IS("{ets, match, [t, {'$2', '$1', '_'}]}", "ok [[a,1],[b,2],[a,3],[#{k => v,l => 1},4]]");
	IS("{ets, match, [t, {'$1', a, ['$2' | '$3']}]}", "ok [[1,1,[2]]]");
	IS("{ets, match_object, [t, {'_', a, '_'}]}", "ok [{1,a,[1,2]},{3,a,[]}]");
	IS("{ets, match, [t, {'$1', #{k => '$2'}, '_'}]}", "ok [[4,v]]");
	IS("{ets, select, [t, [{{'$1', '$2', '_'}, [{'>', '$1', 1}, {is_atom, '$2'}], ['$$']}]]}",
		"ok [[2,b],[3,a]]");
	IS("{ets, select, [t, [{{'$1', a, '$3'}, [], [{{'$1', {length, '$3'}, {'+', '$1', 0.5}, {const, "
	   "'$1'}}}]}]]}",
		"ok [{1,2,1.5,'$1'},{3,0,3.5,'$1'}]");
	IS("{ets, select, [t, [{{1, '_', '$1'}, [], [{hd, {tl, '$1'}}]}, {{'_', a, '$1'}, [], [{hd, "
	   "'$1'}]}]]}",
		"ok [2,'EXIT']");
	IS("{ets, select, [t, [{{'$1', '_', '_'}, [{'orelse', {'==', '$1', 1}, {'andalso', {'>', '$1', "
	   "2}, {'<', '$1', 4}}}], [['$1' | x]]}]]}",
		"ok [[1|x],[3|x]]");
	IS("{ets, select, [t, [{{1, '_', '$1'}, [], [{{{hd, x}, {hd, '$1'}}}]}]]}",
		"ok [{'EXIT',1}]");
	IS("{ets, select_reverse, [t, [{{'$1', a, '_'}, [], ['$1']}]]}", "ok [3,1]");
	IS("{ets, select_replace, [t, [{{2, '$1', '$2'}, [], [{{2, '$1', {{'$2'}}}}]}]]}", "ok 1");
	IS("{ets, lookup, [t, 2]}", "ok [{2,b,{[3]}}]");
	IS("{ets, select_replace, [t, [{{'$1', '$2', '_'}, [], [{{'$2', '$1'}}]}]]}",
		"error badarg");
	IS("{ets, select_count, [t, [{{'_', a, '_'}, [], [true]}]]}", "ok 2");
	IS("{ets, select_delete, [t, [{{'$1', '_', '_'}, [{'=<', '$1', 2}], [true]}]]}", "ok 2");
	IS("{ets, match_delete, [t, {3, '_', '_'}]}", "ok true");
	IS("{ets, info, [t, size]}", "ok 1");
	IS("{ets, select, [t, []]}", "ok []");
	IS("{ets, select, [t, [{'$1', [], ['$2']}]]}", "error badarg");
	IS("{ets, select, [t, [{'$1', [], []}]]}", "error badarg");
	IS("{ets, select, [t, foo]}", "error badarg");
	world_close(&w);
}

/* An object of 120 kB, of which the body makes a thousand. */
static void what_a_body_builds_has_a_limit(void)
{
	static char text[300000];
	const char *const bodies[] = {"{{'$_'", "['$_'"};
	size_t at;

	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table]]}");
	at = (size_t)snprintf(text, sizeof text, "{ets, insert, [t, {1, [300");
	for (int i = 0; i < 24000; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, ",300");
	(void)snprintf(text + at, sizeof text - at, "]}]}");
	IS(text, "ok true");
	for (int b = 0; b < 2; b++) {
		at = (size_t)snprintf(
			text, sizeof text, "{ets, select, [t, [{'_', [], [%s", bodies[b]);
		for (int i = 0; i < 1000; i++)
			at += (size_t)snprintf(text + at, sizeof text - at, ",'$_'");
		(void)snprintf(text + at, sizeof text - at, "%s]}]]}", b == 0 ? "}}" : "|x]");
		IS(text, "error system_limit");
	}
	world_close(&w);
}

static void select_with_limit_comes_to_the_end(void)
{
	char text[60000], *cont;

	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table, duplicate_bag]]}");
	(void)ask("{ets, insert, [t, [{1, a}, {1, b}, {1, c}]]}");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(ask("{ets, match, [t, {'_', '$1'}, 2]}"), "ok {[[a],[b]],{t,"));
	cont = strstr(answer, ",{t,");
	answer[strlen(answer) - 1] = '\0';
	(void)snprintf(text, sizeof text, "{ets, match, [%s]}", cont + 1);
	IS(text, "ok {[[c]],'$end_of_table'}");
	IS("{ets, match, ['$end_of_table']}", "ok '$end_of_table'");
	IS("{ets, match, [t, {x, '$1'}, 2]}", "ok '$end_of_table'");
	IS("{ets, select, [t, [{'_', [], [1]}], 0]}", "error badarg");
	world_close(&w);
}

/* ---- traversal --------------------------------------------------------------------------------
 */

static void next_of_a_deleted_key_needs_a_fixed_table(void)
{
	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table]]}");
	(void)ask("{ets, insert, [t, [{1}, {2}]]}");
	IS("{ets, safe_fixtable, [t, true]}", "ok true");
	IS("{ets, info, [t, fixed]}", "ok true");
	(void)ask("{ets, delete, [t, 1]}");
	IS("{ets, info, [t, size]}", "ok 1");
	IS("{ets, lookup, [t, 1]}", "ok []");
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("{ets, next, [t, 1]}"), "ok "));
	IS("{ets, next, [t, 7]}", "error badarg");
	IS("{ets, insert, [t, {1, back}]}", "ok true");
	IS("{ets, lookup, [t, 1]}", "ok [{1,back}]");
	(void)ask("{ets, delete, [t, 1]}");
	IS("{ets, safe_fixtable, [t, false]}", "ok true");
	IS("{ets, next, [t, 1]}", "error badarg");
	IS("{ets, tab2list, [t]}", "ok [{2}]");
	world_close(&w);
}

/* ---- owners -----------------------------------------------------------------------------------
 */

static void access_rights_hold(void)
{
	open_world(fli_mem_libc());
	(void)ask("{ets, new, [pub, [named_table, public]]}");
	(void)ask("{ets, new, [pro, [named_table]]}");
	(void)ask("{ets, new, [pri, [named_table, private]]}");
	OTHER_IS("{ets, insert, [pub, {1}]}", "ok true");
	OTHER_IS("{ets, lookup, [pro, 1]}", "ok []");
	OTHER_IS("{ets, insert, [pro, {1}]}", "error badarg access");
	OTHER_IS("{ets, lookup, [pri, 1]}", "error badarg access");
	OTHER_IS("{ets, info, [pri, size]}", "ok 0");
	OTHER_IS("{ets, delete, [pro]}", "error badarg access");
	OTHER_IS("{ets, lookup, [none, 1]}", "error badarg id");
	OTHER_IS("{ets, lookup, [\"pub\", 1]}", "error badarg type");
	IS("{ets, new, [pub, [named_table]]}", "error badarg already_exists");
	IS("{ets, rename, [pri, pub]}", "error badarg");
	IS("{ets, rename, [pri, fresh]}", "ok fresh");
	IS("{ets, whereis, [pri]}", "ok undefined");
	IS("{ets, info, [none]}", "ok undefined");
	world_close(&w);
}

/* As fl_read takes it: with its creation. */
static void print_pid(char *text, size_t size, fl_pid pid)
{
	(void)snprintf(text, size, "<%.*s.%u.%u/%u>", (int)pid.node.size, pid.node.text, pid.id,
		pid.serial, pid.creation);
}

static void table_dies_with_its_owner_or_goes_to_its_heir(void)
{
	char text[256], pid[128];
	fl_pid heir;

	open_world(fli_mem_libc());
	heir = world_start(&w, &owner, "heir", NULL);
	print_pid(pid, sizeof pid, heir);
	(void)ask("{ets, new, [mortal, [named_table]]}");
	(void)snprintf(
		text, sizeof text, "{ets, new, [willed, [named_table, {heir, %s, gift}]]}", pid);
	IS(text, "ok willed");
	(void)ask("{ets, insert, [willed, {1, x}]}");
	fli_enter(w.node);
	fli_proc_exit(fli_name_find(w.node, fl_atom_of("owner")), (fl_term){0});
	fli_leave(w.node);
	world_settle(&w);
	OTHER_IS("{ets, lookup, [mortal, 1]}", "error badarg id");
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "{'ETS-TRANSFER',willed,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told, ",gift}"));
	CU_ASSERT_STRING_EQUAL(ask_of("heir", "{ets, insert, [willed, {2, y}]}"), "ok true");
	world_close(&w);
}

/* Here a thread that writes for ever is one that has the lock. */
static void who_has_the_context_waits_for_no_write(void)
{
	fli_table *table;
	unsigned guard;

	open_world(fli_mem_libc());
	(void)ask("{ets, new, [t, [named_table, public]]}");
	(void)ask("{ets, insert, [t, [{1, a}, {2, b}]]}");
	(void)ask_of("other", "{ets, safe_fixtable, [t, true]}");
	(void)ask("{ets, delete, [t, 1]}");
	fli_enter(w.node);
	table = fli_tables_named(w.node, fl_atom_of("t"));
	fli_leave(w.node);
	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	pthread_mutex_lock(&table->lock);
	IS("{ets, info, [t, fixed]}", "ok true");
	fli_enter(w.node);
	fli_proc_exit(fli_name_find(w.node, fl_atom_of("other")), (fl_term){0});
	fli_leave(w.node);
	world_settle(&w);
	IS("{ets, info, [t, fixed]}", "ok false");
	CU_ASSERT_PTR_NOT_NULL(table->tombs);
	pthread_mutex_unlock(&table->lock);
	IS("{ets, insert, [t, {3, c}]}", "ok true"); /* who writes next sweeps */
	CU_ASSERT_PTR_NULL(table->tombs);
	guard = fli_epoch_enter(&w.node->tables->epochs); /* as a writer is in one */
	pthread_mutex_lock(&table->lock);
	IS("{ets, delete, [t]}", "ok true");
	pthread_mutex_unlock(&table->lock);
	fli_epoch_leave(&w.node->tables->epochs, guard);
	world_close(&w);
}

static void give_away_makes_another_the_owner(void)
{
	char text[256], pid[128];
	fl_pid to;

	open_world(fli_mem_libc());
	to = world_start(&w, &owner, "to", NULL);
	print_pid(pid, sizeof pid, to);
	(void)ask("{ets, new, [t, [named_table]]}");
	(void)snprintf(text, sizeof text, "{ets, give_away, [t, %s, hello]}", pid);
	OTHER_IS(text, "error badarg access");
	IS(text, "ok true");
	CU_ASSERT_PTR_NOT_NULL(strstr(told, ",hello}"));
	IS("{ets, insert, [t, {1}]}", "error badarg access");
	CU_ASSERT_STRING_EQUAL(ask_of("to", "{ets, insert, [t, {1}]}"), "ok true");
	CU_ASSERT_STRING_EQUAL(ask_of("to", text), "error badarg owner");
	IS("{ets, give_away, [t, foo, x]}", "error badarg");
	world_close(&w);
}

/* ---- from C -----------------------------------------------------------------------------------
 */

static int on_c(fl_proc *self, void *state, fl_term message)
{
	fl_term object, value;
	fl_rows rows;
	fl_tab tab;
	int64_t n = 0, total = 0;

	(void)state;
	(void)message;
	CU_ASSERT_EQUAL(fl_table_new(self, "c", NULL, &tab), FL_OK);
	CU_ASSERT_EQUAL(fl_table_new(self, "c", NULL, &tab), FL_ETAKEN);
	CU_ASSERT_EQUAL(fl_table_insert(tab, "{~, [~, x]}", 7, 70), FL_OK);
	CU_ASSERT_EQUAL(fl_table_insert_new(tab, "{~, no}", 7), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_table_insert(tab, "not_a_tuple"), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_table_lookup(tab, &rows, 8), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_table_lookup(tab, &rows, 7), FL_OK);
	CU_ASSERT_EQUAL(fl_table_erase(tab, 7), FL_OK);
	/* Borrowed rows stay, whatever happens to the table. */
	CU_ASSERT_EQUAL(fl_table_delete(self, tab), FL_OK);
	CU_ASSERT_TRUE(fl_rows_next(&rows, &object));
	CU_ASSERT_TRUE(fl_match(object, "{7, [~, x]}", &n));
	CU_ASSERT_EQUAL(n, 70);
	CU_ASSERT_FALSE(fl_rows_next(&rows, &object));
	fl_rows_end(&rows);
	CU_ASSERT_EQUAL(fl_table_lookup(tab, &rows, 7), FL_ECLOSED);
	CU_ASSERT_EQUAL(
		fl_table_new(self, "c", &(fl_table_options){.keypos = 2, .bytes_max = 4096}, &tab),
		FL_OK);
	CU_ASSERT_EQUAL(fl_table_insert(tab, "{only}"), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_table_erase(tab, "a binary"), FL_OK);
	CU_ASSERT_EQUAL(fl_table_insert(tab, "{1, ~}", (uint64_t)1 << 40), FL_OK);
	CU_ASSERT_EQUAL(fl_table_member(tab, (int64_t)1 << 40), FL_OK);
	for (n = 0; fl_table_insert(tab, "{x, ~}", n) == FL_OK; n++)
		CU_ASSERT_TRUE(n < 100);
	CU_ASSERT_EQUAL(fl_table_insert(tab, "{x, ~}", n), FL_ELIMIT);
	CU_ASSERT_EQUAL(fl_table_delete_all(tab), FL_OK);
	CU_ASSERT_EQUAL(fl_table_new(self, "k", NULL, &tab), FL_OK);
	CU_ASSERT_EQUAL(fl_table_add(tab, fl_atom_of("hits"), 2, &total), FL_OK);
	CU_ASSERT_EQUAL(fl_table_add(tab, fl_atom_of("hits"), 3, &total), FL_OK);
	CU_ASSERT_EQUAL(total, 5);
	CU_ASSERT_EQUAL(fl_persistent_get(self, &rows, "conf", &value), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_persistent_put(self, "conf", "{ok, ~}", 1), FL_OK);
	CU_ASSERT_EQUAL(fl_persistent_get(self, &rows, "conf", &value), FL_OK);
	CU_ASSERT_EQUAL(fl_persistent_put(self, "conf", "two"), FL_OK);
	CU_ASSERT_TRUE(fl_match(value, "{ok, 1}"));
	fl_rows_end(&rows);
	(void)snprintf(told, sizeof told, "done");
	return FL_OK;
}

static const fl_behaviour in_c = {.name = "in_c", .info = on_c};

static void tables_are_used_from_c(void)
{
	open_world(fli_mem_libc());
	(void)world_start(&w, &in_c, "in_c", NULL);
	world_send(&w, "in_c", "go");
	world_settle(&w);
	CU_ASSERT_STRING_EQUAL(told, "done");
	IS("{persistent_term, get, [<<\"conf\">>]}", "ok two");
	IS("{persistent_term, get, [none, 1]}", "ok 1");
	IS("{persistent_term, get, [none]}", "error badarg");
	IS("{persistent_term, get, []}", "ok [{<<\"conf\">>,two}]");
	world_close(&w);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

static void bytes_go_back_when_objects_go(void)
{
	char text[128];

	open_world(fli_mem_libc());
	for (int type = 0; type < 4; type++) {
		(void)snprintf(text, sizeof text, "{ets, new, [t, [named_table, %s]]}",
			fli_table_type_text((fl_table_type)type));
		(void)ask(text);
		(void)ask("{ets, info, [t, memory]}");
		(void)snprintf(told, sizeof told, "%.99s", answer);
		(void)ask("{ets, insert, [t, [{1, a}, {2, b}, {1, c}, {1, a}, {3, d}, {3, d}]]}");
		(void)ask("{ets, insert, [t, {1, again}]}");
		(void)ask("{ets, safe_fixtable, [t, true]}");
		(void)ask("{ets, delete, [t, 1]}");
		(void)ask("{ets, insert, [t, {1, back}]}");
		(void)ask("{ets, delete_object, [t, {3, d}]}");
		(void)ask("{ets, match_delete, [t, '_']}");
		(void)ask("{ets, safe_fixtable, [t, false]}");
		IS("{ets, info, [t, memory]}", told);
		IS("{ets, info, [t, size]}", "ok 0");
		(void)ask("{ets, delete, [t]}");
	}
	world_close(&w);
}

static const char *const script[] = {
	"{ets, new, [s, [named_table, public]]}",
	"{ets, new, [o, [named_table, ordered_set]]}",
	"{ets, new, [b, [named_table, bag]]}",
	"{ets, insert, [s, [{1, a}, {2, b}, {1, c}]]}",
	"{ets, insert, [o, [{1, a}, {2, b}, {1.0, c}]]}",
	"{ets, insert, [b, [{1, a}, {1, b}, {1, c}, {2, d}]]}",
	"{ets, delete_object, [b, {1, b}]}",
	"{ets, lookup, [b, 1]}",
	"{ets, update_counter, [s, k, 1, {k, 0}]}",
	"{ets, select, [s, [{{'$1', '$2'}, [{is_integer, '$1'}], [{{'$2', {'+', '$1', 1}}}]}]]}",
	"{ets, match, [o, {'$1', '_'}, 1]}",
	"{ets, select_replace, [o, [{{'$1', '_'}, [], [{{'$1', z}}]}]]}",
	"{ets, new, [d, [named_table, duplicate_bag]]}",
	"{ets, insert, [d, [{1, a}, {1, b}, {2, d}]]}",
	"{ets, select_replace, [d, [{{'$1', b}, [], [{{'$1', z}}]}]]}",
	"{ets, select_delete, [b, [{{1, a}, [], [true]}]]}",
	"{ets, safe_fixtable, [s, true]}",
	"{ets, delete, [s, 1]}",
	"{ets, take, [o, 2]}",
	"{ets, delete, [o]}",
};

static void each_allocation_may_fail(void)
{
	fli_fault fault;
	bool is_hit = true;

	for (long n = 1; is_hit && n < 5000; n++) {
		fli_fault_create(&fault, 0);
		open_world(&fault.mem);
		(void)ask("{ets, all, []}");
		fault.countdown = n;
		for (size_t i = 0; i < sizeof script / sizeof script[0]; i++)
			(void)ask(script[i]);
		is_hit = fault.was_hit;
		fault.countdown = 0;
		world_close(&w);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
	CU_ASSERT_FALSE(is_hit);
}

FL_SUITE("table", FL_TEST(set_has_one_object_a_key_and_tells_1_from_1_0),
	FL_TEST(ordered_set_compares_by_value_and_walks_both_ways),
	FL_TEST(bag_keeps_order_and_no_equal_objects), FL_TEST(update_counter_has_all_of_its_forms),
	FL_TEST(patterns_bind_and_specifications_compute), FL_TEST(what_a_body_builds_has_a_limit),
	FL_TEST(select_with_limit_comes_to_the_end),
	FL_TEST(next_of_a_deleted_key_needs_a_fixed_table), FL_TEST(access_rights_hold),
	FL_TEST(table_dies_with_its_owner_or_goes_to_its_heir),
	FL_TEST(who_has_the_context_waits_for_no_write), FL_TEST(give_away_makes_another_the_owner),
	FL_TEST(tables_are_used_from_c), FL_TEST(bytes_go_back_when_objects_go),
	FL_TEST(each_allocation_may_fail));
