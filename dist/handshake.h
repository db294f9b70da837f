/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_HANDSHAKE_H
#define FLI_DIST_HANDSHAKE_H

/*
 * The handshake of two Erlang nodes, both roles, over bytes alone.
 *
 *     dialler                          acceptor
 *     name `N` or `n`      ------->
 *                          <-------    status `s`
 *     [status true/false   ------->]             after "alive"
 *                          <-------    challenge `N`
 *     [complement `c`      ------->]             after `n`
 *     reply `r`            ------->
 *                          <-------    ack `a`
 *     4-byte lengths from the next byte on
 *
 * The driver feeds what it reads and writes what appears in `out`; every call returns the state:
 *
 *     MORE       read on
 *     QUESTION   dialler: the peer holds a connection to us; fli_handshake_answer says whether we
 *                want this one instead (true unless the old one still works)
 *     TAKEOVER   acceptor, after `alive` and with the cookie proven: end the old connection,
 * deliver its node-down, then call fli_handshake_take_over, which sends the ack WAIT       dialler:
 * the peer's own attempt wins. Close this socket, which is no failure, and wait for the inbound
 * connection until the set-up time is over DONE       `peer`, `own` and `flags` hold; bytes after
 * `*ret_used` are frames of the link FAILED     flush `out`, close; `cause` and `error` say why
 *
 * Timers are the driver's: FLI_HANDSHAKE_STEP_MS from each change of `progress`, and
 * FLI_HANDSHAKE_TOTAL_MS in all; then fli_handshake_timeout.
 *
 * Threads: one at a time; callbacks run inside the call. Memory: the caller's storage, nothing is
 * allocated but by `out`; no cookie is kept. Errors: nothing that a peer sends asserts; when `out`
 * fails to grow the state is FAILED with FL_ENOMEM. Limits: FLI_HANDSHAKE_MESSAGE_BYTES_MAX a
 * message, so that an unknown peer costs one struct.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dist/digest.h"
#include "dist/node_name.h"
#include "flitch/error.h"
#include "node/base/buf.h"

/* The longest message of the protocol has about 300 bytes; the rest is room for extensions. */
#define FLI_HANDSHAKE_MESSAGE_BYTES_MAX 2048
/* `net_setuptime` of OTP, restarted at each step, */
#define FLI_HANDSHAKE_STEP_MS 7000
/* and a ceiling on the whole, since a peer may feed steps slowly. */
#define FLI_HANDSHAKE_TOTAL_MS 30000

typedef enum fli_handshake_state {
	FLI_HANDSHAKE_MORE,
	FLI_HANDSHAKE_QUESTION,
	FLI_HANDSHAKE_TAKEOVER,
	FLI_HANDSHAKE_WAIT,
	FLI_HANDSHAKE_DONE,
	FLI_HANDSHAKE_FAILED
} fli_handshake_state;

/* What an acceptor does with a peer whose name and flags are in order. */
typedef enum fli_handshake_verdict {
	FLI_VERDICT_OK,
	FLI_VERDICT_OK_SIMULTANEOUS, /* our own attempt is given up for this one */
	FLI_VERDICT_NOK,             /* our own attempt wins */
	FLI_VERDICT_NOT_ALLOWED,     /* not in the list of nodes */
	FLI_VERDICT_ALIVE,           /* a connection to it is up */
	FLI_VERDICT_NAMED            /* it asked for a name: `ret_named` holds one */
} fli_handshake_verdict;

/* X(name, word for counters, what it means) */
#define FLI_HANDSHAKE_CAUSES(X)                                                                    \
	X(FLI_CAUSE_NONE, "none", "no failure")                                                    \
	X(FLI_CAUSE_COOKIE, "cookie", "a digest is wrong, or EOF after our reply")                 \
	X(FLI_CAUSE_NO_COOKIE, "no_cookie", "no cookie for that peer")                             \
	X(FLI_CAUSE_REFLECTED, "reflected", "our own challenge came back")                         \
	X(FLI_CAUSE_NAME, "name", "a malformed or unusable name")                                  \
	X(FLI_CAUSE_OTHER_NAME, "other_name", "not the node that was dialled")                     \
	X(FLI_CAUSE_OWN_NAME, "own_name", "the peer has our own name")                             \
	X(FLI_CAUSE_FLAGS, "flags", "the peer lacks flags that we demand")                         \
	X(FLI_CAUSE_NOT_ALLOWED, "not_allowed", "we refused the peer")                             \
	X(FLI_CAUSE_PEER_NOT_ALLOWED, "peer_not_allowed", "the peer refused us")                   \
	X(FLI_CAUSE_SIMULTANEOUS, "simultaneous", "the other of two attempts goes on")             \
	X(FLI_CAUSE_ALIVE, "alive", "the old connection is kept")                                  \
	X(FLI_CAUSE_STATUS, "status", "a status that makes no sense here")                         \
	X(FLI_CAUSE_MALFORMED, "malformed", "no message of this protocol")                         \
	X(FLI_CAUSE_TOO_LONG, "too_long", "a message beyond the limit")                            \
	X(FLI_CAUSE_CARRIER, "carrier", "TLS on one side only, or another protocol")               \
	X(FLI_CAUSE_CLOSED, "closed", "the peer closed at any other step")                         \
	X(FLI_CAUSE_TIMEOUT, "timeout", "the peer was silent for too long")                        \
	X(FLI_CAUSE_RANDOM, "random", "no random numbers")                                         \
	X(FLI_CAUSE_NO_MEMORY, "no_memory", "out of memory")

