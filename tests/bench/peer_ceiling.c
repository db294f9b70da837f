/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `peer_ceiling ALIVE COOKIE mute|full|bare`: the echo server that does the least: one read, then
 * one write for all that the read brought. No processes, no mailboxes, no monitors, no limits. What
 * a real node has against it is the price of being one.
 *
 *  - mute: erl_interface's flags and its decoders; a frame is 112, the control term, the message.
 *  - full: a node's flags, so that a BEAM sends what it sends to its like: monitors (dropped here),
 *    a header with the atom cache, fragments. Answers leave in one frame whatever their size. Terms
 *    are walked by hand, without a check; atoms of the cache are written out on the way.
 *  - bare: mute's flags with full's walk. It trusts every byte, and is twice as fast as mute: how
 *    far the machine could go, but no program that faces a network.
 */
#include <ei.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/wire.h"

#define READ_BYTES ((size_t)1 << 18)
#define SLOTS 2048
#define SEQUENCES 64

enum { SEND = 2, REG_SEND = 6, SEND_SENDER = 22 };

typedef struct sequence {
	uint64_t id; /* 0: free */
	wire_buf bytes;
	uint16_t refs[255];
} sequence;

typedef struct ceiling {
	wire_node node;
	bool is_full, is_mute;
	int fd;
	wire_buf in, out;
	wire_buf slots[SLOTS]; /* the atom cache, as terms */
	uint16_t refs[255];    /* what the references of a header stand for */
	sequence open[SEQUENCES];
} ceiling;

/* ---- terms ----------------------------------------------------------------------------------- */

/* A walk that copies, too, when `to` is there. */
typedef struct walk {
	const ceiling *peer;
	wire_buf *to;
	const uint8_t *from; /* not copied yet */
} walk;

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static const uint8_t *cached_atom(walk *w, const uint8_t *p)
{
	const wire_buf *atom = &w->peer->slots[w->peer->refs[p[1]]];

	if (w->to != NULL) {
		wire_add(w->to, w->from, (size_t)(p - w->from));
		wire_add(w->to, atom->data, atom->size);
	}
	w->from = p + 2;
	return p + 2;
}

static const uint8_t *atom_end(walk *w, const uint8_t *p)
{
	switch (p[0]) {
	case 82: return cached_atom(w, p);
	case 115:
	case 119: return p + 2 + p[1];
	default: return p + 3 + get16(p + 1); /* 100, 118 */
	}
}

/* Past one term without its children, which are added to *left. */
static const uint8_t *one_end(walk *w, const uint8_t *p, uint64_t *left)
{
	switch (p[0]) {
	case 97: return p + 2;
	case 98: return p + 5;
	case 70: return p + 9;
	case 106: return p + 1;
	case 104: *left += p[1]; return p + 2;
	case 105: *left += wire_get32(p + 1); return p + 5;
	case 108: *left += (uint64_t)wire_get32(p + 1) + 1; return p + 5;
	case 116: *left += 2 * (uint64_t)wire_get32(p + 1); return p + 5;
	case 107: return p + 3 + get16(p + 1);
	case 109: return p + 5 + wire_get32(p + 1);
	case 77: return p + 6 + wire_get32(p + 1);
	case 110: return p + 3 + p[1];
	case 111: return p + 6 + wire_get32(p + 1);
	case 88: return atom_end(w, p + 1) + 12;
	case 89: return atom_end(w, p + 1) + 8;
	case 90: return atom_end(w, p + 3) + 4 + 4 * (size_t)get16(p + 1);
	default: return atom_end(w, p);
	}
}

static const uint8_t *walk_term(const ceiling *peer, const uint8_t *p, wire_buf *to)
{
	walk w = {.peer = peer, .to = to, .from = p};

	for (uint64_t left = 1; left > 0; left--)
		p = one_end(&w, p, &left);
	if (to != NULL)
		wire_add(to, w.from, (size_t)(p - w.from));
	return p;
}

