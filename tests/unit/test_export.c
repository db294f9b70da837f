/* SPDX-License-Identifier: Apache-2.0 */
#include "node/export.h"

#include <flitch.h>
#include <stdio.h>

#include "node/access.h"
#include "node/natives.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static fl_pid server_pid;
static char answer[65536]; /* "ok Value", "error Reason", ... */

/* ---- a process that applies what it is sent ----------------------------------------------------
 */

static const char *class_name(int class)
{
	switch (class) {
	case FL_OK: return "ok";
	case FL_THROW: return "throw";
	case FL_ERROR: return "error";
	case FL_EXIT: return "exit";
	default: return "odd";
	}
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_buf result = FL_BUF_INIT;
	char text[60000];
	fli_mfa mfa;
	int class;

	(void)state;
	if (!fl_match(message, "{~, ~, ~}", &mfa.module, &mfa.function, &mfa.args))
		return FL_OK;
	class = fli_apply(self, &mfa, &result);
	(void)snprintf(answer, sizeof answer, "%s %s", class_name(class),
		fl_print_to(text, sizeof text, fl_buf_term(&result)));
	fl_buf_free(&result);
	return FL_OK;
}

static const fl_behaviour asker = {.name = "asker", .info = on_info};

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	if (fl_match(request, "die"))
		return fl_stop(self, "{shutdown, asked}");
	return fl_reply(from, "{got, ~}", request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

static int on_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	(void)self;
	(void)state;
	return fl_build(ret_status, "my_state");
}

static const fl_behaviour server = {
	.name = "server", .call = on_call, .cast = on_cast, .format_status = on_status};

/* ---- functions of a user -----------------------------------------------------------------------
 */

static int twice(fl_proc *self, fl_term args, fl_buf *result)
{
	int64_t n;

	(void)self;
	if (!fl_match(args, "[~]", &n))
		return fl_raise(result, FL_ERROR, "badarg");
	return fl_build(result, "~", n * 2);
}

static int thrice(fl_proc *self, fl_term args, fl_buf *result)
{
	int64_t n = 0;

	(void)self;
	(void)fl_match(args, "[~]", &n);
	return fl_build(result, "~", n * 3);
}

static int raises(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term what;

	(void)self;
	if (fl_match(args, "[{throw, ~}]", &what))
		return fl_raise(result, FL_THROW, "~", what);
	if (fl_match(args, "[{exit, ~}]", &what))
		return fl_raise(result, FL_EXIT, "~", what);
	if (fl_match(args, "[nothing]"))
		return FL_OK;
	if (fl_match(args, "[two]"))
		return fl_build(result, "1") + fl_build(result, "2");
	return 99;
}

static const fl_export user_exports[] = {
	{"m", "twice", 1, twice},
	{"m", "raises", 1, raises},
};

static void begin(void)
{
	world_open(&w, fli_mem_libc());
	CU_ASSERT_EQUAL(fli_natives_process(w.node), FL_OK);
	CU_ASSERT_EQUAL(fli_natives_system(w.node), FL_OK);
	CU_ASSERT_EQUAL(fli_natives_tools(w.node), FL_OK);
	CU_ASSERT_EQUAL(fli_gen_calls(w.node), FL_OK);
	CU_ASSERT_EQUAL(fl_node_export(w.node, user_exports, 2), FL_OK);
	(void)world_start(&w, &asker, "asker", NULL);
	server_pid = world_start(&w, &server, "server", NULL);
}

static const char *ask(const char *mfa)
{
	answer[0] = '\0';
	world_send(&w, "asker", mfa);
	world_settle(&w);
	return answer;
}

/* The same with a pid in the place of `~`. */
static const char *ask_of(fl_pid pid, const char *mfa)
{
	fl_dest to = fl_to_name("asker");
	fl_value value = fli_value_pid(pid);

	answer[0] = '\0';
	fli_enter(w.node);
	(void)fli_send_spec(w.node, NULL, &to, (fl_spec){mfa, &value, 1});
	fli_leave(w.node);
	world_settle(&w);
	return answer;
}

#define GIVES(mfa, expected) CU_ASSERT_STRING_EQUAL(ask(mfa), expected)

