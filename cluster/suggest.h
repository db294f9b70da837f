/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_SUGGEST_H
#define FLI_CLUSTER_SUGGEST_H

/*
 * "Did you mean ...?": the known word that is nearest to a mistyped one.
 *
 *     fli_suggest s = fli_suggest_start("dist.tiktime");
 *     for each known word: fli_suggest_offer(&s, word);
 *     s.best is "dist.ticktime", or NULL when nothing is near
 *
 * Threads: any. Memory: borrows the words. Errors: none. Limits: words longer than
 * FLI_SUGGEST_BYTES_MAX are near to nothing.
 */

#include <stddef.h>

#define FLI_SUGGEST_BYTES_MAX 64

typedef struct fli_suggest {
	const char *typed;
	const char *best;
	size_t distance; /* of best */
} fli_suggest;

fli_suggest fli_suggest_start(const char *typed);
void fli_suggest_offer(fli_suggest *suggest, const char *word);
/* How many characters must be changed, added, left out or swapped with their neighbour. */
size_t fli_edit_distance(const char *a, const char *b);

#endif
