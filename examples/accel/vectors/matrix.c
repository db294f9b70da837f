/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A put takes the row that has been dead for longest, when no search sees that any more, or one
 * behind the last. The old row of the id dies with the same search's number with which the new one
 * is born.
 */
#include "matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vectors come as little-endian floats");

static size_t block_bytes(const matrix *m)
{
	return sizeof(block) + MATRIX_BLOCK_ROWS * m->steps * sizeof(lanes);
}

matrix *matrix_new(size_t dim, bool is_dot)
{
	matrix *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	atomic_init(&m->refs, 1);
	m->dim = dim;
	m->steps = (dim + MATRIX_LANES - 1) / MATRIX_LANES;
	m->is_dot = is_dot;
	return m;
}

void matrix_unref(matrix *m)
{
	if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < MATRIX_BLOCKS_MAX && m->blocks[i] != NULL; i++)
		free(m->blocks[i]);
	free(m->places);
	free(m);
}

bool matrix_spread(const matrix *m, const uint8_t *bytes, lanes *ret_row)
{
	float *to = (float *)ret_row;

	memset(ret_row, 0, m->steps * sizeof *ret_row);
	memcpy(to, bytes, m->dim * sizeof *to);
	for (size_t i = 0; i < m->dim; i++)
		if (!isfinite(to[i]))
			return false;
	return true;
}

static block *block_of(const matrix *m, size_t row)
{
	return m->blocks[row / MATRIX_BLOCK_ROWS];
}

/* ---- rows that live and die ------------------------------------------------------------------ */

static void be_born(matrix *m, size_t row, int64_t id, searches now)
{
	head *h = matrix_head(m, row);

	h->id = id;
	atomic_store_explicit(&h->born, now.next, memory_order_relaxed);
	atomic_store_explicit(&h->died, 0, memory_order_release); /* pairs with matrix_sees */
	m->live++;
}

static void die(matrix *m, size_t row, searches now)
{
	head *h = matrix_head(m, row);

	h->next = 0;
	/* relaxed: a search that sees it before and after is one that sees it */
	atomic_store_explicit(&h->died, now.next, memory_order_relaxed);
	if (m->dead_last == 0)
		m->dead_first = row + 1;
	else
		matrix_head(m, m->dead_last - 1)->next = row + 1;
	m->dead_last = row + 1;
	m->live--;
}

static bool lives(const matrix *m, size_t row)
{
	return atomic_load_explicit(&matrix_head(m, row)->died, memory_order_relaxed) == 0;
}

/* The oldest of the dead, when nobody sees it. */
static bool has_dead(const matrix *m, searches now)
{
	return m->dead_first != 0 && atomic_load_explicit(&matrix_head(m, m->dead_first - 1)->died,
					     memory_order_relaxed) <= now.oldest;
}

static void take_dead(matrix *m)
{
	m->dead_first = matrix_head(m, m->dead_first - 1)->next;
	if (m->dead_first == 0)
		m->dead_last = 0;
}

/* A row behind the last: its block is there, it counts not yet. */
static const char *make_room(matrix *m, size_t row)
{
	size_t at = row / MATRIX_BLOCK_ROWS;

	if (at >= MATRIX_BLOCKS_MAX || (at + 1) * block_bytes(m) > MATRIX_BYTES_MAX)
		return "full";
	if (m->blocks[at] == NULL)
		m->blocks[at] = aligned_alloc(64, (block_bytes(m) + 63) / 64 * 64);
	return m->blocks[at] == NULL ? "enomem" : NULL;
}

static const char *write_row(
	matrix *m, int64_t id, const uint8_t *bytes, searches now, size_t *ret_row)
{
	size_t count = atomic_load_explicit(&m->count, memory_order_relaxed);
	bool is_again = has_dead(m, now);
	size_t row = is_again ? m->dead_first - 1 : count;
	const char *why = is_again ? NULL : make_room(m, row);

	if (why != NULL)
		return why;
	if (!matrix_spread(m, bytes, block_of(m, row)->rows + row % MATRIX_BLOCK_ROWS * m->steps))
		return "not_finite";
	if (is_again)
		take_dead(m);
	be_born(m, row, id, now);
	if (!is_again) /* pairs with the acquire of a search */
		atomic_store_explicit(&m->count, row + 1, memory_order_release);
	*ret_row = row;
	return NULL;
}

/* ---- places ---------------------------------------------------------------------------------- */

static place *place_of(const matrix *m, int64_t id)
{
	size_t mask = m->places_size - 1;
	size_t at = (size_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 20) & mask;

	while (m->places[at].row != 0 && m->places[at].id != id)
		at = (at + 1) & mask;
	return &m->places[at];
}

static bool is_live(const matrix *m, const place *p)
{
	return p->row != 0 && lives(m, p->row - 1) && matrix_head(m, p->row - 1)->id == p->id;
}

/* Places of ids that are gone stay until the table is full: then it is made anew without them. */
static bool places_grow(matrix *m)
{
	matrix fresh = {.places_size = m->places_size == 0 ? 1024 : m->places_size};

	if (m->places_size > 0 && m->places_used < m->places_size / 2)
		return true;
	if (m->live >= fresh.places_size / 4)
		fresh.places_size *= 2;
	fresh.places = calloc(fresh.places_size, sizeof *fresh.places);
	if (fresh.places == NULL)
		return false;
	for (size_t i = 0; i < m->places_size; i++)
		if (is_live(m, &m->places[i])) {
			*place_of(&fresh, m->places[i].id) = m->places[i];
			fresh.places_used++;
		}
	free(m->places);
	m->places = fresh.places;
	m->places_size = fresh.places_size;
	m->places_used = fresh.places_used;
	return true;
}

const char *matrix_put(matrix *m, int64_t id, const uint8_t *bytes, searches now)
{
	const char *why;
	size_t row;
	place *p;

	if (!places_grow(m))
		return "enomem";
	p = place_of(m, id);
	if (p->row == 0)
		m->places_used++;
	why = write_row(m, id, bytes, now, &row);
	if (why != NULL) {
		m->places_used -= p->row == 0;
		return why;
	}
	/* a dead row that is taken again may be the one that this id had */
	if (p->row != row + 1 && is_live(m, p))
		die(m, p->row - 1, now);
	*p = (place){id, row + 1};
	return NULL;
}

bool matrix_delete(matrix *m, int64_t id, searches now)
{
	place *p = m->places_size == 0 ? NULL : place_of(m, id);

	if (p == NULL || !is_live(m, p))
		return false;
	die(m, p->row - 1, now);
	return true;
}
