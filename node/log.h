/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_LOG_H
#define FLI_LOG_H

/*
 * Log lines: OTP's eight levels, one line an event, to a sink that the node was given.
 *
 * Threads: any, once the sink is set; the sink must be safe from any thread. The level is atomic.
 * Memory: a line is built on the stack and cut at FLI_LOG_LINE_MAX.
 * Limits: lines of one call site class (`fli_log_limited`) are limited to 10 a second.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLI_LOG_LINE_MAX = 4096 };

typedef enum fli_level {
	FLI_EMERGENCY,
	FLI_ALERT,
	FLI_CRITICAL,
	FLI_ERROR,
	FLI_WARNING,
	FLI_NOTICE,
	FLI_INFO,
	FLI_DEBUG
} fli_level;

typedef void fli_log_sink(void *ctx, fli_level level, const char *line, size_t size);

typedef struct fli_log {
	fli_log_sink *sink; /* NULL: silence */
	void *ctx;
	_Atomic(int) level;          /* lines above it are dropped */
	_Atomic(uint64_t) window_ms; /* of the limiter */
	_Atomic(uint32_t) window_count;
} fli_log;

void fli_log_create(fli_log *log, fli_log_sink *sink, void *ctx, fli_level level);
void fli_log_write(fli_log *log, fli_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* For what a peer can cause: at most 10 lines a second, then a count of what was left out. */
void fli_log_limited(fli_log *log, uint64_t now_ms, fli_level level, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool fli_level_parse(const char *text, fli_level *ret_level);
const char *fli_level_name(fli_level level);

#endif
