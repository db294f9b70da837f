/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the two names to the peer's cache (erl_ext_dist, "Distribution Header").
 *
 * - The first small frame gets both as new entries of segment 0, slots 0 and 1, between its N and
 *   its control term, which spells its atoms all the same.
 * - A BEAM sends any atom of a message by its cache. Here the atoms of payloads are spelled: they
 *   are built in place, behind a header whose size is fixed by then.
 */
#include "dist/outbound_atoms.h"

#define NAME_BYTES_MAX 255 /* longer ones need lengths of two bytes */
#define FLAGS_BYTES 2      /* four bits a reference, and four for all */
#define BOTH_ARE_NEW 0x88  /* and of segment 0 */
#define ENTRY_BYTES(name) ((size_t)2 + (name).size)

void fli_outbound_atoms_create(
	fli_outbound_atoms *atoms, const fl_atom names[FLI_OUTBOUND_NAMES], bool is_agreed)
{
	*atoms = (fli_outbound_atoms){.state = is_agreed ? FLI_ATOMS_NEW : FLI_ATOMS_OFF};
	for (int i = 0; i < FLI_OUTBOUND_NAMES; i++) {
		atoms->names[i] = names[i];
		if (names[i].size == 0 || names[i].size > NAME_BYTES_MAX)
			atoms->state = FLI_ATOMS_OFF;
	}
}

static uint8_t *put_entry(uint8_t *p, uint8_t slot, fl_atom name)
{
	p[0] = slot;
	p[1] = (uint8_t)name.size;
	memcpy(p + 2, name.text, name.size);
	return p + ENTRY_BYTES(name);
}

size_t fli_outbound_atoms_place(fli_outbound_atoms *atoms, fli_buf *buf, size_t at)
{
	const fl_atom *names = atoms->names;
	size_t size = FLAGS_BYTES + ENTRY_BYTES(names[0]) + ENTRY_BYTES(names[1]);
	size_t behind = buf->size - at - 1;
	uint8_t *p;

	if (fli_buf_extend(buf, size) == NULL) {
		buf->failed = false;
		return 0;
	}
	p = buf->data + at;
	memmove(p + 1 + size, p + 1, behind);
	*p++ = FLI_OUTBOUND_NAMES;
	*p++ = BOTH_ARE_NEW;
	*p++ = 0;
	(void)put_entry(put_entry(p, 0, names[0]), 1, names[1]);
	atoms->state = FLI_ATOMS_PLACED;
	return size;
}