static bool is_atom(const ceiling *peer, const uint8_t *p, const char *text)
{
	size_t size = strlen(text);

	if (p[0] == 82)
		p = peer->slots[peer->refs[p[1]]].data;
	return p[0] == 119 && p[1] == size && memcmp(p + 2, text, size) == 0;
}

/* ---- what arrives ---------------------------------------------------------------------------- */

static void begin_answer(ceiling *peer)
{
	wire_add32(&peer->out, 0);
	if (peer->is_full) {
		wire_add(&peer->out, "\x83\x44\0", 3); /* a header without atoms */
		return;
	}
	wire_add8(&peer->out, 112);
	wire_add8(&peer->out, 131);
}

/* {'$gen_call', {Pid, Tag}, Request}: {Tag, Request} goes to Pid. */
static void answer(ceiling *peer, const uint8_t *message)
{
	wire_buf *out = &peer->out;
	const uint8_t *pid, *tag;
	size_t start = out->size;

	if (message[0] != 104 || message[1] != 3 || !is_atom(peer, message + 2, "$gen_call"))
		return;
	pid = walk_term(peer, message + 2, NULL) + 2;
	begin_answer(peer);
	wire_add(out, "\x68\3\x61\2\x77\0", 6); /* {2, '', Pid} */
	tag = walk_term(peer, pid, out);
	wire_add(out, "\x83\x68\2" + peer->is_full, (size_t)3 - peer->is_full);
	(void)walk_term(peer, walk_term(peer, tag, out), out);
	wire_put32(out->data + start, (uint32_t)(out->size - start - 4));
}

/* The control term and the message behind it. */
static void take_signal(ceiling *peer, const uint8_t *p)
{
	int op = p[3]; /* {Op, ...}: small tuples of small integers, all of them */

	if (op != SEND && op != REG_SEND && op != SEND_SENDER)
		return;
	answer(peer, walk_term(peer, p, NULL) + !peer->is_full);
}

static void set_slot(wire_buf *slot, const uint8_t *text, size_t size)
{
	slot->size = 0;
	wire_add8(slot, 119);
	wire_add8(slot, (unsigned)size);
	wire_add(slot, text, size);
}

/* The references of a header; the first byte behind them. */
static const uint8_t *take_refs(ceiling *peer, const uint8_t *p)
{
	unsigned count = *p++;
	const uint8_t *flags = p;
	bool is_long;

	if (count == 0)
		return p;
	is_long = (flags[count / 2] >> (count % 2 * 4) & 1) != 0;
	p += count / 2 + 1;
	for (unsigned i = 0; i < count; i++) {
		unsigned four = flags[i / 2] >> (i % 2 * 4) & 15;
		size_t size;

		peer->refs[i] = (uint16_t)((four & 7) << 8 | *p++);
		if ((four & 8) == 0)
			continue;
		size = is_long ? get16(p) : *p;
		p += is_long ? 2 : 1;
		set_slot(&peer->slots[peer->refs[i]], p, size);
		p += size;
	}
	return p;
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)wire_get32(p) << 32 | wire_get32(p + 4);
}

static sequence *find_sequence(ceiling *peer, uint64_t id)
{
	for (int i = 0; i < SEQUENCES; i++)
		if (peer->open[i].id == id)
			return &peer->open[i];
	wire_fail("fragments of an unknown message");
	return NULL;
}

static void open_sequence(ceiling *peer, uint64_t id, const uint8_t *p, const uint8_t *end)
{
	sequence *s = find_sequence(peer, 0);

	s->id = id;
	s->bytes.size = 0;
	wire_add(&s->bytes, p, (size_t)(end - p));
	memcpy(s->refs, peer->refs, sizeof s->refs);
}

static void go_on(ceiling *peer, const uint8_t *head, const uint8_t *end)
{
	sequence *s = find_sequence(peer, get64(head));

	wire_add(&s->bytes, head + 16, (size_t)(end - head - 16));
	if (get64(head + 8) > 1)
		return;
	memcpy(peer->refs, s->refs, sizeof s->refs);
	take_signal(peer, s->bytes.data);
	s->id = 0;
}

