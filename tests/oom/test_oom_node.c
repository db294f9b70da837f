/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes with all that they have, their services, supervised servers, calls both ways, monitors,
 * links, exits and timers, while one allocation after the other fails, and then several in a row:
 * nothing breaks, nothing stays behind.
 */
#include <flitch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dist/services.h"
#include "node/supervisor.h"
#include "tests/support/lab.h"
#include "tests/support/suite.h"

/* Fails the calls `first` to `first + width - 1`. */
typedef struct tight {
	fli_mem mem;
	long first, width;
	long calls, live;
} tight;

static void *tight_realloc(fli_mem *mem, void *block, size_t size)
{
	tight *t = fli_container_of(mem, tight, mem);
	void *moved;

	t->calls++;
	if (t->calls >= t->first && t->calls < t->first + t->width)
		return NULL;
	moved = realloc(block, size == 0 ? 1 : size);
	if (moved == NULL)
		abort(); /* the machine's memory is not what is tried here */
	if (block == NULL)
		t->live++;
	return moved;
}

static void tight_free(fli_mem *mem, void *block)
{
	if (block != NULL)
		fli_container_of(mem, tight, mem)->live--;
	free(block);
}

/* ---- the servers ----------------------------------------------------------------------------- */

struct target {
	int64_t total;
	fl_from asked;
	bool has_asked;
};

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct target *t = state;
	int64_t by;

	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", t->total += by);
	if (fl_match(request, "later")) {
		t->asked = from;
		t->has_asked = true;
		(void)fl_send_after(self, 5, fl_self(self), NULL, "now"); /* or the caller waits */
		return fl_later(self, from);
	}
	if (fl_match(request, "{echo, _}"))
		return fl_reply(from, "~", request);
	return fl_unhandled(self, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	struct target *t = state;

	if (fl_match(message, "crash"))
		return fl_stop(self, "{bad, ~}", message);
	if (fl_match(message, "wait"))
		fl_next_timeout(self, 3);
	if (fl_match(message, "go_on"))
		return fl_next_continue(self, "{with, ~}", t->total);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct target *t = state;

	if (!fl_match(message, "now"))
		return fl_unhandled(self, message);
	if (t->has_asked)
		(void)fl_reply(t->asked, "{done, ~}", t->total);
	t->has_asked = false;
	return FL_OK;
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	(void)self;
	(void)state;
	(void)what;
	return FL_OK;
}

static const fl_behaviour target = {.name = "target",
	.state_size = sizeof(struct target),
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.continue_ = on_continue};

/* Results do not matter: any of these may fail for want of memory. */
static void talk(fl_proc *self, const fl_dest *to)
{
	fl_term reply;
	fl_ref ref = {.count = 0};

	(void)fl_call(self, "target", 100, &reply, "{add, 1}");
	(void)fl_request(self, *to, &ref, "{add, 2}");
	(void)fl_request(self, *to, &ref, "later");
	(void)fl_request(self, *to, &ref, "{echo, \"a longer text than fits a small message\"}");
	(void)fl_cast(self, *to, "wait");
	(void)fl_cast(self, *to, "go_on");
	(void)fl_send(self, *to, "{some, #{x => [1, 2, {three, 4.0}]}}");
	(void)fl_monitor(self, *to, &ref);
	(void)fl_demonitor(self, ref);
	(void)fl_monitor(self, *to, &ref);
}

static void tie(fl_proc *self)
{
	fl_start_options options = {.link = true, .monitor = true};
	fl_ref ref, timer;
	fl_pid pid;

	options.ret_monitor = &ref;
	if (fl_start(self, &target, &options, &pid, "[x, ~]", fl_self(self)) == FL_OK)
		(void)fl_exit(self, pid, "{no, reason}");
	ref = fl_alias(self);
	(void)fl_send(self, ref, "to_alias");
	(void)fl_unalias(self, ref);
	(void)fl_set_label(self, "{label, 1}");
	if (fl_send_after(self, 1000, fl_self(self), &timer, "never") == FL_OK)
		(void)fl_cancel_timer(self, timer);
}

static void ask_services(fl_proc *self, const char *node)
{
	fl_ref ref;

	(void)fl_request(self, fl_name_at("net_kernel", node), &ref, "{is_auth, ~}",
		fl_node_name(fl_self_node(self)));
	(void)fl_request(
		self, fl_name_at("rex", node), &ref, "{call, erlang, registered, [], user}");
	(void)fl_request(self, fl_name_at("rex", node), &ref, "{call, no, such, [x], user}");
	(void)fl_send(self, fl_name_at("rex", node), "{~, features_request}", fl_self(self));
	(void)fl_send(self, fl_name_at("user", node),
		"{io_request, ~, 1, {put_chars, unicode, io_lib, format, [\"~p~n\", [[a]]]}}",
		fl_self(self));
	(void)fl_send(self, fl_name_at("logger", node), "{log, error, \"~p\", [x], #{}}");
	(void)fl_send(self, fl_name_at("target", node), "{system, {~, ~}, get_status}",
		fl_self(self), fl_make_ref(self));
}

