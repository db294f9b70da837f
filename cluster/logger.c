/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for people and for collectors.
 *
 * The line is formed on the stack with its newline and goes out in one write(2), so that lines of
 * several threads, and of several processes with the same stderr, never mix. Control characters are
 * shown as blanks (text) or escaped (json): a peer that puts a newline into its name must not be
 * able to forge a line.
 */
#include "cluster/logger.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Escaping makes a byte six characters at most, and the frame around it is short. */
#define OUT_MAX (FLI_LOG_LINE_MAX + 256)
#define STAMP_MAX 40

static int64_t wall_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void fli_logger_create(fli_logger *logger, const fl_options *options)
{
	bool to_stdout = fli_options_int(options, FLI_KEY_LOG_OUTPUT) == FLI_LOG_STDOUT;

	logger->fd = to_stdout ? STDOUT_FILENO : STDERR_FILENO;
	logger->format = (int)fli_options_int(options, FLI_KEY_LOG_FORMAT);
	logger->wall_us = wall_us;
}

/* RFC 3339 in UTC, as OTP's logger_formatter with a time offset of "Z" written out. */
static void stamp(int64_t us, char ret_text[STAMP_MAX])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm parts;
	size_t used;

	(void)gmtime_r(&seconds, &parts); /* fails only for years beyond an int */
	used = strftime(ret_text, STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(ret_text + used, STAMP_MAX - used, ".%06d+00:00", (int)(us % 1000000));
}

typedef struct out {
	char *text;
	size_t size;
	size_t room; /* one byte is kept for the newline */
} out;

static void add(out *o, const char *bytes, size_t size)
{
	if (size > o->room - o->size)
		size = o->room - o->size;
	memcpy(o->text + o->size, bytes, size);
	o->size += size;
}

static void add_text(out *o, const char *text)
{
	add(o, text, strlen(text));
}

static void add_plain(out *o, const char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)line[i];

		add(o, c < ' ' || c == 0x7f ? " " : line + i, 1);
	}
}

static void add_json(out *o, const char *line, size_t size)
{
	char escape[8];

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)line[i];

		/* Never half an escape, and room for the closing quote and brace. */
		if (o->room - o->size < 10)
			return;
		if (c == '"' || c == '\\')
			(void)snprintf(escape, sizeof escape, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			(void)snprintf(escape, sizeof escape, "\\u%04x", c);
		else
			(void)snprintf(escape, sizeof escape, "%c", c);
		add_text(o, escape);
	}
}

size_t fli_logger_form(
	const fli_logger *logger, fli_level level, fl_bin line, char *ret_text, size_t size)
{
	out o = {ret_text, 0, size - 1};
	char time[STAMP_MAX], head[STAMP_MAX + 32];

	stamp(logger->wall_us(), time);
	if (logger->format == FLI_LOG_JSON) {
		(void)snprintf(head, sizeof head, "{\"time\":\"%s\",\"level\":\"", time);
		add_text(&o, head);
		add_text(&o, fli_level_name(level));
		add_text(&o, "\",\"msg\":\"");
		add_json(&o, line.data, line.size);
		add_text(&o, "\"}");
	} else {
		if (logger->format == FLI_LOG_JOURNAL)
			(void)snprintf(head, sizeof head, "<%d>", (int)level);
		else
			(void)snprintf(head, sizeof head, "%s [%s] ", time, fli_level_name(level));
		add_text(&o, head);
		add_plain(&o, line.data, line.size);
	}
	ret_text[o.size++] = '\n';
	return o.size;
}

void fli_logger_write(void *ctx, fli_level level, const char *line, size_t size)
{
	const fli_logger *logger = ctx;
	char text[OUT_MAX];
	size_t formed = fli_logger_form(logger, level, (fl_bin){line, size}, text, sizeof text);
	ssize_t written = write(logger->fd, text, formed);

	(void)written; /* a log that cannot be written has nobody to complain to */
}
