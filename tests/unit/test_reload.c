/* SPDX-License-Identifier: Apache-2.0 */
/* flitch:reload/0 as a member asks for it, on a clock that the test moves. */
#include <string.h>

#include "cluster/core.h"
#include "cluster/node.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static fli_core core;
static int reads;  /* how often the configuration was read */
static int within; /* the reading during which it is asked for again */
static fl_proc *asking;
static char last[80]; /* what was answered */

static void ask(fl_proc *self)
{
	static const uint8_t none[] = {106};
	fli_mfa mfa = {.module = fl_atom_of("flitch"),
		.function = fl_atom_of("reload"),
		.args = fli_term(fl_self_node(self), none, sizeof none)};
	fl_buf result = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fli_apply(self, &mfa, &result), FL_OK);
	(void)fl_print_to(last, sizeof last, fl_buf_term(&result));
	fl_buf_free(&result);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	(void)message;
	asking = self;
	ask(self);
	return FL_OK;
}

static const fl_behaviour member = {.name = "member", .info = on_info};

static int read_configuration(void *ctx, fl_error *err)
{
	(void)ctx;
	reads++;
	if (reads == within) {
		ask(asking);
		CU_ASSERT_STRING_EQUAL(last, "{error,{too_soon,1000}}");
	}
	return reads == 2 ? fl_error_set(err, FL_ECONFIG, "x.conf:1: wrong") : FL_OK;
}

static void open_world(void)
{
	world_open(&w, fli_mem_libc());
	core = (fli_core){.node = w.node};
	w.node->owner = &core;
	reads = within = 0;
	last[0] = '\0';
	fli_enter(w.node);
	CU_ASSERT_EQUAL_FATAL(fli_natives_reload(w.node), FL_OK);
	fli_leave(w.node);
	(void)world_start(&w, &member, "one", NULL);
	(void)world_start(&w, &member, "other", NULL);
}

static void said(const char *who, const char *answer)
{
	last[0] = '\0';
	world_send(&w, who, "go");
	world_settle(&w);
	CU_ASSERT_STRING_EQUAL(last, answer);
}

static void configuration_is_read_once_a_second_whoever_asks(void)
{
	open_world();
	core.reload = read_configuration;
	said("one", "ok");
	said("one", "{error,{too_soon,1000}}");
	world_pass(&w, FLI_RELOAD_GAP_MS - 1);
	said("other", "{error,{too_soon,1}}");
	CU_ASSERT_EQUAL(reads, 1);
	world_pass(&w, 1);
	said("other", "{error,<<\"x.conf:1: wrong\">>}");
	said("one", "{error,{too_soon,1000}}"); /* one that failed has read files as well */
	world_pass(&w, FLI_RELOAD_GAP_MS);
	said("one", "ok");
	CU_ASSERT_EQUAL(reads, 3);
	world_close(&w);
}

static void one_reads_at_a_time(void)
{
	open_world();
	core.reload = read_configuration;
	within = 1;
	said("one", "ok");
	CU_ASSERT_EQUAL(reads, 1);
	world_close(&w);
}

static void node_without_a_configuration_says_so(void)
{
	open_world();
	said("one", "{error,notsup}");
	said("one", "{error,notsup}");
	world_close(&w);
}

FL_SUITE("reload", FL_TEST(configuration_is_read_once_a_second_whoever_asks),
	FL_TEST(one_reads_at_a_time), FL_TEST(node_without_a_configuration_says_so));
