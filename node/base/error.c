/* SPDX-License-Identifier: Apache-2.0 */
#include "flitch/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *atom;
	const char *text;
} errors[] = {
#define ROW(name, value, atom, text) {name, atom, text},
	FL_ERRORS(ROW)
#undef ROW
};

const char *fl_error_atom(int code)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == code)
			return errors[i].atom;
	return code == FL_OK ? "ok" : "unknown";
}

const char *fl_error_text(int code)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == code)
			return errors[i].text;
	return code == FL_OK ? "ok" : "unknown error";
}

int fl_error_set(fl_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return code;
	err->code = code;
	err->why[0] = err->next[0] = '\0';
	va_start(args, format);
	(void)vsnprintf(err->what, sizeof err->what, format, args); /* a cut text is still a text */
	va_end(args);
	return code;
}

void fl_error_wrap(fl_error *err, const char *format, ...)
{
	char inner[sizeof err->what];
	size_t used;
	va_list args;

	if (err == NULL)
		return;
	memcpy(inner, err->what, sizeof inner);
	va_start(args, format);
	(void)vsnprintf(err->what, sizeof err->what, format, args);
	va_end(args);
	used = strlen(err->what);
	(void)snprintf(err->what + used, sizeof err->what - used, ": %s", inner);
}

void fl_error_why(fl_error *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(err->why, sizeof err->why, format, args);
	va_end(args);
}

void fl_error_next(fl_error *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(err->next, sizeof err->next, format, args);
	va_end(args);
}