static bool gives_part(const char *mfa, const char *part)
{
	bool found = strstr(ask(mfa), part) != NULL;

	if (!found)
		printf("%s: %.2000s\n", mfa, answer);
	return found;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static void a_function_is_found_by_name_and_arity(void)
{
	begin();
	GIVES("{m, twice, [21]}", "ok 42");
	GIVES("{m, twice, [1, 2]}", "error undef");
	GIVES("{m, nothing, [1]}", "error undef");
	GIVES("{n, twice, [1]}", "error undef");
	world_close(&w);
}

static void outcomes_keep_their_class(void)
{
	begin();
	GIVES("{m, twice, [x]}", "error badarg");
	GIVES("{m, raises, [{throw, {a, 1}}]}", "throw {a,1}");
	GIVES("{m, raises, [{exit, normal}]}", "exit normal");
	world_close(&w);
}

static void a_function_that_builds_no_term_is_misuse(void)
{
	begin();
	GIVES("{m, raises, [nothing]}", "error {api_misuse,not_one_term}");
	GIVES("{m, raises, [two]}", "error {api_misuse,not_one_term}");
	GIVES("{m, raises, [odd]}", "error {api_misuse,{bad_return,99}}");
	world_close(&w);
}

static void a_list_of_bytes_is_an_argument_list(void)
{
	begin();
	GIVES("{m, twice, \"a\"}", "ok 194");
	GIVES("{m, twice, [1 | 2]}", "error badarg");
	GIVES("{m, twice, x}", "error badarg");
	world_close(&w);
}

static void apply_runs_what_it_applies(void)
{
	begin();
	GIVES("{erlang, apply, [m, twice, [4]]}", "ok 8");
	GIVES("{erlang, apply, [erlang, apply, [m, twice, [4]]]}", "ok 8");
	GIVES("{erlang, apply, [x, []]}", "error {badfun,x}");
	GIVES("{erlang, apply, [1, 2, 3]}", "error undef");
	GIVES("{proc_lib, init_p, [p, [], m, twice, [4]]}", "ok 8");
	GIVES("{proc_lib, init_p, [p, [], erlang, apply, [m, twice, [4]]]}", "ok 8");
	GIVES("{proc_lib, init_p, [p, [], x]}", "error {badfun,x}");
	GIVES("{proc_lib, init_p, [p, []]}", "error undef");
	world_close(&w);
}

static void send_apply(const uint8_t *fun, size_t size)
{
	fl_term term = {.data = fun, .size = size};
	fl_dest to = fl_to_name("asker");

	answer[0] = '\0';
	fli_enter(w.node);
	(void)fli_send_spec(w.node, NULL, &to, fl_spec("{erlang, apply, [~, [7]]}", term));
	fli_leave(w.node);
	world_settle(&w);
}

static void a_fun_by_name_is_run_and_one_with_code_refused(void)
{
	static const uint8_t by_name[] = {113, 119, 1, 'm', 119, 5, 't', 'w', 'i', 'c', 'e', 97, 1};
	/* size, arity, 16 bytes of md5, index, free variables, module m, old index, uniq, pid */
	static const uint8_t code[] = {112, 0, 0, 0, 54, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0, 119, 1, 'm', 97, 0, 97, 0, 88, 119, 3, 'a',
		'@', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};

	begin();
	send_apply(by_name, sizeof by_name);
	CU_ASSERT_STRING_EQUAL(answer, "ok 14");
	send_apply(code, sizeof code);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "error {cannot_run_erlang_code,<<\""));
	world_close(&w);
}

static void what_ends_the_node_is_off_until_allowed(void)
{
	static const fl_export off[] = {{"init", "stop", 0, thrice}};

	begin();
	CU_ASSERT_EQUAL(fli_exports_add_own(w.node, off, 1, FLI_EXPORT_OFF), FL_OK);
	CU_ASSERT(gives_part("{init, stop, []}", "error {notsup,<<\"init:stop/0 is off"));
	CU_ASSERT_EQUAL(
		fli_exports_policy(w.node, FLI_RPC_DEFAULT, "a:b, init:stop/0", NULL), FL_OK);
	GIVES("{init, stop, []}", "ok 0");
	world_close(&w);
}

