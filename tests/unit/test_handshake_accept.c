/* SPDX-License-Identifier: Apache-2.0 */
/* The acceptor against diallers that are refused, lie, stop in the middle or are something else. */
#include <string.h>

#include "dist/flags.h"
#include "tests/support/handshake_pair.h"
#include "tests/support/suite.h"

static struct hs_side b;
static fli_buf in;

static void create(void)
{
	hs_side_create(&b, "b@h", 9);
	fli_buf_create(&in, fli_mem_libc(), 0);
	hs_accept(&b);
}

static void destroy(void)
{
	hs_side_destroy(&b);
	fli_buf_destroy(&in);
}

static void feed_in(void)
{
	(void)hs_feed(&b, in.data, in.size, 1);
	in.size = 0;
}

static void say(const char *bytes, size_t size)
{
	hs_message(&in, bytes, size);
	feed_in();
}

static void say_name(const char *name, uint64_t flags, const char *behind)
{
	fli_buf_add16(&in, (uint16_t)(15 + strlen(name) + strlen(behind)));
	fli_buf_add8(&in, 'N');
	fli_buf_add64(&in, flags);
	fli_buf_add32(&in, 1234);
	fli_buf_add16(&in, (uint16_t)strlen(name));
	fli_buf_add_text(&in, name);
	fli_buf_add_text(&in, behind);
	feed_in();
}

static void say_old_name(const char *name, uint32_t flags)
{
	fli_buf_add16(&in, (uint16_t)(7 + strlen(name)));
	fli_buf_add8(&in, 'n');
	fli_buf_add16(&in, 5);
	fli_buf_add32(&in, flags);
	fli_buf_add_text(&in, name);
	feed_in();
}

static void say_reply(uint32_t challenge, const char *cookie)
{
	uint8_t message[21] = {'r'};

	fli_put32(message + 1, challenge);
	fli_digest(cookie, strlen(cookie), b.hs.challenge, message + 5);
	hs_message(&in, message, sizeof message);
	feed_in();
}

/* What was sent begins with that status. */
static bool has_sent(const char *status)
{
	size_t size = strlen(status);

	return b.out.size >= 3 + size && fli_get16(b.out.data) == 1 + size &&
	       b.out.data[2] == 's' && memcmp(b.out.data + 3, status, size) == 0;
}

static void check_failed(fli_handshake_cause cause, const char *what)
{
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(b.hs.cause, cause);
	CU_ASSERT_NOT_EQUAL(b.hs.error.code, FL_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.hs.error.what, what));
	destroy();
}

static void name_without_form_is_not_answered(void)
{
	static const char *const names[] = {"", "a", "a@b@c", "@h", "a@"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		create();
		say_name(names[i], FLI_DFLAGS_OWN, "");
		CU_ASSERT_EQUAL(b.out.size, 0);
		CU_ASSERT_EQUAL(b.decided, 0);
		check_failed(FLI_CAUSE_NAME, "the name that it gave");
	}
}

static void name_with_odd_characters_gets_nok(void)
{
	static const char *const names[] = {"a b@h", "\xe9@h", "a@h\n", "a/b@h"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		create();
		say_name(names[i], FLI_DFLAGS_OWN, "");
		CU_ASSERT(has_sent("nok"));
		check_failed(FLI_CAUSE_NAME, "has a ");
	}
}

static void name_beyond_255_characters_is_refused(void)
{
	char name[400];

	memset(name, 'a', sizeof name);
	name[1] = '@';
	name[256] = '\0';
	create();
	say_name(name, FLI_DFLAGS_OWN, "");
	check_failed(FLI_CAUSE_NAME, "longer than 255");
	name[255] = '\0';
	create();
	say_name(name, FLI_DFLAGS_OWN, "");
	CU_ASSERT(has_sent("ok"));
	destroy();
}

static void own_name_gets_nok_and_no_question(void)
{
	create();
	say_name("b@h", FLI_DFLAGS_OWN, "");
	CU_ASSERT(has_sent("nok"));
	CU_ASSERT_EQUAL(b.decided, 0);
	check_failed(FLI_CAUSE_OWN_NAME, "our own name");
}

