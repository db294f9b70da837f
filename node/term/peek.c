/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/peek.h"

#include "node/base/mem.h"
#include "node/term/atoms.h"
#include "node/term/step.h"
#include "node/term/tag.h"

/* A reader works on a copy of the cursor, which replaces it when all went well. */
static bool done(fli_cursor *c, const fli_cursor *moved)
{
	*c = *moved;
	return true;
}

bool fli_peek_tuple(fli_cursor *c, uint32_t *ret_arity)
{
	size_t left = fli_left(c);

	if (left >= 2 && *c->at == FLI_SMALL_TUPLE_EXT) {
		*ret_arity = c->at[1];
		c->at += 2;
		return true;
	}
	if (left < 5 || *c->at != FLI_LARGE_TUPLE_EXT || fli_get32(c->at + 1) > FLI_TUPLE_ARITY_MAX)
		return false;
	*ret_arity = fli_get32(c->at + 1);
	c->at += 5;
	return true;
}

static bool atom_text(fli_cursor *c, size_t size, bool is_latin1, fl_atom *ret_atom)
{
	const uint8_t *text;

	if (!fli_take(c, size, &text))
		return false;
	if (is_latin1 && (size > FLI_ATOM_CHARS_MAX || !fli_is_ascii(text, size)))
		return false;
	if (!is_latin1 && !fli_atom_text_ok((const char *)text, size))
		return false;
	*ret_atom = (fl_atom){(const char *)text, size};
	return true;
}

static bool peek_any_atom(fli_cursor *c, const fli_refs *refs, fl_atom *ret_atom)
{
	fli_cursor at = *c;
	uint8_t tag, size8;
	uint16_t size16;
	bool is_ok;

	if (!fli_take8(&at, &tag))
		return false;
	switch (tag) {
	case FLI_SMALL_ATOM_UTF8_EXT:
	case FLI_SMALL_ATOM_EXT:
		is_ok = fli_take8(&at, &size8) &&
			atom_text(&at, size8, tag == FLI_SMALL_ATOM_EXT, ret_atom);
		return is_ok && done(c, &at);
	case FLI_ATOM_UTF8_EXT:
	case FLI_ATOM_EXT:
		is_ok = fli_take16(&at, &size16) &&
			atom_text(&at, size16, tag == FLI_ATOM_EXT, ret_atom);
		return is_ok && done(c, &at);
	case FLI_ATOM_CACHE_REF:
		if (!fli_take8(&at, &size8) || refs == NULL || size8 >= refs->count)
			return false;
		*ret_atom = refs->atoms[size8];
		return done(c, &at);
	default: return false;
	}
}

bool fli_peek_atom(fli_cursor *c, const fli_refs *refs, fl_atom *ret_atom)
{
	size_t size = fli_atom_step(c->at, fli_left(c));

	if (size == 0)
		return peek_any_atom(c, refs, ret_atom);
	*ret_atom = (fl_atom){(const char *)c->at + 2, size - 2};
	c->at += size;
	return true;
}

