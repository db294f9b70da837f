/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See wire.h. The handshake is that of erl_dist_protocol, "Protocol Handshake", with the name
 * message `N` alone, as nodes of OTP 25 and later begin it.
 */
#include "tests/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EPMD_PORT 4369
#define DIGEST_BYTES 16
#define CHALLENGE 0x5eed1234

void wire_fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

double wire_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

uint8_t *wire_room(wire_buf *buf, size_t more)
{
	if (buf->capacity - buf->size < more) {
		buf->capacity = buf->capacity * 2 + more;
		buf->data = realloc(buf->data, buf->capacity);
		if (buf->data == NULL)
			wire_fail("memory");
	}
	return buf->data + buf->size;
}

void wire_add(wire_buf *buf, const void *data, size_t size)
{
	memcpy(wire_room(buf, size), data, size);
	buf->size += size;
}

void wire_add8(wire_buf *buf, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	wire_add(buf, &byte, 1);
}

static void add16(wire_buf *buf, unsigned value)
{
	wire_add8(buf, value >> 8);
	wire_add8(buf, value);
}

void wire_add32(wire_buf *buf, uint32_t value)
{
	wire_put32(wire_room(buf, 4), value);
	buf->size += 4;
}

static void add64(wire_buf *buf, uint64_t value)
{
	wire_add32(buf, (uint32_t)(value >> 32));
	wire_add32(buf, (uint32_t)value);
}

void wire_add_atom(wire_buf *buf, const char *text)
{
	wire_add8(buf, 119); /* SMALL_ATOM_UTF8_EXT */
	wire_add8(buf, (unsigned)strlen(text));
	wire_add(buf, text, strlen(text));
}

void wire_drop(wire_buf *buf, size_t size)
{
	buf->size -= size;
	memmove(buf->data, buf->data + size, buf->size);
}

bool wire_write(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written <= 0)
			return false;
		data += written;
		size -= (size_t)written;
	}
	return true;
}

static bool read_all(int fd, uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, data, size);

		if (got <= 0)
			return false;
		data += got;
		size -= (size_t)got;
	}
	return true;
}

/* ---- sockets and epmd ------------------------------------------------------------------------ */