static void strict_keeps_membership_and_what_is_allowed(void)
{
	begin();
	CU_ASSERT_EQUAL(
		fli_exports_policy(w.node, FLI_RPC_STRICT, "m:* erlang:whereis", NULL), FL_OK);
	GIVES("{erlang, node, []}", "ok test@localhost");
	GIVES("{erlang, processes, []}", "error undef");
	GIVES("{erlang, whereis, [nobody]}", "ok undefined");
	GIVES("{m, twice, [1]}", "ok 2");
	world_close(&w);
}

/* ---- by the node that asks ------------------------------------------------------------------- */

static uint32_t bits(const char *first, const char *second)
{
	return fli_access_bit(first) | fli_access_bit(second);
}

static void first_rule_that_fits_a_node_counts(void)
{
	const fli_access_rule rules[] = {
		{.nodes = "ops@*", .allow = "init:stop", .words = FLI_ACCESS_ALL},
		{.nodes = "*@10.*",
			.profile = FLI_RPC_STRICT,
			.words = bits("get_state", "debug")}};
	fl_atom ops = fl_atom_of("ops@10.0.0.1"), app = fl_atom_of("app@10.0.0.2");
	fl_atom other = fl_atom_of("app@h");

	begin();
	CU_ASSERT_TRUE(fli_access_may(w.node, app, FLI_ACCESS_TERMINATE));
	CU_ASSERT_EQUAL(fli_access_set(w.node, rules, 2, bits("suspend", "resume")), FL_OK);
	CU_ASSERT_STRING_EQUAL(fli_access_rule_of(w.node, ops)->nodes, "ops@*");
	CU_ASSERT_EQUAL(fli_access_rule_of(w.node, app)->profile, FLI_RPC_STRICT);
	CU_ASSERT_PTR_NULL(fli_access_rule_of(w.node, other));
	CU_ASSERT_PTR_NULL(fli_access_rule_of(w.node, w.node->name));
	CU_ASSERT_TRUE(fli_access_may(w.node, ops, FLI_ACCESS_TERMINATE));
	CU_ASSERT_TRUE(fli_access_may(w.node, app, FLI_ACCESS_GET_STATE));
	CU_ASSERT_FALSE(fli_access_may(w.node, app, FLI_ACCESS_TERMINATE));
	CU_ASSERT_TRUE(fli_access_may(w.node, other, FLI_ACCESS_RESUME));
	CU_ASSERT_FALSE(fli_access_may(w.node, other, FLI_ACCESS_EXIT));
	CU_ASSERT_TRUE(fli_access_may(w.node, w.node->name, FLI_ACCESS_EXIT));
	CU_ASSERT_EQUAL(w.node->access->refused_words, 2);
	CU_ASSERT_EQUAL(fli_access_set(w.node, NULL, 0, FLI_ACCESS_ALL), FL_OK);
	CU_ASSERT_TRUE(fli_access_may(w.node, app, FLI_ACCESS_TERMINATE));
	CU_ASSERT_EQUAL(fli_access_bit("terminat"), 0);
	world_close(&w);
}

static void rules_stay_where_there_is_no_memory_for_others(void)
{
	const fli_access_rule rules[] = {
		{.nodes = "a@*", .allow = "x:y"}, {.nodes = "b@*", .allow = "x:y"}};
	fli_fault f;
	long n = 0;
	int rc;

	fli_fault_create(&f, 0);
	world_open(&w, &f.mem);
	CU_ASSERT_EQUAL(fli_access_set(w.node, rules, 1, 0), FL_OK);
	do {
		atomic_store(&f.countdown, ++n);
		rc = fli_access_set(w.node, rules, 2, 0);
		atomic_store(&f.countdown, 0);
		CU_ASSERT_EQUAL(w.node->access->count, rc == FL_OK ? 2 : 1);
	} while (rc != FL_OK);
	CU_ASSERT_TRUE(n > 4);
	world_close(&w);
	CU_ASSERT_EQUAL(f.live, 0);
}