static void take_full(ceiling *peer, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *head = p + 2;

	if (p[1] == 68) {
		take_signal(peer, take_refs(peer, head));
	} else if (p[1] == 70) {
		go_on(peer, head, end);
	} else {
		p = take_refs(peer, head + 16);
		if (get64(head + 8) == 1)
			take_signal(peer, p);
		else
			open_sequence(peer, get64(head), p, end);
	}
}

/* ---- by erl_interface ------------------------------------------------------------------------ */

static bool ei_is_call(const char *p, int *at)
{
	char head[MAXATOMLEN_UTF8];
	int version, arity;

	return ei_decode_version(p, at, &version) == 0 &&
	       ei_decode_tuple_header(p, at, &arity) == 0 && arity == 3 &&
	       ei_decode_atom(p, at, head) == 0 && strcmp(head, "$gen_call") == 0 &&
	       ei_decode_tuple_header(p, at, &arity) == 0 && arity == 2;
}

static void ei_answer(ceiling *peer, const char *p, int at)
{
	wire_buf *out = &peer->out;
	size_t start = out->size;
	int pid, tag, end;

	if (!ei_is_call(p, &at))
		return;
	pid = tag = at;
	ei_skip_term(p, &tag);
	end = tag;
	ei_skip_term(p, &end);
	ei_skip_term(p, &end);
	begin_answer(peer);
	wire_add(out, "\x68\3\x61\2\x77\0", 6);
	wire_add(out, p + pid, (size_t)(tag - pid));
	wire_add(out, "\x83\x68\2", 3);
	wire_add(out, p + tag, (size_t)(end - tag));
	wire_put32(out->data + start, (uint32_t)(out->size - start - 4));
}

static void ei_take(ceiling *peer, const char *p)
{
	int at = 1, version, arity;
	long op;

	if (ei_decode_version(p, &at, &version) != 0 ||
		ei_decode_tuple_header(p, &at, &arity) != 0 || ei_decode_long(p, &at, &op) != 0 ||
		(op != SEND && op != REG_SEND))
		return;
	for (int i = 1; i < arity; i++)
		ei_skip_term(p, &at);
	ei_answer(peer, p, at);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void take_frame(ceiling *peer, const uint8_t *p, size_t size)
{
	if (size == 0)
		wire_add32(&peer->out, 0); /* a tick for a tick */
	else if (peer->is_full)
		take_full(peer, p, p + size);
	else if (peer->is_mute)
		ei_take(peer, (const char *)p);
	else
		take_signal(peer, p + 2);
}

static void take_frames(ceiling *peer)
{
	size_t at = 0;

	while (peer->in.size - at >= 4) {
		size_t size = wire_get32(peer->in.data + at);

		if (peer->in.size - at - 4 < size)
			break;
		take_frame(peer, peer->in.data + at + 4, size);
		at += 4 + size;
	}
	wire_drop(&peer->in, at);
}

static void serve(ceiling *peer)
{
	ssize_t got;

	peer->in.size = 0;
	for (int i = 0; i < SEQUENCES; i++)
		peer->open[i].id = 0;
	while ((got = read(peer->fd, wire_room(&peer->in, READ_BYTES), READ_BYTES)) > 0) {
		peer->in.size += (size_t)got;
		peer->out.size = 0;
		take_frames(peer);
		if (!wire_write(peer->fd, peer->out.data, peer->out.size))
			break;
	}
	close(peer->fd);
}

int main(int argc, char **argv)
{
	static ceiling p;

	if (argc != 4)
		return 64;
	signal(SIGPIPE, SIG_IGN);
	p.is_full = strcmp(argv[3], "full") == 0;
	p.is_mute = strcmp(argv[3], "mute") == 0;
	wire_node_create(&p.node, argv[1], argv[2], p.is_full ? WIRE_FLAGS_FULL : WIRE_FLAGS_MUTE);
	wire_publish(&p.node);
	puts("READY");
	fflush(stdout);
	for (;;) {
		p.fd = wire_accept(&p.node);
		if (p.fd >= 0)
			serve(&p);
	}
}
