/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cmd/typing.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

bool fli_word_is(const fli_word *word, const char *text)
{
	return strlen(text) == word->size && memcmp(word->text, text, word->size) == 0;
}

fli_shown fli_show(const char *text, size_t size)
{
	fli_shown shown = {{0}};

	for (size_t i = 0; i < size && i < sizeof shown.text - 1; i++)
		shown.text[i] = (char)(iscntrl((unsigned char)text[i]) ? ' ' : text[i]);
	return shown;
}

static int refuse(fl_error *err, const char *at, const char *what)
{
	(void)fl_error_set(err, FL_EFORMAT, "%s, at \"%s\"", what, fli_show(at, strlen(at)).text);
	fl_error_why(err, "a specification is a request or a function, and a type of Erlang's");
	fl_error_next(err, "see <flitch/docs.h>: call {add, By :: integer()} -> integer()");
	return FL_EFORMAT;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '@';
}

static size_t sign_size(const char *at)
{
	static const char *const signs[] = {"...", "..", "::", ":=", "->", "=>", "#{", "<<", ">>",
		"(", ")", "{", "}", "[", "]", ",", "|", ":", "*"};

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (strncmp(at, signs[i], strlen(signs[i])) == 0)
			return strlen(signs[i]);
	return 0;
}

/* 'Elixir.My-Atom', without escapes; 0: it is none. */
static size_t quoted_size(const char *at)
{
	size_t size = 1;

	while (is_name_char(at[size]) || (at[size] != '\0' && strchr(".- ?!", at[size]) != NULL))
		size++;
	return at[size] == '\'' && size > 1 ? size + 1 : 0;
}

static fli_word next_word(const char *at)
{
	fli_word word = {FLI_WORD_END, at, 0};
	bool is_negative = at[0] == '-' && isdigit((unsigned char)at[1]);

	if (islower((unsigned char)*at))
		word.kind = FLI_WORD_ATOM;
	else if (isupper((unsigned char)*at) || *at == '_')
		word.kind = FLI_WORD_VARIABLE;
	else if (isdigit((unsigned char)*at) || is_negative)
		word.kind = FLI_WORD_INTEGER;
	if (word.kind != FLI_WORD_END) {
		word.size = is_negative;
		while (word.kind == FLI_WORD_INTEGER ? isdigit((unsigned char)at[word.size]) != 0
						     : is_name_char(at[word.size]))
			word.size++;
	} else if (*at == '\'') {
		word.kind = FLI_WORD_ATOM;
		word.size = quoted_size(at);
	} else {
		word.kind = FLI_WORD_SIGN;
		word.size = sign_size(at);
	}
	return word;
}

static int cut(fli_typing *spec, const char *text, fl_error *err)
{
	for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
		fli_word word = next_word(text);

		if (word.size == 0)
			return refuse(err, text, "no word of a type");
		if (spec->words_count == FLI_TYPING_WORDS_MAX - 1)
			return refuse(err, text, "it is too long");
		spec->words[spec->words_count++] = word;
		text += word.size;
	}
	spec->words[spec->words_count] = (fli_word){FLI_WORD_END, text, 0};
	return FL_OK;
}

/* ---- what stands together -------------------------------------------------------------------- */

static const char *closing_of(const fli_word *word)
{
	static const char *const pairs[][2] = {
		{"(", ")"}, {"{", "}"}, {"#{", "}"}, {"[", "]"}, {"<<", ">>"}};

	for (size_t i = 0; word->kind == FLI_WORD_SIGN && i < sizeof pairs / sizeof *pairs; i++)
		if (fli_word_is(word, pairs[i][0]))
			return pairs[i][1];
	return NULL;
}

static bool is_closing(const fli_word *word)
{
	return word->kind == FLI_WORD_SIGN &&
	       (fli_word_is(word, ")") || fli_word_is(word, "}") || fli_word_is(word, "]") ||
		       fli_word_is(word, ">>"));
}

/*
 * From `at` to the first word outside of brackets that is `stop`, or closes what was opened before
 * `at`, or is the end. False: brackets that do not match.
 */
static bool span(const fli_typing *spec, size_t at, const char *stop, size_t *ret_end)
{
	const char *open[DEPTH_MAX];
	size_t depth = 0;

	for (; at < spec->words_count; at++) {
		const fli_word *word = &spec->words[at];
		const char *closing = closing_of(word);

		if (depth == 0 && (is_closing(word) || fli_word_is(word, stop)))
			break;
		if (closing != NULL && depth == DEPTH_MAX)
			return false;
		if (closing != NULL)
			open[depth++] = closing;
		else if (is_closing(word) && !fli_word_is(word, open[--depth]))
			return false;
	}
	*ret_end = at;
	return depth == 0;
}

/* No type: a variable that names nothing, a fun, two words side by side. */
static int check_type(const fli_typing *spec, fli_words type, fl_error *err)
{
	if (type.first == type.end)
		return refuse(err, spec->words[type.first].text, "a type is missing");
	for (size_t i = type.first; i < type.end; i++) {
		const fli_word *word = &spec->words[i], *next = word + 1;
		bool is_open = closing_of(word) != NULL;

		if (word->kind == FLI_WORD_ATOM && strncmp(word->text, "unquote", 7) == 0)
			return refuse(err, word->text, "a word that Elixir would run");
		if (word->kind == FLI_WORD_VARIABLE && !fli_word_is(word, "_") &&
			!fli_word_is(next, "::"))
			return refuse(err, word->text, "a type variable");
		if (fli_word_is(word, "->") || (fli_word_is(word, "fun") && fli_word_is(next, "(")))
			return refuse(err, word->text, "a fun");
		if (word->kind != FLI_WORD_SIGN && i + 1 < type.end &&
			(next->kind != FLI_WORD_SIGN || fli_word_is(next, "{") ||
				fli_word_is(next, "[")))
			return refuse(err, next->text, "a comma is missing");
		if (!is_open && !is_closing(word) && word->kind == FLI_WORD_SIGN &&
			i + 1 == type.end && !fli_word_is(word, "..."))
			return refuse(err, word->text, "a type is missing");
	}
	return FL_OK;
}

