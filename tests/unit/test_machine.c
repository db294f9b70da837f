/* SPDX-License-Identifier: Apache-2.0 */
/* gen_statem's order of events, states and timeouts, without a process. */
#include "node/machine.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/suite.h"

/* A handler of everything, led by the content of the event. */
typedef struct player {
	fli_machine machine;
	fli_fault fault;
	char story[1024];
	uint32_t started, cancelled;
	fl_ref last_tag;
} player;

static void tell(player *p, const char *text)
{
	size_t used = strlen(p->story);

	(void)snprintf(p->story + used, sizeof p->story - used, "%s ", text);
}

static int act(fli_machine *m, fl_term content)
{
	fl_term arg, name;
	uint32_t ms;

	if (fl_match(content, "{go, ~}", &arg))
		return fli_machine_next_state(m, arg);
	if (fl_match(content, "{later, ~}", &arg) && !fl_equal(arg, fli_machine_state(m)))
		return fli_machine_postpone(m);
	if (fl_match(content, "{insert, ~}", &arg))
		return fli_machine_insert(m, FL_EVENT_INTERNAL, arg);
	if (fl_match(content, "{state, ~, ~}", &ms, &arg))
		return fli_machine_timeout_set(
			m, FL_EVENT_STATE_TIMEOUT, arg, &(const fli_machine_when){.ms = ms}, arg);
	if (fl_match(content, "{idle, ~, ~}", &ms, &arg))
		return fli_machine_timeout_set(
			m, FL_EVENT_TIMEOUT, arg, &(const fli_machine_when){.ms = ms}, arg);
	if (fl_match(content, "{named, ~, ~, ~}", &name, &ms, &arg))
		return fli_machine_timeout_set(m, FL_EVENT_GENERIC_TIMEOUT, name,
			&(const fli_machine_when){.ms = ms}, arg);
	if (fl_match(content, "repeat"))
		return fli_machine_repeat(m);
	return fl_match(content, "stop") ? FL_STOP : FL_OK;
}

static int handle(void *ctx, const fl_event *event)
{
	player *p = ctx;
	char state[32], content[64], line[128];

	(void)snprintf(line, sizeof line, "%s:%s%s",
		fl_print_to(state, sizeof state, fli_machine_state(&p->machine)),
		event->type == FL_EVENT_ENTER ? "enter-" : "",
		fl_print_to(content, sizeof content, event->content));
	tell(p, line);
	return event->type == FL_EVENT_ENTER ? FL_OK : act(&p->machine, event->content);
}

static int start(void *ctx, fli_machine_timeout *timeout)
{
	player *p = ctx;

	timeout->tag = (fl_ref){.node = fl_atom_of("n"), .count = 1, .words = {++p->started}};
	p->last_tag = timeout->tag;
	return FL_OK;
}

static void cancel(void *ctx, const fli_machine_timeout *timeout)
{
	(void)timeout;
	((player *)ctx)->cancelled++;
}

static const fli_machine_ops ops = {.handle = handle, .start = start, .cancel = cancel};

static player *begin(bool state_enter, long fail_at)
{
	static player p;
	fl_buf name = FL_BUF_INIT;

	memset(&p, 0, sizeof p);
	fli_fault_create(&p.fault, 0);
	fli_machine_create(&p.machine, &p.fault.mem, NULL);
	p.machine.ops = &ops;
	p.machine.ctx = &p;
	p.machine.state_enter = state_enter;
	(void)fl_build(&name, "a");
	p.machine.state = fli_keep(p.machine.mem, fl_buf_term(&name));
	fl_buf_free(&name);
	atomic_store(&p.fault.countdown, fail_at);
	return &p;
}

static int feed(player *p, const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	fl_event event = {.type = FL_EVENT_CAST};
	fl_error err;
	int rc = fl_read(&buf, text, strlen(text), &err);

	event.content = fl_buf_term(&buf);
	if (rc == FL_OK)
		rc = fli_machine_feed(&p->machine, &event);
	fl_buf_free(&buf);
	return rc;
}

static void end(player *p, const char *story)
{
	CU_ASSERT_STRING_EQUAL(p->story, story);
	if (strcmp(p->story, story) != 0)
		printf("  %s\n  %s\n", p->story, story);
	fli_machine_destroy(&p->machine);
	CU_ASSERT_EQUAL(atomic_load(&p->fault.live), 0);
}

static void postponed_events_come_again_before_what_waits(void)
{
	player *p = begin(false, 0);

	CU_ASSERT_EQUAL(feed(p, "{later, b}"), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "{insert, {later, b}}"), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "{go, b}"), FL_OK);
	end(p, "a:{later,b} a:{insert,{later,b}} a:{later,b} a:{go,b} b:{later,b} b:{later,b} ");
}

static void a_state_that_stays_keeps_postponed_events(void)
{
	player *p = begin(true, 0);

	CU_ASSERT_EQUAL(fli_machine_begin(&p->machine), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "{later, b}"), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "repeat"), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "{go, a}"), FL_OK);
	end(p, "a:enter-a a:{later,b} a:repeat a:enter-a a:{go,a} ");
}

