/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log events of processes.
 *
 *  - One whose level is not allowed costs a comparison.
 *  - The text or the report becomes a line of the node's log.
 *  - Where the group leader is on another node, the same goes to its logger_proxy, as logger does.
 *    The keys of the metadata are put together from the strongest source to the weakest.
 *
 * Failure: what there is no memory for is missing in the one or the other; the process goes on.
 */
#include "node/log_event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "node/log.h"
#include "node/sched.h"
#include "node/term/tag.h"

#define TEXT_MAX 2048 /* of a report, and of metadata, in the node's log */

_Static_assert((int)FL_LOG_EMERGENCY == (int)FLI_EMERGENCY, "one order of levels");
_Static_assert((int)FL_LOG_DEBUG == (int)FLI_DEBUG, "one order of levels");

/* ---- to another node ------------------------------------------------------------------------- */

bool fli_logger_is_remote(const fl_proc *proc)
{
	fl_pid leader = fli_proc_group_leader(proc);

	return !fli_pid_is_local(proc->node, &leader);
}

void fli_log_write_limited(fl_buf *buf, fl_term term)
{
	if (term.size <= FLI_LOG_TERM_MAX)
		(void)fl_build(buf, "~", term);
	else
		(void)fl_build(buf, "{too_large, ~, bytes}", term.size);
}

static bool has_key(fl_term map, fl_term key)
{
	fl_term other, value;
	size_t cursor = 0;

	while (fl_map_next(map, &cursor, &other, &value))
		if (fl_equal(other, key))
			return true;
	return false;
}

/* The pairs of maps[at] whose keys are in none of those before it. */
static void add_map(fl_buf *buf, const fl_term *maps, size_t at)
{
	fl_term key, value;
	size_t cursor = 0, before;

	while (fl_map_next(maps[at], &cursor, &key, &value)) {
		for (before = 0; before < at && !has_key(maps[before], key); before++) {}
		if (before < at)
			continue;
		(void)fl_build(buf, "~", key);
		fli_log_write_limited(buf, value);
	}
}

static int write_merged(fl_buf *buf, const fl_term *maps, size_t count)
{
	fl_map_open(buf);
	for (size_t i = 0; i < count; i++)
		add_map(buf, maps, i);
	fl_map_close(buf);
	return buf->error;
}

/* With what logger adds to all metadata. */
static void write_metadata(fl_buf *buf, const fl_proc *proc, fl_term own)
{
	fl_buf usual = FL_BUF_INIT;

	(void)fl_build(&usual, "#{pid => ~, gl => ~, time => ~}", fli_proc_pid(proc),
		fli_proc_group_leader(proc), proc->node->port->wall_us(proc->node->port));
	(void)write_merged(buf, (const fl_term[]){own, fl_buf_term(&usual)}, 2);
	fl_buf_free(&usual);
}

void fli_logger_tell(fl_proc *proc, fl_level level, fl_spec event, fl_spec metadata)
{
	fl_dest to = {.kind = FL_TO_NAME,
		.as.name = {.text = fl_atom_of("logger_proxy"),
			.node = fli_proc_group_leader(proc).node}};
	fl_buf what = FL_BUF_INIT, map = FL_BUF_INIT, message = FL_BUF_INIT;
	fl_term part;

	if (!fli_logger_is_remote(proc))
		return;
	(void)fl_build_values(&what, event.pattern, event.values, event.count);
	(void)fl_build_values(&map, metadata.pattern, metadata.values, metadata.count);
	if (what.error == FL_OK && map.error == FL_OK) {
		fl_tuple_open(&message);
		(void)fl_build(&message, "log");
		(void)fl_build(&message, "~", fl_atom_of(fli_level_name((fli_level)level)));
		for (size_t i = 0; fl_tuple_get(fl_buf_term(&what), i, &part); i++)
			(void)fl_build(&message, "~", part);
		write_metadata(&message, proc, fl_buf_term(&map));
		fl_tuple_close(&message);
	}
	if (message.error == FL_OK && message.size > 0)
		(void)fli_send_spec(proc->node, proc, &to, fl_spec("~", fl_buf_term(&message)));
	fl_buf_free(&what);
	fl_buf_free(&map);
	fl_buf_free(&message);
}

/* ---- events of C code ------------------------------------------------------------------------ */

