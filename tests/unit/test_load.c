/* SPDX-License-Identifier: Apache-2.0 */
/* Whole nodes on real sockets: open, serve, load, meet, stop. */

#include <arpa/inet.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster/node.h"
#include "node/sched.h"
#include "tests/support/suite.h"

/* A port that was free a moment ago. */
static bool is_free(uint16_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)},
		.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool is_bound;

	CU_ASSERT_FATAL(fd >= 0);
	is_bound = bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
	(void)close(fd);
	return is_bound;
}

/* Below those that the system gives to whoever connects: one of these is soon somebody else's. */
static void free_port(char *ret_text, size_t size)
{
	uint16_t port;

	do
		port = (uint16_t)(10000 + ((unsigned)getpid() + (unsigned)rand()) % 10000);
	while (!is_free(port));
	(void)snprintf(ret_text, size, "%u", port);
}

static fl_options *options_for(const char *name, const char *epmd, const char *epmd_port)
{
	const char *const all[][2] = {{"node.name", name}, {"node.cookie", "a cookie for tests"},
		{"node.visible", "true"}, {"dist.epmd", epmd}, {"epmd.port", epmd_port},
		{"log.level", "critical"}};
	fl_options *options = fl_options_new();
	fl_error err = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(options);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (fl_options_set(options, all[i][0], all[i][1], "test", &err) != FL_OK)
			CU_FAIL_FATAL("an option was refused");
	}
	return options;
}

static fl_node *open_node(const char *name, const char *epmd, const char *port)
{
	fl_options *options = options_for(name, epmd, port);
	fl_node *node = NULL;
	fl_error err = {0};

	if (fl_node_open(options, &node, &err) != FL_OK)
		(void)fprintf(stderr, "%s: %s\n", err.what, err.why);
	fl_options_delete(options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	return node;
}

static fl_node *open_alone(void)
{
	char port[8];

	free_port(port, sizeof port);
	return open_node("t1@127.0.0.1", "embedded", port);
}

static void node_listens_on_a_port_of_its_own(void)
{
	fl_node *node = open_alone();

	CU_ASSERT_TRUE(fl_node_port(node) > 0);
	CU_ASSERT_TRUE(fl_atom_is(fl_node_name(node), "t1@127.0.0.1"));
	fl_node_close(node);
}

static void stopped_node_runs_no_more(void)
{
	fl_node *node = open_alone();

	CU_ASSERT_EQUAL(fl_node_poll(node, 0), FL_OK);
	fl_node_stop(node);
	CU_ASSERT_EQUAL(fl_node_run(node), 0);
	CU_ASSERT_EQUAL(fl_node_poll(node, 0), FL_ECLOSED);
	fl_node_close(node);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	return fl_reply(from, "{heard, ~}", request);
}

static const fl_behaviour parrot = {.name = "parrot", .call = on_call};

typedef struct asker {
	int rc;
	bool fits;
} asker;

static asker asked;

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "go");
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	fl_term reply;

	(void)state;
	(void)what;
	asked.rc = fl_call(self, fl_name_at("parrot", "t1@127.0.0.1"), 5000, &reply, "[1, 2]");
	asked.fits = asked.rc == FL_OK && fl_match(reply, "{heard, [1, 2]}");
	fl_node_stop(fl_self_node(self));
	return FL_OK;
}

static const fl_behaviour asks = {.name = "asks", .init = on_init, .continue_ = on_continue};

static void *run(void *node)
{
	(void)fl_node_run(node);
	return NULL;
}

enum { CROWD = 8 };

static const fl_behaviour crowd[2][CROWD] = {
#define MEMBER(name_)                                                                              \
	{                                                                                          \
		.name = (name_), .call = on_call                                                   \
	}
	{MEMBER("a0"), MEMBER("a1"), MEMBER("a2"), MEMBER("a3"), MEMBER("a4"), MEMBER("a5"),
		MEMBER("a6"), MEMBER("a7")},
	{MEMBER("b0"), MEMBER("b1"), MEMBER("b2"), MEMBER("b3"), MEMBER("b4"), MEMBER("b5"),
		MEMBER("b6"), MEMBER("b7")},
#undef MEMBER
};

typedef struct starter {
	fl_node *node;
	const fl_behaviour *behaviours;
	int started;
} starter;

static void *start_crowd(void *ctx)
{
	starter *s = ctx;

	for (int i = 0; i < CROWD; i++)
		s->started += fl_node_start(s->node, &s->behaviours[i], NULL) == FL_OK;
	return NULL;
}

