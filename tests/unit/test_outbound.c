/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/flags.h"
#include "dist/frame_in.h"
#include "dist/outbound.h"
#include "node/term/write.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

#define ALL UINT64_C(0x6d07df7fbd)
#define WITHOUT(flags, name) ((flags) & ~FLI_DFLAG(name))
#define PLAIN WITHOUT(WITHOUT(ALL, DIST_HDR_ATOM_CACHE), FRAGMENTS)

static const fl_pid a = {{"a@h", 3}, 5, 1, 77};
static const fl_pid other = {{"a@h", 3}, 8, 1, 77};
static const fl_pid b = {{"b@h", 3}, 6, 2, 78};
static const fl_ref ref = {{"b@h", 3}, 78, 3, {1, 2, 3}};

static fli_outbound out;
static fli_buf sent;

static void start_with(fli_outbound_config config)
{
	if (config.mem == NULL)
		config.mem = fli_mem_libc();
	fli_outbound_create(&out, &config);
	fli_buf_create(&sent, fli_mem_libc(), 0);
}

static void start(uint64_t flags)
{
	start_with((fli_outbound_config){.flags = flags});
}

/* One piece, a few bytes at a time. */
static bool drain_piece(void)
{
	const uint8_t *data;
	size_t size, part;

	if (!fli_outbound_take(&out, &data, &size))
		return false;
	while (size > 0) {
		part = size < 1000 ? size : 1000;
		fli_buf_add(&sent, data, part);
		fli_outbound_done(&out, part);
		size -= part;
		data += part;
	}
	return true;
}

static void drain(void)
{
	while (drain_piece()) {}
	CU_ASSERT_EQUAL(fli_outbound_size(&out), 0);
}

static void end(void)
{
	fli_outbound_destroy(&out);
	fli_buf_destroy(&sent);
}

/* One frame of these bytes; no bytes: nothing. */
static bool sent_is(const char *bytes, size_t size)
{
	size_t at = size == 0 ? 0 : 4;
	bool is_same;

	drain();
	is_same = sent.size == size + at && (size == 0 || fli_get32(sent.data) == size) &&
		  (size == 0 || memcmp(sent.data + at, bytes, size) == 0);
	fli_buf_clear(&sent, SIZE_MAX);
	return is_same;
}

#define SENT(text) CU_ASSERT(sent_is(text, sizeof(text) - 1))

static int finish_atom(int begun, const char *text)
{
	if (begun != FL_OK)
		return begun;
	fli_write_atom(&out.buf, fl_atom_of(text));
	return fli_outbound_finish(&out, 0);
}

#define A_PID "Xw\3a@h\0\0\0\5\0\0\0\1\0\0\0\x4d"
#define B_PID "Xw\3b@h\0\0\0\6\0\0\0\2\0\0\0\x4e"
#define REF "Z\0\3w\3b@h\0\0\0\x4e\0\0\0\1\0\0\0\2\0\0\0\3"

static void pass_through_frames_are_exact(void)
{
	start(PLAIN);
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_send(&out, &a, &b), "m"), FL_OK);
	SENT("p\x83h\3a\x16" A_PID B_PID "\x83w\1m");
	CU_ASSERT_EQUAL(
		finish_atom(fli_outbound_begin_reg_send(&out, &a, fl_atom_of("x")), "m"), FL_OK);
	SENT("p\x83h\4a\6" A_PID "w\0w\1x\x83w\1m");
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	SENT("p\x83h\3a\1" A_PID B_PID);
	end();
}

