/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/payload.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/draw.h"
#include "tests/support/termgen.h"

/* More than the 2,048 slots of a connection's cache. */
enum { ATOMS = 3000, ATOMS_A_MESSAGE = 12 };

static int build_term(fl_buf *buf, draw *d)
{
	fl_termgen gen;
	fli_buf bytes;
	int rc;

	fl_termgen_create(&gen, draw_u64(d));
	fli_buf_create(&bytes, fli_mem_libc(), 0);
	fl_termgen_term(&gen, &bytes);
	rc = fl_build_encoded(buf, bytes.data, bytes.size);
	fli_buf_destroy(&bytes);
	return rc;
}

static int build_atoms(fl_buf *buf, draw *d)
{
	uint64_t count = draw_between(d, 1, ATOMS_A_MESSAGE);
	char text[16];

	fl_list_open(buf);
	for (uint64_t i = 0; i < count; i++) {
		(void)snprintf(text, sizeof text, "atom_%u", (unsigned)draw_below(d, ATOMS));
		(void)fl_build(buf, "~", fl_atom_of(text));
	}
	fl_list_close(buf);
	return buf->error;
}

static int build_binary(fl_buf *buf, draw *d, size_t size)
{
	uint8_t *bytes = malloc(size);
	uint64_t word = draw_u64(d);
	int rc;

	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(word >> i % 8 * 8) ^ (uint8_t)(i >> 8);
	rc = fl_build(buf, "~", ((fl_bin){bytes, size}));
	free(bytes);
	return rc;
}

int payload_build(fl_buf *buf, const payload *what)
{
	draw d = draw_part(what->number, 7);

	if (what->bytes > 0)
		return build_binary(buf, &d, (size_t)what->bytes);

	switch (draw_below(&d, 8)) {
	case 0:
	case 1: return build_term(buf, &d);
	case 2:
	case 3: return build_atoms(buf, &d);
	case 4: return build_binary(buf, &d, (size_t)draw_scaled(&d, what->bytes_max));
	default: return fl_build(buf, "~", draw_u64(&d) >> 8);
	}
}

bool payload_is(fl_term term, const payload *what)
{
	fl_buf expected = FL_BUF_INIT;
	bool is_same =
		payload_build(&expected, what) == FL_OK && fl_equal(term, fl_buf_term(&expected));

	fl_buf_free(&expected);
	return is_same;
}
