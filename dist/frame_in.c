/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting the stream of a connection into frames, and frames into signals.
 *
 * - Frames that lie whole in the read buffer are parsed there. A cut one is kept in `partial`,
 * which grows with what arrives and never with what the length claims.
 * - A frame of the pass-through world is a control message at once. In the header world the atom
 *   references are read first, whatever becomes of the frame: they change the cache.
 * - The first fragment of a message must hold the whole control message, and it is decoded there
 * and then, so that nonsense ends the connection before a payload is collected for it. It is
 * decoded again when the last fragment is there, from the collected bytes.
 *
 * Failures: a frame longer than the limit, a frame of the other world, fragments where they were
 * not agreed or numbered 0, and whatever the parts find odd. All are final.
 *
 * A BEAM counts complete frames as signs of life; `stats.bytes` lets the driver count bytes, so
 * that a slow link is not taken for a dead one.
 */
#include "dist/frame_in.h"

#include "dist/flags.h"
#include "node/term/tag.h"

#define LENGTH_BYTES 4
#define PASS_THROUGH 112
#define HEADER 68
#define FRAGMENT_FIRST 69
#define FRAGMENT_NEXT 70
/* length:4 131 70 seq:8 number:8 */
#define STREAM_HEADER_BYTES 22
/* What `partial` may keep between frames: a fragment as the BEAM cuts them, and some. */
#define PARTIAL_KEEP_BYTES ((size_t)96 << 10)

static size_t or_default(size_t value, size_t otherwise)
{
	return value != 0 ? value : otherwise;
}

void fli_inbound_create(fli_inbound *in, const fli_inbound_config *config)
{
	fli_inbound_limits *limits = &in->config.limits;
	fli_fragments_limits open;

	in->config = *config;
	in->stats = (fli_inbound_stats){0};
	in->signal = (fli_signal){0};
	in->stream = NULL;
	in->block = NULL;
	in->stream_left = 0;
	in->failed = FL_OK;
	limits->frame_bytes_max = or_default(limits->frame_bytes_max, FLI_INBOUND_FRAME_BYTES_MAX);
	limits->fragments_open_max =
		or_default(limits->fragments_open_max, FLI_INBOUND_FRAGMENTS_OPEN_MAX);
	limits->fragment_bytes_max =
		or_default(limits->fragment_bytes_max, FLI_INBOUND_FRAGMENT_BYTES_MAX);
	open = (fli_fragments_limits){limits->fragments_open_max, limits->fragment_bytes_max};
	fli_buf_create(&in->partial, config->mem, 0);
	fli_atom_cache_create(&in->cache, config->mem);
	fli_fragments_create(&in->fragments, config->mem, open, config->seed);
	in->fragments.spares = config->spares;
}

void fli_inbound_destroy(fli_inbound *in)
{
	fli_buf_destroy(&in->partial);
	fli_atom_cache_destroy(&in->cache);
	fli_fragments_destroy(&in->fragments);
}

/* Cached atoms are short on the wire: what they stand for counts. */
static int check_expanded(const fli_inbound *in, fl_error *err)
{
	const fli_part *payload = &in->signal.payload;
	size_t max = in->config.limits.frame_bytes_max;

	if (FLI_LIKELY(payload->data == NULL || payload->walked.expanded_size <= max))
		return FL_OK;
	return fl_error_set(err, FL_ELIMIT, "payload of %zu bytes, more than %zu",
		payload->walked.expanded_size, max);
}

static int deliver(fli_inbound *in, const fli_control_input *input, fl_error *err)
{
	int code = fli_control_decode(input, &in->signal, err);

	if (code == FL_OK)
		code = check_expanded(in, err);
	if (FLI_UNLIKELY(code != FL_OK))
		return code;
	in->stats.signals++;
	in->signal.block = in->block;
	if (FLI_UNLIKELY(!in->config.on_signal(in->config.ctx, &in->signal)))
		return fl_error_set(err, FL_ECLOSED, "stopped by the receiver");
	return FL_OK;
}

static fli_control_input input_of(
	const fli_inbound *in, const uint8_t *data, size_t size, const fli_refs *refs)
{
	return (fli_control_input){
		.data = data, .size = size, .refs = refs, .peer = in->config.peer};
}

