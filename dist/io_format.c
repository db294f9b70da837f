/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_lib:format for the texts that other nodes ask us to print.
 *
 *  - The format is flattened to UTF-8 and read from left to right: text is copied, a directive is
 *    parsed into its parts, formats its argument into a field, and the field is padded.
 *
 * Failure: a wrong format is told by false; the caller then prints format and arguments raw, so
 * that nothing that somebody wanted to say is lost.
 *
 * Departures from OTP: ~p does not break lines, ~P and ~W ignore their depth, and ~s takes what ~ts
 * takes.
 */
#include "dist/io_format.h"

#include <math.h>
#include <stdio.h>

#include "node/term/utf8.h"

#define FORMAT_BYTES_MAX 65536

/* ~F.P.PadC */
typedef struct directive {
	char letter;
	bool has_width, has_precision;
	int32_t width; /* negative: flush left */
	int32_t precision;
	uint8_t pad[FLI_UTF8_SIZE_MAX];
	size_t pad_size;
} directive;

typedef struct formatter {
	fli_buf *out;
	const uint8_t *at, *end;
	fl_term args;
} formatter;

/* ---- parsing --------------------------------------------------------------------------------- */

static bool next_arg(formatter *f, fl_term *ret_arg)
{
	return fl_list_next(&f->args, ret_arg);
}

/* A number, or `*` for the next argument; *ret_has says whether there was one. */
static bool read_number(formatter *f, int32_t *ret_number, bool *ret_has)
{
	fl_term arg;
	int32_t number = 0;
	bool is_negative = false;
	const uint8_t *start;

	*ret_has = false;
	if (f->at < f->end && *f->at == '*') {
		f->at++;
		*ret_has = true;
		return next_arg(f, &arg) && fl_match(arg, "~", ret_number) &&
		       *ret_number <= FLI_IO_WIDTH_MAX && *ret_number >= -FLI_IO_WIDTH_MAX;
	}
	if (f->at < f->end && *f->at == '-') {
		is_negative = true;
		f->at++;
	}
	for (start = f->at; f->at < f->end && *f->at >= '0' && *f->at <= '9'; f->at++) {
		number = number * 10 + (*f->at - '0');
		if (number > FLI_IO_WIDTH_MAX)
			return false;
	}
	*ret_has = f->at > start;
	*ret_number = is_negative ? -number : number;
	return *ret_has || !is_negative;
}

static bool read_pad(formatter *f, directive *d)
{
	uint32_t c;

	if (f->at < f->end && *f->at == '*') {
		fl_term arg;

		f->at++;
		if (!next_arg(f, &arg) || !fl_match(arg, "~", &c))
			return false;
		d->pad_size = fli_utf8_encode(c, d->pad);
		return d->pad_size > 0;
	}
	d->pad_size = fli_utf8_decode(f->at, (size_t)(f->end - f->at), &c);
	memcpy(d->pad, f->at, d->pad_size);
	f->at += d->pad_size;
	return d->pad_size > 0;
}

/* What follows a `~`. */
static bool read_directive(formatter *f, directive *d)
{
	*d = (directive){.pad = {' '}, .pad_size = 1};
	if (!read_number(f, &d->width, &d->has_width))
		return false;
	if (f->at < f->end && *f->at == '.') {
		f->at++;
		if (!read_number(f, &d->precision, &d->has_precision))
			return false;
		if (f->at < f->end && *f->at == '.') {
			f->at++;
			if (!read_pad(f, d))
				return false;
		}
	}
	while (f->at < f->end && memchr("tlkK", *f->at, 4) != NULL)
		f->at++;
	if (f->at == f->end)
		return false;
	d->letter = (char)*f->at++;
	return true;
}

/* ---- one field ------------------------------------------------------------------------------- */

static bool add_number(fli_buf *field, fl_term arg, const directive *d)
{
	bool is_upper = d->letter == 'B' || d->letter == 'X' || d->letter == '#';
	bool has_prefix = d->letter == '#' || d->letter == '+';
	const char *digits = is_upper ? "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      : "0123456789abcdefghijklmnopqrstuvwxyz";
	uint64_t base = d->has_precision ? (uint64_t)(uint32_t)d->precision : 10, rest;
	char text[72];
	size_t at = sizeof text;
	int64_t value;

	if (base < 2 || base > 36 || !fl_match(arg, "~", &value))
		return false;
	rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do {
		text[--at] = digits[rest % base];
		rest /= base;
	} while (rest > 0);
	if (value < 0)
		fli_buf_add8(field, '-');
	if (has_prefix)
		fli_buf_printf(field, "%u#", (unsigned)base);
	fli_buf_add(field, text + at, sizeof text - at);
	return true;
}

/* ~x and ~X have a prefix of their own as a second argument. */
static bool add_prefixed(formatter *f, fli_buf *field, fl_term arg, const directive *d)
{
	directive plain = *d;
	fl_term prefix;

	plain.letter = d->letter == 'x' ? 'b' : 'B';
	return next_arg(f, &prefix) && fli_io_chars(field, prefix, false) &&
	       add_number(field, arg, &plain);
}

/* C writes at least two digits of exponent, Erlang as many as there are. */
static void trim_exponent(char *text)
{
	char *at = strchr(text, 'e');

	if (at != NULL && at[2] == '0' && at[3] != '\0')
		memmove(at + 2, at + 3, strlen(at + 3) + 1);
}

