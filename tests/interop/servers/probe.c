/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that does what a test asks of it: whatever a process can do, done from inside a handler.
 *
 *  - call {do, Op}: does Op now and answers with its result; cast {do, Op}: does it, tells nobody.
 *  - {watch, Pid}: what comes to info, continue, timeout, node_up, node_down and terminate is told
 *    to Pid, as {Slot, Probe, What}.
 *  - {start, Options}: another probe, unsupervised, so that each test has its own.
 *
 * Failure: an Op that is not known is bad_op; a failed function's answer is {error, Atom}.
 */
#include <flitch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/interop/servers/probe_groups.h"

#define LATER_MAX 16
#define SENDERS_MAX 16

typedef struct sender {
	fl_pid pid;
	int64_t last;
} sender;

struct probe {
	fl_pid watcher;
	bool has_watcher;
	fl_from later[LATER_MAX]; /* oldest first */
	size_t later_count;
	sender senders[SENDERS_MAX];
	size_t senders_count;
	int64_t numbers, out_of_order;
};

typedef struct job {
	fl_from from;
	int64_t ms;
	bool answers_itself; /* in the pool's thread, not in the handler afterwards */
	bool until_given_up;
} job;

static const fl_behaviour probe;

static void sleep_ms(int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) != 0)
		;
}

static void tell(fl_proc *self, const struct probe *p, const char *slot, fl_term what)
{
	if (p->has_watcher)
		(void)fl_send(self, p->watcher, "{~, ~, ~}", fl_atom_of(slot), fl_self(self), what);
}

/* A pid, an alias, a name, {Name, Node}. */
static bool dest_of(fl_term term, fl_dest *ret_dest)
{
	fl_atom name, node;
	fl_pid pid;
	fl_ref alias;

	if (fl_match(term, "~", &pid))
		*ret_dest = fl_to_pid(pid);
	else if (fl_match(term, "~", &alias))
		*ret_dest = fl_to_alias(alias);
	else if (fl_match(term, "~", &name))
		*ret_dest = fl_to_atom(name);
	else if (fl_match(term, "{~, ~}", &name, &node))
		*ret_dest = (fl_dest){.kind = FL_TO_NAME, .as.name = {.text = name, .node = node}};
	else
		return false;
	return true;
}

static int result_ref(fl_buf *out, int rc, fl_ref ref)
{
	return rc == FL_OK ? fl_build(out, "~", ref) : result(out, rc);
}

/* ---- operations: each group says with false that Op is not one of its own ---------------------
 */

static bool do_call(fl_proc *self, fl_dest to, fl_term request, uint32_t ms, fl_buf *out)
{
	fl_term reply;
	int rc = fl_call(self, to, ms, &reply, "~", request);

	if (rc == FL_OK)
		(void)fl_build(out, "{ok, ~}", reply);
	else if (rc == FL_EEXIT || rc == FL_ENOPROC || rc == FL_ENOCONN)
		(void)fl_build(out, "{exit, ~}", reply);
	else
		(void)result(out, rc);
	return true;
}

static bool do_messages(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_term whom, what;
	fl_dest to;
	fl_ref ref = {.count = 0};
	uint32_t ms;
	int64_t times;
	int rc = FL_OK;

	if (fl_match(op, "{send, ~, ~}", &whom, &what) && dest_of(whom, &to))
		return result(out, fl_send(self, to, "~", what)), true;
	if (fl_match(op, "{cast, ~, ~}", &whom, &what) && dest_of(whom, &to))
		return result(out, fl_cast(self, to, "~", what)), true;
	if (fl_match(op, "{call, ~, ~, ~}", &whom, &what, &ms) && dest_of(whom, &to))
		return do_call(self, to, what, ms, out);
	if (fl_match(op, "{request, ~, ~}", &whom, &what) && dest_of(whom, &to)) {
		rc = fl_request(self, to, &ref, "~", what);
		return result_ref(out, rc, ref), true;
	}
	if (fl_match(op, "{send_after, ~, ~, ~}", &ms, &whom, &what) && dest_of(whom, &to)) {
		rc = fl_send_after(self, ms, to, &ref, "~", what);
		return result_ref(out, rc, ref), true;
	}
	if (fl_match(op, "{cancel, ~}", &ref))
		return result(out, fl_cancel_timer(self, ref)), true;
	if (!fl_match(op, "{repeat, ~, ~, ~}", &times, &whom, &what) || !dest_of(whom, &to))
		return false;
	for (int64_t i = 1; i <= times && rc == FL_OK; i++)
		rc = fl_send(self, to, "{~, ~, ~}", fl_self(self), i, what);
	return result(out, rc), true;
}

