/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that are those that are seen: who comes is a newcomer, and a member once it was there for
 * a stable time, and for what it takes to notice a loss, with nobody missing; who is gone for long
 * enough is forgotten.
 *
 * What goes wrong: a newcomer that finds no room is not counted, which makes this node more
 * cautious.
 */
#include <string.h>

#include "dist/partition_state.h"

enum { ALONE_MS = 30000 }; /* a node that is to join others has met them by then */

static void drop_at(fli_partition *p, uint32_t index)
{
	p->newcomers[index] = p->newcomers[--p->newcomers_count];
}

static uint32_t find_newcomer(const fli_partition *p, fl_atom name)
{
	for (uint32_t i = 0; i < p->newcomers_count; i++)
		if (fl_atom_eq((fl_atom){p->newcomers[i].name, p->newcomers[i].size}, name))
			return i;
	return FLI_ROSTER_NONE;
}

void fli_partition_newcomer(fli_partition *p, fl_atom name)
{
	uint32_t capacity = p->newcomers_capacity == 0 ? 16 : 2 * p->newcomers_capacity;
	fli_newcomer *grown;

	if (name.size > FLI_NODE_NAME_BYTES_MAX || find_newcomer(p, name) != FLI_ROSTER_NONE ||
		p->newcomers_count == FLI_PARTITION_MEMBERS_MAX)
		return;
	if (p->newcomers_count == p->newcomers_capacity) {
		grown = fli_realloc(p->start.mem, p->newcomers, capacity * sizeof *grown);
		if (grown == NULL)
			return;
		p->newcomers = grown;
		p->newcomers_capacity = capacity;
	}
	grown = &p->newcomers[p->newcomers_count++];
	grown->since_ms = p->now_ms;
	grown->stamp = 0;
	grown->size = name.size;
	memcpy(grown->name, name.text, name.size);
}

static uint32_t largest_stamp(const fli_partition *p)
{
	uint32_t largest = 0;

	for (uint32_t i = 0; i < p->newcomers_count; i++)
		if (p->newcomers[i].stamp > largest)
			largest = p->newcomers[i].stamp;
	return largest;
}

/* Somebody else is as old, or older. */
static bool is_contested(const fli_partition *p, uint32_t stamp)
{
	for (uint32_t i = 0; i < p->newcomers_count; i++)
		if (p->newcomers[i].stamp != 0 && p->newcomers[i].stamp <= stamp)
			return true;
	return false;
}

static void take_stamp(fli_partition *p, uint32_t stamp)
{
	p->roster.entries[0]->stamp = stamp; /* it is alone */
	if (p->start.ops->tell_stamp != NULL)
		p->start.ops->tell_stamp(p->start.ctx, stamp);
}

/*
 * Who meets the first others is younger than all of them that have a stamp, even if it had taken
 * one when it was alone for long.
 */
static void join(fli_partition *p)
{
	uint32_t own = p->roster.entries[0]->stamp; /* this node itself is always one */

	if (p->roster.count == 1 && !p->is_listed && (own == 0 || is_contested(p, own)))
		take_stamp(p, largest_stamp(p) + 1);
}

static void settle_alone(fli_partition *p)
{
	if (p->roster.count == 1 && !p->is_listed && p->roster.entries[0]->stamp == 0 &&
		p->newcomers_count == 0 && p->now_ms >= p->begun_ms + ALONE_MS)
		take_stamp(p, 1);
}

/*
 * Who is silent may be lost already: a newcomer who came after that must not count on this side
 * alone. Who is alone has nobody to lose.
 */
static uint64_t notice_ms(const fli_partition *p)
{
	return p->roster.count > 1 ? p->start.times.notice_ms : 0;
}

/* Nobody is missing: who has been here for long enough is a member. */
void fli_partition_promote(fli_partition *p)
{
	uint64_t wait_ms = fli_partition_stable_ms(p) + notice_ms(p);
	bool is_new = false;

	settle_alone(p);
	for (uint32_t i = p->newcomers_count; i-- > 0;) {
		fli_newcomer *n = &p->newcomers[i];
		fli_roster_entry *entry;

		if (p->now_ms < n->since_ms + wait_ms)
			continue;
		join(p);
		if (!fli_partition_make_room(p, p->roster.count + 1) ||
			fli_roster_add(&p->roster, (fl_atom){n->name, n->size}, &entry) != FL_OK)
			continue;
		entry->is_up = is_new = true;
		entry->stamp = n->stamp;
		drop_at(p, i);
	}
	if (is_new)
		fli_partition_reset_views(p);
}

void fli_partition_forget_old(fli_partition *p)
{
	uint64_t after = p->start.times.forget_ms;
	bool is_less = false;

	for (uint32_t i = p->roster.count; after != 0 && i-- > 0;) {
		const fli_roster_entry *entry = p->roster.entries[i];

		if (entry->is_listed || entry->is_up || p->now_ms < entry->down_ms + after)
			continue;
		fli_roster_remove(&p->roster, i);
		is_less = true;
	}
	if (is_less)
		fli_partition_reset_views(p);
}

void fli_partition_newcomer_left(fli_partition *p, fl_atom name)
{
	uint32_t index = find_newcomer(p, name);

	if (index != FLI_ROSTER_NONE)
		drop_at(p, index);
}

int fli_partition_forget(fli_partition *p, fl_atom node)
{
	uint32_t place = fli_roster_find(&p->roster, node);

	if (place == FLI_ROSTER_NONE)
		return FL_ENOENT;
	if (p->roster.entries[place]->is_listed)
		return FL_EINVAL;
	if (p->roster.entries[place]->is_up)
		return FL_EBUSY;
	fli_roster_remove(&p->roster, place);
	p->changed_ms = p->now_ms;
	fli_partition_reset_views(p);
	return FL_OK;
}

void fli_partition_has_left(fli_partition *p, uint32_t place)
{
	if (p->roster.entries[place]->is_listed)
		return;
	fli_roster_remove(&p->roster, place);
	fli_partition_reset_views(p);
}

/* ---- ages ------------------------------------------------------------------------------------ */

void fli_partition_told_stamp(fli_partition *p, fl_atom node, uint32_t stamp)
{
	uint32_t place = fli_roster_find(&p->roster, node);
	uint32_t newcomer = find_newcomer(p, node);

	if (stamp == 0 || stamp > FLI_PARTITION_STAMP_MAX || fl_atom_eq(node, p->start.self))
		return;
	if (place != FLI_ROSTER_NONE)
		p->roster.entries[place]->stamp = stamp;
	else if (newcomer != FLI_ROSTER_NONE)
		p->newcomers[newcomer].stamp = stamp;
}

uint32_t fli_partition_stamp(const fli_partition *p)
{
	return p->is_listed ? 0
			    : p->roster.entries[fli_roster_find(&p->roster, p->start.self)]->stamp;
}
