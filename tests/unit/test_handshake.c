/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both roles of the handshake against each other, at every split of the bytes, and the bytes that a
 * real node sends. What each role does with a peer that misbehaves is in test_handshake_dial.c and
 * test_handshake_accept.c.
 */
#include <string.h>

#include "dist/flags.h"
#include "tests/support/fault.h"
#include "tests/support/handshake_pair.h"
#include "tests/support/suite.h"

static struct hs_side a, b;

static void create(void)
{
	hs_side_create(&a, "n25@127.0.0.1", 0x6b011784);
	hs_side_create(&b, "acc@127.0.0.1", 77);
}

static void destroy(void)
{
	hs_side_destroy(&a);
	hs_side_destroy(&b);
}

static void both_agree_at_every_split(void)
{
	for (size_t step = 1; step < 80; step++) {
		create();
		hs_meet(&a, &b, step);
		CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
		CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
		CU_ASSERT_EQUAL(a.hs.flags, FLI_DFLAGS_OWN);
		CU_ASSERT_EQUAL(b.hs.flags, FLI_DFLAGS_OWN);
		CU_ASSERT_EQUAL(a.hs.peer.creation, 77);
		CU_ASSERT_EQUAL(b.hs.peer.creation, 0x6b011784);
		CU_ASSERT_STRING_EQUAL(a.hs.peer.name.text, "acc@127.0.0.1");
		CU_ASSERT_STRING_EQUAL(b.hs.peer.name.text, "n25@127.0.0.1");
		destroy();
	}
}

static void four_byte_lengths_are_those_of_tls(void)
{
	for (size_t step = 1; step < 50; step++) {
		create();
		a.config.prefix_bytes = b.config.prefix_bytes = 4;
		hs_meet(&a, &b, step);
		CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
		CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
		CU_ASSERT(memcmp(a.out.data, "\0\0\0\x1c", 4) == 0);
		destroy();
	}
}

static void bytes_of_both_are_those_on_the_wire(void)
{
	static const char name[] = "\0\x1c"
				   "N\0\0\0\x6d\x07\xdf\x7f\xbd\x6b\x01\x17\x84\0\x0d"
				   "n25@127.0.0.1";
	static const char status[] = "\0\x03sok";
	static const char challenge[] =
		"\0\x20"
		"N\0\0\0\x6d\x07\xdf\x7f\xbd\x51\x03\x02\x01\0\0\0\x4d\0\x0d"
		"acc@127.0.0.1";
	uint8_t digest[FLI_MD5_BYTES];

	create();
	b.next_challenge = 0x51030201;
	hs_meet(&a, &b, 1000);
	CU_ASSERT(memcmp(a.out.data, name, sizeof name - 1) == 0);
	CU_ASSERT(memcmp(b.out.data, status, sizeof status - 1) == 0);
	CU_ASSERT(memcmp(b.out.data + 5, challenge, sizeof challenge - 1) == 0);
	CU_ASSERT_EQUAL(b.out.size, sizeof status - 1 + sizeof challenge - 1 + 2 + 17);
	CU_ASSERT_EQUAL(a.out.size, sizeof name - 1 + 2 + 21);
	CU_ASSERT(memcmp(a.out.data + sizeof name - 1, "\0\x15r", 3) == 0);
	fli_digest("secret", 6, b.hs.challenge, digest);
	CU_ASSERT(memcmp(a.out.data + a.out.size - 16, digest, 16) == 0);
	CU_ASSERT(memcmp(b.out.data + b.out.size - 19,
			  "\0\x11"
			  "a",
			  3) == 0);
	fli_digest("secret", 6, a.hs.challenge, digest);
	CU_ASSERT(memcmp(b.out.data + b.out.size - 16, digest, 16) == 0);
	destroy();
}

static void frames_behind_the_ack_are_left_alone(void)
{
	size_t left;

	create();
	hs_dial(&a, "acc@127.0.0.1");
	hs_accept(&b);
	(void)hs_feed(&b, a.out.data, a.out.size, 1000);
	(void)hs_feed(&a, b.out.data, b.out.size, 1000);
	b.sent = b.out.size;
	(void)hs_feed(&b, a.out.data + 30, a.out.size - 30, 1000);
	fli_buf_add(&b.out, "\0\0\0\0frame", 9);
	left = b.out.size - b.sent;
	CU_ASSERT_EQUAL(hs_feed(&a, b.out.data + b.sent, left, 1000), 19);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
	CU_ASSERT_EQUAL(hs_feed(&a, "more", 4, 1), 0);
	destroy();
}

static void frames_behind_the_reply_are_left_alone(void)
{
	create();
	hs_dial(&a, "acc@127.0.0.1");
	hs_accept(&b);
	(void)hs_feed(&b, a.out.data, a.out.size, 1000);
	(void)hs_feed(&a, b.out.data, b.out.size, 1000);
	fli_buf_add(&a.out, "\0\0\0\0", 4);
	CU_ASSERT_EQUAL(hs_feed(&b, a.out.data + 30, a.out.size - 30, 1000), 23);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
	destroy();
}

