/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/lab.h"

#include <stdlib.h>
#include <string.h>

typedef enum event_kind {
	EVENT_ACCEPT,
	EVENT_OPEN,
	EVENT_BYTES,
	EVENT_WRITTEN,
	EVENT_END
} event_kind;

struct lab_sock {
	fli_sock base;
	fli_link link;
	lab_host *host; /* NULL: a visitor's */
	lab *lab;
	lab_sock *other;
	size_t in_flight; /* written, not read by the other side yet */
	const uint8_t *queued;
	size_t queued_left, queued_all; /* on_written tells all at once */
	bool is_closed, is_over, is_lost;
	const fli_listen_at *at; /* who accepts it */
	fli_buf got;             /* a visitor's */
};

typedef struct event {
	fli_link link;
	event_kind kind;
	lab_sock *sock;
	int code;
	size_t size;
	uint8_t bytes[];
} event;

/* ---- events ---------------------------------------------------------------------------------- */

static void post(lab_sock *to, event_kind kind, int code, const void *bytes, size_t size)
{
	event *e = calloc(1, sizeof *e + size);

	if (e == NULL)
		abort();
	e->kind = kind;
	e->sock = to;
	e->code = code;
	e->size = size;
	if (size > 0)
		memcpy(e->bytes, bytes, size);
	fli_list_append(&to->lab->events, &e->link);
}

static lab_sock *sock_new(lab *l, lab_host *host)
{
	lab_sock *sock = calloc(1, sizeof *sock);

	if (sock == NULL)
		abort();
	sock->lab = l;
	sock->host = host;
	sock->base.net = host == NULL ? NULL : &host->net;
	sock->base.peer = (fli_address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
		.port = 1,
		.is_local = true};
	fli_buf_create(&sock->got, fli_mem_libc(), 0);
	fli_list_append(&l->socks, &sock->link);
	return sock;
}

static lab_sock *connect_to(lab *l, lab_host *from, lab_host *to, const fli_listen_at *at)
{
	lab_sock *mine = sock_new(l, from), *other = sock_new(l, to);

	mine->other = other;
	other->other = mine;
	other->at = at;
	post(other, EVENT_ACCEPT, 0, NULL, 0);
	post(mine, EVENT_OPEN, 0, NULL, 0);
	return mine;
}

static const fli_listen_at *listener_of(lab *l, uint16_t port, lab_host **ret_host)
{
	for (size_t i = 0; i < l->count; i++) {
		for (size_t k = 0; k < LAB_LISTENS_MAX; k++) {
			*ret_host = &l->hosts[i];
			if (l->hosts[i].ports[k] == port)
				return &l->hosts[i].listens[k];
		}
	}
	return NULL;
}

/* ---- the network's table --------------------------------------------------------------------- */

static int net_listen(fli_net *net, const fli_listen_at *at, fli_listen **ret_listen,
	uint16_t *ret_port, fl_error *err)
{
	lab_host *host = fli_container_of(net, lab_host, net), *taken;
	size_t k = host->ports[0] == 0 ? 0 : 1;

	/* of this host itself, too, which is not counted before it is open */
	if (host->ports[0] == at->port_min || listener_of(host->lab, at->port_min, &taken) != NULL)
		return fl_error_set(err, FL_ETAKEN, "port %u is taken", (unsigned)at->port_min);
	host->listens[k] = *at;
	host->ports[k] = at->port_min;
	*ret_port = at->port_min;
	*ret_listen = (fli_listen *)(void *)&host->ports[k];
	return FL_OK;
}

static void net_unlisten(fli_net *net, fli_listen *listen)
{
	(void)net;
	*(uint16_t *)(void *)listen = 0;
}

static int net_dial(fli_net *net, const char *host, uint16_t port, fli_sock **ret_sock)
{
	lab_host *from = fli_container_of(net, lab_host, net);
	lab_host *to;
	const fli_listen_at *at = listener_of(from->lab, port, &to);
	lab_sock *sock;

	(void)host;
	if (at != NULL && !from->lab->is_cut) {
		sock = connect_to(from->lab, from, to, at);
	} else {
		sock = sock_new(from->lab, from);
		if (!from->lab->is_cut)
			post(sock, EVENT_END, FL_EREFUSED, NULL, 0);
	}
	*ret_sock = &sock->base;
	return FL_OK;
}

static int64_t net_write(fli_sock *base, const uint8_t *data, size_t size)
{
	lab_sock *sock = (lab_sock *)(void *)base;
	size_t room = sock->lab->window - sock->in_flight;

	if (sock->is_closed || sock->is_over)
		return FL_ECLOSED;
	if (sock->queued != NULL)
		return 0;
	if (size > room)
		size = room;
	sock->in_flight += size;
	if (!sock->lab->is_cut && !sock->is_lost && size > 0)
		post(sock->other, EVENT_BYTES, 0, data, size);
	return (int64_t)size;
}

static int net_queue(fli_sock *base, const uint8_t *data, size_t size)
{
	lab_sock *sock = (lab_sock *)(void *)base;

	if (sock->queued != NULL)
		return FL_EBUSY;
	sock->queued = data;
	sock->queued_left = sock->queued_all = size;
	return FL_OK;
}

