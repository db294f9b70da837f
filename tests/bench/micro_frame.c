/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the frame layer costs for one signal: one line a figure, in nanoseconds, best of several
 * rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dist/flags.h"
#include "dist/frame_in.h"
#include "dist/outbound.h"
#include "node/term/write.h"

#define FLAGS_HEADER UINT64_C(0x6d07df7fbd)
#define FLAGS_PLAIN (FLAGS_HEADER & ~(FLI_DFLAG(DIST_HDR_ATOM_CACHE) | FLI_DFLAG(FRAGMENTS)))
#define ROUNDS 15
#define MESSAGES 100000

static const fl_pid from = {{"n25@127.0.0.1", 13}, 0x1234, 0, 0x6b011784};
static const fl_pid own = {{"c1@127.0.0.1", 12}, 0x77, 0, 0x6b011785};
static const fl_ref alias = {{"n25@127.0.0.1", 13}, 0x6b011784, 3, {0x1ffff, 2, 3}};
static const fl_ref wide = {{"n25@127.0.0.1", 13}, 0x6b011784, 5, {0x1ffff, 2, 3, 4, 5}};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *name, double (*run)(void))
{
	double best = 1e18;

	for (int i = 0; i < ROUNDS; i++) {
		double ns = run();

		if (ns < best)
			best = ns;
	}
	printf("%-58s %8.1f ns\n", name, best);
}

/* ---- in -------------------------------------------------------------------------------------- */

static uint64_t payload_bytes;

static bool count(void *ctx, const fli_signal *signal)
{
	(void)ctx;
	payload_bytes += signal->payload.walked.size;
	return true;
}

static uint8_t *stream;
static size_t stream_size;
static fli_inbound inbound;

static void inbound_start(uint64_t flags)
{
	fli_inbound_config config = {
		.flags = flags, .peer = from.node, .mem = fli_mem_libc(), .on_signal = count};

	fli_inbound_create(&inbound, &config);
}

/* In pieces as big as a socket gives them, each with a frame that is cut. */
static double feed_stream(void)
{
	double start = now_ns();
	size_t size;

	for (size_t at = 0; at < stream_size; at += size) {
		size = stream_size - at < 65536 ? stream_size - at : 65536;
		if (fli_inbound_feed(&inbound, stream + at, size, NULL) != FL_OK)
			abort();
	}
	return (now_ns() - start) / MESSAGES;
}

static void make_stream(fli_buf *frame)
{
	stream_size = frame->size * MESSAGES;
	stream = malloc(stream_size);
	if (stream == NULL)
		abort();
	for (size_t i = 0; i < MESSAGES; i++)
		memcpy(stream + i * frame->size, frame->data, frame->size);
	fli_buf_destroy(frame);
}

static void write_cast(fli_buf *buf)
{
	fli_write_tuple(buf, 2);
	fli_write_atom(buf, fl_atom_of("$gen_cast"));
	fli_write_tuple(buf, 3);
	fli_write_atom(buf, fl_atom_of("add"));
	fli_write_int(buf, 41);
	fli_write_int(buf, 1);
}

static void bench_in_plain(void)
{
	fli_buf frame;

	fli_buf_create(&frame, fli_mem_libc(), 0);
	fli_buf_add(&frame, "\0\0\0\0\x70\x83", 6);
	fli_write_tuple(&frame, 4);
	fli_write_int(&frame, 6);
	fli_write_pid(&frame, &from);
	fli_write_atom(&frame, fl_atom_of(""));
	fli_write_atom(&frame, fl_atom_of("echo"));
	fli_buf_add8(&frame, 131);
	write_cast(&frame);
	fli_put32(frame.data, (uint32_t)frame.size - 4);
	make_stream(&frame);
	inbound_start(FLAGS_PLAIN);
	report("in: REG_SEND of a cast, pass-through", feed_stream);
	fli_inbound_destroy(&inbound);
	free(stream);
}

/* Five cached atoms: the node, '', echo, '$gen_cast', add. */
static void bench_in_header(void)
{
	static const uint8_t first[] = "\0\0\0\x40\x83\x44\x05\x88\x88\x08\x01\x0dn25@127.0.0.1\x02"
				       "\0\x03\x04"
				       "echo\x04\x09$gen_cast\x05\x03"
				       "add";
	static const uint8_t again[] = {131, 68, 5, 0, 0, 0, 1, 2, 3, 4, 5};
	static const uint8_t link[] = {
		104, 3, 97, 1, 88, 82, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9};
	static const uint8_t term[] = {104, 4, 97, 6, 88, 82, 0, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0x6b,
		1, 0x17, 0x84, 82, 1, 82, 2, 104, 2, 82, 3, 104, 3, 82, 4, 97, 41, 97, 1};
	fli_buf frame;

	inbound_start(FLAGS_HEADER);
	fli_buf_create(&frame, fli_mem_libc(), 0);
	fli_buf_add(&frame, first, sizeof first - 1);
	fli_buf_add(&frame, link, sizeof link);
	fli_buf_add(&frame, link + 4, 15);
	fli_put32(frame.data, (uint32_t)frame.size - 4);
	if (fli_inbound_feed(&inbound, frame.data, frame.size, NULL) != FL_OK)
		abort();
	frame.size = 0;
	fli_buf_add32(&frame, sizeof again + sizeof term);
	fli_buf_add(&frame, again, sizeof again);
	fli_buf_add(&frame, term, sizeof term);
	make_stream(&frame);
	report("in: REG_SEND of a cast, header with 5 cached atoms", feed_stream);
	fli_inbound_destroy(&inbound);
	free(stream);
}

