/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ei_named ALIVE COOKIE NODE NAME OTHER`: a program written with erl_interface alone that takes a
 * global name by way of a node, as ALIVE@127.0.0.1. It prints what its calls gave:
 *
 *     REGISTERED rc, WHEREIS rc node (of OTHER), NAMES count
 *     UNREGISTERED rc              when a message came to it
 *
 * and ends with its connection.
 */
#include <arpa/inet.h>
#include <ei.h>
#include <stdio.h>
#include <string.h>

static int dial(ei_cnode *ec, char **argv)
{
	struct in_addr address = {.s_addr = htonl(INADDR_LOOPBACK)};
	char name[128];

	snprintf(name, sizeof name, "%s@127.0.0.1", argv[1]);
	if (ei_init() != 0 ||
		ei_connect_xinit(ec, "127.0.0.1", argv[1], name, &address, argv[2], 1) < 0)
		return -1;
	return ei_connect(ec, argv[3]);
}

static void take_name(ei_cnode *ec, int fd, char **argv)
{
	char node[MAXATOMLEN_UTF8] = "";
	erlang_pid pid;
	int rc, count = -1;

	printf("REGISTERED %d\n", ei_global_register(fd, argv[4], ei_self(ec)));
	rc = ei_global_whereis(ec, fd, argv[5], &pid, node);
	printf("WHEREIS %d %s\n", rc, node);
	ei_global_names(ec, fd, &count);
	printf("NAMES %d\n", count);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	erlang_msg message;
	ei_x_buff in;
	ei_cnode ec;
	int fd, got;

	if (argc != 6)
		return 64;
	fd = dial(&ec, argv);
	if (fd < 0) {
		printf("FAILED to connect with %s\n", argv[3]);
		return 1;
	}
	take_name(&ec, fd, argv);
	ei_x_new(&in);
	while ((got = ei_xreceive_msg(fd, &message, &in)) != ERL_ERROR) {
		if (got == ERL_TICK || message.msgtype != ERL_SEND)
			continue;
		printf("UNREGISTERED %d\n", ei_global_unregister(&ec, fd, argv[4]));
		fflush(stdout);
	}
	ei_x_free(&in);
	return 0;
}
