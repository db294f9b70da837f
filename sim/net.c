/* SPDX-License-Identifier: Apache-2.0 */
/* The network as a program sees it: the table of dist/net.h. */
#include "sim/wire.h"

#define PORT2_RESP 119 /* epmd's answer to PORT_PLEASE2_REQ */
#define LIE_PORT 9     /* nobody listens there */
#define WINDOW_BYTES ((size_t)256 << 10)

static fli_prog *prog_of(fli_net *net)
{
	return fli_container_of(net, fli_prog, net);
}

static fli_end *end_of(fli_sock *sock)
{
	return fli_container_of(sock, fli_end, base);
}

/* ---- listening ------------------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static bool is_taken(const fli_host *host, const char *address, uint16_t port)
{
	for (fli_link *at = host->listens.next; at != &host->listens; at = at->next) {
		const fli_listen *listen = fli_container_of(at, fli_listen, in_host);

		if (listen->port == port && strcmp(listen->at.address, address) == 0)
			return true;
	}
	return false;
}

static bool find_port(fli_host *host, const fli_listen_at *at, uint16_t *ret_port)
{
	if (at->port_min == 0) {
		*ret_port = host->port_next++;
		return true;
	}
	for (uint32_t port = at->port_min; port <= at->port_max; port++) {
		if (is_taken(host, at->address, (uint16_t)port))
			continue;
		*ret_port = (uint16_t)port;
		return true;
	}
	return false;
}

static int net_listen(fli_net *net, const fli_listen_at *at, fli_listen **ret_listen,
	uint16_t *ret_port, fl_error *err)
{
	fli_prog *prog = prog_of(net);
	fli_listen *listen;
	uint16_t port;

	if (!find_port(prog->host, at, &port))
		return fl_error_set(err, FL_ETAKEN, "port %u on %s is taken",
			(unsigned)at->port_min, prog->host->name);
	listen = fli_store_zalloc(sizeof *listen);
	listen->prog = prog;
	listen->at = *at;
	listen->at.address = fli_store_text(at->address);
	listen->port = port;
	listen->is_loopback = is_loopback(at->address);
	fli_list_append(&prog->host->listens, &listen->in_host);
	*ret_listen = listen;
	*ret_port = port;
	return FL_OK;
}

/* Who was on the way to be accepted finds nobody. */
void fli_listen_delete(fli_listen *listen)
{
	fli_prog *prog = listen->prog;
	fli_link *next;

	for (fli_link *at = prog->socks.next; at != &prog->socks; at = next) {
		fli_end *end = fli_container_of(at, fli_end, in_prog);

		next = at->next;
		if (end->listen == listen)
			fli_end_close(end);
	}
	fli_list_remove(&listen->in_host);
	fli_store_free((char *)listen->at.address);
	fli_store_free(listen);
}

static void net_unlisten(fli_net *net, fli_listen *listen)
{
	(void)net;
	fli_listen_delete(listen);
}

/* ---- talking --------------------------------------------------------------------------------- */

static int net_dial(fli_net *net, const char *host, uint16_t port, fli_sock **ret_sock)
{
	fli_prog *prog = prog_of(net);

	*ret_sock = &fli_end_dial(prog, fli_host_look_up(prog->host, host), port)->base;
	return FL_OK;
}

static fli_path *path_to(fli_end *end)
{
	return fli_path_of(end->host, fli_end_other(end)->host);
}

/* Bytes that the machine takes now. */
static size_t room_of(fli_end *end)
{
	const fl_sim_link *link = &path_to(end)->link;
	size_t window = link->window_bytes == 0 ? WINDOW_BYTES : link->window_bytes;

	return window > end->unread ? window - end->unread : 0;
}

/* PORT2_RESP, result 0, port: not that one. */
static void send_lie(fli_end *end, const uint8_t *data, size_t size)
{
	uint8_t lie[512];

	if (size < 4 || size > sizeof lie || data[0] != PORT2_RESP || data[1] != 0) {
		fli_end_emit(end, data, size);
		return;
	}
	memcpy(lie, data, size);
	fli_put16(lie + 2, LIE_PORT);
	fli_end_emit(end, lie, size);
}