static void header_frames_are_exact(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_send(&out, &a, &b), "m"), FL_OK);
	SENT("\x83\x44\0h\3a\x16" A_PID B_PID "w\1m");
	CU_ASSERT_EQUAL(
		finish_atom(fli_outbound_begin_alias_send(&out, &a, &ref, NULL), "m"), FL_OK);
	SENT("\x83\x44\0h\4a\x25"
	     "a\4" A_PID REF "w\1m");
	CU_ASSERT_EQUAL(fli_outbound_unlink(&out, &a, &b, 300), FL_OK);
	SENT("\x83\x44\0h\4a\x23"
	     "b\0\0\1\x2c" A_PID B_PID);
	CU_ASSERT_EQUAL(fli_outbound_unlink_ack(&out, &a, &b, UINT64_MAX), FL_OK);
	SENT("\x83\x44\0h\4a\x24n\x8\0\xff\xff\xff\xff\xff\xff\xff\xff" A_PID B_PID);
	end();
}

static void flags_choose_the_ops(void)
{
	start(WITHOUT(WITHOUT(WITHOUT(ALL, SEND_SENDER), UNLINK_ID), ALTACT_SIG));
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_send(&out, &a, &b), "m"), FL_OK);
	SENT("\x83\x44\0h\3a\2w\0" B_PID "w\1m");
	CU_ASSERT_EQUAL(fli_outbound_unlink(&out, &a, &b, 300), FL_OK);
	SENT("\x83\x44\0h\3a\4" A_PID B_PID);
	CU_ASSERT_EQUAL(fli_outbound_unlink_ack(&out, &a, &b, 300), FL_OK);
	SENT("");
	CU_ASSERT_EQUAL(
		finish_atom(fli_outbound_begin_alias_send(&out, &a, &ref, NULL), "m"), FL_OK);
	SENT("\x83\x44\0h\3a\x21" A_PID REF "w\1m");
	end();
	start(WITHOUT(WITHOUT(ALL, ALIAS), ALTACT_SIG));
	CU_ASSERT_EQUAL(fli_outbound_begin_alias_send(&out, &a, &ref, NULL), FL_ENOTSUP);
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_alias_send(&out, &a, &ref, &b), "m"), FL_OK);
	SENT("\x83\x44\0h\3a\x16" A_PID B_PID "w\1m");
	end();
}

static void reasons_go_behind_or_into_the_tuple(void)
{
	fli_outbound_monitored name = {&a, {"srv", 3}}, pid = {&a, {NULL, 0}};

	start(ALL);
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_exit(&out, &a, &b), "r"), FL_OK);
	SENT("\x83\x44\0h\3a\x18" A_PID B_PID "w\1r");
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_exit2(&out, &a, &b), "r"), FL_OK);
	SENT("\x83\x44\0h\3a\x1a" A_PID B_PID "w\1r");
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_down(&out, name, &b, &ref), "r"), FL_OK);
	SENT("\x83\x44\0h\4a\x1cw\3srv" B_PID REF "w\1r");
	end();
	start(WITHOUT(ALL, EXIT_PAYLOAD));
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_exit(&out, &a, &b), "r"), FL_OK);
	SENT("\x83\x44\0h\4a\3" A_PID B_PID "w\1r");
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_exit2(&out, &a, &b), "r"), FL_OK);
	SENT("\x83\x44\0h\4a\x8" A_PID B_PID "w\1r");
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_down(&out, pid, &b, &ref), "r"), FL_OK);
	SENT("\x83\x44\0h\5a\x15" A_PID B_PID REF "w\1r");
	end();
}

static void monitors_need_both_flags(void)
{
	fli_outbound_monitored pid = {&b, {NULL, 0}}, name = {NULL, {"srv", 3}};

	start(ALL);
	CU_ASSERT_EQUAL(fli_outbound_monitor(&out, &a, pid, &ref), FL_OK);
	SENT("\x83\x44\0h\4a\x13" A_PID B_PID REF);
	CU_ASSERT_EQUAL(fli_outbound_demonitor(&out, &a, name, &ref), FL_OK);
	SENT("\x83\x44\0h\4a\x14" A_PID "w\3srv" REF);
	end();
	start(WITHOUT(ALL, DIST_MONITOR_NAME));
	CU_ASSERT_EQUAL(fli_outbound_monitor(&out, &a, pid, &ref), FL_ENOTSUP);
	CU_ASSERT_EQUAL(fli_outbound_begin_down(&out, pid, &b, &ref), FL_ENOTSUP);
	SENT("");
	end();
}

