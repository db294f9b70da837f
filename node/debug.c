/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a server for sys:log and sys:trace.
 *
 *  - `in` when a handler is about to run; what fl_reply sends to that call meanwhile is put aside;
 *  - `out` with it, or `noreply`, when the handler has returned. An answer that comes later than
 * its handler is no event, as gen_server:reply is none in OTP.
 *
 * Departs from OTP: State is what format_status shows; traces and `print` go to the node's log.
 */
#include "node/debug.h"

#include "node/term/peek.h"

typedef struct fli_debug {
	bool is_traced;
	uint64_t log_max; /* events; 0: no log */
	uint64_t count;
	size_t bytes;
	fli_msg *first, *last;
	const fli_msg *asked; /* the call that a handler runs for */
	fl_buf reply;         /* to it; empty: none yet */
} fli_debug;

static fli_debug *debug_of(fl_proc *proc)
{
	fli_extra *extra = fli_proc_extra(proc);

	if (extra != NULL && extra->debug == NULL)
		extra->debug = fli_zalloc(proc->node->mem, sizeof *extra->debug);
	return extra == NULL ? NULL : extra->debug;
}

/* ---- the log --------------------------------------------------------------------------------- */

static void drop_first(fl_proc *proc, fli_debug *d)
{
	fli_msg *msg = d->first;

	d->first = msg->next;
	if (d->first == NULL)
		d->last = NULL;
	d->count--;
	d->bytes -= msg->size;
	fli_msg_free(proc->node, msg);
}

static void keep(fl_proc *proc, fli_debug *d, fl_term event)
{
	fli_msg *msg = fli_msg_of_term(proc->node, event);

	if (msg == NULL)
		return;
	msg->next = NULL;
	if (d->last != NULL)
		d->last->next = msg;
	else
		d->first = msg;
	d->last = msg;
	d->count++;
	d->bytes += msg->size;
	while (d->count > d->log_max || d->bytes > FLI_DEBUG_LOG_MAX)
		drop_first(proc, d);
}

static void forget(fl_proc *proc, fli_debug *d)
{
	d->log_max = 0;
	while (d->first != NULL)
		drop_first(proc, d);
}

void fli_debug_end(fl_proc *proc)
{
	fli_debug *d = proc->extra == NULL ? NULL : proc->extra->debug;

	if (d == NULL)
		return;
	forget(proc, d);
	fl_buf_free(&d->reply);
	fli_free(proc->node->mem, d);
	proc->extra->debug = NULL;
}

/* Nobody looks any more: the server goes back to one comparison a message. */
static void end_if_idle(fl_proc *proc)
{
	const fli_debug *d = proc->extra->debug;

	if (d->log_max == 0 && !d->is_traced)
		fli_debug_end(proc);
}

void fli_debug_log_on(fl_proc *proc, uint64_t max)
{
	fli_debug *d = debug_of(proc);

	if (d != NULL && d->log_max == 0)
		d->log_max = max;
}

void fli_debug_log_off(fl_proc *proc)
{
	if (!fli_is_debugged(proc))
		return;
	forget(proc, proc->extra->debug);
	end_if_idle(proc);
}

void fli_debug_trace(fl_proc *proc, bool on)
{
	fli_debug *d = on ? debug_of(proc) : proc->extra == NULL ? NULL : proc->extra->debug;

	if (d == NULL)
		return;
	d->is_traced = on;
	end_if_idle(proc);
}

bool fli_debug_has_events(const fl_proc *proc)
{
	return fli_is_debugged(proc) && proc->extra->debug->first != NULL;
}

int fli_debug_write(const fl_proc *proc, fl_buf *buf)
{
	const fli_msg *msg = fli_is_debugged(proc) ? proc->extra->debug->first : NULL;

	fl_list_open(buf);
	for (; msg != NULL; msg = msg->next)
		(void)fl_build(buf, "~", fli_msg_term(proc->node, msg)); /* see the error below */
	fl_list_close(buf);
	return buf->error;
}

void fli_debug_write_flags(const fl_proc *proc, fl_buf *buf)
{
	bool is_traced = fli_is_debugged(proc) && proc->extra->debug->is_traced;

	(void)fl_build(buf, is_traced ? "[{trace, true}]" : "[]"); /* the reader sees its error */
}

