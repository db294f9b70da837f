/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_OUTBOUND_FRAME_H
#define FLI_DIST_OUTBOUND_FRAME_H

/*
 * Between the functions that write one op each and the buffers of an fli_outbound: opens a frame,
 * lets the op write its control term through a plain pointer, and closes it.
 *
 *     fli_outbound_open    room for the control term; the world's first bytes are there
 *     fli_outbound_body    the control term ends here, a payload follows (or its last element)
 *     fli_outbound_close   the control term ends here, and the signal with it
 *
 * Threads, Memory, Errors: as outbound.h.
 */

#include "dist/outbound.h"

/* Room for encoded identifiers, whose names have `name_size` bytes. */
#define FLI_PID_BYTES(name_size) ((name_size) + 16)
#define FLI_REF_BYTES(name_size) ((name_size) + 30)
#define FLI_ATOM_BYTES(size) ((size) + 3)

typedef enum fli_outbound_body_kind {
	FLI_BODY_PAYLOAD, /* a term of its own */
	FLI_BODY_ELEMENT  /* the last element of the control tuple */
} fli_outbound_body_kind;

/* Where to write at most `control_max` bytes; NULL: out of memory. `from` may be NULL. */
uint8_t *fli_outbound_open(fli_outbound *out, const fl_pid *from, size_t control_max);
void fli_outbound_body(fli_outbound *out, uint8_t *end, fli_outbound_body_kind kind);
int fli_outbound_close(fli_outbound *out, uint8_t *end);

#endif
