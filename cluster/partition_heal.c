/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heal.loser = restart_smaller: after a split in which all sides served, the servers of all but the
 * largest side are started anew, so that what they did meanwhile is dropped.
 *
 *  - While members are missing, a node keeps who is on its side.
 *  - When all are back it tells its side to the other C nodes and hears theirs, for
 *    heal.stable_after. Members that nobody has named, BEAM nodes by themselves, are one more side.
 *  - Who was started anew meanwhile has nothing of the split, and is on no side.
 *
 * What goes wrong: a side whose word is lost counts as what is left. Only nodes of C do this; BEAM
 * nodes of a smaller side go on as they are.
 */
#include "cluster/news.h"
#include "cluster/partition.h"
#include "node/supervisor.h"

static uint64_t now_of(const fl_node *node)
{
	return node->port->now_ns(node->port) / 1000000;
}

static fl_atom name_of(const fli_roster *roster, uint32_t place)
{
	return (fl_atom){roster->entries[place]->name, roster->entries[place]->size};
}

static void forget(fli_partition_healing *h)
{
	h->was_split = false;
	h->due_ms = 0;
	h->sides = (fli_sides){.count = 0};
	h->own = h->fresh = (fli_side){.set = {0}};
}

/* Who is here while some are missing. */
static void keep_side(fli_partition_service *s)
{
	fli_partition_healing *h = &s->healing;
	const fli_roster *roster = fli_partition_roster(s->engine);

	if (!h->was_split || h->members != roster->count)
		forget(h);
	h->own = (fli_side){.set = {0}};
	for (uint32_t i = 0; i < roster->count; i++)
		if (roster->entries[i]->is_up)
			fli_partition_add(h->own.set, i);
	h->members = roster->count;
	h->was_split = true;
	h->due_ms = 0;
}

static void tell_side(fli_partition_service *s)
{
	const fli_roster *roster = fli_partition_roster(s->engine);
	fl_buf side = FL_BUF_INIT;

	fl_list_open(&side);
	for (uint32_t i = 0; i < roster->count; i++)
		if (fli_partition_has(s->healing.own.set, i))
			(void)fl_build(&side, "~", name_of(roster, i));
	fl_list_close(&side);
	fli_news_tell_all(s->node, "side",
		fl_spec("#{node => ~, side => ~}", s->node->name, fl_buf_term(&side)));
	fl_buf_free(&side);
}

void fli_partition_heal_state(fli_partition_service *s, const fli_partition_event *event)
{
	fli_partition_healing *h = &s->healing;

	if (!h->is_on)
		return;
	h->has_met = h->has_met || event->to == FLI_PARTITION_SERVING;
	if (event->to == FLI_PARTITION_DEGRADED && h->has_met) {
		keep_side(s);
	} else if (event->to == FLI_PARTITION_SERVING && h->was_split) {
		h->due_ms = event->now_ms + h->wait_ms;
		tell_side(s);
	}
}

void fli_partition_heal_up(fli_partition_service *s, fl_atom name)
{
	const fli_roster *roster = fli_partition_roster(s->engine);
	const fli_peer *peer = fli_dist_find(fli_dist_of(s->node), name);
	uint32_t place = fli_roster_find(roster, name);

	if (place == FLI_ROSTER_NONE || peer == NULL)
		return;
	if (roster->entries[place]->life != 0 && roster->entries[place]->life != peer->creation)
		fli_partition_add(s->healing.fresh.set, place);
	roster->entries[place]->life = peer->creation;
}

void fli_partition_hear_side(fli_partition_service *s, fl_atom node, fl_term names)
{
	const fli_roster *roster = fli_partition_roster(s->engine);
	uint32_t teller = fli_roster_find(roster, node), count = 0;
	fli_side side = {.set = {0}};
	fl_term item;
	fl_atom name;

	if (!s->healing.is_on || !s->healing.was_split || s->healing.members != roster->count)
		return;
	while (fl_list_next(&names, &item)) {
		uint32_t place = fl_match(item, "~", &name) ? fli_roster_find(roster, name)
							    : FLI_ROSTER_NONE;

		if (place == FLI_ROSTER_NONE || ++count > roster->count)
			return;
		fli_partition_add(side.set, place);
	}
	if (teller != FLI_ROSTER_NONE && fli_partition_has(side.set, teller))
		fli_sides_tell(&s->healing.sides, teller, &side);
}

/* Those that nobody has named, without those that are new. */
static void add_rest(fli_partition_healing *h)
{
	fli_side all = {.set = {0}}, rest;

	for (uint32_t i = 0; i < h->members; i++)
		if (!fli_partition_has(h->fresh.set, i))
			fli_partition_add(all.set, i);
	rest = fli_sides_rest(&h->sides, &all);
	fli_sides_add(&h->sides, &rest);
}

void fli_partition_heal_time(fli_partition_service *s)
{
	const fli_roster *roster = fli_partition_roster(s->engine);
	fli_partition_healing *h = &s->healing;

	if (!h->is_on || h->due_ms == 0 || now_of(s->node) < h->due_ms)
		return;
	if (fli_partition_state_of(s->engine) != FLI_PARTITION_SERVING)
		return; /* it is not over yet */
	fli_sides_add(&h->sides, &h->own);
	add_rest(h);
	if (h->members == roster->count &&
		fli_sides_gives_way(&h->sides, fli_roster_find(roster, s->node->name))) {
		fli_log_write(&s->node->log, FLI_WARNING,
			"partition: %u of %u members were on this side, and another one goes on: all "
			"servers here are started anew (heal.loser)",
			fli_side_size(&h->own), h->members);
		s->restarts++;
		fli_supervisor_restart(s->node);
	}
	forget(h);
}
