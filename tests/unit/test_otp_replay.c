/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model in the place of each node of each recording of real OTP (tests/sim/recorded): it says
 * what the real node said.
 */
#include "tests/sim/otp_replay.h"
#include "tests/support/suite.h"

#include <stdio.h>

static otp_recording *load(const char *name)
{
	char path[200], why[300];
	otp_recording *recording;

	(void)snprintf(path, sizeof path, "tests/sim/recorded/%s.bin", name);
	recording = otp_recording_load(path, why, sizeof why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(recording);
	return recording;
}

static void replay(const char *name)
{
	otp_recording *recording = load(name);

	for (unsigned i = 0; i < recording->player_count; i++) {
		otp_verdict v = otp_replay(recording, recording->players[i].alive);

		CU_ASSERT(v.shakes > 0 && v.signals > 0);
		CU_ASSERT(v.missing == 0 && v.surplus == 0 && v.broken == 0);
		if (v.missing + v.surplus + v.broken > 0)
			printf("%s as %s: %u same, %u missing, %u surplus, %u broken\n%s", name,
				recording->players[i].name, v.signals, v.missing, v.surplus,
				v.broken, v.report);
	}
	otp_recording_free(recording);
}

#define REPLAYS(scenario)                                                                          \
	static void scenario##_as_otp_25(void)                                                     \
	{                                                                                          \
		replay("25-" #scenario);                                                           \
	}                                                                                          \
	static void scenario##_as_otp_27(void)                                                     \
	{                                                                                          \
		replay("27-" #scenario);                                                           \
	}                                                                                          \
	static void scenario##_as_otp_29(void)                                                     \
	{                                                                                          \
		replay("29-" #scenario);                                                           \
	}
#define REPLAY_TESTS(scenario)                                                                     \
	FL_TEST(scenario##_as_otp_25), FL_TEST(scenario##_as_otp_27), FL_TEST(scenario##_as_otp_29)

REPLAYS(connect)
REPLAYS(names)
REPLAYS(conflict)
REPLAYS(locks)
REPLAYS(third)
REPLAYS(groups)
REPLAYS(lost)

/* a and c dialled each other at the same time. */
static void crossed_attempts_as_otp_29(void)
{
	replay("29-crossed");
}

static void a_cluster_of_25_27_and_29(void)
{
	replay("mixed-mixed");
}

static void groups_of_27_and_29(void)
{
	replay("mixed-groups");
}

static unsigned faults(const otp_recording *recording, char player)
{
	otp_verdict v = otp_replay(recording, player);

	return v.missing + v.surplus + v.broken;
}

static void one_message_more_or_less_is_noticed(void)
{
	otp_recording *r = load("27-names");

	for (size_t i = 0; i < r->count; i++) {
		if (r->events[i].kind != OTP_SIGNAL || r->events[i].from != 'a')
			continue;
		r->events[i].kind = OTP_TICK;
		CU_ASSERT(faults(r, 'a') > 0);
		r->events[i].kind = OTP_SIGNAL;
	}
	otp_recording_free(r);
}

static void another_release_does_not_fit(void)
{
	otp_recording *r = load("25-locks");

	r->players[0].release = 27;
	CU_ASSERT(faults(r, 'a') > 0);
	r->players[0].release = 23;
	CU_ASSERT(faults(r, 'a') > 0);
	otp_recording_free(r);
}

FL_SUITE("otp_replay", REPLAY_TESTS(connect), REPLAY_TESTS(names), REPLAY_TESTS(conflict),
	REPLAY_TESTS(locks), REPLAY_TESTS(third), REPLAY_TESTS(groups), REPLAY_TESTS(lost),
	FL_TEST(crossed_attempts_as_otp_29), FL_TEST(a_cluster_of_25_27_and_29),
	FL_TEST(groups_of_27_and_29),

	FL_TEST(one_message_more_or_less_is_noticed), FL_TEST(another_release_does_not_fit));
