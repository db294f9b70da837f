/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/spares.h"

void fli_spares_create(fli_spares *spares, fli_mem *mem)
{
	*spares = (fli_spares){.mem = mem};
}

void fli_spares_destroy(fli_spares *spares)
{
	while (spares->count > 0)
		fli_free(spares->mem, spares->blocks[--spares->count]);
}

void fli_spares_take(fli_spares *spares, fli_buf *buf)
{
	if (spares == NULL || spares->count == 0 || buf->data != NULL || buf->mem != spares->mem)
		return;
	spares->count--;
	buf->data = spares->blocks[spares->count];
	buf->capacity = spares->capacities[spares->count];
}

static bool is_wanted(const fli_spares *spares, const fli_buf *buf)
{
	return spares != NULL && buf->mem == spares->mem && spares->count < FLI_SPARES_COUNT &&
	       buf->capacity >= FLI_SPARES_BYTES_MIN && buf->capacity <= FLI_SPARES_BYTES_MAX;
}

void fli_spares_give(fli_spares *spares, fli_buf *buf)
{
	if (!is_wanted(spares, buf)) {
		fli_buf_destroy(buf);
		return;
	}
	spares->blocks[spares->count] = buf->data;
	spares->capacities[spares->count++] = buf->capacity;
	buf->data = NULL;
	buf->size = buf->capacity = 0;
}
