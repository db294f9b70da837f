/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTP's sys messages: get_state, get_status, suspend, resume, terminate, statistics, log, trace;
 * change_code is recognised here and served by server.c, since a handler runs for it. What is not
 * known is answered as OTP answers it.
 *
 * get_state's reply has been {ok, State} since OTP 26.1 and a bare State before. An older caller
 * would take the pair for the state, a newer one crashes on a bare state, and the handshake does
 * not tell the release. The tag of the question does: gen asks with a plain reference in OTP 23,
 * with an alias of three words in 24 and 25, and of five since 26. Only 26.0, which cannot be told
 * from its successors, shows its users the pair.
 *
 * Departs from OTP: a fun of the caller's cannot run here, so replace_state takes the name of an
 * exported function, `fun M:F/1`, or fails as a callback that raises does, and what `install`
 * brings is refused.
 */
#include <stdio.h>
#include <time.h>

#include "node/access.h"
#include "node/debug.h"
#include "node/natives.h"
#include "node/runtime.h"
#include "node/sched.h"
#include "node/statem.h"
#include "node/term/peek.h"
#include "node/term/utf8.h"

#define OLD_ALIAS_WORDS 3
#define LOG_EVENTS 10 /* OTP's, where the caller says no other */

void fli_state_write(fl_proc *proc, fl_buf *buf)
{
	const fl_behaviour *b = proc->behaviour;
	size_t size = buf->size;

	if (b->format_status != NULL && b->format_status(proc, proc->state, buf) == FL_OK &&
		buf->size > size)
		return;
	buf->size = size;
	(void)fl_build(buf, "{opaque, ~, bytes}", b->state_size);
}

static bool expects_bare_state(const fl_node *node, const fli_msg *msg)
{
	fli_cursor c = fli_cursor_make(msg->data + msg->pid, msg->tag - msg->pid);
	fl_term tag = fli_term(node, msg->data + msg->tag, msg->body - msg->tag);
	bool is_alias;
	fl_pid caller;
	fl_ref ref;

	return fli_peek_pid(&c, NULL, &caller) && !fli_pid_is_local(node, &caller) &&
	       fli_tag_ref(tag, &ref, &is_alias) && ref.count <= OLD_ALIAS_WORDS;
}

static int reply_state(fl_proc *proc, const fli_msg *msg)
{
	fl_buf state = FL_BUF_INIT;
	const char *pattern = expects_bare_state(proc->node, msg) ? "~" : "{ok, ~}";
	int rc;

	fli_state_write(proc, &state);
	rc = fli_reply_spec(proc->node, proc, msg, fl_spec(pattern, fl_buf_term(&state)));
	fl_buf_free(&state);
	return rc;
}

/* A list of characters, as observer and sys expect it. */
static void write_header(fl_proc *proc, fl_buf *buf)
{
	char name[320], text[360];
	const uint8_t *p = (const uint8_t *)text;
	const char *what = fli_is_statem(proc) ? "state machine" : "generic server";
	uint32_t c;
	size_t taken;

	(void)snprintf(text, sizeof text, "Status for %s %s", what,
		fli_proc_text(proc, name, sizeof name));
	fl_list_open(buf);
	while (*p != '\0' && (taken = fli_utf8_decode(p, strlen((const char *)p), &c)) != 0) {
		(void)fl_build(buf, "~", c);
		p += taken;
	}
	fl_list_close(buf);
}

/* What a status is made of. */
typedef struct looks {
	fl_atom running; /* or suspended */
	fl_pid parent;
	fl_buf header, events;
} looks;

