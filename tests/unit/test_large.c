/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are held beyond their handler, and answers from memory of their own. */
#include "flitch/large.h"

#include "node/runtime.h"
#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static fl_held held[2], many[300];
static size_t held_count;
static const uint8_t *came_at; /* the request, as the handler was given it */
static fl_from asked;

static void hold_it(fl_proc *self, fl_term term, fl_held *ret_held)
{
	CU_ASSERT_EQUAL(fl_hold(self, term, ret_held), FL_OK);
	came_at = term.data;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term part;

	(void)state;
	if (fl_match(request, "{hold, ~}", &part)) {
		hold_it(self, request, &held[0]);
		hold_it(self, part, &held[1]);
		return fl_reply(from, "held");
	}
	if (fl_match(request, "{hold_and_wait, _}")) {
		hold_it(self, request, &held[0]);
		asked = from;
		return fl_later(self, from);
	}
	while (held_count < sizeof many / sizeof *many)
		hold_it(self, request, &many[held_count++]);
	return fl_reply(from, "~", held_count);
}

/* What is no part of the message. */
static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_buf buf = FL_BUF_INIT;

	(void)state;
	(void)message;
	(void)fl_build(&buf, "{its, own}");
	hold_it(self, fl_buf_term(&buf), &held[0]);
	fl_buf_free(&buf);
	return FL_OK;
}

static const fl_behaviour keeper = {.name = "keeper", .call = on_call, .info = on_info};

static int ask_and_note(fl_proc *self, const char *question)
{
	fl_term answer;
	char text[100];

	CU_ASSERT_EQUAL(fl_call(self, "k", 1000, &answer, "{~, {some, <<\"bytes\">>, 17}}",
				fl_atom_of(question)),
		FL_OK);
	actor_note("%s;", fl_print_to(text, sizeof text, answer));
	return FL_OK;
}

static int ask_to_hold(fl_proc *self)
{
	return ask_and_note(self, "hold");
}

static int ask_for_many(fl_proc *self)
{
	return ask_and_note(self, "often");
}

static int ask_to_wait(fl_proc *self)
{
	fl_ref ref;

	return fl_request(self, "k", &ref, "{hold_and_wait, <<\"bytes\">>}");
}

static void open_both(void)
{
	actor_open(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &keeper, "k", NULL);
	held_count = 0;
}

static void check(const fl_held *one, const char *expected)
{
	char text[100];

	CU_ASSERT_STRING_EQUAL(fl_print_to(text, sizeof text, one->term), expected);
}

static void a_held_message_stays_where_it_came(void)
{
	open_both();
	actor_do(&w, "a", ask_to_hold);
	CU_ASSERT_STRING_EQUAL(actor_notes, "held;");
	world_settle(&w);
	CU_ASSERT_PTR_EQUAL(held[1].term.data, came_at);
	check(&held[0], "{hold,{some,<<\"bytes\">>,17}}");
	fl_release(&held[0]);
	check(&held[1], "{some,<<\"bytes\">>,17}");
	fl_release(&held[1]);
	CU_ASSERT_PTR_NULL(held[1].term.data);
	fl_release(&held[1]); /* once more is nothing */
	world_close(&w);
}

static void it_stays_when_its_process_ends(void)
{
	fli_reason_atom atom;

	open_both();
	actor_do(&w, "a", ask_to_wait);
	world_settle(&w);
	CU_ASSERT_PTR_EQUAL(held[0].term.data, came_at);
	CU_ASSERT_TRUE(fl_from_alive(asked));
	fli_enter(w.node);
	fli_proc_exit(fli_name_find(w.node, fl_atom_of("k")), fli_reason_of(&atom, "killed"));
	fli_leave(w.node);
	world_settle(&w);
	check(&held[0], "{hold_and_wait,<<\"bytes\">>}");
	fl_release(&held[0]);
	world_close(&w);
}

