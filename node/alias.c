/* SPDX-License-Identifier: Apache-2.0 */
/* References and aliases. */
#include "node/runtime.h"

/* The third word's top bit: only references that fl_call and fl_request make have it. */
#define CALL_MARK 0x80000000U
/* The BEAM and erl_interface keep the first word of a reference to 18 bits. */
#define WORD0_BITS 18
#define WORDS_MAX 5

static fl_ref make(fl_node *node, uint32_t mark)
{
	uint64_t n = node->ref_next++;

	return (fl_ref){.node = node->name,
		.creation = node->creation,
		.count = 3,
		.words = {(uint32_t)n & ((1U << WORD0_BITS) - 1), (uint32_t)(n >> WORD0_BITS),
			((uint32_t)(n >> (WORD0_BITS + 32)) & ~CALL_MARK) | mark}};
}

fl_ref fli_ref_make(fl_node *node)
{
	return make(node, 0);
}

fl_ref fli_ref_make_call(fl_node *node)
{
	return make(node, CALL_MARK);
}

bool fli_ref_is_call(const fl_node *node, const fl_ref *ref)
{
	return ref->count == 3 && (ref->words[2] & CALL_MARK) != 0 &&
	       ref->creation == node->creation && fl_atom_eq(ref->node, node->name);
}

uint64_t fli_ref_hash(const fl_node *node, const fl_ref *ref)
{
	uint64_t h = node->seed ^ ((uint64_t)ref->creation << 3 | ref->count);
	/* whoever did not look whether fl_monitor succeeded passes on what it never set */
	uint32_t count = ref->count <= WORDS_MAX ? ref->count : WORDS_MAX;

	for (uint32_t i = 0; i < count; i++)
		h = fli_hash_mix(h ^ ref->words[i]);
	return h;
}

fli_alias *fli_alias_new(fl_proc *proc, bool once)
{
	fl_node *node = proc->node;
	fli_alias *alias = fli_zalloc(node->mem, sizeof *alias);

	if (alias == NULL)
		return NULL;
	alias->ref = fli_ref_make(node);
	alias->proc = proc;
	alias->once = once;
	if (fli_map_put(&node->aliases, fli_ref_hash(node, &alias->ref), alias) != FL_OK) {
		fli_free(node->mem, alias);
		return NULL;
	}
	fli_list_append(&proc->aliases, &alias->in_proc);
	return alias;
}

fli_alias *fli_alias_find(const fl_node *node, const fl_ref *ref)
{
	return fli_map_get(&node->aliases, fli_ref_hash(node, ref), ref);
}

void fli_alias_delete(fl_node *node, fli_alias *alias)
{
	(void)fli_map_remove(&node->aliases, fli_ref_hash(node, &alias->ref), &alias->ref);
	fli_list_remove(&alias->in_proc);
	fli_free(node->mem, alias);
}

void fli_aliases_on_exit(fl_proc *proc)
{
	while (!fli_list_is_empty(&proc->aliases))
		fli_alias_delete(
			proc->node, fli_container_of(proc->aliases.next, fli_alias, in_proc));
}