/* ---- words ----------------------------------------------------------------------------------- */

#define TEXT_MAX 1024 /* bytes of each term in a line */

/* As gen_server's print_event. */
static void print_event(fl_proc *proc, fl_term event)
{
	char name[320], one[TEXT_MAX], two[TEXT_MAX], three[TEXT_MAX];
	fli_log *log = &proc->node->log;
	fl_term a, b, c;

	(void)fli_proc_text(proc, name, sizeof name);
	if (fl_match(event, "{in, {'$gen_call', {~, _}, ~}}", &a, &b))
		fli_log_write(log, FLI_NOTICE, "*DBG* %s got call %s from %s", name,
			fl_print_to(one, sizeof one, b), fl_print_to(two, sizeof two, a));
	else if (fl_match(event, "{in, {'$gen_cast', ~}}", &a))
		fli_log_write(log, FLI_NOTICE, "*DBG* %s got cast %s", name,
			fl_print_to(one, sizeof one, a));
	else if (fl_match(event, "{in, ~}", &a))
		fli_log_write(
			log, FLI_NOTICE, "*DBG* %s got %s", name, fl_print_to(one, sizeof one, a));
	else if (fl_match(event, "{out, ~, {~, _}, ~}", &a, &b, &c))
		fli_log_write(log, FLI_NOTICE, "*DBG* %s sent %s to %s, new state %s", name,
			fl_print_to(one, sizeof one, a), fl_print_to(two, sizeof two, b),
			fl_print_to(three, sizeof three, c));
	else if (fl_match(event, "{noreply, ~}", &a))
		fli_log_write(log, FLI_NOTICE, "*DBG* %s new state %s", name,
			fl_print_to(one, sizeof one, a));
	else
		fli_log_write(log, FLI_NOTICE, "*DBG* %s dbg  %s", name,
			fl_print_to(one, sizeof one, event));
}

void fli_debug_print(fl_proc *proc)
{
	const fli_msg *msg = fli_is_debugged(proc) ? proc->extra->debug->first : NULL;

	for (; msg != NULL; msg = msg->next)
		print_event(proc, fli_msg_term(proc->node, msg));
}

/* ---- events ---------------------------------------------------------------------------------- */

static void note(fl_proc *proc, fl_buf *event)
{
	fli_debug *d = proc->extra->debug;

	if (event->error == FL_OK && d->log_max > 0)
		keep(proc, d, fl_buf_term(event));
	if (event->error == FL_OK && d->is_traced)
		print_event(proc, fl_buf_term(event));
	fl_buf_free(event);
}

/* The term, or the size of one that is too large. */
static void write_limited(fl_buf *buf, fl_term term)
{
	if (term.size <= FLI_DEBUG_EVENT_MAX)
		(void)fl_build(buf, "~", term);
	else
		(void)fl_build(buf, "{too_large, ~, bytes}", term.size);
}

static void note_in(fl_proc *proc, fl_spec what)
{
	fl_buf event = FL_BUF_INIT;

	(void)fl_build_values(&event, what.pattern, what.values, what.count); /* note looks */
	note(proc, &event);
}

static void write_from(fl_buf *buf, const fl_proc *proc, const fli_msg *msg)
{
	(void)fl_build(buf, "{~, ~}",
		fli_term(proc->node, msg->data + msg->pid, msg->tag - msg->pid),
		fli_term(proc->node, msg->data + msg->tag, msg->body - msg->tag));
}

static void note_call(fl_proc *proc, const fli_msg *msg)
{
	fl_buf from = FL_BUF_INIT, request = FL_BUF_INIT;

	write_from(&from, proc, msg);
	write_limited(&request, fli_term(proc->node, msg->data + msg->body, msg->size - msg->body));
	note_in(proc,
		fl_spec("{in, {'$gen_call', ~, ~}}", fl_buf_term(&from), fl_buf_term(&request)));
	fl_buf_free(&from);
	fl_buf_free(&request);
	proc->extra->debug->asked = msg;
}

static void note_message(fl_proc *proc, const fli_msg *msg)
{
	fl_buf whole = FL_BUF_INIT;

	write_limited(&whole, fli_msg_term(proc->node, msg));
	note_in(proc, fl_spec("{in, ~}", fl_buf_term(&whole)));
	fl_buf_free(&whole);
}

