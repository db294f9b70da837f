/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_CONTROL_H
#define FLI_DIST_CONTROL_H

/*
 * A control message decoded: who wants what of whom (erl_dist_protocol, "Protocol between Connected
 * Nodes").
 *
 *     {22,From,To} + payload  --fli_control_decode-->  fli_signal{SEND, from, to, payload}
 *
 * The variants with a trace token and those with the reason as payload are folded: one op for each
 * meaning, `token` filled when there was one, the reason always in `payload`.
 *
 * Threads: any. Memory: none; a signal borrows from the bytes and the refs that it was decoded
 * from, `node` of each identifier included. Errors: FL_EFORMAT with the op's number and what was
 * odd; it costs the connection. Limits: those of fli_walk.
 */

#include "flitch/error.h"
#include "flitch/term.h"
#include "node/base/buf.h"
#include "node/term/walk.h"

typedef enum fli_op {
	FLI_OP_SEND,          /* from (may be unknown), to, payload */
	FLI_OP_REG_SEND,      /* from, name, payload */
	FLI_OP_ALIAS_SEND,    /* from, ref, payload */
	FLI_OP_LINK,          /* from, to */
	FLI_OP_UNLINK,        /* from, to; the old form that wants no answer */
	FLI_OP_UNLINK_ID,     /* from, to, id; wants an UNLINK_ID_ACK with the same id */
	FLI_OP_UNLINK_ID_ACK, /* from, to, id */
	FLI_OP_EXIT,          /* from, to, payload (the reason): a link broke */
	FLI_OP_EXIT2,         /* from, target, payload (the reason): as by exit/2 */
	FLI_OP_MONITOR,       /* from (the watcher), target (pid or name), ref */
	FLI_OP_DEMONITOR,     /* from (the watcher), target (pid or name), ref */
	FLI_OP_DOWN, /* from or name (what was watched: target), to (the watcher), ref, payload */
	FLI_OP_GROUP_LEADER,  /* from (the new leader), to */
	FLI_OP_SPAWN_REQUEST, /* ref, from, spawn, payload (the argument list) */
	FLI_OP_SPAWN_REPLY    /* ref, to, id (1 linked, 2 monitored), from (the new pid) or name
				 (error) */
} fli_op;

/* Which of `to`, `name`, `ref` (for DOWN and SPAWN_REPLY: of `from`, `name`) is the one meant. */
typedef enum fli_signal_to { FLI_TO_PID, FLI_TO_NAME, FLI_TO_ALIAS } fli_signal_to;

/* A term inside a signal: walked, and ready for fli_expand(data, &walked, signal->refs, out). */
typedef struct fli_part {
	const uint8_t *data; /* NULL: there is none */
	fli_walked walked;
} fli_part;

typedef struct fli_signal_spawn {
	fl_pid leader;
	fl_atom module;
	fl_atom function;
	uint32_t arity;
	fli_part options; /* a proper list */
} fli_signal_spawn;

/* Fields that the op does not name are unset. */
typedef struct fli_signal {
	fli_op op;
	fli_signal_to target;
	uint8_t wire_op;  /* the number on the wire */
	bool has_from;    /* false for the ops that do not tell the sender */
	bool is_priority; /* a priority message of OTP 28 */
	const fli_refs *refs;
	fli_buf *block; /* not NULL: the payload lies in it, and the receiver may take its memory */
	fli_part payload;
	fli_part token; /* sequential trace token */
	fl_pid from;
	fl_pid to;
	fl_atom name;
	uint64_t id;
	fl_ref ref;
	fli_signal_spawn spawn; /* FLI_OP_SPAWN_REQUEST only */
} fli_signal;

typedef struct fli_control_input {
	const uint8_t *data; /* control term, then the payload if the op has one */
	size_t size;
	const fli_refs *refs; /* NULL in the pass-through world */
	bool has_versions;    /* pass-through world: each of the two terms has a 131 in front */
	bool is_cut;          /* a first fragment: the payload is not looked at */
	fl_atom peer;         /* whose pids may link and exit; no text: not checked */
} fli_control_input;

int fli_control_decode(const fli_control_input *input, fli_signal *ret_signal, fl_error *err);

/* "REG_SEND" for 6; "unknown" for a number that is no op. */
const char *fli_control_name(unsigned wire_op);

#endif