static void what_is_not_of_the_message_is_copied(void)
{
	open_both();
	world_send(&w, "k", "go");
	world_settle(&w);
	CU_ASSERT_PTR_NOT_EQUAL(held[0].term.data, came_at);
	check(&held[0], "{its,own}");
	fl_release(&held[0]);
	world_close(&w);
}

static void it_may_be_held_often(void)
{
	open_both();
	actor_do(&w, "a", ask_for_many);
	CU_ASSERT_STRING_EQUAL(actor_notes, "300;");
	CU_ASSERT_PTR_EQUAL(many[254].term.data, came_at);
	CU_ASSERT_PTR_NOT_EQUAL(many[255].term.data, came_at);
	for (size_t i = 0; i < held_count; i++) {
		check(&many[i], "{often,{some,<<\"bytes\">>,17}}");
		fl_release(&many[i]);
	}
	world_close(&w);
}

/* ---- blobs ----------------------------------------------------------------------------------- */

static int answer_code;

static int answer_blob(fl_from from, const char *size)
{
	fl_blob blob;

	CU_ASSERT_EQUAL(fl_blob_make(from.node, 100, &blob), FL_OK);
	memset(blob.data, 'x', blob.size);
	CU_ASSERT_EQUAL(fl_blob_resize(&blob, (size_t)(size[0] - '0')), FL_OK);
	answer_code = fl_reply_blob(from, &blob, "{ok, ~, ~}", 7, fl_blob_bin(&blob));
	CU_ASSERT_PTR_NULL(blob.data);
	return FL_OK;
}

static int misuse(fl_from from, const char *pattern)
{
	fl_blob blob = {.node = NULL};

	CU_ASSERT_EQUAL(fl_blob_make(from.node, 1, &blob), FL_OK);
	blob.data[0] = 'x';
	CU_ASSERT_EQUAL(fl_reply_blob(from, &blob, pattern, fl_blob_bin(&blob)), FL_EMISUSE);
	CU_ASSERT_PTR_NULL(blob.data);
	return FL_OK;
}

static int answering(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_blob none = {.node = NULL};

	(void)self;
	(void)state;
	if (fl_match(request, "{three, _}"))
		return answer_blob(from, "3");
	if (fl_match(request, "{nothing, _}"))
		return answer_blob(from, "0");
	(void)misuse(from, "{ok, ~, <<>>}");
	(void)misuse(from, "#{ok => ~}");
	(void)misuse(from, "{ok, '~'}");
	(void)misuse(from, "{~, $~}");
	CU_ASSERT_EQUAL(fl_reply_blob(from, &none, "~", 1), FL_EMISUSE);
	(void)fl_reply(from, "refused");
	(void)answer_blob(from, "1");
	return FL_OK;
}

static const fl_behaviour maker = {.name = "maker", .call = answering};

static int ask_three(fl_proc *self)
{
	return ask_and_note(self, "three");
}

static int ask_nothing(fl_proc *self)
{
	return ask_and_note(self, "nothing");
}

static int ask_wrong(fl_proc *self)
{
	return ask_and_note(self, "wrong");
}

static void a_blob_is_an_answer(void)
{
	actor_open(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &maker, "k", NULL);
	actor_do(&w, "a", ask_three);
	CU_ASSERT_STRING_EQUAL(actor_notes, "{ok,7,<<\"xxx\">>};");
	CU_ASSERT_EQUAL(answer_code, FL_OK);
	actor_do(&w, "a", ask_nothing);
	CU_ASSERT_STRING_EQUAL(actor_notes, "{ok,7,<<>>};");
	actor_do(&w, "a", ask_wrong);
	CU_ASSERT_STRING_EQUAL(actor_notes, "refused;");
	CU_ASSERT_EQUAL(answer_code, FL_EALREADY);
	world_close(&w);
}

FL_SUITE("large", FL_TEST(a_held_message_stays_where_it_came),
	FL_TEST(it_stays_when_its_process_ends), FL_TEST(what_is_not_of_the_message_is_copied),
	FL_TEST(it_may_be_held_often), FL_TEST(a_blob_is_an_answer));
