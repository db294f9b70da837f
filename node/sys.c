/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTP's sys messages, enough to look at a server and to stop it: get_state, get_status, suspend,
 * resume, terminate. What is not known is answered as OTP answers it.
 *
 * get_state's reply has been {ok, State} since OTP 26.1 and a bare State before; {ok, State} is
 * sent to all, since it crashes nobody.
 */
#include <stdio.h>

#include "node/runtime.h"
#include "node/sched.h"
#include "node/term/utf8.h"

/* The state as the behaviour shows it; without a format_status only its size is known. */
static void write_state(fl_proc *proc, fl_buf *buf)
{
	const fl_behaviour *b = proc->behaviour;
	size_t size = buf->size;

	if (b->format_status != NULL && b->format_status(proc, proc->state, buf) == FL_OK &&
		buf->size > size)
		return;
	buf->size = size;
	(void)fl_build(buf, "{opaque, ~, bytes}", b->state_size);
}

static int reply_state(fl_proc *proc, const fli_msg *msg)
{
	fl_buf state = FL_BUF_INIT;
	int rc;

	write_state(proc, &state);
	rc = fli_reply_spec(proc->node, proc, msg, fl_spec("{ok, ~}", fl_buf_term(&state)));
	fl_buf_free(&state);
	return rc;
}

/* A list of characters, as observer and sys expect it. */
static void write_header(fl_proc *proc, fl_buf *buf)
{
	char name[320], text[360];
	const uint8_t *p = (const uint8_t *)text;
	uint32_t c;
	size_t taken;

	(void)snprintf(text, sizeof text, "Status for generic server %s",
		fli_proc_text(proc, name, sizeof name));
	fl_list_open(buf);
	while (*p != '\0' && (taken = fli_utf8_decode(p, strlen((const char *)p), &c)) != 0) {
		(void)fl_build(buf, "~", c);
		p += taken;
	}
	fl_list_close(buf);
}

static int reply_status(fl_proc *proc, const fli_msg *msg)
{
	fl_buf state = FL_BUF_INIT, header = FL_BUF_INIT;
	fl_atom module = fl_atom_of(proc->behaviour->name);
	fl_atom running = fl_atom_of(
		proc->extra != NULL && proc->extra->sys_suspended ? "suspended" : "running");
	fl_pid parent = proc->extra != NULL && proc->extra->has_parent ? proc->extra->parent
								       : proc->node->system_pid;
	int rc;

	write_state(proc, &state);
	write_header(proc, &header);
	rc = fli_reply_spec(proc->node, proc, msg,
		fl_spec("{status, ~, {module, gen_server}, [[{'$initial_call', {~, init, 1}}, "
			"{'$ancestors', [~]}], ~, ~, [], [{header, ~}, {data, [{\"Status\", ~}, "
			"{\"Parent\", ~}, {\"Logged events\", []}]}, {data, [{\"State\", ~}]}]]}",
			fli_proc_pid(proc), module, parent, running, parent, fl_buf_term(&header),
			running, parent, fl_buf_term(&state)));
	fl_buf_free(&header);
	fl_buf_free(&state);
	return rc;
}

static int set_suspended(fl_proc *proc, const fli_msg *msg, bool on)
{
	fli_extra *extra = fli_proc_extra(proc);

	if (extra != NULL) {
		extra->sys_suspended = on;
		extra->searched = NULL;
	}
	return fli_reply_spec(proc->node, proc, msg, fl_spec("ok"));
}

static int terminate(fl_proc *proc, const fli_msg *msg, fl_term reason)
{
	(void)fli_reason_set(proc, fl_spec("~", reason));           /* without memory: killed */
	(void)fli_reply_spec(proc->node, proc, msg, fl_spec("ok")); /* the caller may be gone */
	return FL_STOP;
}

/* Whoever stops or suspends one of the node's own processes makes the node mute. */
static bool is_forbidden(const fl_proc *proc, fl_term request)
{
	return proc->is_system &&
	       (fl_match(request, "{terminate, _}") || fl_match(request, "suspend"));
}

int fli_sys_handle(fl_proc *proc, const fli_msg *msg)
{
	fl_node *node = proc->node;
	fl_term request = fli_term(node, msg->data + msg->body, msg->size - msg->body), arg;

	if (is_forbidden(proc, request)) {
		(void)fli_reply_spec(node, proc, msg, fl_spec("{error, not_allowed}"));
		return FL_OK;
	}
	if (fl_match(request, "{terminate, ~}", &arg))
		return terminate(proc, msg, arg);
	/* an answer that finds nobody is no error of the server's */
	if (fl_match(request, "get_state"))
		(void)reply_state(proc, msg);
	else if (fl_match(request, "get_status"))
		(void)reply_status(proc, msg);
	else if (fl_match(request, "suspend"))
		(void)set_suspended(proc, msg, true);
	else if (fl_match(request, "resume"))
		(void)set_suspended(proc, msg, false);
	else if (fl_match(request, "{debug, ~}", &arg))
		(void)fli_reply_spec(node, proc, msg, fl_spec("ok"));
	else
		(void)fli_reply_spec(
			node, proc, msg, fl_spec("{error, {unknown_system_msg, ~}}", request));
	return FL_OK;
}
