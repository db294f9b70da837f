/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_HANDOVER_H
#define FLI_HANDOVER_H

/*
 * A server's state on its way from one node to another: the bytes of one term, in pieces.
 *
 *     giver                                    taker
 *     handoff_begin{epoch, vsn, size}  ------>
 *                                     <------  handoff_credit{upto}
 *     handoff_chunk{offset, crc, ..}   ------>              as far as the credit goes
 *                                     <------  handoff_credit{upto}, as they arrive
 *                                     <------  handoff_ready{epoch, server}: it has started
 *     handoff_commit                   ------>              the old one is no more
 *     handoff_abort                   <----->              any failure before: the old one goes on
 *
 * Threads: one at a time. Memory: the bytes, in what is given to _create. Errors: false: the
 * transfer is broken, and has to be aborted. Limits: FLI_HANDOVER_CHUNK bytes a piece, so much of
 * credit ahead; the taker's own limit of the whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/base/mem.h"

enum {
	FLI_HANDOVER_CHUNK = 256 * 1024, /* B2.6 allows 1 MiB; smaller ones hold nobody up */
	FLI_HANDOVER_CHUNK_MAX = 1024 * 1024,
	FLI_HANDOVER_CREDIT = 4 * FLI_HANDOVER_CHUNK
};

/* CRC-32C (Castagnoli), as in RFC 3720. */
uint32_t fli_crc32c(const void *bytes, size_t size);

/* The giver's side. Owner: who made it. */
typedef struct fli_giving {
	const uint8_t *bytes; /* borrowed */
	size_t size, sent, credit;
} fli_giving;

typedef struct fli_chunk {
	uint64_t offset;
	uint32_t crc;
	const void *bytes;
	size_t size;
} fli_chunk;

/* False: that is more than there is, or less than before. */
bool fli_giving_credit(fli_giving *g, uint64_t upto);
/* The next piece that may go; false: none. */
bool fli_giving_next(fli_giving *g, fli_chunk *ret_chunk);

/* The taker's side. Zeroed at first. Owner: who made it. */
typedef struct fli_taking {
	fli_mem *mem;
	uint8_t *bytes;
	size_t size, have, capacity, credit;
} fli_taking;

/* Nothing is allocated before something has come. False: it is too much. */
bool fli_taking_begin(fli_taking *t, fli_mem *mem, uint64_t size, uint64_t size_max);
/* False: not the next piece, broken on the way, or no memory. */
bool fli_taking_chunk(fli_taking *t, const fli_chunk *chunk);
/* More may be sent: how far in all. False: nothing new. */
bool fli_taking_credit(fli_taking *t, uint64_t *ret_upto);
bool fli_taking_is_whole(const fli_taking *t);
void fli_taking_end(fli_taking *t);

#endif
