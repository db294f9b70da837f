/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests: the network's table turned into numbers and a queue that never refuses.
 *
 * A connection that the guest closed while bytes were queued stays until they are out.
 */
#include "sim/guest.h"

#include "node/base/buf.h"
#include "sim/host.h"

#define LISTENS_MAX 8

typedef struct guest_listen {
	fli_guest *guest;
	fli_listen *listen; /* NULL: free */
	uint16_t port;
} guest_listen;

struct fli_guest {
	fli_prog prog;
	fli_link in_world;
	const fli_guest_events *events;
	void *ctx;
	fli_dice dice;
	fli_link conns;
	fli_link timers;
	fli_guest_conn conn_last;
	guest_listen listens[LISTENS_MAX];
	char name[256];
};

typedef struct guest_conn {
	fli_link link;
	fli_guest *guest;
	fli_sock *sock;
	fli_guest_conn id;
	bool is_open;    /* may write */
	bool is_writing; /* `out` is with the network */
	bool is_closing; /* when all is out */
	fli_buf out, next;
} guest_conn;

typedef struct guest_timer {
	fli_link link;
	fli_event event;
	fli_guest *guest;
	uint64_t id;
	bool is_late; /* came while the guest was paused */
} guest_timer;

/* ---- connections ----------------------------------------------------------------------------- */

static guest_conn *conn_find(fli_guest *guest, fli_guest_conn id)
{
	for (fli_link *at = guest->conns.prev; at != &guest->conns; at = at->prev) {
		guest_conn *conn = fli_container_of(at, guest_conn, link);

		if (conn->id == id)
			return conn->is_closing ? NULL : conn;
	}
	return NULL;
}

static void conn_delete(guest_conn *conn)
{
	fli_list_remove(&conn->link);
	fli_sock_close(conn->sock);
	fli_buf_destroy(&conn->out);
	fli_buf_destroy(&conn->next);
	fli_store_free(conn);
}

/* What waits goes to the network, as far as it takes it. */
static void flush(guest_conn *conn)
{
	fli_buf taken = conn->next;
	int64_t done;

	if (!conn->is_open || conn->is_writing || taken.size == 0)
		return;
	done = fli_sock_write(conn->sock, taken.data, taken.size);
	if (done < 0)
		return; /* on_end is on its way */
	fli_buf_consume(&conn->next, (size_t)done);
	if (conn->next.size == 0)
		return;
	conn->next = conn->out;
	fli_buf_clear(&conn->next, 65536);
	conn->out = taken;
	conn->out.size -= (size_t)done;
	conn->is_writing = fli_sock_queue(conn->sock, conn->out.data, conn->out.size) == FL_OK;
}

static void on_open(void *owner)
{
	guest_conn *conn = owner;

	conn->is_open = true;
	flush(conn);
	if (conn->guest->events->on_open != NULL)
		conn->guest->events->on_open(conn->guest->ctx, conn->id);
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	guest_conn *conn = owner;

	if (!conn->is_closing)
		conn->guest->events->on_read(conn->guest->ctx, conn->id, data, size);
}

static void on_written(void *owner, size_t size)
{
	guest_conn *conn = owner;

	(void)size;
	conn->is_writing = false;
	flush(conn);
	if (conn->is_closing && !conn->is_writing)
		conn_delete(conn);
}

static void on_end(void *owner, int code, const char *why)
{
	guest_conn *conn = owner;
	fli_guest *guest = conn->guest;
	fli_guest_conn id = conn->id;
	bool is_known = !conn->is_closing;

	(void)why;
	conn_delete(conn);
	if (is_known && guest->events->on_end != NULL)
		guest->events->on_end(guest->ctx, id, code);
}

