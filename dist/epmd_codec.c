/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies of epmd as bytes, both ways: the client writes what the server reads, the
 * server writes what the client reads, and both stand beside each other here.
 *
 * As epmd itself does: bytes behind a bare request or behind the extra of an ALIVE2 are ignored,
 * one NUL behind the name of a PORT2 is dropped, versions and node types are handed on unread.
 * Departure: a name with control characters is no name, since it would forge lines of NAMES.
 */
#include "dist/epmd_codec.h"

#include <string.h>

/* opcode, port, type, protocol, two versions and two lengths */
#define ALIVE2_FIXED 13

/* ---- names ----------------------------------------------------------------------------------- */

/* Bytes of a UTF-8 character by its first one; 0 for what begins none. */
static size_t utf8_size(uint8_t first)
{
	if (first < 0x80)
		return first >= 0x20 && first != 0x7f ? 1 : 0;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

bool fli_epmd_is_name(const char *name, size_t size)
{
	const uint8_t *p = (const uint8_t *)name;
	size_t chars = 0, at = 0;

	while (at < size) {
		size_t length = utf8_size(p[at]);

		if (length == 0 || length > size - at || ++chars > FLI_EPMD_NAME_CHARS_MAX)
			return false;
		for (size_t i = 1; i < length; i++)
			if ((p[at + i] & 0xc0) != 0x80)
				return false;
		at += length;
	}
	return chars > 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void add_string(fli_buf *out, const void *text, size_t size)
{
	fli_buf_add16(out, (uint16_t)size);
	fli_buf_add(out, text, size);
}

static bool take_string(fli_cursor *c, const uint8_t **ret_text, size_t *ret_size)
{
	uint16_t size = 0;

	if (!fli_take16(c, &size) || !fli_take(c, size, ret_text))
		return false;
	*ret_size = size;
	return true;
}

static bool is_writable(size_t name_size, size_t extra_size)
{
	return name_size != 0 && name_size <= FLI_EPMD_NAME_BYTES_MAX &&
	       extra_size <= FLI_EPMD_EXTRA_BYTES_MAX;
}

bool fli_epmd_write_alive2(fli_buf *out, const fli_epmd_node *node)
{
	if (!is_writable(node->name_size, node->extra_size))
		return false;
	fli_buf_add16(out, (uint16_t)(ALIVE2_FIXED + node->name_size + node->extra_size));
	fli_buf_add8(out, FLI_EPMD_ALIVE2);
	fli_buf_add16(out, node->port);
	fli_buf_add8(out, node->type);
	fli_buf_add8(out, node->protocol);
	fli_buf_add16(out, node->highest);
	fli_buf_add16(out, node->lowest);
	add_string(out, node->name, node->name_size);
	add_string(out, node->extra, node->extra_size);
	return true;
}

static bool write_named(fli_buf *out, fli_epmd_op op, const char *name, size_t name_size)
{
	if (!is_writable(name_size, 0))
		return false;
	fli_buf_add16(out, (uint16_t)(1 + name_size));
	fli_buf_add8(out, (uint8_t)op);
	fli_buf_add(out, name, name_size);
	return true;
}

bool fli_epmd_write_port2(fli_buf *out, const char *name, size_t name_size)
{
	return write_named(out, FLI_EPMD_PORT2, name, name_size);
}

bool fli_epmd_write_stop(fli_buf *out, const char *name, size_t name_size)
{
	return write_named(out, FLI_EPMD_STOP, name, name_size);
}

void fli_epmd_write_bare(fli_buf *out, fli_epmd_op op)
{
	fli_buf_add16(out, 1);
	fli_buf_add8(out, (uint8_t)op);
}

/* What ALIVE2 and a PORT2 reply have in common. */
static bool take_node(fli_cursor *c, fli_epmd_node *ret_node)
{
	const uint8_t *name;

	if (!fli_take16(c, &ret_node->port) || !fli_take8(c, &ret_node->type) ||
		!fli_take8(c, &ret_node->protocol) || !fli_take16(c, &ret_node->highest) ||
		!fli_take16(c, &ret_node->lowest) || !take_string(c, &name, &ret_node->name_size) ||
		!take_string(c, &ret_node->extra, &ret_node->extra_size))
		return false;
	ret_node->name = (const char *)name;
	return true;
}

static void take_rest_as_name(fli_cursor *c, fli_epmd_node *ret_node)
{
	size_t size = fli_left(c);

	if (size > 0 && c->at[size - 1] == 0)
		size--;
	ret_node->name = (const char *)c->at;
	ret_node->name_size = size;
}

bool fli_epmd_read_request(const uint8_t *body, size_t size, fli_epmd_request *ret_request)
{
	fli_cursor c = fli_cursor_make(body, size);
	fli_epmd_request request = {0};
	uint8_t op = 0;

	if (!fli_take8(&c, &op))
		return false;
	request.op = (fli_epmd_op)op;
	switch (op) {
	case FLI_EPMD_ALIVE2:
		if (!take_node(&c, &request.node))
			return false;
		break;
	case FLI_EPMD_PORT2:
	case FLI_EPMD_STOP: take_rest_as_name(&c, &request.node); break;
	case FLI_EPMD_NAMES:
	case FLI_EPMD_DUMP:
	case FLI_EPMD_KILL: break;
	default: return false;
	}
	*ret_request = request;
	return true;
}

/* ---- replies --------------------------------------------------------------------------------- */

#define ALIVE2_RESP 121
#define ALIVE2_X_RESP 118
#define PORT2_RESP 119

void fli_epmd_write_alive_reply(fli_buf *out, const fli_epmd_alive_reply *reply)
{
	fli_buf_add8(out, reply->is_wide ? ALIVE2_X_RESP : ALIVE2_RESP);
	fli_buf_add8(out, reply->result);
	if (reply->is_wide)
		fli_buf_add32(out, reply->creation);
	else
		fli_buf_add16(out, (uint16_t)reply->creation);
}

void fli_epmd_write_port_reply(fli_buf *out, const fli_epmd_node *node)
{
	fli_buf_add8(out, PORT2_RESP);
	fli_buf_add8(out, node == NULL);
	if (node == NULL)
		return;
	fli_buf_add16(out, node->port);
	fli_buf_add8(out, node->type);
	fli_buf_add8(out, node->protocol);
	fli_buf_add16(out, node->highest);
	fli_buf_add16(out, node->lowest);
	add_string(out, node->name, node->name_size);
	add_string(out, node->extra, node->extra_size);
}

fli_epmd_read fli_epmd_read_alive_reply(
	const uint8_t *bytes, size_t size, fli_epmd_alive_reply *ret_reply)
{
	fli_cursor c = fli_cursor_make(bytes, size);
	fli_epmd_alive_reply reply = {0};
	uint16_t narrow = 0;
	uint8_t op = 0;
	bool is_whole;

	if (!fli_take8(&c, &op))
		return FLI_EPMD_MORE;
	if (op != ALIVE2_RESP && op != ALIVE2_X_RESP)
		return FLI_EPMD_BAD;
	reply.is_wide = op == ALIVE2_X_RESP;
	is_whole = fli_take8(&c, &reply.result) &&
		   (reply.is_wide ? fli_take32(&c, &reply.creation) : fli_take16(&c, &narrow));
	if (!is_whole)
		return FLI_EPMD_MORE;
	if (!reply.is_wide)
		reply.creation = narrow;
	*ret_reply = reply;
	return FLI_EPMD_COMPLETE;
}

fli_epmd_read fli_epmd_read_port_reply(
	const uint8_t *bytes, size_t size, fli_epmd_port_reply *ret_reply)
{
	fli_cursor c = fli_cursor_make(bytes, size);
	fli_epmd_port_reply reply = {0};
	uint8_t op = 0;

	if (!fli_take8(&c, &op))
		return FLI_EPMD_MORE;
	if (op != PORT2_RESP)
		return FLI_EPMD_BAD;
	if (!fli_take8(&c, &reply.result))
		return FLI_EPMD_MORE;
	if (reply.result == 0) {
		if (!take_node(&c, &reply.node))
			return FLI_EPMD_MORE;
		if (reply.node.name_size > FLI_EPMD_NAME_BYTES_MAX ||
			reply.node.extra_size > FLI_EPMD_EXTRA_BYTES_MAX)
			return FLI_EPMD_BAD;
	}
	*ret_reply = reply;
	return FLI_EPMD_COMPLETE;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool read_port(const char *text, size_t size, uint16_t *ret_port)
{
	uint32_t port = 0;

	if (size == 0 || size > 5)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	*ret_port = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* `name N at port P`, where N itself may hold blanks: its end is the last " at port ". */
static bool read_name_line(const char *line, size_t size, fli_epmd_node *ret_node)
{
	static const char head[] = "name ", middle[] = " at port ";
	const size_t head_size = sizeof head - 1, middle_size = sizeof middle - 1;
	fli_epmd_node node = {0};
	size_t at = size;

	if (size < head_size + middle_size || memcmp(line, head, head_size) != 0)
		return false;
	while (at > head_size && line[at - 1] != ' ')
		at--;
	if (at < head_size + middle_size || memcmp(line + at - middle_size, middle, middle_size))
		return false;
	if (!read_port(line + at, size - at, &node.port))
		return false;
	node.name = line + head_size;
	node.name_size = at - middle_size - head_size;
	if (!fli_epmd_is_name(node.name, node.name_size))
		return false;
	*ret_node = node;
	return true;
}

bool fli_epmd_read_names(fli_cursor reply, size_t *cursor, fli_epmd_node *ret_node)
{
	size_t size = fli_left(&reply);

	while (*cursor < size) {
		const char *line = (const char *)reply.at + *cursor;
		const char *end = memchr(line, '\n', size - *cursor);
		size_t line_size = end == NULL ? size - *cursor : (size_t)(end - line);

		*cursor += line_size + (end != NULL);
		if (end != NULL && read_name_line(line, line_size, ret_node))
			return true;
	}
	return false;
}
