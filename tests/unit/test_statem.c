/* SPDX-License-Identifier: Apache-2.0 */
/* What a state machine may not ask for; what it may is compared with gen_statem from a BEAM. */
#include <flitch.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/actor.h"
#include "tests/support/suite.h"

struct small {
	int64_t n;
};

struct large {
	int64_t n[100];
};

static world w;
static int wants_in_enter;
static int got;

static int on_event(fl_proc *self, void *data, const fl_event *event);

static const fl_behaviour other = {.name = "other",
	.state_size = sizeof(struct small),
	.statem = &(const fl_statem){.handle_event = on_event}};
static const fl_behaviour too_large = {.name = "too_large",
	.state_size = sizeof(struct large),
	.statem = &(const fl_statem){.handle_event = on_event}};
static const fl_behaviour no_statem = {.name = "no_statem"};

static int do_op(fl_proc *self, fl_term op)
{
	int rc = FL_OK;

	if (fl_match(op, "push_all"))
		while (rc == FL_OK && got++ < 100)
			rc = fl_push_statem(self, &other);
	else if (fl_match(op, "pop"))
		rc = fl_pop_statem(self);
	else if (fl_match(op, "too_large"))
		rc = fl_change_statem(self, &too_large);
	else if (fl_match(op, "push_too_large"))
		rc = fl_push_statem(self, &too_large);
	else if (fl_match(op, "no_statem"))
		rc = fl_change_statem(self, &no_statem);
	else if (fl_match(op, "far"))
		rc = fl_state_timeout_at(self, fl_now_ms(self) + UINT32_MAX, "x");
	return rc;
}

static int on_event(fl_proc *self, void *data, const fl_event *event)
{
	int rc;

	(void)data;
	if (event->type == FL_EVENT_ENTER) {
		if (wants_in_enter == 0)
			return FL_OK;
		rc = wants_in_enter == 1 ? fl_change_statem(self, &other) : fl_pop_statem(self);
		actor_note("%d;", rc);
		return FL_OK;
	}
	rc = do_op(self, event->content);
	actor_note("%d;", rc);
	return fl_match(event->content, "next") ? fl_next_state(self, "b") : FL_OK;
}

static const fl_behaviour machine = {.name = "machine",
	.state_size = sizeof(struct small),
	.statem = &(const fl_statem){
		.states = (const fl_state[]){{"a", on_event}, {"b", on_event}, {NULL, NULL}},
		.state_enter = true}};

static void begin(int enter)
{
	actor_open(&w);
	wants_in_enter = 0;
	got = 0;
	(void)world_start(&w, &machine, "m", NULL);
	(void)world_start(&w, &actor, "a", NULL);
	world_settle(&w);
	wants_in_enter = enter;
}

#define GIVES(op, rc)                                                                              \
	do {                                                                                       \
		char text[16];                                                                     \
		(void)snprintf(text, sizeof text, "%d;", (rc));                                    \
		actor_notes[0] = '\0';                                                             \
		world_send(&w, "m", op);                                                           \
		CU_ASSERT_STRING_EQUAL(actor_notes, text);                                         \
	} while (0)

static void module_that_does_not_fit_is_refused(void)
{
	begin(0);
	GIVES("too_large", FL_EINVAL);
	GIVES("push_too_large", FL_EINVAL);
	GIVES("no_statem", FL_EINVAL);
	GIVES("pop", FL_ENOENT);
	world_close(&w);
}

static void modules_below_are_limited(void)
{
	begin(0);
	GIVES("push_all", FL_ELIMIT);
	CU_ASSERT_EQUAL(got, FL_STATEM_MODULES_MAX + 1);
	for (int i = 0; i < FL_STATEM_MODULES_MAX; i++)
		GIVES("pop", FL_OK);
	GIVES("pop", FL_ENOENT);
	world_close(&w);
}

static void enter_call_may_not_change_the_module(void)
{
	for (int how = 1; how <= 2; how++) {
		begin(how);
		world_send(&w, "m", "next");
		CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "bad_state_enter_action_from_state_function"));
		world_close(&w);
	}
}

static void time_too_far_is_refused(void)
{
	begin(0);
	GIVES("far", FL_EINVAL);
	world_close(&w);
}

static int ask_as_an_actor(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_change_statem(self, &other), FL_EMISUSE);
	CU_ASSERT_EQUAL(fl_push_statem(self, &other), FL_EMISUSE);
	CU_ASSERT_EQUAL(fl_pop_statem(self), FL_EMISUSE);
	CU_ASSERT_EQUAL(fl_state_timeout_at(self, 1, "x"), FL_EMISUSE);
	return FL_OK;
}

static void who_is_no_state_machine_has_no_modules(void)
{
	begin(0);
	actor_do(&w, "a", ask_as_an_actor);
	world_close(&w);
}

FL_SUITE("statem", FL_TEST(module_that_does_not_fit_is_refused), FL_TEST(modules_below_are_limited),
	FL_TEST(enter_call_may_not_change_the_module), FL_TEST(time_too_far_is_refused),
	FL_TEST(who_is_no_state_machine_has_no_modules));
