/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake, both sides (erl_dist_protocol, "Distribution Handshake"), with what net_kernel has
 * to say in it: who may come in, which of two attempts wins, what becomes of an old connection.
 *
 *     initiator   N name ->   s status <-   N challenge <-   r reply ->   a ack <-
 *     acceptor    N name <-   s status ->   N challenge ->   r reply <-   a ack ->
 *
 * - Both dial at once: the greater name's attempt wins. The acceptor of the loser's says nok, the
 *   one of the winner's gives its own up and says ok_simultaneous.
 * - The peer has a connection here already: `alive`, and it says whether it wants the new one. The
 * old one ends when the new one has shown the cookie; 23 waits until it ends by itself.
 * - An attempt that was told nok waits for the other's until its time is over.
 */
#include "tests/sim/otp_digest.h"
#include "tests/sim/otp_node.h"

#include <string.h>

/* Refused without them. */
#define MANDATORY_23 UINT64_C(0x50184)   /* references, fun tags, pids, UTF-8, creations */
#define MANDATORY_25 UINT64_C(0x1070f94) /* and funs, exports, bits, floats, maps, handshake */
#define MANDATORY_26 (OTP_V4_NC | OTP_UNLINK_ID)

static const struct {
	int release;
	uint64_t flags;
} said[] = {{23, UINT64_C(0x101df7fbd)}, {25, UINT64_C(0xd07df7fbd)}, {27, UINT64_C(0xd07df7fbd)},
	{29, UINT64_C(0x6d07df7fbd)}};

uint64_t otp_flags_of(const otp_node *node)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
		if (said[i].release <= node->config.release)
			flags = said[i].flags;
	if (node->config.is_hidden)
		flags &= ~(uint64_t)OTP_PUBLISHED;
	return flags & ~node->config.flags_without;
}

static bool has_mandatory(const otp_node *node, uint64_t flags)
{
	uint64_t needed = node->config.release < 25 ? MANDATORY_23 : MANDATORY_25;

	if (node->config.release >= 25 && (flags & OTP_DIGEST_25) != 0)
		flags |= MANDATORY_25;
	if (node->config.release >= 26)
		needed |= MANDATORY_26;
	return (flags & needed) == needed;
}

static void write_message(otp_conn *conn, const otp_buf *message)
{
	otp_buf out = {0};

	otp_buf_int(&out, message->size, 2);
	otp_buf_add(&out, message->data, message->size);
	conn->node->host->write(conn->node->ctx, conn->id, out.data, out.size);
	otp_buf_free(&out);
	conn->due_ms = conn->node->host->now_ms(conn->node->ctx) + conn->node->config.setup_ms;
}

static void send_name(otp_conn *conn)
{
	const otp_config *config = &conn->node->config;
	otp_buf m = {0};

	otp_buf_int(&m, 'N', 1);
	otp_buf_int(&m, otp_flags_of(conn->node), 8);
	otp_buf_int(&m, config->creation, 4);
	otp_buf_int(&m, strlen(config->name), 2);
	otp_buf_add(&m, config->name, strlen(config->name));
	write_message(conn, &m);
	otp_buf_free(&m);
}

static void send_status(otp_conn *conn, const char *status)
{
	otp_buf m = {0};

	otp_buf_int(&m, 's', 1);
	otp_buf_add(&m, status, strlen(status));
	write_message(conn, &m);
	otp_buf_free(&m);
}

static void send_challenge(otp_conn *conn)
{
	const otp_config *config = &conn->node->config;
	otp_buf m = {0};

	conn->challenge = (uint32_t)conn->node->host->random(conn->node->ctx, OTP_DRAW_CHALLENGE);
	otp_buf_int(&m, 'N', 1);
	otp_buf_int(&m, otp_flags_of(conn->node), 8);
	otp_buf_int(&m, conn->challenge, 4);
	otp_buf_int(&m, config->creation, 4);
	otp_buf_int(&m, strlen(config->name), 2);
	otp_buf_add(&m, config->name, strlen(config->name));
	write_message(conn, &m);
	otp_buf_free(&m);
}

