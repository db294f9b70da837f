/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends the node on somebody else's word: off, unless rpc.allow names it ("init:stop/0").
 *
 * The node then drains and leaves as by SIGTERM; an exit code that the caller gives is not taken.
 */
#include "dist/natives.h"
#include "node/natives.h"

static int stop(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* a status, which is ours to choose */
	fl_node_stop(fl_self_node(self));
	return fl_build(result, "ok");
}

static const fl_export exports[] = {
	{"erlang", "halt", 0, stop},
	{"erlang", "halt", 1, stop},
	{"erlang", "halt", 2, stop},
	{"init", "restart", 0, stop},
	{"init", "stop", 0, stop},
	{"init", "stop", 1, stop},
	{"Elixir.System", "halt", 0, stop},
	{"Elixir.System", "halt", 1, stop},
	{"Elixir.System", "stop", 0, stop},
	{"Elixir.System", "stop", 1, stop},
};

int fli_natives_stop(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_OFF);
}
