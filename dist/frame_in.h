/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_FRAME_IN_H
#define FLI_DIST_FRAME_IN_H

/*
 * The way in of a connection after the handshake: bytes as the socket gave them, signals out.
 *
 *     read buffer:  [frame][frame][frame][fra|        a frame that is whole is parsed in place
 *                                        |me]         a cut one is kept until the rest is there
 *     frame:        length:4 | 112 131 control 131 payload           pass-through world
 *                   length:4 | 131 68/69/70 header control payload   header world
 *     length 0:     a tick
 *
 * Which world it is follows from the agreed flags and never changes. `on_signal` is called for each
 * complete signal, in order, within fli_inbound_feed. It returns false to stop the connection: no
 * more signals come and feed returns FL_ECLOSED. It must not destroy the inbound, nor feed it.
 *
 * Threads: one at a time. Memory: a signal and all it points to are valid within on_signal only; no
 * allocation is made for a frame that arrives whole and is no fragment. Errors: FL_EFORMAT,
 * FL_ELIMIT, FL_ENOMEM, with a text; they are final, the connection must be closed. Limits: below.
 */

#include "dist/atom_cache.h"
#include "dist/control.h"
#include "dist/fragments.h"
#include "flitch/error.h"
#include "node/base/buf.h"

#define FLI_INBOUND_FRAME_BYTES_MAX ((size_t)256 << 20)
/*
 * Each process of a BEAM may have one message under way, and one that is suspended in the midst of
 * it leaves the sequence open: this must not be small. The bytes are what is bounded tightly.
 */
#define FLI_INBOUND_FRAGMENTS_OPEN_MAX 4096
#define FLI_INBOUND_FRAGMENT_BYTES_MAX ((size_t)256 << 20)

typedef bool fli_on_signal(void *ctx, const fli_signal *signal);

typedef struct fli_inbound_limits {
	size_t frame_bytes_max;    /* 0: FLI_INBOUND_FRAME_BYTES_MAX */
	size_t fragments_open_max; /* 0: FLI_INBOUND_FRAGMENTS_OPEN_MAX */
	size_t fragment_bytes_max; /* 0: FLI_INBOUND_FRAGMENT_BYTES_MAX */
} fli_inbound_limits;

typedef struct fli_inbound_config {
	uint64_t flags; /* those that both sides have */
	fl_atom peer;   /* the peer's node name; borrowed for the connection's life. May be empty */
	uint64_t seed;  /* for the table of fragments */
	fli_inbound_limits limits;
	fli_mem *mem;
	fli_spares *spares; /* for fragments; may be NULL */
	fli_on_signal *on_signal;
	void *ctx;
} fli_inbound_config;

typedef struct fli_inbound_stats {
	uint64_t bytes;  /* any of them is a sign of life */
	uint64_t frames; /* ticks not counted */
	uint64_t ticks;
	uint64_t signals;
	uint64_t fragments;
} fli_inbound_stats;

typedef struct fli_inbound {
	fli_inbound_config config;
	fli_inbound_stats stats;
	fli_buf partial; /* the frame that is not complete yet, its length included */
	fli_atom_cache cache;
	fli_fragments fragments;  /* .open.count and .bytes may be read for metrics */
	fli_fragment_seq *stream; /* the fragment that is arriving belongs to it */
	size_t stream_left;       /* of that fragment's bytes */
	fli_signal signal;
	fli_buf *block; /* what the next signal lies in, when its receiver may have it */
	int failed;     /* FL_OK, or the first failure */
} fli_inbound;

void fli_inbound_create(fli_inbound *in, const fli_inbound_config *config);
void fli_inbound_destroy(fli_inbound *in);
int fli_inbound_feed(fli_inbound *in, const uint8_t *data, size_t size, fl_error *err);

#endif
