/* SPDX-License-Identifier: Apache-2.0 */
/* Answers any call with its own request, swallows casts. */
#include <flitch.h>

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self; /* there is nothing to keep */
	(void)state;
	return fl_reply(from, "~", request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

static const fl_behaviour echo = {.name = "echo", .call = on_call, .cast = on_cast};

FL_MODULE(&echo);