static void bytes_behind_the_name_are_ignored(void)
{
	create();
	say_name("a@h", FLI_DFLAGS_OWN, "tomorrow's extension");
	CU_ASSERT(has_sent("ok"));
	CU_ASSERT_STRING_EQUAL(b.hs.peer.name.text, "a@h");
	CU_ASSERT_EQUAL(b.hs.peer.creation, 1234);
	destroy();
}

static void flags_come_before_the_verdict(void)
{
	create();
	b.verdict = FLI_VERDICT_ALIVE;
	say_name("a@h", 0, "");
	CU_ASSERT(has_sent("not_allowed"));
	CU_ASSERT_EQUAL(b.decided, 0);
	check_failed(FLI_CAUSE_FLAGS, "the peer lacks");
}

static void unknown_bits_do_no_harm(void)
{
	create();
	say_name("a@h", UINT64_MAX & ~FLI_DFLAG(NAME_ME), "");
	say_reply(5, "secret");
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
	CU_ASSERT_EQUAL(b.hs.flags, FLI_DFLAGS_OWN);
	destroy();
}

static void each_verdict_has_its_status(void)
{
	static const struct {
		fli_handshake_verdict verdict;
		const char *status;
		fli_handshake_cause cause;
	} rows[] = {
		{FLI_VERDICT_OK, "ok", FLI_CAUSE_NONE},
		{FLI_VERDICT_OK_SIMULTANEOUS, "ok_simultaneous", FLI_CAUSE_NONE},
		{FLI_VERDICT_ALIVE, "alive", FLI_CAUSE_NONE},
		{FLI_VERDICT_NOK, "nok", FLI_CAUSE_SIMULTANEOUS},
		{FLI_VERDICT_NOT_ALLOWED, "not_allowed", FLI_CAUSE_NOT_ALLOWED},
		{FLI_VERDICT_NAMED, "not_allowed", FLI_CAUSE_NOT_ALLOWED},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		create();
		b.verdict = rows[i].verdict;
		b.given_name = "x@h";
		say_name("a@h", FLI_DFLAGS_OWN, "");
		CU_ASSERT(has_sent(rows[i].status));
		CU_ASSERT_EQUAL(b.hs.cause, rows[i].cause);
		CU_ASSERT_EQUAL(b.decided, 1);
		destroy();
	}
}

static void nothing_but_true_goes_on_after_alive(void)
{
	static const char *const answers[] = {"strue!", "sok", "s", "sTRUE", "sfals"};

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		create();
		b.verdict = FLI_VERDICT_ALIVE;
		say_name("a@h", FLI_DFLAGS_OWN, "");
		say(answers[i], strlen(answers[i]));
		check_failed(FLI_CAUSE_STATUS, "neither");
	}
	create();
	b.verdict = FLI_VERDICT_ALIVE;
	say_name("a@h", FLI_DFLAGS_OWN, "");
	say("", 0);
	check_failed(FLI_CAUSE_MALFORMED, "no answer");
}

static void old_name_is_completed_by_c(void)
{
	static const char complement[] = "c\0\0\0\x01\0\0\x30\x39";

	create();
	say_old_name("a@h", 0x01df7fbd);
	CU_ASSERT(has_sent("ok"));
	CU_ASSERT_EQUAL(b.out.data[5 + 2], 'N');
	CU_ASSERT_EQUAL(b.asked.creation, 0);
	say(complement, sizeof complement - 1);
	CU_ASSERT_EQUAL(b.hs.peer.flags, UINT64_C(0x101df7fbd));
	CU_ASSERT_EQUAL(b.hs.peer.creation, 12345);
	say_reply(5, "secret");
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_DONE);
	CU_ASSERT_EQUAL(b.hs.flags, UINT64_C(0x101df7fbd));
	destroy();
}

static void old_name_works_after_alive_too(void)
{
	static const char complement[] = "c\0\0\0\x0d\0\0\x30\x39";

	create();
	b.verdict = FLI_VERDICT_ALIVE;
	say_old_name("a@h", 0x07df7fbd);
	say("strue", 5);
	say(complement, sizeof complement - 1);
	say_reply(5, "secret");
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_TAKEOVER);
	CU_ASSERT_EQUAL(fli_handshake_eof(&b.hs), FLI_HANDSHAKE_FAILED);
	destroy();
}

