/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shop as a supervision tree: its stock, and orders that come and go. Orders know what was in
 * stock when they began, so they end with it: rest_for_one.
 *     shop --- stock            {take, N}: {ok, Left} | sold_out
 *       `----- orders --- ...   DynamicSupervisor.start_child({orders, node}, an order's
 * child_spec)
 */
#include <flitch.h>

struct stock {
	int64_t pieces;
};

static int stock_init(fl_proc *self, void *state, fl_term args)
{
	struct stock *s = state;

	return fl_match(args, "~", &s->pieces) ? FL_OK : fl_stop(self, "badarg");
}

static int stock_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct stock *s = state;
	int64_t count;

	if (!fl_match(request, "{take, ~}", &count) || count < 0)
		return fl_unhandled(self, request);
	if (count > s->pieces)
		return fl_reply(from, "sold_out");
	return fl_reply(from, "{ok, ~}", s->pieces -= count);
}

/* Started by whoever orders, with how many: without stock there is no order. */
static int order_init(fl_proc *self, void *state, fl_term args)
{
	fl_term reply;

	(void)state; /* what it does next is another example */
	if (fl_call(self, "stock", 5000, &reply, "{take, ~}", args) != FL_OK)
		return fl_stop(self, "no_stock");
	return fl_match(reply, "sold_out") ? FL_IGNORE : FL_OK;
}

static const fl_behaviour stock = {.name = "stock",
	.state_size = sizeof(struct stock),
	.init = stock_init,
	.call = stock_call};
static const fl_behaviour order = {.name = "order", .init = order_init};
static const fl_behaviour orders = {.name = "orders",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC,
		.max_children = 1000,
		.offers = (const fl_behaviour *const[]){&order, NULL}}};
static const fl_behaviour shop = {.name = "shop",
	.supervisor = &(const fl_supervisor){.strategy = FL_REST_FOR_ONE,
		.children =
			(const fl_child[]){{.behaviour = &stock, .args = "100", .name = "stock"},
				{.behaviour = &orders, .name = "orders"}, {0}}}};

FL_MODULE(&shop);
