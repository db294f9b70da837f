/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load generator: `load PEER COOKIE SECONDS call|cast WINDOW PAYLOAD` prints messages per second.
 *
 *  - Calls: WINDOW gen_calls at the registered name `echo` are outstanding at any time. What counts
 *    is a reply: a message whose first element is the reference that the calls carried. Ticks, and
 *    whatever else the peer has to say, do not.
 *  - Casts go out as fast as the socket takes them; a call behind the last one is answered when the
 *    server has had them all, and that answer ends the measured time.
 *
 * All calls are the same bytes, laid out once, so that the generator costs little more than its
 * system calls: it must not be what limits the fastest peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/wire.h"

#define WARM_UP_SECONDS 0.05
#define SILENCE_MAX_MS 5000
#define WRITE_BYTES ((size_t)1 << 18)
#define READ_BYTES ((size_t)1 << 18)

typedef struct load {
	wire_node node;
	int fd;
	wire_buf frames; /* copies of one request, back to back */
	size_t frame_size;
	size_t at;      /* in frames: what goes out next */
	size_t pending; /* bytes that the window lets out */
	wire_buf ref;   /* the reference, as replies carry it */
	size_t ref_at;  /* where it stood in the last reply */
	wire_buf in;
	uint64_t replies;
} load;

static void make_ref(load *l)
{
	static const uint8_t words[] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};

	wire_add8(&l->ref, 90); /* NEWER_REFERENCE_EXT */
	wire_add8(&l->ref, 0);
	wire_add8(&l->ref, 3);
	wire_add_atom(&l->ref, l->node.name);
	wire_add32(&l->ref, l->node.creation);
	wire_add(&l->ref, words, sizeof words);
}

static void add_tuple(wire_buf *buf, unsigned arity)
{
	wire_add8(buf, 104);
	wire_add8(buf, arity);
}

static void add_pid(wire_buf *buf, const wire_node *node)
{
	wire_add8(buf, 88); /* NEW_PID_EXT */
	wire_add_atom(buf, node->name);
	wire_add32(buf, 1);
	wire_add32(buf, 0);
	wire_add32(buf, node->creation);
}

/* {add, 41, 1}, or a binary in the place of 1. */
static void add_request(wire_buf *buf, size_t payload)
{
	add_tuple(buf, 3);
	wire_add_atom(buf, "add");
	wire_add8(buf, 97);
	wire_add8(buf, 41);
	if (payload == 0) {
		wire_add8(buf, 97);
		wire_add8(buf, 1);
		return;
	}
	wire_add8(buf, 109);
	wire_add32(buf, (uint32_t)payload);
	memset(wire_room(buf, payload), 'x', payload);
	buf->size += payload;
}

static void add_frame(wire_buf *buf, const load *l, bool is_cast, size_t payload)
{
	size_t start = buf->size;

	wire_add32(buf, 0);
	wire_add8(buf, 112);
	wire_add8(buf, 131);
	add_tuple(buf, 4);
	wire_add8(buf, 97);
	wire_add8(buf, 6); /* REG_SEND */
	add_pid(buf, &l->node);
	wire_add_atom(buf, "");
	wire_add_atom(buf, "echo");
	wire_add8(buf, 131);
	add_tuple(buf, is_cast ? 2 : 3);
	wire_add_atom(buf, is_cast ? "$gen_cast" : "$gen_call");
	if (!is_cast) {
		add_tuple(buf, 2);
		add_pid(buf, &l->node);
		wire_add(buf, l->ref.data, l->ref.size);
	}
	add_request(buf, payload);
	wire_put32(buf->data + start, (uint32_t)(buf->size - start - 4));
}

static void lay_out(load *l, bool is_cast, size_t payload, size_t copies)
{
	add_frame(&l->frames, l, is_cast, payload);
	l->frame_size = l->frames.size;
	wire_room(&l->frames, copies * l->frame_size);
	for (size_t i = 1; i < copies; i++)
		wire_add(&l->frames, l->frames.data, l->frame_size);
}

/* ---- replies --------------------------------------------------------------------------------- */

static bool has_ref(load *l, const uint8_t *frame, size_t size)
{
	const uint8_t *found;

	if (size >= l->ref_at + l->ref.size &&
		memcmp(frame + l->ref_at, l->ref.data, l->ref.size) == 0)
		return true;
	found = memmem(frame, size, l->ref.data, l->ref.size);
	if (found != NULL)
		l->ref_at = (size_t)(found - frame);
	return found != NULL;
}

