/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch epmd --names`: one question to a running epmd, in the words of `epmd -names`.
 *
 * A blocking socket with a time limit does: the command has nothing else to do meanwhile.
 */
#include "node/cmd/epmd_names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "dist/epmd_client.h"

#define LIMIT_S 5

static int refuse(const char *address, uint16_t port, int code, fl_error *err)
{
	fl_error_set(err, FL_ECLOSED, "cannot reach epmd at %s port %u: %s", address, port,
		code == EAGAIN ? "no answer" : strerror(code));
	if (code == ECONNREFUSED)
		fl_error_why(err, "no epmd runs there, so no node is registered");
	else
		fl_error_why(err, "something else listens there, or drops what it gets");
	fl_error_next(err, "flitch run starts one, and so does flitch epmd --detach");
	return FL_ECLOSED;
}

static int open_socket(const char *address, uint16_t port, fl_error *err)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;
	char service[8];
	int fd = -1, code = EINVAL;

	(void)snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(address, service, &hints, &found) != 0) {
		(void)fl_error_set(err, FL_EINVAL, "\"%s\" is no address", address);
		fl_error_why(err, "host names are not looked up here");
		fl_error_next(err, "give an IPv4 or IPv6 address");
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		/* Without the limits it would still work, only longer. */
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	}
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		code = errno;
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
		(void)refuse(address, port, code == EINPROGRESS ? EAGAIN : code, err);
	}
	freeaddrinfo(found);
	return fd;
}

static int ask(int fd, fli_epmd_names *names)
{
	uint8_t piece[4096];
	fli_buf request;
	ssize_t size;

	fli_buf_create(&request, fli_mem_libc(), 0);
	fli_epmd_write_bare(&request, FLI_EPMD_NAMES);
	size = request.failed ? -1 : send(fd, request.data, request.size, MSG_NOSIGNAL);
	fli_buf_destroy(&request);
	while (size > 0) {
		size = recv(fd, piece, sizeof piece, 0);
		if (size > 0 && fli_epmd_names_feed(names, piece, (size_t)size) != FL_OK)
			return FL_ELIMIT;
	}
	return size == 0 && names->epmd_port != 0 ? FL_OK : FL_ECLOSED;
}

static void print(const fli_epmd_names *names)
{
	fli_epmd_node node;
	size_t cursor = 0;

	(void)printf("epmd: up and running on port %u with data:\n", names->epmd_port);
	while (fli_epmd_names_next(names, &cursor, &node))
		(void)printf("name %.*s at port %u\n", (int)node.name_size, node.name, node.port);
}

int fli_cmd_epmd_names(const char *address, uint16_t port, fl_error *err)
{
	fli_epmd_names names;
	int fd = open_socket(address, port, err), rc;

	if (fd < 0)
		return err->code;
	fli_epmd_names_create(&names, fli_mem_libc());
	errno = 0;
	rc = ask(fd, &names);
	if (rc == FL_OK)
		print(&names);
	else
		rc = refuse(address, port, errno != 0 ? errno : EPROTO, err);
	fli_epmd_names_destroy(&names);
	(void)close(fd); /* it was only read */
	return rc;
}
