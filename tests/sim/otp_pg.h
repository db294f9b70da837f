/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_PG_H
#define FLI_TESTS_OTP_PG_H

/*
 * pg of the model: one scope process, its members, and what it knows of the others' members.
 *
 * Memory: with the scope's process.
 */

#include "tests/sim/otp_node.h"

/* One membership; the same pid may be in a group several times. */
typedef struct otp_member {
	struct otp_member *next;
	otp_term group;
	otp_term pid;
	otp_term monitor; /* of a local pid's first membership */
} otp_member;

typedef struct otp_peer_scope {
	struct otp_peer_scope *next;
	otp_term pid;
	otp_term monitor;
	int vsn; /* 0; 1 from 29 on */
	otp_member *members;
} otp_peer_scope;

typedef struct otp_pg {
	struct otp_pg *next;
	otp_node *node;
	otp_proc *proc; /* NULL: it crashed, or was stopped */
	char scope[64];
	otp_member *members;
	otp_peer_scope *peers;
	bool has_crashed;
	char why[160];
} otp_pg;

otp_pg *otp_pg_find(otp_node *node, const char *scope);
bool otp_pg_join(otp_pg *pg, otp_term group, otp_term pid);
bool otp_pg_leave(otp_pg *pg, otp_term group, otp_term pid);

#endif
