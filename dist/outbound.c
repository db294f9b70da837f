/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of a connection: frames, queues, and the order between them.
 *
 * - A signal is written at the end of `buf`, header and control term by the begin function, payload
 *   by the caller. Finishing patches the length; most signals are then done.
 * - A message that is too long for one frame leaves `buf` for the lane of its sender. When it is
 *   the only one in `buf` its memory simply goes along: for that, `buf` keeps a few bytes free in
 *   front, where the longer header of a first fragment fits.
 * - While its sender has a lane, a small signal is moved behind it, too.
 * - Taking alternates between all small signals of `buf` at once and one piece of one lane. `buf`
 * and `wire` change places, so that what is being written never moves while more is emitted.
 *
 * Failures: no memory, and a frame over `message_bytes_max`. The open signal is then taken back as
 * a whole; the other side never sees a part of it.
 *
 * The first small signal brings the names of both nodes to the peer's atom cache; the headers of
 * those that are begun after it has left refer to them (outbound_atoms.h).
 */
#include "dist/outbound_frame.h"

#include "dist/flags.h"
#include "node/term/tag.h"
#include "node/term/walk.h"
#include "node/term/write.h"

#define LENGTH_BYTES 4
/* 131 68 0, as against 131 69 seq:8 number:8 0. */
#define HEADER_BYTES 3
#define SLACK (FLI_FRAGMENT_FIRST_BYTES - LENGTH_BYTES - HEADER_BYTES)
#define PASS_THROUGH 112
#define HEADER 68
#define FRAGMENT_BYTES_MIN 64
/* A frame that a BEAM takes is shorter than INT_MAX - 4. */
#define FRAME_BYTES_MAX ((size_t)INT32_MAX - 8)
#define KEEP_BYTES ((size_t)128 << 10)

static void apply_defaults(fli_outbound_limits *limits)
{
	if (limits->fragment_bytes == 0)
		limits->fragment_bytes = FLI_OUTBOUND_FRAGMENT_BYTES;
	if (limits->fragment_bytes < FRAGMENT_BYTES_MIN)
		limits->fragment_bytes = FRAGMENT_BYTES_MIN;
	if (limits->soft_bytes == 0)
		limits->soft_bytes = FLI_OUTBOUND_SOFT_BYTES;
	if (limits->hard_bytes == 0)
		limits->hard_bytes = FLI_OUTBOUND_HARD_BYTES;
	if (limits->message_bytes_max == 0)
		limits->message_bytes_max = FLI_OUTBOUND_MESSAGE_BYTES_MAX;
	if (limits->message_bytes_max > FRAME_BYTES_MAX)
		limits->message_bytes_max = FRAME_BYTES_MAX;
}

void fli_outbound_create(fli_outbound *out, const fli_outbound_config *config)
{
	*out = (fli_outbound){.config = *config};
	apply_defaults(&out->config.limits);
	fli_buf_create(&out->buf, config->mem, 0);
	fli_buf_create(&out->wire, config->mem, 0);
	fli_outbound_lanes_create(
		&out->lanes, config->mem, out->config.limits.fragment_bytes, config->seed);
	fli_outbound_atoms_create(
		&out->atoms, config->names, config->flags & FLI_DFLAG(DIST_HDR_ATOM_CACHE));
	out->lanes.spares = config->spares;
	if (!(config->flags & FLI_DFLAG(NATIVE_RECORDS)))
		out->lacking |= FLI_NEEDS_RECORDS;
	if (!(config->flags & FLI_DFLAG(V4_NC)))
		out->lacking |= FLI_NEEDS_WIDE_REFS | FLI_NEEDS_V4_PORTS | FLI_NEEDS_WIDE_PIDS;
	out->lacking |= FLI_IS_IMPOSSIBLE;
}

void fli_outbound_destroy(fli_outbound *out)
{
	fli_buf_destroy(&out->buf);
	fli_buf_destroy(&out->wire);
	fli_outbound_lanes_destroy(&out->lanes);
}

static bool has_headers(const fli_outbound *out)
{
	return out->config.flags & (FLI_DFLAG(DIST_HDR_ATOM_CACHE) | FLI_DFLAG(FRAGMENTS));
}

/* ---- one frame ------------------------------------------------------------------------------- */

/* Cuts `buf` back to `size`, and to nothing when only the slack is left. */
static void cut_back(fli_outbound *out, size_t size)
{
	out->buf.size = size == SLACK ? 0 : size;
	out->buf.failed = false;
}

static uint64_t key_of(const fl_pid *from)
{
	return from == NULL ? 0 : ((uint64_t)from->id << 32 | from->serial) + 1;
}

