/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_FLAGS_H
#define FLI_DIST_FLAGS_H

/*
 * The capability flags that two nodes tell each other in the handshake (erl_dist_protocol,
 * "Distribution Flags"); what holds on a connection is what both have.
 *
 * Threads: any. Memory: none. Errors: none. Limits: bits that the table does not know are kept in
 * what a peer said and masked out of what holds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, bit, first release, what it says) */
#define FLI_DFLAGS(X)                                                                              \
	X(PUBLISHED, 0, "R3", "a visible node")                                                    \
	X(ATOM_CACHE, 1, "R3", "ancient cache protocol, ignored")                                  \
	X(EXTENDED_REFERENCES, 2, "R7", "references of several words")                             \
	X(DIST_MONITOR, 3, "R8", "monitors of processes")                                          \
	X(FUN_TAGS, 4, "R8", "knows funs")                                                         \
	X(DIST_MONITOR_NAME, 5, "R8", "monitors of registered names")                              \
	X(HIDDEN_ATOM_CACHE, 6, "R3", "ancient cache protocol, ignored")                           \
	X(NEW_FUN_TAGS, 7, "R9", "NEW_FUN_EXT")                                                    \
	X(EXTENDED_PIDS_PORTS, 8, "R9", "full width pids and ports")                               \
	X(EXPORT_PTR_TAG, 9, "R11", "EXPORT_EXT")                                                  \
	X(BIT_BINARIES, 10, "R11", "BIT_BINARY_EXT")                                               \
	X(NEW_FLOATS, 11, "R11", "floats as 8 bytes")                                              \
	X(UNICODE_IO, 12, "R13", "unicode requests to group leaders")                              \
	X(DIST_HDR_ATOM_CACHE, 13, "R13", "distribution header with atom cache")                   \
	X(SMALL_ATOM_TAGS, 14, "R14", "atoms with a one-byte length")                              \
	X(UTF8_ATOMS, 16, "R16", "atoms in UTF-8")                                                 \
	X(MAP_TAG, 17, "17", "maps")                                                               \
	X(BIG_CREATION, 18, "19", "creations of 32 bits")                                          \
	X(SEND_SENDER, 19, "21", "a message names its sender")                                     \
	X(BIG_SEQTRACE_LABELS, 20, "21", "trace labels of any kind")                               \
	X(EXIT_PAYLOAD, 22, "22", "exit reasons outside the control tuple")                        \
	X(FRAGMENTS, 23, "22", "messages in fragments")                                            \
	X(HANDSHAKE_23, 24, "23", "the name message `N`")                                          \
	X(UNLINK_ID, 25, "23.3", "unlink with identifiers")                                        \
	X(MANDATORY_25_DIGEST, 26, "25", "stands for all that OTP 25 demands")                     \
	X(SPAWN, 32, "23", "spawn requests")                                                       \
	X(NAME_ME, 33, "23", "asks for a name")                                                    \
	X(V4_NC, 34, "24", "32-bit pids, 64-bit ports, references of five words")                  \
	X(ALIAS, 35, "24", "sends to aliases")                                                     \
	X(LOCAL_EXT, 36, "26", "never on the wire")                                                \
	X(ALTACT_SIG, 37, "28", "the alternative signal format")                                   \
	X(NATIVE_RECORDS, 38, "29", "native records")

enum {
#define FLI_DBIT_ENUM(name, bit, since, text) FLI_DBIT_##name = (bit),
	FLI_DFLAGS(FLI_DBIT_ENUM)
#undef FLI_DBIT_ENUM
};

/* FLI_DFLAG(SPAWN) is that flag's mask, a constant expression. */
#define FLI_DFLAG(name) (UINT64_C(1) << FLI_DBIT_##name)

/* What we say of ourselves, as OTP 29 does; records are carried unread. */
#define FLI_DFLAGS_OWN UINT64_C(0x6d07df7fbd)

/* Without one of these a peer of any release is refused: what OTP 23 demands ... */
#define FLI_DFLAGS_DEMANDED_23                                                                     \
	(FLI_DFLAG(EXTENDED_REFERENCES) | FLI_DFLAG(NEW_FUN_TAGS) |                                \
		FLI_DFLAG(EXTENDED_PIDS_PORTS) | FLI_DFLAG(UTF8_ATOMS) | FLI_DFLAG(BIG_CREATION))
/* ... and 25 on top; the digest flag stands for both. */
#define FLI_DFLAGS_DEMANDED_25                                                                     \
	(FLI_DFLAGS_DEMANDED_23 | FLI_DFLAG(FUN_TAGS) | FLI_DFLAG(EXPORT_PTR_TAG) |                \
		FLI_DFLAG(BIT_BINARIES) | FLI_DFLAG(NEW_FLOATS) | FLI_DFLAG(MAP_TAG) |             \
		FLI_DFLAG(HANDSHAKE_23))

/* Room for the names of all 64 bits at once. */
#define FLI_DFLAGS_TEXT_SIZE 1024

/* Our own set, with or without PUBLISHED. */
uint64_t fli_flags_own(bool is_visible);
/* With MANDATORY_25_DIGEST, all that it stands for is added. */
uint64_t fli_flags_expand(uint64_t flags);
/* What holds on a connection of the two. */
uint64_t fli_flags_effective(uint64_t own, uint64_t other);
/* Which of the flags that we demand from everybody the other one lacks; 0 when none. */
uint64_t fli_flags_missing(uint64_t other);
/* Writes "SPAWN, ALIAS, bit 41", cut to `size - 1` bytes and terminated; returns `ret_text`. */
const char *fli_flags_text(char *ret_text, size_t size, uint64_t flags);

#endif
