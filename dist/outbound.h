/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_OUTBOUND_H
#define FLI_DIST_OUTBOUND_H

/*
 * The way out of a connection after the handshake: signals in, bytes for the socket out.
 *
 *     fli_outbound_begin_*(out, ...)      the control message goes into out->buf
 *     fli_write_*(&out->buf, ...)         the payload is built in place behind it, without a 131
 *     fli_outbound_finish(out, features)  the frame is complete (or fli_outbound_abort: never was)
 *
 *     while (fli_outbound_take(out, &data, &size))   the next piece to write; it stays where it is
 *             fli_outbound_done(out, written);       until all of it is done
 *
 * A message longer than `fragment_bytes` is cut into fragments where that was agreed. It then waits
 * in a lane of its sending process, and every later signal of that process waits behind it, so that
 * the order from each sender holds; signals of others pass between its fragments, lanes take turns.
 *
 *     buf    [small][small][small]           \
 *     lane A [frag 3][frag 2][frag 1][small]  > take: small ones, A, small ones, B, small ones, A
 *     lane B [frag 9][frag 8]...             /
 *
 * Nothing is sent that would cost the connection at the other side: what the agreed flags do not
 * allow is FL_ENOTSUP, and so is a payload with an identifier of the peer's own that no BEAM makes;
 * a signal to such a pid, and a link or exit signal to a pid of an earlier incarnation of the peer,
 * is FL_ENOPROC. Both leave nothing behind and are no reason to close.
 *
 * Threads: one at a time. Memory: owns all buffers; arguments are copied. Errors: FL_ENOMEM and
 * FL_ELIMIT mean that the signal is lost; where order counts (links, monitors, exits) the caller
 * closes the connection. Limits: below; soft and hard marks are only reported, the driver acts.
 */

#include "dist/outbound_atoms.h"
#include "dist/outbound_lanes.h"
#include "flitch/error.h"
#include "flitch/term.h"
#include "node/base/buf.h"

#define FLI_OUTBOUND_FRAGMENT_BYTES ((size_t)64 << 10) /* what the BEAM sends, too */
#define FLI_OUTBOUND_SOFT_BYTES ((size_t)1 << 20)      /* as the BEAM's +zdbbl */
#define FLI_OUTBOUND_HARD_BYTES ((size_t)64 << 20)
#define FLI_OUTBOUND_MESSAGE_BYTES_MAX ((size_t)256 << 20)

/* For fli_outbound_finish: nobody knows what the payload needs, look if the peer lacks anything. */
#define FLI_OUTBOUND_UNKNOWN_FEATURES (~0U)

typedef struct fli_outbound_limits {
	size_t fragment_bytes; /* data of one fragment, at least 64; 0: the default above */
	size_t soft_bytes;     /* busy from here on, until half of it */
	size_t hard_bytes;     /* overfull from here on, the largest message not counted */
	size_t message_bytes_max;
} fli_outbound_limits;

typedef struct fli_outbound_config {
	uint64_t flags;                    /* those that both sides have */
	uint32_t peer_creation;            /* of this connection's handshake; 0: not checked */
	fl_atom names[FLI_OUTBOUND_NAMES]; /* of this node, of the peer; kept, not copied */
	uint64_t seed;                     /* for the table of lanes */
	fli_outbound_limits limits;
	fli_mem *mem;
	fli_spares *spares; /* for large messages; may be NULL */
} fli_outbound_config;

typedef enum fli_outbound_level {
	FLI_OUTBOUND_READY,
	FLI_OUTBOUND_BUSY,    /* suspend who sends */
	FLI_OUTBOUND_OVERFULL /* disconnect */
} fli_outbound_level;

typedef struct fli_outbound {
	fli_outbound_config config;
	fli_buf buf;  /* the payload under construction is appended here */
	fli_buf wire; /* what is being written, when it is no fragment */
	size_t wire_done;
	fli_outbound_lanes lanes;
	fli_outbound_atoms atoms;
	fli_outbound_piece piece; /* of a lane, handed out */
	uint64_t sender;          /* lane key of the open signal; 0: none */
	size_t start;             /* of the open signal in buf */
	size_t payload_at;        /* of its payload in buf; 0: it has none */
	unsigned lacking;         /* enum fli_feature that the peer cannot take */
	bool is_open;
	bool has_refs;    /* the open signal's header refers to `atoms` */
	bool is_cuttable; /* the payload stands behind the control tuple, not in it */
	bool is_busy;
	bool lane_is_next; /* small signals had their turn */
	uint64_t frames;
	uint64_t bytes_done;
} fli_outbound;

void fli_outbound_create(fli_outbound *out, const fli_outbound_config *config);
void fli_outbound_destroy(fli_outbound *out);

/* ---- signals with a payload ------------------------------------------------------------------ */

