/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples are laid end to end, as libzstd wants them. Then for each size of segment a dictionary is
 * made of the first three quarters; the one that packs the last quarter best is the answer.
 */
#include "train.h"

#include <stdlib.h>
#include <string.h>

#define ZDICT_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>

enum {
	SPLIT_MIN = 20, /* fewer samples are all trained with, and all tried */
	STEP = 256 << 10,
	LEVEL = 3,
	TABLE_LOG = 20, /* libzstd's defaults: d, f, and the range of k */
	WORD = 8
};
static const unsigned segments[] = {50, 537, 1025, 1512, 2000};

typedef struct samples {
	uint8_t *bytes;
	size_t *sizes;
	size_t count, trained, total;
	size_t longest;
} samples;

/* Owner: the thread that trains. */
typedef struct trial {
	const samples *from;
	train_goes_on *goes_on;
	void *arg;
	uint8_t *dictionary, *packed;
	size_t dictionary_max, packed_max;
	ZSTD_CCtx *context;
} trial;

/* ---- samples --------------------------------------------------------------------------------- */

static const char *measure(fl_term list, samples *s)
{
	fl_term one;
	fl_bin sample;

	while (fl_list_next(&list, &one) && fl_match(one, "~", &sample)) {
		if (s->count == TRAIN_SAMPLES_MAX || sample.size > TRAIN_BYTES_MAX - s->total)
			return "too_large";
		s->count++;
		s->total += sample.size;
		s->longest = sample.size > s->longest ? sample.size : s->longest;
	}
	return s->count == 0 ? "too_few_samples" : NULL;
}

static const char *collect(fl_term list, samples *s)
{
	const char *why = measure(list, s);
	fl_term one;
	fl_bin sample;
	size_t at = 0;

	if (why != NULL)
		return why;
	s->bytes = malloc(s->total + 1);
	s->sizes = calloc(s->count, sizeof *s->sizes);
	if (s->bytes == NULL || s->sizes == NULL)
		return "enomem";
	for (size_t i = 0; i < s->count; i++) {
		(void)fl_list_next(&list, &one);
		(void)fl_match(one, "~", &sample);
		memcpy(s->bytes + at, sample.data, sample.size);
		at += s->sizes[i] = sample.size;
	}
	s->trained = s->count < SPLIT_MIN ? s->count : s->count * 3 / 4;
	return NULL;
}

/* ---- trials ---------------------------------------------------------------------------------- */

/* 0: it cannot be made. */
static size_t make(const trial *t, unsigned segment)
{
	ZDICT_fastCover_params_t params = {.k = segment,
		.d = WORD,
		.f = TABLE_LOG,
		.accel = 1,
		.zParams.compressionLevel = LEVEL};
	size_t size = ZDICT_trainFromBuffer_fastCover(t->dictionary, t->dictionary_max,
		t->from->bytes, t->from->sizes, (unsigned)t->from->trained, params);

	return ZDICT_isError(size) ? 0 : size;
}

/* What the samples that were not trained with become; SIZE_MAX: it was given up, or cannot be. */
static size_t worth(const trial *t, size_t dictionary_size)
{
	ZSTD_CDict *dictionary = ZSTD_createCDict(t->dictionary, dictionary_size, LEVEL);
	const samples *s = t->from;
	size_t total = dictionary_size, at = 0, step = 0;
	bool is_over = dictionary == NULL;

	for (size_t i = 0; i < s->count && !is_over; i++) {
		if (i >= s->trained || s->trained == s->count) {
			total += ZSTD_compress_usingCDict(t->context, t->packed, t->packed_max,
				s->bytes + at, s->sizes[i], dictionary);
			step += s->sizes[i];
		}
		if (step >= STEP)
			is_over = !t->goes_on(t->arg);
		step %= STEP;
		at += s->sizes[i];
	}
	(void)ZSTD_freeCDict(dictionary);
	return is_over ? SIZE_MAX : total;
}

static const char *try_all(trial *t, fl_blob *ret_dictionary)
{
	size_t best = SIZE_MAX, size, total;
	size_t best_size = 0;

	for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
		if (!t->goes_on(t->arg))
			return "given_up";
		size = make(t, segments[i]);
		total = size == 0 ? SIZE_MAX : worth(t, size);
		if (total >= best)
			continue;
		best = total;
		best_size = size;
		memcpy(ret_dictionary->data, t->dictionary, size);
	}
	if (!t->goes_on(t->arg))
		return "given_up";
	return best_size == 0                                       ? "too_few_samples"
	       : fl_blob_resize(ret_dictionary, best_size) == FL_OK ? NULL
								    : "enomem";
}

const char *train_dictionary(
	fl_term list, fl_blob *ret_dictionary, train_goes_on *goes_on, void *arg)
{
	samples s = {.count = 0};
	const char *why = collect(list, &s);
	trial t = {.from = &s, .goes_on = goes_on, .arg = arg};

	if (why == NULL) {
		t.dictionary_max = ret_dictionary->size;
		t.packed_max = ZSTD_compressBound(s.longest);
		t.dictionary = malloc(t.dictionary_max);
		t.packed = malloc(t.packed_max);
		t.context = ZSTD_createCCtx();
		why = t.dictionary == NULL || t.packed == NULL || t.context == NULL
			      ? "enomem"
			      : try_all(&t, ret_dictionary);
	}
	(void)ZSTD_freeCCtx(t.context);
	free(t.dictionary);
	free(t.packed);
	free(s.bytes);
	free(s.sizes);
	return why;
}
