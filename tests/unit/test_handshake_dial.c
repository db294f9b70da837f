/* SPDX-License-Identifier: Apache-2.0 */
/* The dialler against peers that refuse, lie, stop in the middle or are something else. */
#include <string.h>

#include "dist/flags.h"
#include "tests/support/handshake_pair.h"
#include "tests/support/suite.h"

static struct hs_side a;
static fli_buf in;

static void create(void)
{
	hs_side_create(&a, "a@h", 4);
	fli_buf_create(&in, fli_mem_libc(), 0);
	hs_dial(&a, "b@h");
}

static void destroy(void)
{
	hs_side_destroy(&a);
	fli_buf_destroy(&in);
}

/* Feeds one message, its text given. */
static void say(const char *text)
{
	in.size = 0;
	hs_message(&in, text, strlen(text));
	(void)hs_feed(&a, in.data, in.size, 1);
}

static void say_challenge(const char *name, uint64_t flags, const char *behind)
{
	in.size = 0;
	fli_buf_add16(&in, (uint16_t)(19 + strlen(name) + strlen(behind)));
	fli_buf_add8(&in, 'N');
	fli_buf_add64(&in, flags);
	fli_buf_add32(&in, 99);
	fli_buf_add32(&in, 7);
	fli_buf_add16(&in, (uint16_t)strlen(name));
	fli_buf_add_text(&in, name);
	fli_buf_add_text(&in, behind);
	(void)hs_feed(&a, in.data, in.size, 1);
}

static void say_ack(uint32_t challenge, const char *cookie)
{
	uint8_t message[17] = {'a'};

	fli_digest(cookie, strlen(cookie), challenge, message + 1);
	in.size = 0;
	hs_message(&in, message, sizeof message);
	(void)hs_feed(&a, in.data, in.size, 1);
}

static void check_failed(fli_handshake_cause cause, const char *what)
{
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(a.hs.cause, cause);
	CU_ASSERT_NOT_EQUAL(a.hs.error.code, FL_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.hs.error.what, "handshake with b@h"));
	CU_ASSERT_PTR_NOT_NULL(strstr(a.hs.error.what, what));
	destroy();
}

static void nok_is_no_failure_but_a_wait(void)
{
	create();
	say("snok");
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_WAIT);
	CU_ASSERT_EQUAL(fli_handshake_eof(&a.hs), FLI_HANDSHAKE_WAIT);
	CU_ASSERT_EQUAL(fli_handshake_timeout(&a.hs), FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(a.hs.error.code, FL_ETIMEOUT);
	check_failed(FLI_CAUSE_TIMEOUT, "did not connect");
}

static void not_allowed_is_the_peers_refusal(void)
{
	create();
	say("snot_allowed");
	CU_ASSERT_EQUAL(a.hs.error.code, FL_EREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.hs.error.next, "net_kernel:allow"));
	check_failed(FLI_CAUSE_PEER_NOT_ALLOWED, "not_allowed");
}

static void unknown_status_is_shown_without_its_controls(void)
{
	create();
	say("sok\033[2Jwhatever");
	CU_ASSERT_PTR_NULL(strchr(a.hs.error.what, '\033'));
	check_failed(FLI_CAUSE_STATUS, "\"ok?[2Jwhatever\" is not known");
}

static void long_status_is_cut(void)
{
	char text[1001];

	create();
	memset(text, 'x', 1000);
	text[0] = 's';
	text[1000] = '\0';
	say(text);
	check_failed(FLI_CAUSE_STATUS, "xxx\" is not known");
}

static void name_that_was_not_asked_for_is_refused(void)
{
	create();
	say("snamed:xxxxxxxx");
	check_failed(FLI_CAUSE_STATUS, "is not known");
}

static void other_messages_are_no_status(void)
{
	static const char *const texts[] = {"aaaaaaaaaaaaaaaaa", "Nnnn", "x", "\x01"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		create();
		say(texts[i]);
		check_failed(FLI_CAUSE_MALFORMED, "no status");
	}
	create();
	say("");
	check_failed(FLI_CAUSE_MALFORMED, "no status");
}

