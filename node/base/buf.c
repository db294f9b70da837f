/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#define CAPACITY_FIRST 64

void fli_buf_create(fli_buf *buf, fli_mem *mem, size_t size_max)
{
	*buf = (fli_buf){.mem = mem, .size_max = size_max};
}

void fli_buf_destroy(fli_buf *buf)
{
	fli_free(buf->mem, buf->data);
	buf->data = NULL;
	buf->size = buf->capacity = 0;
}

void fli_buf_clear(fli_buf *buf, size_t keep_max)
{
	if (buf->capacity > keep_max)
		fli_buf_destroy(buf);
	buf->size = 0;
	buf->failed = false;
}

bool fli_buf_grow(fli_buf *buf, size_t extra)
{
	size_t want, capacity = buf->capacity == 0 ? CAPACITY_FIRST : buf->capacity;
	uint8_t *data;

	if (buf->failed || extra > SIZE_MAX / 4 - buf->size)
		goto fail;
	want = buf->size + extra;
	if (buf->size_max != 0 && want > buf->size_max)
		goto fail;
	if (want <= buf->capacity)
		return true;
	while (capacity < want)
		capacity *= 2;
	/* Never more than may be used, so that the limit needs no check of its own. */
	if (buf->size_max != 0 && capacity > buf->size_max)
		capacity = buf->size_max;
	data = fli_realloc(buf->mem, buf->data, capacity);
	if (data == NULL)
		goto fail;
	buf->data = data;
	buf->capacity = capacity;
	return true;
fail:
	buf->failed = true;
	return false;
}

void fli_buf_consume(fli_buf *buf, size_t size)
{
	fl_assert(size <= buf->size);
	buf->size -= size;
	if (buf->size != 0)
		memmove(buf->data, buf->data + size, buf->size);
}

void fli_buf_printf(fli_buf *buf, const char *format, ...)
{
	va_list args, again;
	int size;
	uint8_t *p;

	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size >= 0 && fli_buf_grow(buf, (size_t)size + 1)) {
		p = buf->data + buf->size;
		(void)vsnprintf((char *)p, (size_t)size + 1, format, again); /* measured above */
		buf->size += (size_t)size;
	}
	va_end(again);
}
