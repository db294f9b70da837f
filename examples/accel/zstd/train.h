/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ZSTD_TRAIN_H
#define ZSTD_TRAIN_H

/*
 * A dictionary for what is like some samples, in steps between which it can be given up.
 *
 * libzstd's own trainer tries five sizes of segment in one call, which nothing ends. Here each is a
 * call of its own, and what it is worth is measured in steps of 256 KiB.
 *
 * Threads: any. Memory: 6 MiB for the trainer, a copy of the samples, two dictionaries.
 * Limits: the longest step is one try: the constants below bound it.
 */

#include <flitch.h>

enum {
	TRAIN_SAMPLES_MAX = 100000,
	TRAIN_BYTES_MAX = 16 << 20, /* of all samples; a hundred times a large dictionary */
	TRAIN_SIZE_MIN = 256,
	TRAIN_SIZE_MAX = 1 << 20
};

/* False: nobody waits any more. */
typedef bool train_goes_on(void *arg);

/*
 * Fills the blob, `size` bytes long, and cuts it to the dictionary. NULL, or why not: "given_up",
 * "enomem", "too_large", "too_few_samples". `samples` is a list of binaries.
 */
const char *train_dictionary(
	fl_term samples, fl_blob *ret_dictionary, train_goes_on *goes_on, void *arg);

#endif