static void complement_is_not_skipped(void)
{
	create();
	say_old_name("a@h", 0x01df7fbd);
	say_reply(5, "secret");
	check_failed(FLI_CAUSE_MALFORMED, "no complement");
}

static void high_flags_are_demanded_when_they_are_there(void)
{
	static const char complement[] = "c\0\0\0\x01\0\0\x30\x39";

	create();
	b.config.flags_demanded = FLI_DFLAG(V4_NC);
	say_old_name("a@h", 0x01df7fbd);
	CU_ASSERT_EQUAL(b.hs.state, FLI_HANDSHAKE_MORE);
	say(complement, sizeof complement - 1);
	check_failed(FLI_CAUSE_FLAGS, "the peer lacks V4_NC");
}

static void old_name_of_a_node_of_22_is_refused(void)
{
	create();
	say_old_name("a@h", 0xdf7fbd);
	CU_ASSERT(has_sent("not_allowed"));
	check_failed(FLI_CAUSE_FLAGS, "HANDSHAKE_23");
}

static void every_truncated_message_is_malformed(void)
{
	static const char name[] = "N\0\0\0\x6d\x07\xdf\x7f\xbd\0\0\0\7\0\3a@h";
	static const char old[] = "n\0\5\7\xdf\x7f\xbd";
	static const char reply[] = "r000011112222333344445";

	for (size_t size = 0; size < sizeof name - 1; size++) {
		create();
		say(name, size);
		check_failed(FLI_CAUSE_MALFORMED, "an unknown node, awaiting the peer's name");
	}
	for (size_t size = 1; size < sizeof old - 1; size++) {
		create();
		say(old, size);
		check_failed(FLI_CAUSE_MALFORMED, "no name message");
	}
	for (size_t size = 0; size < sizeof reply; size++) {
		if (size == 21)
			continue;
		create();
		say_name("a@h", FLI_DFLAGS_OWN, "");
		say(reply, size);
		check_failed(FLI_CAUSE_MALFORMED, "with a@h, awaiting the peer's challenge reply");
	}
}

static void reflected_challenge_is_refused(void)
{
	create();
	say_name("a@h", FLI_DFLAGS_OWN, "");
	b.out.size = 0;
	say_reply(b.hs.challenge, "secret");
	CU_ASSERT_EQUAL(b.out.size, 0);
	check_failed(FLI_CAUSE_REFLECTED, "our own challenge");
	create();
	b.owns_all_challenges = true;
	say_name("a@h", FLI_DFLAGS_OWN, "");
	say_reply(5, "secret");
	check_failed(FLI_CAUSE_REFLECTED, "our own challenge");
}

static void wrong_digest_gets_no_ack(void)
{
	create();
	say_name("a@h", FLI_DFLAGS_OWN, "");
	b.out.size = 0;
	say_reply(5, "wrong");
	CU_ASSERT_EQUAL(b.out.size, 0);
	CU_ASSERT_EQUAL(b.hs.error.code, FL_EAUTH);
	check_failed(FLI_CAUSE_COOKIE, "not made of our cookie");
}

static void digest_of_an_empty_cookie_opens_nothing(void)
{
	char zeros[20] = {0};
	uint8_t message[21] = {'r'};

	create();
	b.cookie = NULL;
	say_name("a@h", FLI_DFLAGS_OWN, "");
	fli_digest(zeros, sizeof zeros, b.hs.challenge, message + 5);
	say((const char *)message, sizeof message);
	check_failed(FLI_CAUSE_NO_COOKIE, "no cookie");
}

static void tls_and_text_are_told_apart(void)
{
	create();
	(void)hs_feed(&b, "\x16\x03\x01\x02\x00", 5, 1);
	check_failed(FLI_CAUSE_CARRIER, "speaks TLS");
	create();
	(void)hs_feed(&b, "GET / HTTP/1.1", 14, 14);
	check_failed(FLI_CAUSE_CARRIER, "\"GE\"");
	create();
	(void)hs_feed(&b, "\xff\xff", 2, 1);
	check_failed(FLI_CAUSE_TOO_LONG, "65535");
}