static bool do_signals(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_term whom, reason;
	fl_dest to;
	fl_ref ref = {.count = 0};
	fl_pid pid;
	bool on;

	if (fl_match(op, "{monitor, ~}", &whom) && dest_of(whom, &to)) {
		int rc = fl_monitor(self, to, &ref);

		return result_ref(out, rc, ref), true;
	}
	if (fl_match(op, "{demonitor, ~}", &ref))
		return result(out, fl_demonitor(self, ref)), true;
	if (fl_match(op, "{link, ~}", &pid))
		return result(out, fl_link(self, pid)), true;
	if (fl_match(op, "{unlink, ~}", &pid))
		return result(out, fl_unlink(self, pid)), true;
	if (fl_match(op, "{exit, ~, ~}", &pid, &reason))
		return result(out, fl_exit(self, pid, "~", reason)), true;
	if (!fl_match(op, "{trap, ~}", &on))
		return false;
	fl_trap_exit(self, on);
	return result(out, FL_OK), true;
}

/* The names come as atoms; the functions want C strings. */
static const char *c_string(fl_atom atom, char text[256])
{
	memcpy(text, atom.text, atom.size < 255 ? atom.size : 255);
	text[atom.size < 255 ? atom.size : 255] = '\0';
	return text;
}

static bool do_names(fl_proc *self, fl_term op, fl_buf *out)
{
	char text[256];
	fl_atom name;
	fl_ref ref;
	fl_pid pid;

	if (fl_match(op, "{register, ~}", &name))
		return result(out, fl_register(self, c_string(name, text))), true;
	if (fl_match(op, "{unregister, ~}", &name))
		return result(out, fl_unregister(self, c_string(name, text))), true;
	if (fl_match(op, "{whereis, ~}", &name)) {
		if (fl_whereis(self, c_string(name, text), &pid))
			return fl_build(out, "~", pid), true;
		return fl_build(out, "undefined"), true;
	}
	if (fl_match(op, "self"))
		return fl_build(out, "~", fl_self(self)), true;
	if (fl_match(op, "make_ref"))
		return fl_build(out, "~", fl_make_ref(self)), true;
	if (fl_match(op, "alias"))
		return fl_build(out, "~", fl_alias(self)), true;
	if (fl_match(op, "{unalias, ~}", &ref))
		return result(out, fl_unalias(self, ref)), true;
	return false;
}

static bool do_terms(fl_term op, fl_buf *out)
{
	char bytes[256];
	fl_text text;
	fl_term term;

	if (fl_match(op, "{text, ~}", &text) && text.size < sizeof bytes) {
		fl_bin bin = {bytes, fl_text_copy(text, bytes, sizeof bytes)};

		return fl_build(out, "~", bin), true;
	}
	if (fl_match(op, "{nil, ~}", &term))
		return fl_build(out, "~", fl_bool(fl_is_nil(term))), true;
	if (fl_match(op, "{field, ~}", &term)) {
		fl_term value;

		if (fl_get(term, "field", &value))
			return fl_build(out, "{ok, ~}", value), true;
		return fl_build(out, "error"), true;
	}
	if (!fl_match(op, "build"))
		return false;
	return fl_build(out,
		       "{~, ~, ~, ~, ~, ~, [1, 2 | c], \"text\", <<\"bytes\">>, #{a => 1, b => ~}, "
		       "[{k, ~}], #{'__struct__' => 'Elixir.Probe', field => nil}, [], {}}",
		       INT64_MIN, UINT64_MAX, -1.5, "a string", fl_bool(true),
		       fl_atom_of("\xc3\xbcml"), 255, -256),
	       true;
}

