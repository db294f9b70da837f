/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_ACTS_H
#define FLI_TESTS_OTP_ACTS_H

/* A scenario's orders to one node: "register n p1 random_exit_name", carried out by a model. */

#include "tests/sim/otp_model.h"
#include "tests/sim/otp_recording.h"

#define OTP_ACTORS_MAX 16

typedef struct otp_acts {
	otp_node *node;
	const otp_recording *recording;
	const otp_player *player;
	struct {
		char name[16];
		unsigned number;
	} actors[OTP_ACTORS_MAX];
	unsigned actor_count;
} otp_acts;

/* False: no such order. */
bool otp_act(otp_acts *acts, const char *text);

#endif
