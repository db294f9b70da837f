/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's events, and who is connected.
 *
 * - An attempt that fails takes along what waited for it, and counts as the loss of that node for
 *   monitors, links and spawn requests.
 * - A connection that ends stays in the list as OTP_OVER until the event is over: its frames may
 *   still be on the stack.
 * - Ticks: four in a tick time. One with nothing written since the last sends an empty frame; four
 * in a row without a whole frame read end the connection.
 */
#include "tests/sim/otp_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX ((size_t)128 << 20)

void otp_log(otp_node *node, const char *format, ...)
{
	char line[400];
	va_list args;

	if (node->host->log == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	node->host->log(node->ctx, line);
}

static uint64_t now_ms(const otp_node *node)
{
	return node->host->now_ms(node->ctx);
}

/* ---- who is connected ------------------------------------------------------------------------ */

static otp_conn *find_id(otp_node *node, uint32_t id)
{
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->id == id && c->state != OTP_OVER)
			return c;
	return NULL;
}

otp_conn *otp_up(otp_node *node, const char *peer)
{
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_UP && strcmp(c->peer.text, peer) == 0)
			return c;
	return NULL;
}

bool otp_is_reached(otp_node *node, const char *peer)
{
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state != OTP_OVER && c->state != OTP_WAIT_NAME &&
			strcmp(c->peer.text, peer) == 0)
			return true;
	return false;
}

bool otp_is_visible(const otp_conn *conn)
{
	return (conn->their_flags & OTP_PUBLISHED) != 0;
}

static otp_conn *new_conn(otp_node *node, uint32_t id, otp_conn_state state)
{
	otp_conn *conn = otp_alloc(sizeof *conn);

	conn->node = node;
	conn->id = id;
	conn->state = state;
	conn->due_ms = now_ms(node) + node->config.setup_ms;
	conn->next = node->conns;
	node->conns = conn;
	return conn;
}

void otp_reach(otp_node *node, const char *peer)
{
	otp_conn *conn;

	if (otp_is_reached(node, peer) || strcmp(peer, node->config.name) == 0)
		return;
	conn = new_conn(node, 0, OTP_DIALING);
	conn->is_ours = true;
	otp_set_atom(&conn->peer, peer);
	conn->id = node->host->dial(node->ctx, peer);
}

static void drop_waiting(otp_node *node, const char *peer, otp_conn *conn)
{
	otp_waiting **at = &node->waiting;

	while (*at != NULL) {
		otp_waiting *w = *at;

		if (strcmp(w->node.text, peer) != 0) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (conn != NULL)
			otp_write_signal(conn, w->control, w->payload, true);
		otp_drop(&w->control);
		otp_drop(&w->payload);
		free(w);
	}
}

void otp_conn_is_up(otp_conn *conn)
{
	conn->state = OTP_UP;
	conn->cache_in = otp_alloc(sizeof *conn->cache_in);
	conn->cache_out = otp_alloc(sizeof *conn->cache_out);
	conn->has_read = conn->has_written = true;
	drop_waiting(conn->node, conn->peer.text, conn);
	if (otp_is_visible(conn) && !conn->node->config.is_hidden)
		otp_kernel_tell(conn->node, "nodeup", conn->peer.text);
}

static void let_in_who_waited(otp_node *node, const char *peer)
{
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_WAIT_OLD && strcmp(c->peer.text, peer) == 0) {
			otp_shake_old_gone(c);
			return;
		}
}

/* `reason` NULL: an attempt failed. */
void otp_conn_end(otp_conn *conn, const char *reason)
{
	otp_node *node = conn->node;
	otp_conn_state was = conn->state;

	if (was == OTP_OVER)
		return;
	conn->state = OTP_OVER;
	if (conn->has_socket)
		node->host->close(node->ctx, conn->id);
	conn->has_socket = false;
	if (was == OTP_UP) {
		otp_log(node, "%s is down: %s", conn->peer.text, reason == NULL ? "" : reason);
		otp_node_gone(node, conn->peer.text);
		if (otp_is_visible(conn) && !node->config.is_hidden)
			otp_kernel_tell(node, "nodedown", conn->peer.text);
		let_in_who_waited(node, conn->peer.text);
	} else if (conn->peer.text[0] != '\0' && !otp_is_reached(node, conn->peer.text)) {
		drop_waiting(node, conn->peer.text, NULL);
		otp_node_gone(node, conn->peer.text);
		otp_kernel_tell(node, "nodefail", conn->peer.text);
	}
}

