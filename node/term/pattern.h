/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_PATTERN_H
#define FLI_TERM_PATTERN_H

/*
 * The words of the notation that fl_match and fl_build share. Patterns are C text of the program,
 * in UTF-8, and are read as they are used; fli_pattern_check says what is wrong with one.
 *
 * Threads: any. Memory: none; an atom without escapes borrows from the pattern. Errors: false, and
 * the position may then be anywhere. Limits: nesting of 32; integers of 64 bits; 24 arguments.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flitch/term.h"

#define FLI_PATTERN_DEPTH_MAX 32
#define FLI_PATTERN_SLOTS_MAX 24

typedef struct fli_number {
	bool is_float;
	bool is_negative;
	uint64_t magnitude;
	double real;
} fli_number;

/*
 * NULL when the pattern is one well-formed term that takes `count` arguments, else the reason, a
 * phrase for people. With `is_match` it is one for fl_match, else for fl_build.
 */
const char *fli_pattern_check(const char *pattern, bool is_match, size_t count);

/* -12, 1_000, 16#ff, $a, 1.5, 1.0e-3. */
bool fli_pattern_number(const char **p, fli_number *ret_number);
/* A character between quotes or after `$`, escapes as in Erlang. */
bool fli_pattern_char(const char **p, uint32_t *ret_char);
/* A byte of <<"...">>: an escape up to 255, or a byte of the pattern as it stands. */
bool fli_pattern_byte(const char **p, uint8_t *ret_byte);
/* 'quoted'; the text is either in the pattern or in `buffer` (FLI_ATOM_BYTES_MAX). */
bool fli_pattern_quoted(const char **p, char *buffer, fl_atom *ret_atom);

static inline const char *fli_pattern_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

/* Past `c`, with spaces before it; false when something else stands there. */
static inline bool fli_pattern_take(const char **p, char c)
{
	const char *at = fli_pattern_space(*p);

	if (*at != c)
		return false;
	*p = at + 1;
	return true;
}

/* a-z, or part of a character beyond ASCII. */
static inline bool fli_pattern_is_atom_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c & 0x80) != 0;
}

/* One of these, A-Z, 0-9, _ or @: a bit for each, from `@` on and from NUL on. */
static inline bool fli_pattern_is_atom_part(char c)
{
	uint64_t set = (c & 0x40) != 0 ? UINT64_C(0x07fffffe87ffffff) : UINT64_C(0x03ff) << 48;

	return (c & 0x80) != 0 || (set >> (c & 0x3f) & 1) != 0;
}

static inline bool fli_pattern_is_number_start(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '$';
}

/* An atom without quotes, at an fli_pattern_is_atom_start. */
static inline fl_atom fli_pattern_bare(const char **p)
{
	const char *start = *p, *at = start + 1;

	while (fli_pattern_is_atom_part(*at))
		at++;
	*p = at;
	return (fl_atom){start, (size_t)(at - start)};
}

#endif