/* While a third one runs the node, and so may be in the midst of a turn. */
static void servers_are_started_by_two_threads_at_once(void)
{
	fl_node *node = open_alone();
	starter starters[2] = {{node, crowd[0], 0}, {node, crowd[1], 0}};
	pthread_t runner, threads[2];

	CU_ASSERT_EQUAL_FATAL(pthread_create(&runner, NULL, run, node), 0);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL_FATAL(
			pthread_create(&threads[i], NULL, start_crowd, &starters[i]), 0);
	for (int i = 0; i < 2; i++) {
		(void)pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(starters[i].started, CROWD);
	}
	for (int i = 0; i < 2 * CROWD; i++) /* each of them is there */
		CU_ASSERT_NOT_EQUAL(fl_node_start(node, &crowd[i / CROWD][i % CROWD], NULL), FL_OK);
	fl_node_stop(node);
	(void)pthread_join(runner, NULL);
	fl_node_close(node);
}

static void two_nodes_of_one_program_call_each_other(void)
{
	char port[8];
	fl_node *a, *b;
	pthread_t thread;

	free_port(port, sizeof port);
	a = open_node("t1@127.0.0.1", "embedded", port);
	CU_ASSERT_EQUAL(fl_node_start(a, &parrot, NULL), FL_OK);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, a), 0);
	b = open_node("t2@127.0.0.1", "on", port);
	CU_ASSERT_EQUAL(fl_node_start(b, &asks, NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_node_run(b), 0);
	CU_ASSERT_EQUAL(asked.rc, FL_OK);
	CU_ASSERT_TRUE(asked.fits);
	fl_node_close(b);
	fl_node_stop(a);
	(void)pthread_join(thread, NULL);
	fl_node_close(a);
}

static void meeting_waits_for_the_peer_or_says_why_not(void)
{
	char port[8];
	fl_node *a, *b;
	pthread_t thread;
	fl_error err = {0};

	free_port(port, sizeof port);
	a = open_node("t1@127.0.0.1", "embedded", port);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, a), 0);
	b = open_node("t2@127.0.0.1", "on", port);
	CU_ASSERT_EQUAL(fli_node_meet(b, "t1@127.0.0.1", 5000, &err), FL_OK);
	CU_ASSERT_EQUAL(fli_node_meet(b, "t3@127.0.0.1", 5000, &err), FL_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "t3"));
	fl_node_close(b);
	fl_node_stop(a);
	(void)pthread_join(thread, NULL);
	fl_node_close(a);
}

static int on_bad_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "go");
}

static int on_bad_continue(fl_proc *self, void *state, fl_term what)
{
	(void)state;
	(void)what;
	return fl_stop(self, "broken");
}

static const fl_behaviour broken = {
	.name = "broken", .init = on_bad_init, .continue_ = on_bad_continue};

static void node_whose_servers_keep_failing_ends(void)
{
	fl_node *node = open_alone();

	CU_ASSERT_EQUAL(fl_node_start(node, &broken, NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_node_run(node), 70);
	fl_node_close(node);
}

/* ---- handlers that take long ----------------------------------------------------------------- */

static sem_t entered, release;
static _Atomic(int) terminated, served;

static int slow_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	(void)sem_post(&entered);
	while (sem_wait(&release) != 0)
		;
	return fl_reply(from, "{heard, ~}", request);
}

static void slow_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)self;
	(void)state;
	terminated += fl_match(reason, "shutdown");
}

static const fl_behaviour slow = {
	.name = "slow", .call = slow_call, .terminate = slow_terminate, .trap_exit = true};

static int on_ask(fl_proc *self, void *state, fl_term what)
{
	fl_term reply;

	(void)state;
	(void)what;
	asked.rc = fl_call(self, "slow", 20000, &reply, "[1, 2]");
	asked.fits = asked.rc == FL_OK && fl_match(reply, "{heard, [1, 2]}");
	return FL_OK;
}

static int on_ask_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_send_after(self, 0, fl_self(self), NULL, "go");
}

static const fl_behaviour asks_slow = {
	.name = "asks_slow", .init = on_ask_init, .info = on_ask, .trap_exit = true};

static void wait_until_leaving(fl_node *node)
{
	bool is_leaving = false;

	while (!is_leaving) {
		(void)sched_yield();
		fli_enter(node);
		is_leaving = fli_core_of(node)->is_leaving;
		fli_leave(node);
	}
}

static void handler_that_runs_when_the_node_stops_is_finished(void)
{
	fl_node *node = open_alone();
	pthread_t thread;

	asked = (asker){.rc = FL_ECLOSED};
	terminated = 0;
	(void)sem_init(&entered, 0, 0);
	(void)sem_init(&release, 0, 0);
	CU_ASSERT_EQUAL(fl_node_start(node, &asks_slow, NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_node_start(node, &slow, NULL), FL_OK);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, node), 0);
	while (sem_wait(&entered) != 0)
		;
	fl_node_stop(node);
	wait_until_leaving(node);
	(void)sem_post(&release);
	(void)pthread_join(thread, NULL);
	fl_node_close(node);
	CU_ASSERT_EQUAL(asked.rc, FL_OK);
	CU_ASSERT_TRUE(asked.fits);
	CU_ASSERT_EQUAL(terminated, 1);
}