/* As a handler that blocks for as long as a test wants. */
static void wait_for_file(fl_text path)
{
	char name[1024];

	(void)fl_text_string(path, name, sizeof name);
	while (access(name, F_OK) != 0)
		sleep_ms(2);
}

static bool do_log(fl_proc *self, fl_term op, fl_buf *out)
{
	char bytes[256];
	fl_term term;
	fl_text text;

	if (fl_match(op, "{log, ~}", &text)) {
		(void)fl_text_string(text, bytes, sizeof bytes);
		return result(out, fl_log(self, FL_LOG_WARNING, "%s", bytes)), true;
	}
	if (fl_match(op, "{log_report, ~}", &term))
		return result(out, fl_log_report(self, FL_LOG_ERROR, "~", term)), true;
	if (fl_match(op, "{log_debug, ~}", &term))
		return result(out, fl_log_report(self, FL_LOG_DEBUG, "~", term)), true;
	if (!fl_match(op, "{log_metadata, ~}", &term))
		return false;
	return result(out, fl_log_metadata(self, "~", term)), true;
}

static int do_op(fl_proc *self, struct probe *p, fl_term op, fl_buf *out)
{
	fl_text path;
	int64_t ms;

	if (fl_match(op, "{block_until, ~}", &path))
		return wait_for_file(path), fl_build(out, "ok");
	if (fl_match(op, "{block, ~}", &ms)) {
		sleep_ms(ms);
		return fl_build(out, "ok");
	}
	if (fl_match(op, "{watch, ~}", &p->watcher)) {
		p->has_watcher = true;
		return fl_build(out, "ok");
	}
	if (fl_match(op, "numbers"))
		return fl_build(out, "{~, ~}", p->numbers, p->out_of_order);
	if (fl_match(op, "alive")) {
		fl_list_open(out);
		for (size_t i = 0; i < p->later_count; i++)
			(void)fl_build(out, "~", fl_bool(fl_from_alive(p->later[i])));
		fl_list_close(out);
		return out->error;
	}
	if (do_messages(self, op, out) || do_signals(self, op, out) || do_names(self, op, out) ||
		do_pubsub(self, op, out) || do_picks(self, op, out) || do_groups(self, op, out) ||
		do_terms(op, out) || do_log(self, op, out))
		return out->error;
	return fl_build(out, "bad_op");
}

/* ---- work in the pool -------------------------------------------------------------------------
 */

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	job *j = arg;

	if (!j->until_given_up)
		sleep_ms(j->ms);
	while (j->until_given_up && !*cancelled && fl_from_alive(j->from))
		sleep_ms(1);
	if (j->answers_itself)
		(void)fl_reply(j->from, "from_the_pool"); /* the caller may be gone */
}

static int work_done(fl_proc *self, void *state, void *arg)
{
	job *j = arg;
	fl_from from = j->from;
	bool gave_up = j->until_given_up, answered = j->answers_itself;
	static const uint8_t yes[] = {119, 3, 'y', 'e', 's'};

	free(j);
	if (gave_up)
		tell(self, state, "given_up", (fl_term){.data = yes, .size = sizeof yes});
	if (!gave_up && !answered)
		(void)fl_reply(from, "from_done"); /* likewise */
	return FL_OK;
}

