/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same grammar that fl_match and fl_build follow, read for its own sake: a pattern that fails
 * to match may never have been read to its end, so what is wrong with it has to be asked for.
 */
#include "node/term/atoms.h"
#include "node/term/pattern.h"
#include "node/term/step.h"

struct check {
	const char *p;
	const char *reason;
	bool is_match;
	bool is_key; /* of a map in fl_match, where nothing can be captured */
	size_t used;
	unsigned depth;
};

static bool term(struct check *k);

static bool fail(struct check *k, const char *reason)
{
	if (k->reason == NULL)
		k->reason = reason;
	return false;
}

static bool argument(struct check *k)
{
	if (*k->p == '~' && k->is_key)
		return fail(k, "`~` in the key of a map");
	if (*k->p != '~' && !k->is_match)
		return fail(k, "`^` or `_` in a value");
	if (*k->p++ != '_')
		k->used++;
	if (k->p[-1] == '_' && fli_pattern_is_atom_part(*k->p))
		return fail(k, "a variable's name");
	return true;
}

static bool elements(struct check *k, char close)
{
	if (fli_pattern_take(&k->p, close))
		return true;
	do {
		if (!term(k))
			return false;
	} while (fli_pattern_take(&k->p, ','));
	if (close == ']' && fli_pattern_take(&k->p, '|') && !term(k))
		return false;
	return fli_pattern_take(&k->p, close) || fail(k, "an unclosed list or tuple");
}

static bool pair(struct check *k)
{
	bool was_key = k->is_key;

	k->is_key = k->is_match;
	if (!term(k))
		return false;
	k->is_key = was_key;
	if (!fli_pattern_take(&k->p, '=') || *k->p++ != '>')
		return fail(k, "a key without `=>`");
	return term(k);
}

static bool map(struct check *k)
{
	if (*k->p++ != '{')
		return fail(k, "`#` without `{`");
	if (fli_pattern_take(&k->p, '}'))
		return true;
	do {
		if (!pair(k))
			return false;
	} while (fli_pattern_take(&k->p, ','));
	return fli_pattern_take(&k->p, '}') || fail(k, "an unclosed map");
}

static bool nested(struct check *k)
{
	bool is_ok;
	char open = *k->p++;

	if (++k->depth > FLI_PATTERN_DEPTH_MAX)
		return fail(k, "nested too deep");
	is_ok = open == '#' ? map(k) : elements(k, open == '{' ? '}' : ']');
	k->depth--;
	return is_ok;
}

static bool string(struct check *k, bool is_binary)
{
	uint8_t byte;
	uint32_t c;

	for (k->p++; *k->p != '"';)
		if (*k->p == '\0' ||
			!(is_binary ? fli_pattern_byte(&k->p, &byte) : fli_pattern_char(&k->p, &c)))
			return fail(k, "an unclosed string or a bad character in one");
	k->p++;
	return true;
}

static bool binary(struct check *k)
{
	k->p++;
	if (*k->p++ != '<')
		return fail(k, "`<` without `<`");
	k->p = fli_pattern_space(k->p);
	if (*k->p == '"' && !string(k, true))
		return false;
	if (fli_pattern_take(&k->p, '>') && *k->p++ == '>')
		return true;
	return fail(k, "an unclosed binary");
}

static bool number(struct check *k)
{
	fli_number value;

	if (!fli_pattern_number(&k->p, &value))
		return fail(k, "a bad number");
	if (!value.is_float && value.is_negative && value.magnitude > UINT64_C(1) << 63)
		return fail(k, "an integer of more than 64 bits");
	return true;
}

static bool atom(struct check *k)
{
	char buffer[FLI_ATOM_BYTES_MAX];
	fl_atom value = {NULL, 0};

	if (*k->p != '\'')
		value = fli_pattern_bare(&k->p);
	else if (!fli_pattern_quoted(&k->p, buffer, &value))
		return fail(k, "a bad quoted atom");
	return fli_atom_text_ok(value.text, value.size) || fail(k, "a bad atom");
}

static bool term(struct check *k)
{
	k->p = fli_pattern_space(k->p);
	switch (*k->p) {
	case '~':
	case '^':
	case '_': return argument(k);
	case '{':
	case '[':
	case '#': return nested(k);
	case '"': return string(k, false);
	case '<': return binary(k);
	case '\'': return atom(k);
	default: break;
	}
	if (fli_pattern_is_number_start(*k->p))
		return number(k);
	if (fli_pattern_is_atom_start(*k->p))
		return atom(k);
	return fail(k, *k->p == '\0' ? "it ends too early" : "an unexpected character");
}

const char *fli_pattern_check(const char *pattern, bool is_match, size_t count)
{
	struct check k = {.p = pattern, .is_match = is_match};

	if (!term(&k))
		return k.reason;
	if (*fli_pattern_space(k.p) != '\0')
		return "more than one term";
	if (count > FLI_PATTERN_SLOTS_MAX)
		return "too many arguments";
	if (k.used > count)
		return "fewer arguments than `~` and `^`";
	if (k.used < count)
		return "more arguments than `~` and `^`";
	return NULL;
}