static int pass_through(fli_inbound *in, const uint8_t *data, size_t size, fl_error *err)
{
	fli_control_input input = input_of(in, data + 1, size - 1, NULL);

	if (data[0] != PASS_THROUGH)
		return fl_error_set(err, FL_EFORMAT,
			"frame begins with %u on a connection without headers", data[0]);
	input.has_versions = true;
	return deliver(in, &input, err);
}

static int whole_message(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	fli_control_input input;
	int code = fli_atom_cache_read(&in->cache, c, err);

	if (FLI_UNLIKELY(code != FL_OK))
		return code;
	input = input_of(in, c->at, fli_left(c), &in->cache.refs);
	return deliver(in, &input, err);
}

static int take_fragment(fli_inbound *in, fli_cursor *c, fli_fragment *ret, fl_error *err)
{
	in->stats.fragments++;
	if (!(in->config.flags & FLI_DFLAG(FRAGMENTS)))
		return fl_error_set(
			err, FL_EFORMAT, "fragment on a connection that has not agreed on them");
	if (!fli_take64(c, &ret->seq) || !fli_take64(c, &ret->number))
		return fl_error_set(err, FL_EFORMAT, "fragment header ends too early");
	if (ret->seq == 0 || ret->number == 0)
		return fl_error_set(err, FL_EFORMAT, "fragment whose sequence or number is 0");
	return FL_OK;
}

static int first_fragment(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	fli_fragment first;
	fli_control_input input;
	int code = take_fragment(in, c, &first, err);

	if (code != FL_OK)
		return code;
	if (first.number == 1)
		return whole_message(in, c, err);
	code = fli_atom_cache_read(&in->cache, c, err);
	if (code != FL_OK)
		return code;
	input = input_of(in, c->at, fli_left(c), &in->cache.refs);
	input.is_cut = true;
	code = fli_control_decode(&input, &in->signal, err);
	if (code != FL_OK)
		return code;
	first.data = c->at;
	first.size = fli_left(c);
	return fli_fragments_open(&in->fragments, &first, &in->cache.refs, err);
}

static int end_fragment(fli_inbound *in, fli_fragment_seq *sequence, fl_error *err)
{
	fli_control_input input;
	int code;

	if (!fli_fragments_end(&in->fragments, sequence))
		return FL_OK;
	input = input_of(in, sequence->bytes.data + FLI_FRAGMENT_ROOM,
		sequence->bytes.size - FLI_FRAGMENT_ROOM, sequence->refs);
	in->block = &sequence->bytes;
	code = deliver(in, &input, err);
	in->block = NULL;
	fli_fragment_seq_delete(&in->fragments, sequence);
	return code;
}

static int begin_fragment(
	fli_inbound *in, fli_cursor *c, fli_fragment_seq **ret_sequence, fl_error *err)
{
	fli_fragment next;
	int code = take_fragment(in, c, &next, err);

	return code == FL_OK ? fli_fragments_begin(&in->fragments, &next, ret_sequence, err) : code;
}

static int next_fragment(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	fli_fragment_seq *sequence;
	int code = begin_fragment(in, c, &sequence, err);

	if (code == FL_OK)
		code = fli_fragments_append(&in->fragments, sequence, c->at, fli_left(c), err);
	return code == FL_OK ? end_fragment(in, sequence, err) : code;
}

static int with_header(fli_inbound *in, const uint8_t *data, size_t size, fl_error *err)
{
	fli_cursor c = fli_cursor_make(data, size);
	uint8_t version, kind;

	if (!fli_take8(&c, &version) || version != FLI_VERSION || !fli_take8(&c, &kind))
		return fl_error_set(err, FL_EFORMAT,
			"frame begins with %u on a connection with headers", data[0]);
	if (FLI_LIKELY(kind == HEADER))
		return whole_message(in, &c, err);
	if (kind == FRAGMENT_FIRST)
		return first_fragment(in, &c, err);
	if (kind == FRAGMENT_NEXT)
		return next_fragment(in, &c, err);
	return fl_error_set(err, FL_EFORMAT, "frame with a header of unknown kind %u", kind);
}

static int take_frame(fli_inbound *in, const uint8_t *data, size_t size, fl_error *err)
{
	if (size == 0) {
		in->stats.ticks++;
		return FL_OK;
	}
	in->stats.frames++;
	if (in->config.flags & (FLI_DFLAG(DIST_HDR_ATOM_CACHE) | FLI_DFLAG(FRAGMENTS)))
		return with_header(in, data, size, err);
	return pass_through(in, data, size, err);
}

