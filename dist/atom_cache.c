/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving atom cache.
 *
 * - Reference k of a header is described by nibble k of the flags: bit 3 says "new entry",
 * bits 2..0 the segment; the index byte follows. Slot = segment * 256 + index.
 * - A new entry is stored and used; a cached one is looked up. Nibble N (bit 0) says whether the
 *   lengths of the new entries take two bytes.
 *
 * A slot may be overwritten by the very header that also refers to its old text: the old text is
 * retired, not freed, until the next header is read.
 *
 * Failures (all cost the connection, as they do at a BEAM): the header ends too early; a cached
 * slot was never set; a text is not UTF-8 or has more than 255 characters.
 */
#include "dist/atom_cache.h"

#include "node/base/bug.h"
#include "node/term/atoms.h"

struct fli_atom_cache_text {
	struct fli_atom_cache_text *next;
	char bytes[];
};

typedef struct header {
	const uint8_t *flags;
	unsigned count;
	bool has_long_atoms;
} header;

void fli_atom_cache_create(fli_atom_cache *cache, fli_mem *mem)
{
	cache->mem = mem;
	cache->slots = NULL;
	cache->retired = NULL;
	cache->refs = (fli_refs){cache->atoms, 0};
}

static void retire(fli_atom_cache *cache, fl_atom *slot)
{
	struct fli_atom_cache_text *text;

	if (slot->text == NULL)
		return;
	text = (void *)(uintptr_t)(slot->text - offsetof(struct fli_atom_cache_text, bytes));
	text->next = cache->retired;
	cache->retired = text;
}

static void free_retired(fli_atom_cache *cache)
{
	struct fli_atom_cache_text *text;

	while ((text = cache->retired) != NULL) {
		cache->retired = text->next;
		fli_free(cache->mem, text);
	}
}

void fli_atom_cache_destroy(fli_atom_cache *cache)
{
	if (cache->slots != NULL)
		for (size_t i = 0; i < FLI_ATOM_CACHE_SLOTS; i++)
			retire(cache, &cache->slots[i]);
	free_retired(cache);
	fli_free(cache->mem, cache->slots);
	fli_atom_cache_create(cache, cache->mem);
}

static int cut_short(fl_error *err)
{
	return fl_error_set(err, FL_EFORMAT, "atom cache header ends too early");
}

static int store(fli_atom_cache *cache, unsigned slot, const char *bytes, size_t size)
{
	struct fli_atom_cache_text *text;

	if (cache->slots == NULL) {
		cache->slots = fli_zalloc(cache->mem, FLI_ATOM_CACHE_SLOTS * sizeof(fl_atom));
		if (cache->slots == NULL)
			return FL_ENOMEM;
	}
	text = fli_alloc(cache->mem, sizeof *text + size + 1);
	if (text == NULL)
		return FL_ENOMEM;
	memcpy(text->bytes, bytes, size);
	text->bytes[size] = '\0';
	retire(cache, &cache->slots[slot]);
	cache->slots[slot] = (fl_atom){text->bytes, size};
	return FL_OK;
}

static int read_new_entry(
	fli_atom_cache *cache, fli_cursor *c, bool is_long, unsigned slot, fl_error *err)
{
	const uint8_t *bytes;
	uint8_t short_size = 0;
	uint16_t size = 0;

	if (is_long ? !fli_take16(c, &size) : !fli_take8(c, &short_size))
		return cut_short(err);
	if (!is_long)
		size = short_size;
	if (!fli_take(c, size, &bytes))
		return cut_short(err);
	if (!fli_atom_text_ok((const char *)bytes, size))
		return fl_error_set(err, FL_EFORMAT,
			"atom cache slot %u: %u bytes that are no UTF-8 of at most 255 characters",
			slot, (unsigned)size);
	if (store(cache, slot, (const char *)bytes, size) != FL_OK)
		return fl_error_set(err, FL_ENOMEM, "atom cache slot %u: out of memory", slot);
	return FL_OK;
}

static unsigned nibble(const header *h, unsigned k)
{
	return (unsigned)h->flags[k / 2] >> (k % 2 * 4) & 15;
}

static int read_refs(fli_atom_cache *cache, fli_cursor *c, const header *h, fl_error *err)
{
	for (unsigned k = 0; k < h->count; k++) {
		unsigned flags = nibble(h, k), slot;
		int code;

		if (FLI_UNLIKELY(c->at == c->end))
			return cut_short(err);
		slot = (flags & 7) << 8 | *c->at++;
		if (FLI_UNLIKELY(flags & 8)) {
			code = read_new_entry(cache, c, h->has_long_atoms, slot, err);
			if (code != FL_OK)
				return code;
		} else if (FLI_UNLIKELY(cache->slots == NULL || cache->slots[slot].text == NULL)) {
			return fl_error_set(
				err, FL_EFORMAT, "atom cache slot %u was never set", slot);
		}
		cache->atoms[k] =
			cache->slots[FLI_BUG(cache_slot_off_by_one) && k > 0 ? slot ^ 1 : slot];
	}
	cache->refs.count = h->count;
	return FL_OK;
}

int fli_atom_cache_read(fli_atom_cache *cache, fli_cursor *c, fl_error *err)
{
	header h = {0};
	uint8_t count;

	cache->refs.count = 0;
	if (FLI_UNLIKELY(cache->retired != NULL))
		free_retired(cache);
	if (!fli_take8(c, &count))
		return cut_short(err);
	if (count == 0)
		return FL_OK;
	h.count = count;
	if (!fli_take(c, count / 2u + 1, &h.flags))
		return cut_short(err);
	h.has_long_atoms = nibble(&h, count) & 1;
	return read_refs(cache, c, &h, err);
}

size_t fli_atom_cache_kept_size(const fli_refs *refs)
{
	size_t size = sizeof *refs + refs->count * sizeof(fl_atom);

	for (size_t i = 0; i < refs->count; i++)
		size += refs->atoms[i].size;
	return size;
}

fli_refs *fli_atom_cache_keep(const fli_refs *refs, fli_mem *mem)
{
	size_t size = sizeof *refs + refs->count * sizeof(fl_atom);
	fli_refs *kept;
	fl_atom *atoms;
	char *text;

	for (size_t i = 0; i < refs->count; i++)
		size += refs->atoms[i].size;
	kept = fli_alloc(mem, size);
	if (kept == NULL)
		return NULL;
	atoms = (fl_atom *)(void *)(kept + 1);
	text = (char *)(atoms + refs->count);
	for (size_t i = 0; i < refs->count; i++) {
		memcpy(text, refs->atoms[i].text, refs->atoms[i].size);
		atoms[i] = (fl_atom){text, refs->atoms[i].size};
		text += refs->atoms[i].size;
	}
	*kept = (fli_refs){atoms, refs->count};
	return kept;
}
