/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialler's side of the handshake.
 *
 * - "ok", "ok_simultaneous" or "named:" lead to the peer's challenge.
 * - The challenge must carry the name that was dialled and flags that we can live with; our reply
 *   answers it and asks a challenge of our own.
 * - The ack answers that one: both know the cookie.
 *
 * Failure modes: "nok" is none, an attempt of the peer is on its way (WAIT); "alive" asks the
 * driver back (QUESTION); a peer that closes after our reply disliked the digest, and says so to
 * nobody but its own log.
 *
 * The peer is not trusted before its ack: our reply is the answer to a question that it chose, so a
 * question that we ourselves asked elsewhere is not answered (`is_own_challenge`).
 */
#include <string.h>

#include "dist/flags.h"
#include "dist/handshake_steps.h"

static bool is_rest(fli_cursor body, const char *text)
{
	return fli_left(&body) == strlen(text) && memcmp(body.at, text, strlen(text)) == 0;
}

static bool take_text(fli_cursor *body, const char *text)
{
	size_t size = strlen(text);

	if (fli_left(body) < size || memcmp(body->at, text, size) != 0)
		return false;
	body->at += size;
	return true;
}

/* The name that the peer chose for us: nlen:2 name creation:4, more is ignored. */
static void take_own_name(fli_handshake *hs, fli_cursor body)
{
	uint16_t size = 0;
	const uint8_t *text;
	uint32_t creation;
	fli_node_name name;

	if (!fli_take16(&body, &size) || !fli_take(&body, size, &text) ||
		!fli_take32(&body, &creation)) {
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the name it gave us is cut short");
		return;
	}
	if (fli_node_name_inspect((const char *)text, size, &name) != FLI_NAME_OK ||
		strcmp(fli_node_name_host(&name), hs->own.name.text) != 0) {
		fli_handshake_fail(hs, FLI_CAUSE_NAME, "the name it gave us is none of this host");
		return;
	}
	hs->own.name = name;
	hs->own.creation = creation;
	hs->step = FLI_STEP_CHALLENGE;
}

static void refuse_status(fli_handshake *hs, fli_cursor body)
{
	char shown[41];
	size_t size = fli_left(&body) < sizeof shown - 1 ? fli_left(&body) : sizeof shown - 1;

	for (size_t i = 0; i < size; i++)
		shown[i] = (char)(body.at[i] >= ' ' && body.at[i] <= '~' ? body.at[i] : '?');
	shown[size] = '\0';
	fli_handshake_fail(hs, FLI_CAUSE_STATUS, "the peer's status \"%s\" %s", shown,
		hs->own.is_dynamic ? "gives us no name" : "is not known here");
}

/* The status of a peer that goes on without a question. */
static bool is_go(fli_handshake *hs, fli_cursor body)
{
	hs->is_simultaneous = is_rest(body, "ok_simultaneous");
	return hs->is_simultaneous || is_rest(body, "ok");
}

void fli_handshake_on_status(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	uint8_t tag = 0;
	bool has_name = !hs->own.is_dynamic; /* without one, only "named:" leads on */

	(void)out; /* a status is not answered, except by fli_handshake_answer */
	if (!fli_take8(&body, &tag) || tag != FLI_TAG_STATUS)
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer sent no status");
	else if (has_name && is_go(hs, body))
		hs->step = FLI_STEP_CHALLENGE;
	else if (has_name && is_rest(body, "nok"))
		hs->state = FLI_HANDSHAKE_WAIT;
	else if (is_rest(body, "not_allowed"))
		fli_handshake_fail(hs, FLI_CAUSE_PEER_NOT_ALLOWED,
			"the peer refused %s (status \"not_allowed\")", hs->own.name.text);
	else if (has_name && is_rest(body, "alive"))
		hs->state = FLI_HANDSHAKE_QUESTION;
	else if (!has_name && take_text(&body, "named:"))
		take_own_name(hs, body);
	else
		refuse_status(hs, body);
}

/* flags:8 challenge:4 creation:4 nlen:2 name, more is ignored */
static bool take_challenge(
	fli_handshake *hs, fli_cursor body, uint32_t *ret_challenge, fli_node_name *ret_name)
{
	uint16_t size = 0;
	const uint8_t *text;

	return fli_take64(&body, &hs->peer.flags) && fli_take32(&body, ret_challenge) &&
	       fli_take32(&body, &hs->peer.creation) && fli_take16(&body, &size) &&
	       fli_take(&body, size, &text) &&
	       fli_node_name_inspect((const char *)text, size, ret_name) == FLI_NAME_OK;
}

static void send_reply(fli_handshake *hs, uint32_t challenge, fli_buf *out)
{
	uint8_t cookie[FLI_COOKIE_BYTES_MAX], digest[FLI_MD5_BYTES];
	size_t size = hs->config->cookie(hs->config->context, &hs->peer.name, cookie);

	if (size == 0) {
		fli_handshake_fail(hs, FLI_CAUSE_NO_COOKIE, "there is no cookie for it");
		return;
	}
	/* With the same challenge both ways our own digest, sent back, would pass as the ack. */
	if (hs->challenge == challenge)
		hs->challenge++;
	fli_digest(cookie, size, challenge, digest);
	fli_digest(cookie, size, hs->challenge, hs->proof);
	explicit_bzero(cookie, sizeof cookie);
	fli_handshake_begin(hs, out, 21, FLI_TAG_REPLY);
	fli_buf_add32(out, hs->challenge);
	fli_buf_add(out, digest, sizeof digest);
	hs->step = FLI_STEP_ACK;
}

static bool is_own_challenge(const fli_handshake *hs, uint32_t challenge)
{
	const fli_handshake_config *config = hs->config;

	return config->is_own_challenge != NULL &&
	       config->is_own_challenge(config->context, challenge);
}

void fli_handshake_on_challenge(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	uint8_t tag = 0;
	uint32_t challenge = 0;
	fli_node_name name;

	if (fli_take8(&body, &tag) && tag == FLI_TAG_NAME_OLD)
		fli_handshake_fail(
			hs, FLI_CAUSE_FLAGS, "the peer speaks the handshake of OTP 22 or older");
	else if (tag != FLI_TAG_NAME || !take_challenge(hs, body, &challenge, &name))
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer's challenge is malformed");
	else if (!fli_node_name_eq(&name, &hs->peer.name))
		fli_handshake_fail(
			hs, FLI_CAUSE_OTHER_NAME, "the node that answers is %.120s", name.text);
	else if (is_own_challenge(hs, challenge))
		fli_handshake_fail(hs, FLI_CAUSE_REFLECTED, "the peer sent our own challenge");
	else if (fli_handshake_check_flags(hs, UINT64_MAX) && fli_handshake_draw(hs))
		send_reply(hs, challenge, out);
}

void fli_handshake_on_ack(fli_handshake *hs, fli_cursor body, fli_buf *out)
{
	uint8_t tag = 0;
	const uint8_t *digest;

	(void)out; /* the ack is the last message */
	if (!fli_take8(&body, &tag) || tag != FLI_TAG_ACK ||
		!fli_take(&body, FLI_MD5_BYTES, &digest) || fli_left(&body) != 0) {
		fli_handshake_fail(hs, FLI_CAUSE_MALFORMED, "the peer sent no acknowledgement");
		return;
	}
	if (!fli_digest_equal(digest, hs->proof)) {
		fli_handshake_fail(
			hs, FLI_CAUSE_COOKIE, "the peer's digest is not made of our cookie");
		return;
	}
	fli_handshake_agree(hs);
	hs->state = FLI_HANDSHAKE_DONE;
}
