/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_BYTES_H
#define FLI_BASE_BYTES_H

/*
 * Big-endian numbers in byte strings, and a cursor that never reads past its end.
 *
 *     data ------------ at ------------------ end
 *     |    consumed     |    remaining        |
 *
 * Threads: any. Errors: the fli_take_* functions return false and leave the cursor where it was.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t fli_get16(const uint8_t *p)
{
	return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

static inline uint32_t fli_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap32(v);
}

static inline uint64_t fli_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap64(v);
}

static inline void fli_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void fli_put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof v);
}

static inline void fli_put64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof v);
}

typedef struct fli_cursor {
	const uint8_t *at;
	const uint8_t *end;
} fli_cursor;

static inline fli_cursor fli_cursor_make(const uint8_t *data, size_t size)
{
	/* C11 allows no arithmetic on NULL, which is where no bytes may well be. */
	return (fli_cursor){data, size == 0 ? data : data + size};
}

static inline size_t fli_left(const fli_cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline bool fli_take(fli_cursor *c, size_t size, const uint8_t **ret_bytes)
{
	if (fli_left(c) < size)
		return false;
	*ret_bytes = c->at;
	c->at += size;
	return true;
}

static inline bool fli_take8(fli_cursor *c, uint8_t *ret_value)
{
	if (c->at == c->end)
		return false;
	*ret_value = *c->at++;
	return true;
}

static inline bool fli_take16(fli_cursor *c, uint16_t *ret_value)
{
	if (fli_left(c) < 2)
		return false;
	*ret_value = fli_get16(c->at);
	c->at += 2;
	return true;
}

static inline bool fli_take32(fli_cursor *c, uint32_t *ret_value)
{
	if (fli_left(c) < 4)
		return false;
	*ret_value = fli_get32(c->at);
	c->at += 4;
	return true;
}

static inline bool fli_take64(fli_cursor *c, uint64_t *ret_value)
{
	if (fli_left(c) < 8)
		return false;
	*ret_value = fli_get64(c->at);
	c->at += 8;
	return true;
}

#endif