static void spawns_are_asked_for_and_answered(void)
{
	fli_outbound_spawn spawn = {.id = &ref,
		.from = &a,
		.leader = &a,
		.module = {"m", 1},
		.function = {"f", 1},
		.arity = 2};
	fli_outbound_spawned reply = {
		.id = &ref, .to = &b, .child = &a, .is_linked = true, .is_monitored = true};

	start(ALL);
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_spawn(&out, &spawn), "x"), FL_OK);
	SENT("\x83\x44\0h\6a\x1d" REF A_PID A_PID "h\3w\1mw\1fa\2j"
	     "w\1x");
	CU_ASSERT_EQUAL(fli_outbound_spawn_reply(&out, &reply), FL_OK);
	SENT("\x83\x44\0h\5a\x1f" REF B_PID "a\3" A_PID);
	reply.child = NULL;
	reply.error = fl_atom_of("badopt");
	CU_ASSERT_EQUAL(fli_outbound_spawn_reply(&out, &reply), FL_OK);
	SENT("\x83\x44\0h\5a\x1f" REF B_PID "a\0w\6badopt");
	CU_ASSERT_EQUAL(fli_outbound_group_leader(&out, &a, &a, &b), FL_OK);
	SENT("\x83\x44\0h\3a\7" A_PID B_PID);
	end();
}

static void links_to_an_earlier_incarnation_are_not_sent(void)
{
	start_with((fli_outbound_config){.flags = ALL, .peer_creation = 79});
	CU_ASSERT_EQUAL(fli_outbound_begin_exit(&out, &a, &b), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_unlink(&out, &a, &b, 1), FL_ENOPROC);
	CU_ASSERT_EQUAL(fli_outbound_unlink_ack(&out, &a, &b, 1), FL_ENOPROC);
	SENT("");
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(finish_atom(fli_outbound_begin_exit2(&out, &a, &b), "r"), FL_OK);
	end();
}

static void aborted_signal_leaves_nothing(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	fli_write_int(&out.buf, 1);
	fli_outbound_abort(&out);
	SENT("");
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	fli_outbound_abort(&out);
	SENT("\x83\x44\0h\3a\1" A_PID B_PID);
	end();
}

static void tick_only_when_nothing_waits(void)
{
	start(ALL);
	CU_ASSERT(fli_outbound_tick(&out));
	CU_ASSERT(!fli_outbound_tick(&out));
	drain();
	CU_ASSERT(sent.size == 4 && fli_get32(sent.data) == 0);
	CU_ASSERT_EQUAL(fli_outbound_link(&out, &a, &b), FL_OK);
	CU_ASSERT(!fli_outbound_tick(&out));
	end();
}

/* ---- large messages -------------------------------------------------------------------------- */

static int send_binary(const fl_pid *from, uint8_t fill, size_t size)
{
	int code = fli_outbound_begin_send(&out, from, &b);
	uint8_t *p;

	if (code != FL_OK)
		return code;
	fli_write_binary(&out.buf, NULL, 0);
	if (!out.buf.failed)
		fli_put32(out.buf.data + out.buf.size - 4, (uint32_t)size);
	p = fli_buf_extend(&out.buf, size);
	if (p != NULL)
		memset(p, fill, size);
	return fli_outbound_finish(&out, 0);
}

static int send_number(const fl_pid *from, int64_t value)
{
	int code = fli_outbound_begin_send(&out, from, &b);

	if (code != FL_OK)
		return code;
	fli_write_int(&out.buf, value);
	return fli_outbound_finish(&out, 0);
}

/* The frames sent, a letter each: s whole, F first fragment, n next; then the signals. */
static char frames[512];
static char signals[128]; /* "A5" from a with 5, "BX" for a binary of X from `other` */

