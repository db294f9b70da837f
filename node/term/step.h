/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_STEP_H
#define FLI_TERM_STEP_H

/*
 * One step of a walk over encoded terms, for the tags that messages are made of. The walk keeps no
 * stack, only how many terms are still to come: a container adds its elements to that number.
 *
 * Threads: any. Memory: none. Errors: 0 is "not one of these, or odd: look closer".
 */

#include "node/base/bytes.h"
#include "node/base/mem.h"
#include "node/term/tag.h"
#include "node/term/utf8.h"

#define FLI_ATOM_CHARS_MAX 255
#define FLI_ATOM_BYTES_MAX (FLI_ATOM_CHARS_MAX * FLI_UTF8_SIZE_MAX)
#define FLI_TUPLE_ARITY_MAX ((1u << 24) - 1)
#define FLI_REF_WORDS_MAX 5
/* Tag, size, arity, uniq, index, number of free variables. */
#define FLI_FUN_HEADER_SIZE 30
#define FLI_FLOAT_TEXT_SIZE 31

/* The bytes of an atom of `size` bytes of UTF-8 in its smallest form. */
static inline size_t fli_atom_encoded_size(size_t size)
{
	return size + (size < 256 ? 2 : 3);
}

static inline bool fli_float_is_finite(uint64_t bits)
{
	return (bits >> 52 & 0x7ff) != 0x7ff;
}

/* The bytes of a small atom of ASCII at `at`; 0: no such one. */
static FLI_INLINE size_t fli_atom_step(const uint8_t *at, size_t left)
{
	if (left < 2 || *at != FLI_SMALL_ATOM_UTF8_EXT || left - 2 < at[1] ||
		!fli_is_ascii(at + 2, at[1]))
		return 0;
	return 2 + (size_t)at[1];
}

/*
 * The bytes of a pid or a reference in the form that all releases of today write, of a node with
 * such a name: tag (and count of words), atom, numbers. 0: another one, or none; look closer.
 */
static FLI_INLINE size_t fli_ident_step(const uint8_t *at, size_t left)
{
	size_t head = 1, numbers = 12, node;

	if (left >= 3 && *at == FLI_NEWER_REFERENCE_EXT) {
		head = 3;
		numbers = 4 + 4 * (size_t)fli_get16(at + 1);
		if (numbers > 4 + 4 * FLI_REF_WORDS_MAX)
			return 0;
	} else if (left == 0 || *at != FLI_NEW_PID_EXT) {
		return 0;
	}
	node = fli_atom_step(at + head, left - head);
	return node != 0 && left - head - node >= numbers ? head + node + numbers : 0;
}

/*
 * The bytes that the head of the term at `at` takes (all of it but nested terms) and, in
 * `ret_terms`, how many terms follow as its parts. `left` is at least 1; the result may exceed it.
 */
static FLI_INLINE size_t fli_step(const uint8_t *at, size_t left, uint64_t *ret_terms)
{
	uint32_t n;

	*ret_terms = 0;
	switch (*at) {
	case FLI_SMALL_INTEGER_EXT: return 2;
	case FLI_INTEGER_EXT: return 5;
	case FLI_NIL_EXT: return 1;
	case FLI_SMALL_ATOM_UTF8_EXT: return fli_atom_step(at, left);
	case FLI_SMALL_TUPLE_EXT:
		if (left < 2)
			return 0;
		*ret_terms = at[1];
		return 2;
	case FLI_SMALL_BIG_EXT: return left < 3 ? 0 : 3 + (size_t)at[1];
	case FLI_STRING_EXT:
		n = left < 3 ? 0 : fli_get16(at + 1);
		return n == 0 ? 0 : 3 + (size_t)n;
	case FLI_BINARY_EXT: return left < 5 ? 0 : 5 + (size_t)fli_get32(at + 1);
	case FLI_LIST_EXT:
		n = left < 5 ? 0 : fli_get32(at + 1);
		if (n == 0)
			return 0;
		*ret_terms = (uint64_t)n + 1;
		return 5;
	case FLI_MAP_EXT:
		if (left < 5)
			return 0;
		*ret_terms = (uint64_t)fli_get32(at + 1) * 2;
		return 5;
	case FLI_NEW_FLOAT_EXT: return left < 9 || !fli_float_is_finite(fli_get64(at + 1)) ? 0 : 9;
	default: return 0;
	}
}

#endif
