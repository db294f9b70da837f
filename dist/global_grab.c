/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking one lock on many nodes, or on none.
 *
 *  - The boss, the greatest name among the known, is asked first and alone: of two who want the
 *    same lock one is turned away there, before either has it on half of the nodes.
 *  - Then this node and the partner; then everybody else who is known, until nobody new has come.
 *  - Given back in the other order: the boss last.
 *
 * Failure: one `false` and all that said true are told to forget it. Who does not answer, since he
 * is gone or has no global, counts for nothing, as in OTP. Who was held and is lost has freed the
 * lock with the connection: nothing is changed at his over the next one.
 */
#include "dist/global_state.h"

static bool grow(fli_global *g, fli_global_grab *grab)
{
	size_t capacity = grab->capacity == 0 ? 8 : 2 * grab->capacity;
	fli_global_asked_node *nodes = fli_realloc(g->mem, grab->nodes, capacity * sizeof *nodes);

	if (nodes == NULL)
		return false;
	grab->nodes = nodes;
	grab->capacity = capacity;
	return true;
}

static fli_global_asked_node *find(const fli_global_grab *grab, fl_atom node)
{
	for (size_t i = 0; i < grab->count; i++)
		if (fl_atom_eq(grab->nodes[i].node, node))
			return &grab->nodes[i];
	return NULL;
}

static fl_pid own_pid(const fli_global *g, const fli_global_grab *grab)
{
	return g->config.pids[grab->role];
}

static void ask(fli_global *g, fli_global_grab *grab, fl_atom node, fl_spec request)
{
	fli_global_ask *entry;

	entry = fli_global_ask_at(g, FLI_ASK_GRAB, node, "global_name_server", request);
	if (entry == NULL || g->failed)
		return;
	entry->role = grab->role;
	g->acts[g->acts_count - 1].role = grab->role;
	grab->waiting++;
}

static bool set_here(fli_global *g, const fli_global_grab *grab)
{
	fl_pid pid = own_pid(g, grab);
	fl_term resource, requester;

	return fl_match(fli_blob_term(g, &grab->id), "{~, ~}", &resource, &requester) &&
	       fli_global_lock_set(g, &pid, resource, requester);
}

static void del_here(fli_global *g, const fli_global_grab *grab)
{
	fl_pid pid = own_pid(g, grab);
	fl_term resource, requester;

	if (fl_match(fli_blob_term(g, &grab->id), "{~, ~}", &resource, &requester))
		fli_global_lock_del(g, &pid, resource, requester);
}

/* NULL: it is among those that were asked, or there is no memory. */
static fli_global_asked_node *add(fli_global *g, fli_global_grab *grab, fl_atom node)
{
	fli_global_asked_node *asked = find(grab, node);

	if (asked != NULL && asked->is_lost) {
		asked->is_lost = false; /* it is a member again, and asked again */
		return asked;
	}
	if (asked != NULL)
		return NULL;
	if (grab->count == grab->capacity && !grow(g, grab)) {
		g->failed = true;
		return NULL;
	}
	asked = &grab->nodes[grab->count++];
	*asked = (fli_global_asked_node){.node = node};
	return asked;
}

static void ask_to_set(fli_global *g, fli_global_grab *grab, fl_atom node)
{
	fli_global_asked_node *asked = node.size == 0 ? NULL : add(g, grab, node);

	if (asked == NULL)
		return;
	if (!fl_atom_eq(node, g->name)) {
		ask(g, grab, node, fl_spec("{set_lock, ~}", fli_blob_term(g, &grab->id)));
		return;
	}
	asked->is_held = set_here(g, grab);
	grab->said_no |= !asked->is_held;
}

/*
 * Whoever is no member any more, or has not answered, is not waited for, nor called for this. He
 * may hold what was asked over an earlier connection or a later one, or what he had no memory to
 * grant.
 */
static void tell_lost(fli_global *g, const fli_global_grab *grab, fl_atom node)
{
	fli_global_act_begin(g, FLI_GLOBAL_SEND, grab->role)->node = node;
	fli_global_put(g, fl_spec("{'$gen_call', {~, del_lock}, {del_lock, ~}}", own_pid(g, grab),
				  fli_blob_term(g, &grab->id)));
	fli_global_act_end(g);
}