static void progress_moves_with_each_message(void)
{
	create();
	hs_meet(&a, &b, 1);
	CU_ASSERT_EQUAL(a.hs.progress, 3); /* status, challenge, ack */
	CU_ASSERT_EQUAL(b.hs.progress, 2); /* name, reply */
	destroy();
}

static void hidden_on_one_side_is_hidden_on_both(void)
{
	create();
	a.config.own.flags = fli_flags_own(false);
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(a.hs.flags, fli_flags_own(false));
	CU_ASSERT_EQUAL(b.hs.flags, fli_flags_own(false));
	destroy();
}

static void different_cookies_end_at_the_acceptor(void)
{
	create();
	b.cookie = "other";
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_COOKIE);
	CU_ASSERT_EQUAL(b.hs.error.code, FL_EAUTH);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_MORE);
	CU_ASSERT_EQUAL(fli_handshake_eof(&a.hs), FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(a.hs.cause, FLI_CAUSE_COOKIE);
	CU_ASSERT_EQUAL(a.hs.error.code, FL_EAUTH);
	CU_ASSERT_STRING_EQUAL(a.hs.error.what,
		"handshake with acc@127.0.0.1, awaiting the peer's acknowledgement: "
		"the peer closed the connection");
	CU_ASSERT(strstr(a.hs.error.why, "cookies differ") != NULL);
	destroy();
}

static void acceptor_without_a_cookie_answers_as_to_a_wrong_one(void)
{
	size_t sent;

	create();
	b.cookie = "other";
	hs_meet(&a, &b, 1000);
	sent = b.out.size;
	destroy();
	create();
	b.cookie = NULL;
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_NO_COOKIE);
	CU_ASSERT_EQUAL(b.out.size, sent);
	destroy();
}

static void missing_flag_is_named_to_the_acceptor(void)
{
	create();
	a.config.own.flags &= ~(FLI_DFLAG(UTF8_ATOMS) | FLI_DFLAG(MANDATORY_25_DIGEST));
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_FLAGS);
	CU_ASSERT(strstr(b.hs.error.what, "the peer lacks UTF8_ATOMS") != NULL);
	CU_ASSERT_EQUAL(b.decided, 0);
	CU_ASSERT_EQUAL(a.hs.cause, FLI_CAUSE_PEER_NOT_ALLOWED);
	CU_ASSERT(strstr(a.hs.error.what, "not_allowed") != NULL);
	destroy();
}

static void missing_flag_is_named_to_the_dialler(void)
{
	create();
	b.config.own.flags &= ~(FLI_DFLAG(BIG_CREATION) | FLI_DFLAG(MANDATORY_25_DIGEST));
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(a.hs.cause, FLI_CAUSE_FLAGS);
	CU_ASSERT(strstr(a.hs.error.what, "the peer lacks BIG_CREATION") != NULL);
	CU_ASSERT_EQUAL(a.out.size, 30); /* no reply was sent */
	destroy();
}

static void configured_flags_are_demanded_too(void)
{
	create();
	b.config.flags_demanded = FLI_DFLAG(V4_NC);
	a.config.own.flags &= ~FLI_DFLAG(V4_NC);
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_FLAGS);
	CU_ASSERT(strstr(b.hs.error.what, "V4_NC") != NULL);
	destroy();
}

static void release_23_is_taken(void)
{
	create();
	a.config.own.flags = UINT64_C(0x101df7fbd);
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
	CU_ASSERT_EQUAL(b.hs.flags, UINT64_C(0x101df7fbd));
	destroy();
}

static void old_connection_gives_way_only_after_the_proof(void)
{
	create();
	b.verdict = FLI_VERDICT_ALIVE;
	hs_meet(&a, &b, 1);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_QUESTION);
	CU_ASSERT_EQUAL(fli_handshake_answer(&a.hs, true, &a.out), FLI_HANDSHAKE_MORE);
	hs_run(&a, &b, 1);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_TAKEOVER);
	CU_ASSERT_EQUAL(b.hs.flags, FLI_DFLAGS_OWN);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_MORE); /* no ack yet */
	CU_ASSERT_EQUAL(fli_handshake_take_over(&b.hs, &b.out), FLI_HANDSHAKE_DONE);
	hs_run(&a, &b, 1);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
	destroy();
}

static void old_connection_stays_when_the_cookie_is_wrong(void)
{
	create();
	b.verdict = FLI_VERDICT_ALIVE;
	a.cookie = "other";
	hs_meet(&a, &b, 1);
	(void)fli_handshake_answer(&a.hs, true, &a.out);
	hs_run(&a, &b, 1);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_COOKIE);
	destroy();
}

static void alive_answered_with_false_ends_both(void)
{
	create();
	b.verdict = FLI_VERDICT_ALIVE;
	hs_meet(&a, &b, 1000);
	CU_ASSERT_EQUAL(fli_handshake_answer(&a.hs, false, &a.out), FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(a.hs.cause, FLI_CAUSE_ALIVE);
	hs_run(&a, &b, 1);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_ALIVE);
	CU_ASSERT_EQUAL(b.hs.error.code, FL_EALREADY);
	destroy();
}

