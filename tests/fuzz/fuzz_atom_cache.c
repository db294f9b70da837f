/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a row of distribution headers of one connection: each is read where the last one
 * ended, up to the first that is refused. What a header refers to is text of its own or of an
 * earlier one, in UTF-8, and stays what it was in a copy.
 */
#include <string.h>

#include "dist/atom_cache.h"
#include "node/term/utf8.h"
#include "tests/fuzz/fuzz.h"

static void check_text(fl_atom atom)
{
	size_t step, characters = 0;
	uint32_t c;

	for (size_t at = 0; at < atom.size; at += step) {
		step = fli_utf8_decode((const uint8_t *)atom.text + at, atom.size - at, &c);
		CHECK(step > 0);
		characters++;
	}
	CHECK(characters <= 255);
}

static void check(const fli_refs *refs)
{
	fli_refs *kept = fli_atom_cache_keep(refs, fli_mem_libc());

	CHECK(kept != NULL && kept->count == refs->count);
	CHECK(refs->count <= FLI_ATOM_CACHE_REFS_MAX);
	for (size_t i = 0; i < refs->count; i++) {
		check_text(refs->atoms[i]);
		CHECK(fl_atom_eq(refs->atoms[i], kept->atoms[i]));
		CHECK(refs->atoms[i].size == 0 || refs->atoms[i].text != kept->atoms[i].text);
	}
	fli_free(fli_mem_libc(), kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = fuzz_copy(data, size);
	fli_cursor c = fli_cursor_make(bytes, size);
	static fli_atom_cache cache;

	fli_atom_cache_create(&cache, fli_mem_libc());
	while (fli_left(&c) > 0 && fli_atom_cache_read(&cache, &c, NULL) == FL_OK)
		check(&cache.refs);
	/* Headers borrow from the cache alone, not from the bytes that they came in. */
	free(bytes);
	fli_atom_cache_destroy(&cache);
	return 0;
}
