/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_NODE_NAME_H
#define FLI_DIST_NODE_NAME_H

/*
 * A node's name: `alive@host`, at most 255 ASCII characters.
 *
 *     app1 @ 10.0.0.5
 *     alive  host        alive: [A-Za-z0-9_-]+   host: printable, without '@'
 *
 * Other characters are legal in an Erlang atom, but the acceptor of OTP reads the bytes of a name
 * as Latin-1 while the atom is UTF-8, so that such a name is two names; here it is refused.
 *
 * Threads: any. Memory: plain storage of the caller. Errors: FL_EINVAL with a text for people.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flitch/error.h"

/* The longest atom of Erlang. */
#define FLI_NODE_NAME_BYTES_MAX 255

typedef struct fli_node_name {
	char text[FLI_NODE_NAME_BYTES_MAX + 1]; /* terminated */
	size_t size;
	size_t alive_size; /* characters before the '@'; 0 in a bare host */
} fli_node_name;

/* X(name, text that follows "the node name x ...") */
#define FLI_NAME_FAULTS(X)                                                                         \
	X(FLI_NAME_OK, "is well formed")                                                           \
	X(FLI_NAME_EMPTY, "is empty")                                                              \
	X(FLI_NAME_TOO_LONG, "is longer than 255 characters")                                      \
	X(FLI_NAME_NO_AT, "has no '@'")                                                            \
	X(FLI_NAME_TWO_ATS, "has more than one '@'")                                               \
	X(FLI_NAME_NO_ALIVE, "has nothing before the '@'")                                         \
	X(FLI_NAME_NO_HOST, "has nothing after the '@'")                                           \
	X(FLI_NAME_ALIVE_CHAR, "has a character other than A-Z a-z 0-9 _ - before the '@'")        \
	X(FLI_NAME_HOST_CHAR, "has a blank, a control or a non-ASCII character in its host")

typedef enum fli_name_fault {
#define FLI_NAME_FAULT_ENUM(name, text) name,
	FLI_NAME_FAULTS(FLI_NAME_FAULT_ENUM)
#undef FLI_NAME_FAULT_ENUM
} fli_name_fault;

typedef enum fli_name_form {
	FLI_NAME_SHORT, /* --sname: the host has no dot */
	FLI_NAME_LONG   /* --name: the host has one, or is an address */
} fli_name_form;

/* What is wrong with a full name; fills `ret_name` (which may be NULL) only when nothing is. */
fli_name_fault fli_node_name_inspect(const char *text, size_t size, fli_node_name *ret_name);
const char *fli_name_fault_text(fli_name_fault fault);
/* The same with a sentence for people: FL_OK or FL_EINVAL. */
int fli_node_name_parse(fli_node_name *ret_name, const char *text, size_t size, fl_error *err);
/* A bare host, the name of a node that asks for one: `alive_size` is 0. */
fli_name_fault fli_node_name_inspect_host(const char *text, size_t size, fli_node_name *ret_name);
/* Joins the two; FL_EINVAL when the result is no name. */
int fli_node_name_join(fli_node_name *ret_name, const char *alive, const char *host, fl_error *err);

/* The host part, terminated. */
const char *fli_node_name_host(const fli_node_name *name);
bool fli_node_name_eq(const fli_node_name *a, const fli_node_name *b);
/* <0, 0, >0 by code points of the whole text, as atoms compare. */
int fli_node_name_compare(const fli_node_name *a, const fli_node_name *b);

fli_name_form fli_node_name_form(const fli_node_name *name);
/* Whether an own name fits what `--name` or `--sname` promises. */
int fli_node_name_check_form(const fli_node_name *name, fli_name_form form, fl_error *err);
/*
 * Whether nodes of these names can dial each other: short and long names do not mix. An address
 * without a dot (IPv6) is long.
 */
int fli_node_name_check_dial(const fli_node_name *own, const fli_node_name *peer, fl_error *err);

#endif
