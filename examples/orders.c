/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that tell of themselves, and who counts them: `totals`, or any process elsewhere.
 *     GenServer.call({:orders, node}, {:order, item, price})    ok | {error, einval}
 *     :erpc.call(node, :telemetry_test, :attach_event_handlers, [self(), [[:shop, :order, :stop]]])
 */
#include <flitch.h>

static int order(fl_proc *self, void *price, fl_buf *metadata)
{
	(void)self;
	return *(int64_t *)price < 0 ? FL_EINVAL
				     : fl_build(metadata, "#{price => ~}", *(int64_t *)price);
}

static int orders_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	int64_t price;
	fl_term item;

	(void)state; /* it has none */
	if (!fl_match(request, "{order, ~, ~}", &item, &price))
		return fl_unhandled(self, request);
	if (fl_telemetry_span(self, "[shop, order]", order, &price, "#{item => ~}", item) != FL_OK)
		return fl_reply(from, "{error, einval}");
	return fl_reply(from, "ok");
}

static int totals_init(fl_proc *self, void *state, fl_term args)
{
	static const char *const events[] = {"[shop, order, stop]", NULL};

	(void)state, (void)args; /* zeroed; none */
	return fl_telemetry_subscribe(self, events, NULL);
}

static int totals_info(fl_proc *self, void *state, fl_term message)
{
	int64_t *totals = state, price = 0;

	(void)self;
	totals[0] += fl_match(message, "{[_, _, stop], _, _, #{price => ~}}", &price);
	totals[1] += price;
	return FL_OK;
}

static int totals_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	const int64_t *totals = state;

	(void)self, (void)request; /* whatever is asked */
	return fl_reply(from, "{~, ~}", totals[0], totals[1]);
}

static const fl_behaviour orders = {.name = "orders", .call = orders_call};
static const fl_behaviour totals = {.name = "totals",
	.state_size = 2 * sizeof(int64_t),
	.init = totals_init,
	.call = totals_call,
	.info = totals_info};
FL_MODULE(&totals, &orders);
