/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/capture.h"

#include "node/base/mem.h"
#include "node/term/atoms.h"
#include "node/term/peek.h"
#include "node/term/step.h"
#include "node/term/tag.h"
#include "node/term/text.h"

/* The common forms of integers without a call. */
static inline bool take_int(fli_cursor *c, int64_t *ret_value)
{
	size_t left = fli_left(c);

	if (left >= 2 && *c->at == FLI_SMALL_INTEGER_EXT) {
		*ret_value = c->at[1];
		c->at += 2;
		return true;
	}
	if (left >= 5 && *c->at == FLI_INTEGER_EXT) {
		*ret_value = (int32_t)fli_get32(c->at + 1);
		c->at += 5;
		return true;
	}
	return fli_peek_int(c, ret_value);
}

static bool take_signed(fli_cursor *c, int64_t min, int64_t max, int64_t *ret_value)
{
	return take_int(c, ret_value) && *ret_value >= min && *ret_value <= max;
}

static bool take_unsigned(fli_cursor *c, uint64_t max, uint64_t *ret_value)
{
	return fli_peek_uint(c, ret_value) && *ret_value <= max;
}

static bool take_double(fli_cursor *c, double *ret_value)
{
	uint64_t bits;

	if (fli_left(c) < 9 || *c->at != FLI_NEW_FLOAT_EXT)
		return false;
	bits = fli_get64(c->at + 1);
	if (!fli_float_is_finite(bits))
		return false;
	memcpy(ret_value, &bits, sizeof bits);
	c->at += 9;
	return true;
}

static bool take_bool(fli_cursor *c, bool *ret_value)
{
	fl_atom atom;

	if (!fli_peek_atom(c, NULL, &atom))
		return false;
	*ret_value = fl_atom_is(atom, "true");
	return *ret_value || fl_atom_is(atom, "false");
}

static bool take_bin(fli_cursor *c, fl_bin *ret_bin)
{
	size_t left = fli_left(c), head = 5;
	const uint8_t *bytes;

	if (left < 5)
		return false;
	if (*c->at == FLI_BIT_BINARY_EXT) {
		head = 6; /* of whole bytes: tolerated in terms that were made by hand */
		if (left < 6 || c->at[5] != 8)
			return false;
	} else if (*c->at != FLI_BINARY_EXT) {
		return false;
	}
	ret_bin->size = fli_get32(c->at + 1);
	c->at += head;
	if (!fli_take(c, ret_bin->size, &bytes))
		return false;
	ret_bin->data = bytes;
	return true;
}

static bool keep_node(fl_atoms *atoms, fl_atom *node)
{
	return atoms == NULL || fli_atoms_intern(atoms, node->text, node->size, node);
}

static bool take_ident(fli_place *place, fl_slot_type type, fli_captured *ret)
{
	switch (type) {
	case FL_SLOT_PID:
		return fli_peek_pid(&place->c, NULL, &ret->pid) &&
		       keep_node(place->atoms, &ret->pid.node);
	case FL_SLOT_REF:
		return fli_peek_ref(&place->c, NULL, &ret->ref) &&
		       keep_node(place->atoms, &ret->ref.node);
	default:
		return fli_peek_port(&place->c, NULL, &ret->port) &&
		       keep_node(place->atoms, &ret->port.node);
	}
}

static bool take_text(fli_place *place, fl_text *ret_text)
{
	fl_term term;

	return fli_place_take(place, &term) && fli_text_of(term, ret_text);
}

bool fli_capture(fli_place *place, fl_slot_type type, fli_captured *ret)
{
	fli_cursor *c = &place->c;

	if (type == FL_SLOT_TERM)
		return fli_place_take(place, &ret->term);
	if (type == FL_SLOT_TEXT)
		return take_text(place, &ret->text);
	if (place->kind != FLI_AT_TERM)
		return false;
	switch (type) {
	case FL_SLOT_I8: return take_signed(c, INT8_MIN, INT8_MAX, &ret->i);
	case FL_SLOT_I16: return take_signed(c, INT16_MIN, INT16_MAX, &ret->i);
	case FL_SLOT_I32: return take_signed(c, INT32_MIN, INT32_MAX, &ret->i);
	case FL_SLOT_I64: return take_int(c, &ret->i);
	case FL_SLOT_U8: return take_unsigned(c, UINT8_MAX, &ret->u);
	case FL_SLOT_U16: return take_unsigned(c, UINT16_MAX, &ret->u);
	case FL_SLOT_U32: return take_unsigned(c, UINT32_MAX, &ret->u);
	case FL_SLOT_U64: return fli_peek_uint(c, &ret->u);
	case FL_SLOT_DOUBLE: return take_double(c, &ret->d);
	case FL_SLOT_BOOL: return take_bool(c, &ret->b);
	case FL_SLOT_BIN: return take_bin(c, &ret->bin);
	case FL_SLOT_ATOM: return fli_peek_atom(c, NULL, &ret->atom);
	case FL_SLOT_PID:
	case FL_SLOT_REF:
	case FL_SLOT_PORT: return take_ident(place, type, ret);
	default: return false;
	}
}

