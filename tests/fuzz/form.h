/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_FUZZ_FORM_H
#define FLITCH_TESTS_FUZZ_FORM_H

/*
 * Requests whose outer form is right and whose inside grows from bytes.
 *
 *     "{'$gen_call', " FORM_FROM ", {call, %, user}}"
 *
 * `~` is a term that grows (fuzz.h); `%` is a function of the node's table, by its number, as three
 * elements: module, name and as many arguments as it takes. GUEST_ME and GUEST_REF stand for
 * themselves. A term of which the bytes make none is [].
 */
#include "node/base/buf.h"
#include "node/base/bytes.h"
#include "tests/fuzz/guest.h"

#define FORM_FROM "{" GUEST_ME ", " GUEST_REF "}"
#define FORM_TO(name) "{6, " GUEST_ME ", '', " name "}"

typedef struct form {
	const char *control; /* notation, no form */
	const char *payload;
} form;

void form_add(fli_buf *out, const char *form, fli_cursor *c);
/* Some requests from a table to a whole node: the number of a form, what grows in it, and so on. */
void form_talk(const form *forms, size_t count, const uint8_t *data, size_t size);

#endif