typedef enum fli_handshake_cause {
#define FLI_HANDSHAKE_CAUSE_ENUM(name, word, text) name,
	FLI_HANDSHAKE_CAUSES(FLI_HANDSHAKE_CAUSE_ENUM)
#undef FLI_HANDSHAKE_CAUSE_ENUM
} fli_handshake_cause;
#define FLI_HANDSHAKE_CAUSE_COUNT (FLI_CAUSE_NO_MEMORY + 1)

/* One side of the connection, as the handshake told it. */
typedef struct fli_handshake_side {
	fli_node_name name; /* a bare host while a dynamic name is still asked for */
	uint64_t flags;     /* as said, not yet combined */
	uint32_t creation;  /* 0 where not known yet (`n` before its complement) */
	bool is_dynamic;    /* asked for its name */
} fli_handshake_side;

/*
 * The node's part. All callbacks get `context`; none may destroy the handshake that calls it.
 * The struct is borrowed for the life of the handshake.
 */
typedef struct fli_handshake_config {
	/* The own side. A name without '@' is a bare host: NAME_ME is set and a name asked for. */
	fli_handshake_side own;
	unsigned prefix_bytes;    /* length prefix of messages: 2 over TCP, 4 over TLS */
	size_t message_bytes_max; /* 0: FLI_HANDSHAKE_MESSAGE_BYTES_MAX, which is the highest */
	/* Flags that a peer must have on top of those that everybody must.
	 */
	uint64_t flags_demanded;
	/*
	 * Copies the cookie for that peer, at most FLI_COOKIE_BYTES_MAX bytes, and returns its
	 * size; 0 when there is none. The copy is wiped after use.
	 */
	size_t (*cookie)(void *context, const fli_node_name *peer, uint8_t *ret_cookie);
	/*
	 * Acceptor only. Called once, after name and flags were found in order; looks at its allow
	 * list first, then at connections that are up or pending. With `peer->is_dynamic` the
	 * verdict is NAMED, with `ret_named->name` (same host) and `->creation`, or NOT_ALLOWED.
	 */
	fli_handshake_verdict (*decide)(
		void *context, const fli_handshake_side *peer, fli_handshake_side *ret_named);
	/* Unpredictable bytes; false when there are none. */
	bool (*random)(void *context, void *ret_bytes, size_t size);
	/*
	 * May be NULL: whether a challenge is one that this node itself handed out in a handshake
	 * that is still open. It keeps a peer from having its question answered by ourselves.
	 */
	bool (*is_own_challenge)(void *context, uint32_t challenge);
	void *context;
} fli_handshake_config;

typedef struct fli_handshake {
	const fli_handshake_config *config;
	fli_handshake_state state;
	fli_handshake_cause cause;
	fl_error error;          /* what, most likely why, what next */
	unsigned progress;       /* changes with each step done: restart the step's timer */
	fli_handshake_side own;  /* with the name that the peer gave us, when we asked for one */
	fli_handshake_side peer; /* not authenticated before DONE or TAKEOVER */
	uint64_t flags;          /* what holds on the connection, from DONE or TAKEOVER on */
	uint32_t challenge;      /* ours */
	bool is_dialler;
	bool is_simultaneous; /* dialler: the peer gave up its own attempt for this one */

	/* private */
	int step;
	uint8_t proof[FLI_MD5_BYTES]; /* dialler: the ack that must come; acceptor: the one to send
				       */
	bool is_old_name;             /* the peer sent `n` */
	bool is_takeover;             /* the verdict was ALIVE */
	size_t in_size;               /* bytes of the current message, prefix included */
	uint8_t in[4 + FLI_HANDSHAKE_MESSAGE_BYTES_MAX];
} fli_handshake;

/* Dials `peer`: writes the name message. */
fli_handshake_state fli_handshake_dial(fli_handshake *hs, const fli_handshake_config *config,
	const fli_node_name *peer, fli_buf *out);
/* Accepts: waits for a name message. */
void fli_handshake_accept(fli_handshake *hs, const fli_handshake_config *config);

/*
 * Takes bytes that came, never more than up to the end of the ack, and writes what is to be sent.
 * `*ret_used` is how many were taken; fewer than `size` when the state is no longer MORE.
 */
fli_handshake_state fli_handshake_feed(
	fli_handshake *hs, const uint8_t *bytes, size_t size, size_t *ret_used, fli_buf *out);
/*
 * Answers QUESTION. With false the attempt is FAILED with FLI_CAUSE_ALIVE once `out` is sent.
 * Bytes that were not taken before it are fed again afterwards.
 */
fli_handshake_state fli_handshake_answer(fli_handshake *hs, bool is_wanted, fli_buf *out);
/* Goes on from TAKEOVER: sends the ack. */
fli_handshake_state fli_handshake_take_over(fli_handshake *hs, fli_buf *out);
/* The peer closed; in WAIT that changes nothing. */
fli_handshake_state fli_handshake_eof(fli_handshake *hs);
/* The step's or the whole time is over; in WAIT too. */
fli_handshake_state fli_handshake_timeout(fli_handshake *hs);

/* "cookie", "flags", ...: for metrics and logs. */
const char *fli_handshake_cause_word(fli_handshake_cause cause);
const char *fli_handshake_cause_text(fli_handshake_cause cause);
/* What the handshake waits for, as in "the peer's challenge". */
const char *fli_handshake_step_text(const fli_handshake *hs);

/*
 * The acceptor's verdict while our own attempt to that peer is under way, its name message sent:
 * the greater name wins (OK_SIMULTANEOUS or NOK). Before our name message is out, OK_SIMULTANEOUS
 * is always right, since the peer cannot know of our attempt.
 */
fli_handshake_verdict fli_simultaneous(const fli_node_name *own, const fli_node_name *peer);

#endif