static int offload(fl_proc *self, fl_from from, job what)
{
	static const fl_task task = {.work = work, .done = work_done, .drop = free};
	job *j = malloc(sizeof *j);
	int rc;

	if (j == NULL)
		return fl_reply(from, "{error, enomem}");
	what.from = from;
	*j = what;
	rc = fl_later(self, from);
	if (rc == FL_OK)
		rc = fl_offload(self, &task, j);
	return rc == FL_OK ? FL_OK : fl_stop(self, "{offload, ~}", rc);
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

/* Numbers of one sender must be 1, 2, 3, ... */
static bool in_order(struct probe *p, fl_pid from, int64_t number)
{
	sender *s = p->senders, *end = p->senders + p->senders_count;

	while (s < end && !fl_pid_eq(&s->pid, &from))
		s++;
	if (s == p->senders + SENDERS_MAX)
		return false;
	if (s == end)
		p->senders[p->senders_count++] = (sender){.pid = from};
	p->numbers++;
	if (number == s->last + 1) {
		s->last = number;
		return true;
	}
	p->out_of_order++;
	return false;
}

static int on_init_option(fl_proc *self, struct probe *p, fl_term option)
{
	char text[256];
	fl_term term;
	fl_atom name;

	if (fl_match(option, "trap"))
		fl_trap_exit(self, true);
	else if (fl_match(option, "{name, ~}", &name) &&
		 fl_register(self, c_string(name, text)) != FL_OK)
		return fl_stop(self, "{taken, ~}", name);
	else if (fl_match(option, "{stop, ~}", &term))
		return fl_stop(self, "~", term);
	else if (fl_match(option, "ignore"))
		return FL_IGNORE;
	else if (fl_match(option, "{continue, ~}", &term))
		return fl_next_continue(self, "~", term) == FL_OK ? FL_OK : FL_STOP;
	else if (fl_match(option, "{watch, ~}", &p->watcher))
		p->has_watcher = true;
	return FL_OK;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_term option;

	while (fl_list_next(&args, &option)) {
		int rc = on_init_option(self, state, option);

		if (rc != FL_OK)
			return rc;
	}
	return FL_OK;
}

static int start(fl_proc *self, fl_from from, fl_term options, bool link)
{
	fl_start_options how = {.link = link};
	fl_pid pid;
	int rc = fl_start(self, &probe, &how, &pid, "~", options);

	if (rc != FL_OK)
		return fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
	return fl_reply(from, "{ok, ~}", pid);
}

static int answer(fl_from from, fl_buf *out)
{
	int rc = out->error == FL_OK
			 ? fl_reply(from, "~", fl_buf_term(out))
			 : fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(out->error)));

	fl_buf_free(out);
	return rc;
}

static int on_call_later(fl_proc *self, struct probe *p, fl_from from, fl_term request)
{
	int64_t ms;

	if (fl_match(request, "{offload, ~}", &ms))
		return offload(self, from, (job){.ms = ms});
	if (fl_match(request, "{offload_answer, ~}", &ms))
		return offload(self, from, (job){.ms = ms, .answers_itself = true});
	if (fl_match(request, "until_given_up"))
		return offload(self, from, (job){.until_given_up = true});
	if (!fl_match(request, "later"))
		return fl_unhandled(self, request);
	if (p->later_count == LATER_MAX)
		return fl_reply(from, "full");
	p->later[p->later_count++] = from;
	return fl_later(self, from);
}

