/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames after the handshake, in and out (erl_dist_protocol: distribution header, fragments).
 *
 * - A peer with neither header nor fragments gets and sends `112 131 control 131 payload`.
 * - Otherwise frames begin with 131: 68 whole, 69 first of several, 70 another one. The atom cache
 * is updated in the order of arrival, also by a first fragment whose message is not complete yet;
 * the atoms of a fragmented message are therefore kept beside it.
 * - What goes out is cut at 64 KiB, as a BEAM does it. The pieces of a message leave one after the
 *   other: a BEAM may mix those of several senders, and a receiver has to take both.
 *
 * Refused, and so the end of the connection: a sequence of 0, one that is not known or already
 * begun, fragments out of order, a control tuple that is not whole, a frame without 131.
 */
#include "tests/sim/otp_node.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN = 112, VERSION = 131, HEADER = 68, FIRST = 69, MORE = 70 };
#define FRAGMENTS_MAX 100000

static bool is_plain(const otp_conn *conn)
{
	return (conn->flags & (OTP_HEADER | OTP_FRAGMENTS)) == 0;
}

/* A byte in front of the term is skipped when it is there. */
static bool decode_one(otp_bytes *in, const otp_refs *refs, bool has_version, otp_buf *out)
{
	if (has_version) {
		if (in->left == 0 || in->at[0] != VERSION)
			return false;
		in->at++;
		in->left--;
	}
	return otp_decode(in, refs, out);
}

static bool take_message(otp_conn *conn, otp_bytes *in, const otp_refs *refs)
{
	otp_buf control = {0}, payload = {0};
	bool is_sound = decode_one(in, refs, refs == NULL, &control);

	if (is_sound && in->left > 0)
		is_sound = decode_one(in, refs, refs == NULL, &payload);
	if (is_sound)
		is_sound = otp_signal(conn, otp_term_of(&control), otp_term_of(&payload));
	otp_buf_free(&control);
	otp_buf_free(&payload);
	return is_sound;
}

/* ---- fragments ------------------------------------------------------------------------------- */

static otp_fragment **find_fragment(otp_conn *conn, uint64_t sequence)
{
	otp_fragment **f = &conn->fragments;

	while (*f != NULL && (*f)->sequence != sequence)
		f = &(*f)->next;
	return f;
}

static void free_fragment(otp_fragment **at)
{
	otp_fragment *f = *at;

	*at = f->next;
	otp_buf_free(&f->control);
	otp_buf_free(&f->payload);
	otp_buf_free(&f->atoms);
	free(f);
}

static bool finish(otp_conn *conn, otp_fragment **at)
{
	otp_fragment *f = *at;
	otp_refs refs = {.count = 0};
	otp_bytes in = {f->payload.data, f->payload.size};
	otp_buf payload = {0};
	bool is_sound;

	for (const uint8_t *p = f->atoms.data; refs.count < f->atom_count; p += otp_span(p))
		refs.atoms[refs.count++] = (otp_term){p, otp_span(p)};
	is_sound = f->payload.size == 0 || otp_decode(&in, &refs, &payload);
	if (is_sound)
		is_sound = otp_signal(conn, otp_term_of(&f->control), otp_term_of(&payload));
	otp_buf_free(&payload);
	/* The connection may have ended meanwhile, and taken its fragments along. */
	at = find_fragment(conn, f->sequence);
	if (*at != NULL)
		free_fragment(at);
	return is_sound;
}

static bool take_first(otp_conn *conn, otp_bytes *in)
{
	uint64_t sequence = in->left >= 16 ? otp_get_int(in->at, 8) : 0;
	otp_refs refs;
	otp_fragment *f;

	if (sequence == 0 || *find_fragment(conn, sequence) != NULL)
		return false;
	f = otp_alloc(sizeof *f);
	f->sequence = sequence;
	f->left = otp_get_int(in->at + 8, 8);
	f->next = conn->fragments;
	conn->fragments = f;
	in->at += 16;
	in->left -= 16;
	if (f->left == 0 || f->left > FRAGMENTS_MAX || !otp_cache_read(conn->cache_in, in, &refs) ||
		!otp_decode(in, &refs, &f->control))
		return false;
	for (unsigned i = 0; i < refs.count; i++)
		otp_buf_add(&f->atoms, refs.atoms[i].data, refs.atoms[i].size);
	f->atom_count = refs.count;
	otp_buf_add(&f->payload, in->at, in->left);
	return --f->left > 0 || finish(conn, find_fragment(conn, sequence));
}