static void send_on(fli_end *end, const uint8_t *data, size_t size)
{
	fli_buf out;

	if (end->prog->lies) {
		send_lie(end, data, size);
		return;
	}
	if (fli_forge_is_quiet(&end->forge)) {
		fli_forge_pass(&end->forge, NULL, (fli_forge_bytes){data, size}, NULL);
		fli_end_emit(end, data, size);
		return;
	}
	fli_buf_create(&out, fli_store_mem(), 0);
	fli_forge_pass(&end->forge, &path_to(end)->dice, (fli_forge_bytes){data, size}, &out);
	if (out.size > 0)
		fli_end_emit(end, out.data, out.size);
	fli_buf_destroy(&out);
}

static size_t take(fli_end *end, const uint8_t *data, size_t size)
{
	fli_path *path = path_to(end);
	size_t room = room_of(end);

	if (path->link.write_max > 0) {
		size_t most = (size_t)fli_dice_below(&path->dice, path->link.write_max) + 1;

		room = room > most ? most : room;
	}
	if (size > room)
		size = room;
	if (size > 0)
		send_on(end, data, size);
	return size;
}

static int64_t net_write(fli_sock *sock, const uint8_t *data, size_t size)
{
	fli_end *end = end_of(sock);

	if (end->queued != NULL)
		return 0;
	if (!end->is_open)
		return end->tells_end || end->has_ended ? FL_ECLOSED : 0;
	return (int64_t)take(end, data, size);
}

static int net_queue(fli_sock *sock, const uint8_t *data, size_t size)
{
	fli_end *end = end_of(sock);

	if (end->queued != NULL)
		return FL_EBUSY;
	end->queued = data;
	end->queued_left = end->queued_all = size;
	if (end->is_open && room_of(end) > 0)
		fli_heap_set(&end->pair->sim->heap, &end->room,
			end->pair->sim->now_ns + fli_path_delay_ns(path_to(end)));
	return FL_OK;
}

static size_t net_queued(const fli_sock *sock)
{
	const fli_end *end = fli_container_of(sock, fli_end, base);

	return end->queued == NULL ? 0 : end->queued_left;
}

void fli_end_go_on(fli_end *end)
{
	size_t taken;

	if (end->queued == NULL || !end->is_open)
		return;
	taken = take(end, end->queued, end->queued_left);
	end->queued += taken;
	end->queued_left -= taken;
	if (end->queued_left == 0) {
		end->queued = NULL;
		end->tells_written = true;
		fli_end_ready(end);
	} else if (room_of(end) > 0) {
		fli_heap_set(&end->pair->sim->heap, &end->room,
			end->pair->sim->now_ns + fli_path_delay_ns(path_to(end)));
	}
}

static void net_close(fli_sock *sock)
{
	fli_end_close(end_of(sock));
}

fli_net fli_wire_net(void)
{
	return (fli_net){.listen = net_listen,
		.unlisten = net_unlisten,
		.dial = net_dial,
		.write = net_write,
		.queue = net_queue,
		.queued = net_queued,
		.close = net_close};
}

/* ---- a man in the middle --------------------------------------------------------------------- */

/* Of `from`; NULL: no connection to `to` that has shown the cookie. */
fli_end *fli_end_find_proven(fli_prog *from, const fli_host *to)
{
	for (fli_link *at = from->socks.prev; at != &from->socks; at = at->prev) {
		fli_end *end = fli_container_of(at, fli_end, in_prog);

		if (fli_end_other(end)->host == to && end->is_open && end->forge.is_proven)
			return end;
	}
	return NULL;
}

void fli_end_forge(fli_end *end, fl_sim_forgery how, const void *bytes, size_t size)
{
	fli_buf out;

	fli_forge_order(&end->forge, how, bytes, size);
	if (!fli_forge_is_between(&end->forge))
		return;
	fli_buf_create(&out, fli_store_mem(), 0);
	fli_forge_between(&end->forge, &out);
	if (out.size > 0)
		fli_end_emit(end, out.data, out.size);
	fli_buf_destroy(&out);
}