static void cut_frames(void)
{
	size_t count = 0;

	for (size_t at = 0; at < sent.size && count + 1 < sizeof frames;) {
		uint8_t kind = sent.data[at + 5];

		frames[count++] = kind == 68 ? 's' : kind == 69 ? 'F' : 'n';
		at += 4 + fli_get32(sent.data + at);
	}
	frames[count] = '\0';
}

static bool note(void *ctx, const fli_signal *signal)
{
	size_t size = strlen(signals);
	bool is_binary = signal->payload.data[0] == 109;

	(void)ctx;
	signals[size] = signal->from.id == a.id ? 'A' : 'B';
	signals[size + 1] =
		is_binary ? (char)signal->payload.data[5] : (char)('0' + signal->payload.data[1]);
	signals[size + 2] = '\0';
	return true;
}

static void receive(void)
{
	fli_inbound_config config = {
		.flags = out.config.flags, .mem = fli_mem_libc(), .on_signal = note};
	fli_inbound in;

	signals[0] = '\0';
	fli_inbound_create(&in, &config);
	CU_ASSERT_EQUAL(fli_inbound_feed(&in, sent.data, sent.size, NULL), FL_OK);
	CU_ASSERT_EQUAL(in.fragments.open.count, 0);
	fli_inbound_destroy(&in);
}

static void finish_and_compare(const char *expected_frames, const char *expected_signals)
{
	drain();
	cut_frames();
	receive();
	CU_ASSERT_STRING_EQUAL(frames, expected_frames);
	CU_ASSERT_STRING_EQUAL(signals, expected_signals);
	end();
}

static void fragments_are_64_kib_of_data(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 300000), FL_OK);
	drain();
	CU_ASSERT_EQUAL(fli_get32(sent.data), 65536 + 19);
	CU_ASSERT_EQUAL(
		memcmp(sent.data + 4, "\x83\x45\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\0h\3", 21), 0);
	CU_ASSERT_EQUAL(fli_get32(sent.data + 65536 + 23), 65536 + 18);
	CU_ASSERT_EQUAL(
		memcmp(sent.data + 65536 + 27, "\x83\x46\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\4", 18), 0);
	finish_and_compare("Fnnnn", "Ax");
}

static void message_that_just_fits_is_not_cut(void)
{
	/* Control term 40 bytes, binary header 5. */
	start(ALL);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 65536 - 40 - 5), FL_OK);
	CU_ASSERT_EQUAL(send_binary(&a, 'y', 65536 - 40 - 4), FL_OK);
	finish_and_compare("sFn", "AxAy");
}

static void without_fragments_it_is_one_frame(void)
{
	start(WITHOUT(ALL, FRAGMENTS));
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 300000), FL_OK);
	finish_and_compare("s", "Ax");
}

static void reason_in_the_tuple_is_never_cut(void)
{
	start(WITHOUT(ALL, EXIT_PAYLOAD));
	CU_ASSERT_EQUAL(fli_outbound_begin_exit(&out, &a, &b), FL_OK);
	fli_write_binary(&out.buf, frames, sizeof frames);
	for (int i = 0; i < 200; i++)
		fli_buf_add(&out.buf, frames, sizeof frames);
	fli_put32(out.buf.data + out.payload_at + 1, 201 * sizeof frames);
	CU_ASSERT_EQUAL(fli_outbound_finish(&out, 0), FL_OK);
	drain();
	cut_frames();
	CU_ASSERT_STRING_EQUAL(frames, "s");
	end();
}