static size_t net_queued(const fli_sock *base)
{
	const lab_sock *sock = (const lab_sock *)(const void *)base;

	return sock->queued == NULL ? 0 : sock->queued_left;
}

static void net_close(fli_sock *base)
{
	lab_sock *sock = (lab_sock *)(void *)base;

	if (sock->is_closed)
		return;
	sock->is_closed = true;
	sock->base.events = NULL;
	sock->queued = NULL;
	if (sock->other != NULL && !sock->lab->is_cut && !sock->is_lost)
		post(sock->other, EVENT_END, FL_ECLOSED, NULL, 0);
}

/* Room came: what was queued goes on. */
static void go_on(lab_sock *sock)
{
	const uint8_t *data = sock->queued;
	size_t size = sock->queued_left;
	int64_t taken;

	if (data == NULL || sock->is_closed)
		return;
	sock->queued = NULL;
	taken = net_write(&sock->base, data, size);
	if (taken < 0)
		return;
	sock->queued_left = size - (size_t)taken;
	if (sock->queued_left > 0)
		sock->queued = data + taken;
	else
		post(sock, EVENT_WRITTEN, 0, NULL, 0);
}

/* ---- delivery -------------------------------------------------------------------------------- */

static void read_bytes(lab_sock *sock, const event *e)
{
	sock->other->in_flight -= e->size;
	if (sock->host == NULL)
		fli_buf_add(&sock->got, e->bytes, e->size);
	else if (sock->base.events != NULL)
		sock->base.events->on_read(sock->base.owner, e->bytes, e->size);
	go_on(sock->other);
}

static void deliver(lab_sock *sock, const event *e)
{
	const fli_sock_events *events = sock->base.events;

	if (e->kind == EVENT_BYTES) {
		read_bytes(sock, e);
		return;
	}
	if (e->kind == EVENT_END)
		sock->is_over = true;
	if (sock->host == NULL || sock->is_closed)
		return;
	if (e->kind == EVENT_ACCEPT)
		sock->at->on_accept(sock->at->ctx, &sock->base);
	else if (events == NULL)
		return;
	else if (e->kind == EVENT_OPEN)
		events->on_open(sock->base.owner);
	else if (e->kind == EVENT_WRITTEN)
		events->on_written(sock->base.owner, sock->queued_all);
	else if (e->kind == EVENT_END)
		events->on_end(sock->base.owner, e->code, fl_error_text(e->code));
}

static event *next_event(lab *l)
{
	for (fli_link *at = l->events.next; at != &l->events; at = at->next) {
		event *e = fli_container_of(at, event, link);

		if (e->kind == EVENT_BYTES && l->is_stopped)
			continue;
		fli_list_remove(&e->link);
		return e;
	}
	return NULL;
}

bool lab_deliver(lab *l)
{
	bool any = false;
	event *e;

	while ((e = next_event(l)) != NULL) {
		fl_node *node = e->sock->host == NULL ? NULL : e->sock->host->node;

		any = true;
		if (node != NULL)
			fli_drive_begin(node);
		deliver(e->sock, e);
		if (node != NULL)
			fli_drive_end(node);
		free(e);
	}
	return any;
}

fli_net lab_network(void)
{
	return (fli_net){.listen = net_listen,
		.unlisten = net_unlisten,
		.dial = net_dial,
		.write = net_write,
		.queue = net_queue,
		.queued = net_queued,
		.close = net_close};
}

void lab_network_close(lab *l)
{
	fli_link *link;

	while ((link = fli_list_pop(&l->events)) != NULL)
		free(fli_container_of(link, event, link));
	while ((link = fli_list_pop(&l->socks)) != NULL) {
		lab_sock *sock = fli_container_of(link, lab_sock, link);

		fli_buf_destroy(&sock->got);
		free(sock);
	}
}

/* ---- visitors -------------------------------------------------------------------------------- */

lab_sock *lab_visit(lab_host *to)
{
	return connect_to(to->lab, NULL, to, &to->listens[0]);
}

void lab_visit_is_from(lab_sock *sock, const fli_address *address)
{
	sock->other->base.peer = *address;
}

lab_sock *lab_visit_from(lab_host *to, uint8_t last)
{
	lab_sock *sock = lab_visit(to);

	lab_visit_is_from(
		sock, &(fli_address){
			      .ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = last}, .port = 1});
	return sock;
}

void lab_visit_write(lab_sock *sock, const void *bytes, size_t size)
{
	sock->in_flight += size;
	post(sock->other, EVENT_BYTES, 0, bytes, size);
}

bool lab_visit_is_over(const lab_sock *sock)
{
	return sock->is_over;
}

size_t lab_visit_read(lab_sock *sock, const uint8_t **ret_bytes)
{
	*ret_bytes = sock->got.data;
	return sock->got.size;
}

void lab_forget_sockets(lab_host *host)
{
	lab *l = host->lab;

	for (fli_link *at = l->socks.next; at != &l->socks; at = at->next) {
		lab_sock *sock = fli_container_of(at, lab_sock, link);

		if (sock->host != host || sock->is_closed || sock->base.events == NULL)
			continue;
		sock->is_lost = true;
		sock->other->is_lost = true;
		post(sock, EVENT_END, FL_EIO, NULL, 0);
	}
}
