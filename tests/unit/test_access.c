/* SPDX-License-Identifier: Apache-2.0 */
/* What a node may ask supervisors for, by its name, and what it gets by no detour. */
#include "node/access.h"

#include <stdio.h>
#include <string.h>

#include "flitch/task.h"
#include "node/export.h"
#include "node/natives.h"
#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;
static bool has_run;

static const fl_behaviour *const offers[] = {&actor, NULL};
static const fl_supervisor flags = {.strategy = FL_ONE_FOR_ONE, .offers = offers};
static const fl_behaviour tree = {.name = "tree", .supervisor = &flags};

static int work(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self;
	(void)args;
	has_run = true;
	return fl_build(result, "done");
}

static const fl_export exports[] = {{"m", "work", 0, work}};

/* `words`: what b@h may; functions are strict with it. */
static void open_world(const char *allow, uint32_t words)
{
	const fli_access_rule rule = {
		.nodes = "b@*", .profile = FLI_RPC_STRICT, .allow = allow, .words = words};

	actor_open(&w);
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	has_run = false;
	fli_enter(w.node);
	CU_ASSERT_EQUAL(fli_exports_add(w.node, exports, 1, FLI_EXPORT_DEFAULT), FL_OK);
	CU_ASSERT_EQUAL(fli_natives_sup(w.node), FL_OK);
	CU_ASSERT_EQUAL(fli_access_set(w.node, &rule, 1, FLI_ACCESS_ALL), FL_OK);
	fli_leave(w.node);
	(void)world_start(&w, &tree, "tree", NULL);
	(void)world_start(&w, &fl_task_supervisor, "tasks", NULL);
}

static void close_world(void)
{
	fake_remote_detach(&w);
	world_close(&w);
}

/* As a process of b@h; what it is answered is in the notes. */
static void come(const char *name, const char *message)
{
	actor_notes[0] = '\0';
	fli_enter(w.node);
	fli_remote_reg_send(w.node, &fake.peer, fl_atom_of(name), fake_payload(message));
	fli_leave(w.node);
	world_settle(&w);
}

/* The same as a call. */
static void ask(const char *name, const char *request)
{
	const fli_payload *what = fake_payload(request);
	fli_walked walked;
	fli_payload call = {.walked = &walked};
	fl_buf buf = FL_BUF_INIT;

	actor_notes[0] = '\0';
	(void)fl_build(&buf, "{'$gen_call', {~, tag}, ~}", fake_pid(7),
		fli_term(w.node, what->data, what->walked->size));
	CU_ASSERT_TRUE_FATAL(fli_walk(buf.data, buf.size, NULL, &walked));
	call.data = buf.data;
	fli_enter(w.node);
	fli_remote_reg_send(w.node, &fake.peer, fl_atom_of(name), &call);
	fli_leave(w.node);
	world_settle(&w);
	fl_buf_free(&buf);
}

#define SAYS(part) CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, part))

#define KID "{kid, {actor, start_link, []}, permanent, 5000, worker, [actor]}"
#define TASK                                                                                       \
	"{start_task, [{b@h, <b@h.1.0>, <b@h.1.0>}, [<b@h.1.0>], {m, work, []}], temporary, 5000}"

static const struct {
	const char *request, *word;
} requests[] = {
	{"which_children", "which_children"},
	{"count_children", "which_children"},
	{"{which_child, kid}", "which_children"},
	{"{get_childspec, kid}", "get_childspec"},
	{"{start_child, " KID "}", "start_child"},
	{"{terminate_child, kid}", "terminate_child"},
	{"{restart_child, kid}", "restart_child"},
	{"{delete_child, kid}", "delete_child"},
};

static void requests_of_a_supervisor_are_open_by_their_words(void)
{
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		char refusal[64];

		(void)snprintf(refusal, sizeof refusal, "{tag,{error,{notsup,<<\"%s is not open",
			requests[i].word);
		open_world(NULL, FLI_ACCESS_ALL & ~fli_access_bit(requests[i].word));
		ask("tree", requests[i].request);
		SAYS(refusal);
		CU_ASSERT_EQUAL(w.node->access->refused_words, 1);
		close_world();
		open_world(NULL, fli_access_bit(requests[i].word));
		ask("tree", requests[i].request);
		SAYS("{tag,");
		CU_ASSERT_PTR_NULL(strstr(actor_notes, "notsup"));
		close_world();
	}
}

static void what_is_not_open_does_nothing(void)
{
	open_world(NULL, 0);
	ask("tree", "{start_child, " KID "}");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "start_child was refused to b@h"));
	ask("tasks", TASK);
	CU_ASSERT_FALSE(has_run);
	ask("tree", "nonsense");
	SAYS("{tag,{error,unknown_call}}");
	CU_ASSERT_EQUAL(w.node->access->refused_words, 2);
	close_world();
}

/* The task is a process of this node, which may more. */
static void a_task_runs_nothing_that_its_caller_may_not(void)
{
	uint32_t words = fli_access_bit("start_child");

	open_world(NULL, words);
	ask("tasks", TASK);
	SAYS("{tag,{error,{notsup,<<\"the function of this task is not open");
	CU_ASSERT_FALSE(has_run);
	CU_ASSERT_EQUAL(w.node->access->refused_functions, 1);
	close_world();
	open_world("m:work", words);
	ask("tasks", TASK);
	SAYS("{tag,{ok,<");
	CU_ASSERT_TRUE(has_run);
	close_world();
}

/* Runs a function for whoever sent its name. */
static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_buf result = FL_BUF_INIT;
	char text[400];
	fli_mfa mfa;
	int class;

	(void)state;
	if (!fl_match(message, "{~, ~, ~}", &mfa.module, &mfa.function, &mfa.args))
		return FL_OK;
	class = fli_apply(self, &mfa, &result);
	actor_note("%d %s;", class, fl_print_to(text, sizeof text, fl_buf_term(&result)));
	fl_buf_free(&result);
	return FL_OK;
}

static const fl_behaviour runner = {.name = "runner", .info = on_info};

static void a_function_is_no_way_around_a_word(void)
{
	open_world("supervisor:*", fli_access_bit("which_children"));
	(void)world_start(&w, &runner, "runner", NULL);
	come("runner", "{supervisor, which_children, [tree]}");
	CU_ASSERT_STRING_EQUAL(actor_notes, "0 [];");
	come("runner", "{supervisor, start_child, [tree, " KID "]}");
	SAYS("{error,{notsup,<<\"start_child is not open");
	close_world();
}

static void refused_function_is_logged_with_what_to_do(void)
{
	open_world(NULL, 0);
	(void)world_start(&w, &runner, "runner", NULL);
	come("runner", "{m, work, []}");
	SAYS(" undef;");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log,
		"m:work/0 was refused to b@h: the rule of `access` for that node does not list it"));
	CU_ASSERT_EQUAL(w.node->access->refused_functions, 1);
	come("runner", "{m, unknown, []}");
	SAYS(" undef;");
	CU_ASSERT_EQUAL(w.node->access->refused_functions, 1); /* there is none to open */
	CU_ASSERT_PTR_NULL(strstr(w.log, "unknown"));
	close_world();
}

FL_SUITE("access", FL_TEST(requests_of_a_supervisor_are_open_by_their_words),
	FL_TEST(what_is_not_open_does_nothing),
	FL_TEST(a_task_runs_nothing_that_its_caller_may_not),
	FL_TEST(a_function_is_no_way_around_a_word),
	FL_TEST(refused_function_is_logged_with_what_to_do));
