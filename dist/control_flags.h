/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_CONTROL_FLAGS_H
#define FLI_DIST_CONTROL_FLAGS_H

/*
 * The agreed distribution flags that decide how frames and control messages look (OTP's DFLAG_*
 * bits; erl_dist_protocol, "Distribution Flags"). The handshake knows the others.
 */

#include <stdint.h>

#define FLI_WIRE_DIST_MONITOR (UINT64_C(1) << 3)
#define FLI_WIRE_DIST_MONITOR_NAME (UINT64_C(1) << 5)
#define FLI_WIRE_HDR_ATOM_CACHE (UINT64_C(1) << 13)
#define FLI_WIRE_SEND_SENDER (UINT64_C(1) << 19)
#define FLI_WIRE_EXIT_PAYLOAD (UINT64_C(1) << 22)
#define FLI_WIRE_FRAGMENTS (UINT64_C(1) << 23)
#define FLI_WIRE_UNLINK_ID (UINT64_C(1) << 25)
#define FLI_WIRE_SPAWN (UINT64_C(1) << 32)
#define FLI_WIRE_V4_NC (UINT64_C(1) << 34)
#define FLI_WIRE_ALIAS (UINT64_C(1) << 35)
#define FLI_WIRE_ALTACT_SIG (UINT64_C(1) << 37)
#define FLI_WIRE_NATIVE_RECORDS (UINT64_C(1) << 38)

/* Either of these puts the connection into the header world: 131 68.. in front, no 131 on terms. */
#define FLI_WIRE_HEADERS (FLI_WIRE_HDR_ATOM_CACHE | FLI_WIRE_FRAGMENTS)

#endif
