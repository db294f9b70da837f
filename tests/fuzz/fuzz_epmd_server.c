/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An epmd under any bytes of its askers.
 *
 * The input is a script: a connection's number, a size, the bytes that it sends, and so on; size 0
 * closes it, and each step takes as many seconds as the number's upper half says.
 */
#include <string.h>

#include "dist/epmd_server.h"
#include "tests/fuzz/fuzz.h"

enum { CONNS = 8 };

static fli_epmd_server server;
static fli_epmd_conn conns[CONNS];
static bool is_open[CONNS];

static void leave(size_t i, uint64_t now_ms)
{
	fli_epmd_conn_close(&conns[i], now_ms);
	is_open[i] = false;
}

static void say(size_t i, fl_bin bytes, uint64_t now_ms, fli_buf *out)
{
	fli_epmd_verdict verdict;

	out->size = 0;
	verdict = fli_epmd_conn_feed(&conns[i], bytes.data, bytes.size, now_ms, out);
	if (bytes.size == 0 || verdict != FLI_EPMD_READ)
		leave(i, now_ms);
}

static void step(fli_cursor *script, uint64_t now_ms, fli_buf *out)
{
	uint8_t which = grow_byte(script) & 15;
	fli_epmd_source source = {.address = {which & 3}, .is_local = which >= 4};
	fl_bin bytes = grow_bytes(script, 255);
	size_t i = which % CONNS;

	if (!is_open[i])
		is_open[i] = fli_epmd_conn_open(&conns[i], &server, &source, now_ms) == FL_OK;
	if (is_open[i] && fli_epmd_conn_is_late(&conns[i], now_ms))
		leave(i, now_ms);
	if (is_open[i])
		say(i, bytes, now_ms, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const fli_epmd_server_config config = {
		.mem = fli_mem_libc(), .unix_s = 1, .allows_kill = true, .limits = {4, 6, 2}};
	fli_cursor script = fli_cursor_make(data, size);
	uint64_t now_ms = 0;
	fli_buf out;

	fli_epmd_server_create(&server, &config);
	fli_buf_create(&out, fli_mem_libc(), 0);
	while (fli_left(&script) > 0) {
		now_ms += (uint64_t)(*script.at >> 4) * 1000;
		step(&script, now_ms, &out);
		CHECK(fli_epmd_server_names(&server) <= config.limits.names_max);
		CHECK(server.pending_count <= config.limits.pending_max);
	}
	for (size_t i = 0; i < CONNS; i++)
		if (is_open[i])
			leave(i, now_ms);
	CHECK(server.pending_count == 0 && server.sources.count == 0);
	CHECK(fli_epmd_server_names(&server) == 0);
	fli_buf_destroy(&out);
	fli_epmd_server_destroy(&server);
	return 0;
}