int fli_outbound_begin_send(fli_outbound *out, const fl_pid *from, const fl_pid *to);
int fli_outbound_begin_reg_send(fli_outbound *out, const fl_pid *from, fl_atom name);
/* To a peer without aliases it becomes a plain send to `owner`; NULL: FL_ENOTSUP. */
int fli_outbound_begin_alias_send(
	fli_outbound *out, const fl_pid *from, const fl_ref *alias, const fl_pid *owner);
/* A link broke. The payload is the reason. */
int fli_outbound_begin_exit(fli_outbound *out, const fl_pid *from, const fl_pid *to);
/* As by exit/2. The payload is the reason. */
int fli_outbound_begin_exit2(fli_outbound *out, const fl_pid *from, const fl_pid *to);

/* Who or what is monitored. */
typedef struct fli_outbound_monitored {
	const fl_pid *pid; /* may be NULL with a name: nobody has it */
	fl_atom name;      /* no text: monitored by pid */
} fli_outbound_monitored;

/* The payload is the reason. */
int fli_outbound_begin_down(
	fli_outbound *out, fli_outbound_monitored dead, const fl_pid *watcher, const fl_ref *ref);

typedef struct fli_outbound_spawn {
	const fl_ref *id;
	const fl_pid *from;
	const fl_pid *leader;
	fl_atom module;
	fl_atom function;
	uint32_t arity;
	fl_term options; /* a proper list; no bytes: the empty one */
} fli_outbound_spawn;

/* The payload is the list of arguments. */
int fli_outbound_begin_spawn(fli_outbound *out, const fli_outbound_spawn *spawn);

/*
 * Ends the signal. `features` (enum fli_feature) is what the payload needs of the peer, as fli_walk
 * tells it for parts that came from elsewhere; 0 for a payload of fl_build from C values alone;
 * FLI_OUTBOUND_UNKNOWN_FEATURES walks the payload if the peer lacks anything.
 */
int fli_outbound_finish(fli_outbound *out, unsigned features);
/* Appends a complete term as the payload and finishes; a large one is copied only once. */
int fli_outbound_finish_with(fli_outbound *out, fl_term payload, unsigned features);
/*
 * The payload ends in a binary without bytes; they are those of `block` from `at` on. A large one
 * is sent from the block, whose room before `at` gets what comes first. Takes the block's memory,
 * on failure, too.
 */
int fli_outbound_finish_block(fli_outbound *out, fli_buf *block, size_t at, unsigned features);
/* Takes the open signal back. */
void fli_outbound_abort(fli_outbound *out);

/* ---- signals without a payload --------------------------------------------------------------- */

int fli_outbound_link(fli_outbound *out, const fl_pid *from, const fl_pid *to);
/* To a peer without UNLINK_ID the old form, which is never acknowledged: act as if it was. */
int fli_outbound_unlink(fli_outbound *out, const fl_pid *from, const fl_pid *to, uint64_t id);
/* Nothing is sent to a peer without UNLINK_ID. */
int fli_outbound_unlink_ack(fli_outbound *out, const fl_pid *from, const fl_pid *to, uint64_t id);
int fli_outbound_monitor(
	fli_outbound *out, const fl_pid *watcher, fli_outbound_monitored of, const fl_ref *ref);
int fli_outbound_demonitor(
	fli_outbound *out, const fl_pid *watcher, fli_outbound_monitored of, const fl_ref *ref);
/* `from` is who asks for it; it only decides the order. */
int fli_outbound_group_leader(
	fli_outbound *out, const fl_pid *from, const fl_pid *leader, const fl_pid *member);

typedef struct fli_outbound_spawned {
	const fl_ref *id;
	const fl_pid *to;
	const fl_pid *child; /* NULL: it failed with `error` */
	fl_atom error;
	bool is_linked;
	bool is_monitored;
} fli_outbound_spawned;

/* A child that the peer cannot name becomes the error notsup. */
int fli_outbound_spawn_reply(fli_outbound *out, const fli_outbound_spawned *reply);

/* Four zero bytes, unless something is waiting to be written anyway; true when added. */
bool fli_outbound_tick(fli_outbound *out);

/* ---- towards the socket ---------------------------------------------------------------------- */

/*
 * The next bytes to write; false when there are none. They are neither moved nor freed until as
 * many have been reported by fli_outbound_done, whatever is emitted meanwhile; asked again before
 * that, it gives the rest of the same piece. No signal may be open.
 */
bool fli_outbound_take(fli_outbound *out, const uint8_t **ret_data, size_t *ret_size);
void fli_outbound_done(fli_outbound *out, size_t size);

/* Bytes that wait, those handed out included. */
size_t fli_outbound_size(const fli_outbound *out);
fli_outbound_level fli_outbound_check(fli_outbound *out);

#endif
