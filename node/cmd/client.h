/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_CLIENT_H
#define FLI_CMD_CLIENT_H

/*
 * A client module's source, of what one server or module says about itself.
 *
 *     {1, Docs, Functions} of flitch:describe/0 --> fli_client_print for each name that is in it
 *
 * Threads: the program's first one. Memory: borrows the terms. Errors: FL_EFORMAT with a text for
 * people, when a name or a specification is none. Limits: those of typing.h; a text of more than
 * 1,024 bytes is cut.
 */

#include <stdio.h>

#include "flitch.h"

typedef enum fli_client_format {
	FLI_CLIENT_TEXT,
	FLI_CLIENT_ERLANG,
	FLI_CLIENT_ELIXIR
} fli_client_format;

typedef struct fli_client {
	fl_term docs;       /* [{Of, Spec | undefined, Text}] */
	fl_term functions;  /* [{Module, Function, Arity}] */
	fl_bin of;          /* the one that is written */
	const char *module; /* the client's own name; NULL: made of `of` */
	fli_client_format format;
	FILE *out;
} fli_client;

int fli_client_print(const fli_client *client, fl_error *err);
/* The name of the module that is written, as it stands in the source. */
void fli_client_module(const fli_client *client, char *ret_name, size_t size);
/* Whether it can name a module: a lower-case letter, then letters, digits and _, at most 128. */
bool fli_client_is_name(fl_bin name);

#endif