void fli_captured_store(const fli_captured *captured, fl_slot slot)
{
	void *to = (void *)(uintptr_t)slot.pointer; /* a capture's is not const, a pin's may be */

	switch (slot.type) {
	case FL_SLOT_I8: *(int8_t *)to = (int8_t)captured->i; break;
	case FL_SLOT_I16: *(int16_t *)to = (int16_t)captured->i; break;
	case FL_SLOT_I32: *(int32_t *)to = (int32_t)captured->i; break;
	case FL_SLOT_I64: *(int64_t *)to = captured->i; break;
	case FL_SLOT_U8: *(uint8_t *)to = (uint8_t)captured->u; break;
	case FL_SLOT_U16: *(uint16_t *)to = (uint16_t)captured->u; break;
	case FL_SLOT_U32: *(uint32_t *)to = (uint32_t)captured->u; break;
	case FL_SLOT_U64: *(uint64_t *)to = captured->u; break;
	case FL_SLOT_DOUBLE: *(double *)to = captured->d; break;
	case FL_SLOT_BOOL: *(bool *)to = captured->b; break;
	case FL_SLOT_BIN: *(fl_bin *)to = captured->bin; break;
	case FL_SLOT_ATOM: *(fl_atom *)to = captured->atom; break;
	case FL_SLOT_PID: *(fl_pid *)to = captured->pid; break;
	case FL_SLOT_REF: *(fl_ref *)to = captured->ref; break;
	case FL_SLOT_PORT: *(fl_port *)to = captured->port; break;
	case FL_SLOT_TEXT: *(fl_text *)to = captured->text; break;
	case FL_SLOT_TERM: *(fl_term *)to = captured->term; break;
	default: break;
	}
}

static bool port_eq(const fl_port *a, const fl_port *b)
{
	return a->id == b->id && a->creation == b->creation && fl_atom_eq(a->node, b->node);
}

static bool bin_eq(fl_bin a, fl_bin b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool is_same(const fli_captured *found, fl_slot slot)
{
	const void *p = slot.pointer;

	switch (slot.type) {
	case FL_SLOT_I8: return found->i == *(const int8_t *)p;
	case FL_SLOT_I16: return found->i == *(const int16_t *)p;
	case FL_SLOT_I32: return found->i == *(const int32_t *)p;
	case FL_SLOT_I64: return found->i == *(const int64_t *)p;
	case FL_SLOT_U8: return found->u == *(const uint8_t *)p;
	case FL_SLOT_U16: return found->u == *(const uint16_t *)p;
	case FL_SLOT_U32: return found->u == *(const uint32_t *)p;
	case FL_SLOT_U64: return found->u == *(const uint64_t *)p;
	case FL_SLOT_DOUBLE:
		return memcmp(&found->d, p, sizeof found->d) == 0; /* 0.0 is not -0.0 */
	case FL_SLOT_BOOL: return found->b == *(const bool *)p;
	case FL_SLOT_BIN: return bin_eq(found->bin, *(const fl_bin *)p);
	case FL_SLOT_ATOM: return fl_atom_eq(found->atom, *(const fl_atom *)p);
	case FL_SLOT_PID: return fl_pid_eq(&found->pid, p);
	case FL_SLOT_REF: return fl_ref_eq(&found->ref, p);
	case FL_SLOT_PORT: return port_eq(&found->port, p);
	case FL_SLOT_TEXT: return fli_text_eq(found->text, *(const fl_text *)p);
	case FL_SLOT_TERM: return fl_equal(found->term, *(const fl_term *)p);
	default: return false;
	}
}

bool fli_pin(fli_place *place, fl_slot slot)
{
	fl_atoms *atoms = place->atoms;
	fli_captured found;
	bool is_ok;

	place->atoms = NULL; /* nothing is kept, so nothing has to be interned */
	is_ok = fli_capture(place, slot.type, &found);
	place->atoms = atoms;
	return is_ok && is_same(&found, slot);
}
