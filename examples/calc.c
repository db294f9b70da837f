/* SPDX-License-Identifier: Apache-2.0 */
/* Functions without a server: rpc:call(Node, calc, sum, [[1, 2, 3]]), :erpc.call(node, :calc, ...).
 */
#include <flitch.h>

static int sum(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term list, rest;
	int64_t total = 0, n;

	(void)self; /* the process that asks; what may call and send */
	if (!fl_match(args, "[~]", &list))
		return fl_raise(result, FL_ERROR, "badarg");
	while (fl_match(list, "[~ | ~]", &n, &rest)) {
		if (__builtin_add_overflow(total, n, &total))
			return fl_raise(result, FL_ERROR, "system_limit");
		list = rest;
	}
	if (!fl_match(list, "[]"))
		return fl_raise(result, FL_ERROR, "badarg");
	return fl_build(result, "~", total);
}

FL_EXPORTS({"calc", "sum", 1, sum});
FL_DOCS({"calc", "sum(Numbers :: [integer()]) -> integer()", "The sum of a list."});
