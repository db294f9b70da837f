/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each control message that a node sends (erl_dist_protocol, "Protocol between
 * Connected Nodes"), in the form that the agreed flags ask for:
 *
 *     SEND_SENDER   22, or 2 with '' in place of the sender; of a wide one to OTP 23, too
 *     EXIT_PAYLOAD  24, 26, 28 and the reason behind; or 3, 8, 21 and the reason as last element
 *     UNLINK_ID     35, 36; or 4
 *     ALTACT_SIG    37 to an alias; else with ALIAS 33; else a plain send to the owner
 *
 * A BEAM drops the connection when an exit or unlink goes to a pid of an earlier incarnation of it,
 * when a pid or reference that bears its own name cannot be one of its own, and, without V4_NC, for
 * any wide identifier; all are refused here. Which release a peer is does not show between 24 and
 * 27, so that what 24 and 25 alone refuse (own pids of 16 to 28 bits) does pass: 26 has made them.
 * Monitors and spawn requests are not sent to a peer that did not agree on them.
 */
#include "dist/outbound_frame.h"

#include "dist/flags.h"
#include "node/base/bug.h"
#include "node/term/tag.h"
#include "node/term/walk.h"
#include "node/term/write.h"

#define ATOM_BYTES_MAX 1020
#define NARROW_REF_WORDS_MAX 3
#define REF_WORDS_MAX 5
#define ALTACT_ALIAS 4
#define OP_BYTES 8

/* ---- writing through a pointer, into room that was measured before --------------------------- */

static uint8_t *put_op(uint8_t *p, uint8_t arity, uint8_t op)
{
	p[0] = FLI_SMALL_TUPLE_EXT;
	p[1] = arity;
	p[2] = FLI_SMALL_INTEGER_EXT;
	p[3] = op;
	return p + 4;
}

static uint8_t *put_atom(uint8_t *p, fl_atom atom)
{
	if (FLI_LIKELY(atom.size < 256)) {
		*p++ = FLI_SMALL_ATOM_UTF8_EXT;
		*p++ = (uint8_t)atom.size;
	} else {
		*p++ = FLI_ATOM_UTF8_EXT;
		fli_put16(p, (uint16_t)atom.size);
		p += 2;
	}
	if (atom.size != 0)
		memcpy(p, atom.text, atom.size);
	return p + atom.size;
}

static uint8_t *put_no_cookie(uint8_t *p)
{
	p[0] = FLI_SMALL_ATOM_UTF8_EXT;
	p[1] = 0;
	return p + 2;
}

static uint8_t *put_node(const fli_outbound *out, uint8_t *p, fl_atom name)
{
	int ref = out->has_refs ? fli_outbound_atoms_find(&out->atoms, name) : -1;

	if (ref < 0)
		return put_atom(p, name);
	p[0] = FLI_ATOM_CACHE_REF;
	p[1] = (uint8_t)ref;
	return p + 2;
}

static uint8_t *put_pid(const fli_outbound *out, uint8_t *p, const fl_pid *pid)
{
	*p++ = FLI_NEW_PID_EXT;
	p = put_node(out, p, pid->node);
	fli_put32(p, pid->id);
	fli_put32(p + 4, pid->serial);
	fli_put32(p + 8, pid->creation);
	return p + 12;
}

static uint8_t *put_ref(const fli_outbound *out, uint8_t *p, const fl_ref *ref)
{
	p[0] = FLI_NEWER_REFERENCE_EXT;
	fli_put16(p + 1, (uint16_t)ref->count);
	p = put_node(out, p + 3, ref->node);
	fli_put32(p, ref->creation);
	p += 4;
	for (uint32_t i = 0; i < ref->count; i++, p += 4)
		fli_put32(p, ref->words[i]);
	return p;
}

/* At most 11 bytes. */
static uint8_t *put_uint(uint8_t *p, uint64_t value)
{
	uint8_t size = 0;

	if (value < 256) {
		p[0] = FLI_SMALL_INTEGER_EXT;
		p[1] = (uint8_t)value;
		return p + 2;
	}
	if (value <= INT32_MAX) {
		p[0] = FLI_INTEGER_EXT;
		fli_put32(p + 1, (uint32_t)value);
		return p + 5;
	}
	p[0] = FLI_SMALL_BIG_EXT;
	p[2] = 0;
	for (; value != 0; value >>= 8)
		p[3 + size++] = (uint8_t)value;
	p[1] = size;
	return p + 3 + size;
}

static uint8_t *put_monitored(const fli_outbound *out, uint8_t *p, fli_outbound_monitored what)
{
	return what.name.text != NULL ? put_atom(p, what.name) : put_pid(out, p, what.pid);
}

static size_t monitored_bytes(fli_outbound_monitored what)
{
	return what.name.text != NULL ? FLI_ATOM_BYTES(what.name.size)
				      : FLI_PID_BYTES(what.pid->node.size);
}

/* ---- what the peer can take ------------------------------------------------------------------ */

static bool has(const fli_outbound *out, uint64_t flags)
{
	return (out->config.flags & flags) == flags;
}

static bool is_narrow(const fl_pid *pid)
{
	return pid->id <= FLI_NARROW_ID_MAX && pid->serial <= FLI_NARROW_SERIAL_MAX;
}

/* A pid of this node. */
static int check_own(const fli_outbound *out, const fl_pid *pid)
{
	return FLI_LIKELY(has(out, FLI_DFLAG(V4_NC))) || is_narrow(pid) ? FL_OK : FL_ENOTSUP;
}

static bool is_of_peer(const fli_outbound *out, fl_atom node, uint32_t creation)
{
	return creation == out->config.peer_creation && fl_atom_eq(node, out->config.names[1]);
}

/* The receiver. No process has a number that no BEAM gives. */
static int check_target(const fli_outbound *out, const fl_pid *pid)
{
	if (FLI_UNLIKELY(!has(out, FLI_DFLAG(V4_NC)) && !is_narrow(pid)))
		return FL_ENOPROC;
	if (FLI_UNLIKELY(pid->id > FLI_BEAM_PID_MAX) && is_of_peer(out, pid->node, pid->creation))
		return FL_ENOPROC;
	return FL_OK;
}

static int check_pair(const fli_outbound *out, const fl_pid *from, const fl_pid *to)
{
	int code = check_own(out, from);

	return code == FL_OK ? check_target(out, to) : code;
}

static int check_ref(const fli_outbound *out, const fl_ref *ref)
{
	uint32_t words_max = has(out, FLI_DFLAG(V4_NC)) ? REF_WORDS_MAX : NARROW_REF_WORDS_MAX;

	if (ref->count > words_max)
		return FL_ENOTSUP;
	if (ref->count == 0)
		return FL_ENOPROC;
	if (FLI_UNLIKELY(ref->words[0] > FLI_BEAM_REF_MAX) &&
		is_of_peer(out, ref->node, ref->creation))
		return FL_ENOPROC;
	return FL_OK;
}

static int check_own_and_ref(const fli_outbound *out, const fl_pid *pid, const fl_ref *ref)
{
	int code = pid == NULL ? FL_OK : check_own(out, pid);

	return code == FL_OK ? check_ref(out, ref) : code;
}

/* For what an earlier incarnation of the peer must not get. */
static int check_link_pair(const fli_outbound *out, const fl_pid *from, const fl_pid *to)
{
	if (out->config.peer_creation != 0 && to->creation != out->config.peer_creation)
		return FL_ENOPROC;
	return check_pair(out, from, to);
}

static size_t pids_bytes(const fl_pid *a, const fl_pid *b)
{
	return OP_BYTES + FLI_PID_BYTES(a->node.size) + FLI_PID_BYTES(b->node.size);
}

/* ---- messages -------------------------------------------------------------------------------- */

int fli_outbound_begin_send(fli_outbound *out, const fl_pid *from, const fl_pid *to)
{
	uint8_t *p;
	bool has_sender = has(out, FLI_DFLAG(SEND_SENDER)) && check_own(out, from) == FL_OK;
	int code = check_target(out, to);

	if (code != FL_OK)
		return code;
	p = fli_outbound_open(out, from, pids_bytes(from, to));
	if (p == NULL)
		return FL_ENOMEM;
	if (has_sender)
		p = put_pid(out, put_op(p, 3, 22), from);
	else
		p = put_no_cookie(put_op(p, 3, 2));
	fli_outbound_body(out, put_pid(out, p, to), FLI_BODY_PAYLOAD);
	return FL_OK;
}

int fli_outbound_begin_reg_send(fli_outbound *out, const fl_pid *from, fl_atom name)
{
	uint8_t *p;
	int code = check_own(out, from);

	if (code == FL_OK && name.size > ATOM_BYTES_MAX)
		code = FL_EINVAL;
	if (code != FL_OK)
		return code;
	p = fli_outbound_open(
		out, from, OP_BYTES + FLI_PID_BYTES(from->node.size) + FLI_ATOM_BYTES(name.size));
	if (p == NULL)
		return FL_ENOMEM;
	p = put_no_cookie(put_pid(out, put_op(p, 4, 6), from));
	fli_outbound_body(out, put_atom(p, name), FLI_BODY_PAYLOAD);
	return FL_OK;
}

int fli_outbound_begin_alias_send(
	fli_outbound *out, const fl_pid *from, const fl_ref *alias, const fl_pid *owner)
{
	bool has_altact = has(out, FLI_DFLAG(ALTACT_SIG));
	uint8_t *p;
	int code = check_own_and_ref(out, from, alias);

	if (code != FL_OK)
		return code;
	if (!has_altact && !has(out, FLI_DFLAG(ALIAS)))
		return owner == NULL ? FL_ENOTSUP : fli_outbound_begin_send(out, from, owner);
	p = fli_outbound_open(out, from,
		OP_BYTES + FLI_PID_BYTES(from->node.size) + FLI_REF_BYTES(alias->node.size));
	if (p == NULL)
		return FL_ENOMEM;
	p = has_altact ? put_uint(put_op(p, 4, 37), ALTACT_ALIAS) : put_op(p, 3, 33);
	fli_outbound_body(out, put_ref(out, put_pid(out, p, from), alias), FLI_BODY_PAYLOAD);
	return FL_OK;
}

/* ---- links and exits ------------------------------------------------------------------------- */

static int begin_exit_as(
	fli_outbound *out, const fl_pid *from, const fl_pid *to, uint8_t op, uint8_t old_op)
{
	bool is_payload = has(out, FLI_DFLAG(EXIT_PAYLOAD));
	uint8_t *p = fli_outbound_open(out, from, pids_bytes(from, to));

	if (p == NULL)
		return FL_ENOMEM;
	p = is_payload ? put_op(p, 3, op) : put_op(p, 4, old_op);
	p = put_pid(out, put_pid(out, p, from), to);
	fli_outbound_body(out, p, is_payload ? FLI_BODY_PAYLOAD : FLI_BODY_ELEMENT);
	return FL_OK;
}

int fli_outbound_begin_exit(fli_outbound *out, const fl_pid *from, const fl_pid *to)
{
	int code = check_link_pair(out, from, to);

	return code == FL_OK ? begin_exit_as(out, from, to, 24, 3) : code;
}

int fli_outbound_begin_exit2(fli_outbound *out, const fl_pid *from, const fl_pid *to)
{
	int code = check_pair(out, from, to);

	return code == FL_OK ? begin_exit_as(out, from, to, 26, 8) : code;
}

static int send_pair(fli_outbound *out, const fl_pid *from, const fl_pid *to, uint8_t op)
{
	uint8_t *p = fli_outbound_open(out, from, pids_bytes(from, to));

	if (p == NULL)
		return FL_ENOMEM;
	return fli_outbound_close(out, put_pid(out, put_pid(out, put_op(p, 3, op), from), to));
}

static int send_id_pair(
	fli_outbound *out, uint64_t id, const fl_pid *from, const fl_pid *to, uint8_t op)
{
	uint8_t *p = fli_outbound_open(out, from, pids_bytes(from, to) + 11);

	if (p == NULL)
		return FL_ENOMEM;
	p = put_uint(put_op(p, 4, op), id);
	return fli_outbound_close(out, put_pid(out, put_pid(out, p, from), to));
}

int fli_outbound_link(fli_outbound *out, const fl_pid *from, const fl_pid *to)
{
	int code = check_pair(out, from, to);

	return code == FL_OK ? send_pair(out, from, to, 1) : code;
}

int fli_outbound_unlink(fli_outbound *out, const fl_pid *from, const fl_pid *to, uint64_t id)
{
	int code = check_link_pair(out, from, to);

	fl_assert(id != 0);
	if (code != FL_OK)
		return code;
	if (!has(out, FLI_DFLAG(UNLINK_ID)))
		return send_pair(out, from, to, 4);
	return send_id_pair(out, id, from, to, 35);
}

int fli_outbound_unlink_ack(fli_outbound *out, const fl_pid *from, const fl_pid *to, uint64_t id)
{
	int code = check_link_pair(out, from, to);

	fl_assert(id != 0);
	if (code != FL_OK || !has(out, FLI_DFLAG(UNLINK_ID)))
		return code;
	return send_id_pair(out, id, from, to, 36);
}

int fli_outbound_group_leader(
	fli_outbound *out, const fl_pid *from, const fl_pid *leader, const fl_pid *member)
{
	uint8_t *p = fli_outbound_open(out, from, pids_bytes(leader, member));

	if (p == NULL)
		return FL_ENOMEM;
	return fli_outbound_close(out, put_pid(out, put_pid(out, put_op(p, 3, 7), leader), member));
}

/* ---- monitors -------------------------------------------------------------------------------- */

static int check_monitor(
	const fli_outbound *out, const fl_pid *own, fli_outbound_monitored what, const fl_ref *ref)
{
	if (!has(out, FLI_DFLAG(DIST_MONITOR) | FLI_DFLAG(DIST_MONITOR_NAME)))
		return FL_ENOTSUP;
	if (what.name.size > ATOM_BYTES_MAX)
		return FL_EINVAL;
	if (what.name.text == NULL && what.pid == NULL)
		return FL_EINVAL;
	return check_own_and_ref(out, own, ref);
}

static int send_monitor(fli_outbound *out, uint8_t op, const fl_pid *watcher,
	fli_outbound_monitored of, const fl_ref *ref)
{
	uint8_t *p;
	int code = check_monitor(out, watcher, of, ref);

	if (code == FL_OK && of.name.text == NULL)
		code = check_target(out, of.pid);
	if (code != FL_OK)
		return code;
	p = fli_outbound_open(out, watcher,
		OP_BYTES + FLI_PID_BYTES(watcher->node.size) + monitored_bytes(of) +
			FLI_REF_BYTES(ref->node.size));
	if (p == NULL)
		return FL_ENOMEM;
	p = put_monitored(out, put_pid(out, put_op(p, 4, op), watcher), of);
	return fli_outbound_close(out, put_ref(out, p, ref));
}

int fli_outbound_monitor(
	fli_outbound *out, const fl_pid *watcher, fli_outbound_monitored of, const fl_ref *ref)
{
	return send_monitor(out, 19, watcher, of, ref);
}

int fli_outbound_demonitor(
	fli_outbound *out, const fl_pid *watcher, fli_outbound_monitored of, const fl_ref *ref)
{
	return send_monitor(out, 20, watcher, of, ref);
}

int fli_outbound_begin_down(
	fli_outbound *out, fli_outbound_monitored dead, const fl_pid *watcher, const fl_ref *ref)
{
	bool is_payload = has(out, FLI_DFLAG(EXIT_PAYLOAD));
	uint8_t *p;
	int code = check_monitor(out, dead.pid, dead, ref);

	if (code != FL_OK)
		return code;
	p = fli_outbound_open(out, FLI_BUG(down_before_last_message) ? NULL : dead.pid,
		OP_BYTES + monitored_bytes(dead) + FLI_PID_BYTES(watcher->node.size) +
			FLI_REF_BYTES(ref->node.size));
	if (p == NULL)
		return FL_ENOMEM;
	p = is_payload ? put_op(p, 4, 28) : put_op(p, 5, 21);
	p = put_ref(out, put_pid(out, put_monitored(out, p, dead), watcher), ref);
	fli_outbound_body(out, p, is_payload ? FLI_BODY_PAYLOAD : FLI_BODY_ELEMENT);
	return FL_OK;
}

/* ---- spawns ---------------------------------------------------------------------------------- */

static size_t spawn_bytes(const fli_outbound_spawn *s)
{
	return OP_BYTES + FLI_REF_BYTES(s->id->node.size) + FLI_PID_BYTES(s->from->node.size) +
	       FLI_PID_BYTES(s->leader->node.size) + FLI_ATOM_BYTES(s->module.size) +
	       FLI_ATOM_BYTES(s->function.size) + 4 + s->options.size + 1;
}

static int check_spawn(const fli_outbound *out, const fli_outbound_spawn *s)
{
	if (!has(out, FLI_DFLAG(SPAWN)))
		return FL_ENOTSUP;
	if (s->arity > 255 || s->module.size > ATOM_BYTES_MAX ||
		s->function.size > ATOM_BYTES_MAX || s->options.rest != 0)
		return FL_EINVAL;
	return check_own_and_ref(out, s->from, s->id);
}

int fli_outbound_begin_spawn(fli_outbound *out, const fli_outbound_spawn *spawn)
{
	uint8_t *p;
	int code = check_spawn(out, spawn);

	if (code != FL_OK)
		return code;
	p = fli_outbound_open(out, spawn->from, spawn_bytes(spawn));
	if (p == NULL)
		return FL_ENOMEM;
	p = put_ref(out, put_op(p, 6, 29), spawn->id);
	p = put_pid(out, put_pid(out, p, spawn->from), spawn->leader);
	p[0] = FLI_SMALL_TUPLE_EXT;
	p[1] = 3;
	p = put_atom(put_atom(p + 2, spawn->module), spawn->function);
	p = put_uint(p, spawn->arity);
	if (spawn->options.size == 0)
		*p++ = FLI_NIL_EXT;
	else
		memcpy(p, spawn->options.data, spawn->options.size);
	fli_outbound_body(out, p + spawn->options.size, FLI_BODY_PAYLOAD);
	return FL_OK;
}

static int spawn_reply(fli_outbound *out, const fli_outbound_spawned *reply)
{
	size_t result_bytes = reply->child != NULL ? FLI_PID_BYTES(reply->child->node.size)
						   : FLI_ATOM_BYTES(reply->error.size);
	uint8_t flags = 0;
	uint8_t *p;
	int code = check_own_and_ref(out, reply->child, reply->id);

	if (code == FL_OK && reply->error.size > ATOM_BYTES_MAX)
		code = FL_EINVAL;
	if (code != FL_OK)
		return code;
	p = fli_outbound_open(out, reply->child,
		OP_BYTES + FLI_REF_BYTES(reply->id->node.size) +
			FLI_PID_BYTES(reply->to->node.size) + 2 + result_bytes);
	if (p == NULL)
		return FL_ENOMEM;
	if (reply->child != NULL)
		flags = (uint8_t)((reply->is_linked ? 1 : 0) | (reply->is_monitored ? 2 : 0));
	p = put_uint(put_pid(out, put_ref(out, put_op(p, 5, 31), reply->id), reply->to), flags);
	p = reply->child != NULL ? put_pid(out, p, reply->child) : put_atom(p, reply->error);
	return fli_outbound_close(out, p);
}

int fli_outbound_spawn_reply(fli_outbound *out, const fli_outbound_spawned *reply)
{
	fli_outbound_spawned refusal = {.id = reply->id, .to = reply->to, .error = {"notsup", 6}};

	/* whoever asked would wait for ever */
	if (reply->child != NULL && check_own(out, reply->child) != FL_OK)
		return spawn_reply(out, &refusal);
	return spawn_reply(out, reply);
}
