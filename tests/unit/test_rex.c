/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/rex.h"

#include <flitch.h>
#include <stdio.h>

#include "dist/user_io.h"
#include "dist/worker.h"
#include "node/natives.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static fl_pid probe_pid;
static char notes[8192];

static int note_info(fl_proc *self, void *state, fl_term message)
{
	char text[2000];
	size_t used = strlen(notes);

	(void)self;
	(void)state;
	(void)snprintf(
		notes + used, sizeof notes - used, "%s;", fl_print_to(text, sizeof text, message));
	return FL_OK;
}

static const fl_behaviour probe = {.name = "probe", .info = note_info};

static int native(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term what;

	(void)self;
	if (fl_match(args, "[{throw, ~}]", &what))
		return fl_raise(result, FL_THROW, "~", what);
	if (fl_match(args, "[{exit, ~}]", &what))
		return fl_raise(result, FL_EXIT, "~", what);
	if (fl_match(args, "[{error, ~}]", &what))
		return fl_raise(result, FL_ERROR, "~", what);
	return fl_match(args, "[~]", &what) ? fl_build(result, "~", what)
					    : fl_build(result, "none");
}

static const fl_export exports[] = {{"m", "f", 1, native}};

static void begin_with(fli_mem *mem)
{
	notes[0] = '\0';
	world_open(&w, mem);
	(void)fl_node_export(w.node, exports, 1);
	(void)world_start(&w, &fli_rex, "rex", NULL);
	(void)world_start(&w, &fli_user_io, "user", NULL);
	(void)world_start(&w, &fli_log_proxy, "logger_proxy", NULL);
	probe_pid = world_start(&w, &probe, "probe", NULL);
}

static void begin(void)
{
	begin_with(fli_mem_libc());
}

/* Sends a pattern, each `~` of which is the probe, to a name; gives what the probe heard. */
static const char *tell(const char *name, const char *pattern)
{
	fl_dest to = fl_to_name(name);
	fl_value values[2] = {fli_value_pid(probe_pid), fli_value_pid(probe_pid)};
	size_t count = 0;
	bool quoted = false;

	for (const char *p = pattern; *p != '\0'; p++) {
		quoted ^= *p == '"';
		count += *p == '~' && !quoted;
	}
	notes[0] = '\0';
	fli_enter(w.node);
	(void)fli_send_spec(w.node, NULL, &to, (fl_spec){pattern, values, count});
	fli_leave(w.node);
	world_settle(&w);
	return notes;
}

#define HEARS(name, pattern, expected) CU_ASSERT_STRING_EQUAL(tell(name, pattern), expected)

/* ---- rex ---------------------------------------------------------------------------------------
 */

static void a_call_is_answered_with_its_value(void)
{
	begin();
	HEARS("rex", "{'$gen_call', {~, tag}, {call, m, f, [1], ~}}", "{tag,1};");
	HEARS("rex", "{'$gen_call', {~, tag}, {block_call, m, f, [{a, b}], user}}", "{tag,{a,b}};");
	world_close(&w);
}

static void outcomes_are_rpcs(void)
{
	begin();
	HEARS("rex", "{'$gen_call', {~, t}, {call, m, f, [{throw, x}], user}}", "{t,x};");
	HEARS("rex", "{'$gen_call', {~, t}, {call, m, f, [{exit, x}], user}}",
		"{t,{badrpc,{'EXIT',x}}};");
	HEARS("rex", "{'$gen_call', {~, t}, {call, m, f, [{error, x}], user}}",
		"{t,{badrpc,{'EXIT',{x,[{m,f,[{error,x}],[]}]}}}};");
	HEARS("rex", "{'$gen_call', {~, t}, {call, m, g, [1, 2], user}}",
		"{t,{badrpc,{'EXIT',{undef,[{m,g,[1,2],[]}]}}}};");
	HEARS("rex", "{'$gen_call', {~, t}, {call, m, f, [{'EXIT', x}], user}}",
		"{t,{badrpc,{'EXIT',x}}};");
	world_close(&w);
}

static void old_clients_get_rex_and_the_result(void)
{
	begin();
	HEARS("rex", "{~, {call, m, f, [1], user}}", "{rex,1};");
	HEARS("rex", "{~, {call, m, f, [1], send_stdout_to_caller}}", "{rex,1};");
	HEARS("rex", "{~, {call, m, f, [{exit, x}], ~}}", "{rex,{badrpc,{'EXIT',x}}};");
	world_close(&w);
}

