/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `peer_ei ALIVE COOKIE`: an echo server as one writes it with erl_interface alone: one blocking
 * loop, one connection at a time, no processes. It answers calls at any name, swallows the rest.
 */
#include <arpa/inet.h>
#include <ei.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* {'$gen_call', {Pid, Tag}, Request}: answers {Tag, Request}. */
static int answer(int fd, const ei_x_buff *in, ei_x_buff *out)
{
	int at = 0, version, arity, tag, tag_end, request, request_end;
	char head[MAXATOMLEN_UTF8];
	erlang_pid caller;

	if (ei_decode_version(in->buff, &at, &version) != 0 ||
		ei_decode_tuple_header(in->buff, &at, &arity) != 0 || arity != 3 ||
		ei_decode_atom(in->buff, &at, head) != 0 || strcmp(head, "$gen_call") != 0 ||
		ei_decode_tuple_header(in->buff, &at, &arity) != 0 || arity != 2 ||
		ei_decode_pid(in->buff, &at, &caller) != 0)
		return 0;
	tag = tag_end = at;
	if (ei_skip_term(in->buff, &tag_end) != 0)
		return 0;
	request = request_end = tag_end;
	if (ei_skip_term(in->buff, &request_end) != 0)
		return 0;
	out->index = 0;
	ei_x_encode_version(out);
	ei_x_encode_tuple_header(out, 2);
	ei_x_append_buf(out, in->buff + tag, tag_end - tag);
	ei_x_append_buf(out, in->buff + request, request_end - request);
	return ei_send(fd, &caller, out->buff, out->index);
}

static void serve(int fd)
{
	ei_x_buff in, out;
	erlang_msg message;
	int got, one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ei_x_new(&in);
	ei_x_new(&out);
	while ((got = ei_xreceive_msg(fd, &message, &in)) != ERL_ERROR) {
		if (got == ERL_TICK ||
			(message.msgtype != ERL_SEND && message.msgtype != ERL_REG_SEND))
			continue;
		if (answer(fd, &in, &out) != 0)
			break;
	}
	ei_close_connection(fd);
	ei_x_free(&in);
	ei_x_free(&out);
}

int main(int argc, char **argv)
{
	struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
	ei_cnode node;
	ErlConnect peer;
	char name[300];
	int listener, port = 0, fd;

	if (argc != 3)
		return 64;
	signal(SIGPIPE, SIG_IGN);
	ei_init();
	snprintf(name, sizeof name, "%.200s@127.0.0.1", argv[1]);
	if (ei_connect_xinit(&node, "127.0.0.1", argv[1], name, &loopback, argv[2], 1) < 0 ||
		(listener = ei_xlisten(&node, &loopback, &port, 8)) < 0 ||
		ei_publish(&node, port) < 0) {
		perror("peer_ei");
		return 1;
	}
	puts("READY");
	fflush(stdout);
	for (;;) {
		fd = ei_accept(&node, listener, &peer);
		if (fd >= 0)
			serve(fd);
	}
}
