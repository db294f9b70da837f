/* SPDX-License-Identifier: Apache-2.0 */
/* Before a server that may be slow or away: what is asked goes on to `bank`, 20 times a second, one
 * at a time, and not for 300 ms after three failures. sys:get_state shows the breaker.
 *     GenServer.call({:gateway, node}, q)   its answer | {error, too_many | full | open | failed}
 */
#include <flitch.h>

struct gateway {
	fl_rate rate;
	fl_bulkhead bulkhead;
	fl_breaker breaker;
	fl_from from; /* who waits for the bank */
};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)self, (void)args; /* it has none */
	*(struct gateway *)state = (struct gateway){.rate.per_second = 20,
		.breaker = {.failures_max = 2, .window_ms = 10000, .open_ms = 300}};
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct gateway *g = state;

	if (fl_rate_take(&g->rate, fl_now_ms(self), 1) > 0)
		return fl_reply(from, "{error, too_many}");
	if (fl_bulkhead_enter(&g->bulkhead) != FL_BULKHEAD_GO)
		return fl_reply(from, "{error, full}");
	if (!fl_breaker_ask(&g->breaker, fl_now_ms(self)))
		return (void)fl_bulkhead_leave(&g->bulkhead), fl_reply(from, "{error, open}");
	g->from = from;
	return fl_request(self, "bank", NULL, "~", request) ? FL_STOP : fl_later(self, from);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct gateway *g = state;
	fl_term answer;
	bool is_good = fl_match(message, "{_, ~}", &answer);

	fl_breaker_tell(&g->breaker, fl_now_ms(self), is_good);
	(void)fl_bulkhead_leave(&g->bulkhead); /* nobody waits */
	return is_good ? fl_reply(g->from, "~", answer) : fl_reply(g->from, "{error, failed}");
}

static int on_status(fl_proc *self, const void *state, fl_buf *status)
{
	(void)self; /* called with the context */
	return fl_breaker_build(&((const struct gateway *)state)->breaker, 0, status);
}

static const fl_behaviour gateway = {.name = "gateway",
	.state_size = sizeof(struct gateway),
	.init = on_init,
	.call = on_call,
	.info = on_info,
	.format_status = on_status};
FL_MODULE(&gateway);
