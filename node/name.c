/* SPDX-License-Identifier: Apache-2.0 */
/* Registered names: one for a process, as in Erlang. */
#include "node/runtime.h"

static uint64_t hash_of(const fl_node *node, fl_atom name)
{
	return fli_hash(node->seed, name.text, name.size);
}

int fli_name_register(fl_proc *proc, fl_atom text)
{
	fl_node *node = proc->node;
	fli_name *name;
	int rc;

	if (proc->name != NULL || fli_name_find(node, text) != NULL)
		return FL_ETAKEN;
	if (fl_atom_is(text, "undefined") || text.size == 0)
		return FL_EINVAL;
	name = fli_alloc(node->mem, sizeof *name);
	if (name == NULL)
		return FL_ENOMEM;
	*name = (fli_name){.text = text, .hash = hash_of(node, text), .proc = proc};
	rc = fli_map_put(&node->names, name->hash, name);
	if (rc != FL_OK) {
		fli_free(node->mem, name);
		return rc;
	}
	proc->name = name;
	return FL_OK;
}

int fli_name_unregister(fl_node *node, fl_atom text)
{
	fli_name *name = fli_map_remove(&node->names, hash_of(node, text), &text);

	if (name == NULL)
		return FL_ENOENT;
	name->proc->name = NULL;
	fli_free(node->mem, name);
	return FL_OK;
}

fl_proc *fli_name_find(const fl_node *node, fl_atom text)
{
	fli_name *name = fli_map_get(&node->names, hash_of(node, text), &text);

	return name == NULL ? NULL : name->proc;
}

void fli_names_on_exit(fl_proc *proc)
{
	if (proc->name != NULL)
		(void)fli_name_unregister(proc->node, proc->name->text); /* it is there */
}