static void state_timeout_ends_with_the_state(void)
{
	player *p = begin(false, 0);
	int rc;

	CU_ASSERT_EQUAL(feed(p, "{state, 10, x}"), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "{named, {n, 1}, 10, y}"), FL_OK);
	CU_ASSERT_EQUAL(p->cancelled, 0);
	CU_ASSERT_EQUAL(feed(p, "{go, b}"), FL_OK);
	CU_ASSERT_EQUAL(p->cancelled, 1);
	CU_ASSERT_TRUE(fli_machine_timed_out(&p->machine, &p->last_tag, &rc));
	CU_ASSERT_FALSE(fli_machine_timed_out(&p->machine, &p->last_tag, &rc));
	end(p, "a:{state,10,x} a:{named,{n,1},10,y} a:{go,b} b:y ");
}

static void event_timeout_ends_with_the_next_event(void)
{
	player *p = begin(false, 0);

	CU_ASSERT_EQUAL(feed(p, "{idle, 10, x}"), FL_OK);
	CU_ASSERT_EQUAL(feed(p, "other"), FL_OK);
	CU_ASSERT_EQUAL(p->cancelled, 1);
	CU_ASSERT_EQUAL(feed(p, "{idle, 0, now}"), FL_OK);
	end(p, "a:{idle,10,x} a:other a:{idle,0,now} a:now ");
}

static void timeout_of_zero_comes_after_inserted_events(void)
{
	player *p = begin(false, 0);

	CU_ASSERT_EQUAL(feed(p, "{insert, {state, 0, {insert, x}}}"), FL_OK);
	end(p, "a:{insert,{state,0,{insert,x}}} a:{state,0,{insert,x}} a:{insert,x} a:x ");
}

static void an_enter_call_may_not_postpone(void)
{
	player *p = begin(true, 0);

	p->machine.is_entering = true;
	CU_ASSERT_EQUAL(fli_machine_postpone(&p->machine), FL_EMISUSE);
	CU_ASSERT_EQUAL(fli_machine_insert(&p->machine, FL_EVENT_CAST, (fl_term){.data = NULL}),
		FL_EMISUSE);
	CU_ASSERT_TRUE(p->machine.misused);
	end(p, "");
}

static void a_call_cannot_be_inserted(void)
{
	player *p = begin(false, 0);

	CU_ASSERT_EQUAL(fli_machine_insert(&p->machine, FL_EVENT_CALL, (fl_term){.data = NULL}),
		FL_EMISUSE);
	CU_ASSERT_EQUAL(fli_machine_insert(&p->machine, FL_EVENT_ENTER, (fl_term){.data = NULL}),
		FL_EMISUSE);
	end(p, "");
}

static void events_are_limited(void)
{
	player *p = begin(false, 0);

	p->machine.events_count = FL_STATEM_EVENTS_MAX;
	CU_ASSERT_EQUAL(feed(p, "{later, b}"), FL_ELIMIT);
	p->machine.events_count = 0;
	p->machine.timeouts_count = FL_STATEM_EVENTS_MAX;
	CU_ASSERT_EQUAL(feed(p, "{state, 1, x}"), FL_ELIMIT);
	p->machine.timeouts_count = 0;
	end(p, "a:{later,b} a:{state,1,x} ");
}

static void a_handler_that_stops_leaves_the_rest(void)
{
	player *p = begin(false, 0);

	CU_ASSERT_EQUAL(feed(p, "{insert, stop}"), FL_STOP);
	end(p, "a:{insert,stop} a:stop ");
}

/* Whatever allocation fails, the machine says so and gives back all. */
static void out_of_memory_is_told(void)
{
	static const char *const script[] = {"{later, b}", "{named, n, 5, x}", "{named, n, 9, y}",
		"{insert, {later, b}}", "{state, 0, {insert, x}}", "{go, b}"};
	bool hit = true;

	for (long n = 1; hit && n < 200; n++) {
		player *p = begin(true, n);
		int rc = fli_machine_begin(&p->machine);

		for (size_t i = 0; rc == FL_OK && i < sizeof script / sizeof *script; i++)
			rc = feed(p, script[i]);
		hit = atomic_load(&p->fault.was_hit);
		CU_ASSERT_EQUAL(rc, hit ? FL_ENOMEM : FL_OK);
		fli_machine_destroy(&p->machine);
		CU_ASSERT_EQUAL(atomic_load(&p->fault.live), 0);
	}
	CU_ASSERT_FALSE(hit);
}

FL_SUITE("machine", FL_TEST(postponed_events_come_again_before_what_waits),
	FL_TEST(a_state_that_stays_keeps_postponed_events),
	FL_TEST(state_timeout_ends_with_the_state), FL_TEST(event_timeout_ends_with_the_next_event),
	FL_TEST(timeout_of_zero_comes_after_inserted_events),
	FL_TEST(an_enter_call_may_not_postpone), FL_TEST(a_call_cannot_be_inserted),
	FL_TEST(events_are_limited), FL_TEST(a_handler_that_stops_leaves_the_rest),
	FL_TEST(out_of_memory_is_told));