static bool take_more(otp_conn *conn, otp_bytes *in)
{
	otp_fragment **f;

	if (in->left < 16)
		return false;
	f = find_fragment(conn, otp_get_int(in->at, 8));
	if (*f == NULL || otp_get_int(in->at + 8, 8) != (*f)->left)
		return false;
	otp_buf_add(&(*f)->payload, in->at + 16, in->left - 16);
	return --(*f)->left > 0 || finish(conn, f);
}

bool otp_frame(otp_conn *conn, const uint8_t *frame, size_t size)
{
	otp_bytes in = {frame + 1, size - 1};
	otp_refs refs;

	if (size == 0)
		return true;
	if (is_plain(conn))
		return take_message(conn, &in, NULL);
	if (size < 2 || frame[0] != VERSION)
		return false;
	in = (otp_bytes){frame + 2, size - 2};
	if (frame[1] == FIRST)
		return take_first(conn, &in);
	if (frame[1] == MORE)
		return take_more(conn, &in);
	return frame[1] == HEADER && otp_cache_read(conn->cache_in, &in, &refs) &&
	       take_message(conn, &in, &refs);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void write_frame(otp_conn *conn, const otp_buf *frame)
{
	uint8_t length[4];

	for (unsigned i = 0; i < 4; i++)
		length[i] = (uint8_t)(frame->size >> (24 - 8 * i));
	conn->node->host->write(conn->node->ctx, conn->id, length, 4);
	conn->node->host->write(conn->node->ctx, conn->id, frame->data, frame->size);
	conn->has_written = true;
}

static void write_plain(otp_conn *conn, otp_term control, otp_term payload)
{
	otp_buf frame = {0};

	otp_buf_int(&frame, PLAIN, 1);
	otp_buf_int(&frame, VERSION, 1);
	otp_encode(control, NULL, &frame);
	if (payload.data != NULL) {
		otp_buf_int(&frame, VERSION, 1);
		otp_encode(payload, NULL, &frame);
	}
	write_frame(conn, &frame);
	otp_buf_free(&frame);
}

static void write_pieces(otp_conn *conn, otp_term control, const otp_refs *refs, otp_buf *payload)
{
	size_t piece = conn->node->config.fragment_bytes;
	uint64_t left = (payload->size + piece - 1) / piece;

	conn->sequence++;
	for (size_t at = 0; at < payload->size; at += piece, left--) {
		size_t size = payload->size - at < piece ? payload->size - at : piece;
		otp_buf frame = {0};

		otp_buf_int(&frame, VERSION, 1);
		otp_buf_int(&frame, at == 0 ? FIRST : MORE, 1);
		otp_buf_int(&frame, conn->sequence, 8);
		otp_buf_int(&frame, left, 8);
		if (at == 0) {
			otp_refs_write(refs, &frame);
			otp_encode(control, refs, &frame);
		}
		otp_buf_add(&frame, payload->data + at, size);
		write_frame(conn, &frame);
		otp_buf_free(&frame);
	}
}

static void write_whole(otp_conn *conn, otp_term control, const otp_refs *refs, otp_buf *payload)
{
	otp_buf frame = {0};

	otp_buf_int(&frame, VERSION, 1);
	otp_buf_int(&frame, HEADER, 1);
	otp_refs_write(refs, &frame);
	otp_encode(control, refs, &frame);
	otp_buf_add(&frame, payload->data, payload->size);
	write_frame(conn, &frame);
	otp_buf_free(&frame);
}

/* `is_early`: it had waited for the connection, and so has neither cache nor fragments. */
void otp_write_signal(otp_conn *conn, otp_term control, otp_term payload, bool is_early)
{
	otp_refs refs = {.count = 0};
	otp_buf bytes = {0};

	if (is_plain(conn)) {
		write_plain(conn, control, payload);
		return;
	}
	if (!is_early && (conn->flags & OTP_HEADER) != 0) {
		otp_refs_collect(conn->cache_out, &refs, control);
		otp_refs_collect(conn->cache_out, &refs, payload);
	}
	if (payload.data != NULL)
		otp_encode(payload, &refs, &bytes);
	if (!is_early && (conn->flags & OTP_FRAGMENTS) != 0 &&
		bytes.size > conn->node->config.fragment_bytes)
		write_pieces(conn, control, &refs, &bytes);
	else
		write_whole(conn, control, &refs, &bytes);
	otp_buf_free(&bytes);
}
