/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of control messages.
 *
 * - The first element is the op. A table tells its arity, what each further element is, and whether
 *   a payload follows the tuple.
 * - Each element is read into its field of the signal; reasons and tokens are walked where they
 *   stand. A payload must be one whole term; bytes behind it are ignored, as a BEAM ignores them.
 * - Op 37 says by flags what its third element is, may carry a token, and may grow at its end.
 *
 * A BEAM drops the connection on an unknown op, a wrong arity, an element of the wrong kind, a link
 * or exit signal whose sender is no process of the peer, unlink id 0, an improper list of spawn
 * options, and a payload that is no term; so does this. More tolerant than a BEAM: op 4 is taken
 * from any release, and the sender of a message may be anything (it can be a port).
 */
#include "dist/control.h"

#include "node/base/mem.h"
#include "node/term/peek.h"
#include "node/term/tag.h"
#include "node/term/utf8.h"

#define OP_ALTACT 37
#define OPS 38

/* Bits of ALTACT_SIG_SEND (erl_dist_protocol, "ALTACT_SIG_SEND"). */
enum { ALTACT_PRIORITY = 1, ALTACT_TOKEN = 2, ALTACT_ALIAS = 4, ALTACT_NAME = 8, ALTACT_EXIT = 16 };

/*
 * The elements after the op, a letter each: F from, f from (any term will do), T to, X anything,
 * N name, A alias, R reference, I id, K token, E reason, W pid or name to watch, D pid or name that
 * died, L leader, M {M,F,A}, O options, Q result of a spawn, a trailing P the payload.
 */
typedef struct shape {
	const char *name;
	uint8_t arity; /* of the tuple, the op included */
	const char *elements;
	fli_op op;
} shape;

static const shape shapes[OPS] = {
	[1] = {"LINK", 3, "FT", FLI_OP_LINK},
	[2] = {"SEND", 3, "XTP", FLI_OP_SEND},
	[3] = {"EXIT", 4, "FTE", FLI_OP_EXIT},
	[4] = {"UNLINK", 3, "FT", FLI_OP_UNLINK},
	[6] = {"REG_SEND", 4, "fXNP", FLI_OP_REG_SEND},
	[7] = {"GROUP_LEADER", 3, "FT", FLI_OP_GROUP_LEADER},
	[8] = {"EXIT2", 4, "FTE", FLI_OP_EXIT2},
	[12] = {"SEND_TT", 4, "XTKP", FLI_OP_SEND},
	[13] = {"EXIT_TT", 5, "FTKE", FLI_OP_EXIT},
	[16] = {"REG_SEND_TT", 5, "fXNKP", FLI_OP_REG_SEND},
	[18] = {"EXIT2_TT", 5, "FTKE", FLI_OP_EXIT2},
	[19] = {"MONITOR_P", 4, "FWR", FLI_OP_MONITOR},
	[20] = {"DEMONITOR_P", 4, "FWR", FLI_OP_DEMONITOR},
	[21] = {"MONITOR_P_EXIT", 5, "DTRE", FLI_OP_DOWN},
	[22] = {"SEND_SENDER", 3, "fTP", FLI_OP_SEND},
	[23] = {"SEND_SENDER_TT", 4, "fTKP", FLI_OP_SEND},
	[24] = {"PAYLOAD_EXIT", 3, "FTP", FLI_OP_EXIT},
	[25] = {"PAYLOAD_EXIT_TT", 4, "FTKP", FLI_OP_EXIT},
	[26] = {"PAYLOAD_EXIT2", 3, "FTP", FLI_OP_EXIT2},
	[27] = {"PAYLOAD_EXIT2_TT", 4, "FTKP", FLI_OP_EXIT2},
	[28] = {"PAYLOAD_MONITOR_P_EXIT", 4, "DTRP", FLI_OP_DOWN},
	[29] = {"SPAWN_REQUEST", 6, "RFLMOP", FLI_OP_SPAWN_REQUEST},
	[30] = {"SPAWN_REQUEST_TT", 7, "RFLMOKP", FLI_OP_SPAWN_REQUEST},
	[31] = {"SPAWN_REPLY", 5, "RTIQ", FLI_OP_SPAWN_REPLY},
	[32] = {"SPAWN_REPLY_TT", 6, "RTIQK", FLI_OP_SPAWN_REPLY},
	[33] = {"ALIAS_SEND", 3, "fAP", FLI_OP_ALIAS_SEND},
	[34] = {"ALIAS_SEND_TT", 4, "fAKP", FLI_OP_ALIAS_SEND},
	[35] = {"UNLINK_ID", 4, "IFT", FLI_OP_UNLINK_ID},
	[36] = {"UNLINK_ID_ACK", 4, "IFT", FLI_OP_UNLINK_ID_ACK},
	[OP_ALTACT] = {"ALTACT_SIG_SEND", 1, "", FLI_OP_SEND},
};

