/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_DIGEST_H
#define FLI_TESTS_OTP_DIGEST_H

/* MD5 of the handshake: 16 bytes for a cookie and a challenge. */

#include <stdint.h>

void otp_digest(const char *cookie, uint32_t challenge, uint8_t *ret_digest);

#endif
