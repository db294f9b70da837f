/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake (erl_dist_protocol, "Distribution Handshake"): messages are cut here, the steps of
 * the dialler are in handshake_dial.c, those of the acceptor in handshake_accept.c, the sentences
 * for people in handshake_fail.c.
 *
 * - Bytes go into `in` until the length is known, is checked, and the message is whole.
 * - The handler of the step reads it, writes the answer, names the next step.
 * - At the ack the state is DONE, and not one byte more has been taken: the peer's first frame may
 *   lie in the same segment.
 *
 * Failure: a message that is too long, malformed, or not of this step ends the attempt at once.
 * What was written before (a status "nok" or "not_allowed") is still to be sent.
 *
 * Departures from OTP: lengths above 2 KiB are refused, where it takes 64 KiB from anybody; a
 * challenge that is one of our own is refused; names are ASCII.
 */
#include "dist/handshake.h"

#include <string.h>

#include "dist/flags.h"
#include "dist/handshake_steps.h"

typedef void step_handler(fli_handshake *hs, fli_cursor body, fli_buf *out);

static const struct {
	const char *text;
	step_handler *handle;
} steps[] = {
#define STEP(step, text, handler) {text, handler},
	FLI_HANDSHAKE_STEPS(STEP)
#undef STEP
};

const char *fli_handshake_step_text(const fli_handshake *hs)
{
	return steps[hs->step].text;
}

static void create(fli_handshake *hs, const fli_handshake_config *config)
{
	fl_assert(config->prefix_bytes == 2 || config->prefix_bytes == 4);
	*hs = (fli_handshake){.config = config, .own = config->own};
	hs->own.is_dynamic = config->own.name.alive_size == 0;
	if (!hs->own.is_dynamic)
		return;
	/* Such a node is hidden in every release, whatever it says. */
	hs->own.flags = (hs->own.flags | FLI_DFLAG(NAME_ME)) & ~FLI_DFLAG(PUBLISHED);
	hs->own.creation = 0;
}

static void send_name(const fli_handshake *hs, fli_buf *out)
{
	const fli_handshake_side *own = &hs->own;

	fli_handshake_begin(hs, out, 15 + own->name.size, FLI_TAG_NAME);
	fli_buf_add64(out, own->flags);
	fli_buf_add32(out, own->creation);
	fli_buf_add16(out, (uint16_t)own->name.size);
	fli_buf_add(out, own->name.text, own->name.size);
}

static bool has_cookie(fli_handshake *hs)
{
	uint8_t cookie[FLI_COOKIE_BYTES_MAX];
	size_t size = hs->config->cookie(hs->config->context, &hs->peer.name, cookie);

	explicit_bzero(cookie, sizeof cookie);
	return size != 0;
}

/* What was to be sent may not have found room. */
static fli_handshake_state settle(fli_handshake *hs, const fli_buf *out)
{
	if (out->failed && hs->state != FLI_HANDSHAKE_FAILED)
		fli_handshake_fail(hs, FLI_CAUSE_NO_MEMORY, "no memory for the answer");
	return hs->state;
}

fli_handshake_state fli_handshake_dial(fli_handshake *hs, const fli_handshake_config *config,
	const fli_node_name *peer, fli_buf *out)
{
	create(hs, config);
	hs->is_dialler = true;
	hs->peer.name = *peer;
	if (fli_node_name_eq(peer, &hs->own.name)) {
		fli_handshake_fail(hs, FLI_CAUSE_OWN_NAME, "that is this node's own name");
		return hs->state;
	}
	if (!has_cookie(hs)) {
		fli_handshake_fail(hs, FLI_CAUSE_NO_COOKIE, "there is no cookie for it");
		return hs->state;
	}
	send_name(hs, out);
	hs->step = FLI_STEP_STATUS;
	return settle(hs, out);
}

void fli_handshake_accept(fli_handshake *hs, const fli_handshake_config *config)
{
	create(hs, config);
	hs->step = FLI_STEP_NAME;
}

/* ---- messages in ----------------------------------------------------------------------------- */

static size_t message_size(const fli_handshake *hs)
{
	return hs->config->prefix_bytes == 2 ? fli_get16(hs->in) : fli_get32(hs->in);
}

static size_t message_bytes_max(const fli_handshake *hs)
{
	size_t max = hs->config->message_bytes_max;

	return max > 0 && max < FLI_HANDSHAKE_MESSAGE_BYTES_MAX ? max
								: FLI_HANDSHAKE_MESSAGE_BYTES_MAX;
}

static bool is_text(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return false;
	return true;
}

