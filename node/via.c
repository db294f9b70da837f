/* SPDX-License-Identifier: Apache-2.0 */
/* {global, Name} as a destination. */
#include "node/via.h"

#include <string.h>

static bool find(const fl_node *node, const fl_dest *to, fl_pid *ret_pid)
{
	fl_buf buf = FL_BUF_INIT;
	bool found = false;

	if (node->via == NULL)
		return false;
	if (to->as.global.term.data != NULL)
		return node->via->whereis(node, to->as.global.term, ret_pid);
	if (fl_build(&buf, "~", to->as.global.atom) == FL_OK)
		found = node->via->whereis(node, fl_buf_term(&buf), ret_pid);
	fl_buf_free(&buf);
	return found;
}

fl_dest fli_via_resolve(const fl_node *node, fl_dest to)
{
	fl_pid pid;

	if (FLI_LIKELY(to.kind != FL_TO_GLOBAL))
		return to;
	return find(node, &to, &pid) ? fl_to_pid(pid) : fl_to_name("");
}
