/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/dump.h"

#include "dist/global_act.h"
#include "dist/global_state.h"
#include "tests/sim/peers.h"

static void dump_node(run *r, const fli_global_node *node)
{
	fl_sim_note(r->sim, "    " FLI_ATOM_FMT " v%u%s%s%s%s%s%s%s%s", FLI_ATOM_ARG(node->name),
		node->vsn, node->is_up ? " up" : "", node->is_known ? " known" : "",
		node->is_synced ? " synced" : "", node->is_removing ? " removing" : "",
		node->is_dialled ? " dialled" : "", node->session != NULL ? " session" : "",
		node->session != NULL && node->session->is_pending ? " pending" : "",
		node->session != NULL && node->session->is_lock_set ? " locked" : "");
}

static void dump_global(run *r, const fli_global *g)
{
	const fli_global_lock *lock;
	size_t cursor = 0;
	char text[200];

	fl_sim_note(r->sim, "  locker %d with %s, grab %d waits for %u; registrar grab %d",
		(int)g->locker.state, g->locker.him == NULL ? "-" : g->locker.him->name.text,
		(int)g->locker.grab.state, g->locker.grab.waiting, (int)g->registrar.grab.state);
	for (const fli_link *l = g->nodes.next; l != &g->nodes; l = l->next)
		dump_node(r, fli_container_of(l, fli_global_node, link));
	while ((lock = fli_map_next(&g->locks, &cursor)) != NULL)
		fl_sim_note(
			r->sim, "    lock of %s", fl_print_to(text, sizeof text, lock->requester));
}

void dump_services(run *r)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		const fl_node *node = run_node(&r->hosts[i]);
		const fli_global_service *s = node == NULL ? NULL : fli_global_service_of(node);

		fl_sim_note(r->sim, "%s:", r->hosts[i].name);
		if (s != NULL && s->core != NULL)
			dump_global(r, s->core);
	}
	peers_dump(r);
}
