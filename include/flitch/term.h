/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TERM_H
#define FLITCH_TERM_H

/*
 * Erlang terms as C sees them: matched, built and printed in Erlang's own notation.
 *
 *     fl_match(request, "{add, ~}", &by)             true when it fits; fills `by`
 *     fl_build(&buf, "{ok, ~}", total)               appends one encoded term
 *
 * A term is a view of bytes in the external format (erl_ext_dist), complete, without the version
 * byte. It borrows: a term that came with a message lives until the handler returns; fl_copy is the
 * way to keep a part.
 *
 * Patterns are Erlang notation. `~` takes the next argument: a capture in fl_match, a value in
 * fl_build. `^` (fl_match only) compares with the next argument, a pointer of the same types. `_`
 * fits anything. There are no type letters: the C type of the argument says what may stand there.
 *
 *     foo  'Elixir.Foo'  atoms          12  -7  16#ff  $a   integers       1.5   floats
 *     {a, ~}  tuples                    [a, ~]  [~ | ~]  lists and tails
 *     "text"  a charlist                <<"text">>  a binary
 *     #{key => ~}  in fl_match: has at least these keys; in fl_build: exactly these
 *
 * Text in quotes has Erlang's escapes. "text" is a list of characters, the pattern being UTF-8;
 * <<"text">> is its bytes as they stand, an escape giving one byte. Patterns nest up to 32 deep and
 * hold integers of 64 bits. The keys of a map in fl_match are literals and `^`, not `~`.
 *
 * In fl_match, a list of bytes on the wire (STRING_EXT) is a list like any other, and integers
 * compare by value however they are encoded. Matching is all or nothing: when it fails no capture
 * has been written. An integer that the C type cannot hold does not match; it is never cut.
 *
 * Threads: any; the functions share nothing but `fl_atoms`, which is safe from any thread.
 * Memory: fl_match allocates nothing (but a node name that a captured pid or ref needs is kept
 * once, in the node's table). fl_build appends to an fl_buf. Errors: bool, or FL_E* where said.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flitch/error.h"
#include "flitch/generic.h"
#include "flitch/types.h"

/* An atom from a C string; borrows it. */
static inline fl_atom fl_atom_of(const char *text)
{
	return (fl_atom){text, __builtin_strlen(text)};
}
bool fl_atom_is(fl_atom atom, const char *text);
bool fl_atom_eq(fl_atom a, fl_atom b);
bool fl_pid_eq(const fl_pid *a, const fl_pid *b);
bool fl_ref_eq(const fl_ref *a, const fl_ref *b);

/* Copies the bytes of iodata into `ret_bytes`, at most `size`; returns how many. */
size_t fl_text_copy(fl_text text, void *ret_bytes, size_t size);
/* The same, as a C string cut to `size - 1` bytes and terminated; returns the whole length. */
size_t fl_text_string(fl_text text, char *ret_text, size_t size);

/* ---- building -------------------------------------------------------------------------------- */

/*
 * A buffer that terms are built into. Zero-initialise it; fl_buf_free gives its memory back.
 * Failure is sticky: after FL_ENOMEM or a bad pattern `error` stays set and nothing is appended.
 */
typedef struct fl_buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
	int error;           /* FL_OK, or the first failure */
	uint32_t depth;      /* open lists, maps and tuples */
	uint32_t opened[32]; /* where they began, for the count that is patched at the end */
	uint32_t counts[32];
} fl_buf;

#define FL_BUF_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}
void fl_buf_free(fl_buf *buf);
/* Forgets the content, keeps the memory. */
void fl_buf_reset(fl_buf *buf);
/* The first complete term in the buffer. */
fl_term fl_buf_term(const fl_buf *buf);
/*
 * Appends a term that somebody else encoded, with or without the version byte: checked as a peer's
 * would be. FL_EFORMAT when the bytes are not exactly one term.
 */
int fl_build_encoded(fl_buf *buf, const void *bytes, size_t size);

/*
 * Sequences whose length is not known in advance: open, fl_build each element (in a map: key and
 * value in turn), close. They nest up to 32 deep.
 *
 *     fl_list_open(&b);  fl_build(&b, "{~, ~}", name, value);  ...  fl_list_close(&b);
 */
void fl_list_open(fl_buf *buf);
void fl_list_close(fl_buf *buf);
void fl_map_open(fl_buf *buf);
void fl_map_close(fl_buf *buf);
void fl_tuple_open(fl_buf *buf);
void fl_tuple_close(fl_buf *buf);

