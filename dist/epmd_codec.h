/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_CODEC_H
#define FLI_DIST_EPMD_CODEC_H

/*
 * The bytes of the Erlang port mapper (erl_dist_protocol, "EPMD Protocol").
 *
 *     request   length:2 | op:1 ...         reply   op:1 ... without a length
 *
 * Threads: any. Memory: what is read borrows the bytes; what is written is appended to an fli_buf,
 * whose `failed` is asked by the caller. Errors: readers return FLI_EPMD_MORE or _BAD on anything
 * that is short or odd. Limits: the constants below, each checked on both ways.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/base/buf.h"

#define FLI_EPMD_PORT 4369
/* What epmd itself takes as a whole request, length included: less than 3060 bytes. */
#define FLI_EPMD_REQUEST_BYTES_MAX 3059
/* 255 characters of up to four bytes. */
#define FLI_EPMD_NAME_BYTES_MAX 1020
#define FLI_EPMD_NAME_CHARS_MAX 255
#define FLI_EPMD_EXTRA_BYTES_MAX 1020
/* The longest PORT2 reply: 14 bytes, a name and an extra. */
#define FLI_EPMD_PORT2_REPLY_BYTES_MAX (14 + FLI_EPMD_NAME_BYTES_MAX + FLI_EPMD_EXTRA_BYTES_MAX)
/* The version of the distribution protocol since OTP 23, and the oldest that nodes still name. */
#define FLI_EPMD_VERSION 6
#define FLI_EPMD_VERSION_LOWEST 5
#define FLI_EPMD_TYPE_NORMAL 77
#define FLI_EPMD_TYPE_HIDDEN 72
/* What epmd says in place of a creation when a name is taken. */
#define FLI_EPMD_CREATION_TAKEN 99
/* Creations 0 to 3 are of the 2-bit kind. */
#define FLI_EPMD_CREATION_MIN 4

typedef enum fli_epmd_op {
	FLI_EPMD_ALIVE2 = 'x',
	FLI_EPMD_PORT2 = 'z',
	FLI_EPMD_NAMES = 'n',
	FLI_EPMD_DUMP = 'd',
	FLI_EPMD_KILL = 'k',
	FLI_EPMD_STOP = 's'
} fli_epmd_op;

typedef enum fli_epmd_read {
	FLI_EPMD_MORE, /* a correct beginning */
	FLI_EPMD_COMPLETE,
	FLI_EPMD_BAD
} fli_epmd_read;

/* A node as epmd knows it. `name` is the part before the '@', not terminated. */
typedef struct fli_epmd_node {
	uint16_t port;
	uint8_t type; /* 77, 72, or what a client made up (ei says 104): never checked */
	uint8_t protocol;
	uint16_t highest;
	uint16_t lowest;
	const char *name;
	size_t name_size;
	const uint8_t *extra;
	size_t extra_size;
} fli_epmd_node;

typedef struct fli_epmd_request {
	fli_epmd_op op;
	fli_epmd_node node; /* all of it for ALIVE2, the name for PORT2 and STOP */
} fli_epmd_request;

typedef struct fli_epmd_alive_reply {
	uint8_t result; /* 0: registered */
	bool is_wide;   /* the creation has 32 bits */
	uint32_t creation;
} fli_epmd_alive_reply;

typedef struct fli_epmd_port_reply {
	uint8_t result; /* 0: `node` is filled */
	fli_epmd_node node;
} fli_epmd_port_reply;

/* Requests, length included. False (and nothing written) when a text is empty or too long. */
bool fli_epmd_write_alive2(fli_buf *out, const fli_epmd_node *node);
bool fli_epmd_write_port2(fli_buf *out, const char *name, size_t name_size);
bool fli_epmd_write_stop(fli_buf *out, const char *name, size_t name_size);
/* NAMES, DUMP or KILL. */
void fli_epmd_write_bare(fli_buf *out, fli_epmd_op op);

/*
 * The body of a request, without its length. Lengths are checked, texts are not: epmd answers an
 * ALIVE2 of a bad name, and closes on a PORT2 of one.
 */
bool fli_epmd_read_request(const uint8_t *body, size_t size, fli_epmd_request *ret_request);
/*
 * 1 to 255 characters of UTF-8, as epmd asks, and none of them a control character: epmd lets them
 * into the lines of its NAMES reply.
 */
bool fli_epmd_is_name(const char *name, size_t size);

/* Replies. `is_wide` follows the request: its highest version is 6 or more. */
void fli_epmd_write_alive_reply(fli_buf *out, const fli_epmd_alive_reply *reply);
/* NULL: not found. */
void fli_epmd_write_port_reply(fli_buf *out, const fli_epmd_node *node);
fli_epmd_read fli_epmd_read_alive_reply(
	const uint8_t *bytes, size_t size, fli_epmd_alive_reply *ret_reply);
fli_epmd_read fli_epmd_read_port_reply(
	const uint8_t *bytes, size_t size, fli_epmd_port_reply *ret_reply);

/*
 * Walks the lines of a NAMES reply, after its four bytes of port: starts with *cursor = 0, visits
 * each `name N at port P`, skips lines that are none. False at the end.
 */
bool fli_epmd_read_names(fli_cursor reply, size_t *cursor, fli_epmd_node *ret_node);

#endif
