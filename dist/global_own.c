/* SPDX-License-Identifier: Apache-2.0 */
/* The names that processes of this node have: what a node gives back while it pauses. */
#include "dist/global_act.h"
#include "dist/global_state.h"

void fli_global_own_names(const fl_node *node, fl_buf *buf)
{
	const fli_global_service *s = fli_global_service_of(node);
	const fli_global_name *entry;
	size_t cursor = 0;

	fl_list_open(buf);
	while (s != NULL && s->core != NULL &&
		(entry = fli_map_next(&s->core->names, &cursor)) != NULL)
		if (fli_pid_is_local(node, &entry->pid->pid))
			(void)fl_build(
				buf, "{~, ~, ~}", entry->name, entry->pid->pid, entry->method);
	fl_list_close(buf);
}
