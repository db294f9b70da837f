/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acceptor's side of the handshake.
 *
 * - The name message is judged in the order that OTP keeps: form of the name, flags, own name, then
 *   the driver's verdict (allow list, then connections that are up or pending).
 * - Status and challenge go out together; after "alive" the challenge waits for "true".
 * - The reply proves that the dialler knows the cookie. Only then is an old connection to that node
 *   touched (TAKEOVER): else anybody could kick nodes out. The ack ends the handshake.
 *
 * Failure modes: a name of no form at all is not answered; one with odd characters, or our own,
 * gets "nok"; a wrong digest gets silence, as does a peer that we hold no cookie for, and in the
 * same time.
 *
 * A dialler of OTP 23 that knows no version sends the old name message `n`, with half of the flags;
 * the other half, and its creation, follow in the complement `c`.
 */
#include <string.h>

#include "dist/flags.h"
#include "dist/handshake_steps.h"

/* A dynamic name's challenge flags: the node is hidden in every release. */
static uint64_t flags_told(const fli_handshake *hs)
{
	if (!hs->peer.is_dynamic)
		return hs->own.flags;
	return (hs->own.flags | FLI_DFLAG(NAME_ME)) & ~FLI_DFLAG(PUBLISHED);
}

static void send_challenge(fli_handshake *hs, fli_buf *out)
{
	const fli_handshake_side *own = &hs->own;

	if (!fli_handshake_draw(hs))
		return;
	fli_handshake_begin(hs, out, 19 + own->name.size, FLI_TAG_NAME);
	fli_buf_add64(out, flags_told(hs));
	fli_buf_add32(out, hs->challenge);
	fli_buf_add32(out, own->creation);
	fli_buf_add16(out, (uint16_t)own->name.size);
	fli_buf_add(out, own->name.text, own->name.size);
	hs->step = hs->is_old_name ? FLI_STEP_COMPLEMENT : FLI_STEP_REPLY;
}

/* ---- the name -------------------------------------------------------------------------------- */

/* `N`: flags:8 creation:4 nlen:2 name, more is ignored. `n`: version:2 flags:4 name. */
static bool take_name(fli_handshake *hs, fli_cursor body, fli_cursor *ret_name)
{
	uint8_t tag = 0;
	uint16_t size = 0;
	uint32_t low = 0;
	const uint8_t *text;

	if (!fli_take8(&body, &tag))
		return false;
	if (tag == FLI_TAG_NAME) {
		if (!fli_take64(&body, &hs->peer.flags) || !fli_take32(&body, &hs->peer.creation) ||
			!fli_take16(&body, &size) || !fli_take(&body, size, &text))
			return false;
		*ret_name = fli_cursor_make(text, size);
		return true;
	}
	if (tag != FLI_TAG_NAME_OLD || !fli_take16(&body, &size) || !fli_take32(&body, &low))
		return false;
	hs->is_old_name = true;
	hs->peer.flags = low;
	*ret_name = body;
	return true;
}

static bool check_name(fli_handshake *hs, fli_cursor text, fli_buf *out)
{
	const char *name = (const char *)text.at;
	fli_handshake_side *peer = &hs->peer;
	fli_name_fault fault;

	peer->is_dynamic = (peer->flags & FLI_DFLAG(NAME_ME)) != 0;
	fault = peer->is_dynamic ? fli_node_name_inspect_host(name, fli_left(&text), &peer->name)
				 : fli_node_name_inspect(name, fli_left(&text), &peer->name);
	if (fault == FLI_NAME_OK)
		return true;
	if (fault == FLI_NAME_ALIVE_CHAR || fault == FLI_NAME_HOST_CHAR)
		fli_handshake_send_status(hs, out, "nok");
	fli_handshake_fail(
		hs, FLI_CAUSE_NAME, "the name that it gave %s", fli_name_fault_text(fault));
	return false;
}

static void send_named(fli_handshake *hs, const fli_handshake_side *named, fli_buf *out)
{
	static const char word[] = "named:";

	hs->peer.name = named->name;
	hs->peer.creation = named->creation;
	fli_handshake_begin(hs, out, 1 + strlen(word) + 2 + named->name.size + 4, FLI_TAG_STATUS);
	fli_buf_add_text(out, word);
	fli_buf_add16(out, (uint16_t)named->name.size);
	fli_buf_add(out, named->name.text, named->name.size);
	fli_buf_add32(out, named->creation);
	send_challenge(hs, out);
}

/* Who asks for a name gets one or is refused; who has one does not get another. */
static fli_handshake_verdict ask(fli_handshake *hs, fli_handshake_side *ret_named)
{
	fli_handshake_verdict verdict =
		hs->config->decide(hs->config->context, &hs->peer, ret_named);

	if ((verdict == FLI_VERDICT_NAMED) != hs->peer.is_dynamic)
		verdict = FLI_VERDICT_NOT_ALLOWED;
	return verdict;
}

static void refuse(fli_handshake *hs, fli_handshake_verdict verdict, fli_buf *out)
{
	switch (verdict) {
	case FLI_VERDICT_NOK:
		fli_handshake_send_status(hs, out, "nok");
		fli_handshake_fail(
			hs, FLI_CAUSE_SIMULTANEOUS, "our own attempt to reach it goes on");
		break;
	default:
		fli_handshake_send_status(hs, out, "not_allowed");
		fli_handshake_fail(hs, FLI_CAUSE_NOT_ALLOWED, "it is not allowed here");
		break;
	}
}

