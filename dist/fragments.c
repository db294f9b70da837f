/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly of fragmented messages.
 *
 * - The first fragment opens a sequence; its control term and its part of the payload are kept in
 *   one growing buffer, its atoms are copied.
 * - Each further one is appended; the number counts down to 1.
 * - The complete sequence leaves the table and is parsed by the caller like any message.
 *
 * Failures cost the connection: a sequence that is opened twice or was never opened, a number out
 * of order, too many open sequences, too many bytes in all of them. A BEAM allocates an array of as
 * many fragments as the first one claims; here the claim is only counted down, and memory follows
 * the bytes that came.
 */
#include "dist/fragments.h"

#include <inttypes.h>

#include "dist/atom_cache.h"
#include "node/base/bug.h"

static bool has_seq(const void *item, const void *key)
{
	const fli_fragment_seq *sequence = item;
	const uint64_t *seq = key;

	return sequence->seq == *seq;
}

static uint64_t hash_of(const fli_fragments *fragments, uint64_t seq)
{
	return fli_hash_mix(seq ^ fragments->seed);
}

void fli_fragments_create(
	fli_fragments *fragments, fli_mem *mem, fli_fragments_limits limits, uint64_t seed)
{
	*fragments = (fli_fragments){.mem = mem, .limits = limits, .seed = seed};
	fli_map_create(&fragments->open, mem, has_seq);
}

void fli_fragment_seq_delete(fli_fragments *fragments, fli_fragment_seq *sequence)
{
	fli_spares_give(fragments->spares, &sequence->bytes);
	fli_free(fragments->mem, sequence->refs);
	fli_free(fragments->mem, sequence);
}

void fli_fragments_destroy(fli_fragments *fragments)
{
	fli_fragment_seq *sequence;
	size_t cursor = 0;

	while ((sequence = fli_map_next(&fragments->open, &cursor)) != NULL)
		fli_fragment_seq_delete(fragments, sequence);
	fli_map_destroy(&fragments->open);
	fragments->bytes = 0;
	fragments->last = NULL;
}

static int charge(fli_fragments *fragments, size_t size, fl_error *err)
{
	if (size > fragments->limits.bytes_max - fragments->bytes)
		return fl_error_set(err, FL_ELIMIT,
			"fragments: more than %zu bytes in %zu unfinished messages",
			fragments->limits.bytes_max, fragments->open.count);
	fragments->bytes += size;
	return FL_OK;
}

int fli_fragments_append(fli_fragments *fragments, fli_fragment_seq *sequence, const uint8_t *data,
	size_t size, fl_error *err)
{
	int code = charge(fragments, size, err);

	if (code != FL_OK)
		return code;
	fli_buf_add(&sequence->bytes, data, size);
	if (!sequence->bytes.failed)
		return FL_OK;
	fragments->bytes -= size;
	return fl_error_set(err, FL_ENOMEM, "fragments: out of memory");
}

static fli_fragment_seq *seq_new(fli_fragments *fragments, uint64_t seq, const fli_refs *refs)
{
	fli_fragment_seq *sequence = fli_zalloc(fragments->mem, sizeof *sequence);

	if (sequence == NULL)
		return NULL;
	sequence->seq = seq;
	sequence->refs_size = refs->count == 0 ? 0 : fli_atom_cache_kept_size(refs);
	fli_buf_create(&sequence->bytes, fragments->mem, 0);
	fli_spares_take(fragments->spares, &sequence->bytes);
	sequence->refs = fli_atom_cache_keep(refs, fragments->mem);
	if (sequence->refs == NULL) {
		fli_fragment_seq_delete(fragments, sequence); /* with the block it was given */
		return NULL;
	}
	/* without memory for it the first append fails, too */
	(void)fli_buf_extend(&sequence->bytes, FLI_FRAGMENT_ROOM);
	return sequence;
}

static int check_open(const fli_fragments *fragments, const fli_fragment *first, fl_error *err)
{
	if (fli_map_get(&fragments->open, hash_of(fragments, first->seq), &first->seq) != NULL)
		return fl_error_set(err, FL_EFORMAT,
			"fragments: sequence %" PRIu64 " is opened while it is open", first->seq);
	if (fragments->open.count >= fragments->limits.open_max)
		return fl_error_set(err, FL_ELIMIT, "fragments: more than %zu open sequences",
			fragments->limits.open_max);
	return FL_OK;
}

/* Failures are final for the connection: what was charged does not matter any more. */
int fli_fragments_open(
	fli_fragments *fragments, const fli_fragment *first, const fli_refs *refs, fl_error *err)
{
	fli_fragment_seq *sequence;
	int code = check_open(fragments, first, err);

	if (code != FL_OK)
		return code;
	sequence = seq_new(fragments, first->seq, refs);
	if (sequence == NULL)
		return fl_error_set(err, FL_ENOMEM, "fragments: out of memory");
	sequence->expected = first->number - 1;
	code = charge(fragments, sequence->refs_size, err);
	if (code == FL_OK)
		code = fli_fragments_append(fragments, sequence, first->data, first->size, err);
	if (code == FL_OK &&
		fli_map_put(&fragments->open, hash_of(fragments, first->seq), sequence) != FL_OK)
		code = fl_error_set(err, FL_ENOMEM, "fragments: out of memory");
	if (code != FL_OK) {
		fli_fragment_seq_delete(fragments, sequence);
		return code;
	}
	fragments->last = sequence;
	return FL_OK;
}

static fli_fragment_seq *find(fli_fragments *fragments, uint64_t seq)
{
	if (fragments->last != NULL && fragments->last->seq == seq)
		return fragments->last;
	fragments->last = fli_map_get(&fragments->open, hash_of(fragments, seq), &seq);
	return fragments->last;
}

static int check_order(const fli_fragment_seq *sequence, const fli_fragment *next, fl_error *err)
{
	if (sequence == NULL)
		return fl_error_set(err, FL_EFORMAT,
			"fragments: number %" PRIu64 " of sequence %" PRIu64 ", which is not open",
			next->number, next->seq);
	if (next->number != sequence->expected && !FLI_BUG(fragments_mixed))
		return fl_error_set(err, FL_EFORMAT,
			"fragments: number %" PRIu64 " of sequence %" PRIu64 " where %" PRIu64
			" is next",
			next->number, next->seq, sequence->expected);
	return FL_OK;
}

int fli_fragments_begin(fli_fragments *fragments, const fli_fragment *next,
	fli_fragment_seq **ret_sequence, fl_error *err)
{
	fli_fragment_seq *sequence = FLI_BUG(fragments_mixed) && fragments->last != NULL
					     ? fragments->last
					     : find(fragments, next->seq);
	int code = check_order(sequence, next, err);

	if (code == FL_OK)
		*ret_sequence = sequence;
	return code;
}

bool fli_fragments_end(fli_fragments *fragments, fli_fragment_seq *sequence)
{
	uint64_t seq = sequence->seq;

	if (--sequence->expected > 0)
		return false;
	(void)fli_map_remove(&fragments->open, hash_of(fragments, seq), &seq); /* it is there */
	fragments->bytes -= sequence->bytes.size - FLI_FRAGMENT_ROOM + sequence->refs_size;
	fragments->last = NULL;
	return true;
}
