/* SPDX-License-Identifier: Apache-2.0 */
/* A server whose requests have types of every kind; it answers with the request itself. */
#include <flitch.h>

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
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

static const fl_behaviour typed = {.name = "typed", .call = on_call, .cast = on_cast};

static int pair(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self;
	return fl_build(result, "~", args);
}

FL_MODULE(&typed);
FL_EXPORTS({"typed_fun", "pair", 2, pair}, {"typed_fun", "silent", 1, pair});
FL_DOCS({"typed", NULL, "Says \"#{1}\" \\ and\nmore."},
	{"typed", "call {store, Key :: atom() | binary(), Value :: term()} -> term()", "Stores."},
	{"typed", "call {level, debug, EndAfter :: {integer(), 1..5} | infinity} -> term()", NULL},
	{"typed", "call {options, #{name := binary(), size => pos_integer()}} -> {options, map()}",
		"A map."},
	{"typed", "call {bits, <<_:_*8>>, [byte(), ...], string()} -> tuple()", NULL},
	{"typed", "call {remote, calendar:datetime(), 'Elixir.String':t()} -> term()", NULL},
	{"typed", "call {put, End :: 'a b' | -1 | nil | true, []} -> term()", NULL},
	{"typed", "cast {forget, Key :: atom()}", "Forgets."},
	{"typed_fun", "pair(A :: term(), B :: term()) -> [term()]", "Both."});
