/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a term under any atoms of a distribution header: the walk measures exactly what the
 * copy writes, in one part or without its tail, and what was copied is plain.
 *
 * The input: atoms (fuzz.h), then the term.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { EXPANDED_MAX = 1 << 20 };

static void check_head(const uint8_t *data, const fli_walked *walked, const fli_refs *refs,
	const uint8_t *expected)
{
	size_t size = walked->expanded_size - walked->tail;
	uint8_t *head = malloc(size + 1);

	CHECK(head != NULL && walked->tail <= walked->size);
	head[size] = 0xa5;
	fli_expand_head(data, walked, refs, head);
	CHECK(head[size] == 0xa5 && memcmp(head, expected, size) == 0);
	CHECK(memcmp(data + walked->size - walked->tail, expected + size, walked->tail) == 0);
	free(head);
}

/* What has been copied stays as it is; a function is never called plain, whatever it holds. */
static void check_again(const uint8_t *expanded, size_t size, unsigned features)
{
	fli_walked again;
	uint8_t *out = malloc(size);

	CHECK(fli_walk(expanded, size, NULL, &again));
	CHECK(again.size == size && again.expanded_size == size && again.features == features);
	CHECK(out != NULL);
	fli_expand(expanded, &again, NULL, out);
	CHECK(memcmp(out, expanded, size) == 0);
	CHECK(fli_term_size(expanded, size) == size);
	for (size_t cut = size > 64 ? size - 64 : 0; cut < size; cut++)
		CHECK(fli_term_size(expanded, cut) == 0);
	free(out);
}

static void check(const uint8_t *data, const fli_walked *walked, const fli_refs *refs)
{
	uint8_t *out = malloc(walked->expanded_size);

	CHECK(out != NULL);
	fli_expand(data, walked, refs, out);
	check_again(out, walked->expanded_size, walked->features);
	check_head(data, walked, refs, out);
	if (walked->is_plain)
		CHECK(walked->size == walked->expanded_size &&
			memcmp(out, data, walked->size) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fl_atom atoms[FUZZ_REFS_MAX];
	fli_cursor c = fli_cursor_make(data, size);
	fli_refs refs = fuzz_refs(&c, atoms);
	uint8_t *bytes = fuzz_copy(c.at, fli_left(&c));
	fli_walked walked, less;

	if (fli_walk(bytes, fli_left(&c), &refs, &walked)) {
		CHECK(walked.size > 0 && walked.size <= fli_left(&c));
		CHECK(!fli_walk(bytes, walked.size - 1, &refs, &less));
		if (walked.expanded_size <= EXPANDED_MAX)
			check(bytes, &walked, &refs);
	}
	free(bytes);
	return 0;
}
