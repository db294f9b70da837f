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
#define ONLY_CACHE WITHOUT(ALL, FRAGMENTS)

static const fl_pid a = {{"a@h", 3}, 5, 1, 77};
static const fl_pid a2 = {{"a@h", 3}, 9, 1, 77};
static const fl_pid a3 = {{"a@h", 3}, 10, 1, 77};
static const fl_pid b = {{"b@h", 3}, 6, 2, 78};
static const fl_ref ref = {{"b@h", 3}, 78, 3, {1, 2, 3}};

static fli_inbound in;
static fl_error error;
static fli_buf seen; /* each signal as op, wire op, expanded payload */
static size_t stop_after;

static bool note(void *ctx, const fli_signal *s)
{
	uint8_t *p;

	(void)ctx;
	fli_buf_add8(&seen, (uint8_t)s->op);
	if (s->payload.data != NULL) {
		p = fli_buf_extend(&seen, s->payload.walked.expanded_size);
		if (p != NULL)
			fli_expand(s->payload.data, &s->payload.walked, s->refs, p);
	}
	return stop_after == 0 || --stop_after > 0;
}

static void start_with(fli_inbound_config config)
{
	if (config.mem == NULL)
		config.mem = fli_mem_libc();
	config.on_signal = note;
	fli_inbound_create(&in, &config);
	fli_buf_create(&seen, fli_mem_libc(), 0);
	stop_after = 0;
}

static void start(uint64_t flags)
{
	start_with((fli_inbound_config){.flags = flags});
}

static void end(void)
{
	fli_inbound_destroy(&in);
	fli_buf_destroy(&seen);
}

static int feed(const void *data, size_t size)
{
	memset(&error, 0, sizeof error);
	return fli_inbound_feed(&in, data, size, &error);
}

/* The bytes of one frame, its length put in front. */
static int frame(const void *data, size_t size)
{
	uint8_t bytes[1024];

	CU_ASSERT_FATAL(size + 4 <= sizeof bytes);
	fli_put32(bytes, (uint32_t)size);
	memcpy(bytes + 4, data, size);
	return feed(bytes, size + 4);
}

#define FRAME(text) frame(text, sizeof(text) - 1)

static bool seen_is(const char *bytes, size_t size)
{
	bool is_same = seen.size == size && (size == 0 || memcmp(seen.data, bytes, size) == 0);

	fli_buf_clear(&seen, SIZE_MAX);
	return is_same;
}

#define SEEN(text) CU_ASSERT(seen_is(text, sizeof(text) - 1))

#define A_PID "Xw\3a@h\0\0\0\5\0\0\0\1\0\0\0\x4d"
#define B_PID "Xw\3b@h\0\0\0\6\0\0\0\2\0\0\0\x4e"
#define SEND_A_B "h\3a\x16" A_PID B_PID
#define LINK_A_B "h\3a\1" A_PID B_PID

/* ---- both worlds ----------------------------------------------------------------------------- */

static void ticks_and_bytes_are_counted(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(feed("\0\0\0\0\0\0\0\0\0", 9), FL_OK);
	CU_ASSERT_EQUAL(in.stats.ticks, 2);
	CU_ASSERT_EQUAL(in.stats.bytes, 9);
	CU_ASSERT_EQUAL(feed("\0\0\0", 3), FL_OK);
	CU_ASSERT_EQUAL(in.stats.ticks, 3);
	CU_ASSERT_EQUAL(in.stats.frames, 0);
	end();
}

static void pass_through_frames_are_taken(void)
{
	start(PLAIN);
	CU_ASSERT_EQUAL(FRAME("p\x83" SEND_A_B "\x83w\1m"), FL_OK);
	SEEN("\0w\1m");
	CU_ASSERT_EQUAL(FRAME("p\x83" LINK_A_B), FL_OK);
	SEEN("\3");
	CU_ASSERT_EQUAL(in.stats.frames, 2);
	CU_ASSERT_EQUAL(in.stats.signals, 2);
	end();
}