/* [{"Status", _}, ...], whose keys the kinds of OTP's servers write each in its own way. */
static void write_data(fl_proc *proc, looks *l, fl_buf *buf)
{
	fl_buf timeouts = FL_BUF_INIT, postponed = FL_BUF_INIT, modules = FL_BUF_INIT;

	if (!fli_is_statem(proc)) {
		(void)fl_build(buf, "[{\"Status\", ~}, {\"Parent\", ~}, {\"Logged events\", ~}]",
			l->running, l->parent, fl_buf_term(&l->events));
		return; /* the reader sees its error, here and below */
	}
	fli_statem_timeouts_write(proc, &timeouts);
	fli_statem_postponed_write(proc, &postponed);
	fli_statem_modules_write(proc, &modules);
	(void)fl_build(buf,
		"[{\"Status\", ~}, {\"Parent\", ~}, {\"Modules\", ~}, {\"Time-outs\", ~}, "
		"{\"Logged Events\", ~}, {\"Postponed\", ~}]",
		l->running, l->parent, fl_buf_term(&modules), fl_buf_term(&timeouts),
		fl_buf_term(&l->events), fl_buf_term(&postponed));
	fl_buf_free(&timeouts);
	fl_buf_free(&postponed);
	fl_buf_free(&modules);
}

static void write_misc(fl_proc *proc, looks *l, fl_buf *buf)
{
	fl_buf data = FL_BUF_INIT, state = FL_BUF_INIT;

	write_data(proc, l, &data);
	fli_state_write(proc, &state);
	(void)fl_build(buf, "[{header, ~}, {data, ~}, {data, [{\"State\", ~}]}]",
		fl_buf_term(&l->header), fl_buf_term(&data), fl_buf_term(&state));
	fl_buf_free(&data);
	fl_buf_free(&state);
}

static int reply_status(fl_proc *proc, const fli_msg *msg)
{
	const fli_extra *extra = proc->extra;
	bool is_suspended = extra != NULL && extra->sys_suspended;
	looks l = {.running = fl_atom_of(is_suspended ? "suspended" : "running"),
		.parent = extra != NULL && extra->has_parent ? extra->parent
							     : proc->node->system_pid};
	fl_buf dictionary = FL_BUF_INIT, flags = FL_BUF_INIT, misc = FL_BUF_INIT;
	const char *module = fli_is_statem(proc) ? "gen_statem" : "gen_server";
	int rc;

	fli_dictionary_write(proc, &dictionary);
	write_header(proc, &l.header);
	(void)fli_debug_write(
		proc, &l.events); /* without memory the reply cannot be built, either */
	fli_debug_write_flags(proc, &flags);
	write_misc(proc, &l, &misc);
	rc = fli_reply_spec(proc->node, proc, msg,
		fl_spec("{status, ~, {module, ~}, [~, ~, ~, ~, ~]}", fli_proc_pid(proc),
			fl_atom_of(module), fl_buf_term(&dictionary), l.running, l.parent,
			fl_buf_term(&flags), fl_buf_term(&misc)));
	fl_buf_free(&l.events);
	fl_buf_free(&l.header);
	fl_buf_free(&flags);
	fl_buf_free(&dictionary);
	fl_buf_free(&misc);
	return rc;
}

