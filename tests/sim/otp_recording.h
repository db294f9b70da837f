/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_RECORDING_H
#define FLI_TESTS_OTP_RECORDING_H

/*
 * A recording of real OTP nodes (tests/sim/record), cut into what was said.
 *
 * Memory: events own their bytes. Errors: NULL with a text.
 */

#include "tests/sim/otp_node.h"

typedef enum otp_event_kind {
	OTP_ACT,     /* a node was told to do something: `text` */
	OTP_DIALLED, /* `conn` begins */
	OTP_SHAKE,   /* one message of the handshake: `control` has its bytes, without the length */
	OTP_SIGNAL,  /* a control tuple, and its payload or none */
	OTP_TICK,
	OTP_CLOSED /* by `from`, or by the scenario: "" */
} otp_event_kind;

typedef struct otp_event {
	otp_event_kind kind;
	uint64_t ms;
	unsigned conn;
	char from; /* which node says or does it: 'a', 'b', 'c'; 0: the scenario */
	char to;
	char text[128];
	otp_term control;
	otp_term payload;
} otp_event;

typedef struct otp_player {
	char alive; /* 'a' */
	int release;
	uint32_t creation;
	char name[64]; /* a@127.0.0.1 */
} otp_player;

typedef struct otp_recording {
	otp_player players[4];
	unsigned player_count;
	char scenario[32];
	char cookie[64];
	otp_event *events;
	size_t count;
	size_t room;
} otp_recording;

otp_recording *otp_recording_load(const char *path, char *ret_why, size_t size);
void otp_recording_free(otp_recording *recording);
const otp_player *otp_recording_player(const otp_recording *recording, char alive);

/*
 * Cuts one direction of a connection into messages and frames; also what the model writes. `add`
 * gets each: kind, and terms or bytes that live until it returns.
 */
typedef struct otp_cutter {
	otp_buf bytes;
	otp_conn conn; /* of the frames: its sink is the cutter's */
	bool is_up;
	void (*add)(void *ctx, otp_event_kind kind, otp_term control, otp_term payload);
	void *ctx;
} otp_cutter;

/* False: what came is no message or frame. */
bool otp_cutter_feed(otp_cutter *cutter, const uint8_t *data, size_t size);
void otp_cutter_free(otp_cutter *cutter);
/* The flags in a name or challenge message; 0: it is neither. */
uint64_t otp_shake_flags(otp_term message);

#endif
