/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/handover.h"

#include <string.h>

uint32_t fli_crc32c(const void *bytes, size_t size)
{
	/* of each half byte; the polynomial is 0x1EDC6F41, its bits reversed */
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
		0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
	const uint8_t *p = bytes;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= p[i];
		crc = (crc >> 4) ^ table[crc & 15];
		crc = (crc >> 4) ^ table[crc & 15];
	}
	return ~crc;
}

/* ---- giving ---------------------------------------------------------------------------------- */

bool fli_giving_credit(fli_giving *g, uint64_t upto)
{
	if (upto < g->credit || upto > g->size)
		return false;
	g->credit = (size_t)upto;
	return true;
}

bool fli_giving_next(fli_giving *g, fli_chunk *ret_chunk)
{
	size_t size = g->credit - g->sent;

	if (size == 0)
		return false;
	if (size > FLI_HANDOVER_CHUNK)
		size = FLI_HANDOVER_CHUNK;
	*ret_chunk = (fli_chunk){.offset = g->sent,
		.crc = fli_crc32c(g->bytes + g->sent, size),
		.bytes = g->bytes + g->sent,
		.size = size};
	g->sent += size;
	return true;
}

/* ---- taking ---------------------------------------------------------------------------------- */

bool fli_taking_begin(fli_taking *t, fli_mem *mem, uint64_t size, uint64_t size_max)
{
	if (size == 0 || size > size_max)
		return false;
	*t = (fli_taking){.mem = mem, .size = (size_t)size};
	return true;
}

/* Grows with what has come, not with what was announced. */
static bool make_room(fli_taking *t, size_t more)
{
	size_t capacity = t->capacity == 0 ? FLI_HANDOVER_CHUNK : t->capacity;
	uint8_t *grown;

	while (capacity < t->have + more)
		capacity *= 2;
	if (capacity > t->size)
		capacity = t->size;
	if (capacity == t->capacity)
		return true;
	grown = fli_realloc(t->mem, t->bytes, capacity);
	if (grown == NULL)
		return false;
	t->bytes = grown;
	t->capacity = capacity;
	return true;
}

bool fli_taking_chunk(fli_taking *t, const fli_chunk *chunk)
{
	if (chunk->offset != t->have || chunk->size == 0 || chunk->size > FLI_HANDOVER_CHUNK_MAX ||
		chunk->size > t->size - t->have ||
		fli_crc32c(chunk->bytes, chunk->size) != chunk->crc || !make_room(t, chunk->size))
		return false;
	memcpy(t->bytes + t->have, chunk->bytes, chunk->size);
	t->have += chunk->size;
	return true;
}

bool fli_taking_credit(fli_taking *t, uint64_t *ret_upto)
{
	size_t upto = t->have + FLI_HANDOVER_CREDIT;

	if (upto > t->size)
		upto = t->size;
	if (upto == t->credit || (upto < t->size && upto - t->credit < FLI_HANDOVER_CREDIT / 2))
		return false;
	t->credit = upto;
	*ret_upto = upto;
	return true;
}

bool fli_taking_is_whole(const fli_taking *t)
{
	return t->size > 0 && t->have == t->size;
}

void fli_taking_end(fli_taking *t)
{
	if (t->mem != NULL)
		fli_free(t->mem, t->bytes);
	*t = (fli_taking){0};
}
