/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent: a number that Elixir, Erlang and C share, and the functions that may be done to it.
 *     Agent.update({:totals, node}, :totals, :add, [5])
 *     Agent.get({:totals, node}, Function, :identity, [])          5
 *     Agent.get_and_update({:totals, node}, :totals, :take, [2])   2, and 3 are left
 *     gen_server:call({till, node}, 4)                             {ok, 7}: from C
 */
#include <flitch.h>

static int add(fl_proc *self, fl_term args, fl_buf *ret_result)
{
	int64_t total, by;

	(void)self;
	return fl_match(args, "[~, ~]", &total, &by) ? fl_build(ret_result, "~", total + by)
						     : fl_raise(ret_result, FL_ERROR, "badarg");
}

static int take(fl_proc *self, fl_term args, fl_buf *ret_result)
{
	int64_t total, wanted;

	(void)self;
	if (!fl_match(args, "[~, ~]", &total, &wanted))
		return fl_raise(ret_result, FL_ERROR, "badarg");
	if (wanted > total)
		wanted = total;
	return fl_build(ret_result, "{~, ~}", wanted, total - wanted);
}

static int till_call(fl_proc *self, void *state, fl_from from, fl_term amount)
{
	fl_term total;
	int rc;

	(void)state;
	rc = fl_agent_update(self, "totals", 5000, "{totals, add, [~]}", amount);
	if (rc == FL_OK)
		rc = fl_agent_get(
			self, "totals", 5000, &total, "{'Elixir.Function', identity, []}");
	return rc == FL_OK ? fl_reply(from, "{ok, ~}", total) : fl_reply(from, "{error, closed}");
}

static const fl_behaviour till = {.name = "till", .call = till_call};
static const fl_behaviour shop = {.name = "till_shop",
	.supervisor = &(const fl_supervisor){
		.children = (const fl_child[]){
			{.behaviour = &fl_agent, .id = "totals", .name = "totals", .args = "0"},
			{.behaviour = &till, .name = "till"}, {0}}}};

FL_MODULE(&shop);
FL_EXPORTS({"totals", "add", 2, add}, {"totals", "take", 2, take});
