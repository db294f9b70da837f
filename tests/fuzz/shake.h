/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_FUZZ_SHAKE_H
#define FLITCH_TESTS_FUZZ_SHAKE_H

/*
 * One side of a handshake, brought to any of its steps by an honest peer, and then fed any bytes.
 *
 *     byte 0      1  4-byte lengths     14  verdict of the acceptor     16  other flags
 *                32  byte by byte       64  a name is asked for        128  how it ends
 *     byte 1     how many messages the honest peer says first
 *     the rest   what comes then; the text `the right digest` in it stands for that digest
 *
 * The dialler is c1@127.0.0.1 and its peer otp@127.0.0.1, as in what was recorded; the acceptor's
 * names are the same.
 */
#include "tests/support/handshake_pair.h"

void shake(const uint8_t *data, size_t size, bool is_dialler);

#endif
