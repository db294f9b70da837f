/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_HANDSHAKE_STEPS_H
#define FLI_DIST_HANDSHAKE_STEPS_H

/*
 * What the files of the handshake share: the steps, how a message is begun, how an attempt fails.
 * Nothing else includes this.
 *
 * Threads, Memory, Errors, Limits: those of dist/handshake.h.
 */

#include "dist/handshake.h"
#include "node/base/bytes.h"

/* X(step, what is awaited, handler): a step is named after the message that ends it. */
#define FLI_HANDSHAKE_STEPS(X)                                                                     \
	X(FLI_STEP_START, "the first message", NULL)                                               \
	X(FLI_STEP_STATUS, "the peer's status", fli_handshake_on_status)                           \
	X(FLI_STEP_CHALLENGE, "the peer's challenge", fli_handshake_on_challenge)                  \
	X(FLI_STEP_ACK, "the peer's acknowledgement", fli_handshake_on_ack)                        \
	X(FLI_STEP_NAME, "the peer's name", fli_handshake_on_name)                                 \
	X(FLI_STEP_ALIVE, "the peer's answer to \"alive\"", fli_handshake_on_alive)                \
	X(FLI_STEP_COMPLEMENT, "the rest of the peer's flags", fli_handshake_on_complement)        \
	X(FLI_STEP_REPLY, "the peer's challenge reply", fli_handshake_on_reply)

enum fli_handshake_step {
#define FLI_HANDSHAKE_STEP_ENUM(step, text, handler) step,
	FLI_HANDSHAKE_STEPS(FLI_HANDSHAKE_STEP_ENUM)
#undef FLI_HANDSHAKE_STEP_ENUM
};

/* Message tags. */
enum {
	FLI_TAG_NAME = 'N',
	FLI_TAG_NAME_OLD = 'n',
	FLI_TAG_STATUS = 's',
	FLI_TAG_COMPLEMENT = 'c',
	FLI_TAG_REPLY = 'r',
	FLI_TAG_ACK = 'a'
};

/* Each takes one whole message without its length; sets the next step, or fails. */
void fli_handshake_on_status(fli_handshake *hs, fli_cursor body, fli_buf *out);
void fli_handshake_on_challenge(fli_handshake *hs, fli_cursor body, fli_buf *out);
void fli_handshake_on_ack(fli_handshake *hs, fli_cursor body, fli_buf *out);
void fli_handshake_on_name(fli_handshake *hs, fli_cursor body, fli_buf *out);
void fli_handshake_on_alive(fli_handshake *hs, fli_cursor body, fli_buf *out);
void fli_handshake_on_complement(fli_handshake *hs, fli_cursor body, fli_buf *out);
void fli_handshake_on_reply(fli_handshake *hs, fli_cursor body, fli_buf *out);

/* Begins a message: its length and its tag. `size` counts the tag. */
void fli_handshake_begin(const fli_handshake *hs, fli_buf *out, size_t size, uint8_t tag);
void fli_handshake_send_status(const fli_handshake *hs, fli_buf *out, const char *text);
void fli_handshake_send_ack(fli_handshake *hs, fli_buf *out);
/* Draws our challenge into `hs`; false when it failed. */
bool fli_handshake_draw(fli_handshake *hs);
/* Both sides are known and proven: what holds on the connection. */
void fli_handshake_agree(fli_handshake *hs);
/* Fails with FLI_CAUSE_FLAGS when the peer lacks one of ours or of the configured ones. */
bool fli_handshake_check_flags(fli_handshake *hs, uint64_t known);

/* The attempt is over: what happened, and, by the cause, most likely why and what to do next. */
void fli_handshake_fail(fli_handshake *hs, fli_handshake_cause cause, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
