/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epmd, the server. The tables of names are in epmd_names.c.
 *
 * - A connection's bytes are collected until its one request is whole; then it is answered.
 * - PORT2, NAMES, DUMP, KILL: the reply, and the end. PORT2 and NAMES from anywhere, the others
 * only from this machine.
 * - ALIVE2: the reply, and the connection stays; its end is the end of the name.
 *
 * Failure modes: what is malformed, too long, not allowed or followed by more bytes is closed
 * without a word, as epmd does. A name that is taken or unusable gets result 1, and then the
 * connection is left to its client, but not beyond the deadline of its request. Bytes on a
 * connection that holds a name end both.
 *
 * Departures from OTP: the deadline is counted from the connection, not from the last byte; open
 * connections are limited, those of one remote address more so; a name with control characters is
 * unusable; STOP is never obeyed, and KILL only where it is configured.
 */
#include "dist/epmd_server.h"

#include <string.h>

#include "dist/epmd_names.h"
#include "flitch/error.h"

#define LENGTH_BYTES 2

/* ---- connections ----------------------------------------------------------------------------- */

struct fli_epmd_origin {
	uint8_t address[16];
	size_t count;
};

static bool is_origin(const void *item, const void *key)
{
	const struct fli_epmd_origin *origin = item;

	return memcmp(origin->address, key, sizeof origin->address) == 0;
}

static uint64_t hash_address(const fli_epmd_server *server, const uint8_t address[16])
{
	return fli_hash(server->config.seed, address, 16);
}

void fli_epmd_server_create(fli_epmd_server *server, const fli_epmd_server_config *config)
{
	*server = (fli_epmd_server){.config = *config, .idle_since_ms = config->now_ms};
	fli_epmd_tables_create(server);
	fli_map_create(&server->sources, config->mem, is_origin);
}

void fli_epmd_server_destroy(fli_epmd_server *server)
{
	fl_assert(server->pending_count == 0 && server->names.count == 0);
	fli_epmd_tables_destroy(server);
	fli_map_destroy(&server->sources);
}

size_t fli_epmd_server_names(const fli_epmd_server *server)
{
	return server->names.count;
}

uint64_t fli_epmd_server_idle_since(const fli_epmd_server *server)
{
	return server->names.count == 0 ? server->idle_since_ms : UINT64_MAX;
}

static int origin_add(fli_epmd_conn *conn)
{
	fli_epmd_server *server = conn->server;
	uint64_t hash = hash_address(server, conn->source.address);
	struct fli_epmd_origin *origin = fli_map_get(&server->sources, hash, conn->source.address);

	if (origin == NULL) {
		origin = fli_zalloc(server->config.mem, sizeof *origin);
		if (origin == NULL)
			return FL_ENOMEM;
		memcpy(origin->address, conn->source.address, sizeof origin->address);
		if (fli_map_put(&server->sources, hash, origin) != FL_OK) {
			fli_free(server->config.mem, origin);
			return FL_ENOMEM;
		}
	}
	if (origin->count >= server->config.limits.per_source_max && origin->count > 0)
		return FL_ELIMIT;
	origin->count++;
	conn->origin = origin;
	return FL_OK;
}

static void origin_drop(fli_epmd_conn *conn)
{
	fli_epmd_server *server = conn->server;
	struct fli_epmd_origin *origin = conn->origin;

	conn->origin = NULL;
	if (origin == NULL || --origin->count > 0)
		return;
	(void)fli_map_remove(
		&server->sources, hash_address(server, origin->address), origin->address);
	fli_free(server->config.mem, origin);
}

int fli_epmd_conn_open(fli_epmd_conn *conn, fli_epmd_server *server, const fli_epmd_source *source,
	uint64_t now_ms)
{
	size_t pending_max = server->config.limits.pending_max;
	int code;

	/* Strangers must not lock out the nodes of this machine. */
	if (!source->is_local)
		pending_max -= pending_max / 4;
	if (server->pending_count >= pending_max)
		return FL_ELIMIT;
	*conn = (fli_epmd_conn){
		.server = server, .source = *source, .deadline_ms = now_ms + FLI_EPMD_REQUEST_MS};
	code = source->is_local ? FL_OK : origin_add(conn);
	if (code != FL_OK)
		return code;
	fli_buf_create(&conn->in, server->config.mem, FLI_EPMD_REQUEST_BYTES_MAX);
	server->pending_count++;
	return FL_OK;
}

bool fli_epmd_conn_is_late(const fli_epmd_conn *conn, uint64_t now_ms)
{
	return now_ms >= conn->deadline_ms;
}