static void simultaneous_connects_leave_one(void)
{
	create();
	a.verdict = fli_simultaneous(&a.config.own.name, &b.config.own.name);
	b.verdict = fli_simultaneous(&b.config.own.name, &a.config.own.name);
	CU_ASSERT_EQUAL(a.verdict, FLI_VERDICT_NOK); /* "n25" is greater than "acc" */
	CU_ASSERT_EQUAL(b.verdict, FLI_VERDICT_OK_SIMULTANEOUS);
	hs_meet(&a, &b, 1);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
	CU_ASSERT(a.hs.is_simultaneous);
	a.sent = a.out.size;
	b.sent = b.out.size;
	hs_meet(&b, &a, 1);
	CU_ASSERT_EQUAL(a.hs.cause, FLI_CAUSE_SIMULTANEOUS);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_WAIT);
	destroy();
}

static void dynamic_name_is_asked_for_and_given(void)
{
	for (size_t step = 1; step < 60; step++) {
		create();
		hs_side_destroy(&a);
		hs_side_create(&a, "127.0.0.1", 5);
		b.verdict = FLI_VERDICT_NAMED;
		b.given_name = "3k9x@127.0.0.1";
		b.given_creation = 4711;
		hs_meet(&a, &b, step);
		CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
		CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
		CU_ASSERT(b.asked.is_dynamic);
		CU_ASSERT_STRING_EQUAL(b.asked.name.text, "127.0.0.1");
		CU_ASSERT_EQUAL(b.asked.creation, 0);
		CU_ASSERT_STRING_EQUAL(a.hs.own.name.text, "3k9x@127.0.0.1");
		CU_ASSERT_EQUAL(a.hs.own.creation, 4711);
		CU_ASSERT_STRING_EQUAL(b.hs.peer.name.text, "3k9x@127.0.0.1");
		CU_ASSERT_EQUAL(b.hs.peer.creation, 4711);
		CU_ASSERT_EQUAL(a.hs.flags, fli_flags_own(false));
		CU_ASSERT_EQUAL(b.hs.flags, fli_flags_own(false));
		/* The challenge says NAME_ME and not PUBLISHED. */
		CU_ASSERT_EQUAL(a.hs.peer.flags, fli_flags_own(false) | FLI_DFLAG(NAME_ME));
		destroy();
	}
}

static void lost_memory_ends_it_wherever_it_happens(void)
{
	fli_fault fault;
	long at = 0;

	do {
		create();
		fli_fault_create(&fault, ++at);
		a.out.mem = b.out.mem = &fault.mem;
		hs_meet(&a, &b, 1000);
		if (a.out.failed)
			CU_ASSERT_EQUAL(a.hs.cause, FLI_CAUSE_NO_MEMORY);
		if (b.out.failed)
			CU_ASSERT_EQUAL(b.hs.cause, FLI_CAUSE_NO_MEMORY);
		CU_ASSERT_EQUAL(b.out.failed || a.out.failed, a.hs.state != FLI_HANDSHAKE_DONE);
		destroy();
		CU_ASSERT_EQUAL(fault.live, 0);
	} while (fault.was_hit);
	CU_ASSERT(at > 2);
}

static void causes_have_words_and_texts(void)
{
	for (int i = 0; i < FLI_HANDSHAKE_CAUSE_COUNT; i++) {
		CU_ASSERT(fli_handshake_cause_word((fli_handshake_cause)i)[0] != '\0');
		CU_ASSERT(fli_handshake_cause_text((fli_handshake_cause)i)[0] != '\0');
	}
	CU_ASSERT_STRING_EQUAL(fli_handshake_cause_word(FLI_CAUSE_COOKIE), "cookie");
}

FL_SUITE("handshake", FL_TEST(both_agree_at_every_split),
	FL_TEST(four_byte_lengths_are_those_of_tls), FL_TEST(bytes_of_both_are_those_on_the_wire),
	FL_TEST(frames_behind_the_ack_are_left_alone),
	FL_TEST(frames_behind_the_reply_are_left_alone), FL_TEST(progress_moves_with_each_message),
	FL_TEST(hidden_on_one_side_is_hidden_on_both),
	FL_TEST(different_cookies_end_at_the_acceptor),
	FL_TEST(acceptor_without_a_cookie_answers_as_to_a_wrong_one),
	FL_TEST(missing_flag_is_named_to_the_acceptor),
	FL_TEST(missing_flag_is_named_to_the_dialler), FL_TEST(configured_flags_are_demanded_too),
	FL_TEST(release_23_is_taken), FL_TEST(old_connection_gives_way_only_after_the_proof),
	FL_TEST(old_connection_stays_when_the_cookie_is_wrong),
	FL_TEST(alive_answered_with_false_ends_both), FL_TEST(simultaneous_connects_leave_one),
	FL_TEST(dynamic_name_is_asked_for_and_given),
	FL_TEST(lost_memory_ends_it_wherever_it_happens), FL_TEST(causes_have_words_and_texts));