typedef struct reader {
	fli_cursor c;
	const fli_refs *refs;
	fli_signal *signal;
} reader;

const char *fli_control_name(unsigned wire_op)
{
	return wire_op < OPS && shapes[wire_op].name != NULL ? shapes[wire_op].name : "unknown";
}

static int odd(const reader *r, fl_error *err, const char *what)
{
	return fl_error_set(err, FL_EFORMAT, "control message %u (%s): %s", r->signal->wire_op,
		fli_control_name(r->signal->wire_op), what);
}

static bool take_part(reader *r, fli_part *ret_part)
{
	return fli_peek_any(&r->c, r->refs, &ret_part->walked, &ret_part->data);
}

/* Nearly all atoms are cached or short and ASCII; fli_peek_atom knows the others. */
static inline bool take_atom(reader *r, fl_atom *ret_atom)
{
	const uint8_t *p = r->c.at;
	size_t left = fli_left(&r->c);

	if (FLI_UNLIKELY(left < 2))
		return false;
	if (p[0] == FLI_ATOM_CACHE_REF && r->refs != NULL && p[1] < r->refs->count) {
		*ret_atom = r->refs->atoms[p[1]];
		r->c.at += 2;
		return true;
	}
	if (p[0] == FLI_SMALL_ATOM_UTF8_EXT && p[1] <= left - 2 && fli_is_ascii(p + 2, p[1])) {
		*ret_atom = (fl_atom){(const char *)p + 2, p[1]};
		r->c.at += 2 + (size_t)p[1];
		return true;
	}
	return fli_peek_atom(&r->c, r->refs, ret_atom);
}

static inline bool take_pid(reader *r, fl_pid *ret_pid)
{
	const uint8_t *start = r->c.at;

	if (FLI_UNLIKELY(fli_left(&r->c) == 0))
		return false;
	if (FLI_UNLIKELY(*start != FLI_NEW_PID_EXT))
		return fli_peek_pid(&r->c, r->refs, ret_pid);
	r->c.at++;
	if (FLI_UNLIKELY(!take_atom(r, &ret_pid->node) || fli_left(&r->c) < 12)) {
		r->c.at = start;
		return false;
	}
	ret_pid->id = fli_get32(r->c.at);
	ret_pid->serial = fli_get32(r->c.at + 4);
	ret_pid->creation = fli_get32(r->c.at + 8);
	r->c.at += 12;
	return true;
}

/* A message may come from a port, too; then nobody is told the sender. */
static bool take_sender(reader *r)
{
	fli_part other;

	r->signal->has_from = take_pid(r, &r->signal->from);
	return r->signal->has_from || take_part(r, &other);
}

static bool take_from(reader *r)
{
	r->signal->has_from = take_pid(r, &r->signal->from);
	return r->signal->has_from;
}

/* The place of the cookie: an atom that nobody looks at. */
static bool take_ignored(reader *r)
{
	fl_atom atom;
	fli_part other;

	return take_atom(r, &atom) || take_part(r, &other);
}

static bool take_pid_or_name(reader *r, fl_pid *ret_pid)
{
	fli_signal *s = r->signal;

	if (take_pid(r, ret_pid)) {
		s->target = FLI_TO_PID;
		return true;
	}
	s->target = FLI_TO_NAME;
	return take_atom(r, &s->name);
}

static bool take_name(reader *r)
{
	r->signal->target = FLI_TO_NAME;
	return take_atom(r, &r->signal->name);
}

static bool take_alias(reader *r)
{
	r->signal->target = FLI_TO_ALIAS;
	return fli_peek_ref(&r->c, r->refs, &r->signal->ref);
}

static bool take_mfa(reader *r)
{
	fli_signal_spawn *spawn = &r->signal->spawn;
	uint32_t elements;
	uint64_t arity;

	if (!fli_peek_tuple(&r->c, &elements) || elements != 3 || !take_atom(r, &spawn->module) ||
		!take_atom(r, &spawn->function) || !fli_peek_uint(&r->c, &arity) || arity > 255)
		return false;
	spawn->arity = (uint32_t)arity;
	return true;
}

