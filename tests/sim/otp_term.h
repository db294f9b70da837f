/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_TERM_H
#define FLI_TESTS_OTP_TERM_H

/*
 * Terms of the model of an OTP node: bytes of the external format in one canonical form.
 *
 *     otp_build(buf, "{$gen_cast,{in_sync,~a,true}}", "a@one")
 *     otp_match(term, "{$gen_call,{~t,~t},{set_lock,{~t,~t}}}", &pid, &tag, &resource, &requester)
 *
 * A format is Erlang with holes. A word is an atom, digits are an integer, `_` matches anything.
 * Holes: ~a an atom (const char *; matching fills an otp_atom), ~i an integer (int64_t), ~t a term
 * (otp_term). `[x|~t]` has a tail.
 *
 * Canonical: atoms are UTF-8 with the shortest length, integers the shortest, identifiers the
 * newest tags, lists never the form for strings. So equal terms are equal bytes (but for the order
 * of keys in maps), and what came by the wire is compared with memcmp.
 *
 * This is a codec of its own on purpose: the model shares none with the nodes that it meets.
 *
 * Threads: the world's. Memory: an otp_term borrows; otp_keep copies, otp_drop frees. Errors: a
 * match fails; building ends the program when memory is out. Limits: OTP_DEPTH_MAX.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTP_DEPTH_MAX 2000 /* of what is decoded; nothing that OTP sends comes near */
#define OTP_ATOM_MAX 1021

typedef struct otp_term {
	const uint8_t *data; /* NULL: none */
	size_t size;
} otp_term;

typedef struct otp_buf {
	uint8_t *data;
	size_t size;
	size_t room;
} otp_buf;

typedef struct otp_atom {
	char text[OTP_ATOM_MAX];
} otp_atom;

typedef struct otp_pid {
	uint32_t id;
	uint32_t serial;
	uint32_t creation;
} otp_pid;

#define OTP_NONE ((otp_term){NULL, 0})

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Ends the program when there is no memory. */
void *otp_alloc(size_t size);
uint8_t *otp_buf_extend(otp_buf *buf, size_t size);
void otp_buf_add(otp_buf *buf, const void *data, size_t size);
void otp_buf_int(otp_buf *buf, uint64_t value, unsigned bytes); /* big endian */
void otp_buf_free(otp_buf *buf);
uint64_t otp_get_int(const uint8_t *p, unsigned bytes);

/* ---- terms ----------------------------------------------------------------------------------- */

void otp_build(otp_buf *buf, const char *format, ...);
void otp_vbuild(otp_buf *buf, const char *format, __builtin_va_list args);
bool otp_match(otp_term term, const char *format, ...);

void otp_put_atom(otp_buf *buf, const char *text, size_t size);
void otp_put_int(otp_buf *buf, int64_t value);
void otp_put_pid(otp_buf *buf, const char *node, otp_pid pid);
void otp_put_ref(
	otp_buf *buf, const char *node, uint32_t creation, const uint32_t *words, unsigned count);

otp_term otp_keep(otp_term term);
void otp_drop(otp_term *term);
static inline otp_term otp_term_of(const otp_buf *buf)
{
	return (otp_term){buf->data, buf->size};
}

bool otp_equal(otp_term a, otp_term b);
bool otp_is_atom(otp_term term, const char *text);
bool otp_is_pid(otp_term term);
bool otp_is_ref(otp_term term);
/* Cut when it is too long. */
void otp_set_atom(otp_atom *atom, const char *text);
bool otp_get_atom(otp_term term, otp_atom *ret_atom);
bool otp_get_int64(otp_term term, int64_t *ret_value);
/* Of a pid, port or reference. */
bool otp_node_of(otp_term term, otp_atom *ret_node);
bool otp_pid_parts(otp_term term, otp_pid *ret_pid);
/* Erlang's order of pids. */
int otp_pid_compare(otp_term a, otp_term b);

/* Length of the canonical term at `p`, which is known to be sound. */
size_t otp_span(const uint8_t *p);
/* Visits a list: false at its end. `list` becomes the rest. */
bool otp_next(otp_term *list, otp_term *ret_item);
unsigned otp_length(otp_term list);
/* Element `index` (from 0) of a tuple, or none. */
otp_term otp_element(otp_term tuple, unsigned index);
unsigned otp_arity(otp_term tuple); /* 0: no tuple, too */

/* For people: one line. */
void otp_print(otp_term term, char *ret_text, size_t size);

#endif