static int on_call_end(fl_proc *self, struct probe *p, fl_from from, fl_term request)
{
	fl_term reason, reply;
	fl_pid pid;

	if (fl_match(request, "{stop, ~}", &reason))
		return fl_stop(self, "~", reason);
	if (fl_match(request, "{stop, ~, ~}", &reason, &reply)) {
		(void)fl_reply(from, "~", reply); /* the caller may be gone */
		return fl_stop(self, "~", reason);
	}
	if (fl_match(request, "unanswered"))
		return FL_OK;
	if (fl_match(request, "twice")) {
		(void)fl_reply(from, "once");
		return fl_reply(from, "twice") == FL_EALREADY ? FL_OK
							      : fl_stop(self, "answered_twice");
	}
	if (fl_match(request, "who") && fl_from_pid(from, &pid))
		return fl_reply(from, "~", pid);
	return on_call_later(self, p, from, request);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_buf out = FL_BUF_INIT;
	fl_term term;
	fl_pid pid;
	int64_t number;
	uint32_t ms;

	if (fl_match(request, "{do, ~}", &term)) {
		(void)do_op(self, state, term, &out); /* the buffer keeps what went wrong */
		return answer(from, &out);
	}
	if (fl_match(request, "{start, ~}", &term))
		return start(self, from, term, false);
	if (fl_match(request, "{start_link, ~}", &term))
		return start(self, from, term, true);
	if (fl_match(request, "{number, ~}", &number) && fl_from_pid(from, &pid))
		return fl_reply(from, "{~, ~}", fl_bool(in_order(state, pid, number)), number);
	if (fl_match(request, "{continue, ~}", &term)) {
		(void)fl_reply(from, "ok");
		return fl_next_continue(self, "~", term);
	}
	if (fl_match(request, "{timeout, ~}", &ms)) {
		fl_next_timeout(self, ms);
		return fl_reply(from, "ok");
	}
	return on_call_end(self, state, from, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	struct probe *p = state;
	fl_buf out = FL_BUF_INIT;
	fl_term term, rest;
	fl_pid pid;
	int64_t number;

	if (fl_match(message, "{do, ~}", &term)) {
		(void)do_op(self, p, term, &out); /* nobody asked for the result */
		fl_buf_free(&out);
		return FL_OK;
	}
	if (fl_match(message, "{number, ~, ~, ~}", &pid, &number, &rest)) {
		(void)in_order(p, pid, number);
		return FL_OK;
	}
	if (fl_match(message, "{answer, ~}", &term) && p->later_count > 0) {
		(void)fl_reply(p->later[0], "~", term); /* the caller may be gone */
		memmove(p->later, p->later + 1, --p->later_count * sizeof p->later[0]);
		return FL_OK;
	}
	if (fl_match(message, "{stop, ~}", &term))
		return fl_stop(self, "~", term);
	return fl_unhandled(self, message);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_term rest;
	fl_pid pid;
	int64_t number;

	if (fl_match(message, "{number, ~, ~, ~}", &pid, &number, &rest))
		(void)in_order(state, pid, number);
	else
		tell(self, state, "info", message);
	return FL_OK;
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	tell(self, state, "continue", what);
	return FL_OK;
}

static int on_timeout(fl_proc *self, void *state)
{
	static const uint8_t nil[] = {106};

	tell(self, state, "timeout", (fl_term){.data = nil, .size = sizeof nil});
	return FL_OK;
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	tell(self, state, "terminate", reason);
}

static int on_node(fl_proc *self, const struct probe *p, const char *slot, fl_atom node)
{
	fl_buf out = FL_BUF_INIT;

	if (fl_build(&out, "~", node) == FL_OK)
		tell(self, p, slot, fl_buf_term(&out));
	fl_buf_free(&out);
	return FL_OK;
}

static int on_node_up(fl_proc *self, void *state, fl_atom node)
{
	return on_node(self, state, "node_up", node);
}

static int on_node_down(fl_proc *self, void *state, fl_atom node, fl_term reason)
{
	(void)reason; /* its words differ by cause */
	return on_node(self, state, "node_down", node);
}

static const fl_behaviour probe = {
	.name = "probe",
	.state_size = sizeof(struct probe),
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.continue_ = on_continue,
	.timeout = on_timeout,
	.terminate = on_terminate,
	.node_up = on_node_up,
	.node_down = on_node_down,
};

FL_MODULE(&probe);
