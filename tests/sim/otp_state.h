/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_STATE_H
#define FLI_TESTS_OTP_STATE_H

/* What a driver's processes and conversations leave behind, for its questions. */

#include "tests/sim/otp_model.h"

typedef struct otp_actor {
	struct otp_actor *next;
	unsigned number;
	otp_term pid;
	otp_buf mail; /* lines */
} otp_actor;

typedef struct otp_ticket {
	struct otp_ticket *next;
	unsigned number;
	otp_outcome outcome;
	otp_term answer;
} otp_ticket;

typedef struct otp_model {
	otp_actor *actors;
	otp_ticket *tickets;
	unsigned last_actor;
	unsigned last_ticket;
} otp_model;

otp_actor *otp_actor_find(otp_node *node, unsigned number);
otp_ticket *otp_ticket_find(otp_node *node, unsigned number);

#endif
