/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a supervisor looks from outside: which_children, count_children, its state as sys:get_state
 * shows OTP's, and the reports of the log, worded as those of OTP on one line.
 */
#include <stdio.h>
#include <string.h>

#include "node/events.h"
#include "node/sched.h"
#include "node/sup_process.h"

#define TEXT_MAX 512 /* bytes of each term in a report */

/* ---- the children ---------------------------------------------------------------------------- */

static void write_pid(const fli_supervisor *s, const fli_kid *kid, fl_buf *buf)
{
	if (kid->state == FLI_KID_ALIVE || kid->state == FLI_KID_LOST)
		(void)fl_build(buf, "~", fli_kid_pid(s->self, kid));
	else
		(void)fl_build(buf, "~",
			fl_atom_of(kid->state == FLI_KID_RESTARTING ? "restarting" : "undefined"));
}

static fl_atom type_of(const fli_kid *kid)
{
	return fl_atom_of(kid->spec->is_supervisor ? "supervisor" : "worker");
}

void fli_supervisor_child(const fli_supervisor *s, const fli_kid *kid, fl_buf *ret_tuple)
{
	fl_tuple_open(ret_tuple);
	if (fli_sup_is_dynamic(s->sup))
		(void)fl_build(ret_tuple, "undefined");
	else
		(void)fl_build(ret_tuple, "~", fli_kid_spec_get(kid->spec, FLI_SPEC_ID));
	write_pid(s, kid, ret_tuple);
	(void)fl_build(ret_tuple, "~", type_of(kid));
	(void)fl_build(ret_tuple, "~", fli_kid_spec_get(kid->spec, FLI_SPEC_MODULES));
	fl_tuple_close(ret_tuple);
}

/* The last started first, as OTP has them. */
int fli_supervisor_children(const fli_supervisor *s, fl_buf *ret_list)
{
	const fli_kid *kid = fli_sup_prev(s->sup, NULL);

	fl_list_open(ret_list);
	for (; kid != NULL; kid = fli_sup_prev(s->sup, kid))
		fli_supervisor_child(s, kid, ret_list);
	fl_list_close(ret_list);
	return ret_list->error;
}

static uint32_t count_supervisors(const fli_supervisor *s)
{
	const fli_kid *kid = fli_sup_next(s->sup, NULL);
	uint32_t count = 0;

	for (; kid != NULL; kid = fli_sup_next(s->sup, kid))
		count += kid->spec->is_supervisor ? 1 : 0;
	return count;
}

int fli_supervisor_counts(const fli_supervisor *s, fl_buf *ret_list)
{
	uint32_t supervisors = count_supervisors(s);
	uint32_t specs = s->sup->strategy == FL_SIMPLE_ONE_FOR_ONE ? 1 : s->sup->count;

	return fl_build(ret_list, "[{specs, ~}, {active, ~}, {supervisors, ~}, {workers, ~}]",
		specs, s->sup->alive, supervisors, s->sup->count - supervisors);
}

/* ---- its state ------------------------------------------------------------------------------- */

static const char *strategy_text(fl_strategy strategy)
{
	static const char *const texts[] = {[FL_ONE_FOR_ONE] = "one_for_one",
		[FL_ONE_FOR_ALL] = "one_for_all",
		[FL_REST_FOR_ONE] = "rest_for_one",
		[FL_DYNAMIC] = "one_for_one",
		[FL_SIMPLE_ONE_FOR_ONE] = "simple_one_for_one"};

	return texts[strategy];
}

static const char *auto_shutdown_text(fl_auto_shutdown auto_shutdown)
{
	static const char *const texts[] = {[FL_NEVER] = "never",
		[FL_ANY_SIGNIFICANT] = "any_significant",
		[FL_ALL_SIGNIFICANT] = "all_significant"};

	return texts[auto_shutdown];
}

static void write_name(const fli_supervisor *s, fl_buf *buf)
{
	const fl_proc *self = s->self;

	if (self->name != NULL)
		(void)fl_build(buf, "{local, ~}", self->name->text);
	else
		(void)fl_build(
			buf, "{~, ~}", fli_proc_pid(self), fl_atom_of(self->behaviour->name));
}

static void write_records(const fli_supervisor *s, fl_buf *buf)
{
	const fli_kid *kid = fli_sup_next(s->sup, NULL);
	fl_pid pid;

	fl_map_open(buf);
	for (; kid != NULL; kid = fli_sup_next(s->sup, kid)) {
		pid = fli_kid_pid(s->self, kid);
		(void)fl_build(buf, "~", fli_kid_spec_get(kid->spec, FLI_SPEC_ID));
		fli_kid_spec_write_record(
			buf, kid->spec, kid->args, kid->state == FLI_KID_ALIVE ? &pid : NULL);
	}
	fl_map_close(buf);
}

/* {Ids, #{Id => Child}}; of dynamic ones only how many they are. */
static void write_kids(const fli_supervisor *s, fl_buf *buf)
{
	const fli_kid *kid = fli_sup_prev(s->sup, NULL);

	if (fli_sup_is_dynamic(s->sup)) {
		(void)fl_build(buf, "~", s->sup->count);
		return;
	}
	fl_tuple_open(buf);
	fl_list_open(buf);
	for (; kid != NULL; kid = fli_sup_prev(s->sup, kid))
		(void)fl_build(buf, "~", fli_kid_spec_get(kid->spec, FLI_SPEC_ID));
	fl_list_close(buf);
	write_records(s, buf);
	fl_tuple_close(buf);
}

