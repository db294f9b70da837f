/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table that everybody reads without asking its owner: ets:lookup(shelf, Id) by rpc or erpc. Only
 * the server writes, by {put, Id, Amount} and {take, Id, Amount}, which is never below zero.
 */
#include <flitch.h>

struct shelf {
	fl_tab items; /* {Id, Amount} */
};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct shelf *s = state;

	(void)args;
	if (fl_table_new(self, "shelf", NULL, &s->items) != FL_OK)
		return fl_stop(self, "no_table");
	return FL_OK;
}

static int take(struct shelf *s, fl_from from, fl_term id, int64_t amount)
{
	int64_t left = 0;
	fl_term object;
	fl_rows rows;

	if (fl_table_lookup(s->items, &rows, id) == FL_OK) {
		while (fl_rows_next(&rows, &object))
			(void)fl_match(object, "{_, ~}", &left);
		fl_rows_end(&rows);
	}
	if (left < amount)
		return fl_reply(from, "{error, {left, ~}}", left);
	if (fl_table_insert(s->items, "{~, ~}", id, left - amount) != FL_OK)
		return fl_reply(from, "{error, system_limit}");
	return fl_reply(from, "{ok, ~}", left - amount);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct shelf *s = state;
	int64_t amount;
	fl_term id;

	if (fl_match(request, "{put, ~, ~}", &id, &amount))
		return fl_reply(from, "~",
			fl_bool(fl_table_insert(s->items, "{~, ~}", id, amount) == FL_OK));
	if (fl_match(request, "{take, ~, ~}", &id, &amount))
		return take(s, from, id, amount);
	return fl_unhandled(self, request);
}

static const fl_behaviour shelf = {
	.name = "shelf", .state_size = sizeof(struct shelf), .init = on_init, .call = on_call};

FL_MODULE(&shelf);
