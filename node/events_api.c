/* SPDX-License-Identifier: Apache-2.0 */
/* What processes execute, spans, the node's own events in full, and telemetry's names for rpc. */
#include <string.h>

#include "node/events.h"
#include "node/natives.h"
#include "node/sched.h"
#include "node/silent.h"
#include "node/term/peek.h"

/* ---- attaching --------------------------------------------------------------------------------
 */

static int build_names(const char *const *events, fl_buf *names)
{
	int rc = FL_OK;

	fl_list_open(names);
	for (; *events != NULL && rc == FL_OK; events++) {
		fl_buf name = FL_BUF_INIT;

		rc = fli_event_read_name(*events, &name);
		if (rc == FL_OK)
			rc = fl_build(names, "~", fl_buf_term(&name));
		fl_buf_free(&name);
	}
	fl_list_close(names);
	return rc == FL_OK ? names->error : rc;
}

int fl_telemetry_attach_many(fl_node *node, const char *id, const char *const *events,
	fl_telemetry_handler *call, void *config)
{
	fl_buf id_term = FL_BUF_INIT, names = FL_BUF_INIT;
	int rc = build_names(events, &names);

	if (rc == FL_OK)
		rc = fl_build(&id_term, "~", id);
	if (rc == FL_OK) {
		fli_enter(node);
		rc = fli_event_attach_call(
			node, call, config, fl_buf_term(&id_term), fl_buf_term(&names));
		fli_leave(node);
	}
	fl_buf_free(&id_term);
	fl_buf_free(&names);
	return rc;
}

int fl_telemetry_attach(
	fl_node *node, const char *id, const char *event, fl_telemetry_handler *call, void *config)
{
	return fl_telemetry_attach_many(node, id, (const char *const[]){event, NULL}, call, config);
}

int fl_telemetry_detach(fl_node *node, const char *id)
{
	fl_buf term = FL_BUF_INIT;
	int rc = fl_build(&term, "~", id);

	if (rc == FL_OK) {
		fli_enter(node);
		rc = fli_event_detach_term(node, fl_buf_term(&term));
		fli_leave(node);
	}
	fl_buf_free(&term);
	return rc;
}

int fl_telemetry_subscribe(fl_proc *self, const char *const *events, fl_ref *ret_ref)
{
	fl_node *node = fl_self_node(self);
	fl_buf names = FL_BUF_INIT;
	fl_pid pid = fl_self(self);
	fl_ref ref;
	int rc = build_names(events, &names);

	if (rc == FL_OK) {
		fli_enter(node);
		ref = fli_ref_make(node);
		rc = fli_event_attach_pid(node, &pid, fl_buf_term(&names), &ref);
		fli_leave(node);
	}
	if (rc == FL_OK && ret_ref != NULL)
		*ret_ref = ref;
	fl_buf_free(&names);
	return rc;
}

int fl_telemetry_unsubscribe(fl_proc *self, fl_ref ref)
{
	fl_node *node = fl_self_node(self);
	fl_buf id = FL_BUF_INIT;
	int rc = fl_build(&id, "~", ref);

	if (rc == FL_OK) {
		fli_enter(node);
		rc = fli_event_detach_term(node, fl_buf_term(&id));
		fli_leave(node);
	}
	fl_buf_free(&id);
	return rc;
}

/* ---- executing --------------------------------------------------------------------------------
 */

static bool is_any_wanted(const fl_node *node)
{
	/* relaxed: see fli_event_wanted */
	return atomic_load_explicit(&node->events_wanted, memory_order_relaxed) != 0;
}

static int execute(fl_proc *self, fl_term name, fl_term both)
{
	fl_telemetry event = {.node = fl_self_node(self), .self = self, .name = name};

	if (!fl_match(both, "{~, ~}", &event.measurements, &event.metadata))
		return FL_EMISUSE;
	event.name.atoms = event.measurements.atoms = event.metadata.atoms = self->node->atoms;
	fli_event_execute(event.node, self, &event);
	return FL_OK;
}