static void challenge_of_another_node_is_refused(void)
{
	create();
	say("sok");
	say_challenge("c@h", FLI_DFLAGS_OWN, "");
	check_failed(FLI_CAUSE_OTHER_NAME, "the node that answers is c@h");
}

static void bytes_behind_the_name_are_ignored(void)
{
	create();
	say("sok_simultaneous");
	say_challenge("b@h", FLI_DFLAGS_OWN, "tomorrow's extension");
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_MORE);
	CU_ASSERT(a.hs.is_simultaneous);
	say_ack(a.hs.challenge, "secret");
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_DONE);
	CU_ASSERT_EQUAL(a.hs.peer.creation, 7);
	destroy();
}

static void every_truncated_challenge_is_malformed(void)
{
	static const char whole[] = "N\0\0\0\x6d\x07\xdf\x7f\xbd\1\2\3\4\0\0\0\7\0\3b@h";

	for (size_t size = 0; size < sizeof whole - 1; size++) {
		create();
		say("sok");
		in.size = 0;
		hs_message(&in, whole, size);
		(void)hs_feed(&a, in.data, in.size, 1);
		check_failed(FLI_CAUSE_MALFORMED, "challenge");
	}
}

static void old_challenge_is_a_node_too_old(void)
{
	create();
	say("sok");
	say("n\x05\x05wwwwxxxxb@h");
	check_failed(FLI_CAUSE_FLAGS, "OTP 22");
}

static void own_challenge_from_elsewhere_is_not_answered(void)
{
	create();
	a.owns_all_challenges = true;
	say("sok");
	say_challenge("b@h", FLI_DFLAGS_OWN, "");
	CU_ASSERT_EQUAL(a.hs.error.code, FL_EAUTH);
	CU_ASSERT_EQUAL(a.out.size, 20); /* the name message alone */
	check_failed(FLI_CAUSE_REFLECTED, "our own challenge");
}

static void our_digest_echoed_is_no_ack(void)
{
	create();
	a.next_challenge = 99; /* what the peer asks too */
	say("sok");
	say_challenge("b@h", FLI_DFLAGS_OWN, "");
	CU_ASSERT_NOT_EQUAL(a.hs.challenge, 99);
	say_ack(99, "secret");
	check_failed(FLI_CAUSE_COOKIE, "not made of our cookie");
}

static void wrong_ack_is_a_wrong_cookie(void)
{
	create();
	say("sok");
	say_challenge("b@h", FLI_DFLAGS_OWN, "");
	say_ack(a.hs.challenge, "secres");
	CU_ASSERT_EQUAL(a.hs.error.code, FL_EAUTH);
	check_failed(FLI_CAUSE_COOKIE, "not made of our cookie");
}

static void ack_of_another_size_is_malformed(void)
{
	for (size_t size = 0; size < 40; size++) {
		uint8_t message[40] = {'a'};

		if (size == 17)
			continue;
		create();
		say("sok");
		say_challenge("b@h", FLI_DFLAGS_OWN, "");
		in.size = 0;
		hs_message(&in, message, size);
		(void)hs_feed(&a, in.data, in.size, 1);
		check_failed(FLI_CAUSE_MALFORMED, "acknowledgement");
	}
}

static void message_ends_at_two_kilobytes(void)
{
	static const uint8_t longest[2] = {0x08, 0x00}, too_long[2] = {0x08, 0x01};

	create();
	(void)hs_feed(&a, longest, 2, 1);
	CU_ASSERT_EQUAL(a.hs.state, FLI_HANDSHAKE_MORE);
	destroy();
	create();
	(void)hs_feed(&a, too_long, 2, 1);
	CU_ASSERT_EQUAL(a.hs.error.code, FL_ELIMIT);
	check_failed(FLI_CAUSE_TOO_LONG, "2049 bytes (limit 2048)");
}