static void small_signals_of_the_sender_wait_behind(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(send_number(&a, 1), FL_OK);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 150000), FL_OK);
	CU_ASSERT_EQUAL(send_number(&a, 2), FL_OK);
	CU_ASSERT_EQUAL(send_number(&other, 3), FL_OK);
	CU_ASSERT_EQUAL(send_number(&a, 4), FL_OK);
	CU_ASSERT_EQUAL(send_binary(&a, 'y', 70000), FL_OK);
	CU_ASSERT_EQUAL(send_number(&a, 5), FL_OK);
	finish_and_compare("ssFnnssFns", "A1B3AxA2A4AyA5");
}

static void small_signals_of_others_pass_between_fragments(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 150000), FL_OK);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT(drain_piece()); /* a fragment */
		CU_ASSERT_EQUAL(send_number(&other, i), FL_OK);
		CU_ASSERT_EQUAL(send_number(&a, i), FL_OK);
		CU_ASSERT(drain_piece()); /* what the other one sent */
	}
	finish_and_compare("Fsnsnss", "B0B1AxA0A1");
}

static void large_messages_take_turns(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 200000), FL_OK);
	CU_ASSERT_EQUAL(send_binary(&other, 'y', 100000), FL_OK);
	finish_and_compare("FFnnnn", "ByAx");
}

/* What a sender wrote before its large message must be on the wire before it. */
static void lane_does_not_overtake_its_senders_past(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(send_number(&other, 1), FL_OK);
	CU_ASSERT_EQUAL(send_binary(&other, 'y', 200000), FL_OK);
	CU_ASSERT(drain_piece()); /* the number; a lane is next */
	CU_ASSERT_EQUAL(send_number(&a, 2), FL_OK);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 70000), FL_OK);
	CU_ASSERT_EQUAL(send_number(&a, 3), FL_OK);
	CU_ASSERT_EQUAL(send_number(&other, 4), FL_OK);
	finish_and_compare("sFsFnnnsns", "B1A2AxA3ByB4");
}

static void complete_term_is_sent_like_a_built_one(void)
{
	static uint8_t bytes[200005] = {109, 0, 3, 0x0d, 0x40, 'z'};

	start(ALL);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(
		fli_outbound_finish_with(&out, (fl_term){.data = bytes, .size = sizeof bytes}, 0),
		FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &other, &b), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_finish_with(
				&out, (fl_term){.data = (const uint8_t *)"a\1", .size = 2}, 0),
		FL_OK);
	finish_and_compare("sFnnn", "B1Az");
}

static void bytes_handed_out_do_not_move(void)
{
	const uint8_t *data, *again;
	size_t size, again_size;

	start(ALL);
	CU_ASSERT_EQUAL(send_number(&a, 1), FL_OK);
	CU_ASSERT(fli_outbound_take(&out, &data, &size));
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(send_number(&a, 2), FL_OK);
	CU_ASSERT(fli_outbound_take(&out, &again, &again_size));
	CU_ASSERT(data == again && size == again_size);
	fli_outbound_done(&out, 7);
	CU_ASSERT(fli_outbound_take(&out, &again, &again_size));
	CU_ASSERT(data + 7 == again && size - 7 == again_size);
	end();
}

static void marks_have_hysteresis(void)
{
	start_with((fli_outbound_config){
		.flags = PLAIN, .limits = {.soft_bytes = 1000, .hard_bytes = 3000}});
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_READY);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 600), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_READY);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 600), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_BUSY);
	fli_outbound_done(&out, 0);
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 2000), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_OVERFULL);
	{
		const uint8_t *data;
		size_t size;

		CU_ASSERT(fli_outbound_take(&out, &data, &size));
		fli_outbound_done(&out, size - 700);
		CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_BUSY);
		fli_outbound_done(&out, 300);
		CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_READY);
	}
	end();
}

static void one_message_may_be_longer_than_the_hard_limit(void)
{
	start_with((fli_outbound_config){.flags = WITHOUT(ALL, DIST_HDR_ATOM_CACHE),
		.limits = {.fragment_bytes = 1000, .soft_bytes = 1000, .hard_bytes = 3000}});
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 9000), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_BUSY);
	CU_ASSERT_EQUAL(send_binary(&a, 'y', 2500), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_BUSY);
	CU_ASSERT_EQUAL(send_binary(&a, 'z', 500), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_check(&out), FLI_OUTBOUND_OVERFULL);
	end();
}

