/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PORT = 7000 };

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

	if (listener_of(host->lab, at->port_min, &taken) != NULL)
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

static bool deliver_all(lab *l)
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

static bool turn(lab_host *host)
{
	bool more;

	fli_drive_begin(host->node);
	more = fli_node_turn(host->node, host->lab->now_ms) == FLI_TURN_MORE;
	fli_dist_flush(host->dist);
	fli_drive_end(host->node);
	return more;
}

/* A timer that was due when it was started fires a millisecond later. */
static bool has_due(const lab *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (fli_node_next_ms(l->hosts[i].node) <= l->now_ms)
			return true;
	}
	return false;
}

void lab_run(lab *l)
{
	bool more;

	do {
		more = deliver_all(l);
		for (size_t i = 0; i < l->count; i++)
			more = turn(&l->hosts[i]) || more;
		more = more || (!l->is_stopped && !fli_list_is_empty(&l->events));
		if (!more && has_due(l)) {
			l->now_ms++;
			more = true;
		}
	} while (more);
}

void lab_pass(lab *l, uint64_t ms)
{
	uint64_t end = l->now_ms + ms, next;

	lab_run(l);
	while (l->now_ms < end) {
		next = end;
		for (size_t i = 0; i < l->count; i++) {
			uint64_t due = fli_node_next_ms(l->hosts[i].node);

			if (due < next)
				next = due;
		}
		l->now_ms = next > l->now_ms ? next : l->now_ms + 1;
		lab_run(l);
	}
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static uint64_t now_ns(const fli_port *port)
{
	return fli_container_of(port, lab_host, port)->lab->now_ms * 1000000;
}

static int64_t wall_us(const fli_port *port)
{
	return (int64_t)now_ns(port) / 1000 + 1700000000000000;
}

static void random_bytes(const fli_port *port, void *ret_bytes, size_t size)
{
	lab *l = fli_container_of(port, lab_host, port)->lab;
	uint8_t *bytes = ret_bytes;

	for (size_t i = 0; i < size; i++) {
		l->random = fli_hash_mix(l->random + 0x9e3779b97f4a7c15);
		bytes[i] = (uint8_t)l->random;
	}
}

static void on_line(void *ctx, fli_level level, const char *line, size_t size)
{
	lab_host *host = ctx;
	size_t used = strlen(host->log);

	(void)level;
	if (used + size + 2 < sizeof host->log)
		(void)snprintf(
			host->log + used, sizeof host->log - used, "%.*s\n", (int)size, line);
}

static void on_up(fli_dist_watch *watch, fli_peer *peer)
{
	(void)peer;
	fli_container_of(watch, lab_host, watch)->ups++;
}

static void on_down(fli_dist_watch *watch, fli_peer *peer, const char *reason)
{
	lab_host *host = fli_container_of(watch, lab_host, watch);

	(void)peer;
	host->downs++;
	(void)snprintf(host->reason, sizeof host->reason, "%s", reason);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	lab_host *host = fli_container_of(fl_self_node(self)->port, lab_host, port);

	(void)state;
	(void)message;
	host->received++;
	return FL_OK;
}

static void start_sink(lab_host *host)
{
	static const fl_behaviour sink = {.name = "sink", .info = on_info};
	static const uint8_t nil[] = {106};
	const fli_start start = {.behaviour = &sink, .name = "sink"};
	fl_proc *proc;

	fli_drive_begin(host->node);
	if (fli_proc_start(host->node, &start, fli_term(host->node, nil, 1), &proc, NULL) != FL_OK)
		abort();
	host->sink = fli_proc_pid(proc);
	fli_drive_end(host->node);
}

static fli_dist_config describe(lab_host *host, const char *name)
{
	size_t index = (size_t)(host - host->lab->hosts);
	fli_dist_config config = {.node = host->node,
		.net = &host->net,
		.is_visible = true,
		.listen_address = "127.0.0.1",
		.port_min = (uint16_t)(FIRST_PORT + index),
		.port_max = (uint16_t)(FIRST_PORT + index),
		.tick_time_ms = 60000,
		.tick_intensity = 4,
		.step_ms = 7000,
		.epmd = FLI_DIST_EPMD_OFF,
		.cookie = "secret",
		.cookie_size = 6,
		.known = host->known,
		.known_count = LAB_HOSTS_MAX,
		.limits = fli_dist_limits_default()};

	if (fli_node_name_parse(&config.name, name, strlen(name), NULL) != FL_OK &&
		fli_node_name_inspect_host(name, strlen(name), &config.name) != FLI_NAME_OK)
		abort();
	for (size_t i = 0; i < LAB_HOSTS_MAX; i++) {
		(void)snprintf(host->known_text[i][0], 64, "%c@h.x", (char)('a' + i));
		(void)snprintf(
			host->known_text[i][1], 64, "127.0.0.1:%u", (unsigned)(FIRST_PORT + i));
		host->known[i] = (fli_dist_known){
			.name = host->known_text[i][0], .address = host->known_text[i][1]};
	}
	return config;
}

lab_host *lab_add(lab *l, const char *name, void (*change)(fli_dist_config *config))
{
	lab_host *host = &l->hosts[l->count++];
	fli_limits limits = fli_limits_default();
	fli_dist_config config;

	host->lab = l;
	host->port = (fli_port){.now_ns = now_ns, .wall_us = wall_us, .random = random_bytes};
	host->net = (fli_net){.listen = net_listen,
		.unlisten = net_unlisten,
		.dial = net_dial,
		.write = net_write,
		.queue = net_queue,
		.close = net_close};
	if (fli_node_create(&host->node, name, &limits, &host->port, l->mem) != FL_OK)
		abort();
	fli_log_create(&host->node->log, on_line, host, FLI_DEBUG);
	config = describe(host, name);
	if (change != NULL)
		change(&config);
	if (fli_dist_open(&config, &host->dist) != FL_OK ||
		fli_dist_listen(host->dist, NULL) != FL_OK)
		abort();
	host->watch = (fli_dist_watch){.up = on_up, .down = on_down};
	fli_dist_watch_add(host->dist, &host->watch);
	start_sink(host);
	return host;
}

void lab_open(lab *l, fli_mem *mem)
{
	*l = (lab){.now_ms = 100000, .random = 42, .mem = mem, .window = (size_t)1 << 20};
	fli_list_create(&l->events);
	fli_list_create(&l->socks);
}

static void host_close(lab_host *host)
{
	fli_enter(host->node);
	fli_dist_close(host->dist);
	fli_node_delete(host->node);
}

void lab_close(lab *l)
{
	fli_link *link;

	for (size_t i = 0; i < l->count; i++) {
		fli_drive_begin(l->hosts[i].node);
		fli_dist_leave(l->hosts[i].dist);
		fli_drive_end(l->hosts[i].node);
	}
	for (size_t i = 0; i < l->count; i++)
		host_close(&l->hosts[i]);
	while ((link = fli_list_pop(&l->events)) != NULL)
		free(fli_container_of(link, event, link));
	while ((link = fli_list_pop(&l->socks)) != NULL) {
		lab_sock *sock = fli_container_of(link, lab_sock, link);

		fli_buf_destroy(&sock->got);
		free(sock);
	}
}

/* ---- what a test asks ------------------------------------------------------------------------ */

static fl_atom name_of(const lab_host *host)
{
	return host->node->name;
}

static void on_done(fli_dist_wait *wait, int result, const fl_error *err)
{
	(void)result;
	(void)err;
	free(wait);
}

bool lab_connect(lab_host *from, lab_host *to)
{
	fli_dist_wait *wait = calloc(1, sizeof *wait);
	int rc;

	if (wait == NULL)
		abort();
	wait->done = on_done;
	fli_drive_begin(from->node);
	rc = fli_dist_connect(from->dist, name_of(to), wait, NULL);
	fli_drive_end(from->node);
	if (rc != FL_EBUSY)
		free(wait);
	return rc == FL_OK || rc == FL_EBUSY;
}

bool lab_want(lab_host *from, lab_host *to)
{
	int rc;

	fli_drive_begin(from->node);
	rc = fli_dist_want(from->dist, name_of(to), NULL);
	fli_drive_end(from->node);
	return rc == FL_OK;
}

bool lab_disconnect(lab_host *from, lab_host *to)
{
	bool done;

	fli_drive_begin(from->node);
	done = fli_dist_disconnect(from->dist, name_of(to));
	fli_drive_end(from->node);
	return done;
}

fli_dist_peer *lab_peer(lab_host *from, lab_host *to)
{
	return fli_peers_find(from->dist, name_of(to).text, name_of(to).size);
}

bool lab_is_up(lab_host *from, lab_host *to)
{
	const fli_dist_peer *peer = lab_peer(from, to);

	return peer != NULL && peer->base.is_up && peer->conn != NULL;
}

int lab_send(lab_host *from, lab_host *to, const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	const fl_dest dest = {
		.kind = FL_TO_NAME, .as.name = {.text = fl_atom_of("sink"), .node = name_of(to)}};
	int rc = fl_read(&buf, text, strlen(text), NULL);

	fli_drive_begin(from->node);
	if (rc == FL_OK)
		rc = fli_send_term(from->node, NULL, &dest, fl_buf_term(&buf));
	fli_drive_end(from->node);
	fl_buf_free(&buf);
	return rc;
}

bool lab_logged(const lab_host *host, const char *text)
{
	return strstr(host->log, text) != NULL;
}

lab_sock *lab_visit(lab_host *to)
{
	return connect_to(to->lab, NULL, to, &to->listens[0]);
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