static void header_frames_share_a_cache(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(FRAME("\x83\x44\2\x88\0\1\3a@h\2\5hello"
			      "h\3a\x16XR\0\0\0\0\5\0\0\0\1\0\0\0\x4d" B_PID "R\1"),
		FL_OK);
	SEEN("\0w\5hello");
	CU_ASSERT_EQUAL(FRAME("\x83\x44\2\0\0\2\1"
			      "h\3a\x16XR\1\0\0\0\5\0\0\0\1\0\0\0\x4d" B_PID "R\0"),
		FL_OK);
	SEEN("\0w\5hello");
	CU_ASSERT_EQUAL(FRAME("\x83\x44\1\0\3" SEND_A_B "R\0"), FL_EFORMAT);
	end();
}

static void single_fragment_is_a_message(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(
		FRAME("\x83\x45\0\0\0\0\0\0\0\x9\0\0\0\0\0\0\0\1\0" SEND_A_B "w\1m"), FL_OK);
	SEEN("\0w\1m");
	CU_ASSERT_EQUAL(in.fragments.open.count, 0);
	end();
}

#define FIRST(seq, number) "\x83\x45\0\0\0\0\0\0\0" seq "\0\0\0\0\0\0\0" number
#define NEXT(seq, number) "\x83\x46\0\0\0\0\0\0\0" seq "\0\0\0\0\0\0\0" number

static void fragments_interleave_with_all_else(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\3") "\0" SEND_A_B "m\0"), FL_OK);
	CU_ASSERT_EQUAL(FRAME(FIRST("\2", "\2") "\0" SEND_A_B), FL_OK);
	CU_ASSERT_EQUAL(FRAME("\x83\x44\0" SEND_A_B "w\1m"), FL_OK);
	SEEN("\0w\1m");
	CU_ASSERT_EQUAL(FRAME(NEXT("\1", "\2") "\0\0\2"), FL_OK);
	CU_ASSERT_EQUAL(FRAME(NEXT("\2", "\1") "w\1x"), FL_OK);
	SEEN("\0w\1x");
	CU_ASSERT_EQUAL(FRAME(NEXT("\1", "\1") "yz"), FL_OK);
	SEEN("\0m\0\0\0\2yz");
	CU_ASSERT_EQUAL(in.stats.fragments, 5);
	CU_ASSERT_EQUAL(in.stats.signals, 3);
	end();
}

static void slot_may_be_overwritten_while_a_message_is_open(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\2") "\1\x08\7\3old" SEND_A_B "h\2"), FL_OK);
	CU_ASSERT_EQUAL(FRAME("\x83\x44\1\x08\7\3new" SEND_A_B "R\0"), FL_OK);
	SEEN("\0w\3new");
	CU_ASSERT_EQUAL(FRAME(NEXT("\1", "\1") "R\0R\0"), FL_OK);
	SEEN("\0h\2w\3oldw\3old");
	/* And the entry of a first fragment counts at once. */
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\2") "\1\x08\7\5third" SEND_A_B), FL_OK);
	CU_ASSERT_EQUAL(FRAME("\x83\x44\1\0\7" SEND_A_B "R\0"), FL_OK);
	SEEN("\0w\5third");
	end();
}

/* ---- violations ------------------------------------------------------------------------------ */

struct violation {
	uint64_t flags;
	const char *bytes;
	size_t size;
	const char *text;
};

#define VIOLATION(flags, bytes, text)                                                              \
	{                                                                                          \
		flags, bytes, sizeof(bytes) - 1, text                                              \
	}

