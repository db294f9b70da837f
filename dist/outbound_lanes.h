/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_OUTBOUND_LANES_H
#define FLI_DIST_OUTBOUND_LANES_H

/*
 * The large messages of a connection that are under way, a lane for each sending process, and the
 * small signals that must not overtake them.
 *
 *     ring -> lane A: [large job, 3 of 9 sent] [plain job: frames of A that came later]
 *             lane B: [large job, 1 of 4 sent]
 *
 * A large job is cut in place: a fragment goes out of the job's own memory, its header overwrites
 * the end of the fragment before it, which has been written by then.
 *
 *     [len 69 seq 3 | control payload.. ][..payload.. ][..payload ]
 *                           [len 70 seq 2][            ]
 *
 * Threads: one at a time. Memory: owns lanes and jobs. Errors: FL_ENOMEM. Limits: none of its own;
 * fli_outbound_check counts the bytes.
 */

#include "node/base/buf.h"
#include "node/base/list.h"
#include "node/base/map.h"
#include "node/base/spares.h"

/* length:4 131 69 seq:8 number:8 N:1 */
#define FLI_FRAGMENT_FIRST_BYTES 23
/* length:4 131 70 seq:8 number:8 */
#define FLI_FRAGMENT_NEXT_BYTES 22

typedef struct fli_outbound_job {
	fli_link link;     /* in its lane */
	fli_buf bytes;     /* large: room for the first header, control term, payload */
	size_t start;      /* large: where that room begins */
	size_t at;         /* first byte that has not been handed out */
	size_t first_size; /* data in the first fragment; at least the control term */
	uint64_t seq;      /* 0: plain, complete frames */
	uint8_t refs;      /* N of the first header */
	uint64_t left;     /* fragments not handed out yet */
} fli_outbound_job;

typedef struct fli_outbound_lane {
	uint64_t key;
	uint64_t fence; /* not before that turn: small signals of its sender are ahead of it */
	fli_link link;  /* in the ring */
	fli_link jobs;
} fli_outbound_lane;

typedef struct fli_outbound_lanes {
	fli_mem *mem;
	uint64_t seed;
	size_t fragment_bytes;
	fli_spares *spares; /* may be NULL */
	fli_map by_key;     /* those of a sender */
	fli_link ring;      /* the next to be served first */
	size_t bytes;       /* not handed out yet */
	uint64_t turn;      /* how often small signals were taken; the owner counts */
	uint64_t seq;       /* given last; never 0 on the wire */
} fli_outbound_lanes;

/* Bytes handed out, and the lane whose first job they lie in. */
typedef struct fli_outbound_piece {
	const uint8_t *data;
	size_t size;
	fli_outbound_lane *lane; /* NULL: no piece is out */
} fli_outbound_piece;

void fli_outbound_lanes_create(
	fli_outbound_lanes *lanes, fli_mem *mem, size_t fragment_bytes, uint64_t seed);
void fli_outbound_lanes_destroy(fli_outbound_lanes *lanes);

static inline bool fli_outbound_lanes_is_empty(const fli_outbound_lanes *lanes)
{
	return fli_list_is_empty(&lanes->ring);
}

bool fli_outbound_lanes_has(const fli_outbound_lanes *lanes, uint64_t key);
/* Complete frames that go behind what is in the lane of `key`, which exists. Copies them. */
int fli_outbound_lanes_add_plain(
	fli_outbound_lanes *lanes, uint64_t key, const uint8_t *data, size_t size);
typedef struct fli_outbound_large {
	uint64_t key; /* 0: of nobody in particular */
	uint64_t fence;
	uint8_t refs;  /* atom references of the header */
	fli_buf bytes; /* FLI_FRAGMENT_FIRST_BYTES of room, references, control term, payload */
	size_t start;  /* where they begin in `bytes` */
	size_t control_size; /* and of the references */
} fli_outbound_large;

/* A message to be cut. Its bytes are taken over, also on failure. */
int fli_outbound_lanes_add_large(fli_outbound_lanes *lanes, const fli_outbound_large *large);

/* What the largest message in the lanes still takes. */
size_t fli_outbound_lanes_largest(const fli_outbound_lanes *lanes);
/* Whether the lane whose turn it is may be served in this turn. */
bool fli_outbound_lanes_is_ready(const fli_outbound_lanes *lanes);
/* The next piece of that lane; it must be ready. */
void fli_outbound_lanes_take(fli_outbound_lanes *lanes, fli_outbound_piece *ret_piece);
/* The piece has been written: its lane goes to the end of the ring, or ends. */
void fli_outbound_lanes_done(fli_outbound_lanes *lanes, fli_outbound_piece *piece);

#endif