/* A length beyond the limit is mostly the beginning of another protocol. */
static void refuse_length(fli_handshake *hs)
{
	const uint8_t *in = hs->in;
	bool is_first = hs->progress == 0;

	/* The records of TLS: handshake 22 or alert 21, then major version 3. */
	if (is_first && (in[0] == 0x16 || in[0] == 0x15) && in[1] == 0x03)
		fli_handshake_fail(hs, FLI_CAUSE_CARRIER, "the peer speaks TLS");
	else if (is_first && is_text(in, hs->config->prefix_bytes))
		fli_handshake_fail(hs, FLI_CAUSE_CARRIER,
			"the peer speaks no Erlang distribution: it began with \"%.*s\"",
			(int)hs->config->prefix_bytes, (const char *)in);
	else
		fli_handshake_fail(hs, FLI_CAUSE_TOO_LONG,
			"the peer announced a message of %zu bytes (limit %zu)", message_size(hs),
			message_bytes_max(hs));
}

/* How many bytes the message in hand is known to have, its length included. */
static size_t size_wanted(const fli_handshake *hs)
{
	size_t prefix = hs->config->prefix_bytes;

	return hs->in_size < prefix ? prefix : prefix + message_size(hs);
}

/* Takes bytes up to the end of what is known to belong to the message. */
static size_t collect(fli_handshake *hs, const uint8_t *bytes, size_t size)
{
	size_t want = size_wanted(hs) - hs->in_size;
	size_t taken = size < want ? size : want;

	memcpy(hs->in + hs->in_size, bytes, taken);
	hs->in_size += taken;
	if (hs->in_size == hs->config->prefix_bytes && message_size(hs) > message_bytes_max(hs))
		refuse_length(hs);
	return taken;
}

fli_handshake_state fli_handshake_feed(
	fli_handshake *hs, const uint8_t *bytes, size_t size, size_t *ret_used, fli_buf *out)
{
	size_t prefix = hs->config->prefix_bytes;
	size_t used = 0;

	while (hs->state == FLI_HANDSHAKE_MORE && used < size) {
		used += collect(hs, bytes + used, size - used);
		if (hs->state != FLI_HANDSHAKE_MORE || hs->in_size < prefix ||
			hs->in_size < size_wanted(hs))
			continue;
		steps[hs->step].handle(
			hs, fli_cursor_make(hs->in + prefix, hs->in_size - prefix), out);
		hs->in_size = 0;
		hs->progress++;
	}
	*ret_used = used;
	return settle(hs, out);
}

fli_handshake_state fli_handshake_answer(fli_handshake *hs, bool is_wanted, fli_buf *out)
{
	fl_assert(hs->state == FLI_HANDSHAKE_QUESTION);
	hs->state = FLI_HANDSHAKE_MORE;
	hs->progress++;
	fli_handshake_send_status(hs, out, is_wanted ? "true" : "false");
	if (is_wanted)
		hs->step = FLI_STEP_CHALLENGE;
	else
		fli_handshake_fail(hs, FLI_CAUSE_ALIVE, "this node keeps the connection it has");
	return settle(hs, out);
}

fli_handshake_state fli_handshake_take_over(fli_handshake *hs, fli_buf *out)
{
	fl_assert(hs->state == FLI_HANDSHAKE_TAKEOVER);
	hs->progress++;
	fli_handshake_send_ack(hs, out);
	return settle(hs, out);
}

/* ---- shared by both roles -------------------------------------------------------------------- */

void fli_handshake_begin(const fli_handshake *hs, fli_buf *out, size_t size, uint8_t tag)
{
	if (hs->config->prefix_bytes == 2)
		fli_buf_add16(out, (uint16_t)size);
	else
		fli_buf_add32(out, (uint32_t)size);
	fli_buf_add8(out, tag);
}

void fli_handshake_send_status(const fli_handshake *hs, fli_buf *out, const char *text)
{
	fli_handshake_begin(hs, out, 1 + strlen(text), FLI_TAG_STATUS);
	fli_buf_add_text(out, text);
}

bool fli_handshake_draw(fli_handshake *hs)
{
	if (hs->config->random(hs->config->context, &hs->challenge, sizeof hs->challenge))
		return true;
	fli_handshake_fail(hs, FLI_CAUSE_RANDOM, "no random number for a challenge");
	return false;
}

bool fli_handshake_check_flags(fli_handshake *hs, uint64_t known)
{
	char names[FLI_DFLAGS_TEXT_SIZE];
	uint64_t said = fli_flags_expand(hs->peer.flags);
	uint64_t missing = fli_flags_missing(said) | (hs->config->flags_demanded & known & ~said);

	if (missing == 0)
		return true;
	fli_handshake_fail(hs, FLI_CAUSE_FLAGS, "the peer lacks %s",
		fli_flags_text(names, sizeof names, missing));
	return false;
}

void fli_handshake_agree(fli_handshake *hs)
{
	/* The bit asks for a name; it says nothing of the connection. */
	hs->flags = fli_flags_effective(hs->own.flags, hs->peer.flags) & ~FLI_DFLAG(NAME_ME);
	if (hs->own.is_dynamic || hs->peer.is_dynamic)
		hs->flags &= ~FLI_DFLAG(PUBLISHED);
}

fli_handshake_verdict fli_simultaneous(const fli_node_name *own, const fli_node_name *peer)
{
	return fli_node_name_compare(own, peer) > 0 ? FLI_VERDICT_NOK : FLI_VERDICT_OK_SIMULTANEOUS;
}