static const struct violation violations[] = {
	VIOLATION(ALL, "p\x83" SEND_A_B "\x83w\1m", "begins with 112"),
	VIOLATION(PLAIN, "\x83\x44\0" SEND_A_B "w\1m", "begins with 131"),
	VIOLATION(ALL, "\x83\x44\0\x83" SEND_A_B "w\1m", "no tuple"),
	VIOLATION(ALL, "\x83\x44\0" SEND_A_B "\x83w\1m", "payload"),
	VIOLATION(ALL, "\x83\x50\0", "kind 80"),
	VIOLATION(ALL, "\x83", "begins with"),
	VIOLATION(PLAIN, "p", "version"),
	VIOLATION(PLAIN, "p\x83", "no tuple"),
	VIOLATION(ALL, "\x83\x44", "too early"),
	VIOLATION(ALL, "\x83\x44\1\0\5" SEND_A_B "R\0", "never set"),
	VIOLATION(ALL, "\x83\x44\1\x08\5\2\xc3\x28" SEND_A_B "R\0", "UTF-8"),
	VIOLATION(ALL, "\x83\x44\1\x08\5\1x" SEND_A_B "R\1", "payload"),
	VIOLATION(ALL, "\x83\x44\0" SEND_A_B "P\0\0\0\1x", "payload"),
	VIOLATION(ALL, "\x83\x44\0" SEND_A_B "m\0\0\0\5x", "payload"),
	VIOLATION(ALL, "\x83\x44\0h\1a\5", "op 5"),
	VIOLATION(ALL, "\x83\x44\0h\3a\x63" A_PID B_PID, "op 99"),
	VIOLATION(ALL, "\x83\x44\0h\4a\1" A_PID B_PID "a\1", "LINK"),
	VIOLATION(ALL, FIRST("\0", "\2") "\0" SEND_A_B, "is 0"),
	VIOLATION(ALL, FIRST("\1", "\0") "\0" SEND_A_B, "is 0"),
	VIOLATION(ALL, FIRST("\1", "\2") "\0h\3a\x16" A_PID, "element 3"),
	VIOLATION(ALL, NEXT("\1", "\1") "x", "not open"),
	VIOLATION(ALL, "\x83\x46\0\0", "too early"),
	VIOLATION(ONLY_CACHE, FIRST("\1", "\2") "\0" SEND_A_B, "not agreed"),
};

static void violations_close_the_connection(void)
{
	for (size_t i = 0; i < sizeof violations / sizeof violations[0]; i++) {
		const struct violation *v = &violations[i];

		start(v->flags);
		CU_ASSERT_EQUAL(frame(v->bytes, v->size), FL_EFORMAT);
		if (strstr(error.what, v->text) == NULL)
			CU_FAIL(v->text);
		CU_ASSERT_EQUAL(seen.size, 0);
		CU_ASSERT_EQUAL(feed("\0\0\0\0", 4), FL_EFORMAT); /* for good */
		CU_ASSERT_EQUAL(in.stats.ticks, 0);
		end();
	}
}

static void fragments_out_of_order_close_the_connection(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\3") "\0" SEND_A_B "w"), FL_OK);
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\3") "\0" SEND_A_B "w"), FL_EFORMAT);
	end();
	start(ALL);
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\3") "\0" SEND_A_B "w"), FL_OK);
	CU_ASSERT_EQUAL(FRAME(NEXT("\1", "\1") "\1m"), FL_EFORMAT);
	SEEN("");
	end();
}

static void frame_over_the_limit_is_refused_at_its_length(void)
{
	start_with((fli_inbound_config){.flags = ALL, .limits = {.frame_bytes_max = 100}});
	CU_ASSERT_EQUAL(feed("\0\0\0\x65", 4), FL_ELIMIT);
	end();
	start(ALL);
	CU_ASSERT_EQUAL(feed("\xff\xff", 2), FL_OK);
	CU_ASSERT_EQUAL(feed("\xff\xff", 2), FL_ELIMIT);
	end();
}

static void memory_follows_the_bytes_that_came(void)
{
	start(ALL);
	CU_ASSERT_EQUAL(feed("\x0f\xff\xff\xff\x83", 5), FL_OK);
	CU_ASSERT(in.partial.capacity < 1000);
	end();
}