static void ask_to_free(fli_global *g, fli_global_grab *grab, bool boss)
{
	for (size_t i = 0; i < grab->count; i++) {
		fli_global_asked_node *asked = &grab->nodes[i];

		bool is_sure = asked->is_held && !asked->is_lost;

		if ((!asked->is_held && !asked->is_unsure) ||
			fl_atom_eq(asked->node, grab->boss) != boss)
			continue;
		asked->is_held = asked->is_unsure = false;
		if (fl_atom_eq(asked->node, g->name))
			del_here(g, grab);
		else if (!is_sure)
			tell_lost(g, grab, asked->node);
		else
			ask(g, grab, asked->node,
				fl_spec("{del_lock, ~}", fli_blob_term(g, &grab->id)));
	}
}

/* True: somebody was asked. */
static bool ask_the_rest(fli_global *g, fli_global_grab *grab)
{
	size_t before = grab->count;

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (node->is_known)
			ask_to_set(g, grab, node->name);
	}
	return grab->count > before || grab->waiting > 0;
}

void fli_global_grab_begin(fli_global *g, fli_global_grab *grab, fl_atom extra)
{
	grab->state = FLI_GRAB_BOSS;
	grab->extra = extra;
	grab->boss = fli_global_boss(g);
	grab->count = 0;
	grab->waiting = 0;
	grab->said_no = grab->is_failed = false;
	ask_to_set(g, grab, grab->boss);
}

void fli_global_grab_free(fli_global *g, fli_global_grab *grab)
{
	grab->state = FLI_GRAB_FREE_REST;
	ask_to_free(g, grab, false);
}

void fli_global_grab_tell(fli_global *g, fli_global_grab *grab, fl_term request)
{
	fl_pid pid = own_pid(g, grab);

	grab->state = FLI_GRAB_APPLY;
	for (size_t i = 0; i < grab->count; i++) {
		if (!grab->nodes[i].is_held || grab->nodes[i].is_lost)
			continue;
		if (fl_atom_eq(grab->nodes[i].node, g->name))
			(void)fli_global_serve(g, &pid, request); /* it answers yes or ok */
		else
			ask(g, grab, grab->nodes[i].node, fl_spec("~", request));
	}
}

/* One step, when nobody is waited for. */
static void step(fli_global *g, fli_global_grab *grab)
{
	switch (grab->state) {
	case FLI_GRAB_BOSS:
		grab->state = FLI_GRAB_PAIR;
		ask_to_set(g, grab, g->name);
		ask_to_set(g, grab, grab->extra);
		break;
	case FLI_GRAB_PAIR: grab->state = FLI_GRAB_REST; break;
	case FLI_GRAB_REST:
		if (!ask_the_rest(g, grab))
			grab->state = FLI_GRAB_HELD;
		break;
	case FLI_GRAB_APPLY: grab->state = FLI_GRAB_TOLD; break;
	case FLI_GRAB_FREE_REST:
		grab->state = FLI_GRAB_FREE_BOSS;
		ask_to_free(g, grab, true);
		break;
	case FLI_GRAB_FREE_BOSS: grab->state = FLI_GRAB_NONE; break;
	case FLI_GRAB_NONE:
	case FLI_GRAB_HELD:
	case FLI_GRAB_TOLD: break;
	}
}

bool fli_global_grab_run(fli_global *g, fli_global_grab *grab)
{
	while (grab->waiting == 0 && !g->failed) {
		if (grab->state == FLI_GRAB_NONE || grab->state == FLI_GRAB_HELD ||
			grab->state == FLI_GRAB_TOLD)
			return true;
		if (grab->said_no) {
			grab->said_no = false;
			grab->is_failed = true;
			fli_global_grab_free(g, grab);
		} else {
			step(g, grab);
		}
	}
	return false;
}

void fli_global_grab_answer(
	fli_global *g, fli_global_grab *grab, const fli_global_ask *asked, fl_term reply)
{
	fli_global_asked_node *entry = find(grab, asked->node);

	(void)g;
	if (grab->waiting > 0)
		grab->waiting--;
	if (entry == NULL || grab->state > FLI_GRAB_REST)
		return; /* nothing depends on what is said to a del_lock or a register */
	if (fl_match(reply, "true"))
		entry->is_held = true;
	else if (fl_match(reply, "false"))
		grab->said_no = true;
	else
		entry->is_unsure = true;
}

void fli_global_grab_forget(fli_global_grab *grab, fl_atom node)
{
	fli_global_asked_node *entry = find(grab, node);

	if (entry != NULL)
		entry->is_lost = true;
}

void fli_global_grab_destroy(fli_global *g, fli_global_grab *grab)
{
	fli_free(g->mem, grab->nodes);
	fli_blob_free(g, &grab->id);
}
