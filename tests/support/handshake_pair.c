/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/handshake_pair.h"

#include <string.h>

#include "dist/flags.h"

static size_t cookie(void *context, const fli_node_name *peer, uint8_t *ret_cookie)
{
	const struct hs_side *side = context;

	(void)peer; /* one cookie for all */
	if (side->cookie == NULL)
		return 0;
	memcpy(ret_cookie, side->cookie, strlen(side->cookie));
	return strlen(side->cookie);
}

static fli_handshake_verdict decide(
	void *context, const fli_handshake_side *peer, fli_handshake_side *ret_named)
{
	struct hs_side *side = context;

	side->decided++;
	side->asked = *peer;
	if (side->verdict == FLI_VERDICT_NAMED) {
		(void)fli_node_name_parse(
			&ret_named->name, side->given_name, strlen(side->given_name), NULL);
		ret_named->creation = side->given_creation;
	}
	return side->verdict;
}

static bool draw(void *context, void *ret_bytes, size_t size)
{
	struct hs_side *side = context;

	if (!side->has_random)
		return false;
	memcpy(ret_bytes, &side->next_challenge, size < 4 ? size : 4);
	return true;
}

static bool is_own(void *context, uint32_t challenge)
{
	const struct hs_side *side = context;

	(void)challenge;
	return side->owns_all_challenges;
}

void hs_side_create(struct hs_side *side, const char *name, uint32_t creation)
{
	fli_handshake_side *own = &side->config.own;

	*side = (struct hs_side){.cookie = "secret",
		.verdict = FLI_VERDICT_OK,
		.next_challenge = 0x01020304 + creation,
		.has_random = true,
		.config = {.prefix_bytes = 2,
			.cookie = cookie,
			.decide = decide,
			.random = draw,
			.is_own_challenge = is_own}};
	side->config.context = side;
	own->flags = fli_flags_own(true);
	own->creation = creation;
	if (fli_node_name_inspect(name, strlen(name), &own->name) != FLI_NAME_OK)
		(void)fli_node_name_inspect_host(name, strlen(name), &own->name);
	fli_buf_create(&side->out, fli_mem_libc(), 0);
}

void hs_side_destroy(struct hs_side *side)
{
	fli_buf_destroy(&side->out);
}

void hs_dial(struct hs_side *side, const char *peer)
{
	fli_node_name name = {0};

	(void)fli_node_name_parse(&name, peer, strlen(peer), NULL);
	(void)fli_handshake_dial(&side->hs, &side->config, &name, &side->out);
}

void hs_accept(struct hs_side *side)
{
	fli_handshake_accept(&side->hs, &side->config);
}

size_t hs_feed(struct hs_side *side, const void *bytes, size_t size, size_t step)
{
	size_t at = 0;

	while (at < size && side->hs.state == FLI_HANDSHAKE_MORE) {
		size_t portion = size - at < step ? size - at : step, used = 0;

		(void)fli_handshake_feed(
			&side->hs, (const uint8_t *)bytes + at, portion, &used, &side->out);
		at += used;
	}
	return at;
}

static bool move(struct hs_side *from, struct hs_side *to, size_t step)
{
	size_t taken;

	if (from->sent == from->out.size)
		return false;
	taken = hs_feed(to, from->out.data + from->sent, from->out.size - from->sent, step);
	from->sent += taken;
	return taken > 0;
}

void hs_run(struct hs_side *a, struct hs_side *b, size_t step)
{
	bool moved = true;

	while (moved) {
		moved = move(a, b, step);
		moved = move(b, a, step) || moved;
	}
}

void hs_meet(struct hs_side *dialler, struct hs_side *acceptor, size_t step)
{
	hs_dial(dialler, acceptor->config.own.name.text);
	hs_accept(acceptor);
	hs_run(dialler, acceptor, step);
}

void hs_message(fli_buf *out, const void *bytes, size_t size)
{
	fli_buf_add16(out, (uint16_t)size);
	fli_buf_add(out, bytes, size);
}