/* On the thread that polls: until another one has the context. */
static int overstay(fl_proc *self, void *state, fl_term message)
{
	fl_node *node = fl_self_node(self);

	(void)state;
	(void)message;
	while (!fli_context_is_lost(node))
		(void)sched_yield();
	served++;
	return FL_OK;
}

static const fl_behaviour overstays = {.name = "overstays",
	.init = on_ask_init,
	.info = overstay,
	.terminate = slow_terminate,
	.trap_exit = true};

static int post_entered(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	(void)sem_post(&entered);
	return FL_OK;
}

static const fl_behaviour posts = {.name = "posts", .init = on_ask_init, .info = post_entered};

static void poll_goes_on_after_a_handler_that_overstayed(void)
{
	fl_node *node = open_alone();

	served = terminated = 0;
	(void)sem_init(&entered, 0, 0);
	CU_ASSERT_EQUAL(fl_node_start(node, &overstays, NULL), FL_OK);
	while (served == 0)
		CU_ASSERT_EQUAL_FATAL(fl_node_poll(node, 10), FL_OK);
	CU_ASSERT_EQUAL(fl_node_start(node, &posts, NULL), FL_OK);
	fli_enter(node); /* whoever else drove would serve it here */
	fli_leave(node);
	CU_ASSERT_NOT_EQUAL(sem_trywait(&entered), 0);
	while (sem_trywait(&entered) != 0)
		CU_ASSERT_EQUAL_FATAL(fl_node_poll(node, 1), FL_OK);
	fl_node_stop(node);
	while (fl_node_poll(node, 1) == FL_OK)
		;
	CU_ASSERT_EQUAL(terminated, 1);
	fl_node_close(node);
}

static void close_ends_the_servers_of_a_node_that_never_ran(void)
{
	fl_node *node = open_alone();

	terminated = 0;
	CU_ASSERT_EQUAL(fl_node_start(node, &slow, NULL), FL_OK);
	fl_node_close(node);
	CU_ASSERT_EQUAL(terminated, 1);
}

/* ---- shared objects -------------------------------------------------------------------------- */

static const char *example(const char *name)
{
	static char path[512];
	const char *build = getenv("BUILD");

	(void)snprintf(path, sizeof path, "%s/examples/%s", build == NULL ? "build" : build, name);
	return path;
}

static void shared_object_starts_its_servers(void)
{
	fl_node *node;
	fl_error err = {0};

	if (access(example("counter.so"), R_OK) != 0)
		return; /* the suite alone was built */
	node = open_alone();
	CU_ASSERT_EQUAL(fl_node_load(node, example("counter.so"), &err), FL_OK);
	CU_ASSERT_PTR_NOT_NULL(fli_name_find(node, fl_atom_of("counter")));
	CU_ASSERT_EQUAL(fl_node_load(node, example("echo.so"), &err), FL_OK);
	CU_ASSERT_PTR_NOT_NULL(fli_name_find(node, fl_atom_of("echo")));
	CU_ASSERT_TRUE(fl_node_load(node, example("counter.so"), &err) < 0); /* the name is taken */
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "counter.so"));
	fl_node_close(node);
}

static void what_is_no_module_is_refused_with_the_reason(void)
{
	static const struct {
		const char *path;
		int code;
		const char *word;
	} all[] = {{"/nonexistent/x.so", FL_ENOENT, "No such file"},
		{"/", FL_EFORMAT, "no regular file"},
		{"/etc/passwd", FL_EFORMAT, "no shared object"},
		{"/lib/x86_64-linux-gnu/libm.so.6", FL_EFORMAT, "fl_module_v1"}};
	fl_node *node = open_alone();

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		fl_error err = {0};

		if (i > 0 && access(all[i].path, R_OK) != 0)
			continue;
		CU_ASSERT_EQUAL(fl_node_load(node, all[i].path, &err), all[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.what, all[i].word));
	}
	fl_node_close(node);
}

FL_SUITE("load", FL_TEST(node_listens_on_a_port_of_its_own), FL_TEST(stopped_node_runs_no_more),
	FL_TEST(two_nodes_of_one_program_call_each_other),
	FL_TEST(servers_are_started_by_two_threads_at_once),
	FL_TEST(meeting_waits_for_the_peer_or_says_why_not),
	FL_TEST(node_whose_servers_keep_failing_ends),
	FL_TEST(handler_that_runs_when_the_node_stops_is_finished),
	FL_TEST(poll_goes_on_after_a_handler_that_overstayed),
	FL_TEST(close_ends_the_servers_of_a_node_that_never_ran),
	FL_TEST(shared_object_starts_its_servers),
	FL_TEST(what_is_no_module_is_refused_with_the_reason));