static void send_digest(otp_conn *conn, char tag, uint32_t theirs)
{
	otp_buf m = {0};

	otp_buf_int(&m, (uint64_t)tag, 1);
	if (tag == 'r') {
		conn->challenge =
			(uint32_t)conn->node->host->random(conn->node->ctx, OTP_DRAW_CHALLENGE);
		otp_buf_int(&m, conn->challenge, 4);
	}
	otp_digest(conn->node->config.cookie, theirs, otp_buf_extend(&m, 16));
	write_message(conn, &m);
	otp_buf_free(&m);
}

static bool is_digest(otp_conn *conn, const uint8_t *digest)
{
	uint8_t ours[16];

	otp_digest(conn->node->config.cookie, conn->challenge, ours);
	return memcmp(ours, digest, 16) == 0;
}

void otp_shake_open(otp_conn *conn)
{
	conn->state = OTP_WAIT_STATUS;
	send_name(conn);
}

static void refuse(otp_conn *conn, const char *status, const char *why)
{
	if (status != NULL)
		send_status(conn, status);
	otp_log(conn->node, "%s: %s", conn->peer.text, why);
	otp_conn_end(conn, NULL);
}

static void agree(otp_conn *conn, uint64_t flags)
{
	if ((flags & OTP_DIGEST_25) != 0 && conn->node->config.release >= 25)
		flags |= MANDATORY_25;
	conn->their_flags = flags;
	conn->flags = flags & otp_flags_of(conn->node);
}

/* ---- acceptor -------------------------------------------------------------------------------- */

static otp_conn *find_conn(otp_conn *conn, bool (*is_it)(const otp_conn *other))
{
	for (otp_conn *c = conn->node->conns; c != NULL; c = c->next)
		if (c != conn && strcmp(c->peer.text, conn->peer.text) == 0 && is_it(c))
			return c;
	return NULL;
}

static bool is_attempt(const otp_conn *conn)
{
	return conn->is_ours && conn->state <= OTP_YIELDED;
}

static bool is_being_accepted(const otp_conn *conn)
{
	return !conn->is_ours && conn->state > OTP_WAIT_NAME && conn->state < OTP_UP;
}

static bool is_name(const char *name)
{
	const char *at = strchr(name, '@');

	return at != NULL && at != name && at[1] != '\0' && strchr(at + 1, '@') == NULL;
}

static void go_on(otp_conn *conn, const char *status)
{
	send_status(conn, status);
	send_challenge(conn);
	conn->state = OTP_WAIT_REPLY;
}

/* net_kernel's answer to one who wants in. */
static void decide(otp_conn *conn)
{
	otp_conn *own = find_conn(conn, is_attempt);

	if (!is_name(conn->peer.text)) {
		refuse(conn, NULL, "no name of a node");
	} else if (!has_mandatory(conn->node, conn->their_flags)) {
		refuse(conn, "not_allowed", "rejected, it lacks mandatory flags");
	} else if (strcmp(conn->peer.text, conn->node->config.name) == 0) {
		refuse(conn, "nok", "has our own name");
	} else if (find_conn(conn, is_being_accepted) != NULL) {
		refuse(conn, NULL, "another attempt of it is under way");
	} else if (otp_up(conn->node, conn->peer.text) != NULL) {
		send_status(conn, "alive");
		conn->state = OTP_WAIT_TRUE;
	} else if (own == NULL) {
		go_on(conn, "ok");
	} else if (strcmp(conn->node->config.name, conn->peer.text) > 0) {
		refuse(conn, "nok", "our own attempt wins");
	} else {
		/* What waits for this node goes by the new connection. */
		own->state = OTP_OVER;
		if (own->has_socket)
			conn->node->host->close(conn->node->ctx, own->id);
		own->has_socket = false;
		go_on(conn, "ok_simultaneous");
	}
}