static size_t count_replies(load *l)
{
	size_t at = 0, count = 0;

	while (l->in.size - at >= 4) {
		size_t size = wire_get32(l->in.data + at);

		if (l->in.size - at - 4 < size)
			break;
		count += has_ref(l, l->in.data + at + 4, size);
		at += 4 + size;
	}
	wire_drop(&l->in, at);
	l->replies += count;
	return count;
}

static size_t take_replies(load *l)
{
	ssize_t got = read(l->fd, wire_room(&l->in, READ_BYTES), READ_BYTES);

	if (got == 0 || (got < 0 && errno != EAGAIN))
		wire_fail("the peer closed");
	if (got < 0)
		return 0;
	l->in.size += (size_t)got;
	return count_replies(l);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void send_pending(load *l)
{
	while (l->pending > 0) {
		size_t size = l->frames.size - l->at;
		ssize_t written;

		if (size > l->pending)
			size = l->pending;
		written = write(l->fd, l->frames.data + l->at, size);
		if (written < 0 && errno != EAGAIN)
			wire_fail("write");
		if (written < 0)
			return;
		l->at = (l->at + (size_t)written) % l->frames.size;
		l->pending -= (size_t)written;
	}
}

static void wait_for_peer(load *l)
{
	struct pollfd fd = {.fd = l->fd, .events = POLLIN};

	if (l->pending > 0)
		fd.events |= POLLOUT;
	if (poll(&fd, 1, SILENCE_MAX_MS) == 0) {
		errno = ETIMEDOUT;
		wire_fail("no answer");
	}
}

static void pump(load *l, double seconds)
{
	double end = wire_seconds() + seconds;

	while (wire_seconds() < end) {
		size_t count;

		send_pending(l);
		count = take_replies(l);
		l->pending += count * l->frame_size;
		if (count == 0)
			wait_for_peer(l);
	}
}

static double measure_calls(load *l, double seconds, size_t window)
{
	uint64_t before;
	double start;

	if (fcntl(l->fd, F_SETFL, O_NONBLOCK) != 0)
		wire_fail("fcntl");
	l->pending = window * l->frame_size;
	pump(l, WARM_UP_SECONDS);
	before = l->replies;
	start = wire_seconds();
	pump(l, seconds);
	return (double)(l->replies - before) / (wire_seconds() - start);
}

/* ---- casts ----------------------------------------------------------------------------------- */

static void await_call(load *l, const wire_buf *call)
{
	if (!wire_write(l->fd, call->data, call->size))
		wire_fail("write");
	while (take_replies(l) == 0)
		;
}

static double measure_casts(load *l, double seconds)
{
	wire_buf call = {NULL, 0, 0};
	double start, end;
	uint64_t count = 0;

	add_frame(&call, l, false, 0);
	await_call(l, &call);
	start = wire_seconds();
	for (end = start + seconds; wire_seconds() < end;) {
		if (!wire_write(l->fd, l->frames.data, l->frames.size))
			wire_fail("write");
		count += l->frames.size / l->frame_size;
	}
	await_call(l, &call);
	return (double)count / (wire_seconds() - start);
}

int main(int argc, char **argv)
{
	load l = {.fd = -1};
	bool is_cast;
	double seconds, rate;
	size_t window, payload;
	char alive[32];

	if (argc != 7) {
		fprintf(stderr, "usage: load PEER COOKIE SECONDS call|cast WINDOW PAYLOAD\n");
		return 64;
	}
	seconds = atof(argv[3]);
	is_cast = strcmp(argv[4], "cast") == 0;
	window = strtoul(argv[5], NULL, 10);
	payload = strtoul(argv[6], NULL, 10);
	snprintf(alive, sizeof alive, "load%d", (int)getpid());
	wire_node_create(&l.node, alive, argv[2], WIRE_FLAGS_MUTE);
	make_ref(&l);
	lay_out(&l, is_cast, payload, is_cast ? WRITE_BYTES / (100 + payload) : window);
	l.fd = wire_connect(&l.node, argv[1]);
	rate = is_cast ? measure_casts(&l, seconds) : measure_calls(&l, seconds, window);
	printf("%.0f\n", rate);
	return 0;
}