static int on_driver_info(fl_proc *self, void *state, fl_term message)
{
	fl_dest other = fl_name_at("target", "b@h.x");
	fl_pid pid;

	(void)state;
	if (fl_match(message, "talk"))
		talk(self, &other);
	else if (fl_match(message, "tie"))
		tie(self);
	else if (fl_match(message, "services"))
		ask_services(self, "b@h.x");
	else if (fl_match(message, "crash"))
		(void)fl_cast(self, other, "crash");
	else if (fl_match(message, "{pid, ~}", &pid)) {
		(void)fl_link(self, pid);
		(void)fl_unlink(self, pid);
		(void)fl_link(self, pid);
		(void)fl_exit(self, pid, "kill");
	}
	return FL_OK;
}

static int on_node(fl_proc *self, void *state, fl_atom node)
{
	(void)self;
	(void)state;
	(void)node;
	return FL_OK;
}

static const fl_behaviour driver = {
	.name = "driver", .info = on_driver_info, .node_up = on_node, .trap_exit = true};

/* ---- the scenario ---------------------------------------------------------------------------- */

static void furnish(lab_host *host)
{
	fl_error err;

	fli_drive_begin(host->node);
	if (fli_supervisor_start(host->node) == FL_OK) {
		(void)fli_supervisor_start_child(host->node, &target, &err);
		(void)fli_supervisor_start_child(host->node, &driver, &err);
	}
	(void)fli_services_start(host->node);
	fli_drive_end(host->node);
}

static void tell(lab_host *host, const char *pattern)
{
	const fl_dest to = fl_to_name("driver");

	fli_drive_begin(host->node);
	(void)fli_send_spec(host->node, NULL, &to, (fl_spec){pattern, NULL, 0});
	fli_drive_end(host->node);
	lab_run(host->lab);
}

static void tell_pid(lab_host *host, lab_host *of)
{
	const fl_dest to = fl_to_name("driver");
	fl_pid pid;
	fl_proc *proc = fli_name_find(of->node, fl_atom_of("target"));

	if (proc == NULL)
		return;
	pid = fli_proc_pid(proc);
	fli_drive_begin(host->node);
	(void)fli_send_spec(host->node, NULL, &to, fl_spec("{pid, ~}", pid));
	fli_drive_end(host->node);
	lab_run(host->lab);
}

static void live(lab *net)
{
	lab_host *a = lab_add(net, "a@h.x", NULL);
	lab_host *b = lab_add(net, "b@h.x", NULL);

	if (a == NULL || b == NULL)
		return;
	furnish(a);
	furnish(b);
	lab_run(net);
	tell(a, "talk");
	lab_pass(net, 10);
	tell(a, "services");
	tell(a, "tie");
	tell(b, "tie");
	tell(a, "talk");
	tell_pid(a, b);
	lab_pass(net, 10);
	tell(a, "crash");
	tell(a, "talk");
	lab_pass(net, 10);
	tell_pid(a, b);
	(void)lab_disconnect(a, b);
	lab_pass(net, 2000);
	tell(a, "talk");
	lab_pass(net, 2000);
}

/* How many allocations there were. */
static long run(long first, long width)
{
	static lab net;
	tight t = {.mem = {.realloc = tight_realloc, .free = tight_free},
		.first = first,
		.width = width};

	lab_open(&net, &t.mem);
	live(&net);
	lab_close(&net);
	CU_ASSERT_EQUAL_FATAL(t.live, 0);
	return t.calls;
}

/* Without a failure the scenario does what it says, so that the others are worth something. */
static void scenario_is_whole_without_failures(void)
{
	CU_ASSERT_TRUE(run(LONG_MAX / 2, 0) > 300);
}

static void each_allocation_may_fail(void)
{
	long first = 1;

	while (run(first, 1) >= first)
		first++;
	CU_ASSERT_TRUE(first > 300);
}

static void ten_allocations_in_a_row_may_fail(void)
{
	long first = 1;

	while (run(first, 10) >= first)
		first += 3;
	CU_ASSERT_TRUE(first > 300);
}

static void all_memory_may_be_gone_for_good(void)
{
	long first = 1;

	while (run(first, LONG_MAX / 2) >= first)
		first += 3;
	CU_ASSERT_TRUE(first > 100);
}

FL_SUITE("oom_node", FL_TEST(scenario_is_whole_without_failures), FL_TEST(each_allocation_may_fail),
	FL_TEST(ten_allocations_in_a_row_may_fail), FL_TEST(all_memory_may_be_gone_for_good));
