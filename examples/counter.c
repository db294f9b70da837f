/* SPDX-License-Identifier: Apache-2.0 */
/* A counter: get, {add, N}, {echo, Term}, and the cast reset. */
#include <flitch.h>

struct counter {
	int64_t total;
};

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct counter *c = state;
	int64_t by;
	fl_term term;

	if (fl_match(request, "{add, ~}", &by))
		return __builtin_add_overflow(c->total, by, &c->total)
			       ? fl_stop(self, "{overflow, ~}", by)
			       : fl_reply(from, "~", c->total);
	if (fl_match(request, "get"))
		return fl_reply(from, "~", c->total);
	if (fl_match(request, "{echo, ~}", &term))
		return fl_reply(from, "~", term);
	return fl_unhandled(self, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	struct counter *c = state;

	if (!fl_match(message, "reset"))
		return fl_unhandled(self, message);
	c->total = 0;
	return FL_OK;
}

static int on_status(fl_proc *self, const void *state, fl_buf *status)
{
	const struct counter *c = state;

	(void)self; /* the state says it all */
	return fl_build(status, "#{total => ~}", c->total);
}

static const fl_behaviour counter = {
	.name = "counter",
	.state_size = sizeof(struct counter),
	.call = on_call,
	.cast = on_cast,
	.format_status = on_status,
};

FL_MODULE(&counter);
FL_DOCS({"counter", NULL, "Counts."}, {"counter", "call get -> integer()", "The total."},
	{"counter", "call {add, By :: integer()} -> integer()", "Adds to the total, and tells it."},
	{"counter", "call {echo, term()} -> term()", "The same back."},
	{"counter", "cast reset", "Back to zero."});
