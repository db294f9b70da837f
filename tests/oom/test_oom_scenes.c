/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one node does with another, while each of its allocations fails in turn: connections that it
 * dials or takes, calls in and out, spawn requests, links and monitors, rpc, a restart, the end of
 * a connection. Afterwards it must work: its peer can connect and is answered.
 */
#include <flitch.h>
#include <string.h>

#include "dist/flags.h"
#include "dist/services.h"
#include "node/supervisor.h"
#include "tests/support/lab.h"
#include "tests/support/suite.h"
#include "tests/support/sweep.h"

static lab net;
static lab_host *a, *b;
static unsigned answers; /* to what the drivers asked */
static unsigned ended;   /* scenes after which a node had no supervisor */

/* ---- servers --------------------------------------------------------------------------------- */

struct target {
	int64_t total;
};

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct target *t = state;
	int64_t by;

	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", t->total += by);
	if (fl_match(request, "{echo, _}"))
		return fl_reply(from, "~", request);
	return fl_unhandled(self, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	return fl_stop(self, "{bad, ~}", message);
}

static const fl_behaviour target = {
	.name = "target", .state_size = sizeof(struct target), .call = on_call, .cast = on_cast};

static void ask(fl_proc *self, fl_dest to)
{
	fl_term reply;
	fl_ref ref;

	(void)fl_request(self, to, &ref, "{add, 1}");
	(void)fl_request(self, to, &ref, "{echo, [\"a text\", #{key => <<\"value\">>}, 1.5]}");
	(void)fl_call(self, "target", 100, &reply, "{add, 2}");
}

static void tie(fl_proc *self, fl_dest to, const char *node)
{
	fl_start_options options = {.link = true, .monitor = true};
	fl_ref ref;
	fl_pid pid;

	(void)fl_monitor(self, to, &ref);
	(void)fl_demonitor(self, ref);
	(void)fl_monitor(self, to, &ref);
	(void)fl_monitor(self, fl_name_at("nobody", node), &ref);
	options.ret_monitor = &ref;
	if (fl_start(self, &target, &options, &pid, "[]") == FL_OK)
		(void)fl_exit(self, pid, "{no, reason}");
}

static void link_to(fl_proc *self, fl_pid pid)
{
	(void)fl_link(self, pid);
	(void)fl_unlink(self, pid);
	(void)fl_link(self, pid);
	(void)fl_exit(self, pid, "{shutdown, asked}");
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	const char *node = fl_self_node(self) == a->node ? "b@h.x" : "a@h.x";
	fl_ref ref;
	fl_pid pid;

	(void)state;
	if (fl_match(message, "ask"))
		ask(self, fl_name_at("target", node));
	else if (fl_match(message, "tie"))
		tie(self, fl_name_at("target", node), node);
	else if (fl_match(message, "crash"))
		(void)fl_cast(self, fl_name_at("target", node), "now");
	else if (fl_match(message, "rpc"))
		(void)fl_request(self, fl_name_at("rex", node), &ref,
			"{call, erlang, process_info, [~, [links, messages]], user}",
			fl_self(self));
	else if (fl_match(message, "{link, ~}", &pid))
		link_to(self, pid);
	else if (fl_match(message, "once"))
		(void)fl_request(self, fl_name_at("target", node), &ref, "{add, 1}");
	else if (fl_match(message, "{~, _}", &ref))
		answers++;
	return FL_OK;
}

static const fl_behaviour driver = {.name = "driver", .info = on_info, .trap_exit = true};

/* ---- the two nodes --------------------------------------------------------------------------- */

static void furnish(lab_host *host)
{
	fl_error err;

	fli_drive_begin(host->node);
	CU_ASSERT_EQUAL_FATAL(fli_supervisor_start(host->node), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_supervisor_start_child(host->node, &target, &err), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_supervisor_start_child(host->node, &driver, &err), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_services_start(host->node), FL_OK);
	fli_drive_end(host->node);
}

