/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/termgen.h"

#include <stdio.h>

#include "node/term/tag.h"
#include "node/term/write.h"

#define DEPTH_MAX 4

void fl_termgen_create(fl_termgen *gen, uint64_t seed)
{
	*gen = (fl_termgen){.state = seed};
}

/* splitmix64 */
uint64_t fl_termgen_below(fl_termgen *gen, uint64_t bound)
{
	uint64_t x = gen->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % bound;
}

static void add_big(fl_termgen *gen, fli_buf *out, size_t size)
{
	fli_buf_add8(out, FLI_SMALL_BIG_EXT);
	fli_buf_add8(out, (uint8_t)size);
	fli_buf_add8(out, (uint8_t)fl_termgen_below(gen, 2));
	for (size_t i = 0; i < size; i++)
		fli_buf_add8(out, (uint8_t)(i + 1 == size ? fl_termgen_below(gen, 3)
							  : fl_termgen_below(gen, 256)));
}

static void add_integer(fl_termgen *gen, fli_buf *out)
{
	switch (fl_termgen_below(gen, 5)) {
	case 0: fli_write_uint(out, fl_termgen_below(gen, 300)); break;
	case 1: fli_write_int(out, (int64_t)fl_termgen_below(gen, 1u << 20) - (1 << 19)); break;
	case 2:
		fli_buf_add8(out, FLI_INTEGER_EXT);
		fli_buf_add32(out, (uint32_t)fl_termgen_below(gen, 40));
		break;
	case 3: fli_write_uint(out, UINT64_C(1) << fl_termgen_below(gen, 64)); break;
	default: add_big(gen, out, 1 + fl_termgen_below(gen, 30)); break;
	}
}

static void add_float(fl_termgen *gen, fli_buf *out)
{
	static const double values[] = {
		0.0, -0.0, 1.0, 1.5, 1e22, 1e-5, 9007199254740992.0, 5e-324};
	uint64_t choice = fl_termgen_below(gen, 10);

	if (choice < 8)
		fli_write_double(out, values[choice]);
	else
		fli_write_double(out, (double)fl_termgen_below(gen, UINT64_MAX) / 1000);
}

static void add_atom(fl_termgen *gen, fli_buf *out)
{
	static const char *const texts[] = {"a", "ok", "true", "Elixir.Foo", "", "end", "a b",
		"a@b", "\xc3\xa9", "\xc4\x80", "'", "\n", "maybe", "\xf0\x9f\x98\x80"};

	fli_write_atom(
		out, fl_atom_of(texts[fl_termgen_below(gen, sizeof texts / sizeof texts[0])]));
}

static fl_atom node_of(fl_termgen *gen)
{
	static const char *const nodes[] = {"a@b", "c1@127.0.0.1", "n@h.x.org", "a b@c"};

	return fl_atom_of(nodes[fl_termgen_below(gen, 4)]);
}

static void add_ident(fl_termgen *gen, fli_buf *out)
{
	fl_atom node = node_of(gen);
	uint32_t creation = (uint32_t)fl_termgen_below(gen, 3);
	fl_pid pid = {node, (uint32_t)fl_termgen_below(gen, 3), (uint32_t)fl_termgen_below(gen, 3),
		creation};
	fl_port port = {node, fl_termgen_below(gen, UINT64_MAX), creation};
	fl_ref ref = {.node = node, .creation = creation};

	ref.count = 1 + (uint32_t)fl_termgen_below(gen, 5);
	for (uint32_t i = 0; i < ref.count; i++)
		ref.words[i] = (uint32_t)fl_termgen_below(gen, 1u << 18);
	switch (fl_termgen_below(gen, 3)) {
	case 0: fli_write_pid(out, &pid); break;
	case 1: fli_write_ref(out, &ref); break;
	default: fli_write_port(out, &port); break;
	}
}

