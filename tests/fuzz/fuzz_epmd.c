/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epmd's server and client under arbitrary bytes.
 *
 * For the server the input is a script: a connection's number, a size, the bytes that it sends, and
 * so on; size 0 closes it. For the client the whole input is epmd's reply.
 */
#include <string.h>

#include "dist/epmd_client.h"
#include "dist/epmd_server.h"
#include "flitch/error.h"

#define CONNS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(fli_epmd_conn *conn, bool *is_open, fli_cursor bytes, fli_buf *out)
{
	fli_epmd_verdict verdict;

	out->size = 0;
	verdict = fli_epmd_conn_feed(conn, bytes.at, fli_left(&bytes), 0, out);
	if (fli_left(&bytes) != 0 && verdict == FLI_EPMD_READ)
		return;
	fli_epmd_conn_close(conn, 0);
	*is_open = false;
}

static void serve(fli_cursor script)
{
	static fli_epmd_conn conns[CONNS];
	bool is_open[CONNS] = {false};
	fli_epmd_server_config config = {
		.mem = fli_mem_libc(), .unix_s = 1, .allows_kill = true, .limits = {4, 6, 2}};
	fli_epmd_server server;
	uint8_t which, size;
	const uint8_t *bytes;
	fli_buf out;

	fli_epmd_server_create(&server, &config);
	fli_buf_create(&out, fli_mem_libc(), 0);
	while (fli_take8(&script, &which) && fli_take8(&script, &size)) {
		fli_epmd_source source = {.address = {which & 3}, .is_local = which >= 4};
		size_t i = which % CONNS;

		if (!is_open[i])
			is_open[i] = fli_epmd_conn_open(&conns[i], &server, &source, 0) == FL_OK;
		if (!fli_take(&script, size < fli_left(&script) ? size : fli_left(&script), &bytes))
			break;
		if (is_open[i])
			say(&conns[i], &is_open[i],
				fli_cursor_make(bytes, (size_t)(script.at - bytes)), &out);
	}
	for (size_t i = 0; i < CONNS; i++)
		if (is_open[i])
			fli_epmd_conn_close(&conns[i], 0);
	fl_assert(server.pending_count == 0 && server.sources.count == 0);
	fli_buf_destroy(&out);
	fli_epmd_server_destroy(&server);
}

static bool draw(void *context, void *ret_bytes, size_t size)
{
	(void)context;
	memset(ret_bytes, 0, size);
	return true;
}

static void register_with(const uint8_t *data, size_t size, const fli_node_name *name, fli_buf *out)
{
	fli_epmd_registration reg;
	fli_epmd_todo todo;

	fli_epmd_registration_create(&reg, name, 1, true);
	fli_epmd_registration_set_random(&reg, draw, NULL);
	(void)fli_epmd_registration_start(&reg, 0);
	(void)fli_epmd_registration_connected(&reg, 0, out);
	todo = fli_epmd_registration_feed(&reg, data, size, 0);
	fl_assert(todo != FLI_EPMD_REGISTERED || reg.creation >= FLI_EPMD_CREATION_MIN);
}

static void ask(const uint8_t *data, size_t size)
{
	static fli_epmd_lookup lookup;
	fli_node_name name;
	fli_epmd_names names;
	fli_epmd_node node;
	size_t cursor = 0;
	fli_buf out;

	(void)fli_node_name_parse(&name, "a@h", 3, NULL);
	fli_buf_create(&out, fli_mem_libc(), 0);
	(void)fli_epmd_lookup_start(&lookup, &name, &out);
	for (size_t i = 0; i < size; i++)
		(void)fli_epmd_lookup_feed(&lookup, data + i, 1);
	fl_assert(lookup.state != FLI_LOOKUP_FOUND || lookup.port != 0);
	register_with(data, size, &name, &out);
	fli_buf_destroy(&out);
	fli_epmd_names_create(&names, fli_mem_libc());
	(void)fli_epmd_names_feed(&names, data, size);
	while (fli_epmd_names_next(&names, &cursor, &node))
		fl_assert(fli_epmd_is_name(node.name, node.name_size));
	fli_epmd_names_destroy(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if ((data[0] & 1) != 0)
		serve(fli_cursor_make(data + 1, size - 1));
	else
		ask(data + 1, size - 1);
	return 0;
}