static void features_are_told(void)
{
	begin();
	HEARS("rex", "{~, features_request}", "{features_reply,test@localhost,[erpc]};");
	world_close(&w);
}

static void sbcast_delivers_and_confirms(void)
{
	begin();
	HEARS("rex", "{~, {sbcast, probe, hello}}", "hello;{rex,test@localhost,test@localhost};");
	HEARS("rex", "{~, {sbcast, nobody, hello}}",
		"{rex,test@localhost,{nonexisting_name,nobody}};");
	HEARS("rex", "{~, {send, nobody, hello}}",
		"{rex,test@localhost,{nonexisting_name,nobody}};");
	world_close(&w);
}

static void casts_run_without_an_answer(void)
{
	begin();
	HEARS("rex", "{'$gen_cast', {cast, m, f, [1], user}}", "");
	HEARS("rex", "{'$gen_cast', {cast, m, f, [{error, boom}], user}}", "");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "m:f, run for another node, failed: {boom,"));
	world_close(&w);
}

static void what_rex_does_not_know_does_not_end_it(void)
{
	begin();
	HEARS("rex", "{~, nonsense}", "");
	HEARS("rex", "nonsense", "");
	HEARS("rex", "{'$gen_cast', nonsense}", "");
	HEARS("rex", "{'$gen_call', {~, t}, stop}", "{t,{badrpc,{'EXIT',badarg}}};");
	HEARS("rex", "{'$gen_call', {~, t}, {call, m, f, [1], user}}", "{t,1};");
	world_close(&w);
}

static void the_calls_that_wait_end_with_rex(void)
{
	fli_fault fault;

	fli_fault_create(&fault, 0);
	begin_with(&fault.mem);
	fli_enter(w.node);
	(void)fli_send_spec(w.node, NULL,
		&(fl_dest){.kind = FL_TO_NAME, .as.name.text = fl_atom_of("rex")},
		fl_spec("{'$gen_call', {~, t}, {call, m, f, [1], user}}", probe_pid));
	fli_leave(w.node);
	world_close(&w);
	CU_ASSERT_EQUAL(fault.live, 0);
}