static void add_bytes(fl_termgen *gen, fli_buf *out)
{
	size_t size = fl_termgen_below(gen, 12);
	bool is_text = fl_termgen_below(gen, 2) == 0;
	uint8_t choice = (uint8_t)fl_termgen_below(gen, 3);

	if (choice == 0 && size > 0) {
		fli_buf_add8(out, FLI_STRING_EXT);
		fli_buf_add16(out, (uint16_t)size);
	} else if (choice == 1 && size > 0) {
		fli_buf_add8(out, FLI_BIT_BINARY_EXT);
		fli_buf_add32(out, (uint32_t)size);
		fli_buf_add8(out, 3);
	} else {
		fli_buf_add8(out, FLI_BINARY_EXT);
		fli_buf_add32(out, (uint32_t)size);
	}
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = is_text ? (uint8_t)(' ' + fl_termgen_below(gen, 95))
				       : (uint8_t)fl_termgen_below(gen, 256);

		/* What lies behind the last bit of a bit string is 0. */
		fli_buf_add8(out, choice == 1 && i + 1 == size ? byte & 0xe0 : byte);
	}
}

static void add_fun(fl_termgen *gen, fli_buf *out)
{
	size_t size_at = out->size + 1, free_count = fl_termgen_below(gen, 3);
	const fl_pid creator = {fl_atom_of("a@b"), 1, 2, 3};

	if (gen->no_funs || fl_termgen_below(gen, 2) == 0) {
		fli_buf_add8(out, FLI_EXPORT_EXT);
		fli_write_atom(out, fl_atom_of("lists"));
		add_atom(gen, out);
		fli_write_uint(out, fl_termgen_below(gen, 4));
		return;
	}
	fli_buf_add8(out, FLI_NEW_FUN_EXT);
	fli_buf_add32(out, 0);
	fli_buf_add8(out, 1);
	for (int i = 0; i < 16; i++)
		fli_buf_add8(out, (uint8_t)fl_termgen_below(gen, 2));
	fli_buf_add32(out, (uint32_t)fl_termgen_below(gen, 2));
	fli_buf_add32(out, (uint32_t)free_count);
	fli_write_atom(out, fl_atom_of("m"));
	fli_write_uint(out, fl_termgen_below(gen, 2));
	fli_write_uint(out, fl_termgen_below(gen, 3));
	fli_write_pid(out, &creator);
	for (size_t i = 0; i < free_count; i++)
		fl_termgen_term(gen, out);
	if (!out->failed)
		fli_put32(out->data + size_at, (uint32_t)(out->size - size_at));
}

static void add_terms(fl_termgen *gen, fli_buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fl_termgen_term(gen, out);
}

static void add_list(fl_termgen *gen, fli_buf *out, size_t count)
{
	if (count == 0) {
		fli_write_nil(out);
		return;
	}
	fli_write_list(out, (uint32_t)count);
	add_terms(gen, out, count);
	if (fl_termgen_below(gen, 4) == 0)
		fl_termgen_term(gen, out);
	else
		fli_write_nil(out);
}

/* Each key is its place, dressed up, so that no two are equal. */
static void add_map(fl_termgen *gen, fli_buf *out, size_t count)
{
	size_t start = fl_termgen_below(gen, 40);

	fli_write_map(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		uint64_t key = (start + 7 * i) % 41;

		switch (key % 4) {
		case 0: fli_write_uint(out, key); break;
		case 1: fli_write_double(out, (double)key); break;
		case 2:
			fli_write_tuple(out, 1);
			fli_write_uint(out, key);
			break;
		default: fli_write_binary(out, &key, 1 + key % 2); break;
		}
		fl_termgen_term(gen, out);
	}
}

static void add_container(fl_termgen *gen, fli_buf *out)
{
	size_t count = fl_termgen_below(gen, 5);

	switch (fl_termgen_below(gen, 4)) {
	case 0:
		fli_write_tuple(out, (uint32_t)count);
		add_terms(gen, out, count);
		break;
	case 1: add_map(gen, out, count); break;
	case 2: add_fun(gen, out); break;
	default: add_list(gen, out, count); break;
	}
}

void fl_termgen_term(fl_termgen *gen, fli_buf *out)
{
	gen->depth++;
	switch (fl_termgen_below(gen, gen->depth > DEPTH_MAX ? 6 : 9)) {
	case 0: add_integer(gen, out); break;
	case 1: add_float(gen, out); break;
	case 2: add_atom(gen, out); break;
	case 3: add_ident(gen, out); break;
	case 4: add_bytes(gen, out); break;
	case 5: fli_write_nil(out); break;
	default: add_container(gen, out); break;
	}
	gen->depth--;
}