/* Walked before; a tail may be a list again. */
static bool is_proper_list(fli_part list, const fli_refs *refs)
{
	fli_cursor c = fli_cursor_make(list.data, list.walked.size);
	fli_part element;
	uint32_t count;

	while (fli_left(&c) > 5 && *c.at == FLI_LIST_EXT) {
		count = fli_get32(c.at + 1);
		for (c.at += 5; count > 0; count--)
			if (!fli_peek_any(&c, refs, &element.walked, &element.data))
				return false;
	}
	return fli_left(&c) > 0 && (*c.at == FLI_NIL_EXT || *c.at == FLI_STRING_EXT);
}

static bool take_options(reader *r)
{
	fli_part *options = &r->signal->spawn.options;

	return take_part(r, options) && is_proper_list(*options, r->refs);
}

static bool take_element(reader *r, char kind)
{
	fli_signal *s = r->signal;

	switch (kind) {
	case 'F': return take_from(r);
	case 'f': return take_sender(r);
	case 'T': return take_pid(r, &s->to);
	case 'X': return take_ignored(r);
	case 'N': return take_name(r);
	case 'A': return take_alias(r);
	case 'R': return fli_peek_ref(&r->c, r->refs, &s->ref);
	case 'I': return fli_peek_uint(&r->c, &s->id);
	case 'K': return take_part(r, &s->token);
	case 'E': return take_part(r, &s->payload);
	case 'W': return take_pid_or_name(r, &s->to);
	case 'D': return take_pid_or_name(r, &s->from);
	case 'L': return take_pid(r, &s->spawn.leader);
	case 'M': return take_mfa(r);
	case 'O': return take_options(r);
	case 'Q': return take_pid_or_name(r, &s->from);
	default: return false;
	}
}

static int take_payload(reader *r, const fli_control_input *input, fl_error *err)
{
	fli_part *payload = &r->signal->payload;
	uint8_t version;

	if (input->is_cut)
		return FL_OK;
	if (input->has_versions && (!fli_take8(&r->c, &version) || version != FLI_VERSION))
		return odd(r, err, "no version byte before the payload");
	if (fli_left(&r->c) == 0)
		return odd(r, err, "the payload is missing");
	if (!fli_walk(r->c.at, fli_left(&r->c), r->refs, &payload->walked))
		return odd(r, err, "the payload is no valid term");
	payload->data = r->c.at;
	return FL_OK;
}

static int odd_element(const reader *r, const char *element, fl_error *err)
{
	char text[] = "element 0 is not what belongs there";

	text[8] = (char)('2' + (element - shapes[r->signal->wire_op].elements));
	return odd(r, err, text);
}

static int decode_shape(
	reader *r, const fli_control_input *input, const char *elements, fl_error *err)
{
	for (; *elements != '\0' && *elements != 'P'; elements++)
		if (FLI_UNLIKELY(!take_element(r, *elements)))
			return odd_element(r, elements, err);
	return *elements == 'P' ? take_payload(r, input, err) : FL_OK;
}

/* Any size of integer is legal; only the low bits have a meaning. */
static bool take_altact_flags(reader *r, unsigned *ret_flags)
{
	fli_part big;
	uint64_t value;

	if (fli_peek_uint(&r->c, &value)) {
		*ret_flags = value & 255;
		return true;
	}
	if (!take_part(r, &big))
		return false;
	if (big.data[0] == FLI_SMALL_BIG_EXT && big.data[1] > 0)
		*ret_flags = big.data[3];
	else if (big.data[0] == FLI_LARGE_BIG_EXT && fli_get32(big.data + 1) > 0)
		*ret_flags = big.data[6];
	else
		return false;
	return true;
}

static bool take_altact_target(reader *r, unsigned flags)
{
	switch (flags & (ALTACT_ALIAS | ALTACT_NAME)) {
	case 0: return take_pid(r, &r->signal->to);
	case ALTACT_ALIAS: return take_alias(r);
	case ALTACT_NAME: return take_name(r);
	default: return false;
	}
}

static fli_op altact_op(const fli_signal *s, unsigned flags)
{
	if (flags & ALTACT_EXIT)
		return FLI_OP_EXIT2;
	if (s->target == FLI_TO_ALIAS)
		return FLI_OP_ALIAS_SEND;
	return s->target == FLI_TO_NAME ? FLI_OP_REG_SEND : FLI_OP_SEND;
}