int fl_telemetry_execute_spec(fl_proc *self, const char *event, fl_spec both)
{
	fl_buf name = FL_BUF_INIT, buf = FL_BUF_INIT;
	int rc;

	if (FLI_LIKELY(!is_any_wanted(fl_self_node(self))))
		return FL_OK;
	rc = fli_event_read_name(event, &name);
	if (rc == FL_OK)
		rc = fl_build_values(&buf, both.pattern, both.values, both.count);
	if (rc == FL_OK)
		rc = execute(self, fl_buf_term(&name), fl_buf_term(&buf));
	fl_buf_free(&name);
	fl_buf_free(&buf);
	return rc;
}

/* ---- spans ------------------------------------------------------------------------------------
 */

typedef struct span {
	fl_proc *self;
	const char *prefix;
	fl_term metadata; /* of the start */
	fl_ref context;
	uint64_t start_ns;
} span;

/* Keys of both maps, where `more` has them first; a map that is none adds nothing. */
static void merge(fl_buf *out, fl_term map, fl_term more)
{
	size_t cursor = 0, inner;
	fl_term key, value, other, ignored;
	bool is_there;

	while (fl_map_next(more, &cursor, &key, &value))
		(void)fl_build(out, "~", key), (void)fl_build(out, "~", value);
	cursor = 0;
	while (fl_map_next(map, &cursor, &key, &value)) {
		is_there = false;
		inner = 0;
		while (!is_there && fl_map_next(more, &inner, &other, &ignored))
			is_there = fl_equal(key, other);
		if (!is_there)
			(void)fl_build(out, "~", key), (void)fl_build(out, "~", value);
	}
}

/* prefix ++ [Suffix] */
static int build_name(const span *s, const char *suffix, fl_buf *ret)
{
	fl_buf prefix = FL_BUF_INIT;
	fl_term left, element;
	int rc = fli_event_read_name(s->prefix, &prefix);

	left = fl_buf_term(&prefix);
	fl_list_open(ret);
	while (rc == FL_OK && fl_list_next(&left, &element))
		rc = fl_build(ret, "~", element);
	(void)fl_build(ret, "~", fl_atom_of(suffix));
	fl_list_close(ret);
	fl_buf_free(&prefix);
	return rc == FL_OK ? ret->error : rc;
}

static void tell_span(const span *s, const char *suffix, fl_term measurements, fl_term more)
{
	fl_buf name = FL_BUF_INIT, both = FL_BUF_INIT;

	fl_tuple_open(&both);
	(void)fl_build(&both, "~", measurements);
	fl_map_open(&both);
	merge(&both, s->metadata, more);
	(void)fl_build(&both, "telemetry_span_context");
	(void)fl_build(&both, "~", s->context);
	fl_map_close(&both);
	fl_tuple_close(&both);
	if (both.error == FL_OK && build_name(s, suffix, &name) == FL_OK)
		(void)execute(s->self, fl_buf_term(&name), fl_buf_term(&both));
	fl_buf_free(&name);
	fl_buf_free(&both);
}

static void tell_start(span *s)
{
	const fli_port *port = fl_self_node(s->self)->port;
	static const uint8_t no_map[] = {116, 0, 0, 0, 0};
	fl_buf buf = FL_BUF_INIT;

	if (fl_build(&buf, "#{monotonic_time => ~, system_time => ~}", s->start_ns,
		    port->wall_us(port) * 1000) == FL_OK)
		tell_span(s, "start", fl_buf_term(&buf),
			(fl_term){.data = no_map, .size = sizeof no_map});
	fl_buf_free(&buf);
}

static void tell_end(const span *s, int rc, fl_term more)
{
	const fli_port *port = fl_self_node(s->self)->port;
	const uint64_t now = port->now_ns(port);
	fl_buf buf = FL_BUF_INIT, failure = FL_BUF_INIT;

	(void)fl_build(&buf, "#{duration => ~, monotonic_time => ~}", now - s->start_ns, now);
	if (rc < 0)
		(void)fl_build(&failure, "#{kind => error, reason => ~, stacktrace => []}",
			fl_atom_of(fl_error_atom(rc)));
	if (buf.error == FL_OK && failure.error == FL_OK)
		tell_span(s, rc < 0 ? "exception" : "stop", fl_buf_term(&buf),
			rc < 0 ? fl_buf_term(&failure) : more);
	fl_buf_free(&failure);
	fl_buf_free(&buf);
}

