/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edit distance is Damerau's in its restricted form (a swap of neighbours counts once), over
 * three rows of the table. A word is near when no more than a third of it is wrong.
 */
#include "cluster/suggest.h"

#include <stdint.h>
#include <string.h>

typedef struct rows {
	size_t before[FLI_SUGGEST_BYTES_MAX + 1]; /* the row before the last */
	size_t last[FLI_SUGGEST_BYTES_MAX + 1];
	size_t now[FLI_SUGGEST_BYTES_MAX + 1];
} rows;

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void fill_row(rows *r, const char *a, size_t i, const char *b, size_t b_size)
{
	r->now[0] = i;
	for (size_t j = 1; j <= b_size; j++) {
		size_t change = r->last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);

		r->now[j] = least(change, least(r->last[j], r->now[j - 1]) + 1);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			r->now[j] = least(r->now[j], r->before[j - 2] + 1);
	}
}

size_t fli_edit_distance(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);
	rows r = {0};

	if (a_size > FLI_SUGGEST_BYTES_MAX || b_size > FLI_SUGGEST_BYTES_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_size; j++)
		r.last[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		fill_row(&r, a, i, b, b_size);
		memcpy(r.before, r.last, sizeof r.last);
		memcpy(r.last, r.now, sizeof r.now);
	}
	return r.last[b_size];
}

fli_suggest fli_suggest_start(const char *typed)
{
	return (fli_suggest){.typed = typed, .best = NULL, .distance = SIZE_MAX};
}

void fli_suggest_offer(fli_suggest *suggest, const char *word)
{
	size_t distance = fli_edit_distance(suggest->typed, word);

	if (distance > (strlen(word) + 2) / 3 || distance >= suggest->distance)
		return;
	suggest->best = word;
	suggest->distance = distance;
}