static void message_over_the_limit_is_refused(void)
{
	static uint8_t bytes[100005] = {109, 0, 1, 0x86, 0xa0};

	start_with((fli_outbound_config){.flags = ALL, .limits = {.message_bytes_max = 90000}});
	CU_ASSERT_EQUAL(send_binary(&a, 'x', 90000), FL_ELIMIT);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(
		fli_outbound_finish_with(&out, (fl_term){.data = bytes, .size = sizeof bytes}, 0),
		FL_ELIMIT);
	SENT("");
	end();
}

static void infinite_float_fails_the_signal(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(send_number(&a, 1), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_begin_send(&out, &a, &b), FL_OK);
	fli_write_double(&out.buf, __builtin_inf());
	CU_ASSERT_EQUAL(fli_outbound_finish(&out, 0), FL_ENOMEM);
	CU_ASSERT_EQUAL(send_number(&a, 2), FL_OK);
	finish_and_compare("ss", "A1A2");
}

/* ---- failing allocations --------------------------------------------------------------------- */

/* A run of all kinds; every failure leaves whole frames, in order, and nothing leaks. */
static bool run_failing_at(long call)
{
	fli_fault fault;
	size_t failures = 0;

	fli_fault_create(&fault, call);
	start_with((fli_outbound_config){.flags = ALL, .mem = &fault.mem});
	failures += send_number(&a, 1) != FL_OK;
	failures += send_binary(&a, 'x', 150000) != FL_OK;
	failures += send_number(&a, 2) != FL_OK;
	failures += send_number(&other, 3) != FL_OK;
	failures += send_binary(&other, 'y', 70000) != FL_OK;
	failures += send_number(&a, 4) != FL_OK;
	drain();
	receive();
	CU_ASSERT_EQUAL(failures, fault.was_hit ? 1 : 0);
	CU_ASSERT_EQUAL(strlen(signals), 2 * (6 - failures));
	end();
	CU_ASSERT_EQUAL(fault.live, 0);
	return fault.was_hit;
}

static void failed_allocation_loses_whole_signals_only(void)
{
	long call = 1;

	while (call < 1000 && run_failing_at(call))
		call++;
	CU_ASSERT(call > 5 && call < 1000);
}

FL_SUITE("outbound", FL_TEST(pass_through_frames_are_exact), FL_TEST(header_frames_are_exact),
	FL_TEST(flags_choose_the_ops), FL_TEST(reasons_go_behind_or_into_the_tuple),
	FL_TEST(monitors_need_both_flags), FL_TEST(spawns_are_asked_for_and_answered),
	FL_TEST(links_to_an_earlier_incarnation_are_not_sent),
	FL_TEST(aborted_signal_leaves_nothing), FL_TEST(tick_only_when_nothing_waits),
	FL_TEST(fragments_are_64_kib_of_data), FL_TEST(message_that_just_fits_is_not_cut),
	FL_TEST(without_fragments_it_is_one_frame), FL_TEST(reason_in_the_tuple_is_never_cut),
	FL_TEST(small_signals_of_the_sender_wait_behind),
	FL_TEST(small_signals_of_others_pass_between_fragments), FL_TEST(large_messages_take_turns),
	FL_TEST(lane_does_not_overtake_its_senders_past),
	FL_TEST(complete_term_is_sent_like_a_built_one), FL_TEST(bytes_handed_out_do_not_move),
	FL_TEST(marks_have_hysteresis), FL_TEST(one_message_may_be_longer_than_the_hard_limit),
	FL_TEST(message_over_the_limit_is_refused), FL_TEST(infinite_float_fails_the_signal),
	FL_TEST(failed_allocation_loses_whole_signals_only));
