/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a server's end, worded as OTP's: to the node's log, and, when the server's group
 * leader is on another node, to that node's logger (logger_proxy), as OTP does.
 *
 * The logger gets gen_server's own report, with the name of the function that words it there, so
 * that Erlang and Elixir print it as one of theirs. The state is what format_status shows of it, so
 * a server that holds secrets leaves them out there.
 *
 * Failure: a term over a limit is replaced by its size. Without memory the node's own log has the
 * line all the same, cut as each line is.
 */
#include <stdio.h>

#include "node/debug.h"
#include "node/log_event.h"
#include "node/natives.h"
#include "node/runtime.h"
#include "node/term/peek.h"
#include "node/term/tag.h"

#define TEXT_MAX 1024 /* bytes of each term in the node's log */

const char *fli_proc_text(const fl_proc *proc, char *ret_text, size_t size)
{
	fl_pid pid = fli_proc_pid(proc);

	if (proc->name != NULL)
		(void)snprintf(
			ret_text, size, "%.*s", (int)proc->name->text.size, proc->name->text.text);
	else
		(void)snprintf(ret_text, size, "<%.*s.%u.%u>", (int)pid.node.size, pid.node.text,
			pid.id, pid.serial);
	return ret_text;
}

/* normal, shutdown, {shutdown, _} are no news. */
bool fli_report_is_due(fl_term reason)
{
	return reason.data != NULL && !fl_match(reason, "normal") &&
	       !fl_match(reason, "shutdown") && !fl_match(reason, "{shutdown, _}");
}

/* As gen_server tells it: a call's request, but a cast with its envelope; [] where sys ends it. */
static fl_term last_message(const fl_proc *proc, const fli_msg *last)
{
	static const uint8_t none[] = {FLI_SMALL_ATOM_UTF8_EXT, 4, 'n', 'o', 'n', 'e'};
	static const uint8_t nil[] = {FLI_NIL_EXT};
	uint32_t body;

	if (last == NULL)
		return fli_term(proc->node, none, sizeof none);
	if (last->kind == FLI_MSG_SYSTEM)
		return fli_term(proc->node, nil, sizeof nil);
	body = last->kind == FLI_MSG_CAST ? 0 : last->body;
	return fli_term(proc->node, last->data + body, last->size - body);
}

/* What names the server in gen_server's report: its name, else its pid. */
static void write_name(fl_buf *buf, const fl_proc *proc)
{
	if (proc->name != NULL)
		(void)fl_build(buf, "~", proc->name->text);
	else
		(void)fl_build(buf, "~", fli_proc_pid(proc));
}

/* Of proc_lib:set_label. */
static void write_label(fl_buf *buf, const fl_proc *proc)
{
	fl_term label;

	if (fli_proc_kept(proc, FLI_KEEP_LABEL, &label))
		fli_log_write_limited(buf, label);
	else
		(void)fl_build(buf, "undefined");
}

typedef struct report {
	fl_term reason, last, state;
	fl_buf log; /* sys:log's events: a list, empty where nobody asked for them */
	fl_pid client;
	enum { CLIENT_NONE, CLIENT_REMOTE, CLIENT_DEAD, CLIENT_ALIVE } client_is;
} report;

/* Whose call was handled. As in OTP nobody asks another node whether the client lives. */
static void look_at_client(const fl_proc *proc, const fli_msg *last, report *r)
{
	fli_cursor c;

	r->client_is = CLIENT_NONE;
	if (last == NULL || last->kind != FLI_MSG_CALL)
		return;
	c = fli_cursor_make(last->data + last->pid, last->tag - last->pid);
	if (!fli_peek_pid(&c, NULL, &r->client))
		return;
	if (!fli_pid_is_local(proc->node, &r->client))
		r->client_is = CLIENT_REMOTE;
	else
		r->client_is =
			fli_proc_of(proc->node, &r->client) != NULL ? CLIENT_ALIVE : CLIENT_DEAD;
}

static void write_client(fl_buf *buf, const report *r)
{
	switch (r->client_is) {
	case CLIENT_REMOTE: (void)fl_build(buf, "{~, remote}", r->client); break;
	case CLIENT_DEAD: (void)fl_build(buf, "{~, dead}", r->client); break;
	case CLIENT_ALIVE: (void)fl_build(buf, "{~, {~, []}}", r->client, r->client); break;
	case CLIENT_NONE: (void)fl_build(buf, "undefined"); break;
	}
}

/* The end of the line in the node's log. */
static const char *client_text(const report *r, char *ret_text, size_t size)
{
	char pid[320];
	fl_buf buf = FL_BUF_INIT;

	ret_text[0] = '\0';
	if (r->client_is == CLIENT_NONE)
		return ret_text;
	(void)fl_build(&buf, "~", r->client); /* without memory the text is empty */
	(void)fl_print_to(pid, sizeof pid, fl_buf_term(&buf));
	fl_buf_free(&buf);
	if (r->client_is == CLIENT_REMOTE)
		(void)snprintf(ret_text, size, " ** Client %s is remote on node %.*s", pid,
			(int)r->client.node.size, r->client.node.text);
	else
		(void)snprintf(ret_text, size, " ** Client %s is %s", pid,
			r->client_is == CLIENT_DEAD ? "dead" : "alive");
	return ret_text;
}