static int take_arg(fli_typing *spec, fli_words words, bool may_be_literal, fl_error *err)
{
	const fli_word *first = &spec->words[words.first];
	fli_typing_arg arg = {.name = {FLI_WORD_END, first->text, 0}, .type = words};

	if (spec->args_count == FLI_TYPING_ARGS_MAX)
		return refuse(err, first->text, "too many arguments");
	if (first->kind == FLI_WORD_VARIABLE && fli_word_is(first + 1, "::")) {
		arg.name = *first;
		arg.type.first += 2;
		if (fli_word_is(first, "Where") || fli_word_is(first, "Timeout") ||
			*first->text == '_')
			return refuse(err, first->text, "a name that is the client's own");
	} else {
		arg.is_literal = may_be_literal && words.end == words.first + 1 &&
				 (first->kind == FLI_WORD_ATOM || first->kind == FLI_WORD_INTEGER);
	}
	spec->args[spec->args_count++] = arg;
	return check_type(spec, arg.type, err);
}

/* Arguments from `at` to what closes them. */
static int take_args(fli_typing *spec, size_t *at, const char *closing, fl_error *err)
{
	bool may_be_literal = fli_word_is(&spec->words[*at - 1], ",");
	size_t end;
	int rc = FL_OK;

	while (rc == FL_OK && !fli_word_is(&spec->words[*at], closing)) {
		if (!span(spec, *at, ",", &end))
			return refuse(err, spec->words[*at].text, "brackets do not match");
		rc = take_arg(spec, (fli_words){*at, end}, may_be_literal, err);
		*at = end;
		if (fli_word_is(&spec->words[end], ","))
			++*at;
		else if (!fli_word_is(&spec->words[end], closing))
			return refuse(err, spec->words[end].text, "brackets do not match");
	}
	++*at;
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int take_request(fli_typing *spec, size_t *at, fl_error *err)
{
	spec->is_tuple = fli_word_is(&spec->words[*at], "{");
	*at += spec->is_tuple;
	spec->name = spec->words[(*at)++];
	if (spec->name.kind != FLI_WORD_ATOM)
		return refuse(err, spec->name.text, "no atom to name the client's function");
	if (!spec->is_tuple)
		return FL_OK;
	if (fli_word_is(&spec->words[*at], "}")) {
		++*at;
		return FL_OK;
	}
	if (!fli_word_is(&spec->words[(*at)++], ","))
		return refuse(err, spec->words[*at - 1].text, "a comma is missing");
	return take_args(spec, at, "}", err);
}

static int take_function(fli_typing *spec, size_t *at, fl_error *err)
{
	spec->name = spec->words[(*at)++];
	if (spec->name.kind != FLI_WORD_ATOM || !fli_word_is(&spec->words[*at], "("))
		return refuse(err, spec->name.text, "neither call, cast nor a function");
	++*at;
	return take_args(spec, at, ")", err);
}

static int take_result(fli_typing *spec, size_t at, fl_error *err)
{
	bool has_arrow = fli_word_is(&spec->words[at], "->");

	if (has_arrow == (spec->kind == FLI_TYPING_CAST))
		return refuse(err, spec->words[at].text,
			has_arrow ? "a cast has no result" : "the result is missing");
	spec->result = (fli_words){at + has_arrow, spec->words_count};
	if (!has_arrow)
		return at == spec->words_count
			       ? FL_OK
			       : refuse(err, spec->words[at].text, "something comes after it");
	if (!span(spec, at + 1, "->", &at) || at != spec->words_count)
		return refuse(err, spec->words[at].text, "brackets do not match");
	return check_type(spec, spec->result, err);
}

int fli_typing_parse(fli_typing *spec, fl_bin text, fl_error *err)
{
	size_t at;
	int rc;

	memset(spec, 0, sizeof *spec);
	if (text.size > FLI_TYPING_BYTES_MAX || memchr(text.data, '\0', text.size) != NULL)
		return refuse(err, "", "it is too long");
	memcpy(spec->text, text.data, text.size);
	rc = cut(spec, spec->text, err);
	if (rc != FL_OK)
		return rc;
	if (fli_word_is(&spec->words[0], "call") && !fli_word_is(&spec->words[1], "("))
		spec->kind = FLI_TYPING_CALL;
	else if (fli_word_is(&spec->words[0], "cast") && !fli_word_is(&spec->words[1], "("))
		spec->kind = FLI_TYPING_CAST;
	at = spec->kind != FLI_TYPING_FUNCTION;
	rc = spec->kind == FLI_TYPING_FUNCTION ? take_function(spec, &at, err)
					       : take_request(spec, &at, err);
	return rc == FL_OK ? take_result(spec, at, err) : rc;
}

size_t fli_typing_arity(const fli_typing *spec)
{
	size_t arity = 0;

	for (size_t i = 0; i < spec->args_count; i++)
		arity += !spec->args[i].is_literal;
	return arity;
}
