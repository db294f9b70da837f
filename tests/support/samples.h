/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded terms, at least one of each tag that a peer may send, for the tests of decoders.
 *
 * Those that need it refer to the atoms of `fl_sample_refs`, as on a connection with a cache.
 */
#ifndef FLITCH_TESTS_SAMPLES_H
#define FLITCH_TESTS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "node/term/walk.h"

typedef struct fl_sample {
	const char *name;
	const uint8_t *data;
	size_t size;
	size_t expanded_size;
} fl_sample;

extern const fl_sample fl_samples[];
extern const size_t fl_sample_count;
extern const fli_refs fl_sample_refs;

/* A copy in memory of exactly that size, so that a sanitizer sees what reads past it. */
uint8_t *fl_exact(const void *data, size_t size);
/* Visits every part of a term by the public readers, to see that they end and stay inside. */
size_t fl_visit(fl_term term);

#endif