int fl_telemetry_span_spec(
	fl_proc *self, const char *prefix, fl_telemetry_work *work, void *arg, fl_spec metadata)
{
	fl_node *node = fl_self_node(self);
	fl_buf meta = FL_BUF_INIT, more = FL_BUF_INIT;
	span s = {.self = self, .prefix = prefix};
	bool is_wanted = is_any_wanted(node);
	int rc;

	if (is_wanted) {
		(void)fl_build_values(&meta, metadata.pattern, metadata.values, metadata.count);
		s.metadata = fl_buf_term(&meta);
		s.context = fl_make_ref(self);
		s.start_ns = node->port->now_ns(node->port);
		tell_start(&s);
	}
	rc = work(self, arg, &more);
	if (is_wanted)
		tell_end(&s, rc, fl_buf_term(&more));
	fl_buf_free(&meta);
	fl_buf_free(&more);
	return rc;
}

/* ---- the node's own ---------------------------------------------------------------------------
 */

void fli_event_tell(fl_node *node, fli_event_kind kind, fl_spec metadata)
{
	fl_buf map = FL_BUF_INIT;

	if (fl_build_values(&map, metadata.pattern, metadata.values, metadata.count) == FL_OK)
		fli_event_emit(node, kind,
			fl_spec("{#{system_time => ~}, ~}", node->port->wall_us(node->port),
				fl_buf_term(&map)));
	fl_buf_free(&map);
}

void fli_event_process(fl_proc *proc, fli_event_kind kind, fl_term reason)
{
	fl_atom name = proc->name == NULL ? fl_atom_of("nil") : proc->name->text;
	fl_atom behaviour = fl_atom_of(proc->behaviour->name);

	if (reason.data == NULL)
		fli_event_tell(proc->node, kind,
			fl_spec("#{pid => ~, behaviour => ~, name => ~}", fli_proc_pid(proc),
				behaviour, name));
	else
		fli_event_tell(proc->node, kind,
			fl_spec("#{pid => ~, behaviour => ~, name => ~, reason => ~}",
				fli_proc_pid(proc), behaviour, name, reason));
}

static fl_pid caller_of(const fl_proc *proc, const fli_msg *msg)
{
	fli_cursor c = fli_cursor_make(msg->data + msg->pid, msg->tag - msg->pid);
	fl_pid pid = {.node = proc->node->name};
	fl_atom node;

	if (!fli_peek_pid(&c, NULL, &pid) ||
		!fli_atoms_intern(proc->node->atoms, pid.node.text, pid.node.size, &node))
		return (fl_pid){.node = proc->node->name};
	pid.node = node; /* the message is gone when it is told */
	return pid;
}

/* The context is owned; the process may have ended, its frame is still there. */
static void call_ended(fl_proc *proc, uint64_t since_ns, const fl_pid *caller)
{
	fl_node *node = proc->node;
	bool is_end = proc->status == FLI_EXITING;
	uint64_t duration_ns = node->port->now_ns(node->port) - since_ns;
	fl_atom name = fl_atom_of(proc->behaviour->name);
	int64_t now_us = node->port->wall_us(node->port);

	if (is_end)
		fli_event_emit(node, FLI_EVENT_CALL_EXCEPTION,
			fl_spec("{#{duration => ~, system_time => ~}, "
				"#{pid => ~, behaviour => ~, caller => ~, reason => ~}}",
				duration_ns, now_us, fli_proc_pid(proc), name, *caller,
				fli_reason(proc)));
	else
		fli_event_emit(node, FLI_EVENT_CALL_STOP,
			fl_spec("{#{duration => ~, system_time => ~}, "
				"#{pid => ~, behaviour => ~, caller => ~}}",
				duration_ns, now_us, fli_proc_pid(proc), name, *caller));
}

bool fli_event_call_seen(fl_proc *proc, fli_msg *msg, fli_call_handler *handle)
{
	fl_node *node = proc->node;
	uint64_t since_ns = node->port->now_ns(node->port);
	fl_pid caller = caller_of(proc, msg);
	bool kept;

	proc->frames++;
	kept = handle(proc, msg);
	call_ended(proc, since_ns, &caller);
	proc->frames--;
	return kept;
}