static void fragments_are_limited(void)
{
	start_with((fli_inbound_config){.flags = ALL, .limits = {.fragments_open_max = 1}});
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\3") "\0" SEND_A_B "w"), FL_OK);
	CU_ASSERT_EQUAL(FRAME(FIRST("\2", "\3") "\0" SEND_A_B "w"), FL_ELIMIT);
	end();
	start_with((fli_inbound_config){.flags = ALL, .limits = {.fragment_bytes_max = 50}});
	CU_ASSERT_EQUAL(FRAME(FIRST("\1", "\3") "\0" SEND_A_B "w"), FL_OK);
	CU_ASSERT_EQUAL(FRAME(NEXT("\1", "\2") "1234567890"), FL_ELIMIT);
	end();
}

static void cached_atoms_do_not_multiply_beyond_the_limit(void)
{
	uint8_t data[1024] = "\x83\x44\1\x08\7\x64";
	size_t at = 6 + 100;

	/* 200 references of 2 bytes that stand for 102 each. */
	memset(data + 6, 'x', 100);
	memcpy(data + at, SEND_A_B, sizeof SEND_A_B - 1);
	at += sizeof SEND_A_B - 1;
	data[at++] = 104;
	data[at++] = 200;
	for (int i = 0; i < 200; i++) {
		data[at++] = 82;
		data[at++] = 0;
	}
	start_with((fli_inbound_config){.flags = ALL, .limits = {.frame_bytes_max = 10000}});
	CU_ASSERT_EQUAL(frame(data, at), FL_ELIMIT);
	end();
	start_with((fli_inbound_config){.flags = ALL, .limits = {.frame_bytes_max = 30000}});
	CU_ASSERT_EQUAL(frame(data, at), FL_OK);
	CU_ASSERT_EQUAL(seen.size, 1 + 2 + 200 * 102);
	end();
}

static void receiver_may_stop_the_connection(void)
{
	start(ALL);
	stop_after = 1;
	CU_ASSERT_EQUAL(FRAME("\x83\x44\0" SEND_A_B "w\1m"), FL_ECLOSED);
	CU_ASSERT_EQUAL(FRAME("\x83\x44\0" SEND_A_B "w\1m"), FL_ECLOSED);
	CU_ASSERT_EQUAL(in.stats.signals, 1);
	end();
}

/* ---- loop-back ------------------------------------------------------------------------------- */

static void write_message(fli_outbound *out, size_t binary_size)
{
	fli_write_tuple(&out->buf, 3);
	fli_write_atom(&out->buf, fl_atom_of("msg"));
	fli_write_ref(&out->buf, &ref);
	fli_write_binary(&out->buf, violations, 0);
	fli_put32(out->buf.data + out->buf.size - 4, (uint32_t)binary_size);
	memset(fli_buf_extend(&out->buf, binary_size), 'z', binary_size);
}

static void finish(fli_outbound *out, int begun, size_t binary_size)
{
	if (begun != FL_OK) {
		CU_ASSERT_EQUAL(begun, FL_ENOTSUP);
		return;
	}
	write_message(out, binary_size);
	CU_ASSERT_EQUAL(fli_outbound_finish(out, 0), FL_OK);
}