uint8_t *fli_outbound_open(fli_outbound *out, const fl_pid *from, size_t control_max)
{
	size_t slack = out->buf.size == 0 ? SLACK : 0;
	uint8_t *p;

	fl_assert(!out->is_open);
	p = fli_buf_extend(&out->buf,
		slack + LENGTH_BYTES + HEADER_BYTES + FLI_OUTBOUND_REFS_BYTES + control_max);
	if (p == NULL) {
		out->buf.failed = false;
		return NULL;
	}
	p += slack;
	out->start = (size_t)(p - out->buf.data);
	out->sender = key_of(from);
	out->payload_at = 0;
	out->is_cuttable = false;
	out->is_open = true;
	out->has_refs = out->atoms.state == FLI_ATOMS_KNOWN;
	p += LENGTH_BYTES;
	if (!has_headers(out)) {
		*p++ = PASS_THROUGH;
		*p++ = FLI_VERSION;
		return p;
	}
	*p++ = FLI_VERSION;
	*p++ = HEADER;
	*p++ = out->has_refs ? FLI_OUTBOUND_NAMES : 0;
	return out->has_refs ? fli_outbound_atoms_put_refs(p) : p;
}

void fli_outbound_body(fli_outbound *out, uint8_t *end, fli_outbound_body_kind kind)
{
	/* There is room: a pass-through frame begins with one byte less than was reserved. */
	if (kind == FLI_BODY_PAYLOAD && !has_headers(out))
		*end++ = FLI_VERSION;
	out->buf.size = (size_t)(end - out->buf.data);
	out->payload_at = out->buf.size;
	out->is_cuttable =
		kind == FLI_BODY_PAYLOAD && (out->config.flags & FLI_DFLAG(FRAGMENTS)) != 0;
}

void fli_outbound_abort(fli_outbound *out)
{
	cut_back(out, out->start);
	out->is_open = false;
}

static int give_up(fli_outbound *out, int code)
{
	fli_outbound_abort(out);
	return code;
}

/* ---- into the lanes -------------------------------------------------------------------------- */

/* Of what follows on N: references, then the control term. */
static size_t control_at(const fli_outbound *out)
{
	return out->start + LENGTH_BYTES + HEADER_BYTES;
}

/* Small signals that stand before the open message, its sender's perhaps, go first. */
static fli_outbound_large large_of(const fli_outbound *out)
{
	return (fli_outbound_large){.key = out->sender,
		.fence = out->lanes.turn + (out->start != SLACK),
		.refs = out->has_refs ? FLI_OUTBOUND_NAMES : 0,
		.control_size = out->payload_at - control_at(out)};
}

/* A block that holds exactly the message, with room for its first header. */
static bool make_room(const fli_outbound *out, fli_outbound_large *large, size_t payload_size)
{
	size_t size = FLI_FRAGMENT_FIRST_BYTES + large->control_size + payload_size;
	fli_buf *bytes = &large->bytes;

	fli_buf_create(bytes, out->config.mem, 0);
	bytes->data = fli_alloc(bytes->mem, size);
	if (bytes->data == NULL)
		return false;
	bytes->capacity = size;
	bytes->size = FLI_FRAGMENT_FIRST_BYTES;
	fli_buf_add(bytes, out->buf.data + control_at(out), large->control_size);
	return true;
}

/* The open message leaves `buf`. */
static bool move_out(fli_outbound *out, fli_outbound_large *large)
{
	size_t payload_size = out->buf.size - out->payload_at;

	if (out->start == SLACK) {
		large->bytes = out->buf;
		fli_buf_create(&out->buf, out->config.mem, 0);
		/* where one was large, the next may be */
		fli_spares_take(out->config.spares, &out->buf);
		return true;
	}
	if (!make_room(out, large, payload_size))
		return false;
	fli_buf_add(&large->bytes, out->buf.data + out->payload_at, payload_size);
	return true;
}

static int end_large(fli_outbound *out, const fli_outbound_large *large)
{
	int code = fli_outbound_lanes_add_large(&out->lanes, large);

	cut_back(out, out->buf.size == 0 ? 0 : out->start);
	out->is_open = false;
	out->frames += code == FL_OK;
	return code;
}

static int finish_large(fli_outbound *out)
{
	fli_outbound_large large = large_of(out);

	return move_out(out, &large) ? end_large(out, &large) : give_up(out, FL_ENOMEM);
}

/* A small signal that must not overtake what its sender still has under way. */
static int queue_behind(fli_outbound *out)
{
	int code = fli_outbound_lanes_add_plain(
		&out->lanes, out->sender, out->buf.data + out->start, out->buf.size - out->start);

	cut_back(out, out->start);
	return code;
}

