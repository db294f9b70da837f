/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole node on real sockets and threads, from its configuration to its end, while each of its
 * allocations fails in turn: it opens or says why not, and gives everything back.
 */
#include <arpa/inet.h>
#include <flitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster/options.h"
#include "tests/support/suite.h"
#include "tests/support/sweep.h"

static char port[8];
static char path[512];

/* A port that was free a moment ago. */
static void find_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&at, &length) == 0);
	(void)snprintf(port, sizeof port, "%u", ntohs(at.sin_port));
	(void)close(fd);
}

/* `code` is what came back: FL_OK, or something that a person can read. */
static void must_be_clear(int code, const fl_error *err)
{
	if (code == FL_OK)
		return;
	CU_ASSERT_EQUAL(err->code, code);
	CU_ASSERT_TRUE(err->what[0] != '\0');
}

static fl_options *options_of(fli_fault *fault)
{
	const char *const all[][2] = {{"node.name", "t1@127.0.0.1"},
		{"node.cookie", "a cookie for tests"}, {"dist.epmd", "embedded"},
		{"epmd.port", port}, {"log.level", "critical"}};
	fl_options *options = fli_options_new_in(&fault->mem);
	fl_error err = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(options);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		CU_ASSERT_EQUAL_FATAL(
			fl_options_set(options, all[i][0], all[i][1], "test", &err), FL_OK);
	return options;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	return fl_reply(from, "{heard, ~}", request);
}

static const fl_behaviour parrot = {.name = "parrot", .call = on_call};

/* ---- scenes ---------------------------------------------------------------------------------- */

static void open_and_close(fli_fault *fault)
{
	fl_options *options = options_of(fault);
	fl_node *node = NULL;
	fl_error err = {0};
	int rc;

	sweep_arm();
	rc = fl_node_open(options, &node, &err);
	must_be_clear(rc, &err);
	if (rc == FL_OK) {
		must_be_clear(fl_node_start(node, &parrot, &err), &err);
		(void)fl_node_poll(node, 0);
		fl_node_stop(node);
		(void)fl_node_run(node);
		fl_node_close(node);
	}
	sweep_disarm();
	fl_options_delete(options);
}

static void load_config(fli_fault *fault)
{
	fl_options *options = fli_options_new_in(&fault->mem);
	fl_error err = {0};
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(options);
	sweep_arm();
	rc = fl_options_load(options, path, &err);
	sweep_disarm();
	must_be_clear(rc, &err);
	CU_ASSERT_TRUE(rc == FL_OK || rc == FL_ENOMEM);
	CU_ASSERT_EQUAL(rc == FL_OK, !atomic_load(&fault->was_hit));
	fl_options_delete(options);
}

static void load_module(fli_fault *fault)
{
	fl_options *options = options_of(fault);
	fl_node *node = NULL;
	fl_error err = {0};
	int rc;

	CU_ASSERT_EQUAL_FATAL(fl_node_open(options, &node, &err), FL_OK);
	sweep_arm();
	rc = fl_node_load(node, path, &err);
	sweep_disarm();
	must_be_clear(rc, &err);
	/* What failed can be tried again, and works then. */
	if (rc != FL_OK)
		CU_ASSERT_EQUAL(fl_node_load(node, path, &err), FL_OK);
	fl_node_close(node);
	fl_options_delete(options);
}

static void node_that_opens_and_closes(void)
{
	find_port();
	sweep("a node opened, run and closed", open_and_close);
}

static void configuration_that_is_read(void)
{
	static const char text[] =
		"node = { name = \"c1@10.0.0.5\"; load = [\"a.so\", \"b.so\"]; };\n"
		"dist: { ticktime = 30; epmd = \"off\"; port = 9100; };\n"
		"peers = ({ name = \"b@h.x\"; address = \"10.0.0.6:9100\"; cookie = \"x\"; },\n"
		"         { name = \"c@h.x\"; });\n";
	int fd = memfd_create("config", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	sweep("a configuration read", load_config);
	(void)close(fd);
}

static void module_that_is_loaded(void)
{
	const char *build = getenv("BUILD");

	(void)snprintf(
		path, sizeof path, "%s/examples/counter.so", build == NULL ? "build" : build);
	if (access(path, R_OK) != 0)
		return; /* the suite alone was built */
	find_port();
	sweep("a module loaded", load_module);
}

FL_SUITE("oom_open", FL_TEST(node_that_opens_and_closes), FL_TEST(configuration_that_is_read),
	FL_TEST(module_that_is_loaded));
