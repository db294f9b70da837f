/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/trace.h"

#include <inttypes.h>
#include <string.h>

#include "node/base/map.h"

static void print_line(const fli_trace_line *line, FILE *out)
{
	(void)fprintf(out, "%5" PRIu64 ".%09" PRIu64, line->now_ns / 1000000000,
		line->now_ns % 1000000000);
	if (line->who != NULL)
		(void)fprintf(out, " %s", line->who);
	if (line->whom != NULL)
		(void)fprintf(out, " > %s", line->whom);
	(void)fprintf(out, "%s%s", line->who == NULL ? " " : ": ", line->verb);
	if (line->number != 0)
		(void)fprintf(out, " %" PRIu64, line->number);
	if (line->sum != 0)
		(void)fprintf(out, " #%08" PRIx32, line->sum);
	(void)fprintf(out, "%s%s\n", line->text[0] == '\0' ? "" : " ", line->text);
}

fli_trace_line *fli_trace_begin(fli_trace *trace, uint64_t now_ns, const char *verb)
{
	fli_trace_line *line = &trace->lines[trace->count++ % FLI_TRACE_LINES];

	line->now_ns = now_ns;
	line->verb = verb;
	line->who = line->whom = NULL;
	line->number = 0;
	line->sum = 0;
	line->text[0] = '\0';
	return line;
}

static uint64_t fold(uint64_t digest, const char *text)
{
	return text == NULL ? digest : fli_hash(digest, text, strlen(text));
}

void fli_trace_end(fli_trace *trace, const fli_trace_line *line)
{
	uint64_t digest = fli_hash_mix(trace->digest ^ line->now_ns);

	digest = fold(fold(fold(digest, line->verb), line->who), line->whom);
	digest = fli_hash_mix(digest ^ line->number ^ (uint64_t)line->sum << 32);
	if (line->text[0] != '\0')
		digest = fold(digest, line->text);
	trace->digest = digest;
	if (trace->out != NULL)
		print_line(line, trace->out);
}

void fli_trace_print(const fli_trace *trace, FILE *out)
{
	uint64_t first = trace->count > FLI_TRACE_LINES ? trace->count - FLI_TRACE_LINES : 0;

	for (uint64_t i = first; i < trace->count; i++)
		print_line(&trace->lines[i % FLI_TRACE_LINES], out);
}