static void take_name(otp_conn *conn, const uint8_t *m, size_t size)
{
	size_t length;

	if (size < 15 || m[0] != 'N' || (length = otp_get_int(m + 13, 2)) > size - 15 ||
		length > 255) {
		refuse(conn, NULL, "no name message");
		return;
	}
	agree(conn, otp_get_int(m + 1, 8));
	conn->their_creation = (uint32_t)otp_get_int(m + 9, 4);
	memcpy(conn->peer.text, m + 15, length);
	conn->peer.text[length] = '\0';
	decide(conn);
}

static void take_wish(otp_conn *conn, const uint8_t *m, size_t size)
{
	if (size != 5 || memcmp(m, "strue", 5) != 0) {
		refuse(conn, NULL, "does not want the new connection");
		return;
	}
	send_challenge(conn);
	conn->state = OTP_WAIT_REPLY;
}

void otp_shake_old_gone(otp_conn *conn)
{
	send_digest(conn, 'a', conn->their_challenge);
	otp_conn_is_up(conn);
}

static void take_reply(otp_conn *conn, const uint8_t *m, size_t size)
{
	if (size != 21 || m[0] != 'r' || !is_digest(conn, m + 5)) {
		refuse(conn, NULL, "Invalid challenge reply");
		return;
	}
	conn->their_challenge = (uint32_t)otp_get_int(m + 1, 4);
	if (otp_up(conn->node, conn->peer.text) != NULL) {
		if (conn->node->config.release < 25) {
			conn->state = OTP_WAIT_OLD;
			return;
		}
		otp_cut(conn->node, conn->peer.text, "connection_closed");
	}
	otp_shake_old_gone(conn);
}

/* ---- initiator ------------------------------------------------------------------------------- */

static void take_status(otp_conn *conn, const uint8_t *m, size_t size)
{
	char status[32];

	if (size < 1 || size > sizeof status || m[0] != 's') {
		refuse(conn, NULL, "no status");
		return;
	}
	memcpy(status, m + 1, size - 1);
	status[size - 1] = '\0';
	conn->state = OTP_WAIT_CHALLENGE;
	if (strcmp(status, "alive") == 0) {
		send_status(conn, "true");
	} else if (strcmp(status, "nok") == 0) {
		conn->state = OTP_YIELDED;
		conn->has_socket = false;
		conn->node->host->close(conn->node->ctx, conn->id);
	} else if (strcmp(status, "ok") != 0 && strcmp(status, "ok_simultaneous") != 0) {
		refuse(conn, NULL, status);
	}
}

static void take_challenge(otp_conn *conn, const uint8_t *m, size_t size)
{
	size_t length = strlen(conn->peer.text);

	if (size < 19 + length || m[0] != 'N' || otp_get_int(m + 17, 2) != length ||
		memcmp(m + 19, conn->peer.text, length) != 0) {
		refuse(conn, NULL, "no challenge, or of another node");
		return;
	}
	if (!has_mandatory(conn->node, otp_get_int(m + 1, 8))) {
		refuse(conn, NULL, "rejected, it lacks mandatory flags");
		return;
	}
	agree(conn, otp_get_int(m + 1, 8));
	conn->their_creation = (uint32_t)otp_get_int(m + 13, 4);
	send_digest(conn, 'r', (uint32_t)otp_get_int(m + 9, 4));
	conn->state = OTP_WAIT_ACK;
}

static void take_ack(otp_conn *conn, const uint8_t *m, size_t size)
{
	if (size != 17 || m[0] != 'a' || !is_digest(conn, m + 1))
		refuse(conn, NULL, "wrong digest");
	else
		otp_conn_is_up(conn);
}

void otp_shake_message(otp_conn *conn, const uint8_t *message, size_t size)
{
	switch (conn->state) {
	case OTP_WAIT_NAME: take_name(conn, message, size); break;
	case OTP_WAIT_TRUE: take_wish(conn, message, size); break;
	case OTP_WAIT_REPLY: take_reply(conn, message, size); break;
	case OTP_WAIT_STATUS: take_status(conn, message, size); break;
	case OTP_WAIT_CHALLENGE: take_challenge(conn, message, size); break;
	case OTP_WAIT_ACK: take_ack(conn, message, size); break;
	default: refuse(conn, NULL, "speaks out of turn");
	}
}
