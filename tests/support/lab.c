/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PORT = 7000 };

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
		more = lab_deliver(l);
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
	if (fli_proc_start(host->node, &start, fli_term(host->node, nil, 1), &proc, NULL) == FL_OK)
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

static bool open_host(lab_host *host, const char *name, void (*change)(fli_dist_config *config))
{
	fli_limits limits = fli_limits_default();
	fli_dist_config config;

	if (fli_node_create(&host->node, name, &limits, &host->port, host->lab->mem) != FL_OK)
		return false;
	fli_log_create(&host->node->log, on_line, host, FLI_DEBUG);
	config = describe(host, name);
	if (change != NULL)
		change(&config);
	if (fli_dist_open(&config, &host->dist) == FL_OK &&
		fli_dist_listen(host->dist, NULL) == FL_OK)
		return true;
	fli_enter(host->node);
	if (host->dist != NULL)
		fli_dist_close(host->dist);
	fli_node_delete(host->node);
	return false;
}

lab_host *lab_add(lab *l, const char *name, void (*change)(fli_dist_config *config))
{
	lab_host *host = &l->hosts[l->count];

	*host = (lab_host){.lab = l,
		.port = {.now_ns = now_ns, .wall_us = wall_us, .random = random_bytes},
		.net = lab_network()};
	if (!open_host(host, name, change))
		return NULL;
	l->count++;
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
	for (size_t i = 0; i < l->count; i++) {
		fli_drive_begin(l->hosts[i].node);
		fli_dist_leave(l->hosts[i].dist);
		fli_drive_end(l->hosts[i].node);
	}
	for (size_t i = 0; i < l->count; i++)
		host_close(&l->hosts[i]);
	lab_network_close(l);
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
