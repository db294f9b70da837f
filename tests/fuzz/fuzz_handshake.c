/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both roles of the handshake under arbitrary bytes. The first byte chooses role, prefix, verdict
 * and the size of the portions; the rest is what the peer says. So that the fuzzer gets past the
 * digest without knowing MD5, the input may carry a mark that stands for the right one.
 */
#include <string.h>

#include "dist/flags.h"
#include "tests/support/handshake_pair.h"

/* Sixteen bytes that are replaced by the digest that would be right. */
static const char mark[] = "the right digest";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replace_mark(uint8_t *bytes, size_t size, uint32_t challenge)
{
	for (size_t i = 0; i + FLI_MD5_BYTES <= size; i++)
		if (memcmp(bytes + i, mark, FLI_MD5_BYTES) == 0)
			fli_digest("secret", 6, challenge, bytes + i);
}

static void begin(struct hs_side *side, uint8_t choice)
{
	hs_side_create(side, (choice & 0x40) != 0 ? "h" : "a@h", 4);
	side->config.prefix_bytes = (choice & 1) != 0 ? 4 : 2;
	side->verdict = (fli_handshake_verdict)((choice >> 1 & 7) % 7);
	side->given_name = "x@h";
	if ((choice & 0x10) != 0)
		hs_dial(side, "b@h");
	else
		hs_accept(side);
}

static void check(const struct hs_side *side)
{
	const fli_handshake *hs = &side->hs;
	bool is_end = hs->state == FLI_HANDSHAKE_DONE || hs->state == FLI_HANDSHAKE_TAKEOVER;

	fl_assert((hs->state == FLI_HANDSHAKE_FAILED) == (hs->cause != FLI_CAUSE_NONE));
	fl_assert(hs->state != FLI_HANDSHAKE_FAILED || hs->error.code != FL_OK);
	fl_assert(hs->peer.name.size <= FLI_NODE_NAME_BYTES_MAX);
	fl_assert(!is_end || fli_flags_missing(hs->peer.flags) == 0);
	fl_assert(!is_end || hs->peer.name.alive_size > 0);
	fl_assert((hs->flags & ~FLI_DFLAGS_OWN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hs_side side;
	static uint8_t bytes[65536];
	size_t at = 0, step;

	if (size < 1 || size > sizeof bytes)
		return 0;
	begin(&side, data[0]);
	step = (data[0] & 0x20) != 0 ? 1 : 4096;
	memcpy(bytes, data + 1, size - 1);
	replace_mark(bytes, size - 1, side.next_challenge);
	at = hs_feed(&side, bytes, size - 1, step);
	if (side.hs.state == FLI_HANDSHAKE_QUESTION) {
		(void)fli_handshake_answer(&side.hs, (data[0] & 0x80) == 0, &side.out);
		(void)hs_feed(&side, bytes + at, size - 1 - at, step);
	}
	check(&side);
	if (side.hs.state == FLI_HANDSHAKE_TAKEOVER)
		(void)fli_handshake_take_over(&side.hs, &side.out);
	(void)((data[0] & 0x80) != 0 ? fli_handshake_eof(&side.hs)
				     : fli_handshake_timeout(&side.hs));
	check(&side);
	hs_side_destroy(&side);
	return 0;
}