static void an_allow_list_that_names_no_function_is_refused(void)
{
	static const char *const bad[] = {
		"init", ":stop", "init:", "init:stop/", "init:stop/x", "init:stop/1000", "a:b, c"};
	fl_error err;

	begin();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CU_ASSERT_EQUAL(
			fli_exports_policy(w.node, FLI_RPC_DEFAULT, bad[i], &err), FL_ECONFIG);
	CU_ASSERT_STRING_EQUAL(err.what, "rpc.allow: \"c\" names no function");
	world_close(&w);
}

static void a_user_replaces_his_own_but_not_the_nodes(void)
{
	static const fl_export again[] = {{"m", "twice", 1, thrice}};
	static const fl_export theirs[] = {{"m", "new", 0, thrice}, {"erlang", "node", 0, thrice}};

	begin();
	CU_ASSERT_EQUAL(fl_node_export(w.node, again, 1), FL_OK);
	GIVES("{m, twice, [2]}", "ok 6");
	CU_ASSERT_EQUAL(fl_node_export(w.node, theirs, 2), FL_ETAKEN);
	GIVES("{m, new, []}", "error undef");
	world_close(&w);
}

/* ---- erlang ------------------------------------------------------------------------------------
 */

static void names_are_found(void)
{
	begin();
	CU_ASSERT(gives_part("{erlang, whereis, [server]}", "ok <test@localhost."));
	GIVES("{erlang, whereis, [nobody]}", "ok undefined");
	GIVES("{'Elixir.Process', whereis, [nobody]}", "ok nil");
	GIVES("{erlang, whereis, [1]}", "error badarg");
	CU_ASSERT(gives_part("{erlang, registered, []}", "server"));
	CU_ASSERT_STRING_EQUAL(ask_of(server_pid, "{erlang, is_process_alive, [~]}"), "ok true");
	world_close(&w);
}

static void exit_ends_a_process_and_info_of_it_is_undefined(void)
{
	begin();
	CU_ASSERT_PTR_NOT_NULL(strstr(ask_of(server_pid, "{erlang, process_info, [~]}"),
		"{registered_name,server},{current_function,{flitch,wait,0}}"));
	CU_ASSERT_STRING_EQUAL(ask_of(server_pid, "{erlang, exit, [~, kill]}"), "ok true");
	GIVES("{erlang, whereis, [server]}", "ok undefined");
	CU_ASSERT_STRING_EQUAL(ask_of(server_pid, "{erlang, process_info, [~]}"), "ok undefined");
	CU_ASSERT_STRING_EQUAL(ask_of(server_pid, "{'Elixir.Process', info, [~]}"), "ok nil");
	CU_ASSERT_STRING_EQUAL(ask_of(server_pid, "{erlang, is_process_alive, [~]}"), "ok false");
	world_close(&w);
}

static void pids_of_other_nodes_are_badarg(void)
{
	fl_pid other = {.node = fl_atom_of("a@b"), .id = 1, .creation = 5};

	begin();
	CU_ASSERT_STRING_EQUAL(ask_of(other, "{erlang, process_info, [~]}"), "error badarg");
	CU_ASSERT_STRING_EQUAL(
		ask_of(other, "{erlang, process_info, [~, status]}"), "error badarg");
	CU_ASSERT_STRING_EQUAL(ask_of(other, "{erlang, is_process_alive, [~]}"), "error badarg");
	world_close(&w);
}

static const char *info_of_server(const char *items)
{
	char mfa[512];

	(void)snprintf(mfa, sizeof mfa, "{erlang, process_info, [~, %s]}", items);
	return ask_of(server_pid, mfa);
}

static void process_info_has_otps_shapes(void)
{
	begin();
	CU_ASSERT_STRING_EQUAL(info_of_server("status"), "ok {status,waiting}");
	CU_ASSERT_STRING_EQUAL(info_of_server("[]"), "ok []");
	CU_ASSERT_STRING_EQUAL(info_of_server("[links, monitors, monitored_by, trap_exit]"),
		"ok [{links,[]},{monitors,[]},{monitored_by,[]},{trap_exit,false}]");
	CU_ASSERT_STRING_EQUAL(info_of_server("[{dictionary, '$initial_call'}, initial_call]"),
		"ok [{{dictionary,'$initial_call'},{server,init,1}},"
		"{initial_call,{proc_lib,init_p,5}}]");
	CU_ASSERT_STRING_EQUAL(info_of_server("dictionary"),
		"ok {dictionary,[{'$initial_call',{server,init,1}},{'$ancestors',[]}]}");
	CU_ASSERT_STRING_EQUAL(info_of_server("[status, nonsense]"), "error badarg");
	CU_ASSERT_STRING_EQUAL(info_of_server("nonsense"), "error badarg");
	GIVES("{erlang, process_info, [x]}", "error badarg");
	world_close(&w);
}