static void memory_that_runs_out_ends_a_call_alone(void)
{
	fli_fault fault;
	long hit = 1;

	for (long n = 1; hit; n++) {
		fli_fault_create(&fault, 0);
		begin_with(&fault.mem);
		atomic_store(&fault.countdown, n);
		(void)tell("rex", "{'$gen_call', {~, t}, {call, m, f, [1], ~}}");
		hit = fault.was_hit;
		atomic_store(&fault.countdown, 0);
		world_close(&w);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
}

/* ---- the worker --------------------------------------------------------------------------------
 */

/* Runs M:F(Args) in a worker that the probe watches, and gives the reason it ends with. */
static const char *reason_of(const char *module, const char *function, const char *args)
{
	fl_buf built = FL_BUF_INIT;
	fli_worker start = {.module = fl_atom_of(module), .function = fl_atom_of(function)};
	fl_proc *watcher, *proc;
	fl_ref ref;
	const char *end;

	notes[0] = '\0';
	CU_ASSERT_EQUAL(fl_read(&built, args, strlen(args), NULL), FL_OK);
	start.args = fl_buf_term(&built);
	fli_enter(w.node);
	watcher = fli_proc_of(w.node, &probe_pid);
	CU_ASSERT_EQUAL(fli_worker_start(w.node, &start, &proc), FL_OK);
	CU_ASSERT_EQUAL(fl_monitor(watcher, fli_proc_pid(proc), &ref), FL_OK);
	fli_leave(w.node);
	fl_buf_free(&built);
	world_settle(&w);
	end = strstr(notes, "process,<"); /* {'DOWN',#Ref<..>,process,<pid>,Reason}; */
	end = end == NULL ? NULL : strstr(end, ">,");
	return end == NULL ? notes : end + 2;
}

#define ENDS(m, f, a, expected) CU_ASSERT_STRING_EQUAL(reason_of(m, f, a), expected "};")

static void plain_functions_end_as_erlangs_do(void)
{
	begin();
	ENDS("m", "f", "[1]", "normal");
	ENDS("m", "f", "[{exit, bye}]", "bye");
	ENDS("m", "f", "[{throw, x}]", "{{nocatch,x},[{m,f,[{throw,x}],[]}]}");
	ENDS("m", "f", "[{error, x}]", "{x,[{m,f,[{error,x}],[]}]}");
	ENDS("m", "g", "\"ab\"", "{undef,[{m,g,\"ab\",[]}]}");
	world_close(&w);
}

static void execute_call_ends_with_the_outcome(void)
{
	begin();
	ENDS("erpc", "execute_call", "[ref, m, f, [1]]", "{ref,return,1}");
	ENDS("erpc", "execute_call", "[ref, m, f, [{throw, x}]]", "{ref,throw,x}");
	ENDS("erpc", "execute_call", "[ref, m, f, [{exit, x}]]", "{ref,exit,x}");
	ENDS("erpc", "execute_call", "[ref, m, f, [{error, x}]]",
		"{ref,error,x,[{m,f,[{error,x}],[]}]}");
	ENDS("erpc", "execute_call", "[ref, m, f, []]", "{ref,error,undef,[{m,f,[],[]}]}");
	ENDS("erpc", "execute_call", "[ref, 1, f, []]",
		"{ref,error,badarg,[{erlang,apply,[1,f,[]],[]}]}");
	ENDS("erpc", "execute_call", "[ref, m, f, x]", "{ref,error,badarg,[{m,f,x,[]}]}");
	ENDS("erpc", "execute_cast", "[m, f, [1]]", "normal");
	ENDS("erpc", "execute_call", "[ref]", "{badarg,[{erpc,execute_call,[ref],[]}]}");
	world_close(&w);
}

/* ---- user and logger_proxy ----------------------------------------------------------------------
 */

static bool logged(const char *text)
{
	return strstr(w.log, text) != NULL;
}

static void lines_of_user_reach_the_log(void)
{
	begin();
	HEARS("user", "{io_request, ~, 1, {put_chars, unicode, <<\"hello \">>}}",
		"{io_reply,1,ok};");
	CU_ASSERT(!logged("hello"));
	HEARS("user", "{io_request, ~, 2, {put_chars, unicode, io_lib, format, [\"~s~n\", [you]]}}",
		"{io_reply,2,ok};");
	CU_ASSERT(logged("user: hello you"));
	HEARS("user", "{io_request, ~, 3, {put_chars, io_lib, format, [\"~p~n\", []]}}",
		"{io_reply,3,ok};");
	CU_ASSERT(logged("user: \"~p~n\" []"));
	world_close(&w);
}

static void a_line_without_an_end_is_logged_after_a_while(void)
{
	begin();
	(void)tell("user", "{io_request, ~, 1, {put_chars, latin1, \"half\"}}");
	world_pass(&w, FLI_USER_IDLE_MS - 1);
	CU_ASSERT(!logged("half"));
	world_pass(&w, 2);
	CU_ASSERT(logged("user: half"));
	world_close(&w);
}

static void whoever_reads_is_at_the_end_of_the_input(void)
{
	begin();
	HEARS("user", "{io_request, ~, r, {get_line, unicode, \"> \"}}", "{io_reply,r,eof};");
	HEARS("user", "{io_request, ~, r, {get_chars, unicode, '', 3}}", "{io_reply,r,eof};");
	HEARS("user", "{io_request, ~, r, {get_until, unicode, '', m, f, []}}",
		"{io_reply,r,eof};");
	HEARS("user", "{io_request, ~, r, {get_password, unicode}}",
		"{io_reply,r,{error,enotsup}};");
	HEARS("user", "{io_request, ~, r, getopts}",
		"{io_reply,r,[{binary,false},{encoding,unicode}]};");
	HEARS("user", "{io_request, ~, r, {get_geometry, columns}}",
		"{io_reply,r,{error,enotsup}};");
	HEARS("user", "{io_request, ~, r, whatever}", "{io_reply,r,{error,request}};");
	HEARS("user", "{io_request, ~, r, {put_chars, unicode, [a]}}",
		"{io_reply,r,{error,put_chars}};");
	world_close(&w);
}

static void options_are_those_of_a_terminal_that_is_none(void)
{
	begin();
	HEARS("user", "{io_request, ~, r, {setopts, [binary, {encoding, latin1}]}}",
		"{io_reply,r,ok};");
	HEARS("user", "{io_request, ~, r, getopts}",
		"{io_reply,r,[{binary,true},{encoding,latin1}]};");
	HEARS("user", "{io_request, ~, r, {setopts, [list, {encoding, utf8}, {nonsense, 1}]}}",
		"{io_reply,r,{error,enotsup}};");
	HEARS("user", "{io_request, ~, r, getopts}",
		"{io_reply,r,[{binary,true},{encoding,latin1}]};");
	HEARS("user", "{io_request, ~, r, {setopts, [{binary, false}, {encoding, unicode}]}}",
		"{io_reply,r,ok};");
	HEARS("user", "{io_request, ~, r, {setopts, x}}", "{io_reply,r,{error,request}};");
	HEARS("user", "{io_request, ~, r, {get_geometry, rows}}", "{io_reply,r,{error,enotsup}};");
	HEARS("user", "{io_request, ~, r, {get_geometry, x}}", "{io_reply,r,{error,request}};");
	world_close(&w);
}

static void functions_that_word_a_text_are_io_libs(void)
{
	begin();
	HEARS("user", "{io_request, ~, r, {put_chars, unicode, io_lib, write, [{a, 1}]}}",
		"{io_reply,r,ok};");
	HEARS("user", "{io_request, ~, r, {put_chars, unicode, lists, reverse, [\"secret\"]}}",
		"{io_reply,r,{error,put_chars}};");
	HEARS("user", "{io_request, ~, r, {put_chars, unicode, \"\n\"}}", "{io_reply,r,ok};");
	CU_ASSERT(logged("user: {a,1}"));
	CU_ASSERT(!logged("secret"));
	world_close(&w);
}

static void several_requests_stop_at_the_first_error(void)
{
	begin();
	HEARS("user",
		"{io_request, ~, r, {requests, [{put_chars, unicode, \"a\"}, "
		"{requests, [{put_chars, unicode, \"b\\n\"}]}]}}",
		"{io_reply,r,ok};");
	CU_ASSERT(logged("user: ab"));
	HEARS("user",
		"{io_request, ~, r, {requests, [nonsense, {put_chars, unicode, \"never\\n\"}]}}",
		"{io_reply,r,{error,request}};");
	CU_ASSERT(!logged("never"));
	world_close(&w);
}

static void control_characters_cannot_fake_lines(void)
{
	begin();
	(void)tell("user", "{io_request, ~, r, {put_chars, unicode, [$a, 27, $b, 13, $c, 10]}}");
	CU_ASSERT(logged("user: a b c"));
	world_close(&w);
}

static void a_long_line_is_cut_between_characters(void)
{
	begin();
	for (int i = 0; i < 5; i++)
		(void)tell("user", "{io_request, ~, r, {put_chars, unicode, io_lib, format, "
				   "[\"~500c\", [8364]]}}");
	(void)tell("user", "{io_request, ~, r, {put_chars, unicode, \"\\n\"}}");
	CU_ASSERT(logged("\xe2\x82\xac\n"));
	CU_ASSERT(!logged("\xe2\x82\n"));
	world_close(&w);
}

static void log_events_of_others_are_lines(void)
{
	begin();
	(void)tell("logger_proxy", "{log, error, \"died: ~p~n\", [x], #{pid => ~}}");
	CU_ASSERT(logged("from <test@localhost."));
	CU_ASSERT(logged("died: x"));
	(void)tell("logger_proxy", "{log, warning, #{a => 1}, #{}}");
	CU_ASSERT(logged("from another node: #{a => 1}"));
	(void)tell("logger_proxy", "{log, error, \"bad ~p\", [], #{}}");
	CU_ASSERT(logged("\"bad ~p\" []"));
	(void)tell("logger_proxy", "{log, error, #{format => \"f ~p\", args => [y]}, #{}}");
	CU_ASSERT(logged("f y"));
	world_close(&w);
}

FL_SUITE("rex", FL_TEST(a_call_is_answered_with_its_value), FL_TEST(outcomes_are_rpcs),
	FL_TEST(old_clients_get_rex_and_the_result), FL_TEST(features_are_told),
	FL_TEST(sbcast_delivers_and_confirms), FL_TEST(casts_run_without_an_answer),
	FL_TEST(what_rex_does_not_know_does_not_end_it), FL_TEST(the_calls_that_wait_end_with_rex),
	FL_TEST(memory_that_runs_out_ends_a_call_alone), FL_TEST(plain_functions_end_as_erlangs_do),
	FL_TEST(execute_call_ends_with_the_outcome), FL_TEST(lines_of_user_reach_the_log),
	FL_TEST(a_line_without_an_end_is_logged_after_a_while),
	FL_TEST(whoever_reads_is_at_the_end_of_the_input),
	FL_TEST(options_are_those_of_a_terminal_that_is_none),
	FL_TEST(functions_that_word_a_text_are_io_libs),
	FL_TEST(several_requests_stop_at_the_first_error),
	FL_TEST(control_characters_cannot_fake_lines),
	FL_TEST(a_long_line_is_cut_between_characters), FL_TEST(log_events_of_others_are_lines));