/* Complete frames wait for their sender's lane. */
static bool must_queue(const fli_outbound *out)
{
	return FLI_UNLIKELY(!fli_outbound_lanes_is_empty(&out->lanes)) && out->sender != 0 &&
	       fli_outbound_lanes_has(&out->lanes, out->sender);
}

static int end_frame(fli_outbound *out)
{
	size_t size = out->buf.size - out->start - LENGTH_BYTES;
	bool is_queued;

	if (FLI_UNLIKELY(size > out->config.limits.message_bytes_max))
		return give_up(out, FL_ELIMIT);
	if (FLI_UNLIKELY(size - HEADER_BYTES > out->lanes.fragment_bytes && out->is_cuttable))
		return finish_large(out);
	is_queued = must_queue(out);
	if (FLI_UNLIKELY(out->atoms.state == FLI_ATOMS_NEW) && !is_queued)
		size += fli_outbound_atoms_place(&out->atoms, &out->buf, control_at(out) - 1);
	fli_put32(out->buf.data + out->start, (uint32_t)size);
	out->is_open = false;
	out->frames++;
	return is_queued ? queue_behind(out) : FL_OK;
}

int fli_outbound_close(fli_outbound *out, uint8_t *end)
{
	out->buf.size = (size_t)(end - out->buf.data);
	return end_frame(out);
}

/* ---- payloads -------------------------------------------------------------------------------- */

static int check_features(
	const fli_outbound *out, const uint8_t *data, size_t size, unsigned features)
{
	const fli_whose peer = {out->config.names[1], out->config.peer_creation};
	fli_walked walked;

	if (features == FLI_OUTBOUND_UNKNOWN_FEATURES) {
		if (!fli_walk_for(data, size, &peer, &walked))
			return FL_EFORMAT;
		features = walked.features;
	}
	return features & out->lacking ? FL_ENOTSUP : FL_OK;
}

int fli_outbound_finish(fli_outbound *out, unsigned features)
{
	size_t size;
	int code;

	fl_assert(out->is_open && out->payload_at != 0);
	if (FLI_UNLIKELY(out->buf.failed))
		return give_up(out, FL_ENOMEM);
	size = out->buf.size - out->payload_at;
	if (FLI_UNLIKELY(size == 0))
		return give_up(out, FL_EINVAL);
	code = check_features(out, out->buf.data + out->payload_at, size, features);
	if (FLI_UNLIKELY(code != FL_OK))
		return give_up(out, code);
	return end_frame(out);
}

/* Straight into the memory of a job, without the way through `buf`. */
static int finish_large_with(fli_outbound *out, fl_term payload)
{
	fli_outbound_large large = large_of(out);

	if (payload.size > out->config.limits.message_bytes_max)
		return give_up(out, FL_ELIMIT);
	if (!make_room(out, &large, payload.size))
		return give_up(out, FL_ENOMEM);
	fli_buf_add(&large.bytes, payload.data, payload.size);
	return end_large(out, &large);
}

int fli_outbound_finish_with(fli_outbound *out, fl_term payload, unsigned features)
{
	bool is_large = payload.size > out->lanes.fragment_bytes && payload.rest == 0;
	int code;

	fl_assert(out->is_open && out->payload_at != 0);
	if (!is_large || !out->is_cuttable || out->buf.size != out->payload_at) {
		fli_write_term(&out->buf, payload);
		return fli_outbound_finish(out, features);
	}
	code = check_features(out, payload.data, payload.size, features);
	return code == FL_OK ? finish_large_with(out, payload) : give_up(out, code);
}

/* The binary at the end of `buf` is `size` bytes long. */
static void set_size(fli_outbound *out, size_t size)
{
	fli_put32(out->buf.data + out->buf.size - 4, (uint32_t)size);
}

static int end_copied(fli_outbound *out, const fli_buf *block, size_t at)
{
	set_size(out, block->size - at);
	fli_buf_add(&out->buf, block->data + at, block->size - at);
	return out->buf.failed ? give_up(out, FL_ENOMEM) : end_frame(out);
}

/* What comes before the bytes moves in front of them. */
static int end_in_place(fli_outbound *out, fli_buf *block, size_t at)
{
	fli_outbound_large large = large_of(out);
	size_t head_size = out->buf.size - control_at(out);

	set_size(out, block->size - at);
	memcpy(block->data + at - head_size, out->buf.data + control_at(out), head_size);
	large.bytes = *block;
	large.start = at - head_size - FLI_FRAGMENT_FIRST_BYTES;
	fli_buf_create(block, block->mem, 0);
	return end_large(out, &large);
}