static void every_item_of_process_info_is_one_term(void)
{
	static const char *const items[] = {"binary", "catchlevel", "current_function",
		"error_handler", "garbage_collection", "group_leader", "heap_size", "initial_call",
		"last_calls", "links", "memory", "message_queue_len", "monitored_by", "monitors",
		"priority", "reductions", "registered_name", "sequential_trace_token", "stack_size",
		"status", "suspending", "total_heap_size", "trace", "trap_exit", "messages",
		"current_stacktrace", "current_location", "backtrace", "message_queue_data",
		"max_heap_size", "label", "parent"};
	char prefix[64];

	begin();
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		(void)snprintf(prefix, sizeof prefix, "ok {%s,", items[i]);
		CU_ASSERT_EQUAL(strncmp(info_of_server(items[i]), prefix, strlen(prefix)), 0);
	}
	world_close(&w);
}

static void a_process_without_a_name_has_no_registered_name(void)
{
	fl_pid pid;

	begin();
	pid = world_start(&w, &server, NULL, NULL);
	CU_ASSERT_STRING_EQUAL(
		ask_of(pid, "{erlang, process_info, [~, registered_name]}"), "ok []");
	CU_ASSERT_STRING_EQUAL(ask_of(pid, "{'Elixir.Process', info, [~, registered_name]}"),
		"ok {registered_name,[]}");
	CU_ASSERT_STRING_EQUAL(ask_of(pid, "{erlang, process_info, [~, [registered_name]]}"),
		"ok [{registered_name,[]}]");
	CU_ASSERT_PTR_NULL(strstr(ask_of(pid, "{erlang, process_info, [~]}"), "registered_name"));
	world_close(&w);
}

static void send_returns_its_message_and_nobody_is_badarg(void)
{
	begin();
	GIVES("{erlang, send, [server, hello]}", "ok hello");
	GIVES("{erlang, send, [nobody, hello]}", "error badarg");
	GIVES("{erlang, send, [1, hello]}", "error badarg");
	world_close(&w);
}

static void figures_are_terms_of_their_kinds(void)
{
	begin();
	GIVES("{erlang, system_info, [otp_release]}", "ok \"27\"");
	GIVES("{erlang, system_info, [wordsize]}", "ok 8");
	GIVES("{erlang, system_info, [{wordsize, external}]}", "ok 8");
	GIVES("{erlang, system_info, [process_count]}", "ok 2");
	GIVES("{erlang, system_info, [nonsense]}", "error badarg");
	CU_ASSERT(gives_part("{erlang, system_info, [system_version]}", "flitch"));
	CU_ASSERT(gives_part("{erlang, memory, []}", "ok [{total,"));
	CU_ASSERT(gives_part("{erlang, memory, [[total, code]]}", "{code,"));
	GIVES("{erlang, memory, [nonsense]}", "error badarg");
	GIVES("{erlang, statistics, [context_switches]}", "ok {0,0}");
	CU_ASSERT(gives_part("{erlang, statistics, [wall_clock]}", "ok {"));
	GIVES("{erlang, statistics, [run_queue]}", "ok 0");
	GIVES("{erlang, monotonic_time, [0]}", "error badarg");
	CU_ASSERT(gives_part("{erlang, localtime, []}", "ok {{"));
	world_close(&w);
}

static void wall_clock_tells_what_passed_since_the_last_call(void)
{
	begin();
	(void)ask("{erlang, statistics, [wall_clock]}");
	world_pass(&w, 250);
	CU_ASSERT(gives_part("{erlang, statistics, [wall_clock]}", ",250}"));
	world_close(&w);
}