/* ---- out ------------------------------------------------------------------------------------- */

static fli_outbound outbound;

static void outbound_start(uint64_t flags)
{
	fli_outbound_config config = {.flags = flags, .mem = fli_mem_libc()};

	fli_outbound_create(&outbound, &config);
}

static void drain(void)
{
	const uint8_t *data;
	size_t size;

	while (fli_outbound_take(&outbound, &data, &size))
		fli_outbound_done(&outbound, size);
}

static double reply_to_pid(void)
{
	double start = now_ns();

	for (int i = 0; i < MESSAGES; i++) {
		if (fli_outbound_begin_send(&outbound, &own, &from) != FL_OK)
			abort();
		fli_write_tuple(&outbound.buf, 2);
		fli_write_ref(&outbound.buf, &alias);
		fli_write_int(&outbound.buf, 42);
		if (fli_outbound_finish(&outbound, 0) != FL_OK)
			abort();
		if (i % 256 == 0)
			drain();
	}
	return (now_ns() - start) / MESSAGES;
}

static uint8_t tag[] =
	"l\0\0\0\x01w\5aliasZ\0\3w\rn25@127.0.0.1k\1\x17\x84\0\1\xff\xff\0\0\0\2\0\0\0\3";

/* The tag goes out as the bytes that came in. */
static double reply_to_alias(void)
{
	double start = now_ns();

	for (int i = 0; i < MESSAGES; i++) {
		if (fli_outbound_begin_alias_send(&outbound, &own, &wide, NULL) != FL_OK)
			abort();
		fli_write_tuple(&outbound.buf, 2);
		fli_buf_add(&outbound.buf, tag, sizeof tag - 1);
		fli_write_int(&outbound.buf, 42);
		if (fli_outbound_finish(&outbound, 0) != FL_OK)
			abort();
		if (i % 256 == 0)
			drain();
	}
	return (now_ns() - start) / MESSAGES;
}

static double send_control_only(void)
{
	double start = now_ns();

	for (int i = 0; i < MESSAGES; i++) {
		if (fli_outbound_link(&outbound, &own, &from) != FL_OK)
			abort();
		if (i % 256 == 0)
			drain();
	}
	return (now_ns() - start) / MESSAGES;
}

static double send_large(void)
{
	static uint8_t bytes[1 << 20];
	double start = now_ns();

	for (int i = 0; i < 100; i++) {
		if (fli_outbound_begin_send(&outbound, &own, &from) != FL_OK)
			abort();
		fli_write_binary(&outbound.buf, bytes, sizeof bytes);
		if (fli_outbound_finish(&outbound, 0) != FL_OK)
			abort();
		drain();
	}
	return (now_ns() - start) / 100;
}

#define LARGE_MESSAGES 16

static double feed_large(void)
{
	return feed_stream() * MESSAGES / LARGE_MESSAGES;
}

/* What was emitted becomes the stream that is fed. */
static void stream_of_outbound(void)
{
	const uint8_t *data;
	size_t size;

	stream = malloc(fli_outbound_size(&outbound) + LARGE_MESSAGES * 1024);
	if (stream == NULL)
		abort();
	for (stream_size = 0; fli_outbound_take(&outbound, &data, &size); stream_size += size) {
		memcpy(stream + stream_size, data, size);
		fli_outbound_done(&outbound, size);
	}
}

static void bench_in_large(void)
{
	static uint8_t bytes[1 << 20];

	outbound_start(FLAGS_HEADER);
	for (int i = 0; i < LARGE_MESSAGES; i++) {
		if (fli_outbound_begin_send(&outbound, &own, &from) != FL_OK)
			abort();
		fli_write_binary(&outbound.buf, bytes, sizeof bytes);
		if (fli_outbound_finish(&outbound, 0) != FL_OK)
			abort();
	}
	stream_of_outbound();
	fli_outbound_destroy(&outbound);
	inbound_start(FLAGS_HEADER);
	report("in: 1 MiB binary in fragments, reads of 64 KiB", feed_large);
	fli_inbound_destroy(&inbound);
	free(stream);
}

static void bench_out(void)
{
	outbound_start(FLAGS_HEADER);
	report("out: reply {Ref, 42} to a pid, header", reply_to_pid);
	report("out: reply {[alias|Ref], 42} to an alias, header", reply_to_alias);
	report("out: LINK", send_control_only);
	report("out: 1 MiB binary built and cut into fragments", send_large);
	fli_outbound_destroy(&outbound);
	outbound_start(FLAGS_PLAIN);
	report("out: reply {Ref, 42} to a pid, pass-through", reply_to_pid);
	fli_outbound_destroy(&outbound);
}

int main(void)
{
	bench_in_plain();
	bench_in_header();
	bench_in_large();
	bench_out();
	return 0;
}
