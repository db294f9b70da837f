/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_BUF_H
#define FLI_BASE_BUF_H

/*
 * A growing byte buffer whose failure is sticky: append as often as you like, ask `failed` once.
 *
 * Threads: one at a time. Memory: `data` belongs to the buffer, moves when it grows, and is freed
 * by fli_buf_destroy. Errors: after a failed allocation, or past `size_max`, nothing more is
 * appended and `failed` stays true until fli_buf_clear. Limits: `size_max` (0 means none).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "node/base/bytes.h"
#include "node/base/mem.h"

typedef struct fli_buf {
	uint8_t *data;
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated */
	size_t size_max;
	fli_mem *mem;
	bool failed;
} fli_buf;

void fli_buf_create(fli_buf *buf, fli_mem *mem, size_t size_max);
void fli_buf_destroy(fli_buf *buf);
/* Forgets content and failure; keeps the memory up to `keep_max` bytes. */
void fli_buf_clear(fli_buf *buf, size_t keep_max);
/* Makes room for `extra` more bytes; false when that failed (and `failed` is set). */
bool fli_buf_grow(fli_buf *buf, size_t extra);
/* Cuts the first `size` bytes off. */
void fli_buf_consume(fli_buf *buf, size_t size);
void fli_buf_printf(fli_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A place for `extra` bytes at the end, already counted in; NULL when there is none. */
static inline uint8_t *fli_buf_extend(fli_buf *buf, size_t extra)
{
	if (FLI_UNLIKELY(buf->capacity - buf->size < extra || buf->failed) &&
		!fli_buf_grow(buf, extra))
		return NULL;
	buf->size += extra;
	return buf->data + buf->size - extra;
}

static inline void fli_buf_add(fli_buf *buf, const void *bytes, size_t size)
{
	uint8_t *p = size == 0 ? NULL : fli_buf_extend(buf, size);

	if (p != NULL)
		memcpy(p, bytes, size);
}

static inline void fli_buf_add_text(fli_buf *buf, const char *text)
{
	fli_buf_add(buf, text, strlen(text));
}

static inline void fli_buf_add8(fli_buf *buf, uint8_t value)
{
	uint8_t *p = fli_buf_extend(buf, 1);

	if (p != NULL)
		*p = value;
}

static inline void fli_buf_add16(fli_buf *buf, uint16_t value)
{
	uint8_t *p = fli_buf_extend(buf, 2);

	if (p != NULL)
		fli_put16(p, value);
}

static inline void fli_buf_add32(fli_buf *buf, uint32_t value)
{
	uint8_t *p = fli_buf_extend(buf, 4);

	if (p != NULL)
		fli_put32(p, value);
}

static inline void fli_buf_add64(fli_buf *buf, uint64_t value)
{
	uint8_t *p = fli_buf_extend(buf, 8);

	if (p != NULL)
		fli_put64(p, value);
}

#endif
