/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a recording: header lines, then notes (tests/sim/record/recorder.erl describes them), whose
 * bytes are cut into the messages of the handshake and the signals of the frames.
 *
 * The handshake of a direction ends with the acceptor's `a` and the dialler's `r`. What frames may
 * carry follows from the flags of both names, so a cutter is told them as they pass.
 */
#include "tests/sim/otp_recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNS_MAX 64

/* ---- cutting --------------------------------------------------------------------------------- */

uint64_t otp_shake_flags(otp_term message)
{
	return message.size >= 15 && message.data[0] == 'N' ? otp_get_int(message.data + 1, 8) : 0;
}

static bool sink(otp_conn *conn, otp_term control, otp_term payload)
{
	otp_cutter *cutter = conn->sink_ctx;

	cutter->add(cutter->ctx, OTP_SIGNAL, control, payload);
	return true;
}

static bool cut_frame(otp_cutter *cutter, const uint8_t *data, size_t size)
{
	otp_conn *conn = &cutter->conn;

	if (size == 0) {
		cutter->add(cutter->ctx, OTP_TICK, OTP_NONE, OTP_NONE);
		return true;
	}
	conn->sink = sink;
	conn->sink_ctx = cutter;
	if (conn->cache_in == NULL)
		conn->cache_in = otp_alloc(sizeof *conn->cache_in);
	return otp_frame(conn, data, size);
}

bool otp_cutter_feed(otp_cutter *cutter, const uint8_t *data, size_t size)
{
	otp_buf *in = &cutter->bytes;
	size_t at = 0;
	bool is_sound = true;

	otp_buf_add(in, data, size);
	while (is_sound) {
		unsigned head = cutter->is_up ? 4 : 2;
		size_t length = in->size - at < head ? 0 : otp_get_int(in->data + at, head);
		otp_term message = {in->data + at + head, length};

		if (in->size - at < head || length > in->size - at - head)
			break;
		if (cutter->is_up) {
			is_sound = cut_frame(cutter, message.data, length);
		} else {
			cutter->is_up =
				length > 0 && ((message.data[0] == 'r' && length == 21) ||
						      (message.data[0] == 'a' && length == 17));
			cutter->add(cutter->ctx, OTP_SHAKE, message, OTP_NONE);
		}
		at += head + length;
	}
	in->size -= at;
	if (in->size > 0)
		memmove(in->data, in->data + at, in->size);
	return is_sound;
}

void otp_cutter_free(otp_cutter *cutter)
{
	otp_buf_free(&cutter->bytes);
	if (cutter->conn.cache_in != NULL)
		otp_cache_free(cutter->conn.cache_in);
	free(cutter->conn.cache_in);
}

/* ---- loading --------------------------------------------------------------------------------- */

typedef struct side {
	otp_cutter cutter;
	struct loader *loader;
	struct side *other;
	uint64_t flags;
	unsigned conn;
	char from;
	char to;
} side;

typedef struct loader {
	otp_recording *recording;
	uint64_t ms;
	side sides[CONNS_MAX][2];
} loader;

static otp_event *add_event(otp_recording *r)
{
	if (r->count == r->room) {
		r->room = 2 * r->room + 64;
		r->events = realloc(r->events, r->room * sizeof *r->events);
		if (r->events == NULL)
			abort();
	}
	memset(&r->events[r->count], 0, sizeof *r->events);
	return &r->events[r->count++];
}

static void add_said(void *ctx, otp_event_kind kind, otp_term control, otp_term payload)
{
	side *s = ctx;
	otp_event *e = add_event(s->loader->recording);

	e->kind = kind;
	e->ms = s->loader->ms;
	e->conn = s->conn;
	e->from = s->from;
	e->to = s->to;
	e->control = control.data != NULL ? otp_keep(control) : OTP_NONE;
	e->payload = payload.data != NULL ? otp_keep(payload) : OTP_NONE;
	if (kind == OTP_SHAKE && otp_shake_flags(control) != 0)
		s->flags = otp_shake_flags(control);
	s->cutter.conn.flags = s->other->cutter.conn.flags = s->flags & s->other->flags;
}