static void obey_verdict(fli_handshake *hs, fli_buf *out)
{
	fli_handshake_side named = {0};
	fli_handshake_verdict verdict = ask(hs, &named);

	switch (verdict) {
	case FLI_VERDICT_OK:
		fli_handshake_send_status(hs, out, "ok");
		send_challenge(hs, out);
		break;
	case FLI_VERDICT_OK_SIMULTANEOUS:
		fli_handshake_send_status(hs, out, "ok_simultaneous");
		send_challenge(hs, out);
		break;
	case FLI_VERDICT_ALIVE:
		fli_handshake_send_status(hs, out, "alive");
		hs->is_takeover = true;
		hs->step = FLI_STEP_ALIVE;
		break;
	case FLI_VERDICT_NAMED: send_named(hs, &named, out); break;
	default: refuse(hs, verdict, out); break;
	}
}

void fli_handshake_on_name(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	fli_cursor name;
	uint64_t known;

	if (!take_name(hs, body, &name)) {
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer sent no name message");
		return;
	}
	if (!check_name(hs, name, out))
		return;
	known = hs->is_old_name ? UINT32_MAX : UINT64_MAX;
	if (!fli_handshake_check_flags(hs, known)) {
		fli_handshake_send_status(hs, out, "not_allowed");
		return;
	}
	if (fli_node_name_eq(&hs->peer.name, &hs->own.name)) {
		fli_handshake_send_status(hs, out, "nok");
		fli_handshake_fail(hs, FLI_CAUSE_OWN_NAME, "it calls itself by our own name");
		return;
	}
	obey_verdict(hs, out);
}

void fli_handshake_on_alive(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	uint8_t tag = 0;

	if (!fli_take8(&body, &tag) || tag != FLI_TAG_STATUS)
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer sent no answer");
	else if (fli_left(&body) == 4 && memcmp(body.at, "true", 4) == 0)
		send_challenge(hs, out);
	else if (fli_left(&body) == 5 && memcmp(body.at, "false", 5) == 0)
		fli_handshake_fail(hs, FLI_CAUSE_ALIVE, "the peer keeps the old connection");
	else
		fli_handshake_fail(hs, FLI_CAUSE_STATUS, "neither \"true\" nor \"false\"");
}

/* ---- the proof ------------------------------------------------------------------------------- */

void fli_handshake_on_complement(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	uint8_t tag = 0;
	uint32_t high = 0, creation = 0;

	(void)out; /* not answered */
	if (!fli_take8(&body, &tag) || tag != FLI_TAG_COMPLEMENT || !fli_take32(&body, &high) ||
		!fli_take32(&body, &creation) || fli_left(&body) != 0) {
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer sent no complement");
		return;
	}
	/* A name was given: the bit that asks for one means nothing any more. */
	hs->peer.flags |= (uint64_t)high << 32 & ~FLI_DFLAG(NAME_ME);
	hs->peer.creation = creation;
	if (fli_handshake_check_flags(hs, UINT64_MAX))
		hs->step = FLI_STEP_REPLY;
}

void fli_handshake_send_ack(fli_handshake *hs, fli_buf *out)
{
	fli_handshake_begin(hs, out, 17, FLI_TAG_ACK);
	fli_buf_add(out, hs->proof, sizeof hs->proof);
	hs->state = FLI_HANDSHAKE_DONE;
}

/* Whether the digest is right; fills the ack's. Takes the same time without a cookie. */
static bool check_digest(fli_handshake *hs, uint32_t challenge, const uint8_t *digest)
{
	uint8_t cookie[FLI_COOKIE_BYTES_MAX] = {0}, expected[FLI_MD5_BYTES];
	size_t size = hs->config->cookie(hs->config->context, &hs->peer.name, cookie);
	bool has_cookie = size != 0;
	bool is_right;

	fli_digest(cookie, has_cookie ? size : 20, hs->challenge, expected);
	fli_digest(cookie, has_cookie ? size : 20, challenge, hs->proof);
	explicit_bzero(cookie, sizeof cookie);
	is_right = fli_digest_equal(digest, expected);
	if (!has_cookie)
		fli_handshake_fail(hs, FLI_CAUSE_NO_COOKIE, "there is no cookie for it");
	else if (!is_right)
		fli_handshake_fail(
			hs, FLI_CAUSE_COOKIE, "the peer's digest is not made of our cookie");
	return has_cookie && is_right;
}

static bool is_reflected(const fli_handshake *hs, uint32_t challenge)
{
	const fli_handshake_config *config = hs->config;

	return challenge == hs->challenge ||
	       (config->is_own_challenge != NULL &&
		       config->is_own_challenge(config->context, challenge));
}

void fli_handshake_on_reply(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	uint8_t tag = 0;
	uint32_t challenge = 0;
	const uint8_t *digest = NULL;

	if (!fli_take8(&body, &tag) || tag != FLI_TAG_REPLY || !fli_take32(&body, &challenge) ||
		!fli_take(&body, FLI_MD5_BYTES, &digest) || fli_left(&body) != 0) {
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer sent no challenge reply");
		return;
	}
	if (!check_digest(hs, challenge, digest))
		return;
	if (is_reflected(hs, challenge)) {
		fli_handshake_fail(hs, FLI_CAUSE_REFLECTED, "the peer sent our own challenge");
		return;
	}
	fli_handshake_agree(hs);
	if (hs->is_takeover)
		hs->state = FLI_HANDSHAKE_TAKEOVER;
	else
		fli_handshake_send_ack(hs, out);
}
