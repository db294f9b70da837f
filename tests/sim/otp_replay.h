/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_REPLAY_H
#define FLI_TESTS_OTP_REPLAY_H

/*
 * A recording with the model in the place of one of its nodes.
 *
 * The model gets what the others sent, in order, and is told what that node was told. What it sends
 * is held against what the real node sent:
 *
 *  - handshakes: the same bytes (the challenge is the recorded one);
 *  - signals: the same terms, but for identifiers of its own (otp_unify.h);
 *  - order: what one process sends comes in the order in which the real one sent it; between
 * processes OTP promises nothing. Nothing may be missing, nothing may be left over but ticks.
 *
 * Time passes only when the real node did something that the model has not done yet: then its
 * timers fire, one by one, up to a few seconds beyond what was recorded.
 */

#include "tests/sim/otp_recording.h"

typedef struct otp_verdict {
	unsigned shakes;   /* messages of handshakes that were equal */
	unsigned signals;  /* that were the same */
	unsigned missing;  /* the real one sent them, the model did not */
	unsigned surplus;  /* the other way round */
	unsigned broken;   /* connections that one side ended and the other did not */
	char report[8000]; /* each of those, a line */
} otp_verdict;

otp_verdict otp_replay(const otp_recording *recording, char player);

#endif
