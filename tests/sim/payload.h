/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_PAYLOAD_H
#define FLITCH_TESTS_SIM_PAYLOAD_H

/*
 * Bodies of messages that follow from the message's number, so that the receiver can tell whether
 * it got what was sent: small integers, terms of every kind, lists of atoms from a stock larger
 * than the atom cache, binaries that need fragments.
 *
 * Threads: any. Memory: appended to the buffer. Errors: as fl_build's.
 */

#include "flitch/term.h"

typedef struct payload {
	uint32_t number;
	uint64_t bytes_max; /* of the largest binary */
	uint64_t bytes;     /* 0: whatever follows from the number; else a binary of so many */
} payload;

int payload_build(fl_buf *buf, const payload *what);
bool payload_is(fl_term term, const payload *what);

#endif
