/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one value by the type of its key.
 *
 * Each refusal says what was found and what would be taken, since the person who reads it has the
 * file open beside it. The value of a SECRET is never part of a message.
 */
#include "cluster/option_values.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cluster/suggest.h"

#define WORDS_MAX 256

typedef struct unit {
	const char *text;
	int64_t factor;
} unit;

/* Powers of two under either name, as the BEAM's own flags count. */
static const unit sizes[] = {{"", 1}, {"B", 1}, {"K", 1 << 10}, {"KB", 1 << 10}, {"KiB", 1 << 10},
	{"M", 1 << 20}, {"MB", 1 << 20}, {"MiB", 1 << 20}, {"G", 1 << 30}, {"GB", 1 << 30},
	{"GiB", 1 << 30}, {NULL, 0}};
static const unit times[] = {
	{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
static const unit none[] = {{"", 1}, {NULL, 0}};

static const unit *units_of(fli_option_type type)
{
	if (type == FLI_OPTION_SIZE)
		return sizes;
	return type == FLI_OPTION_TIME ? times : none;
}

static bool read_number(const char *text, const unit *units, int64_t *ret_number)
{
	char *end;
	long long value;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text)
		return false;
	for (; units->text != NULL; units++)
		if (strcasecmp(units->text, end) == 0)
			return !__builtin_mul_overflow(value, units->factor, ret_number);
	return false;
}

static const char help[] =
	"flitch config show lists the keys; docs/flitch.conf.example explains each";

static const char *why_not(fli_option_type type)
{
	switch (type) {
	case FLI_OPTION_INT:
		return "it is no number, has a fraction, or a unit, of which it has none";
	case FLI_OPTION_SIZE:
	case FLI_OPTION_TIME: return "its unit is none of those, or a blank stands before the unit";
	case FLI_OPTION_BOOL:
		return "yes and no, on and off, 1 and 0 are taken too, and no other word";
	default: return "none of them is spelt like it: it is meant for another key, perhaps";
	}
}

static int refuse_value(
	const fli_option *option, const char *text, const char *takes, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "\"%s\" is no value for %s, which takes %s", text,
		option->key, takes);
	fl_error_why(err, "%s", why_not(option->type));
	fl_error_next(err, "%s", help);
	return FL_ECONFIG;
}

static int refuse_range(const fli_option *option, const char *text, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "%s is out of range for %s: %lld to %lld", text, option->key,
		option->min, option->max);
	fl_error_why(err, "%s is: %s", option->key, option->help);
	fl_error_next(err, "take a value in that range; flitch config show prints the present one");
	return FL_ECONFIG;
}

static int parse_number(
	const fli_option *option, const char *text, int64_t *ret_number, fl_error *err)
{
	static const char *const hints[] = {
		[FLI_OPTION_SIZE] = "bytes such as 65536, 64KiB or 256MiB",
		[FLI_OPTION_TIME] = "a time such as 500ms, 7s or 1m",
		[FLI_OPTION_INT] = "a whole number",
	};
	int64_t number;

	if (!read_number(text, units_of(option->type), &number))
		return refuse_value(option, text, hints[option->type], err);
	if (number < option->min || number > option->max)
		return refuse_range(option, text, err);
	*ret_number = number;
	return FL_OK;
}

static int parse_bool(
	const fli_option *option, const char *text, int64_t *ret_number, fl_error *err)
{
	static const char *const words[2][4] = {
		{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};

	for (size_t value = 0; value < 2; value++)
		for (size_t i = 0; i < 4; i++)
			if (strcasecmp(text, words[value][i]) == 0) {
				*ret_number = (int64_t)value;
				return FL_OK;
			}
	return refuse_value(option, text, "true or false", err);
}

/* The word that was meant, perhaps; cuts `words` apart. */
static const char *nearest(const char *text, char *words)
{
	fli_suggest suggest = fli_suggest_start(text);

	for (char *word; (word = strsep(&words, "|")) != NULL;)
		fli_suggest_offer(&suggest, word);
	return suggest.best;
}

static int refuse_word(const fli_option *option, const char *text, fl_error *err)
{
	char words[WORDS_MAX];
	const char *meant;

	(void)snprintf(words, sizeof words, "%s", option->words); /* fits: they are ours */
	meant = nearest(text, words);
	if (meant == NULL)
		return refuse_value(option, text, option->words, err);
	fl_error_set(err, FL_ECONFIG,
		"\"%s\" is no value for %s (did you mean \"%s\"?), which takes %s", text,
		option->key, meant, option->words);
	fl_error_why(err, "it is misspelt, or meant for another key");
	fl_error_next(err, "%s", help);
	return FL_ECONFIG;
}

static int parse_word(
	const fli_option *option, const char *text, int64_t *ret_number, fl_error *err)
{
	size_t size = strlen(text);
	int64_t index = 0;

	for (const char *word = option->words; *word != '\0'; index++) {
		size_t word_size = strcspn(word, "|");

		if (word_size == size && strncasecmp(word, text, size) == 0) {
			*ret_number = index;
			return FL_OK;
		}
		word += word_size;
		word += *word == '|' ? 1 : 0;
	}
	return refuse_word(option, text, err);
}

int fli_option_parse(const fli_option *option, const char *text, int64_t *ret_number, fl_error *err)
{
	switch (option->type) {
	case FLI_OPTION_INT:
	case FLI_OPTION_SIZE:
	case FLI_OPTION_TIME: return parse_number(option, text, ret_number, err);
	case FLI_OPTION_BOOL: return parse_bool(option, text, ret_number, err);
	case FLI_OPTION_WORD: return parse_word(option, text, ret_number, err);
	case FLI_OPTION_TEXT:
	case FLI_OPTION_SECRET:
	case FLI_OPTION_LIST: *ret_number = 0; return FL_OK;
	}
	return FL_EINVAL;
}