/* OTP 27 and later ask for process_label, all for the other keys. */
static void write_report(fl_buf *buf, const fl_proc *proc, const report *r)
{
	fl_buf name = FL_BUF_INIT, reason = FL_BUF_INIT, last = FL_BUF_INIT, state = FL_BUF_INIT;
	fl_buf client = FL_BUF_INIT, log = FL_BUF_INIT, label = FL_BUF_INIT;

	write_name(&name, proc);
	fli_log_write_limited(&reason, r->reason);
	fli_log_write_limited(&last, r->last);
	fli_log_write_limited(&state, r->state);
	fli_log_write_limited(&log, fl_buf_term(&r->log));
	write_client(&client, r);
	write_label(&label, proc);
	(void)fl_build(buf,
		"#{label => {gen_server, terminate}, name => ~, last_message => ~, state => ~, "
		"log => ~, reason => ~, client_info => ~, process_label => ~}",
		fl_buf_term(&name), fl_buf_term(&last), fl_buf_term(&state), fl_buf_term(&log),
		fl_buf_term(&reason), fl_buf_term(&client), fl_buf_term(&label));
	fl_buf_free(&label);
	fl_buf_free(&client);
	fl_buf_free(&log);
	fl_buf_free(&name);
	fl_buf_free(&reason);
	fl_buf_free(&last);
	fl_buf_free(&state);
}

static void tell_logger(fl_proc *proc, const report *r)
{
	/* fun gen_server:format_log/1 */
	static const uint8_t wording[] = {FLI_EXPORT_EXT, FLI_SMALL_ATOM_UTF8_EXT, 10, 'g', 'e',
		'n', '_', 's', 'e', 'r', 'v', 'e', 'r', FLI_SMALL_ATOM_UTF8_EXT, 10, 'f', 'o', 'r',
		'm', 'a', 't', '_', 'l', 'o', 'g', FLI_SMALL_INTEGER_EXT, 1};
	fl_term format = fli_term(proc->node, wording, sizeof wording);
	fl_buf buf = FL_BUF_INIT;

	write_report(&buf, proc, r);
	if (buf.error == FL_OK)
		fli_logger_tell(proc, FL_LOG_ERROR, fl_spec("{~}", fl_buf_term(&buf)),
			fl_spec("#{domain => [otp], report_cb => ~, "
				"error_logger => #{tag => error, report_cb => ~}}",
				format, format));
	fl_buf_free(&buf);
}

/*
 * What proc_lib says of the same end. As there, a process that ended in good order has none, and
 * of others those that were linked to it are not looked at.
 */
static void tell_crash(fl_proc *proc, fl_term reason)
{
	/* fun proc_lib:report_cb/2 */
	static const uint8_t wording[] = {FLI_EXPORT_EXT, FLI_SMALL_ATOM_UTF8_EXT, 8, 'p', 'r', 'o',
		'c', '_', 'l', 'i', 'b', FLI_SMALL_ATOM_UTF8_EXT, 9, 'r', 'e', 'p', 'o', 'r', 't',
		'_', 'c', 'b', FLI_SMALL_INTEGER_EXT, 2};
	fl_buf info = FL_BUF_INIT;

	fli_crash_info_write(&info, proc, reason);
	if (info.error == FL_OK)
		fli_logger_tell(proc, FL_LOG_ERROR,
			fl_spec("{#{label => {proc_lib, crash}, report => [~, []]}}",
				fl_buf_term(&info)),
			fl_spec("#{domain => [otp, sasl], report_cb => ~, "
				"logger_formatter => #{title => \"CRASH REPORT\"}, "
				"error_logger => #{tag => error_report, type => crash_report}}",
				fli_term(proc->node, wording, sizeof wording)));
	fl_buf_free(&info);
}

void fli_report_stop(fl_proc *proc, fl_term reason, const fli_msg *last, fl_term state)
{
	char name[320], reason_text[TEXT_MAX], last_text[TEXT_MAX], state_text[TEXT_MAX];
	char log_text[TEXT_MAX] = "", client[640];
	report r = {.reason = reason, .last = last_message(proc, last), .state = state};

	if (!fli_report_is_due(reason))
		return;
	if (state.data == NULL || state.size == 0)
		r.state = last_message(proc, NULL); /* `none`: before init, or without memory */
	look_at_client(proc, last, &r);
	(void)fli_debug_write(proc, &r.log); /* without memory the report has none */
	if (fli_debug_has_events(proc))
		(void)fl_print_to(log_text, sizeof log_text, fl_buf_term(&r.log));
	(void)fli_proc_text(proc, name, sizeof name);
	fli_log_write(&proc->node->log, FLI_ERROR,
		"** Generic server %s terminating ** Last message in was %s ** When Server state "
		"== %s ** Reason for termination == %s%s%s%s",
		name, fl_print_to(last_text, sizeof last_text, r.last),
		fl_print_to(state_text, sizeof state_text, r.state),
		fl_print_to(reason_text, sizeof reason_text, reason),
		log_text[0] != '\0' ? " ** Log == " : "", log_text,
		client_text(&r, client, sizeof client));
	if (fli_logger_is_remote(proc)) {
		tell_logger(proc, &r);
		tell_crash(proc, reason);
	}
	fl_buf_free(&r.log);
}