static int connect_to(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		wire_fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int connect_epmd(void)
{
	const char *port = getenv("ERL_EPMD_PORT");

	return connect_to(port == NULL ? EPMD_PORT : (unsigned)atoi(port));
}

/* Messages to epmd and in the handshake: two bytes of length, then the rest. */
static bool send_packet(int fd, const wire_buf *body)
{
	wire_buf whole = {NULL, 0, 0};
	bool ok;

	add16(&whole, (unsigned)body->size);
	wire_add(&whole, body->data, body->size);
	ok = wire_write(fd, whole.data, whole.size);
	free(whole.data);
	return ok;
}

static bool read_packet(int fd, uint8_t *data, size_t *ret_size)
{
	uint8_t length[2];

	if (!read_all(fd, length, 2))
		return false;
	*ret_size = (size_t)length[0] << 8 | length[1];
	return read_all(fd, data, *ret_size);
}

static unsigned listen_anywhere(wire_node *node)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;

	node->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (node->listener < 0 || bind(node->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
		listen(node->listener, 8) != 0 ||
		getsockname(node->listener, (struct sockaddr *)&at, &size) != 0)
		wire_fail("listen");
	return ntohs(at.sin_port);
}

static size_t alive_size(const char *name)
{
	return strcspn(name, "@");
}

void wire_publish(wire_node *node)
{
	wire_buf request = {NULL, 0, 0};
	unsigned port = listen_anywhere(node);
	uint8_t reply[6];

	wire_add8(&request, 120); /* ALIVE2_REQ */
	add16(&request, port);
	wire_add8(&request, 72); /* hidden */
	wire_add8(&request, 0);
	add16(&request, 6);
	add16(&request, 5);
	add16(&request, (unsigned)alive_size(node->name));
	wire_add(&request, node->name, alive_size(node->name));
	add16(&request, 0);
	node->epmd = connect_epmd();
	if (!send_packet(node->epmd, &request) || !read_all(node->epmd, reply, sizeof reply) ||
		reply[0] != 118 || reply[1] != 0)
		wire_fail("epmd does not take the name");
	node->creation = wire_get32(reply + 2);
	free(request.data);
}

static unsigned look_up(const char *peer)
{
	wire_buf request = {NULL, 0, 0};
	uint8_t reply[4];
	int fd = connect_epmd();

	wire_add8(&request, 122); /* PORT_PLEASE2_REQ */
	wire_add(&request, peer, alive_size(peer));
	if (!send_packet(fd, &request) || !read_all(fd, reply, 2) || reply[1] != 0 ||
		!read_all(fd, reply, 2))
		wire_fail(peer);
	close(fd);
	free(request.data);
	return (unsigned)reply[0] << 8 | reply[1];
}

/* ---- handshake ------------------------------------------------------------------------------- */

void wire_node_create(wire_node *node, const char *alive, const char *cookie, uint64_t flags)
{
	*node = (wire_node){.cookie = cookie, .flags = flags, .creation = 1};
	snprintf(node->name, sizeof node->name, "%.200s@127.0.0.1", alive);
}

static void add_digest(wire_buf *buf, const wire_node *node, uint32_t challenge)
{
	char text[512];
	uint8_t *at = wire_room(buf, EVP_MAX_MD_SIZE);
	unsigned size = 0;

	snprintf(text, sizeof text, "%.400s%u", node->cookie, challenge);
	if (EVP_Digest(text, strlen(text), at, &size, EVP_md5(), NULL) != 1)
		wire_fail("md5");
	buf->size += DIGEST_BYTES;
}

static bool send_name(int fd, const wire_node *node)
{
	wire_buf message = {NULL, 0, 0};
	bool ok;

	wire_add8(&message, 'N');
	add64(&message, node->flags);
	wire_add32(&message, node->creation);
	add16(&message, (unsigned)strlen(node->name));
	wire_add(&message, node->name, strlen(node->name));
	ok = send_packet(fd, &message);
	free(message.data);
	return ok;
}

static bool send_challenge(int fd, const wire_node *node)
{
	wire_buf message = {NULL, 0, 0};
	bool ok;

	wire_add8(&message, 'N');
	add64(&message, node->flags);
	wire_add32(&message, CHALLENGE);
	wire_add32(&message, node->creation);
	add16(&message, (unsigned)strlen(node->name));
	wire_add(&message, node->name, strlen(node->name));
	ok = send_packet(fd, &message);
	free(message.data);
	return ok;
}

static bool send_status(int fd)
{
	wire_buf message = {NULL, 0, 0};
	bool ok;

	wire_add(&message, "sok", 3);
	ok = send_packet(fd, &message);
	free(message.data);
	return ok;
}

/* The initiator's answer carries a challenge of its own. */
static bool send_answer(int fd, const wire_node *node, uint32_t challenge)
{
	wire_buf message = {NULL, 0, 0};
	bool ok;

	wire_add8(&message, 'r');
	wire_add32(&message, CHALLENGE);
	add_digest(&message, node, challenge);
	ok = send_packet(fd, &message);
	free(message.data);
	return ok;
}

static bool send_ack(int fd, const wire_node *node, uint32_t challenge)
{
	wire_buf message = {NULL, 0, 0};
	bool ok;

	wire_add8(&message, 'a');
	add_digest(&message, node, challenge);
	ok = send_packet(fd, &message);
	free(message.data);
	return ok;
}

static bool welcome(int fd, const wire_node *node)
{
	uint8_t message[65536];
	size_t size;

	if (!read_packet(fd, message, &size) || size < 15 || message[0] != 'N')
		return false;
	if (!send_status(fd) || !send_challenge(fd, node))
		return false;
	if (!read_packet(fd, message, &size) || size != 5 + DIGEST_BYTES || message[0] != 'r')
		return false;
	return send_ack(fd, node, wire_get32(message + 1));
}

int wire_accept(wire_node *node)
{
	int fd = accept(node->listener, NULL, NULL), one = 1;

	if (fd < 0)
		wire_fail("accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (welcome(fd, node))
		return fd;
	close(fd);
	return -1;
}

int wire_connect(wire_node *node, const char *peer)
{
	uint8_t message[65536];
	size_t size;
	int fd = connect_to(look_up(peer));

	if (!send_name(fd, node) || !read_packet(fd, message, &size) || size < 3 ||
		memcmp(message, "sok", 3) != 0)
		wire_fail("the peer refuses the name");
	if (!read_packet(fd, message, &size) || size < 19 || message[0] != 'N')
		wire_fail("no challenge");
	if (!send_answer(fd, node, wire_get32(message + 9)) || !read_packet(fd, message, &size))
		wire_fail("the peer refuses the cookie");
	return fd;
}