static int decode_altact(reader *r, const fli_control_input *input, uint32_t arity, fl_error *err)
{
	fli_signal *s = r->signal;
	uint32_t known = 4;
	unsigned flags;
	fli_part more;

	if (arity < known)
		return odd(r, err, "too few elements");
	if (!take_altact_flags(r, &flags))
		return odd(r, err, "the flags are no integer");
	if (!take_sender(r))
		return odd(r, err, "the sender is no term");
	if (!take_altact_target(r, flags))
		return odd(r, err, "the receiver does not fit the flags");
	if (flags & ALTACT_TOKEN) {
		if (arity == known++ || !take_part(r, &s->token))
			return odd(r, err, "the token is missing");
	}
	for (; known < arity; known++)
		if (!take_part(r, &more))
			return odd(r, err, "a later element is no term");
	s->op = altact_op(s, flags);
	s->is_priority = flags & ALTACT_PRIORITY;
	return take_payload(r, input, err);
}

/* Signals that change or use a link count only from the node that they come from. */
static int check_link(const reader *r, const fli_control_input *input, fl_error *err)
{
	const fli_signal *s = r->signal;

	if (input->peer.size != 0 && !fl_atom_eq(s->from.node, input->peer))
		return odd(r, err, "the sender is no process of the peer");
	if ((s->op == FLI_OP_UNLINK_ID || s->op == FLI_OP_UNLINK_ID_ACK) && s->id == 0)
		return odd(r, err, "the id is 0");
	return FL_OK;
}

static bool is_about_links(fli_op op)
{
	return op >= FLI_OP_LINK && op <= FLI_OP_EXIT;
}

static int decode_op(reader *r, const fli_control_input *input, uint32_t arity, fl_error *err)
{
	const shape *s = &shapes[r->signal->wire_op];
	int code;

	if (r->signal->wire_op == OP_ALTACT)
		return decode_altact(r, input, arity, err);
	if (arity != s->arity)
		return odd(r, err, "wrong number of elements");
	r->signal->op = s->op;
	code = decode_shape(r, input, s->elements, err);
	if (code == FL_OK && is_about_links(s->op))
		code = check_link(r, input, err);
	return code;
}

static bool is_op(uint64_t op)
{
	return op < OPS && shapes[op].name != NULL;
}

/* The op and the arity in whatever form, or what is wrong with them. */
static int take_odd_op(reader *r, uint32_t *ret_arity, fl_error *err)
{
	uint64_t op;

	if (!fli_peek_tuple(&r->c, ret_arity))
		return fl_error_set(err, FL_EFORMAT, "control message: no tuple");
	if (*ret_arity == 0 || !fli_peek_uint(&r->c, &op))
		return fl_error_set(err, FL_EFORMAT, "control message: no op number in front");
	if (!is_op(op))
		return fl_error_set(err, FL_EFORMAT, "control message: unknown op %llu",
			(unsigned long long)op);
	r->signal->wire_op = (uint8_t)op;
	return FL_OK;
}

static int take_op(reader *r, uint32_t *ret_arity, fl_error *err)
{
	const uint8_t *p = r->c.at;

	if (FLI_UNLIKELY(fli_left(&r->c) < 4 || p[0] != FLI_SMALL_TUPLE_EXT || p[1] == 0 ||
			 p[2] != FLI_SMALL_INTEGER_EXT || !is_op(p[3])))
		return take_odd_op(r, ret_arity, err);
	*ret_arity = p[1];
	r->signal->wire_op = p[3];
	r->c.at += 4;
	return FL_OK;
}

int fli_control_decode(const fli_control_input *input, fli_signal *ret_signal, fl_error *err)
{
	reader r = {fli_cursor_make(input->data, input->size), input->refs, ret_signal};
	uint8_t version;
	uint32_t arity;
	int code;

	ret_signal->target = FLI_TO_PID;
	ret_signal->has_from = false;
	ret_signal->is_priority = false;
	ret_signal->refs = input->refs;
	ret_signal->payload.data = NULL;
	ret_signal->token.data = NULL;
	if (input->has_versions && (!fli_take8(&r.c, &version) || version != FLI_VERSION))
		return fl_error_set(err, FL_EFORMAT, "control message: no version byte in front");
	code = take_op(&r, &arity, err);
	return code == FL_OK ? decode_op(&r, input, arity, err) : code;
}
