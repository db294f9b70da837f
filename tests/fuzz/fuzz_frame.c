/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the stream of a connection. The first byte chooses flags and how the stream is
 * split; each signal that comes out is expanded and walked again.
 */
#include <stdlib.h>

#include "dist/flags.h"
#include "dist/frame_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const fli_part *part, const fli_refs *refs)
{
	fli_walked again;
	uint8_t *out;

	if (part->data == NULL)
		return;
	out = malloc(part->walked.expanded_size);
	if (out == NULL)
		return;
	fli_expand(part->data, &part->walked, refs, out);
	if (!fli_walk(out, part->walked.expanded_size, NULL, &again))
		abort();
	if (again.size != part->walked.expanded_size || again.expanded_size != again.size)
		abort();
	free(out);
}

static bool check(void *ctx, const fli_signal *signal)
{
	(void)ctx;
	check_part(&signal->payload, signal->refs);
	check_part(&signal->token, signal->refs);
	if (signal->op == FLI_OP_SPAWN_REQUEST)
		check_part(&signal->spawn.options, signal->refs);
	return true;
}

static uint64_t flags_of(uint8_t choice)
{
	uint64_t flags = FLI_DFLAGS_OWN;

	if (choice & 1)
		flags &= ~FLI_DFLAG(FRAGMENTS);
	if (choice & 2)
		flags &= ~FLI_DFLAG(DIST_HDR_ATOM_CACHE);
	return flags;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_inbound_config config = {.mem = fli_mem_libc(),
		.on_signal = check,
		.limits = {.frame_bytes_max = 1 << 16, .fragment_bytes_max = 1 << 16}};
	fli_inbound in;
	size_t step;

	if (size < 1)
		return 0;
	config.flags = flags_of(data[0]);
	step = data[0] & 0x80 ? 1 + (size_t)(data[0] & 0x7c) : size;
	fli_inbound_create(&in, &config);
	for (size_t at = 1; at < size; at += step)
		if (fli_inbound_feed(&in, data + at, size - at < step ? size - at : step, NULL))
			break;
	fli_inbound_destroy(&in);
	return 0;
}
