/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sees whom: a row of bits for each member, out of what it answers.
 *
 *  - Each round asks all members that are connected with us; who is named by one of them and is not
 *    connected with us is asked through it, so that lists reach two links far.
 *  - A row counts while it is of this round or the last one. Who does not answer sees nobody.
 *  - A link that both ends reported and one does no more is a loss, as one of our own is.
 */
#include <string.h>

#include "dist/partition_state.h"

static uint64_t *row_of(const fli_partition *p, uint32_t place)
{
	return p->rows + (size_t)place * fli_partition_words(p->capacity);
}

static uint32_t self_of(const fli_partition *p)
{
	return fli_roster_find(&p->roster, p->start.self);
}

bool fli_partition_make_room(fli_partition *p, uint32_t count)
{
	fli_mem *mem = p->start.mem;
	uint32_t capacity = p->capacity == 0 ? 64 : p->capacity;
	fli_partition_seat *seats;
	uint32_t *answered;
	uint64_t *rows;

	if (count <= p->capacity)
		return true;
	while (capacity < count)
		capacity *= 2;
	seats = fli_zalloc(mem, capacity * sizeof *seats);
	rows = fli_zalloc(mem, (size_t)capacity * fli_partition_words(capacity) * sizeof *rows);
	answered = fli_zalloc(mem, capacity * sizeof *answered);
	if (seats == NULL || rows == NULL || answered == NULL) {
		fli_free(mem, seats);
		fli_free(mem, rows);
		fli_free(mem, answered);
		return false;
	}
	fli_partition_free_views(p);
	p->seats = seats;
	p->rows = rows;
	p->answered = answered;
	p->capacity = capacity;
	return true;
}

void fli_partition_free_views(fli_partition *p)
{
	fli_free(p->start.mem, p->seats);
	fli_free(p->start.mem, p->rows);
	fli_free(p->start.mem, p->answered);
}

void fli_partition_reset_views(fli_partition *p)
{
	memset(p->rows, 0,
		(size_t)p->capacity * fli_partition_words(p->capacity) * sizeof *p->rows);
	memset(p->answered, 0, p->capacity * sizeof *p->answered);
	p->round = 2; /* so that 0 is too long ago */
}

bool fli_partition_all_up(const fli_partition *p)
{
	return fli_partition_up_count(p) == p->roster.count;
}

uint32_t fli_partition_up_count(const fli_partition *p)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < p->roster.count; i++)
		count += p->roster.entries[i]->is_up ? 1 : 0;
	return count;
}