/* One of each. */
static void emit_each(fli_outbound *out)
{
	fli_outbound_monitored pid = {&a, {NULL, 0}}, name = {&a, {"srv", 3}};
	fli_outbound_spawn spawn = {
		&ref, &a, &a, {"m", 1}, {"f", 1}, 1, {.data = (const uint8_t *)"j", .size = 1}};
	fli_outbound_spawned reply = {&ref, &b, &a, {NULL, 0}, true, false};

	CU_ASSERT_EQUAL(fli_outbound_link(out, &a3, &b), FL_OK);
	finish(out, fli_outbound_begin_send(out, &a, &b), 200);
	finish(out, fli_outbound_begin_send(out, &a2, &b), 3);
	finish(out, fli_outbound_begin_reg_send(out, &a2, fl_atom_of("x")), 90);
	finish(out, fli_outbound_begin_alias_send(out, &a, &ref, NULL), 20);
	finish(out, fli_outbound_begin_exit(out, &a, &b), 70);
	finish(out, fli_outbound_begin_exit2(out, &a, &b), 0);
	finish(out, fli_outbound_begin_down(out, pid, &b, &ref), 1);
	finish(out, fli_outbound_begin_down(out, name, &b, &ref), 100);
	finish(out, fli_outbound_begin_spawn(out, &spawn), 65);
	CU_ASSERT_EQUAL(fli_outbound_link(out, &a, &b), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_unlink(out, &a, &b, 9), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_unlink_ack(out, &a, &b, 9), FL_OK);
	CU_ASSERT_EQUAL(fli_outbound_group_leader(out, &a, &a, &b), FL_OK);
	(void)fli_outbound_monitor(out, &a, pid, &ref);   /* refused without the flags */
	(void)fli_outbound_demonitor(out, &a, pid, &ref); /* likewise */
	CU_ASSERT_EQUAL(fli_outbound_spawn_reply(out, &reply), FL_OK);
}

static void take_all(fli_outbound *out, fli_buf *wire)
{
	const uint8_t *data;
	size_t size;

	while (fli_outbound_take(out, &data, &size)) {
		fli_buf_add(wire, data, size);
		fli_outbound_done(out, size);
	}
}

/*
 * One of each, twice: the second time by the cache, where that is agreed on. The frames end up in
 * `wire`.
 */
static void emit_all(uint64_t flags, fli_buf *wire)
{
	fli_outbound_config config = {.flags = flags,
		.names = {a.node, b.node},
		.mem = fli_mem_libc(),
		.limits = {.fragment_bytes = 64}};
	fli_outbound out;

	fli_outbound_create(&out, &config);
	fli_buf_create(wire, fli_mem_libc(), 0);
	emit_each(&out);
	take_all(&out, wire);
	CU_ASSERT_EQUAL(out.atoms.state,
		flags & FLI_DFLAG(DIST_HDR_ATOM_CACHE) ? FLI_ATOMS_KNOWN : FLI_ATOMS_OFF);
	emit_each(&out);
	take_all(&out, wire);
	fli_outbound_destroy(&out);
}

static const uint64_t choices[] = {FLI_DFLAG(DIST_HDR_ATOM_CACHE), FLI_DFLAG(FRAGMENTS),
	FLI_DFLAG(EXIT_PAYLOAD), FLI_DFLAG(SEND_SENDER), FLI_DFLAG(UNLINK_ID), FLI_DFLAG(ALIAS),
	FLI_DFLAG(ALTACT_SIG), FLI_DFLAG(SPAWN), FLI_DFLAG(DIST_MONITOR_NAME)};
#define CHOICES (sizeof choices / sizeof choices[0])

static uint64_t flags_of(unsigned left_out)
{
	uint64_t flags = ALL;

	for (size_t i = 0; i < CHOICES; i++)
		if (left_out >> i & 1)
			flags &= ~choices[i];
	return flags;
}

static void feed_split(uint64_t flags, const fli_buf *wire, size_t at)
{
	start_with((fli_inbound_config){.flags = flags, .peer = a.node});
	CU_ASSERT_EQUAL(feed(wire->data, at), FL_OK);
	CU_ASSERT_EQUAL(feed(wire->data + at, wire->size - at), FL_OK);
	CU_ASSERT_EQUAL(in.partial.size, 0);
	CU_ASSERT_EQUAL(in.fragments.open.count, 0);
}