bool fl_log_allowed(const fl_proc *self, fl_level level)
{
	const fli_log *log = &self->node->log;

	/* relaxed: it is only compared */
	return log->sink != NULL &&
	       (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/* {mfa, file, line}; a C function's arity is not known to C. */
static void write_place(fl_buf *buf, const fl_proc *self, const fl_log_place *place)
{
	fl_map_open(buf);
	(void)fl_build(buf, "mfa");
	(void)fl_build(
		buf, "{~, ~, 0}", fl_atom_of(self->behaviour->name), fl_atom_of(place->function));
	(void)fl_build(buf, "file");
	fl_list_open(buf);
	for (const char *c = place->file; *c != '\0'; c++)
		(void)fl_build(buf, "~", (uint8_t)*c);
	fl_list_close(buf);
	(void)fl_build(buf, "line");
	(void)fl_build(buf, "~", place->line);
	fl_map_close(buf);
}

static fl_term process_metadata(const fl_proc *self)
{
	static const uint8_t empty[] = {FLI_MAP_EXT, 0, 0, 0, 0};
	fl_term metadata;

	return fli_proc_kept(self, FLI_KEEP_METADATA, &metadata)
		       ? metadata
		       : fli_term(self->node, empty, sizeof empty);
}

/* An event, whole: `own` is the metadata of the process and of the event. */
typedef struct event {
	fl_level level;
	const char *text;
	fl_spec what; /* {Report} or {Text} */
	fl_term own;
} event;

static void write_line(fl_proc *self, const event *e)
{
	char name[320], own[TEXT_MAX] = "";
	fl_term key, value;
	size_t cursor = 0;

	fli_enter(self->node); /* somebody may unregister its name */
	(void)fli_proc_text(self, name, sizeof name);
	fli_leave(self->node);
	if (fl_map_next(e->own, &cursor, &key, &value))
		(void)fl_print_to(own, sizeof own, e->own);
	fli_log_write(&self->node->log, (fli_level)e->level, "%s: %s%s%s", name, e->text,
		own[0] == '\0' ? "" : " ", own);
}

static int tell(fl_proc *self, const event *e, const fl_log_place *place)
{
	fl_buf at = FL_BUF_INIT, metadata = FL_BUF_INIT;
	fl_term maps[2] = {e->own};
	int rc;

	write_place(&at, self, place);
	maps[1] = fl_buf_term(&at);
	rc = at.error == FL_OK ? write_merged(&metadata, maps, 2) : at.error;
	fli_enter(self->node);
	if (rc == FL_OK)
		fli_logger_tell(self, e->level, e->what, fl_spec("~", fl_buf_term(&metadata)));
	fli_leave(self->node);
	fl_buf_free(&at);
	fl_buf_free(&metadata);
	return rc;
}

static int log_event(fl_proc *self, const event *e, const fl_log_place *place)
{
	bool is_remote;

	write_line(self, e);
	fli_enter(self->node);
	is_remote = fli_logger_is_remote(self);
	fli_leave(self->node);
	return is_remote ? tell(self, e, place) : FL_OK;
}

int fl_log_at(fl_proc *self, fl_level level, const fl_log_place *place, const char *format, ...)
{
	char text[FLI_LOG_LINE_MAX];
	va_list args;
	int size;

	if (!fl_log_allowed(self, level))
		return FL_OK;
	va_start(args, format);
	size = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (size < 0)
		return FL_EFORMAT;
	return log_event(self,
		&(const event){level, text, fl_spec("{~}", ((fl_bin){text, strlen(text)})),
			process_metadata(self)},
		place);
}

static bool is_report(fl_term term)
{
	fl_term list = term, one, key, value;

	if (fl_term_kind(term) == FL_MAP)
		return true;
	if (fl_term_kind(term) != FL_LIST)
		return false;
	while (fl_list_next(&list, &one))
		if (!fl_match(one, "{~, ~}", &key, &value))
			return false;
	return true;
}

static int log_report(
	fl_proc *self, fl_level level, const fl_log_place *place, fl_term report_and_metadata)
{
	fl_buf own = FL_BUF_INIT, limited = FL_BUF_INIT;
	char text[TEXT_MAX];
	fl_term report, maps[2];
	int rc = FL_EFORMAT;

	if (!fl_match(report_and_metadata, "{~, ~}", &report, &maps[0]) || !is_report(report) ||
		fl_term_kind(maps[0]) != FL_MAP)
		return rc;
	maps[1] = process_metadata(self);
	rc = write_merged(&own, maps, 2);
	fli_log_write_limited(&limited, report);
	if (rc == FL_OK && (rc = limited.error) == FL_OK)
		rc = log_event(self,
			&(const event){level, fl_print_to(text, sizeof text, report),
				fl_spec("{~}", fl_buf_term(&limited)), fl_buf_term(&own)},
			place);
	fl_buf_free(&limited);
	fl_buf_free(&own);
	return rc;
}

int fl_log_report_at(
	fl_proc *self, fl_level level, const fl_log_place *place, fl_spec report_and_metadata)
{
	fl_buf built = FL_BUF_INIT;
	int rc;

	if (!fl_log_allowed(self, level))
		return FL_OK;
	rc = fl_build_values(&built, report_and_metadata.pattern, report_and_metadata.values,
		report_and_metadata.count);
	if (rc == FL_OK)
		rc = log_report(self, level, place, fl_buf_term(&built));
	fl_buf_free(&built);
	return rc;
}

int fl_log_metadata_spec(fl_proc *self, fl_spec metadata)
{
	fl_buf built = FL_BUF_INIT;
	int rc = fl_build_values(&built, metadata.pattern, metadata.values, metadata.count);

	if (rc == FL_OK && fl_term_kind(fl_buf_term(&built)) != FL_MAP)
		rc = FL_EFORMAT;
	if (rc == FL_OK)
		rc = fli_proc_keep(self, FLI_KEEP_METADATA, fl_buf_term(&built));
	fl_buf_free(&built);
	return rc;
}
