/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_LOGGER_H
#define FLI_CLUSTER_LOGGER_H

/*
 * The sink behind a node's log: one event, one line, one write(2).
 *
 *     text     2026-11-21T04:00:00.123456+00:00 [notice] nodeup app1@h
 *     json     {"time":"2026-...","level":"notice","msg":"nodeup app1@h"}
 *     journal  <5>nodeup app1@h
 *
 * Threads: any, once created: a line is formed on the stack and written whole. Memory: the caller's
 * storage. Errors: a line that cannot be written is lost. Limits: FLI_LOG_LINE_MAX.
 */

#include "cluster/options.h"
#include "node/log.h"

typedef struct fli_logger {
	int fd;
	int format;               /* FLI_LOG_TEXT, FLI_LOG_JSON, FLI_LOG_JOURNAL */
	int64_t (*wall_us)(void); /* since 1970 */
} fli_logger;

/* From log.format and log.output. */
void fli_logger_create(fli_logger *logger, const fl_options *options);
/* An fli_log_sink; ctx is the fli_logger. */
void fli_logger_write(void *ctx, fli_level level, const char *line, size_t size);
/* The line as it would be written, with its newline; returns its length. */
size_t fli_logger_form(
	const fli_logger *logger, fli_level level, fl_bin line, char *ret_text, size_t size);

#endif