static bool has_own_events(const fl_proc *proc)
{
	return proc->behaviour->statem != NULL;
}

void fli_debug_event(fl_proc *proc, fl_buf *event)
{
	fl_buf limited = FL_BUF_INIT;

	if (!fli_is_debugged(proc) || event->error != FL_OK) {
		fl_buf_free(event);
		return;
	}
	write_limited(&limited, fl_buf_term(event));
	fl_buf_free(event);
	note(proc, &limited);
}

bool fli_debug_from(fl_node *node, fl_from from, fl_buf *ret_from)
{
	fli_call *call = fli_call_find(node, from);

	if (call == NULL || call->msg == NULL)
		return false;
	write_from(ret_from, call->proc, call->msg);
	return ret_from->error == FL_OK;
}

void fli_debug_in(fl_proc *proc, const fli_msg *msg)
{
	if (has_own_events(proc))
		return;
	fl_buf_free(&proc->extra->debug->reply);
	proc->extra->debug->asked = NULL;
	switch ((fli_msg_kind)msg->kind) {
	case FLI_MSG_CALL: note_call(proc, msg); break;
	case FLI_MSG_SYSTEM: /* sys's own are none, as in OTP; the others have no form there */
	case FLI_MSG_START:
	case FLI_MSG_DONE: break;
	case FLI_MSG_NODE_UP:
		note_in(proc, fl_spec("{in, {nodeup, ~}}", fli_msg_term(proc->node, msg)));
		break;
	case FLI_MSG_NODE_DOWN:
		note_in(proc, fl_spec("{in, {nodedown, ~}}", fli_msg_term(proc->node, msg)));
		break;
	default: note_message(proc, msg);
	}
}

void fli_debug_timeout(fl_proc *proc)
{
	if (has_own_events(proc))
		return;
	note_in(proc, fl_spec("{in, timeout}"));
}

void fli_debug_continue(fl_proc *proc, fl_term what)
{
	if (has_own_events(proc))
		return;
	note_in(proc, fl_spec("{continue, ~}", what));
}

/* {out, Reply, From}; the reply is built once more. */
static void note_reply(fl_proc *proc, const fli_msg *asked, fl_spec reply)
{
	fl_buf whole = FL_BUF_INIT, event = FL_BUF_INIT;

	(void)fl_build_values(&whole, reply.pattern, reply.values, reply.count);
	fl_tuple_open(&event);
	(void)fl_build(&event, "out"); /* note looks at the buffer's error */
	if (whole.error == FL_OK)
		write_limited(&event, fl_buf_term(&whole));
	write_from(&event, proc, asked);
	fl_tuple_close(&event);
	fl_buf_free(&whole);
	note(proc, &event);
}

void fli_debug_replied(fl_proc *proc, const fli_msg *asked, fl_spec reply)
{
	fli_debug *d = proc->extra->debug;

	if (has_own_events(proc)) {
		note_reply(proc, asked, reply);
		return;
	}
	if (d->asked == asked && asked != NULL)
		(void)fl_build_values(&d->reply, reply.pattern, reply.values, reply.count);
}

void fli_debug_out(fl_proc *proc)
{
	fli_debug *d = proc->extra->debug;
	fl_buf event = FL_BUF_INIT, whole = FL_BUF_INIT, state = FL_BUF_INIT;

	if (has_own_events(proc))
		return;
	fli_state_write(proc, &whole);
	if (whole.error == FL_OK)
		write_limited(&state, fl_buf_term(&whole));
	if (d->reply.size > 0 && d->reply.error == FL_OK) {
		fl_tuple_open(&event);
		(void)fl_build(&event, "out"); /* note looks at the buffer's error */
		write_limited(&event, fl_buf_term(&d->reply));
		write_from(&event, proc, d->asked);
		(void)fl_build(&event, "~", fl_buf_term(&state));
		fl_tuple_close(&event);
	} else {
		(void)fl_build(&event, "{noreply, ~}", fl_buf_term(&state));
	}
	fl_buf_free(&whole);
	fl_buf_free(&state);
	fl_buf_free(&d->reply);
	d->asked = NULL;
	note(proc, &event);
}
