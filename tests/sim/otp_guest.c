/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's host in the simulated cluster: sockets, the timer, epmd.
 *
 * - The model's connections have numbers of their own, since one that it dials may first be a
 * question to the epmd of the other host.
 * - The registration is a connection that stays open. When it ends it is made anew every two
 * seconds; the creation stays what it was, as with OTP since 23.3.
 */
#include "tests/sim/otp_guest.h"

#include "flitch/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE "of the simulated cluster"
#define EPMD_PORT 4369
#define RETRY_MS 2000

enum { TIMER_NODE = 1, TIMER_EPMD = 2 };
enum phase { ASKING, DIALLING, OPEN };

typedef struct line {
	struct line *next;
	uint32_t id; /* the model's */
	fli_guest_conn conn;
	enum phase phase;
	otp_buf answer; /* of epmd */
	char host[256];
} line;

struct otp_guest {
	fli_guest *guest;
	otp_guest_options options;
	otp_node *node;
	line *lines;
	uint32_t last_id;
	uint16_t port;
	fli_guest_conn epmd; /* the registration; 0: none */
	otp_buf epmd_answer;
	uint32_t starts;
	bool is_started;
	bool is_vanished;
	char name[256];
	char cookie[256];
};

static const char *host_of(const char *node)
{
	const char *at = strchr(node, '@');

	return at == NULL ? node : at + 1;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static line **find_line(otp_guest *g, uint32_t id, fli_guest_conn conn)
{
	line **at = &g->lines;

	while (*at != NULL && !(id != 0 ? (*at)->id == id : (*at)->conn == conn))
		at = &(*at)->next;
	return at;
}

static void free_line(line **at)
{
	line *l = *at;

	*at = l->next;
	otp_buf_free(&l->answer);
	free(l);
}

static line *new_line(otp_guest *g, fli_guest_conn conn, enum phase phase)
{
	line *l = otp_alloc(sizeof *l);

	l->id = ++g->last_id;
	l->conn = conn;
	l->phase = phase;
	l->next = g->lines;
	g->lines = l;
	return l;
}

/* ---- what the model calls -------------------------------------------------------------------- */

static uint32_t dial(void *ctx, const char *node)
{
	otp_guest *g = ctx;
	const char *host = host_of(node);
	size_t alive = (size_t)(host - node) - 1;
	otp_buf request = {0};
	line *l;

	if (!g->options.has_epmd) {
		l = new_line(g, fli_guest_dial(g->guest, host, FL_SIM_PORT), DIALLING);
		return l->id;
	}
	l = new_line(g, fli_guest_dial(g->guest, host, EPMD_PORT), ASKING);
	(void)snprintf(l->host, sizeof l->host, "%s", host);
	otp_buf_int(&request, 1 + alive, 2);
	otp_buf_int(&request, 122, 1);
	otp_buf_add(&request, node, alive);
	(void)fli_guest_write(g->guest, l->conn, request.data, request.size);
	otp_buf_free(&request);
	return l->id;
}

static void write_bytes(void *ctx, uint32_t conn, const void *bytes, size_t size)
{
	otp_guest *g = ctx;
	line *l = *find_line(g, conn, 0);

	if (l != NULL)
		(void)fli_guest_write(g->guest, l->conn, bytes, size);
}

static void close_conn(void *ctx, uint32_t conn)
{
	otp_guest *g = ctx;
	line **at = find_line(g, conn, 0);

	if (conn == 0 || *at == NULL)
		return;
	fli_guest_close(g->guest, (*at)->conn);
	free_line(at);
}

static uint64_t now_ms(void *ctx)
{
	return fli_guest_now_ms(((otp_guest *)ctx)->guest);
}

static void set_timer(void *ctx, uint64_t due_ms)
{
	otp_guest *g = ctx;
	uint64_t now = now_ms(g);

	if (due_ms == 0)
		fli_guest_untimer(g->guest, TIMER_NODE);
	else
		fli_guest_timer(g->guest, due_ms > now ? due_ms - now : 0, TIMER_NODE);
}

static uint64_t draw(void *ctx, otp_draw what)
{
	uint64_t value;

	(void)what;
	fli_guest_random(((otp_guest *)ctx)->guest, &value, sizeof value);
	return value;
}

static void log_line(void *ctx, const char *text)
{
	otp_guest *g = ctx;

	if (g->options.on_log != NULL)
		g->options.on_log(g, text, g->options.ctx);
}

static const otp_host host_table = {
	dial, write_bytes, close_conn, set_timer, now_ms, draw, log_line};

/* ---- epmd ------------------------------------------------------------------------------------ */

static void create_node(otp_guest *g, uint32_t creation)
{
	otp_config config = g->options.node;

	config.creation = creation;
	g->node = otp_node_create(&config, &host_table, g);
}

static void enrol(otp_guest *g)
{
	size_t alive = (size_t)(host_of(g->name) - g->name) - 1;
	otp_buf request = {0};

	g->epmd = fli_guest_dial(g->guest, "127.0.0.1", EPMD_PORT);
	g->epmd_answer.size = 0;
	otp_buf_int(&request, 13 + alive, 2);
	otp_buf_int(&request, 120, 1);
	otp_buf_int(&request, g->port, 2);
	otp_buf_int(&request, g->options.node.is_hidden ? 72 : 77, 1);
	otp_buf_int(&request, 0, 1);
	otp_buf_int(&request, 6, 2);
	otp_buf_int(&request, 5, 2);
	otp_buf_int(&request, alive, 2);
	otp_buf_add(&request, g->name, alive);
	otp_buf_int(&request, 0, 2);
	(void)fli_guest_write(g->guest, g->epmd, request.data, request.size);
	otp_buf_free(&request);
}

static void enrolled(otp_guest *g, const uint8_t *data, size_t size)
{
	const uint8_t *a;

	otp_buf_add(&g->epmd_answer, data, size);
	a = g->epmd_answer.data;
	if (g->epmd_answer.size < 6)
		return;
	if (a[0] != 118 || a[1] != 0) {
		/* The name is taken: an earlier life of ours may not be forgotten yet. */
		fli_guest_close(g->guest, g->epmd);
		g->epmd = 0;
		fli_guest_timer(g->guest, RETRY_MS, TIMER_EPMD);
	} else if (g->node == NULL) {
		create_node(g, (uint32_t)otp_get_int(a + 2, 4));
	}
}

/* The answer to a question for a port is complete when epmd closes, or long enough. */
static void answered(otp_guest *g, line *l)
{
	const uint8_t *a = l->answer.data;
	uint32_t id = l->id;

	if (l->answer.size >= 2 && (a[0] != 119 || a[1] != 0)) {
		close_conn(g, id);
		otp_node_ended(g->node, id);
	} else if (l->answer.size >= 4) {
		fli_guest_close(g->guest, l->conn);
		l->phase = DIALLING;
		l->conn = fli_guest_dial(
			g->guest, l->host, (uint16_t)otp_get_int(l->answer.data + 2, 2));
	}
}

/* ---- events of the world --------------------------------------------------------------------- */

static void on_accept(void *ctx, fli_guest_conn conn, uint16_t port)
{
	otp_guest *g = ctx;

	(void)port;
	if (g->node == NULL)
		fli_guest_close(g->guest, conn);
	else
		otp_node_accepted(g->node, new_line(g, conn, OPEN)->id);
}

static void on_open(void *ctx, fli_guest_conn conn)
{
	otp_guest *g = ctx;
	line *l = *find_line(g, 0, conn);

	if (l != NULL && l->phase == DIALLING) {
		l->phase = OPEN;
		otp_node_opened(g->node, l->id);
	}
}

static void on_read(void *ctx, fli_guest_conn conn, const uint8_t *data, size_t size)
{
	otp_guest *g = ctx;
	line *l = *find_line(g, 0, conn);

	if (conn == g->epmd) {
		enrolled(g, data, size);
	} else if (l != NULL && l->phase == ASKING) {
		otp_buf_add(&l->answer, data, size);
		answered(g, l);
	} else if (l != NULL) {
		otp_node_read(g->node, l->id, data, size);
	}
}

static void on_end(void *ctx, fli_guest_conn conn, int code)
{
	otp_guest *g = ctx;
	line **at = find_line(g, 0, conn);
	uint32_t id;

	(void)code;
	if (conn == g->epmd) {
		g->epmd = 0;
		fli_guest_timer(g->guest, RETRY_MS, TIMER_EPMD);
		return;
	}
	if (*at == NULL)
		return;
	id = (*at)->id;
	free_line(at);
	otp_node_ended(g->node, id);
}

static void on_timer(void *ctx, uint64_t id)
{
	otp_guest *g = ctx;

	if (id == TIMER_EPMD && g->is_started && g->epmd == 0)
		enrol(g);
	else if (id == TIMER_NODE && g->node != NULL)
		otp_node_timer(g->node);
}

/* ---- life ------------------------------------------------------------------------------------ */

otp_guest *otp_guest_add(fl_sim *sim, const otp_guest_options *options)
{
	static const fli_guest_events events = {on_accept, on_open, on_read, on_end, on_timer};
	otp_guest *g = otp_alloc(sizeof *g);
	const char *cookie = options->node.cookie;

	g->options = *options;
	(void)snprintf(g->name, sizeof g->name, "%s", options->node.name);
	(void)snprintf(g->cookie, sizeof g->cookie, "%s", cookie == NULL ? COOKIE : cookie);
	g->options.node.name = g->name;
	g->options.node.cookie = g->cookie;
	g->guest = fli_guest_add(sim, host_of(g->name), &events, g);
	return g;
}

int otp_guest_start(otp_guest *g)
{
	uint32_t random;
	int rc;

	if (g->is_started)
		return FL_EALREADY;
	if (g->is_vanished)
		fli_guest_revive(g->guest);
	g->is_vanished = false;
	rc = fli_guest_listen(g->guest, g->options.has_epmd ? 0 : FL_SIM_PORT, &g->port);
	if (rc != FL_OK)
		return rc;
	g->is_started = true;
	g->starts++;
	if (g->options.has_epmd) {
		enrol(g);
	} else {
		fli_guest_random(g->guest, &random, sizeof random);
		create_node(g, (random | 4) & 0x7fffffff);
	}
	return FL_OK;
}

static void forget(otp_guest *g)
{
	if (g->node != NULL)
		otp_node_delete(g->node);
	g->node = NULL;
	while (g->lines != NULL)
		free_line(&g->lines);
	g->epmd = 0;
	g->is_started = false;
}

void otp_guest_stop(otp_guest *g)
{
	if (!g->is_started)
		return;
	fli_guest_unlisten(g->guest, g->port);
	for (line *l = g->lines; l != NULL; l = l->next)
		fli_guest_close(g->guest, l->conn);
	if (g->epmd != 0)
		fli_guest_close(g->guest, g->epmd);
	fli_guest_untimer(g->guest, TIMER_NODE);
	fli_guest_untimer(g->guest, TIMER_EPMD);
	forget(g);
}

void otp_guest_crash(otp_guest *g, fl_sim_crash how)
{
	if (!g->is_started)
		return;
	fli_guest_crash(g->guest, how);
	g->is_vanished = how == FL_SIM_VANISHED;
	forget(g);
}

void otp_guest_pause(otp_guest *g)
{
	fli_guest_pause(g->guest);
}

void otp_guest_resume(otp_guest *g)
{
	fli_guest_resume(g->guest);
}

void otp_guest_delete(otp_guest *g)
{
	otp_guest_crash(g, FL_SIM_KILLED);
	forget(g);
	otp_buf_free(&g->epmd_answer);
	free(g);
}

otp_node *otp_guest_node(otp_guest *g)
{
	return g->node;
}

const char *otp_guest_name(const otp_guest *g)
{
	return g->name;
}