static bool add_float(fli_buf *field, fl_term arg, const directive *d)
{
	int precision = d->has_precision ? (int)d->precision : 6;
	char text[1536];
	double value;
	int64_t whole;

	if (fl_match(arg, "~", &whole))
		value = (double)whole;
	else if (!fl_match(arg, "~", &value))
		return false;
	if (precision < 0)
		return false;
	if (d->letter == 'f')
		(void)snprintf(text, sizeof text, "%.*f", precision, value);
	else if (d->letter == 'e')
		(void)snprintf(text, sizeof text, "%.*e", precision > 0 ? precision - 1 : 0, value);
	else if (fabs(value) >= 0.1 && fabs(value) < 10000.0)
		(void)snprintf(text, sizeof text, "%.*f", precision > 1 ? precision - 1 : 1, value);
	else
		(void)snprintf(text, sizeof text, "%.*e", precision > 0 ? precision - 1 : 0, value);
	trim_exponent(text);
	fli_buf_add_text(field, text);
	return true;
}

static bool add_term(fli_buf *field, fl_term arg)
{
	fl_buf text = FL_BUF_INIT;
	int rc = fl_print(&text, arg);

	if (rc == FL_OK)
		fli_buf_add(field, text.data, text.size);
	fl_buf_free(&text);
	return rc == FL_OK;
}

static bool add_string(fli_buf *field, fl_term arg)
{
	fl_atom atom;

	if (fl_match(arg, "~", &atom)) {
		fli_buf_add(field, atom.text, atom.size);
		return true;
	}
	return fli_io_chars(field, arg, false);
}

static bool add_char(fli_buf *field, fl_term arg, const directive *d)
{
	int32_t count = d->has_precision ? d->precision : d->has_width ? d->width : 1;
	uint8_t bytes[FLI_UTF8_SIZE_MAX];
	size_t size;
	uint32_t c;

	if (!fl_match(arg, "~", &c))
		return false;
	size = fli_utf8_encode(c, bytes);
	for (; count > 0 && size > 0; count--)
		fli_buf_add(field, bytes, size);
	return size > 0;
}

/* Fills the field of a directive that takes an argument. */
static bool fill(formatter *f, fli_buf *field, const directive *d)
{
	fl_term arg, depth;

	if (!next_arg(f, &arg))
		return false;
	switch (d->letter) {
	case 'i': return true;
	case 'c': return add_char(field, arg, d);
	case 'f':
	case 'e':
	case 'g': return add_float(field, arg, d);
	case 's': return add_string(field, arg);
	case 'W':
	case 'P': return next_arg(f, &depth) && add_term(field, arg);
	case 'w':
	case 'p': return add_term(field, arg);
	case 'x':
	case 'X': return add_prefixed(f, field, arg, d);
	case 'b':
	case 'B':
	case '+':
	case '#': return add_number(field, arg, d);
	default: return false;
	}
}

/* ---- placing it ------------------------------------------------------------------------------ */

static void add_pads(fli_buf *out, const directive *d, size_t count)
{
	while (count-- > 0)
		fli_buf_add(out, d->pad, d->pad_size);
}

/* Bytes of the first `chars` characters. */
static size_t bytes_of(const fli_buf *field, size_t chars)
{
	size_t at = 0;

	while (at < field->size) {
		if ((field->data[at] & 0xc0) != 0x80 && chars-- == 0)
			break;
		at++;
	}
	return at;
}

static bool is_text(const directive *d)
{
	return d->letter == 's' || d->letter == 'w' || d->letter == 'W';
}

/* As io_lib does: text is cut to its precision, what is too wide for its field becomes stars. */
static void place(fli_buf *out, fli_buf *field, const directive *d)
{
	size_t size = field->size, width, have;

	if (is_text(d) && d->has_precision && d->precision >= 0)
		size = bytes_of(field, (size_t)d->precision);
	if (!d->has_width || d->letter == 'p' || d->letter == 'P') {
		fli_buf_add(out, field->data, size);
		return;
	}
	width = (size_t)(d->width < 0 ? -d->width : d->width);
	have = fli_io_width(field->data, size);
	if (have > width && d->letter == 's')
		size = bytes_of(field, width);
	else if (have > width) {
		for (; width > 0; width--)
			fli_buf_add8(out, '*');
		return;
	}
	if (d->width >= 0 && have < width)
		add_pads(out, d, width - have);
	fli_buf_add(out, field->data, size);
	if (d->width < 0 && have < width)
		add_pads(out, d, width - have);
}

static bool run_directive(formatter *f)
{
	fli_buf field;
	directive d;
	bool ok;

	if (!read_directive(f, &d))
		return false;
	if (d.letter == '~' || d.letter == 'n') {
		fli_buf_add8(f->out, d.letter == 'n' ? '\n' : '~');
		return true;
	}
	fli_buf_create(&field, f->out->mem, f->out->size_max);
	ok = fill(f, &field, &d) && !field.failed;
	if (ok)
		place(f->out, &field, &d);
	fli_buf_destroy(&field);
	return ok;
}

static bool run(formatter *f)
{
	const uint8_t *tilde;

	while (f->at < f->end) {
		tilde = memchr(f->at, '~', (size_t)(f->end - f->at));
		if (tilde == NULL)
			tilde = f->end;
		fli_buf_add(f->out, f->at, (size_t)(tilde - f->at));
		f->at = tilde;
		if (f->at == f->end)
			break;
		f->at++;
		if (!run_directive(f))
			return false;
	}
	return !f->out->failed && fl_term_kind(f->args) == FL_NIL;
}

bool fli_io_format(fli_buf *out, fl_term format, fl_term args)
{
	formatter f = {.out = out, .args = args};
	fli_buf text;
	bool ok;

	fli_buf_create(&text, out->mem, FORMAT_BYTES_MAX);
	ok = add_string(&text, format) && !text.failed;
	f.at = text.data;
	if (ok && text.size > 0) {
		f.end = text.data + text.size;
		ok = run(&f);
	} else if (ok) {
		ok = fl_term_kind(args) == FL_NIL;
	}
	fli_buf_destroy(&text);
	return ok;
}
