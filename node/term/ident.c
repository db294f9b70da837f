/* SPDX-License-Identifier: Apache-2.0 */
#include "flitch/term.h"

#include <string.h>

#include "node/term/atoms.h"
#include "node/term/step.h"

bool fli_atom_text_ok(const char *text, size_t size)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t left = size, used;
	uint32_t c;

	if (size > FLI_ATOM_BYTES_MAX)
		return false;
	if (size <= FLI_ATOM_CHARS_MAX && fli_is_ascii(at, size))
		return true;
	for (size_t count = 0; left != 0; count++, at += used, left -= used) {
		used = fli_utf8_decode(at, left, &c);
		if (used == 0 || count == FLI_ATOM_CHARS_MAX)
			return false;
	}
	return true;
}

bool fl_atom_is(fl_atom atom, const char *text)
{
	return fl_atom_eq(atom, fl_atom_of(text));
}

bool fl_atom_eq(fl_atom a, fl_atom b)
{
	if (a.size != b.size)
		return false;
	return a.size == 0 || a.text == b.text || memcmp(a.text, b.text, a.size) == 0;
}

bool fl_pid_eq(const fl_pid *a, const fl_pid *b)
{
	return a->id == b->id && a->serial == b->serial && a->creation == b->creation &&
	       fl_atom_eq(a->node, b->node);
}

bool fl_ref_eq(const fl_ref *a, const fl_ref *b)
{
	if (a->count != b->count || a->count > FLI_REF_WORDS_MAX)
		return false;
	return a->creation == b->creation &&
	       memcmp(a->words, b->words, a->count * sizeof *a->words) == 0 &&
	       fl_atom_eq(a->node, b->node);
}