static guest_conn *conn_new(fli_guest *guest, fli_sock *sock)
{
	static const fli_sock_events events = {
		.on_open = on_open, .on_read = on_read, .on_written = on_written, .on_end = on_end};
	guest_conn *conn = fli_store_zalloc(sizeof *conn);

	conn->guest = guest;
	conn->sock = sock;
	conn->id = ++guest->conn_last;
	fli_buf_create(&conn->out, fli_store_mem(), 0);
	fli_buf_create(&conn->next, fli_store_mem(), 0);
	fli_list_append(&guest->conns, &conn->link);
	fli_sock_own(sock, &events, conn);
	return conn;
}

fli_guest_conn fli_guest_dial(fli_guest *guest, const char *host, uint16_t port)
{
	fli_sock *sock;

	(void)guest->prog.net.dial(&guest->prog.net, host, port, &sock); /* tells by on_end */
	return conn_new(guest, sock)->id;
}

int fli_guest_write(fli_guest *guest, fli_guest_conn id, const void *bytes, size_t size)
{
	guest_conn *conn = conn_find(guest, id);

	if (conn == NULL)
		return FL_ECLOSED;
	fli_buf_add(&conn->next, bytes, size);
	flush(conn);
	return FL_OK;
}

void fli_guest_close(fli_guest *guest, fli_guest_conn id)
{
	guest_conn *conn = conn_find(guest, id);

	if (conn == NULL)
		return;
	if (conn->is_writing)
		conn->is_closing = true;
	else
		conn_delete(conn);
}

/* ---- listening ------------------------------------------------------------------------------- */

static void on_accept(void *ctx, fli_sock *sock)
{
	guest_listen *listen = ctx;
	fli_guest *guest = listen->guest;
	guest_conn *conn = conn_new(guest, sock);

	conn->is_open = true;
	guest->events->on_accept(guest->ctx, conn->id, listen->port);
}

static void on_error(void *ctx, const char *why)
{
	(void)ctx; /* who dialled tries again */
	(void)why;
}

/* The one on that port; 0: a free one. */
static guest_listen *listen_find(fli_guest *guest, uint16_t port)
{
	for (int i = 0; i < LISTENS_MAX; i++) {
		uint16_t used = guest->listens[i].listen == NULL ? 0 : guest->listens[i].port;

		if (used == port)
			return &guest->listens[i];
	}
	return NULL;
}

int fli_guest_listen(fli_guest *guest, uint16_t port, uint16_t *ret_port)
{
	guest_listen *mine = listen_find(guest, 0);
	fli_listen_at at = {.address = "0.0.0.0",
		.port_min = port,
		.port_max = port,
		.on_accept = on_accept,
		.on_error = on_error,
		.ctx = mine};
	int rc;

	if (mine == NULL)
		return FL_ELIMIT;
	rc = guest->prog.net.listen(&guest->prog.net, &at, &mine->listen, &mine->port, NULL);
	if (rc != FL_OK)
		return rc;
	mine->guest = guest;
	if (ret_port != NULL)
		*ret_port = mine->port;
	return FL_OK;
}

void fli_guest_unlisten(fli_guest *guest, uint16_t port)
{
	guest_listen *listen = port == 0 ? NULL : listen_find(guest, port);

	if (listen == NULL)
		return;
	guest->prog.net.unlisten(&guest->prog.net, listen->listen);
	listen->listen = NULL;
}

/* ---- timers ---------------------------------------------------------------------------------- */

static guest_timer *timer_find(fli_guest *guest, uint64_t id)
{
	for (fli_link *at = guest->timers.next; at != &guest->timers; at = at->next) {
		guest_timer *timer = fli_container_of(at, guest_timer, link);

		if (timer->id == id)
			return timer;
	}
	return NULL;
}

static void timer_delete(guest_timer *timer)
{
	fli_heap_unset(&timer->guest->prog.sim->heap, &timer->event);
	fli_list_remove(&timer->link);
	fli_store_free(timer);
}

static void on_timer(fli_event *event)
{
	guest_timer *timer = fli_container_of(event, guest_timer, event);
	fli_guest *guest = timer->guest;
	uint64_t id = timer->id;

	if (guest->prog.is_paused) {
		timer->is_late = true;
		return;
	}
	timer_delete(timer);
	guest->events->on_timer(guest->ctx, id);
}

