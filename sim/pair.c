/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connection begins and ends.
 *
 *  - dial: the request travels to the other host. When the way there and back is open and somebody
 *    listens, the answer goes back (on_open) and the confirmation follows (on_accept), in front of
 *    all bytes.
 *  - close: FIN behind what was written, or a reset when something was not read.
 *
 * What goes wrong: nobody listens, or the path refuses: FL_EREFUSED. The way is lost: tried again
 * after 1, 3, 7, ... seconds, FL_ETIMEOUT after 127. A machine that vanished says nothing at all;
 * what comes for an old connection after it is back is answered by a reset.
 */
#include "sim/wire.h"

#define EPHEMERAL_PORT 40000 /* of who dials, for people */
#define EPHEMERAL_PORTS 20000
#define CONNECT_RETRY_NS (1000 * FLI_SIM_MS)
#define CONNECT_NS_MAX (127000 * FLI_SIM_MS)

static void attach(fli_end *end, fli_prog *prog)
{
	end->prog = prog;
	end->base.net = &prog->net;
	fli_list_append(&prog->socks, &end->in_prog);
	prog->socks_count++;
	fli_host_address(fli_end_other(end)->host, end->host, &end->base.peer);
	end->base.peer.port =
		end == &end->pair->ends[0]
			? end->pair->port
			: (uint16_t)(EPHEMERAL_PORT + end->pair->id % EPHEMERAL_PORTS);
}

