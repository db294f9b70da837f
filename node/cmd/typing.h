/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_TYPING_H
#define FLI_CMD_TYPING_H

/*
 * One specification of <flitch/docs.h>, cut into words.
 *
 *     call {add, By :: integer()} -> integer()
 *           |    |                   |
 *           name argument            result
 *
 * It may come from another node: nothing but the words of types gets through, so that what is
 * written of it into a source file can be nothing but a type.
 *
 * Threads: any. Memory: a copy of the text lies in it, so that it cannot be moved. Errors:
 * FL_EFORMAT with a text for people. Limits: below.
 */

#include <stdbool.h>

#include "flitch/error.h"
#include "flitch/types.h"

enum { FLI_TYPING_BYTES_MAX = 2048, FLI_TYPING_WORDS_MAX = 512, FLI_TYPING_ARGS_MAX = 16 };

typedef enum fli_word_kind {
	FLI_WORD_END,
	FLI_WORD_ATOM,     /* without quotes, or in quotes, which are part of it */
	FLI_WORD_VARIABLE, /* By, _ */
	FLI_WORD_INTEGER,
	FLI_WORD_SIGN /* ( ) { } [ ] , | :: : -> => := #{ << >> * .. ... */
} fli_word_kind;

typedef struct fli_word {
	fli_word_kind kind;
	const char *text;
	size_t size;
} fli_word;

/* Words [first, end) of the specification. */
typedef struct fli_words {
	size_t first, end;
} fli_words;

typedef struct fli_typing_arg {
	bool is_literal; /* an atom or a number of the request */
	fli_word name;   /* FLI_WORD_END: it has none */
	fli_words type;  /* the literal, of one */
} fli_typing_arg;

typedef enum fli_typing_kind {
	FLI_TYPING_FUNCTION,
	FLI_TYPING_CALL,
	FLI_TYPING_CAST
} fli_typing_kind;

typedef struct fli_typing {
	fli_typing_kind kind;
	fli_word name;
	bool is_tuple; /* the request; else it is an atom */
	fli_typing_arg args[FLI_TYPING_ARGS_MAX];
	size_t args_count;
	fli_words result; /* empty: a cast */
	fli_word words[FLI_TYPING_WORDS_MAX];
	size_t words_count;
	char text[FLI_TYPING_BYTES_MAX + 1]; /* what the words point into */
} fli_typing;

int fli_typing_parse(fli_typing *ret_spec, fl_bin text, fl_error *err);
/* What somebody else wrote, for a message: at most 32 bytes without control characters. */
typedef struct fli_shown {
	char text[33];
} fli_shown;
fli_shown fli_show(const char *text, size_t size);

bool fli_word_is(const fli_word *word, const char *text);
/* Those that become arguments. */
size_t fli_typing_arity(const fli_typing *spec);

#endif
