/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TYPES_H
#define FLITCH_TYPES_H

/*
 * The values that Erlang terms become in C. What can be done with them is in <flitch/term.h>.
 *
 * Threads: plain values. Memory: as each type says. Errors: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A node's interned texts: node names, registered names. Opaque. */
typedef struct fl_atoms fl_atoms;

/*
 * One encoded term. `atoms` is where it came from (may be NULL for terms made by hand).
 *
 * What remains of a list after its first elements has no header of its own in the bytes; such a
 * term has `rest` elements (not 0) and `data` begins with the first of them:
 *
 *     LIST_EXT   [elem .. elem tail]  size > rest        STRING_EXT  [byte .. byte]  size == rest
 */
typedef struct fl_term {
	const uint8_t *data;
	size_t size;
	fl_atoms *atoms;
	uint32_t rest;
} fl_term;

/* An atom's text, UTF-8, not terminated, at most 255 characters. Captured ones borrow. */
typedef struct fl_atom {
	const char *text;
	size_t size;
} fl_atom;

/* Bytes of a binary. Captured ones borrow. */
typedef struct fl_bin {
	const void *data;
	size_t size;
} fl_bin;

/* Identifiers are values: `node` is interned when captured from a message, so they may be kept. */
typedef struct fl_pid {
	fl_atom node;
	uint32_t id;
	uint32_t serial;
	uint32_t creation;
} fl_pid;

typedef struct fl_ref {
	fl_atom node;
	uint32_t creation;
	uint32_t count; /* words in use, at most 5 */
	uint32_t words[5];
} fl_ref;

typedef struct fl_port {
	fl_atom node;
	uint64_t id;
	uint32_t creation;
} fl_port;

/* Text or bytes in any of Erlang's shapes: binary, charlist of bytes, iolist. `size` in bytes. */
typedef struct fl_text {
	fl_term term;
	size_t size;
} fl_text;

/* An Erlang boolean in fl_build; C's `bool` does not compile there (in C11 `a > b` is an int). */
typedef struct fl_boolean {
	bool value;
} fl_boolean;
#define fl_bool(x) ((fl_boolean){(x) ? true : false})

/* ---- arguments of fl_match and fl_build -------------------------------------------------------
 */

typedef enum fl_slot_type {
	FL_SLOT_I8,
	FL_SLOT_I16,
	FL_SLOT_I32,
	FL_SLOT_I64,
	FL_SLOT_U8,
	FL_SLOT_U16,
	FL_SLOT_U32,
	FL_SLOT_U64,
	FL_SLOT_DOUBLE,
	FL_SLOT_BOOL,
	FL_SLOT_BIN,
	FL_SLOT_ATOM,
	FL_SLOT_PID,
	FL_SLOT_REF,
	FL_SLOT_PORT,
	FL_SLOT_TEXT,
	FL_SLOT_TERM
} fl_slot_type;

/* A capture or pin: where to write, or what to compare with. */
typedef struct fl_slot {
	fl_slot_type type;
	const void *pointer;
} fl_slot;

/* A value for fl_build. */
typedef struct fl_value {
	fl_slot_type type;
	union {
		int64_t i;
		uint64_t u;
		double d;
		bool b;
		fl_bin bin;
		fl_atom atom;
		fl_pid pid;
		fl_ref ref;
		fl_port port;
		fl_term term;
	} as;
} fl_value;

#endif