static void end_and_silence_fail_at_each_step(void)
{
	create();
	(void)fli_handshake_eof(&b.hs);
	check_failed(FLI_CAUSE_CLOSED, "an unknown node");
	create();
	(void)fli_handshake_timeout(&b.hs);
	check_failed(FLI_CAUSE_TIMEOUT, "awaiting the peer's name");
	create();
	say_name("a@h", FLI_DFLAGS_OWN, "");
	(void)fli_handshake_eof(&b.hs);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.hs.error.why, "another name"));
	check_failed(FLI_CAUSE_CLOSED, "challenge reply");
}

static void dynamic_peer_may_be_refused(void)
{
	create();
	b.verdict = FLI_VERDICT_NOT_ALLOWED;
	say_name("h", FLI_DFLAGS_OWN | FLI_DFLAG(NAME_ME), "");
	CU_ASSERT(has_sent("not_allowed"));
	CU_ASSERT(b.asked.is_dynamic);
	check_failed(FLI_CAUSE_NOT_ALLOWED, "not allowed");
	create();
	b.verdict = FLI_VERDICT_OK; /* it has no name: cannot go on */
	say_name("h", FLI_DFLAGS_OWN | FLI_DFLAG(NAME_ME), "");
	check_failed(FLI_CAUSE_NOT_ALLOWED, "not allowed");
}

static void dynamic_peer_gives_a_host_only(void)
{
	create();
	say_name("a@h", FLI_DFLAGS_OWN | FLI_DFLAG(NAME_ME), "");
	CU_ASSERT_EQUAL(b.decided, 0);
	check_failed(FLI_CAUSE_NAME, "the name that it gave");
}

static void named_status_is_byte_exact(void)
{
	static const char status[] = "\0\x10snamed:\0\3x@h\0\0\0\x63";

	create();
	b.verdict = FLI_VERDICT_NAMED;
	b.given_name = "x@h";
	b.given_creation = 99;
	say_name("h", FLI_DFLAGS_OWN | FLI_DFLAG(NAME_ME), "");
	CU_ASSERT(memcmp(b.out.data, status, sizeof status - 1) == 0);
	CU_ASSERT(memcmp(b.out.data + sizeof status - 1, "\0\x16N", 3) == 0);
	destroy();
}

static void without_random_numbers_there_is_no_challenge(void)
{
	create();
	b.has_random = false;
	say_name("a@h", FLI_DFLAGS_OWN, "");
	CU_ASSERT_EQUAL(b.hs.error.code, FL_EIO);
	check_failed(FLI_CAUSE_RANDOM, "random");
}

FL_SUITE("handshake_accept", FL_TEST(name_without_form_is_not_answered),
	FL_TEST(name_with_odd_characters_gets_nok), FL_TEST(name_beyond_255_characters_is_refused),
	FL_TEST(own_name_gets_nok_and_no_question), FL_TEST(bytes_behind_the_name_are_ignored),
	FL_TEST(flags_come_before_the_verdict), FL_TEST(unknown_bits_do_no_harm),
	FL_TEST(each_verdict_has_its_status), FL_TEST(nothing_but_true_goes_on_after_alive),
	FL_TEST(old_name_is_completed_by_c), FL_TEST(old_name_works_after_alive_too),
	FL_TEST(complement_is_not_skipped), FL_TEST(high_flags_are_demanded_when_they_are_there),
	FL_TEST(old_name_of_a_node_of_22_is_refused), FL_TEST(every_truncated_message_is_malformed),
	FL_TEST(reflected_challenge_is_refused), FL_TEST(wrong_digest_gets_no_ack),
	FL_TEST(digest_of_an_empty_cookie_opens_nothing), FL_TEST(tls_and_text_are_told_apart),
	FL_TEST(end_and_silence_fail_at_each_step), FL_TEST(dynamic_peer_may_be_refused),
	FL_TEST(dynamic_peer_gives_a_host_only), FL_TEST(named_status_is_byte_exact),
	FL_TEST(without_random_numbers_there_is_no_challenge));