static void begin_conn(loader *l, unsigned conn, const char *text)
{
	otp_event *e = add_event(l->recording);

	e->kind = OTP_DIALLED;
	e->ms = l->ms;
	e->conn = conn;
	e->from = text[0];
	e->to = text[2];
	for (unsigned i = 0; i < 2; i++) {
		side *s = &l->sides[conn][i];

		s->loader = l;
		s->other = &l->sides[conn][1 - i];
		s->conn = conn;
		s->from = i == 0 ? e->from : e->to;
		s->to = i == 0 ? e->to : e->from;
		s->cutter.add = add_said;
		s->cutter.ctx = s;
	}
}

static bool add_note(loader *l, char kind, unsigned conn, const uint8_t *data, size_t size)
{
	char text[128] = "";
	otp_event *e;

	if (conn >= CONNS_MAX)
		return false;
	if (kind == 'D' || kind == 'B')
		return otp_cutter_feed(&l->sides[conn][kind == 'B'].cutter, data, size);
	if (size >= sizeof text)
		return false;
	memcpy(text, data, size);
	if (kind == 'O' && size >= 3) {
		begin_conn(l, conn, text);
		return true;
	}
	e = add_event(l->recording);
	e->ms = l->ms;
	e->conn = conn;
	memcpy(e->text, text, sizeof text);
	e->kind = kind == 'A' ? OTP_ACT : OTP_CLOSED;
	e->from = text[0];
	if (kind == 'C')
		e->from = text[0] == 'X' ? 0 : l->sides[conn][text[0] == 'B'].from;
	return kind == 'A' || kind == 'C';
}

static bool read_notes(loader *l, FILE *file)
{
	uint8_t head[10];
	bool is_sound = true;

	while (is_sound && fread(head, 1, sizeof head, file) == sizeof head) {
		size_t size = otp_get_int(head + 6, 4);
		uint8_t *data = size > (1u << 24) ? NULL : otp_alloc(size);

		l->ms = otp_get_int(head, 4);
		is_sound = data != NULL && fread(data, 1, size, file) == size &&
			   add_note(l, (char)head[4], head[5], data, size);
		free(data);
	}
	return is_sound && feof(file);
}

static bool read_header(otp_recording *r, FILE *file)
{
	char line[256];

	while (fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
		otp_player *p = &r->players[r->player_count % 4];

		if (sscanf(line, "node %c %d %u", &p->alive, &p->release, &p->creation) == 3) {
			(void)snprintf(p->name, sizeof p->name, "%c@127.0.0.1", p->alive);
			r->player_count++;
		} else if (sscanf(line, "scenario %31s", r->scenario) != 1) {
			(void)sscanf(line, "cookie %63s", r->cookie);
		}
	}
	return r->player_count > 1 && r->player_count < 4;
}

otp_recording *otp_recording_load(const char *path, char *ret_why, size_t size)
{
	otp_recording *r = otp_alloc(sizeof *r);
	loader *l = otp_alloc(sizeof *l);
	FILE *file = fopen(path, "rb");

	l->recording = r;
	if (file == NULL || !read_header(r, file) || !read_notes(l, file)) {
		(void)snprintf(ret_why, size, "%s is no recording", path);
		otp_recording_free(r);
		r = NULL;
	}
	if (file != NULL)
		(void)fclose(file);
	for (unsigned i = 0; i < 2 * CONNS_MAX; i++)
		otp_cutter_free(&l->sides[i / 2][i % 2].cutter);
	free(l);
	return r;
}

void otp_recording_free(otp_recording *r)
{
	for (size_t i = 0; i < r->count; i++) {
		otp_drop(&r->events[i].control);
		otp_drop(&r->events[i].payload);
	}
	free(r->events);
	free(r);
}

const otp_player *otp_recording_player(const otp_recording *r, char alive)
{
	for (unsigned i = 0; i < r->player_count; i++)
		if (r->players[i].alive == alive)
			return &r->players[i];
	return NULL;
}