void otp_cut(otp_node *node, const char *peer, const char *reason)
{
	otp_conn *conn = otp_up(node, peer);

	if (conn != NULL)
		otp_conn_end(conn, reason);
}

static void free_conn(otp_conn *conn)
{
	if (conn->cache_in != NULL)
		otp_cache_free(conn->cache_in);
	if (conn->cache_out != NULL)
		otp_cache_free(conn->cache_out);
	free(conn->cache_in);
	free(conn->cache_out);
	otp_buf_free(&conn->in);
	while (conn->fragments != NULL) {
		otp_fragment *f = conn->fragments;

		conn->fragments = f->next;
		otp_buf_free(&f->control);
		otp_buf_free(&f->payload);
		otp_buf_free(&f->atoms);
		free(f);
	}
	free(conn);
}

static void reap_conns(otp_node *node, bool all)
{
	otp_conn **at = &node->conns;

	while (*at != NULL) {
		otp_conn *conn = *at;

		if (conn->state == OTP_OVER || all) {
			*at = conn->next;
			free_conn(conn);
		} else {
			at = &conn->next;
		}
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static void tick(otp_conn *conn)
{
	static const uint8_t nothing[4] = {0, 0, 0, 0};

	conn->silent = conn->has_read ? 0 : conn->silent + 1;
	conn->has_read = false;
	if (conn->silent >= 4) {
		otp_conn_end(conn, "net_tick_timeout");
		return;
	}
	if (!conn->has_written)
		conn->node->host->write(conn->node->ctx, conn->id, nothing, sizeof nothing);
	conn->has_written = false;
}

static void tick_all(otp_node *node)
{
	if (now_ms(node) < node->next_tick_ms)
		return;
	node->next_tick_ms = now_ms(node) + node->config.tick_ms / 4;
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_UP)
			tick(c);
}

static void end_slow_handshakes(otp_node *node)
{
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state != OTP_UP && c->state != OTP_OVER && now_ms(node) >= c->due_ms)
			otp_conn_end(c, NULL);
}

static void fire_timers(otp_node *node)
{
	for (;;) {
		otp_timer **first = NULL, *t;

		for (otp_timer **at = &node->timers; *at != NULL; at = &(*at)->next)
			if ((*at)->due_ms <= now_ms(node) &&
				(first == NULL || (*at)->due_ms < (*first)->due_ms ||
					((*at)->due_ms == (*first)->due_ms &&
						(*at)->order < (*first)->order)))
				first = at;
		if (first == NULL)
			return;
		t = *first;
		*first = t->next;
		if (otp_find(node, t->to) != NULL)
			otp_deliver(node, otp_find(node, t->to), t->message);
		otp_drop(&t->to);
		otp_drop(&t->message);
		free(t);
	}
}

