/* SPDX-License-Identifier: Apache-2.0 */
/* What an fli_outbound does not let out, since its peer would close the connection for it. */
#include "dist/flags.h"
#include "dist/outbound.h"
#include "node/term/walk.h"
#include "node/term/write.h"
#include "tests/support/suite.h"

#define ALL UINT64_C(0x6d07df7fbd)
#define WITHOUT(flags, name) ((flags) & ~FLI_DFLAG(name))

static const fl_pid a = {{"a@h", 3}, 5, 1, 77};
static const fl_pid b = {{"b@h", 3}, 6, 2, 78};
static const fl_ref ref = {{"b@h", 3}, 78, 3, {1, 2, 3}};
static const fl_ref wide = {{"b@h", 3}, 78, 5, {1, 2, 3, 4, 5}};

static fli_outbound out;

static void start_with(fli_outbound_config config)
{
	config.mem = fli_mem_libc();
	fli_outbound_create(&out, &config);
}

static void start(uint64_t flags)
{
	start_with((fli_outbound_config){.flags = flags});
}

static void end(void)
{
	fli_outbound_destroy(&out);
}

static void what_the_peer_cannot_take_is_refused(void)
{
	fl_pid wide_pid = a;

	wide_pid.id = 0x8000;
	start(WITHOUT(WITHOUT(ALL, V4_NC), NATIVE_RECORDS));
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &wide_pid, &b), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_alias_send(&out, &a, &wide, NULL), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	fli_write_ref(&out.buf, &wide);
	CU_ASSERT_EQUAL(fli_outbound_finish(&out, FLI_OUTBOUND_UNKNOWN_FEATURES), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	fli_write_ref(&out.buf, &ref);
	CU_ASSERT_EQUAL(fli_outbound_finish(&out, FLI_NEEDS_RECORDS), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_finish(&out, 0), FL_EINVAL); /* no payload */
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
	end();
}

static int send_pid(const fl_pid *pid)
{
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	fli_write_pid(&out.buf, pid);
	return fli_outbound_finish(&out, FLI_OUTBOUND_UNKNOWN_FEATURES);
}

static void wide_pids_stay_away_from_otp_23(void)
{
	fl_pid third = {{"c@h", 3}, 0x8000, 0, 4}, serial = {{"c@h", 3}, 1, 0x2000, 4};
	fli_outbound_monitored of = {&third, {NULL, 0}};

	start(WITHOUT(ALL, V4_NC));
	CU_ASSERT_EQUAL(send_pid(&third), FL_ENOTSUP);
	CU_ASSERT_EQUAL(send_pid(&serial), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &third), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_monitor(&out, &a, of, &ref), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &serial), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
	CU_ASSERT_EQUAL(send_pid(&a), FL_OK);
	end();
	start(ALL);
	CU_ASSERT_EQUAL(send_pid(&third), FL_OK);
	end();
}

static void identifiers_that_the_peer_cannot_have_made_are_refused(void)
{
	fl_pid pid = {b.node, 1u << 28, 0, 78}, old = {b.node, 1u << 28, 0, 77};
	fl_ref empty = {b.node, 78, 0, {0}}, high = {b.node, 78, 3, {1u << 18, 0, 0}};
	fli_outbound_monitored of = {&pid, {NULL, 0}};

	start_with((fli_outbound_config){
		.flags = ALL, .names = {a.node, b.node}, .peer_creation = 78});
	CU_ASSERT_EQUAL(send_pid(&pid), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &pid), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &pid), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_begin_exit2(&out, &a, &pid), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_monitor(&out, &a, of, &ref), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_begin_alias_send(&out, &a, &empty, NULL), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_begin_alias_send(&out, &a, &high, NULL), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
	CU_ASSERT_EQUAL(send_pid(&old), FL_OK);
	high.creation = 77;
	CU_ASSERT_EQUAL(fli_outbound_begin_alias_send(&out, &a, &high, NULL), FL_OK);
	end();
}

FL_SUITE("refused", FL_TEST(what_the_peer_cannot_take_is_refused),
	FL_TEST(wide_pids_stay_away_from_otp_23),
	FL_TEST(identifiers_that_the_peer_cannot_have_made_are_refused));
