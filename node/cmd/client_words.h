/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_CLIENT_WORDS_H
#define FLI_CMD_CLIENT_WORDS_H

/*
 * Types and arguments in the words of either language.
 *
 *     {ok, [integer()]} | 'Elixir.Foo':t()    -->    {:ok, [integer()]} | Foo.t()
 *
 * Threads, memory: as client.h. Errors: those of the stream, seen by whoever closes it.
 */

#include <stdio.h>

#include "node/cmd/typing.h"

void fli_print_type(FILE *out, const fli_typing *spec, fli_words type, bool is_elixir);
/* An atom or a number of a request. */
void fli_print_literal(FILE *out, const fli_word *word, bool is_elixir);
/* The name of the i-th argument as a variable. */
void fli_print_variable(FILE *out, const fli_typing *spec, size_t index, bool is_elixir);

#endif
