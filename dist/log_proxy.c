/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log events of processes on other nodes whose group leader is here.
 *
 *  - Format and arguments, or a report, become one line: breaks and indentation are one blank.
 *  - The line says where it comes from: the pid of the event's metadata.
 *
 * Failure: what is no log event is ignored, since OTP sends none but these; lines are limited.
 */
#include <stdio.h>

#include "dist/io_format.h"
#include "dist/user_io.h"
#include "node/log.h"
#include "node/runtime.h"
#include "node/silent.h"

#define TEXT_BYTES_MAX 3000

static void add_printed(fli_buf *text, fl_term term)
{
	char printed[TEXT_BYTES_MAX];

	fli_buf_add_text(text, fl_print_to(printed, sizeof printed, term));
}

static void add_formatted(fli_buf *text, fl_term format, fl_term args)
{
	if (fli_io_format(text, format, args) || text->size >= TEXT_BYTES_MAX / 2)
		return;
	fli_buf_clear(text, SIZE_MAX);
	add_printed(text, format);
	fli_buf_add8(text, ' ');
	add_printed(text, args);
}

/* Reports of error_logger's callers carry a format of their own. */
static void add_report(fli_buf *text, fl_term report)
{
	fl_term format, args;

	if (fl_get(report, "format", &format) && fl_get(report, "args", &args))
		add_formatted(text, format, args);
	else
		add_printed(text, report);
}

/* Breaks, indentation and other control characters become one blank; returns the new size. */
static size_t flatten(uint8_t *text, size_t size)
{
	size_t to = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t c = text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];

		if (c != ' ' || (to > 0 && text[to - 1] != ' '))
			text[to++] = c;
	}
	return to;
}

static void log_text(fl_proc *self, fl_atom level_name, fl_term meta, fli_buf *text)
{
	fl_node *node = fl_self_node(self);
	fli_level level = FLI_NOTICE;
	char name[16], pid_text[300] = "another node";
	fl_term pid;
	size_t size = flatten(text->data, text->size);

	(void)snprintf(name, sizeof name, "%.*s",
		(int)(level_name.size < 15 ? level_name.size : 15), level_name.text);
	(void)fli_level_parse(name, &level); /* unknown ones are notices */
	if (fl_get(meta, "pid", &pid))
		(void)fl_print_to(pid_text, sizeof pid_text, pid);
	fli_log_limited(&node->log, fl_now_ms(self), level, "from %s: %.*s", pid_text, (int)size,
		(const char *)text->data);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_term format, args, meta;
	fl_atom level;
	fli_buf text;

	(void)state; /* it has none */
	fli_buf_create(&text, fl_self_node(self)->mem, TEXT_BYTES_MAX);
	if (fl_match(message, "{log, ~, ~, ~, ~}", &level, &format, &args, &meta)) {
		add_formatted(&text, format, args);
		log_text(self, level, meta, &text);
	} else if (fl_match(message, "{log, ~, ~, ~}", &level, &format, &meta)) {
		add_report(&text, format);
		log_text(self, level, meta, &text);
	}
	fli_buf_destroy(&text);
	return FL_OK;
}

const fl_behaviour fli_log_proxy = {
	.name = "logger_proxy", .call = fli_silent_call, .cast = fli_silent_cast, .info = on_info};
