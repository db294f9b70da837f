/* SPDX-License-Identifier: Apache-2.0 */
/* The server whose twin in Erlang is in t_sys.erl: each slot once, a state to convert. */
#include <flitch.h>

struct changed {
	int64_t total;
	fl_from later;
};

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct changed *c = state;
	int64_t by;

	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", c->total += by);
	if (fl_match(request, "get"))
		return fl_reply(from, "~", c->total);
	if (!fl_match(request, "later"))
		return fl_unhandled(self, request);
	c->later = from;
	(void)fl_send(self, fl_self(self), "answer"); /* to itself: there is somebody */
	return fl_later(self, from);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	struct changed *c = state;

	if (fl_match(message, "idle"))
		fl_next_timeout(self, 1);
	else if (fl_match(message, "continue"))
		return fl_next_continue(self, "more");
	else
		c->total = 0;
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct changed *c = state;

	(void)self; /* nothing to ask of it */
	if (fl_match(message, "answer"))
		return fl_reply(c->later, "~", c->total);
	return FL_OK;
}

static int on_code_change(fl_proc *self, void *state, fl_term old_vsn)
{
	struct changed *c = state;

	if (fl_match(old_vsn, "bad"))
		return fl_stop(self, "nope");
	c->total += 1000;
	return FL_OK;
}

static int on_status(fl_proc *self, const void *state, fl_buf *status)
{
	const struct changed *c = state;

	(void)self; /* the state says it all */
	return fl_build(status, "~", c->total);
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	(void)self, (void)state, (void)what; /* that it was called is all there is to see */
	return FL_OK;
}

static const fl_behaviour changed = {
	.name = "changed",
	.state_size = sizeof(struct changed),
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.continue_ = on_continue,
	.code_change = on_code_change,
	.format_status = on_status,
};

FL_MODULE(&changed);