int fl_telemetry_handlers(fl_node *node, const char *prefix, fl_buf *ret_list)
{
	fl_buf term = FL_BUF_INIT;
	fl_error err;
	int rc = fl_read(&term, prefix, strlen(prefix), &err);

	if (rc == FL_OK) {
		fli_enter(node);
		rc = fli_event_list(node, fl_buf_term(&term), ret_list);
		fli_leave(node);
	}
	fl_buf_free(&term);
	return rc;
}

/* ---- telemetry's names ------------------------------------------------------------------------
 */

static int native_execute(fl_proc *self, fl_term args, fl_buf *result)
{
	static const uint8_t no_map[] = {116, 0, 0, 0, 0};
	fl_telemetry event = {.node = fl_self_node(self),
		.self = self,
		.metadata = {.data = no_map, .size = sizeof no_map}};
	int64_t value;

	if (!fl_match(args, "[~, ~, ~]", &event.name, &event.measurements, &event.metadata) &&
		!fl_match(args, "[~, ~]", &event.name, &event.measurements))
		return fli_badarg(result);
	if (!fli_event_is_name(event.name) || fl_term_kind(event.metadata) != FL_MAP)
		return fl_raise(result, FL_ERROR, "function_clause");
	if (fl_match(event.measurements, "~", &value))
		return fl_raise(result, FL_ERROR, "badarg"); /* the form of telemetry 0.x */
	if (fl_term_kind(event.measurements) != FL_MAP)
		return fl_raise(result, FL_ERROR, "function_clause");
	fli_event_execute(event.node, self, &event);
	return fl_build(result, "ok");
}

static int native_list(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_term prefix;
	int rc;

	if (!fl_match(args, "[~]", &prefix))
		return fli_badarg(result);
	fli_enter(node);
	rc = fli_event_list(node, prefix, result);
	fli_leave(node);
	return rc;
}

static int native_detach(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_term id;
	int rc;

	if (!fl_match(args, "[~]", &id))
		return fli_badarg(result);
	fli_enter(node);
	rc = fli_event_detach_term(node, id);
	fli_leave(node);
	return rc == FL_OK ? fl_build(result, "ok") : fl_build(result, "{error, not_found}");
}

/* attach_event_handlers(Pid, Names) */
static int native_attach_pid(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_term names;
	fl_pid pid;
	fl_ref ref;
	int rc;

	if (!fl_match(args, "[~, ~]", &pid, &names))
		return fl_raise(result, FL_ERROR, "function_clause");
	fli_enter(node);
	ref = fli_ref_make(node);
	rc = fli_event_attach_pid(node, &pid, names, &ref);
	fli_leave(node);
	if (rc == FL_EFORMAT)
		return fli_badarg(result);
	if (rc != FL_OK)
		return fl_raise(result, FL_ERROR, "system_limit");
	return fl_build(result, "~", ref);
}

/* ---- the ends of subscribers on other nodes ---------------------------------------------------
 */

static int watcher_init(fl_proc *self, void *state, fl_term args)
{
	(void)state; /* it has none */
	(void)args;
	fli_enter(fl_self_node(self));
	fli_event_watch_all(fl_self_node(self)); /* of one before this one */
	fli_leave(fl_self_node(self));
	return FL_OK;
}

static int watcher_info(fl_proc *self, void *state, fl_term message)
{
	fl_ref ref;

	(void)state;
	if (!fl_match(message, "{'DOWN', ~, process, _, _}", &ref))
		return FL_OK;
	fli_enter(fl_self_node(self));
	fli_event_watch_ended(fl_self_node(self), &ref);
	fli_leave(fl_self_node(self));
	return FL_OK;
}

const fl_behaviour fli_event_watcher = {.name = "telemetry_handler_table",
	.init = watcher_init,
	.call = fli_silent_call,
	.cast = fli_silent_cast,
	.info = watcher_info};

static const fl_export exports[] = {
	{"telemetry", "execute", 2, native_execute},
	{"telemetry", "execute", 3, native_execute},
	{"telemetry", "list_handlers", 1, native_list},
	{"telemetry", "detach", 1, native_detach},
	{"telemetry_test", "attach_event_handlers", 2, native_attach_pid},
};

int fli_natives_events(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
