/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/shake.h"

#include <string.h>

#include "dist/flags.h"
#include "tests/fuzz/fuzz.h"

enum { BYTES_MAX = 8192, HONEST_MAX = 4 };

/* Sixteen bytes that are replaced by the digest that would be right. */
static const char mark[] = "the right digest";

static void replace_mark(uint8_t *bytes, size_t size, uint32_t challenge)
{
	for (size_t i = 0; i + FLI_MD5_BYTES <= size; i++)
		if (memcmp(bytes + i, mark, FLI_MD5_BYTES) == 0)
			fli_digest("secret", 6, challenge, bytes + i);
}

static void configure(struct hs_side *side, uint8_t choice, const char *name)
{
	hs_side_create(side, name, 4);
	side->config.prefix_bytes = (choice & 1) != 0 ? 4 : 2;
	side->verdict = (fli_handshake_verdict)((choice >> 1 & 7) % 7);
	side->given_name = "given@127.0.0.1";
	side->given_creation = 9;
	if ((choice & 16) != 0)
		side->config.own.flags &= ~FLI_DFLAG(HANDSHAKE_23);
}

static void begin(struct hs_side *side, struct hs_side *peer, uint8_t choice, bool is_dialler)
{
	const char *dialler = (choice & 64) != 0 ? "127.0.0.1" : "c1@127.0.0.1";

	configure(side, choice, is_dialler ? dialler : "c1@127.0.0.1");
	configure(peer, choice & ~16u, "otp@127.0.0.1");
	hs_dial(is_dialler ? side : peer, is_dialler ? "otp@127.0.0.1" : "c1@127.0.0.1");
	hs_accept(is_dialler ? peer : side);
}

/* Moves one message, whole. */
static bool say(struct hs_side *from, struct hs_side *to)
{
	size_t prefix = from->config.prefix_bytes, left = from->out.size - from->sent, size;
	const uint8_t *at;

	if (left < prefix)
		return false;
	at = from->out.data + from->sent;
	size = prefix + (prefix == 2 ? fli_get16(at) : fli_get32(at));
	CHECK(size <= left);
	left = hs_feed(to, at, size, size);
	from->sent += left;
	return left > 0;
}

/* The peer says `count` messages, and hears all that is answered. */
static void be_honest(struct hs_side *side, struct hs_side *peer, unsigned count)
{
	do {
		while (say(side, peer))
			;
		if (peer->hs.state == FLI_HANDSHAKE_QUESTION)
			(void)fli_handshake_answer(&peer->hs, true, &peer->out);
		if (peer->hs.state == FLI_HANDSHAKE_TAKEOVER)
			(void)fli_handshake_take_over(&peer->hs, &peer->out);
	} while (count-- > 0 && say(peer, side));
}

static void check(const struct hs_side *side)
{
	const fli_handshake *hs = &side->hs;
	bool is_end = hs->state == FLI_HANDSHAKE_DONE || hs->state == FLI_HANDSHAKE_TAKEOVER;

	CHECK((hs->state == FLI_HANDSHAKE_FAILED) == (hs->cause != FLI_CAUSE_NONE));
	CHECK(hs->state != FLI_HANDSHAKE_FAILED || hs->error.code != FL_OK);
	CHECK(hs->peer.name.size <= FLI_NODE_NAME_BYTES_MAX);
	CHECK(!is_end || fli_flags_missing(hs->peer.flags) == 0);
	CHECK(!is_end || hs->peer.name.alive_size > 0);
	CHECK((hs->flags & ~FLI_DFLAGS_OWN) == 0);
	CHECK(fli_handshake_step_text(hs)[0] != '\0');
}

static void finish(struct hs_side *side, bool is_closed)
{
	check(side);
	if (side->hs.state == FLI_HANDSHAKE_TAKEOVER)
		(void)fli_handshake_take_over(&side->hs, &side->out);
	(void)(is_closed ? fli_handshake_eof(&side->hs) : fli_handshake_timeout(&side->hs));
	check(side);
}

void shake(const uint8_t *data, size_t size, bool is_dialler)
{
	static struct hs_side side, peer;
	static uint8_t bytes[BYTES_MAX];
	fli_cursor c = fli_cursor_make(data, size);
	uint8_t choice = grow_byte(&c), count = grow_byte(&c) % (HONEST_MAX + 1);
	size_t step = (choice & 32) != 0 ? 1 : 4096, left = fli_left(&c), at;

	if (left > sizeof bytes)
		return;
	begin(&side, &peer, choice, is_dialler);
	be_honest(&side, &peer, count);
	if (left > 0)
		memcpy(bytes, c.at, left);
	replace_mark(bytes, left, side.next_challenge);
	at = hs_feed(&side, bytes, left, step);
	if (side.hs.state == FLI_HANDSHAKE_QUESTION) {
		(void)fli_handshake_answer(&side.hs, (choice & 128) == 0, &side.out);
		(void)hs_feed(&side, bytes + at, left - at, step);
	}
	finish(&side, (choice & 128) != 0);
	hs_side_destroy(&side);
	hs_side_destroy(&peer);
}