/* The record of OTP 24 to 27. */
int fli_supervisor_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const fli_supervisor *s = state;

	if (s->sup == NULL)
		return FL_ENOENT;
	fl_tuple_open(ret_status);
	(void)fl_build(ret_status, "state");
	write_name(s, ret_status);
	(void)fl_build(ret_status, "~", fl_atom_of(strategy_text(s->sup->strategy)));
	write_kids(s, ret_status);
	(void)fl_build(ret_status, "undefined");
	(void)fl_build(ret_status, "~", s->sup->intensity);
	(void)fl_build(ret_status, "~", s->sup->period_s);
	fl_list_open(ret_status);
	for (uint32_t i = s->sup->moments_count; i-- > 0;)
		for (uint32_t n = 0; n < s->sup->moments[i].count && n <= s->sup->intensity; n++)
			(void)fl_build(ret_status, "~", s->sup->moments[i].second);
	fl_list_close(ret_status);
	(void)fl_build(ret_status, "~", s->sup->restarting);
	(void)fl_build(ret_status, "~", fl_atom_of(auto_shutdown_text(s->sup->auto_shutdown)));
	(void)fl_build(ret_status, "~", fl_atom_of(self->behaviour->name));
	(void)fl_build(ret_status, "[]");
	fl_tuple_close(ret_status);
	return ret_status->error;
}

/* ---- reports --------------------------------------------------------------------------------- */

static const char *name_text(const fli_supervisor *s, char *ret_text, size_t size)
{
	fl_buf buf = FL_BUF_INIT;

	fli_enter(s->self->node); /* somebody may unregister its name */
	write_name(s, &buf);
	fli_leave(s->self->node);
	(void)fl_print_to(ret_text, size, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return ret_text;
}

static const char *offender_text(
	const fli_supervisor *s, const fli_kid *kid, char *ret_text, size_t size)
{
	char id[TEXT_MAX], pid_text[320] = "undefined";
	fl_pid pid = fli_kid_pid(s->self, kid);

	if (kid->has_pid)
		(void)snprintf(pid_text, sizeof pid_text, "<%.*s.%u.%u>", (int)pid.node.size,
			pid.node.text, pid.id, pid.serial);
	(void)snprintf(ret_text, size, "id=%s,pid=%s",
		fl_print_to(id, sizeof id, fli_kid_spec_get(kid->spec, FLI_SPEC_ID)), pid_text);
	return ret_text;
}

/* #{supervisor, id, pid} */
static void build_kid(const fli_supervisor *s, const fli_kid *kid, bool has_pid, fl_buf *map)
{
	fl_map_open(map);
	(void)fl_build(map, "supervisor");
	fli_enter(s->self->node);
	write_name(s, map);
	fli_leave(s->self->node);
	(void)fl_build(map, "id");
	(void)fl_build(map, "~", fli_kid_spec_get(kid->spec, FLI_SPEC_ID));
	(void)fl_build(map, "pid");
	if (has_pid)
		(void)fl_build(map, "~", fli_kid_pid(s->self, kid));
	else
		(void)fl_build(map, "undefined");
}

static void emit_kid(const fli_supervisor *s, fli_event_kind kind, fl_buf *map)
{
	fl_node *node = s->self->node;

	fl_map_close(map);
	fli_enter(node);
	if (map->error == FL_OK)
		fli_event_tell(node, kind, fl_spec("~", fl_buf_term(map)));
	fli_leave(node);
	fl_buf_free(map);
}

static void tell_report(
	const fli_supervisor *s, const fli_kid *kid, const char *context, fl_term reason)
{
	fl_buf map = FL_BUF_INIT;

	build_kid(s, kid, kid->has_pid, &map);
	(void)fl_build(&map, "context");
	(void)fl_build(&map, "~", fl_atom_of(context));
	(void)fl_build(&map, "reason");
	(void)fl_build(&map, "~", reason);
	emit_kid(s, FLI_EVENT_CHILD_REPORT, &map);
}

static void tell_start(const fli_supervisor *s, const fli_kid *kid)
{
	fl_buf map = FL_BUF_INIT;

	build_kid(s, kid, true, &map);
	emit_kid(s, FLI_EVENT_CHILD_START, &map);
}

void fli_supervisor_report(void *ctx, const fli_kid *kid, const char *context, fl_term reason)
{
	const fli_supervisor *s = ctx;
	char name[TEXT_MAX], text[TEXT_MAX], offender[2 * TEXT_MAX];

	if (FLI_UNLIKELY(fli_event_wanted(s->self->node, FLI_EVENT_CHILD_REPORT)))
		tell_report(s, kid, context, reason);
	fli_log_write(&s->self->node->log, FLI_ERROR,
		"Supervisor: %s. Context: %s. Reason: %s. Offender: %s.",
		name_text(s, name, sizeof name), context, fl_print_to(text, sizeof text, reason),
		offender_text(s, kid, offender, sizeof offender));
}

/* Of dynamic ones OTP says nothing either. */
void fli_supervisor_progress(const fli_supervisor *s, const fli_kid *kid)
{
	fli_log *log = &s->self->node->log;
	char name[TEXT_MAX], offender[2 * TEXT_MAX];
	fli_kid born = *kid;

	if (FLI_UNLIKELY(fli_event_wanted(s->self->node, FLI_EVENT_CHILD_START)))
		tell_start(s, kid);
	/* relaxed: the level is only compared */
	if (atomic_load_explicit(&log->level, memory_order_relaxed) < FLI_INFO ||
		fli_sup_is_dynamic(s->sup))
		return;
	born.has_pid = true;
	fli_log_write(log, FLI_INFO, "Supervisor: %s. Started: %s.",
		name_text(s, name, sizeof name),
		offender_text(s, &born, offender, sizeof offender));
}
