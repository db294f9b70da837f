/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/actor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/suite.h"

char actor_notes[8192];
static actor_fn *next_fn;

void actor_note(const char *format, ...)
{
	size_t used = strlen(actor_notes);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(actor_notes + used, sizeof actor_notes - used, format, args);
	va_end(args);
}

static void note_message(const char *name, fl_term message)
{
	char object_text[256], text[512];
	fl_term object, reason;

	if (fl_match(message, "{'DOWN', _, process, ~, ~}", &object, &reason))
		actor_note("%s: DOWN %s %s;", name,
			fl_print_to(object_text, sizeof object_text, object),
			fl_print_to(text, sizeof text, reason));
	else if (fl_match(message, "{'EXIT', ~, ~}", &object, &reason))
		actor_note("%s: EXIT %s %s;", name,
			fl_print_to(object_text, sizeof object_text, object),
			fl_print_to(text, sizeof text, reason));
	else
		actor_note("%s: %s;", name, fl_print_to(text, sizeof text, message));
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	char name[64];

	(void)state;
	if (fl_match(message, "act"))
		return next_fn(self);
	note_message(fli_proc_text(self, name, sizeof name), message);
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	if (fl_match(request, "later"))
		return fl_later(self, from);
	if (fl_match(request, "self_send"))
		(void)fl_send(self, fl_self(self), "from_myself");
	if (fl_match(request, "stop")) {
		(void)fl_reply(from, "bye");
		return fl_stop(self, "normal");
	}
	return fl_reply(from, "~", request);
}

const fl_behaviour actor = {.name = "actor", .info = on_info, .call = on_call};
const fl_behaviour trapper = {
	.name = "trapper", .info = on_info, .call = on_call, .trap_exit = true};

void actor_open(world *w)
{
	actor_notes[0] = '\0';
	world_open(w, fli_mem_libc());
}

void actor_do(world *w, const char *name, actor_fn *fn)
{
	actor_notes[0] = '\0';
	next_fn = fn;
	world_send(w, name, "act");
}

bool actor_do_at(world *w, const fl_pid *pid, actor_fn *fn)
{
	fl_dest to = fl_to_pid(*pid);
	int rc;

	actor_notes[0] = '\0';
	next_fn = fn;
	fli_enter(w->node);
	rc = fli_send_spec(w->node, NULL, &to, fl_spec("act"));
	fli_leave(w->node);
	world_settle(w);
	return rc == FL_OK;
}

static bool scarce_once(world *w, void (*scene)(void), long n)
{
	fli_fault fault;

	fli_fault_create(&fault, 0);
	actor_notes[0] = '\0';
	world_open(w, &fault.mem);
	(void)world_start(w, &actor, "a", NULL);
	(void)world_start(w, &actor, "b", NULL);
	fault.countdown = n;
	scene();
	fault.countdown = 0;
	world_close(w);
	CU_ASSERT_EQUAL(fault.live, 0);
	return fault.was_hit;
}

void actor_scarce(world *w, void (*scene)(void))
{
	long n = 1;

	while (n < 400 && scarce_once(w, scene, n))
		n++;
	CU_ASSERT_TRUE(n > 10);
	CU_ASSERT_TRUE(n < 400);
}