static int set_suspended(fl_proc *proc, const fli_msg *msg, bool on)
{
	fli_extra *extra = fli_proc_extra(proc);
	fl_term heir;

	if (extra != NULL) {
		extra->sys_suspended = on || fli_proc_kept(proc, FLI_KEEP_HEIR, &heir);
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

/* ---- suspended --------------------------------------------------------------------------------
 */

/*
 * Suspended by sys: system messages and the parent's exit alone are served. Each message is looked
 * at once, however many wait, since peers can send as many as the mailbox takes.
 */
fli_msg *fli_sys_find(fl_proc *proc)
{
	fli_extra *extra = proc->extra;
	fli_msg *msg = extra->searched == NULL ? proc->first : extra->searched->next;

	for (; msg != NULL && msg->kind != FLI_MSG_SYSTEM && msg->kind != FLI_MSG_EXIT;
		msg = msg->next)
		extra->searched = msg;
	return msg;
}

fli_msg *fli_sys_pop(fl_proc *proc)
{
	fli_msg *msg = fli_sys_find(proc), *before = proc->extra->searched;

	if (msg == NULL || before == NULL)
		return msg == NULL ? NULL : fli_mailbox_pop(proc);
	before->next = msg->next;
	if (proc->last == msg)
		proc->last = before;
	proc->mailbox_count--;
	msg->next = NULL;
	return msg;
}

bool fli_sys_is_suspended(const fl_proc *proc)
{
	return proc->extra != NULL && proc->extra->sys_suspended;
}

/* ---- handed over ----------------------------------------------------------------------------- */

static bool is_for_heir(const fl_node *node, const fli_msg *msg)
{
	if (msg->kind == FLI_MSG_CALL || msg->kind == FLI_MSG_CAST)
		return true;
	return msg->kind == FLI_MSG_INFO &&
	       !fl_match(fli_msg_term(node, msg), "{'DOWN', _, _, _, _}");
}

static void pass_on_to(fl_proc *proc, const fl_pid *heir)
{
	fl_dest to = fl_to_pid(*heir);
	uint32_t count = proc->mailbox_count;

	if (count > 0 && proc->extra != NULL)
		proc->extra->searched = NULL; /* it points into what is taken apart here */
	while (count-- > 0) {
		fli_msg *msg = fli_mailbox_pop(proc);

		if (!is_for_heir(proc->node, msg)) {
			fli_mailbox_push(proc, msg);
			continue;
		}
		/* an heir that is gone is found out as any loss */
		(void)fli_send_term(proc->node, proc, &to, fli_msg_term(proc->node, msg));
		fli_msg_free(proc->node, msg);
	}
}

void fli_sys_pass_on(fl_proc *proc)
{
	fl_term term;
	fl_pid heir;

	if (proc->first != NULL && fli_proc_kept(proc, FLI_KEEP_HEIR, &term) &&
		fl_match(term, "~", &heir))
		pass_on_to(proc, &heir);
}

void fli_sys_hand_over(fl_proc *proc, const fl_pid *heir)
{
	fl_buf buf = FL_BUF_INIT;

	if (fl_build(&buf, "~", *heir) == FL_OK)
		(void)fli_proc_keep_owned(proc, FLI_KEEP_HEIR, fl_buf_term(&buf));
	fl_buf_free(&buf);
	pass_on_to(proc, heir);
}

/* ---- sys's debug requests --------------------------------------------------------------------
 */

/* {{Year, Month, Day}, {Hour, Minute, Second}}, local time. */
static void write_time(fl_buf *buf, int64_t wall_us)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm t = {.tm_mday = 1, .tm_year = 70};

	(void)localtime_r(&seconds, &t); /* a time beyond all calendars is 1970 */
	(void)fl_build(buf, "{{~, ~, ~}, {~, ~, ~}}", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
		t.tm_hour, t.tm_min, t.tm_sec);
}

static void end_statistics(fl_proc *proc)
{
	if (proc->extra == NULL)
		return;
	fli_free(proc->node->mem, proc->extra->statistics);
	proc->extra->statistics = NULL;
}

static int set_statistics(fl_proc *proc, const fli_msg *msg, bool on)
{
	fli_extra *extra = fli_proc_extra(proc);

	if (extra != NULL && on && extra->statistics == NULL)
		extra->statistics = fli_alloc(proc->node->mem, sizeof *extra->statistics);
	if (extra != NULL && on && extra->statistics != NULL)
		*extra->statistics =
			(fli_statistics){.since_us = proc->node->port->wall_us(proc->node->port),
				.handled = proc->handled};
	if (!on)
		end_statistics(proc);
	return fli_reply_spec(proc->node, proc, msg, fl_spec("ok"));
}

/* Reductions are messages here, as in process_info; what a server says are its replies. */
static int reply_statistics(fl_proc *proc, const fli_msg *msg)
{
	const fli_statistics *s = proc->extra == NULL ? NULL : proc->extra->statistics;
	fl_buf start = FL_BUF_INIT, now = FL_BUF_INIT;
	uint64_t handled;
	int rc;

	if (s == NULL)
		return fli_reply_spec(proc->node, proc, msg, fl_spec("{ok, no_statistics}"));
	handled = proc->handled - s->handled;
	write_time(&start, s->since_us);
	write_time(&now, proc->node->port->wall_us(proc->node->port));
	rc = fli_reply_spec(proc->node, proc, msg,
		fl_spec("{ok, [{start_time, ~}, {current_time, ~}, {reductions, ~}, "
			"{messages_in, ~}, {messages_out, ~}]}",
			fl_buf_term(&start), fl_buf_term(&now), handled, s->messages_in,
			s->replies));
	fl_buf_free(&start);
	fl_buf_free(&now);
	return rc;
}

static const char *answer_to_debug(fl_term request)
{
	static const struct {
		const char *request, *answer;
	} all[] = {
		{"{log_to_file, false}", "ok"},
		{"{log_to_file, _}", "{error, open_file}"}, /* a peer writes no files here */
		{"{install, _}", "{error, notsup}"},
		{"{remove, _}", "ok"},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (fl_match(request, all[i].request))
			return all[i].answer;
	return "unknown_debug";
}

static void no_debug(fl_proc *proc)
{
	end_statistics(proc);
	fli_debug_end(proc);
}

static bool set_debug(fl_proc *proc, fl_term request)
{
	uint64_t max;
	bool on;

	if (fl_match(request, "{log, true}"))
		fli_debug_log_on(proc, LOG_EVENTS);
	else if (fl_match(request, "{log, {true, ~}}", &max) && max > 0)
		fli_debug_log_on(proc, max);
	else if (fl_match(request, "{log, false}"))
		fli_debug_log_off(proc);
	else if (fl_match(request, "{log, print}"))
		fli_debug_print(proc);
	else if (fl_match(request, "{trace, ~}", &on))
		fli_debug_trace(proc, on);
	else if (fl_match(request, "no_debug"))
		no_debug(proc);
	else
		return false;
	return true;
}

static int reply_log(fl_proc *proc, const fli_msg *msg)
{
	fl_buf events = FL_BUF_INIT;
	int rc;

	(void)fli_debug_write(proc, &events); /* without memory the reply cannot be built, either */
	rc = fli_reply_spec(proc->node, proc, msg, fl_spec("{ok, ~}", fl_buf_term(&events)));
	fl_buf_free(&events);
	return rc;
}

static int debug(fl_proc *proc, const fli_msg *msg, fl_term request)
{
	bool on;

	if (fl_match(request, "{statistics, get}"))
		return reply_statistics(proc, msg);
	if (fl_match(request, "{statistics, ~}", &on))
		return set_statistics(proc, msg, on);
	if (set_debug(proc, request))
		return fli_reply_spec(proc->node, proc, msg, fl_spec("ok"));
	if (fl_match(request, "{log, get}"))
		return reply_log(proc, msg);
	return fli_reply_spec(proc->node, proc, msg, fl_spec(answer_to_debug(request)));
}

bool fli_sys_is_code_change(const fl_proc *proc, const fli_msg *msg, fl_term *ret_old_vsn)
{
	fl_term request = fli_term(proc->node, msg->data + msg->body, msg->size - msg->body);

	return proc->extra != NULL && proc->extra->sys_suspended &&
	       fl_match(request, "{change_code, _, ~, _}", ret_old_vsn);
}

/* ---- replace_state --------------------------------------------------------------------------- */

bool fli_sys_is_replace_state(const fl_proc *proc, const fli_msg *msg, fl_term *ret_fun)
{
	fl_term request = fli_term(proc->node, msg->data + msg->body, msg->size - msg->body);
	fli_mfa named;

	return proc->behaviour->replace_state != NULL && !proc->is_system &&
	       fl_match(request, "{replace_state, ~}", ret_fun) && fli_fun_names(*ret_fun, &named);
}

static int set_reason(fl_proc *self, int class, const fli_mfa *mfa, fl_term raised)
{
	const char *const classes[] = {
		[FL_THROW] = "throw", [FL_ERROR] = "error", [FL_EXIT] = "exit"};

	return fl_stop(self, "{callback_failed, {~, ~}, {~, ~}}", mfa->module, mfa->function,
		fl_atom_of(classes[class]), raised);
}

/* A handler. FL_STOP: the reason is what the answer says. */
int fli_sys_replace_state(fl_proc *self, fl_term fun)
{
	fl_buf state = FL_BUF_INIT, args = FL_BUF_INIT, result = FL_BUF_INIT;
	fli_mfa mfa;
	int rc, class;

	if (!fli_fun_names(fun, &mfa))
		return fl_stop(self, "badarg");
	fli_enter(self->node);
	fli_state_write(self, &state);
	fli_leave(self->node);
	if (fl_build(&args, "[~]", fl_buf_term(&state)) != FL_OK) {
		fl_buf_free(&state);
		return fl_stop(self, "system_limit");
	}
	mfa.args = fl_buf_term(&args);
	class = fli_apply(self, &mfa, &result);
	if (class == FL_OK)
		rc = self->behaviour->replace_state(self, self->state, fl_buf_term(&result));
	else
		rc = set_reason(self, class, &mfa, fl_buf_term(&result));
	fl_buf_free(&state);
	fl_buf_free(&args);
	fl_buf_free(&result);
	return rc;
}

/* An answer that finds nobody is no error of the server's. */
void fli_sys_state_replaced(fl_proc *proc, const fli_msg *msg, int rc)
{
	if (rc == FL_OK)
		(void)reply_state(proc, msg);
	else if (rc == FL_STOP)
		(void)fli_reply_spec(
			proc->node, proc, msg, fl_spec("{error, ~}", fli_reason(proc)));
	else
		(void)fli_reply_spec(proc->node, proc, msg, fl_spec("{error, ~}", rc));
}

/* Whoever stops or suspends one of the node's own processes makes the node mute. */
static bool is_forbidden(const fl_proc *proc, fl_term request)
{
	return proc->is_system &&
	       (fl_match(request, "{terminate, _}") || fl_match(request, "suspend"));
}

/* FLI_ACCESS_WORDS_COUNT: none of those, and answered as OTP answers it. */
static fli_access_word word_of(fl_term request)
{
	static const struct {
		const char *request;
		fli_access_word word;
	} all[] = {{"get_state", FLI_ACCESS_GET_STATE}, {"get_status", FLI_ACCESS_GET_STATUS},
		{"suspend", FLI_ACCESS_SUSPEND}, {"resume", FLI_ACCESS_RESUME},
		{"{debug, _}", FLI_ACCESS_DEBUG}, {"{terminate, _}", FLI_ACCESS_TERMINATE},
		{"{replace_state, _}", FLI_ACCESS_REPLACE_STATE},
		{"{change_code, _, _, _}", FLI_ACCESS_CHANGE_CODE}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (fl_match(request, all[i].request))
			return all[i].word;
	return FLI_ACCESS_WORDS_COUNT;
}

bool fli_sys_refuses(fl_proc *proc, const fli_msg *msg)
{
	fl_node *node = proc->node;
	fl_term request = fli_term(node, msg->data + msg->body, msg->size - msg->body);
	fl_atom sender = fli_msg_sender(node, msg);
	fli_access_word word;
	char text[160];

	if (FLI_LIKELY(fl_atom_eq(sender, node->name)) || node->access == NULL)
		return false;
	word = word_of(request);
	if (word == FLI_ACCESS_WORDS_COUNT || fli_access_may(node, sender, word))
		return false;
	/* an answer that finds nobody is no error of the server's */
	(void)fli_reply_spec(node, proc, msg,
		fl_spec("{error, {notsup, ~}}", fli_access_refusal(text, sizeof text, word)));
	return true;
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
		(void)debug(proc, msg, arg);
	else if (fl_match(request, "{replace_state, _}"))
		(void)fli_reply_spec(node, proc, msg,
			fl_spec("{error, {callback_failed, {gen_server, system_replace_state}, "
				"{error, {notsup, \"a server in C runs no Erlang function\"}}}}"));
	else
		(void)fli_reply_spec(
			node, proc, msg, fl_spec("{error, {unknown_system_msg, ~}}", request));
	return FL_OK;
}
