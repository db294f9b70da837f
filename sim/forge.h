/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_FORGE_H
#define FLI_SIM_FORGE_H

/*
 * Follows the frames of a distribution connection in one direction, and tampers with them.
 *
 *     handshake: messages with 2 bytes of length, the last one 'r' or 'a'
 *     then:      frames with 4 bytes of length; between two of them something can be put in
 *
 * Threads: one. Memory: its own copies of what is to be put in. Errors: bytes that are no frames
 * are passed on as they are.
 */

#include <stdbool.h>

#include "flitch/sim.h"
#include "node/base/buf.h"
#include "node/base/list.h"
#include "sim/dice.h"

typedef struct fli_forge {
	bool is_proven; /* the handshake is over in this direction */
	bool drops;     /* what is left of this frame */
	bool flips;     /* a bit of this frame, at `flip_at` */
	uint8_t head[4];
	unsigned head_size;
	uint8_t tag; /* of the handshake's message */
	bool has_tag;
	uint32_t left; /* of the body */
	uint32_t flip_at;
	fli_link orders; /* first come, first served */
} fli_forge;

void fli_forge_create(fli_forge *forge);
void fli_forge_destroy(fli_forge *forge);
/* Copies `bytes`. */
void fli_forge_order(fli_forge *forge, fl_sim_forgery how, const void *bytes, size_t size);
/* Between two frames. */
static inline bool fli_forge_is_between(const fli_forge *forge)
{
	return forge->is_proven && forge->head_size == 0;
}
/* Nothing is ordered, and nothing under way. */
static inline bool fli_forge_is_quiet(const fli_forge *forge)
{
	return forge->orders.next == &forge->orders && !forge->drops && !forge->flips;
}
/* What is to be put in before the next frame. */
void fli_forge_between(fli_forge *forge, fli_buf *out);
typedef struct fli_forge_bytes {
	const uint8_t *bytes;
	size_t size;
} fli_forge_bytes;

/* The program wrote `in`; `out` gets what goes on its way. NULL: as it is, it is only followed. */
void fli_forge_pass(fli_forge *forge, fli_dice *dice, fli_forge_bytes in, fli_buf *out);

#endif
