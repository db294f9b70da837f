/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counter of which the cluster has one. It moves with its total when its node is stopped, or when
 * it is told to; when its node is lost another one starts at 0, with a greater epoch.
 *     add: {Total, Epoch}; get: Total
 *
 *     GenServer.call({:global, :tally}, {:add, 1})
 *     GenServer.call({:tally_guard, :"c1@127.0.0.1"}, {:move, :"c2@127.0.0.1"})
 */
#include <flitch.h>

struct tally {
	int64_t total;
};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct tally *t = state;
	uint32_t vsn;

	if (fl_match(args, "{handed, _, ~, ~}", &vsn, &t->total) || fl_match(args, "{start, _, _}"))
		return FL_OK;
	return fl_stop(self, "badarg");
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct tally *t = state;
	int64_t by;

	/* a store would be given the epoch with each write, and refuse a lesser one */
	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "{~, ~}", t->total += by, fl_singleton_epoch(self));
	if (fl_match(request, "get"))
		return fl_reply(from, "~", t->total);
	return fl_unhandled(self, request);
}

static int give(fl_proc *self, const void *state, fl_buf *ret_state)
{
	(void)self;
	return fl_build(ret_state, "~", ((const struct tally *)state)->total);
}

static const fl_behaviour tally = {
	.name = "tally", .state_size = sizeof(struct tally), .init = on_init, .call = on_call};
static const fl_singleton singleton = {
	FL_SINGLETON_GUARD("tally_guard"), .server = &tally, .name = "tally", .give = give};

FL_MODULE(&singleton.guard);