static void detach(fli_end *end)
{
	fl_sim *sim = end->pair->sim;

	fli_list_remove(&end->in_prog);
	fli_list_remove(&end->ready);
	fli_heap_unset(&sim->heap, &end->room);
	fli_heap_unset(&sim->heap, &end->credit);
	end->prog->socks_count--;
	end->prog = NULL;
	end->base.events = NULL;
	end->queued = NULL;
	end->listen = NULL;
	end->tells_accept = end->tells_open = end->tells_written = end->tells_end = false;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static fli_listen *listener(fli_host *at, const fli_host *from, uint16_t port)
{
	for (fli_link *l = at->listens.next; l != &at->listens; l = l->next) {
		fli_listen *listen = fli_container_of(l, fli_listen, in_host);

		if (listen->port == port && (at == from || !listen->is_loopback))
			return listen;
	}
	return NULL;
}

static void connect_later(fli_pair *pair)
{
	fl_sim *sim = pair->sim;

	if (sim->now_ns - pair->dialled_ns >= CONNECT_NS_MAX)
		fli_end_over(&pair->ends[0], FL_ETIMEOUT, "connection timed out");
	else
		fli_heap_set(&sim->heap, &pair->connect,
			sim->now_ns + (CONNECT_RETRY_NS << pair->tries++));
}

static void meet(fli_pair *pair, fli_listen *listen)
{
	fli_end *from = &pair->ends[0], *to = &pair->ends[1];

	attach(to, listen->prog);
	to->listen = listen;
	fli_end_push(to, FLI_SEGMENT_OPEN, NULL, 0);
	from->gate_ns = to->last_ns; /* the confirmation leaves when the answer is there */
	fli_end_push(from, FLI_SEGMENT_ACCEPT, NULL, 0);
}

static void on_connect(fli_event *event)
{
	fli_pair *pair = fli_container_of(event, fli_pair, connect);
	fli_host *from = pair->ends[0].host, *to = pair->ends[1].host;
	fli_listen *listen;

	if (fli_path_is_lost(from, to) || fli_path_is_lost(to, from)) {
		connect_later(pair);
		return;
	}
	listen = fli_path_of(from, to)->link.is_refused ? NULL : listener(to, from, pair->port);
	if (listen != NULL) {
		meet(pair, listen);
		return;
	}
	fli_world_count(
		pair->sim, "is refused at port", pair->ends[0].prog->name, to->name, pair->port);
	fli_end_over(&pair->ends[0], FL_EREFUSED, "connection refused");
}

fli_end *fli_end_dial(fli_prog *prog, fli_host *to, uint16_t port)
{
	fl_sim *sim = prog->sim;
	fli_pair *pair = fli_store_zalloc(sizeof *pair);
	fli_end *end = &pair->ends[0];

	pair->sim = sim;
	pair->id = ++sim->pairs_made;
	pair->port = port;
	pair->connect.fire = on_connect;
	pair->dialled_ns = sim->now_ns;
	fli_list_append(&sim->pairs, &pair->in_world);
	fli_end_create(end, pair, prog->host);
	fli_end_create(&pair->ends[1], pair, to == NULL ? prog->host : to);
	attach(end, prog);
	fli_world_count(sim, "dials port", prog->name, to == NULL ? NULL : to->name, port);
	if (prog->socks_max > 0 && prog->socks_count > prog->socks_max)
		fli_end_over(end, FL_EIO, "too many open files");
	else if (to == NULL || fli_path_of(prog->host, to)->link.is_unknown)
		fli_end_over(end, FL_ENOENT, "no such host");
	else
		fli_heap_set(&sim->heap, &pair->connect,
			sim->now_ns + fli_path_delay_ns(fli_path_of(prog->host, to)));
	return end;
}

/* ---- ending ---------------------------------------------------------------------------------- */

void fli_pair_unless_used(fli_pair *pair)
{
	if (pair->ends[0].prog != NULL || pair->ends[1].prog != NULL || pair->is_buried)
		return;
	pair->is_buried = true;
	fli_heap_unset(&pair->sim->heap, &pair->connect);
	fli_heap_unset(&pair->sim->heap, &pair->ends[0].arrive);
	fli_heap_unset(&pair->sim->heap, &pair->ends[1].arrive);
	fli_list_remove(&pair->in_world);
	fli_list_append(&pair->sim->grave, &pair->in_world);
}

void fli_pairs_bury(fl_sim *sim)
{
	fli_link *link;

	while ((link = fli_list_pop(&sim->grave)) != NULL) {
		fli_pair *pair = fli_container_of(link, fli_pair, in_world);

		fli_end_destroy(&pair->ends[0]);
		fli_end_destroy(&pair->ends[1]);
		fli_store_free(pair);
	}
}

void fli_end_close(fli_end *end)
{
	bool is_open = end->is_open, is_unread = end->in.size > end->in_at;

	if (end->prog == NULL)
		return;
	detach(end);
	end->is_open = false;
	if (is_open && is_unread)
		fli_end_push_reset(end);
	else if (is_open)
		fli_end_push(end, FLI_SEGMENT_FIN, NULL, 0);
	fli_pair_unless_used(end->pair);
}

static void silence(fli_end *end)
{
	fli_link *link;

	while ((link = fli_list_pop(&end->segments)) != NULL)
		fli_store_free(fli_container_of(link, fli_segment, link));
	fli_heap_unset(&end->pair->sim->heap, &end->arrive);
}

void fli_end_vanish(fli_end *end)
{
	silence(end);
	end->is_open = false;
	detach(end);
	fli_pair_unless_used(end->pair);
}

void fli_pair_reset(fli_pair *pair)
{
	for (int i = 0; i < 2; i++) {
		silence(&pair->ends[i]);
		fli_heap_unset(&pair->sim->heap, &pair->connect);
		if (pair->ends[i].prog != NULL)
			fli_end_over(&pair->ends[i], FL_EIO, "connection reset by peer");
	}
}

/* ---- what a driver does ---------------------------------------------------------------------- */

static bool joins(const fli_pair *pair, const fli_host *a, const fli_host *b)
{
	return (pair->ends[0].host == a && pair->ends[1].host == b) ||
	       (pair->ends[0].host == b && pair->ends[1].host == a);
}

unsigned fl_sim_reset(fl_sim *sim, const char *host, const char *other)
{
	fli_host *a = fli_host_get(sim, host), *b = fli_host_get(sim, other);
	unsigned count = 0;

	for (fli_link *at = sim->pairs.next; at != &sim->pairs; at = at->next) {
		fli_pair *pair = fli_container_of(at, fli_pair, in_world);

		if (!joins(pair, a, b))
			continue;
		fli_pair_reset(pair);
		count++;
	}
	fli_world_count(sim, "connections reset", a->name, b->name, count);
	return count;
}