/* A copy of a term in its own memory; fl_term_free gives it back. NULL data: out of memory. */
fl_term fl_copy(fl_term term);
void fl_term_free(fl_term term);

/* ---- looking --------------------------------------------------------------------------------- */

typedef enum fl_kind {
	FL_INTEGER,
	FL_FLOAT,
	FL_ATOM,
	FL_REF,
	FL_FUN,
	FL_PORT,
	FL_PID,
	FL_TUPLE,
	FL_MAP,
	FL_NIL,
	FL_LIST,
	FL_BINARY,
	FL_BITSTRING,
	FL_RECORD, /* native records of OTP 29 */
	FL_INVALID
} fl_kind;

fl_kind fl_term_kind(fl_term term);
/* Elements of a tuple or pairs of a map; 0 for anything else. */
size_t fl_term_arity(fl_term term);
/* The i-th element of a tuple (0 based); false when there is none. */
bool fl_tuple_get(fl_term tuple, size_t index, fl_term *ret_element);

/*
 * Walks a list: while (fl_list_next(&list, &element)). `list` becomes the rest; at the end it is
 * `[]`, or the improper tail.
 */
bool fl_list_next(fl_term *list, fl_term *ret_element);
/* Visits a map's pairs: start with *cursor = 0. */
bool fl_map_next(fl_term map, size_t *cursor, fl_term *ret_key, fl_term *ret_value);
/* The value of an atom key in a map (a struct is one) or in a keyword list. */
bool fl_get(fl_term map_or_keywords, const char *key, fl_term *ret_value);
/* Erlang's `undefined` or Elixir's `nil`. */
bool fl_is_nil(fl_term term);

/*
 * Erlang's term order as OTP 27 has it: <0, 0, >0. 1 == 1.0 here. Where memory runs out for a deep
 * term or a large map, and for bytes that are no term, the order of the bytes is the answer.
 */
int fl_compare(fl_term a, fl_term b);
/* Exact equality, `=:=`. */
bool fl_equal(fl_term a, fl_term b);

/*
 * Appends the term as text, as OTP 27's `~0ktp` writes it under `+pc unicode`, but for
 *
 *     <name@host.Id.Serial>  #Ref<name@host.W3.W2.W1>  #Port<name@host.N>
 *
 * which name their node (a reference of other than three words ends in ":Count"), integers beyond
 * 64 KiB, which are written in base 16, and names beyond ASCII in `fun m:f/a`, which are UTF-8 here
 * as everywhere. Creations are left out. FL_OK or buf->error.
 */
int fl_print(fl_buf *buf, fl_term term);
/* Writes at most `size - 1` bytes and a NUL; a longer text ends in "...". Returns the text. */
const char *fl_print_to(char *ret_text, size_t size, fl_term term);
/*
 * Reads Erlang notation (a value, no `~`) and what fl_print writes, closures and native records
 * excepted; err says where it went wrong. Identifiers may carry their creation, as in
 * <name@host.Id.Serial/Creation>; without one it is 0, which their own node takes for its own.
 * FL_OK, FL_EFORMAT and FL_ELIMIT (nothing is appended), FL_ENOMEM.
 */
int fl_read(fl_buf *buf, const char *text, size_t size, fl_error *err);

/* ---- the two macros -------------------------------------------------------------------------- */

bool fl_match_slots(fl_term term, const char *pattern, const fl_slot *slots, size_t count);
int fl_build_values(fl_buf *buf, const char *pattern, const fl_value *values, size_t count);

/*
 * bool fl_match(fl_term term, const char *pattern, pointers...): up to 24 of them. A malformed
 * pattern, or another number of pointers than it has `~` and `^`, never matches.
 */
#define fl_match(term, ...)                                                                        \
	fl_match_slots((term), FLI_FIRST(__VA_ARGS__, 0), FLI_SLOTS(__VA_ARGS__))
/*
 * int fl_build(fl_buf *buf, const char *pattern, values...): FL_OK or buf->error. FL_EMISUSE for a
 * bad pattern or number of values, FL_EINVAL for a value without external form (an infinite float,
 * an atom that is too long or no UTF-8, an empty term), FL_ENOMEM.
 */
#define fl_build(buf, ...)                                                                         \
	fl_build_values((buf), FLI_FIRST(__VA_ARGS__, 0), FLI_VALUES(__VA_ARGS__))

#endif