static int finish_block(fli_outbound *out, fli_buf *block, size_t at, unsigned features)
{
	size_t size = block->size - at, before = out->buf.size - out->start;
	int code;

	if (out->buf.failed)
		return give_up(out, FL_ENOMEM);
	code = check_features(
		out, out->buf.data + out->payload_at, out->buf.size - out->payload_at, features);
	if (code == FL_OK && size + before > out->config.limits.message_bytes_max)
		code = FL_ELIMIT;
	if (code != FL_OK)
		return give_up(out, code);
	if (!out->is_cuttable || size <= out->lanes.fragment_bytes ||
		before + FLI_FRAGMENT_FIRST_BYTES > at)
		return end_copied(out, block, at);
	return end_in_place(out, block, at);
}

int fli_outbound_finish_block(fli_outbound *out, fli_buf *block, size_t at, unsigned features)
{
	int code;

	fl_assert(out->is_open && out->payload_at != 0 && at <= block->size);
	code = finish_block(out, block, at, features);
	fli_buf_destroy(block);
	return code;
}

bool fli_outbound_tick(fli_outbound *out)
{
	uint8_t *p;

	if (out->is_open || fli_outbound_size(out) != 0)
		return false;
	p = fli_buf_extend(&out->buf, SLACK + LENGTH_BYTES);
	if (p == NULL) {
		out->buf.failed = false;
		return false;
	}
	fli_put32(p + SLACK, 0);
	return true;
}

/* ---- towards the socket ---------------------------------------------------------------------- */

static void swap_buffers(fli_outbound *out)
{
	fli_buf drained = out->wire;

	out->wire = out->buf;
	out->buf = drained;
	out->wire_done = SLACK;
	fli_outbound_atoms_sent(&out->atoms);
	out->lane_is_next = true;
	out->lanes.turn++;
}

static bool next_piece(fli_outbound *out)
{
	bool lane_is_ready = fli_outbound_lanes_is_ready(&out->lanes);

	if (out->buf.size != 0 && !(lane_is_ready && out->lane_is_next)) {
		swap_buffers(out);
		return true;
	}
	out->lane_is_next = false;
	if (lane_is_ready)
		fli_outbound_lanes_take(&out->lanes, &out->piece);
	return lane_is_ready;
}

bool fli_outbound_take(fli_outbound *out, const uint8_t **ret_data, size_t *ret_size)
{
	fl_assert(!out->is_open);
	if (out->piece.lane == NULL && out->wire.size == 0 && !next_piece(out))
		return false;
	if (out->piece.lane != NULL) {
		*ret_data = out->piece.data;
		*ret_size = out->piece.size;
	} else {
		*ret_data = out->wire.data + out->wire_done;
		*ret_size = out->wire.size - out->wire_done;
	}
	return true;
}

void fli_outbound_done(fli_outbound *out, size_t size)
{
	out->bytes_done += size;
	if (out->piece.lane != NULL) {
		fl_assert(size <= out->piece.size);
		out->piece.data += size;
		out->piece.size -= size;
		if (out->piece.size == 0)
			fli_outbound_lanes_done(&out->lanes, &out->piece);
		return;
	}
	fl_assert(size <= out->wire.size - out->wire_done);
	out->wire_done += size;
	if (out->wire_done < out->wire.size)
		return;
	if (out->wire.capacity > KEEP_BYTES)
		fli_spares_give(out->config.spares, &out->wire);
	fli_buf_clear(&out->wire, KEEP_BYTES);
	out->wire_done = 0;
}

size_t fli_outbound_size(const fli_outbound *out)
{
	size_t small = out->buf.size == 0 ? 0 : out->buf.size - SLACK;

	return small + out->wire.size - out->wire_done + out->lanes.bytes + out->piece.size;
}

fli_outbound_level fli_outbound_check(fli_outbound *out)
{
	size_t size = fli_outbound_size(out);

	/* one message may be longer than the limit: what piles up behind it counts */
	if (FLI_UNLIKELY(size >= out->config.limits.hard_bytes) &&
		size >= out->config.limits.hard_bytes + fli_outbound_lanes_largest(&out->lanes))
		return FLI_OUTBOUND_OVERFULL;
	if (size >= out->config.limits.soft_bytes)
		out->is_busy = true;
	else if (size <= out->config.limits.soft_bytes / 2)
		out->is_busy = false;
	return out->is_busy ? FLI_OUTBOUND_BUSY : FLI_OUTBOUND_READY;
}