void fli_guest_timer(fli_guest *guest, uint64_t ms, uint64_t id)
{
	guest_timer *timer = timer_find(guest, id);
	fl_sim *sim = guest->prog.sim;

	if (timer == NULL) {
		timer = fli_store_zalloc(sizeof *timer);
		timer->event.fire = on_timer;
		timer->guest = guest;
		timer->id = id;
		fli_list_append(&guest->timers, &timer->link);
	}
	timer->is_late = false;
	fli_heap_set(&sim->heap, &timer->event, sim->now_ns + ms * FLI_SIM_MS);
}

void fli_guest_untimer(fli_guest *guest, uint64_t id)
{
	guest_timer *timer = timer_find(guest, id);

	if (timer != NULL)
		timer_delete(timer);
}

uint64_t fli_guest_now_ms(const fli_guest *guest)
{
	return guest->prog.sim->now_ns / FLI_SIM_MS;
}

void fli_guest_random(fli_guest *guest, void *ret_bytes, size_t size)
{
	fli_dice_fill(&guest->dice, ret_bytes, size);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void forget(fli_guest *guest)
{
	while (!fli_list_is_empty(&guest->conns))
		conn_delete(fli_container_of(guest->conns.next, guest_conn, link));
	while (!fli_list_is_empty(&guest->timers))
		timer_delete(fli_container_of(guest->timers.next, guest_timer, link));
	for (int i = 0; i < LISTENS_MAX; i++)
		guest->listens[i].listen = NULL; /* gone with the program */
}

static void vanish(fli_prog *prog)
{
	forget(fli_container_of(prog, fli_guest, prog));
}

fli_guest *fli_guest_add(fl_sim *sim, const char *host, const fli_guest_events *events, void *ctx)
{
	fli_guest *guest = fli_store_zalloc(sizeof *guest);
	fli_host *at = fli_host_get(sim, host);

	(void)snprintf(guest->name, sizeof guest->name, "guest@%s", at->name);
	fli_prog_create(&guest->prog, at, guest->name);
	guest->prog.take_turn = fli_prog_deliver;
	guest->prog.vanish = vanish;
	guest->events = events;
	guest->ctx = ctx;
	guest->dice = fli_dice_of(sim->options.seed, 'g', at->index);
	fli_list_create(&guest->conns);
	fli_list_create(&guest->timers);
	fli_list_append(&sim->guests, &guest->in_world);
	return guest;
}

void fli_guests_delete(fl_sim *sim)
{
	fli_link *link;

	while ((link = fli_list_pop(&sim->guests)) != NULL) {
		fli_guest *guest = fli_container_of(link, fli_guest, in_world);

		fli_prog_vanish(&guest->prog);
		fli_list_remove(&guest->prog.in_host);
		fli_store_free(guest);
	}
}

fl_sim *fli_guest_world(const fli_guest *guest)
{
	return guest->prog.sim;
}

const char *fli_guest_host(const fli_guest *guest)
{
	return guest->prog.host->name;
}

void fli_guest_crash(fli_guest *guest, fl_sim_crash how)
{
	fli_world_note(guest->prog.sim, "crashes", guest->name, NULL);
	if (how == FL_SIM_VANISHED) {
		fli_host_vanish(guest->prog.host);
		return;
	}
	fli_prog_end(&guest->prog);
	forget(guest);
}

void fli_guest_revive(fli_guest *guest)
{
	fli_host_revive(guest->prog.host);
}

void fli_guest_pause(fli_guest *guest)
{
	fli_prog_pause(&guest->prog);
}

void fli_guest_resume(fli_guest *guest)
{
	fl_sim *sim = guest->prog.sim;

	fli_prog_resume(&guest->prog);
	for (fli_link *at = guest->timers.next; at != &guest->timers; at = at->next) {
		guest_timer *timer = fli_container_of(at, guest_timer, link);

		if (timer->is_late)
			fli_heap_set(&sim->heap, &timer->event, sim->now_ns);
		timer->is_late = false;
	}
}
