/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_FUZZ_H
#define FLITCH_TESTS_FUZZ_H

/*
 * What the fuzz targets share: the entry, a check that ends the run, and terms grown from bytes.
 *
 *     bytes  --grow_term-->  an encoded term       so that a change of any byte is another term,
 *                                                  where bytes that are a term themselves are rare
 *
 * Threads: one. Memory: what is grown belongs to the buffer.
 */
#include <stdint.h>
#include <stdlib.h>

#include "flitch/term.h"
#include "node/base/buf.h"
#include "node/base/bytes.h"
#include "node/term/walk.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The names that grown pids, ports and references have: the node that is tried, and its peer. */
#define FUZZ_OWN "a@h.x"
#define FUZZ_PEER "x@h.x"

/* Appends a term of at most five levels; bytes that have run out read as 0. */
void grow_term(fli_cursor *c, fli_buf *out);
/* A list of `count` such terms. */
void grow_list(fli_cursor *c, fli_buf *out, uint32_t count);
/* The next byte, or 0. */
uint8_t grow_byte(fli_cursor *c);
/* At most `max` bytes, as many as the next byte says and are there. */
fl_bin grow_bytes(fli_cursor *c, size_t max);

/*
 * Atoms as a distribution header brings them: a count, then a size and so many bytes for each. They
 * borrow; a text that is no UTF-8, which the atom cache does not let through, becomes empty.
 */
enum { FUZZ_REFS_MAX = 255 };
fli_refs fuzz_refs(fli_cursor *c, fl_atom atoms[FUZZ_REFS_MAX]);

/* A piece of memory of just that size, so that a read past its end is seen. */
uint8_t *fuzz_copy(const void *data, size_t size);

#endif
