/* SPDX-License-Identifier: Apache-2.0 */
#include "node/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIMITED_PER_WINDOW 10
#define WINDOW_MS 1000

static const char *const level_names[] = {
	"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

void fli_log_create(fli_log *log, fli_log_sink *sink, void *ctx, fli_level level)
{
	log->sink = sink;
	log->ctx = ctx;
	atomic_init(&log->level, (int)level);
	atomic_init(&log->window_ms, 0);
	atomic_init(&log->window_count, 0);
}

/* Control characters of a peer's text must not forge lines. */
static void write_line(fli_log *log, fli_level level, const char *format, va_list args)
{
	char line[FLI_LOG_LINE_MAX];
	int size = vsnprintf(line, sizeof line, format, args);
	size_t used = size < 0 ? 0 : (size_t)size;

	if (used >= sizeof line)
		used = sizeof line - 1;
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	log->sink(log->ctx, level, line, used);
}

static bool wants(const fli_log *log, fli_level level)
{
	return log->sink != NULL &&
	       (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

void fli_log_write(fli_log *log, fli_level level, const char *format, ...)
{
	va_list args;

	if (!wants(log, level))
		return;
	va_start(args, format);
	write_line(log, level, format, args);
	va_end(args);
}

/* True when the line may be written; *ret_left_out: lines of the last window that were not. */
static bool pass(fli_log *log, uint64_t now_ms, uint32_t *ret_left_out)
{
	uint64_t start = atomic_load_explicit(&log->window_ms, memory_order_relaxed);
	uint32_t count;

	*ret_left_out = 0;
	if (now_ms - start >= WINDOW_MS &&
		atomic_compare_exchange_strong_explicit(&log->window_ms, &start, now_ms,
			memory_order_relaxed, memory_order_relaxed)) {
		count = atomic_exchange_explicit(&log->window_count, 1, memory_order_relaxed);
		if (count > LIMITED_PER_WINDOW)
			*ret_left_out = count - LIMITED_PER_WINDOW;
		return true;
	}
	return atomic_fetch_add_explicit(&log->window_count, 1, memory_order_relaxed) <
	       LIMITED_PER_WINDOW;
}

void fli_log_limited(fli_log *log, uint64_t now_ms, fli_level level, const char *format, ...)
{
	uint32_t left_out;
	va_list args;

	if (!wants(log, level) || !pass(log, now_ms, &left_out))
		return;
	if (left_out > 0)
		fli_log_write(log, level, "%u lines of this kind were left out", left_out);
	va_start(args, format);
	write_line(log, level, format, args);
	va_end(args);
}

bool fli_level_parse(const char *text, fli_level *ret_level)
{
	for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
		if (strcmp(level_names[i], text) == 0) {
			*ret_level = (fli_level)i;
			return true;
		}
	return false;
}

const char *fli_level_name(fli_level level)
{
	return level_names[level];
}
