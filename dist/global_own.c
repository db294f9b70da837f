/* SPDX-License-Identifier: Apache-2.0 */
/* The names that processes of this node have: what a node gives back while it pauses. */
#include "dist/global_act.h"
#include "dist/global_state.h"

bool fli_global_held_ms(const fl_node *node, fl_term name, const fl_pid *pid, uint64_t *ret_ms)
{
	const fli_global_service *s = fli_global_service_of(node);
	const fli_global_name *entry =
		s == NULL || s->core == NULL ? NULL : fli_global_name_find(s->core, name);

	if (entry == NULL || !fl_pid_eq(&entry->pid->pid, pid) || !fli_pid_is_local(node, pid))
		return false;
	*ret_ms = node->port->now_ns(node->port) / 1000000 - entry->since_ms;
	return true;
}

bool fli_global_runs_pop(const fl_node *node, fl_atom name)
{
	const fli_global_service *s = fli_global_service_of(node);
	const fli_global_node *entry;

	if (s == NULL || s->core == NULL)
		return false;
	if (fl_atom_eq(name, node->name))
		return s->mode == FLI_GLOBAL_OTP;
	entry = fli_global_node_find(s->core, name);
	return entry != NULL && entry->is_known && entry->runs_pop;
}

bool fli_global_contested(const fl_node *node, const fl_pid *pid)
{
	const fli_global_service *s = fli_global_service_of(node);
	const fli_global_pid *entry;

	if (s == NULL || s->core == NULL || s->core->lock_own == NULL)
		return false;
	entry = fli_global_pid_find(s->core, pid);
	return entry != NULL && !fli_list_is_empty(&entry->names);
}

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
