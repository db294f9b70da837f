/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that asks epmd, under any answer: look-up, registration and the list of names each get the
 * whole of it. The first byte says in what portions; the registration then meets the end of the
 * connection and its timers.
 */
#include <string.h>

#include "dist/epmd_client.h"
#include "tests/fuzz/fuzz.h"

static fli_node_name name;

static bool draw(void *context, void *ret_bytes, size_t size)
{
	(void)context;
	memset(ret_bytes, 0, size);
	return true;
}

static size_t portion(size_t left, size_t step)
{
	return left < step ? left : step;
}

static void look_up(const uint8_t *data, size_t size, size_t step, fli_buf *out)
{
	static fli_epmd_lookup lookup;

	(void)fli_epmd_lookup_start(&lookup, &name, out);
	for (size_t at = 0; at < size; at += step)
		(void)fli_epmd_lookup_feed(&lookup, data + at, portion(size - at, step));
	CHECK(lookup.state != FLI_LOOKUP_FOUND || lookup.port != 0);
	CHECK(fli_epmd_lookup_lost(&lookup, "it closed") != FLI_LOOKUP_MORE);
	CHECK(lookup.state == FLI_LOOKUP_FOUND || lookup.error.code != FL_OK);
}

static void check(const fli_epmd_registration *reg, fli_epmd_todo todo)
{
	CHECK(todo != FLI_EPMD_REGISTERED || reg->creation >= FLI_EPMD_CREATION_MIN);
	CHECK(todo != FLI_EPMD_RETRY || reg->deadline_ms != UINT64_MAX);
	CHECK(todo != FLI_EPMD_RETRY || reg->error.code != FL_OK);
}

static void hear(fli_epmd_registration *reg, const uint8_t *data, size_t size, size_t step)
{
	fli_epmd_todo todo = FLI_EPMD_NOTHING;

	for (size_t at = 0; at < size && todo == FLI_EPMD_NOTHING; at += step) {
		todo = fli_epmd_registration_feed(reg, data + at, portion(size - at, step), 0);
		check(reg, todo);
	}
}

static void enter(const uint8_t *data, size_t size, size_t step, fli_buf *out)
{
	fli_epmd_registration reg;
	uint32_t creation;
	fli_epmd_todo todo;

	fli_epmd_registration_create(&reg, &name, 1, true);
	fli_epmd_registration_set_random(&reg, draw, NULL);
	(void)fli_epmd_registration_start(&reg, 0);
	(void)fli_epmd_registration_connected(&reg, 0, out);
	hear(&reg, data, size, step);
	creation = reg.creation;
	todo = fli_epmd_registration_lost(&reg, "it closed", 1);
	check(&reg, todo);
	if (todo == FLI_EPMD_RETRY &&
		fli_epmd_registration_timer(&reg, reg.deadline_ms) == FLI_EPMD_CONNECT) {
		(void)fli_epmd_registration_connected(&reg, reg.deadline_ms, out);
		hear(&reg, data, size, step);
		CHECK(creation == 0 || reg.creation == creation);
	}
}

static void list(const uint8_t *data, size_t size, size_t step)
{
	fli_epmd_names names;
	fli_epmd_node node;
	size_t cursor = 0;

	fli_epmd_names_create(&names, fli_mem_libc());
	for (size_t at = 0; at < size; at += step)
		(void)fli_epmd_names_feed(&names, data + at, portion(size - at, step));
	while (fli_epmd_names_next(&names, &cursor, &node))
		CHECK(fli_epmd_is_name(node.name, node.name_size));
	fli_epmd_names_destroy(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_cursor c = fli_cursor_make(data, size);
	size_t step = 1 + (size_t)grow_byte(&c), left = fli_left(&c);
	uint8_t *bytes = fuzz_copy(c.at, left);
	fli_buf out;

	(void)fli_node_name_parse(&name, "otp@127.0.0.1", 13, NULL);
	fli_buf_create(&out, fli_mem_libc(), 0);
	look_up(bytes, left, step, &out);
	enter(bytes, left, step, &out);
	list(bytes, left, step);
	fli_buf_destroy(&out);
	free(bytes);
	return 0;
}