static void tls_and_text_are_told_apart(void)
{
	create();
	(void)hs_feed(&a, "\x15\x03\x03\x00\x02", 5, 5);
	check_failed(FLI_CAUSE_CARRIER, "speaks TLS");
	create();
	(void)hs_feed(&a, "HTTP/1.1 400", 12, 12);
	check_failed(FLI_CAUSE_CARRIER, "it began with \"HT\"");
}

static void the_limit_of_a_message_may_be_lower_but_never_higher(void)
{
	static const uint8_t long_one[2] = {0x02, 0x59}, too_long[2] = {0x08, 0x01};

	create();
	a.config.message_bytes_max = 600;
	(void)hs_feed(&a, long_one, 2, 1);
	check_failed(FLI_CAUSE_TOO_LONG, "601 bytes (limit 600)");
	create();
	a.config.message_bytes_max = 1 << 20;
	(void)hs_feed(&a, too_long, 2, 1);
	check_failed(FLI_CAUSE_TOO_LONG, "limit 2048");
}

static void four_byte_length_has_no_room_to_wrap(void)
{
	hs_side_create(&a, "a@h", 4);
	fli_buf_create(&in, fli_mem_libc(), 0);
	a.config.prefix_bytes = 4;
	hs_dial(&a, "b@h");
	(void)hs_feed(&a, "\xff\xff\xff\xff", 4, 1);
	check_failed(FLI_CAUSE_TOO_LONG, "4294967295 bytes");
}

static void each_step_has_its_own_reason_for_silence(void)
{
	create();
	(void)fli_handshake_timeout(&a.hs);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.hs.error.why, "TLS"));
	check_failed(FLI_CAUSE_TIMEOUT, "awaiting the peer's status: nothing came in time");
	create();
	say("salive");
	(void)fli_handshake_answer(&a.hs, true, &a.out);
	(void)fli_handshake_timeout(&a.hs);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.hs.error.why, "OTP 23"));
	check_failed(FLI_CAUSE_TIMEOUT, "awaiting the peer's challenge");
	create();
	say("sok");
	say_challenge("b@h", FLI_DFLAGS_OWN, "");
	(void)fli_handshake_timeout(&a.hs);
	check_failed(FLI_CAUSE_TIMEOUT, "awaiting the peer's acknowledgement");
}

static void end_before_the_reply_is_not_blamed_on_the_cookie(void)
{
	create();
	(void)fli_handshake_eof(&a.hs);
	check_failed(FLI_CAUSE_CLOSED, "awaiting the peer's status");
	create();
	say("sok");
	(void)fli_handshake_eof(&a.hs);
	CU_ASSERT_EQUAL(a.hs.error.code, FL_ECLOSED);
	check_failed(FLI_CAUSE_CLOSED, "awaiting the peer's challenge");
	create();
	say("salive");
	(void)fli_handshake_eof(&a.hs);
	check_failed(FLI_CAUSE_CLOSED, "awaiting the peer's status");
}