/* The allocations of `a` alone fail, and those of terms on both sides. */
static void open_both(fli_fault *fault)
{
	lab_open(&net, &fault->mem);
	a = lab_add(&net, "a@h.x", NULL);
	net.mem = sweep_plain_mem();
	b = lab_add(&net, "b@h.x", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	furnish(a);
	furnish(b);
	lab_run(&net);
}

static void open_connected(fli_fault *fault)
{
	open_both(fault);
	CU_ASSERT_TRUE_FATAL(lab_connect(b, a));
	lab_run(&net);
	CU_ASSERT_TRUE_FATAL(lab_is_up(a, b) && lab_is_up(b, a));
}

static void tell_spec(lab_host *host, fl_spec what)
{
	const fl_dest to = fl_to_name("driver");

	fli_drive_begin(host->node);
	(void)fli_send_spec(host->node, NULL, &to, what);
	fli_drive_end(host->node);
	lab_pass(&net, 5);
}

static void tell(lab_host *host, const char *what)
{
	tell_spec(host, (fl_spec){what, NULL, 0});
}

static void tell_pid(lab_host *host, lab_host *of)
{
	fl_proc *proc = fli_name_find(of->node, fl_atom_of("target"));

	if (proc != NULL)
		tell_spec(host, fl_spec("{link, ~}", fli_proc_pid(proc)));
}

/*
 * An exit that finds no memory for its message ends the supervisor, and a node without one ends
 * with code 70: its servers are not left alone.
 */
static bool has_ended(void)
{
	if (a->node->supervisor != NULL && b->node->supervisor != NULL)
		return false;
	ended++;
	return true;
}

/* What failed has had its time; now the peer connects, if it must, and both are answered. */
static void must_work(void)
{
	lab_pass(&net, 30000);
	if (!lab_is_up(b, a) || !lab_is_up(a, b)) {
		(void)lab_connect(b, a);
		lab_pass(&net, 1000);
	}
	CU_ASSERT_TRUE_FATAL(lab_is_up(a, b) && lab_is_up(b, a));
	answers = 0;
	if (!has_ended()) {
		tell(b, "once");
		tell(a, "once");
		CU_ASSERT_EQUAL(answers, 2);
	}
	lab_close(&net);
}

/* ---- scenes ---------------------------------------------------------------------------------- */

static void dial(fli_fault *fault)
{
	open_both(fault);
	sweep_arm();
	(void)lab_connect(a, b);
	lab_pass(&net, 1000);
	sweep_disarm();
	must_work();
}

static void accept_one(fli_fault *fault)
{
	open_both(fault);
	sweep_arm();
	(void)lab_connect(b, a);
	lab_pass(&net, 1000);
	sweep_disarm();
	must_work();
}

static void call_in(fli_fault *fault)
{
	open_connected(fault);
	sweep_arm();
	tell(b, "ask");
	tell(b, "ask");
	sweep_disarm();
	must_work();
}

static void call_out(fli_fault *fault)
{
	open_connected(fault);
	sweep_arm();
	tell(a, "ask");
	tell(a, "ask");
	sweep_disarm();
	must_work();
}

/* A process of `b` asks for one on `a`, with link and monitor. */
static void send_spawn(void)
{
	static const uint8_t nil[] = {106};
	static const uint8_t options[] = {108, 0, 0, 0, 2, 119, 4, 'l', 'i', 'n', 'k', 119, 7, 'm',
		'o', 'n', 'i', 't', 'o', 'r', 106};
	fli_peer *peer = fli_dist_find(b->dist, a->node->name);
	const fl_ref id = {
		.node = b->node->name, .creation = b->node->creation, .count = 3, .words = {9}};
	const fli_outbound_spawn spawn = {.id = &id,
		.from = &b->sink,
		.leader = &b->sink,
		.module = fl_atom_of("erlang"),
		.function = fl_atom_of("registered"),
		.options = {.data = options, .size = sizeof options}};
	fli_outbound *out;
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	fli_drive_begin(b->node);
	out = fli_dist_out(peer);
	rc = fli_outbound_begin_spawn(out, &spawn);
	if (rc == FL_OK)
		rc = fli_outbound_finish_with(out, (fl_term){.data = nil, .size = 1}, 0);
	fli_dist_wrote(peer, rc);
	fli_drive_end(b->node);
	lab_pass(&net, 5);
}

static void spawn_request(fli_fault *fault)
{
	open_connected(fault);
	sweep_arm();
	send_spawn();
	sweep_disarm();
	must_work();
}

static void ties(fli_fault *fault)
{
	open_connected(fault);
	sweep_arm();
	tell(a, "tie");
	tell(b, "tie");
	tell_pid(a, b);
	tell_pid(b, a);
	sweep_disarm();
	must_work();
}

static void rpc(fli_fault *fault)
{
	open_connected(fault);
	sweep_arm();
	tell(b, "rpc");
	tell(a, "rpc");
	sweep_disarm();
	must_work();
}

static void restart(fli_fault *fault)
{
	open_connected(fault);
	sweep_arm();
	tell(b, "crash");
	sweep_disarm();
	must_work();
}

static void loss(fli_fault *fault)
{
	open_connected(fault);
	tell(a, "tie");
	tell(b, "tie");
	sweep_arm();
	(void)lab_disconnect(b, a);
	lab_pass(&net, 100);
	sweep_disarm();
	must_work();
}

/* `ends_max`: the children of a supervisor end in this scene, once on each node that is counted. */
static void run(const char *name, void (*scene)(fli_fault *fault), unsigned ends_max)
{
	ended = 0;
	sweep(name, scene);
	CU_ASSERT_TRUE(ended <= ends_max);
}

static void connection_that_a_node_dials(void)
{
	run("a connection dialled", dial, 0);
}

static void connection_that_a_node_accepts(void)
{
	run("a connection accepted", accept_one, 0);
}

static void calls_that_come_in(void)
{
	run("calls in", call_in, 0);
}

static void calls_that_go_out(void)
{
	run("calls out", call_out, 0);
}

static void spawn_requests_of_a_peer(void)
{
	run("a spawn request", spawn_request, 0);
}

static void links_and_monitors_of_both_sides(void)
{
	run("links and monitors", ties, 2);
}

static void rpc_of_both_sides(void)
{
	run("rpc", rpc, 0);
}

static void server_that_is_restarted(void)
{
	run("a supervised restart", restart, 1);
}

static void connection_that_ends(void)
{
	run("a connection lost", loss, 0);
}

FL_SUITE("oom_scenes", FL_TEST(connection_that_a_node_dials),
	FL_TEST(connection_that_a_node_accepts), FL_TEST(calls_that_come_in),
	FL_TEST(calls_that_go_out), FL_TEST(spawn_requests_of_a_peer),
	FL_TEST(links_and_monitors_of_both_sides), FL_TEST(rpc_of_both_sides),
	FL_TEST(server_that_is_restarted), FL_TEST(connection_that_ends));