static void what_goes_out_comes_in_under_all_flags(void)
{
	fli_buf wire, whole;
	size_t half;

	for (unsigned left_out = 0; left_out < 1u << CHOICES; left_out++) {
		uint64_t flags = flags_of(left_out);

		emit_all(flags, &wire);
		feed_split(flags, &wire, 0);
		whole = seen;
		fli_inbound_destroy(&in);
		half = whole.size / 2;
		CU_ASSERT(half > 500 && memcmp(whole.data, whole.data + half, half) == 0);
		/* Each place of the stream is a split in one of the combinations. */
		for (size_t at = left_out % 16; at < wire.size; at += 16) {
			feed_split(flags, &wire, at);
			CU_ASSERT(seen.size == whole.size &&
				  memcmp(seen.data, whole.data, seen.size) == 0);
			end();
		}
		fli_buf_destroy(&wire);
		fli_buf_destroy(&whole);
	}
}

static void stream_may_arrive_byte_by_byte(void)
{
	fli_buf wire;

	for (unsigned left_out = 0; left_out < 4; left_out++) {
		emit_all(flags_of(left_out), &wire);
		start(flags_of(left_out));
		for (size_t i = 0; i < wire.size; i++)
			CU_ASSERT_EQUAL(feed(wire.data + i, 1), FL_OK);
		CU_ASSERT_EQUAL(in.stats.signals, 34);
		end();
		fli_buf_destroy(&wire);
	}
}

/* ---- failing allocations --------------------------------------------------------------------- */

static bool feed_failing_at(long call, const fli_buf *wire)
{
	fli_fault fault;
	int code;

	fli_fault_create(&fault, call);
	start_with((fli_inbound_config){.flags = ALL, .mem = &fault.mem});
	code = FRAME("\x83\x44\1\x08\7\3old" SEND_A_B "R\0");
	for (size_t at = 0; code == FL_OK && at < wire->size; at += 100)
		code = feed(wire->data + at, wire->size - at < 100 ? wire->size - at : 100);
	CU_ASSERT_EQUAL(code, fault.was_hit ? FL_ENOMEM : FL_OK);
	end();
	CU_ASSERT_EQUAL(fault.live, 0);
	return fault.was_hit;
}

static void failed_allocation_is_an_error_like_others(void)
{
	fli_buf wire;
	long call = 1;

	emit_all(ALL, &wire);
	while (call < 1000 && feed_failing_at(call, &wire))
		call++;
	CU_ASSERT(call > 5 && call < 1000);
	fli_buf_destroy(&wire);
}

static void frames_that_arrive_whole_allocate_nothing(void)
{
	fli_fault fault;
	long before;

	fli_fault_create(&fault, 0);
	start_with((fli_inbound_config){.flags = ALL, .mem = &fault.mem});
	CU_ASSERT_EQUAL(FRAME("\x83\x44\1\x08\7\3old" SEND_A_B "R\0"), FL_OK);
	before = fault.calls;
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(FRAME("\x83\x44\1\0\7" SEND_A_B "R\0"), FL_OK);
	CU_ASSERT_EQUAL(fault.calls, before);
	end();
}

FL_SUITE("frame", FL_TEST(ticks_and_bytes_are_counted), FL_TEST(pass_through_frames_are_taken),
	FL_TEST(header_frames_share_a_cache), FL_TEST(single_fragment_is_a_message),
	FL_TEST(fragments_interleave_with_all_else),
	FL_TEST(slot_may_be_overwritten_while_a_message_is_open),
	FL_TEST(violations_close_the_connection),
	FL_TEST(fragments_out_of_order_close_the_connection),
	FL_TEST(frame_over_the_limit_is_refused_at_its_length),
	FL_TEST(memory_follows_the_bytes_that_came), FL_TEST(fragments_are_limited),
	FL_TEST(cached_atoms_do_not_multiply_beyond_the_limit),
	FL_TEST(receiver_may_stop_the_connection), FL_TEST(what_goes_out_comes_in_under_all_flags),
	FL_TEST(stream_may_arrive_byte_by_byte), FL_TEST(failed_allocation_is_an_error_like_others),
	FL_TEST(frames_that_arrive_whole_allocate_nothing));