static int check_length(const fli_inbound *in, size_t size, fl_error *err)
{
	if (FLI_LIKELY(size <= in->config.limits.frame_bytes_max))
		return FL_OK;
	return fl_error_set(err, FL_ELIMIT, "frame of %zu bytes, more than %zu", size,
		in->config.limits.frame_bytes_max);
}

/* Moves bytes to `partial` until it holds `want`, or there are no more. */
static int fill_partial(fli_inbound *in, fli_cursor *c, size_t want, fl_error *err)
{
	size_t size = want > in->partial.size ? want - in->partial.size : 0;

	if (size > fli_left(c))
		size = fli_left(c);
	fli_buf_add(&in->partial, c->at, size);
	if (in->partial.failed)
		return fl_error_set(err, FL_ENOMEM, "frame: out of memory");
	c->at += size;
	return FL_OK;
}

/* Goes on with a frame that was cut by the end of an earlier read. */
static int continue_partial(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	size_t size;
	int code = fill_partial(in, c, LENGTH_BYTES, err);

	if (code != FL_OK || in->partial.size < LENGTH_BYTES)
		return code;
	size = fli_get32(in->partial.data);
	code = check_length(in, size, err);
	if (code == FL_OK)
		code = fill_partial(in, c, size + LENGTH_BYTES, err);
	if (code != FL_OK || in->partial.size < size + LENGTH_BYTES)
		return code;
	code = take_frame(in, in->partial.data + LENGTH_BYTES, size, err);
	fli_buf_clear(&in->partial, PARTIAL_KEEP_BYTES);
	return code;
}

/* The bytes of a fragment go to their message as they come. */
static int continue_stream(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	size_t size = in->stream_left < fli_left(c) ? in->stream_left : fli_left(c);
	fli_fragment_seq *sequence = in->stream;
	int code = fli_fragments_append(&in->fragments, sequence, c->at, size, err);

	c->at += size;
	in->stream_left -= size;
	if (code != FL_OK || in->stream_left > 0)
		return code;
	in->stream = NULL;
	return end_fragment(in, sequence, err);
}

/* A frame that is cut off, but not before the data of a fragment. */
static bool is_streamable(const fli_inbound *in, const fli_cursor *c)
{
	return (in->config.flags & FLI_DFLAG(FRAGMENTS)) && fli_left(c) > STREAM_HEADER_BYTES &&
	       c->at[LENGTH_BYTES] == FLI_VERSION && c->at[LENGTH_BYTES + 1] == FRAGMENT_NEXT;
}

static int begin_stream(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	size_t size = fli_get32(c->at);
	int code;

	c->at += LENGTH_BYTES + 2;
	in->stats.frames++;
	code = begin_fragment(in, c, &in->stream, err);
	in->stream_left = size + LENGTH_BYTES - STREAM_HEADER_BYTES;
	return code == FL_OK ? continue_stream(in, c, err) : code;
}

static int take_whole_frames(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	size_t size;
	int code;

	while (fli_left(c) >= LENGTH_BYTES) {
		size = fli_get32(c->at);
		code = check_length(in, size, err);
		if (code != FL_OK)
			return code;
		if (fli_left(c) - LENGTH_BYTES < size)
			return is_streamable(in, c) ? begin_stream(in, c, err) : FL_OK;
		c->at += LENGTH_BYTES + size;
		code = take_frame(in, c->at - size, size, err);
		if (FLI_UNLIKELY(code != FL_OK))
			return code;
	}
	return FL_OK;
}

static int take_all(fli_inbound *in, fli_cursor *c, fl_error *err)
{
	int code = FL_OK;

	if (in->stream != NULL)
		code = continue_stream(in, c, err);
	if (code == FL_OK && in->partial.size != 0)
		code = continue_partial(in, c, err);
	if (code == FL_OK && in->partial.size == 0 && in->stream == NULL)
		code = take_whole_frames(in, c, err);
	if (code == FL_OK && fli_left(c) != 0)
		code = fill_partial(in, c, SIZE_MAX, err);
	return code;
}

int fli_inbound_feed(fli_inbound *in, const uint8_t *data, size_t size, fl_error *err)
{
	fli_cursor c = fli_cursor_make(data, size);

	if (in->failed != FL_OK)
		return fl_error_set(err, in->failed, "fed after a failure");
	in->stats.bytes += size;
	in->failed = take_all(in, &c, err);
	return in->failed;
}
