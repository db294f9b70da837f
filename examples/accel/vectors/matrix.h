/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VECTORS_MATRIX_H
#define VECTORS_MATRIX_H

/*
 * Rows of floats under ids, which one thread writes while others search.
 *
 *     blocks -> [heads | rows]  [heads | rows] ...     never move, MATRIX_BLOCK_ROWS each
 *     places    id -> row
 *
 * Searches are numbered as they begin. A row says from which search on it is seen, and from which
 * on no more: so a search finds exactly what was there when it began. Rows that died are a queue,
 * the oldest first; one is written again when each search that sees it has ended.
 *
 * Threads: the server's alone, but matrix_row, matrix_sees and the count, which a search that holds
 * the matrix reads on any. Memory: counted; the server has one count, each search another. Errors:
 * as texts, NULL is success. Limits: MATRIX_BYTES_MAX.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MATRIX_LANES = 8, MATRIX_BLOCK_ROWS = 1024, MATRIX_BLOCKS_MAX = 16384 };
#define MATRIX_BYTES_MAX ((size_t)1 << 30)

typedef float lanes __attribute__((vector_size(MATRIX_LANES * sizeof(float))));

typedef struct head {
	int64_t id;
	size_t next;            /* of those that died: row + 1; 0: the last. The server's */
	_Atomic(uint64_t) born; /* the first search that sees it */
	_Atomic(uint64_t) died; /* the first one that does not; 0: it lives */
} head;

typedef struct block {
	head heads[MATRIX_BLOCK_ROWS];
	lanes rows[]; /* MATRIX_BLOCK_ROWS of `steps` */
} block;

/* Where an id's row is, or was: it is there if the row lives and still has that id. */
typedef struct place {
	int64_t id;
	size_t row; /* + 1; 0: free */
} place;

typedef struct matrix {
	_Atomic(int) refs;
	size_t dim, steps; /* lanes a row, the last ones filled with zeros */
	bool is_dot;
	_Atomic(size_t) count; /* rows that searches look at */
	size_t live;
	size_t dead_first, dead_last; /* row + 1 */
	place *places;                /* open addressing; a power of two */
	size_t places_size, places_used;
	block *blocks[MATRIX_BLOCKS_MAX];
} matrix;

matrix *matrix_new(size_t dim, bool is_dot);
void matrix_unref(matrix *m);

static inline const lanes *matrix_row(const matrix *m, size_t row)
{
	return m->blocks[row / MATRIX_BLOCK_ROWS]->rows + row % MATRIX_BLOCK_ROWS * m->steps;
}

static inline head *matrix_head(const matrix *m, size_t row)
{
	return &m->blocks[row / MATRIX_BLOCK_ROWS]->heads[row % MATRIX_BLOCK_ROWS];
}

/* Whether the row is for the search of that number; if so it is not written while that runs. */
static inline bool matrix_sees(const matrix *m, size_t row, uint64_t number)
{
	const head *h = matrix_head(m, row);
	/* acquire: pairs with the release of who lets a row live again; `born` is then the new one
	 */
	uint64_t died = atomic_load_explicit(&h->died, memory_order_acquire);

	return (died == 0 || died > number) &&
	       atomic_load_explicit(&h->born, memory_order_relaxed) <= number;
}

/* The bytes of one vector, spread over lanes; false when one number is not finite. */
bool matrix_spread(const matrix *m, const uint8_t *bytes, lanes *ret_row);

/* Those that run have numbers from `oldest` to before `next`, which is not 0. */
typedef struct searches {
	uint64_t oldest, next;
} searches;

/* Adds or replaces; "full", "enomem", "not_finite". */
const char *matrix_put(matrix *m, int64_t id, const uint8_t *bytes, searches now);
/* False: there is none of that id. */
bool matrix_delete(matrix *m, int64_t id, searches now);

#endif