static void set_timer(otp_node *node)
{
	uint64_t due = UINT64_MAX;

	for (otp_conn *c = node->conns; c != NULL; c = c->next) {
		uint64_t next = c->state == OTP_UP ? node->next_tick_ms : c->due_ms;

		due = next < due ? next : due;
	}
	for (otp_timer *t = node->timers; t != NULL; t = t->next)
		due = t->due_ms < due ? t->due_ms : due;
	node->host->timer(node->ctx, due == UINT64_MAX ? 0 : due);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* The end of every event: mail is delivered, what is over is freed, the timer is set. */
void otp_drain(otp_node *node)
{
	if (node->is_running)
		return;
	node->is_running = true;
	while (node->mail != NULL)
		otp_deliver_next(node);
	node->is_running = false;
	otp_reap_procs(node, false);
	reap_conns(node, false);
	for (size_t i = 0; i < node->made_count; i++)
		otp_buf_free(&node->made[i]);
	node->made_count = 0;
	set_timer(node);
}

void otp_node_accepted(otp_node *node, uint32_t id)
{
	new_conn(node, id, OTP_WAIT_NAME)->has_socket = true;
	otp_drain(node);
}

void otp_node_opened(otp_node *node, uint32_t id)
{
	otp_conn *conn = find_id(node, id);

	if (conn != NULL && conn->state == OTP_DIALING) {
		conn->has_socket = true;
		otp_shake_open(conn);
	} else if (conn == NULL) {
		node->host->close(node->ctx, id);
	}
	otp_drain(node);
}

/* Takes one message or frame from the front; 0: it is not whole. */
static size_t take_one(otp_conn *conn, const uint8_t *data, size_t size)
{
	unsigned head = conn->state == OTP_UP ? 4 : 2;
	size_t length;

	if (size < head || (length = otp_get_int(data, head)) > size - head) {
		if (size >= head && length > FRAME_MAX)
			otp_conn_end(conn, "frame too large");
		return 0;
	}
	if (head == 2) {
		otp_shake_message(conn, data + head, length);
	} else {
		conn->has_read = true;
		if (!otp_frame(conn, data + head, length) && conn->state == OTP_UP) {
			conn->node->protocol_errors++;
			(void)snprintf(conn->node->last_error, sizeof conn->node->last_error,
				"bad frame of %zu bytes from %.100s", length, conn->peer.text);
			otp_conn_end(conn, "protocol error");
		}
		/* Each signal is handled before the next one, as mail of its own. */
	}
	return head + length;
}

void otp_node_read(otp_node *node, uint32_t id, const uint8_t *data, size_t size)
{
	otp_conn *conn = find_id(node, id);
	size_t at = 0, took;

	if (conn == NULL)
		return;
	otp_buf_add(&conn->in, data, size);
	while (conn->state != OTP_OVER && conn->state != OTP_YIELDED &&
		(took = take_one(conn, conn->in.data + at, conn->in.size - at)) > 0)
		at += took;
	conn->in.size -= at;
	if (conn->in.size > 0)
		memmove(conn->in.data, conn->in.data + at, conn->in.size);
	otp_drain(node);
}

void otp_node_ended(otp_node *node, uint32_t id)
{
	otp_conn *conn = find_id(node, id);

	if (conn != NULL && conn->state != OTP_YIELDED) {
		conn->has_socket = false;
		otp_conn_end(conn, "connection_closed");
	}
	otp_drain(node);
}

void otp_node_timer(otp_node *node)
{
	end_slow_handshakes(node);
	tick_all(node);
	fire_timers(node);
	otp_drain(node);
}

/* ---- life ------------------------------------------------------------------------------------ */

static const char *copy_text(const char *text)
{
	return memcpy(otp_alloc(strlen(text) + 1), text, strlen(text) + 1);
}

static void set_defaults(otp_config *config)
{
	config->name = copy_text(config->name);
	config->cookie = copy_text(config->cookie == NULL ? "cookie" : config->cookie);
	config->release = config->release == 0 ? 29 : config->release;
	if (config->global_vsn == 0)
		config->global_vsn = config->release < 25 ? 5 : 8;
	config->tick_ms = config->tick_ms == 0 ? 60000 : config->tick_ms;
	config->setup_ms = config->setup_ms == 0 ? 7000 : config->setup_ms;
	config->fragment_bytes = config->fragment_bytes == 0 ? 65536 : config->fragment_bytes;
}

static void start_scopes(otp_node *node, const char *scopes)
{
	char scope[64];
	int used;

	for (; scopes != NULL && sscanf(scopes, " %63s%n", scope, &used) == 1; scopes += used)
		otp_pg_start(node, scope);
}

otp_node *otp_node_create(const otp_config *config, const otp_host *host, void *ctx)
{
	otp_node *node = otp_alloc(sizeof *node);

	node->config = *config;
	set_defaults(&node->config);
	node->host = host;
	node->ctx = ctx;
	node->mail_end = &node->mail;
	node->next_pid = config->first_pid == 0 ? 50 : config->first_pid;
	node->next_ref = 1;
	node->next_tick_ms = now_ms(node) + node->config.tick_ms / 4;
	otp_kernel_start(node);
	if (!node->config.has_no_global && !node->config.is_hidden)
		otp_global_start(node);
	start_scopes(node, node->config.pg_scopes);
	otp_drain(node);
	return node;
}

void otp_node_delete(otp_node *node)
{
	otp_model_free(node);
	otp_global_free(node);
	otp_pg_free(node);
	otp_reap_procs(node, true);
	reap_conns(node, true);
	while (node->waiting != NULL) {
		otp_atom peer = node->waiting->node;

		drop_waiting(node, peer.text, NULL);
	}
	free((void *)(uintptr_t)node->config.name);
	free((void *)(uintptr_t)node->config.cookie);
	free(node->made);
	free(node);
}