void fli_epmd_conn_close(fli_epmd_conn *conn, uint64_t now_ms)
{
	fli_buf_destroy(&conn->in);
	if (conn->name == NULL) {
		conn->server->pending_count--;
		origin_drop(conn);
		return;
	}
	fli_epmd_names_free(conn->server, conn->name);
	conn->name = NULL;
	if (conn->server->names.count == 0)
		conn->server->idle_since_ms = now_ms;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* A connection that holds a name no longer counts as pending. */
static void hold(fli_epmd_conn *conn, struct fli_epmd_name *name)
{
	conn->server->pending_count--;
	origin_drop(conn);
	conn->name = name;
	conn->deadline_ms = UINT64_MAX;
	fli_buf_destroy(&conn->in);
}

static fli_epmd_verdict on_alive2(
	fli_epmd_conn *conn, const fli_epmd_node *node, uint64_t now_ms, fli_buf *out)
{
	fli_epmd_alive_reply reply = {.is_wide = node->highest >= FLI_EPMD_VERSION,
		.result = 1,
		.creation = FLI_EPMD_CREATION_TAKEN};
	struct fli_epmd_name *name = NULL;
	int code;

	if (node->name_size == 0)
		return FLI_EPMD_CLOSE;
	if (memchr(node->name, 0, node->name_size) != NULL)
		return FLI_EPMD_CLOSE;
	code = fli_epmd_names_add(conn, node, now_ms, &name);
	if (code == FL_ENOMEM)
		return FLI_EPMD_CLOSE;
	if (code == FL_OK) {
		hold(conn, name);
		reply.result = 0;
		/* An old node has room for the values 1 to 3. */
		reply.creation = reply.is_wide ? name->creation : name->creation % 3 + 1;
	}
	fli_epmd_write_alive_reply(out, &reply);
	return FLI_EPMD_READ;
}

static fli_epmd_verdict on_port2(
	const fli_epmd_server *server, const fli_epmd_node *asked, fli_buf *out)
{
	const struct fli_epmd_name *name;

	if (!fli_epmd_is_name(asked->name, asked->name_size))
		return FLI_EPMD_CLOSE;
	name = fli_epmd_names_find(server, asked->name, asked->name_size);
	fli_epmd_write_port_reply(out, name == NULL ? NULL : &name->node);
	return FLI_EPMD_CLOSE;
}

static fli_epmd_verdict on_kill(const fli_epmd_server *server, fli_buf *out)
{
	if (!server->config.allows_kill || server->names.count > 0) {
		fli_buf_add_text(out, "NO");
		return FLI_EPMD_CLOSE;
	}
	fli_buf_add_text(out, "OK");
	return FLI_EPMD_END;
}

static fli_epmd_verdict answer(
	fli_epmd_conn *conn, const fli_epmd_request *request, uint64_t now_ms, fli_buf *out)
{
	const fli_epmd_server *server = conn->server;
	bool is_for_all = request->op == FLI_EPMD_PORT2 || request->op == FLI_EPMD_NAMES;

	if (!is_for_all && !conn->source.is_local)
		return FLI_EPMD_CLOSE;
	switch (request->op) {
	case FLI_EPMD_ALIVE2: return on_alive2(conn, &request->node, now_ms, out);
	case FLI_EPMD_PORT2: return on_port2(server, &request->node, out);
	case FLI_EPMD_NAMES: fli_epmd_names_list(server, out); break;
	case FLI_EPMD_DUMP: fli_epmd_names_dump(server, out); break;
	case FLI_EPMD_KILL: return on_kill(server, out);
	case FLI_EPMD_STOP: break;
	}
	return FLI_EPMD_CLOSE;
}

/* Whether a whole request is there, none yet, or one that can be none. */
static fli_epmd_read look(const fli_buf *in)
{
	size_t size;

	if (in->size < LENGTH_BYTES)
		return FLI_EPMD_MORE;
	size = LENGTH_BYTES + (size_t)fli_get16(in->data);
	if (size == LENGTH_BYTES || size > FLI_EPMD_REQUEST_BYTES_MAX || in->size > size)
		return FLI_EPMD_BAD;
	return in->size == size ? FLI_EPMD_COMPLETE : FLI_EPMD_MORE;
}

fli_epmd_verdict fli_epmd_conn_feed(
	fli_epmd_conn *conn, const uint8_t *bytes, size_t size, uint64_t now_ms, fli_buf *out)
{
	fli_epmd_request request;
	fli_epmd_verdict verdict;

	if (size == 0)
		return FLI_EPMD_READ;
	if (conn->is_answered || fli_epmd_conn_is_late(conn, now_ms))
		return FLI_EPMD_CLOSE;
	if (size > FLI_EPMD_REQUEST_BYTES_MAX - conn->in.size)
		return FLI_EPMD_CLOSE;
	fli_buf_add(&conn->in, bytes, size);
	if (conn->in.failed)
		return FLI_EPMD_CLOSE;
	switch (look(&conn->in)) {
	case FLI_EPMD_MORE: return FLI_EPMD_READ;
	case FLI_EPMD_BAD: return FLI_EPMD_CLOSE;
	default: break;
	}
	conn->is_answered = true;
	if (!fli_epmd_read_request(
		    conn->in.data + LENGTH_BYTES, conn->in.size - LENGTH_BYTES, &request))
		return FLI_EPMD_CLOSE;
	verdict = answer(conn, &request, now_ms, out);
	return out->failed && verdict == FLI_EPMD_READ ? FLI_EPMD_CLOSE : verdict;
}