static void there_is_no_erlang_code(void)
{
	begin();
	GIVES("{code, ensure_loaded, [shell]}", "ok {error,nofile}");
	GIVES("{code, is_loaded, [lists]}", "ok false");
	GIVES("{code, which, [lists]}", "ok non_existing");
	GIVES("{erlang, function_exported, [m, twice, 1]}", "ok true");
	GIVES("{erlang, function_exported, [m, twice, 2]}", "ok false");
	CU_ASSERT(gives_part("{shell, start, []}", "error {cannot_run_erlang_code,"));
	world_close(&w);
}

/* ---- gen ---------------------------------------------------------------------------------------
 */

static void calls_reach_servers_of_this_node(void)
{
	begin();
	GIVES("{gen_server, call, [server, hello]}", "ok {got,hello}");
	GIVES("{gen_server, call, [server, hello, infinity]}", "ok {got,hello}");
	GIVES("{'Elixir.GenServer', call, [server, hello, 1000]}", "ok {got,hello}");
	GIVES("{gen_server, cast, [server, hello]}", "ok ok");
	GIVES("{gen_server, cast, [nobody, hello]}", "ok ok");
	GIVES("{gen_server, call, [nobody, hello]}",
		"exit {noproc,{gen_server,call,[nobody,hello]}}");
	GIVES("{gen_server, call, [{global, x}, hello]}",
		"exit {noproc,{gen_server,call,[{global,x},hello]}}");
	GIVES("{gen_server, call, [server, die]}",
		"exit {{shutdown,asked},{gen_server,call,[server,die]}}");
	GIVES("{gen_server, call, [server, x, y]}", "error badarg");
	world_close(&w);
}

static void a_call_to_a_node_that_is_not_there_is_nodedown(void)
{
	begin();
	GIVES("{gen_server, call, [{x, 'y@z'}, 1]}",
		"exit {{nodedown,y@z},{gen_server,call,[{x,y@z},1]}}");
	world_close(&w);
}

static void sys_messages_are_asked_for(void)
{
	begin();
	GIVES("{sys, get_state, [server]}", "ok my_state");
	CU_ASSERT(gives_part("{sys, get_status, [server, 200]}", "ok {status,<"));
	GIVES("{sys, resume, [server]}", "ok ok");
	GIVES("{sys, get_state, [nobody]}", "exit {noproc,{sys,get_state,[nobody]}}");
	GIVES("{gen_server, stop, [server]}", "ok ok");
	GIVES("{erlang, whereis, [server]}", "ok undefined");
	world_close(&w);
}

FL_SUITE("export", FL_TEST(a_function_is_found_by_name_and_arity),
	FL_TEST(outcomes_keep_their_class), FL_TEST(a_function_that_builds_no_term_is_misuse),
	FL_TEST(a_list_of_bytes_is_an_argument_list), FL_TEST(apply_runs_what_it_applies),
	FL_TEST(a_fun_by_name_is_run_and_one_with_code_refused),
	FL_TEST(what_ends_the_node_is_off_until_allowed),
	FL_TEST(strict_keeps_membership_and_what_is_allowed),
	FL_TEST(first_rule_that_fits_a_node_counts),
	FL_TEST(rules_stay_where_there_is_no_memory_for_others),
	FL_TEST(an_allow_list_that_names_no_function_is_refused),
	FL_TEST(a_user_replaces_his_own_but_not_the_nodes), FL_TEST(names_are_found),
	FL_TEST(exit_ends_a_process_and_info_of_it_is_undefined),
	FL_TEST(pids_of_other_nodes_are_badarg), FL_TEST(process_info_has_otps_shapes),
	FL_TEST(every_item_of_process_info_is_one_term),
	FL_TEST(a_process_without_a_name_has_no_registered_name),
	FL_TEST(send_returns_its_message_and_nobody_is_badarg),
	FL_TEST(figures_are_terms_of_their_kinds),
	FL_TEST(wall_clock_tells_what_passed_since_the_last_call), FL_TEST(there_is_no_erlang_code),
	FL_TEST(calls_reach_servers_of_this_node),
	FL_TEST(a_call_to_a_node_that_is_not_there_is_nodedown),
	FL_TEST(sys_messages_are_asked_for));
