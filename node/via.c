/* SPDX-License-Identifier: Apache-2.0 */
/* {global, Name} and {via, Registry, _} as destinations. */
#include "node/via.h"

#include "node/registry.h"

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

static int build_key(const fl_registry *config, const fl_dest *to, fl_buf *buf)
{
	if (config->keys != FL_UNIQUE)
		return FL_ENOTSUP;
	return fl_build_values(
		buf, to->as.via.key.pattern, to->as.via.key.values, to->as.via.key.count);
}

static bool find_via(const fl_node *node, const fl_dest *to, fl_pid *ret_pid)
{
	fli_registry *registry = fli_registry_find(node, fl_atom_of(to->as.via.registry));
	fl_buf buf = FL_BUF_INIT;
	fli_reg_wanted wanted;
	const fl_proc *proc = NULL;

	if (registry != NULL && build_key(registry->config, to, &buf) == FL_OK &&
		fli_registry_want(registry, fl_buf_term(&buf), &wanted) == FL_OK)
		proc = fli_registry_owner(registry, &wanted);
	if (proc != NULL)
		*ret_pid = fli_proc_pid(proc);
	fl_buf_free(&buf);
	return proc != NULL;
}

int fli_via_register(fl_proc *proc, const fl_dest *via)
{
	static const uint8_t nil[] = {119, 3, 'n', 'i', 'l'};
	fli_registry *registry = fli_registry_find(proc->node, fl_atom_of(via->as.via.registry));
	fl_buf buf = FL_BUF_INIT;
	fl_proc *owner;
	int rc = registry == NULL ? FL_ENOPROC : build_key(registry->config, via, &buf);

	if (rc == FL_OK)
		rc = fli_registry_register(registry, proc, fl_buf_term(&buf),
			(fl_term){.data = nil, .size = sizeof nil}, &owner);
	fl_buf_free(&buf);
	return rc;
}

fl_dest fli_via_resolve(const fl_node *node, fl_dest to)
{
	fl_pid pid;

	if (FLI_LIKELY(to.kind != FL_TO_GLOBAL && to.kind != FL_TO_VIA))
		return to;
	if (to.kind == FL_TO_VIA)
		return find_via(node, &to, &pid) ? fl_to_pid(pid) : fl_to_name("");
	return find(node, &to, &pid) ? fl_to_pid(pid) : fl_to_name("");
}
