/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cmd/client_words.h"

#include <ctype.h>
#include <string.h>

static void put(FILE *out, const fli_word *word)
{
	(void)fwrite(word->text, 1, word->size, out); /* seen when the stream is closed */
}

/* Without the quotes of a quoted atom. */
static fli_word bare(const fli_word *atom)
{
	fli_word word = *atom;

	if (word.text[0] == '\'') {
		word.text++;
		word.size -= 2;
	}
	return word;
}

static bool is_alias(const fli_word *bare_atom)
{
	return bare_atom->size > 7 && memcmp(bare_atom->text, "Elixir.", 7) == 0;
}

static void elixir_atom(FILE *out, const fli_word *atom)
{
	fli_word word = bare(atom);

	if (fli_word_is(&word, "true") || fli_word_is(&word, "false") || fli_word_is(&word, "nil"))
		put(out, &word);
	else if (is_alias(&word))
		(void)fprintf(out, "%.*s", (int)word.size - 7, word.text + 7);
	else if (atom->text[0] == '\'')
		(void)fprintf(out, ":\"%.*s\"", (int)word.size, word.text);
	else
		(void)fprintf(out, ":%.*s", (int)word.size, word.text);
}

void fli_print_literal(FILE *out, const fli_word *word, bool is_elixir)
{
	if (is_elixir && word->kind == FLI_WORD_ATOM)
		elixir_atom(out, word);
	else
		put(out, word);
}

/* ByHowMuch is by_how_much; Elixir's own words get an underscore. */
static void elixir_variable(FILE *out, const fli_word *name)
{
	static const char *const taken[] = {"end", "do", "fn", "when", "and", "or", "not", "in",
		"true", "false", "nil", "after", "else", "catch", "rescue", "server"};
	char text[256];
	size_t size = 0;

	for (size_t i = 0; i < name->size && size < sizeof text - 2; i++) {
		char c = name->text[i];

		if (isupper((unsigned char)c) && i > 0 && islower((unsigned char)name->text[i - 1]))
			text[size++] = '_';
		text[size++] = c == '@' ? '_' : (char)tolower((unsigned char)c);
	}
	text[size] = '\0';
	(void)fputs(text, out);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (strcmp(taken[i], text) == 0)
			(void)fputc('_', out);
}

void fli_print_variable(FILE *out, const fli_typing *spec, size_t index, bool is_elixir)
{
	const fli_word *name = &spec->args[index].name;

	if (name->kind == FLI_WORD_END)
		(void)fprintf(out, "%s%zu", is_elixir ? "arg" : "Arg", index + 1);
	else if (is_elixir)
		elixir_variable(out, name);
	else
		put(out, name);
}

/* ---- types ----------------------------------------------------------------------------------- */

/* The arrow of the association that begins at `at`: true for :=. */
static bool is_required(const fli_typing *spec, size_t at, size_t end)
{
	for (size_t depth = 0; at < end; at++) {
		const fli_word *word = &spec->words[at];

		if (depth == 0 && (fli_word_is(word, ":=") || fli_word_is(word, "=>")))
			return fli_word_is(word, ":=");
		if (strchr("({[#<", *word->text) != NULL && !fli_word_is(word, "..."))
			depth++;
		else if (strchr(")}]>", *word->text) != NULL && depth > 0)
			depth--;
	}
	return true;
}

static void elixir_name(FILE *out, const fli_word *word, const fli_word *next)
{
	if (fli_word_is(next, "(")) {
		if (fli_word_is(word, "string"))
			(void)fputs("charlist", out);
		else if (fli_word_is(word, "nonempty_string"))
			(void)fputs("nonempty_charlist", out);
		else
			put(out, word);
	} else {
		elixir_atom(out, word);
	}
}

enum { NEST_MAX = 64 };

/* What is open: 'm' a map, whose next word begins a key when `wants_key`; 'b' bits; 'o' others. */
typedef struct nest {
	char kind[NEST_MAX];
	size_t depth;
	bool wants_key;
} nest;

static void enter(nest *n, const fli_word *word)
{
	char kind = fli_word_is(word, "#{") ? 'm' : fli_word_is(word, "<<") ? 'b' : 'o';

	if (n->depth < NEST_MAX)
		n->kind[n->depth] = kind;
	n->depth++;
	n->wants_key = kind == 'm';
}

static bool is_in(const nest *n, char kind)
{
	return n->depth > 0 && n->depth <= NEST_MAX && n->kind[n->depth - 1] == kind;
}

static void elixir_sign(FILE *out, nest *n, const fli_word *word)
{
	if (fli_word_is(word, "#{"))
		(void)fputs("%{", out);
	else if (fli_word_is(word, ":=") || fli_word_is(word, "=>"))
		(void)fputs(") => ", out);
	else if (fli_word_is(word, ":"))
		(void)fputs(is_in(n, 'b') ? "::" : ".", out);
	else if (fli_word_is(word, "|") || fli_word_is(word, "::"))
		(void)fprintf(out, " %.*s ", (int)word->size, word->text);
	else if (fli_word_is(word, ","))
		(void)fputs(", ", out);
	else
		put(out, word);
	if (strchr("({[#<", *word->text) != NULL)
		enter(n, word);
	else if (strchr(")}]>", *word->text) != NULL && n->depth > 0)
		n->depth--;
	else if (fli_word_is(word, ",") && is_in(n, 'm'))
		n->wants_key = true;
}

static void elixir_type(FILE *out, const fli_typing *spec, fli_words type)
{
	nest n = {.depth = 0};

	for (size_t i = type.first; i < type.end; i++) {
		const fli_word *word = &spec->words[i];

		if (n.wants_key && !fli_word_is(word, "}"))
			(void)fputs(
				is_required(spec, i, type.end) ? "required(" : "optional(", out);
		n.wants_key = false;
		if (word->kind == FLI_WORD_SIGN)
			elixir_sign(out, &n, word);
		else if (word->kind == FLI_WORD_ATOM)
			elixir_name(out, word, &spec->words[i + 1]);
		else if (word->kind == FLI_WORD_VARIABLE && !fli_word_is(word, "_"))
			elixir_variable(out, word);
		else
			put(out, word);
	}
}

static void erlang_type(FILE *out, const fli_typing *spec, fli_words type)
{
	for (size_t i = type.first; i < type.end; i++) {
		const fli_word *word = &spec->words[i];
		bool is_spaced = fli_word_is(word, "->") || fli_word_is(word, "|") ||
				 fli_word_is(word, "::") || fli_word_is(word, ":=") ||
				 fli_word_is(word, "=>");

		(void)fputs(is_spaced ? " " : "", out);
		put(out, word);
		if (is_spaced || fli_word_is(word, ",") ||
			(word->kind == FLI_WORD_ATOM && i + 1 < type.end &&
				(word[1].kind == FLI_WORD_ATOM || fli_word_is(&word[1], "{"))))
			(void)fputc(' ', out);
	}
}

void fli_print_type(FILE *out, const fli_typing *spec, fli_words type, bool is_elixir)
{
	if (is_elixir)
		elixir_type(out, spec, type);
	else
		erlang_type(out, spec, type);
}
