/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_TRACE_H
#define FLI_SIM_TRACE_H

/*
 * What happened, line by line: the last ones in memory, all of them in a file where one was given,
 * and a digest of them all.
 *
 *     12.000345 a@one.sim > b@two.sim: bytes 34 #8f3a11c0
 *     12.000345 b@two.sim: log connected to a@one.sim
 *
 * Nothing in it differs between two runs of one seed: no address, no thread, no real time.
 *
 * Threads: one. Memory: names are borrowed from the world and outlive the trace; texts are copied
 * and cut. Errors: none; a file that takes nothing loses lines.
 */

#include <stdint.h>
#include <stdio.h>

enum { FLI_TRACE_LINES = 400, FLI_TRACE_TEXT = 160 };

/* One line; who and whom may be NULL. */
typedef struct fli_trace_line {
	uint64_t now_ns;
	const char *verb; /* a constant */
	const char *who, *whom;
	uint64_t number; /* shown unless 0, as is the sum */
	uint32_t sum;    /* of bytes */
	char text[FLI_TRACE_TEXT];
} fli_trace_line;

typedef struct fli_trace {
	FILE *out;
	uint64_t digest;
	uint64_t count;
	fli_trace_line lines[FLI_TRACE_LINES];
} fli_trace;

/* The next line, to be filled but for its text; then fli_trace_end. */
fli_trace_line *fli_trace_begin(fli_trace *trace, uint64_t now_ns, const char *verb);
void fli_trace_end(fli_trace *trace, const fli_trace_line *line);
void fli_trace_print(const fli_trace *trace, FILE *out);

#endif
