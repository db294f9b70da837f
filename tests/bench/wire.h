/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

/*
 * A distribution link by hand, for the peers and load generators of the benchmark: epmd, the
 * handshake of version 6, and blocking sockets on loopback.
 *
 * None of it shares code with what is measured. It trusts the other end and leaves by exit when
 * something fails: a measuring stick, not an example.
 *
 * Threads: one. Memory: buffers grow and are never given back. Errors: a line on stderr, exit 1.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What erl_interface asks of a peer: neither monitors nor a header nor fragments. */
#define WIRE_FLAGS_MUTE UINT64_C(0x407074f9c)
/* What a node of OTP 25 asks. */
#define WIRE_FLAGS_FULL UINT64_C(0xd07df7fbd)

typedef struct wire_node {
	char name[256]; /* alive@127.0.0.1 */
	const char *cookie;
	uint64_t flags;
	uint32_t creation;
	int listener;
	int epmd; /* the registration: it lasts as long as this socket */
} wire_node;

typedef struct wire_buf {
	uint8_t *data;
	size_t size, capacity;
} wire_buf;

void wire_node_create(wire_node *node, const char *alive, const char *cookie, uint64_t flags);
/* Listens on a free port and registers it. */
void wire_publish(wire_node *node);
/* Waits for a peer; the socket after the handshake, or -1 when that peer gave up. */
int wire_accept(wire_node *node);
/* Connects to alive@host; only a node on loopback is found. */
int wire_connect(wire_node *node, const char *peer);
void wire_fail(const char *what);
double wire_seconds(void);

/* Room for `more` bytes behind the size. */
uint8_t *wire_room(wire_buf *buf, size_t more);
void wire_add(wire_buf *buf, const void *data, size_t size);
void wire_add8(wire_buf *buf, unsigned value);
void wire_add32(wire_buf *buf, uint32_t value);
void wire_add_atom(wire_buf *buf, const char *text);
/* Drops the first bytes. */
void wire_drop(wire_buf *buf, size_t size);
bool wire_write(int fd, const uint8_t *data, size_t size);

static inline uint32_t wire_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void wire_put32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

#endif