static void nothing_follows_an_end(void)
{
	create();
	say("snot_allowed");
	CU_ASSERT_EQUAL(fli_handshake_eof(&a.hs), FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(fli_handshake_timeout(&a.hs), FLI_HANDSHAKE_FAILED);
	CU_ASSERT_EQUAL(hs_feed(&a, "more", 4, 1), 0);
	check_failed(FLI_CAUSE_PEER_NOT_ALLOWED, "refused a@h");
}

static void dialling_oneself_fails_at_once(void)
{
	hs_side_create(&a, "b@h", 4);
	fli_buf_create(&in, fli_mem_libc(), 0);
	hs_dial(&a, "b@h");
	CU_ASSERT_EQUAL(a.out.size, 0);
	check_failed(FLI_CAUSE_OWN_NAME, "own name");
}

static void without_a_cookie_nothing_is_sent(void)
{
	hs_side_create(&a, "a@h", 4);
	fli_buf_create(&in, fli_mem_libc(), 0);
	a.cookie = NULL;
	hs_dial(&a, "b@h");
	CU_ASSERT_EQUAL(a.out.size, 0);
	check_failed(FLI_CAUSE_NO_COOKIE, "no cookie");
}

static void without_random_numbers_nothing_is_proven(void)
{
	create();
	a.has_random = false;
	say("sok");
	say_challenge("b@h", FLI_DFLAGS_OWN, "");
	CU_ASSERT_EQUAL(a.out.size, 20);
	check_failed(FLI_CAUSE_RANDOM, "random");
}

static void create_dynamic(void)
{
	hs_side_create(&a, "h", 4);
	fli_buf_create(&in, fli_mem_libc(), 0);
	hs_dial(&a, "b@h");
}

static void dynamic_name_must_be_of_this_host(void)
{
	static const char other[] = "snamed:\0\3x@i\0\0\0\7", bad[] = "snamed:\0\3xyh\0\0\0\7";

	create_dynamic();
	in.size = 0;
	hs_message(&in, other, sizeof other - 1);
	(void)hs_feed(&a, in.data, in.size, 1);
	check_failed(FLI_CAUSE_NAME, "none of this host");
	create_dynamic();
	in.size = 0;
	hs_message(&in, bad, sizeof bad - 1);
	(void)hs_feed(&a, in.data, in.size, 1);
	check_failed(FLI_CAUSE_NAME, "none of this host");
}

static void dynamic_name_may_not_be_cut_short(void)
{
	static const char whole[] = "snamed:\0\3x@h\0\0\0\7";

	for (size_t size = 7; size < sizeof whole - 1; size++) {
		create_dynamic();
		in.size = 0;
		hs_message(&in, whole, size);
		(void)hs_feed(&a, in.data, in.size, 1);
		check_failed(FLI_CAUSE_MALFORMED, "cut short");
	}
}

static void dynamic_dialler_needs_a_name(void)
{
	static const char *const statuses[] = {"sok", "sok_simultaneous", "snok", "salive"};

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		create_dynamic();
		say(statuses[i]);
		check_failed(FLI_CAUSE_STATUS, "gives us no name");
	}
}

FL_SUITE("handshake_dial", FL_TEST(nok_is_no_failure_but_a_wait),
	FL_TEST(not_allowed_is_the_peers_refusal),
	FL_TEST(unknown_status_is_shown_without_its_controls), FL_TEST(long_status_is_cut),
	FL_TEST(name_that_was_not_asked_for_is_refused), FL_TEST(other_messages_are_no_status),
	FL_TEST(challenge_of_another_node_is_refused), FL_TEST(bytes_behind_the_name_are_ignored),
	FL_TEST(every_truncated_challenge_is_malformed), FL_TEST(old_challenge_is_a_node_too_old),
	FL_TEST(own_challenge_from_elsewhere_is_not_answered), FL_TEST(our_digest_echoed_is_no_ack),
	FL_TEST(wrong_ack_is_a_wrong_cookie), FL_TEST(ack_of_another_size_is_malformed),
	FL_TEST(message_ends_at_two_kilobytes),
	FL_TEST(the_limit_of_a_message_may_be_lower_but_never_higher),
	FL_TEST(tls_and_text_are_told_apart), FL_TEST(four_byte_length_has_no_room_to_wrap),
	FL_TEST(each_step_has_its_own_reason_for_silence),
	FL_TEST(end_before_the_reply_is_not_blamed_on_the_cookie), FL_TEST(nothing_follows_an_end),
	FL_TEST(dialling_oneself_fails_at_once), FL_TEST(without_a_cookie_nothing_is_sent),
	FL_TEST(without_random_numbers_nothing_is_proven),
	FL_TEST(dynamic_name_must_be_of_this_host), FL_TEST(dynamic_name_may_not_be_cut_short),
	FL_TEST(dynamic_dialler_needs_a_name));