bool fli_partition_all_answered(const fli_partition *p)
{
	uint32_t self = self_of(p);

	for (uint32_t i = 0; i < p->roster.count; i++)
		if (i != self && p->answered[i] < p->round)
			return false;
	return true;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* A member that sees `place` and that we see; FLI_ROSTER_NONE. */
static uint32_t neighbour_of(const fli_partition *p, uint32_t place)
{
	for (uint32_t i = 0; i < p->roster.count; i++)
		if (p->roster.entries[i]->is_up && p->answered[i] + 1 >= p->round &&
			fli_partition_has(row_of(p, i), place))
			return i;
	return FLI_ROSTER_NONE;
}

static void drop_silent(fli_partition *p)
{
	bool is_lost = false;

	for (uint32_t i = 0; i < p->roster.count; i++) {
		if (p->answered[i] + 1 >= p->round || p->answered[i] == 0)
			continue;
		fli_partition_forget_view(p, i);
		is_lost = true;
	}
	if (is_lost)
		fli_partition_lost(p);
}

void fli_partition_ask(fli_partition *p)
{
	uint32_t self = self_of(p);
	const fli_partition_ops *ops = p->start.ops;

	fli_partition_views views = fli_partition_views_of(p);

	if ((views == FLI_VIEWS_OWN || views == FLI_VIEWS_POP) && !p->is_stale)
		return;
	p->round++;
	drop_silent(p);
	for (uint32_t i = 0; i < p->roster.count; i++) {
		uint32_t via;

		if (i == self)
			continue;
		if (p->roster.entries[i]->is_up) {
			ops->ask(p->start.ctx, fli_partition_name(p, i), (fl_atom){"", 0});
			continue;
		}
		via = neighbour_of(p, i);
		if (via != FLI_ROSTER_NONE)
			ops->ask(
				p->start.ctx, fli_partition_name(p, i), fli_partition_name(p, via));
	}
}

/* ---- answers --------------------------------------------------------------------------------- */

void fli_partition_forget_view(fli_partition *p, uint32_t place)
{
	memset(row_of(p, place), 0, fli_partition_words(p->capacity) * sizeof *p->rows);
	p->answered[place] = 0;
}

static bool read_names(const fli_partition *p, fl_term names, uint64_t *ret_row)
{
	fl_term item;
	fl_atom name;

	memset(ret_row, 0, FLI_PARTITION_WORDS_MAX * sizeof *ret_row);
	while (fl_list_next(&names, &item)) {
		uint32_t place;

		if (!fl_match(item, "~", &name))
			return false;
		place = fli_roster_find(&p->roster, name);
		if (place != FLI_ROSTER_NONE)
			fli_partition_add(ret_row, place);
	}
	return fl_term_kind(names) == FL_NIL;
}

/* A link that both ends had reported. */
static bool has_lost_link(const fli_partition *p, uint32_t place, const uint64_t *row)
{
	const uint64_t *old = row_of(p, place);

	for (uint32_t i = 0; i < p->roster.count; i++)
		if (fli_partition_has(old, i) && !fli_partition_has(row, i) &&
			fli_partition_has(row_of(p, i), place))
			return true;
	return false;
}

void fli_partition_seen(fli_partition *p, fl_atom node, fl_term names)
{
	uint32_t place = fli_roster_find(&p->roster, node);
	uint64_t row[FLI_PARTITION_WORDS_MAX];
	bool is_lost;

	if (p->state == FLI_PARTITION_SERVING || place == FLI_ROSTER_NONE || place == self_of(p) ||
		names.data == NULL || !read_names(p, names, row))
		return; /* where all is well, an answer is late */
	is_lost = has_lost_link(p, place, row);
	memcpy(row_of(p, place), row, fli_partition_words(p->capacity) * sizeof *row);
	p->answered[place] = p->round;
	if (is_lost)
		fli_partition_lost(p);
}

/* ---- the picture ----------------------------------------------------------------------------- */

/* What we see ourselves is what is connected. */
static void fill_own_row(fli_partition *p, uint32_t self)
{
	fli_partition_forget_view(p, self);
	for (uint32_t i = 0; i < p->roster.count; i++)
		if (i != self && p->roster.entries[i]->is_up)
			fli_partition_add(row_of(p, self), i);
}

void fli_partition_assume_views(fli_partition *p)
{
	for (uint32_t i = 0; i < p->roster.count; i++) {
		if (!p->roster.entries[i]->is_up)
			continue;
		fill_own_row(p, i);
		p->answered[i] = p->round;
	}
}

void fli_partition_picture_of(fli_partition *p, fli_partition_picture *ret_picture)
{
	uint32_t self = self_of(p);

	fli_roster_seats(&p->roster, &p->config, p->seats);
	fill_own_row(p, self);
	*ret_picture = (fli_partition_picture){.count = p->roster.count,
		.self = self,
		.seats = p->seats,
		.links = p->rows,
		.stride = fli_partition_words(p->capacity)};
	if (p->lease.until_ms <= p->now_ms)
		return;
	ret_picture->leaseholder =
		fli_roster_find(&p->roster, (fl_atom){p->lease.holder, p->lease.size});
	ret_picture->is_leased = ret_picture->leaseholder != FLI_ROSTER_NONE;
}

/* A copy of the rows without those who are gone; while all is well nobody was asked. */
static void imagine(const fli_partition *p, const uint64_t *gone, uint64_t *ret_rows)
{
	uint32_t stride = fli_partition_words(p->capacity);

	memcpy(ret_rows, p->rows, (size_t)p->roster.count * stride * sizeof *ret_rows);
	for (uint32_t a = 0; a < p->roster.count; a++) {
		uint64_t *row = ret_rows + (size_t)a * stride;

		for (uint32_t b = 0; b < p->roster.count; b++)
			if (a != b && p->state == FLI_PARTITION_SERVING)
				fli_partition_add(row, b);
		for (uint32_t w = 0; gone != NULL && w < stride; w++)
			row[w] &= fli_partition_has(gone, a) ? 0 : ~gone[w];
	}
}

int fli_partition_foresee(
	fli_partition *p, const uint64_t *gone, fli_partition_verdict *ret_verdict)
{
	fli_partition_rules rules = p->config.rules;
	fli_partition_picture picture;
	uint64_t *rows;

	rules.views = fli_partition_views_of(p);
	fli_partition_picture_of(p, &picture);
	rows = fli_alloc(p->start.mem, (size_t)picture.count * picture.stride * sizeof *rows);
	if (rows == NULL)
		return FL_ENOMEM;
	imagine(p, gone, rows);
	picture.links = rows;
	fli_partition_decide(&rules, &picture, ret_verdict);
	fli_free(p->start.mem, rows);
	return FL_OK;
}