/* Little endian; leading zeros may make it longer than 8 bytes. */
static bool magnitude_of(const uint8_t *bytes, size_t size, uint64_t *ret_value)
{
	uint64_t value = 0;

	while (size > 0 && bytes[size - 1] == 0)
		size--;
	if (size > sizeof value)
		return false;
	for (size_t i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	*ret_value = value;
	return true;
}

/* Any integer of up to 64 bits of magnitude. */
static bool take_integer(fli_cursor *c, bool *ret_negative, uint64_t *ret_magnitude)
{
	fli_cursor at = *c;
	uint8_t tag, size8, sign;
	uint32_t value;
	size_t size;
	const uint8_t *bytes;

	if (!fli_take8(&at, &tag))
		return false;
	switch (tag) {
	case FLI_SMALL_INTEGER_EXT:
		if (!fli_take8(&at, &size8))
			return false;
		*ret_magnitude = size8;
		*ret_negative = false;
		return done(c, &at);
	case FLI_INTEGER_EXT:
		if (!fli_take32(&at, &value))
			return false;
		*ret_negative = value >> 31;
		*ret_magnitude = value >> 31 ? 0 - (uint64_t)(int64_t)(int32_t)value : value;
		return done(c, &at);
	case FLI_SMALL_BIG_EXT:
		if (!fli_take8(&at, &size8))
			return false;
		size = size8;
		break;
	case FLI_LARGE_BIG_EXT:
		if (!fli_take32(&at, &value))
			return false;
		size = value;
		break;
	default: return false;
	}
	if (!fli_take8(&at, &sign) || !fli_take(&at, size, &bytes))
		return false;
	*ret_negative = sign != 0;
	return magnitude_of(bytes, size, ret_magnitude) && done(c, &at);
}

bool fli_peek_int(fli_cursor *c, int64_t *ret_value)
{
	fli_cursor at = *c;
	uint64_t magnitude;
	bool is_negative;

	if (!take_integer(&at, &is_negative, &magnitude))
		return false;
	if (magnitude > (uint64_t)INT64_MAX + is_negative)
		return false;
	*ret_value = (int64_t)(is_negative ? 0 - magnitude : magnitude);
	return done(c, &at);
}

bool fli_peek_uint(fli_cursor *c, uint64_t *ret_value)
{
	fli_cursor at = *c;
	uint64_t magnitude;
	bool is_negative;

	if (!take_integer(&at, &is_negative, &magnitude))
		return false;
	if (is_negative && magnitude != 0)
		return false;
	*ret_value = magnitude;
	return done(c, &at);
}

/* A creation of one byte (old tags) or four. */
static bool take_creation(fli_cursor *c, bool is_old, uint32_t *ret_creation)
{
	uint8_t creation;

	if (!is_old)
		return fli_take32(c, ret_creation);
	if (!fli_take8(c, &creation))
		return false;
	*ret_creation = creation;
	return true;
}

static bool peek_any_pid(fli_cursor *c, const fli_refs *refs, fl_pid *ret_pid)
{
	fli_cursor at = *c;
	fl_pid pid;
	uint8_t tag;

	if (!fli_take8(&at, &tag) || (tag != FLI_NEW_PID_EXT && tag != FLI_PID_EXT))
		return false;
	if (!fli_peek_atom(&at, refs, &pid.node) || !fli_take32(&at, &pid.id) ||
		!fli_take32(&at, &pid.serial) ||
		!take_creation(&at, tag == FLI_PID_EXT, &pid.creation))
		return false;
	*ret_pid = pid;
	return done(c, &at);
}

bool fli_peek_pid(fli_cursor *c, const fli_refs *refs, fl_pid *ret_pid)
{
	size_t size = fli_ident_step(c->at, fli_left(c));
	const uint8_t *at = c->at, *numbers;

	if (size == 0 || *at != FLI_NEW_PID_EXT)
		return peek_any_pid(c, refs, ret_pid);
	numbers = at + size - 12;
	ret_pid->node = (fl_atom){(const char *)at + 3, at[2]};
	ret_pid->id = fli_get32(numbers);
	ret_pid->serial = fli_get32(numbers + 4);
	ret_pid->creation = fli_get32(numbers + 8);
	c->at += size;
	return true;
}

/* REFERENCE_EXT after its tag: atom, one word, creation. */
static bool take_oldest_ref(fli_cursor *c, const fli_refs *refs, fl_ref *ret_ref)
{
	ret_ref->count = 1;
	return fli_peek_atom(c, refs, &ret_ref->node) && fli_take32(c, &ret_ref->words[0]) &&
	       take_creation(c, true, &ret_ref->creation);
}

static bool take_ref(fli_cursor *c, const fli_refs *refs, bool is_old, fl_ref *ret_ref)
{
	uint16_t count;

	if (!fli_take16(c, &count) || count > FLI_REF_WORDS_MAX)
		return false;
	if (!fli_peek_atom(c, refs, &ret_ref->node))
		return false;
	if (!take_creation(c, is_old, &ret_ref->creation))
		return false;
	ret_ref->count = count;
	for (uint32_t i = 0; i < count; i++)
		if (!fli_take32(c, &ret_ref->words[i]))
			return false;
	return true;
}

bool fli_peek_ref(fli_cursor *c, const fli_refs *refs, fl_ref *ret_ref)
{
	fli_cursor at = *c;
	fl_ref ref = {.count = 0};
	uint8_t tag;
	bool is_ok;

	if (!fli_take8(&at, &tag))
		return false;
	switch (tag) {
	case FLI_NEWER_REFERENCE_EXT: is_ok = take_ref(&at, refs, false, &ref); break;
	case FLI_NEW_REFERENCE_EXT: is_ok = take_ref(&at, refs, true, &ref); break;
	case FLI_REFERENCE_EXT: is_ok = take_oldest_ref(&at, refs, &ref); break;
	default: return false;
	}
	if (!is_ok)
		return false;
	*ret_ref = ref;
	return done(c, &at);
}

bool fli_peek_port(fli_cursor *c, const fli_refs *refs, fl_port *ret_port)
{
	fli_cursor at = *c;
	fl_port port = {.id = 0};
	uint32_t id;
	uint8_t tag;

	if (!fli_take8(&at, &tag))
		return false;
	if (tag != FLI_V4_PORT_EXT && tag != FLI_NEW_PORT_EXT && tag != FLI_PORT_EXT)
		return false;
	if (!fli_peek_atom(&at, refs, &port.node))
		return false;
	if (tag == FLI_V4_PORT_EXT) {
		if (!fli_take64(&at, &port.id))
			return false;
	} else {
		if (!fli_take32(&at, &id))
			return false;
		port.id = id;
	}
	if (!take_creation(&at, tag == FLI_PORT_EXT, &port.creation))
		return false;
	*ret_port = port;
	return done(c, &at);
}

bool fli_peek_nil(fli_cursor *c)
{
	if (fli_left(c) == 0 || *c->at != FLI_NIL_EXT)
		return false;
	c->at++;
	return true;
}

bool fli_peek_any(
	fli_cursor *c, const fli_refs *refs, fli_walked *ret_walked, const uint8_t **ret_data)
{
	if (!fli_walk(c->at, fli_left(c), refs, ret_walked))
		return false;
	*ret_data = c->at;
	c->at += ret_walked->size;
	return true;
}
