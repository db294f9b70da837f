/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epmd with sockets.
 *
 *  - A connection asks one question; the answer is written and the connection closed, unless it
 * holds a name.
 *  - A long answer (names of a thousand nodes) is queued, and the connection closed when it is out.
 *
 * What goes wrong: over the limits, or not done in time, a connection is closed without a word, as
 * OTP's epmd does.
 */

#include "dist/epmd_embedded.h"

enum { ADDRESSES_MAX = 17 }; /* of ERL_EPMD_ADDRESS, and loopback */

struct fli_epmd_embedded {
	fli_epmd_embedded_config config;
	fli_epmd_server server;
	fli_listen *listens[ADDRESSES_MAX];
	size_t listens_count;
	fli_link guests;
	bool is_killed;
};

typedef struct guest {
	fli_link link;
	fli_epmd_embedded *host;
	fli_sock *sock;
	fli_epmd_conn conn;
	fli_buf out;
	bool ends; /* when the answer is out */
} guest;

static uint64_t now_of(const fli_epmd_embedded *host)
{
	return host->config.now_ms(host->config.ctx);
}

static void guest_delete(guest *g)
{
	fli_list_remove(&g->link);
	fli_epmd_conn_close(&g->conn, now_of(g->host));
	fli_sock_close(g->sock);
	fli_buf_destroy(&g->out);
	fli_free(g->host->config.mem, g);
}

/* Writes the answer; false: the guest is gone. */
static bool answer(guest *g)
{
	int64_t taken = g->out.size == 0 ? 0 : fli_sock_write(g->sock, g->out.data, g->out.size);

	if (taken >= 0 && (size_t)taken == g->out.size) {
		fli_buf_clear(&g->out, 0);
		if (!g->ends)
			return true;
	} else if (taken >= 0 && fli_sock_queue(g->sock, g->out.data + taken,
					 g->out.size - (size_t)taken) == FL_OK) {
		g->ends = true; /* only answers of connections that end are so long */
		return true;
	}
	guest_delete(g);
	return false;
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	guest *g = owner;
	fli_epmd_verdict verdict;

	if (g->ends)
		return;
	verdict = fli_epmd_conn_feed(&g->conn, data, size, now_of(g->host), &g->out);
	if (verdict == FLI_EPMD_END)
		g->host->is_killed = true;
	g->ends = verdict != FLI_EPMD_READ || g->out.failed;
	(void)answer(g);
}

static void on_written(void *owner, size_t size)
{
	(void)size;
	guest_delete(owner);
}

static void on_end(void *owner, int code, const char *why)
{
	(void)code;
	(void)why;
	guest_delete(owner);
}

static void on_accept(void *ctx, fli_sock *sock)
{
	static const fli_sock_events events = {
		.on_read = on_read, .on_written = on_written, .on_end = on_end};
	fli_epmd_embedded *host = ctx;
	fli_epmd_source source = {.is_local = sock->peer.is_local, .fd = sock->fd};
	guest *g = fli_zalloc(host->config.mem, sizeof *g);

	if (g == NULL) {
		fli_sock_close(sock);
		return;
	}
	fli_address_origin(&sock->peer, source.address);
	if (fli_epmd_conn_open(&g->conn, &host->server, &source, now_of(host)) != FL_OK) {
		fli_sock_close(sock);
		fli_free(host->config.mem, g);
		return;
	}
	g->host = host;
	g->sock = sock;
	fli_buf_create(&g->out, host->config.mem, 0);
	fli_list_append(&host->guests, &g->link);
	fli_sock_own(sock, &events, g);
}

static void on_error(void *ctx, const char *why)
{
	(void)ctx; /* the one who asked sees that nobody answers, and asks again */
	(void)why;
}

static int listen_on(fli_epmd_embedded *host, const char *address, fl_error *err)
{
	const fli_listen_at at = {.address = address,
		.is_v6_only = true, /* "0.0.0.0" may be there, too */
		.port_min = host->config.port,
		.port_max = host->config.port,
		.on_accept = on_accept,
		.on_error = on_error,
		.ctx = host};
	uint16_t port;
	int rc;

	if (host->listens_count == ADDRESSES_MAX)
		return fl_error_set(err, FL_ELIMIT, "more than %d addresses", ADDRESSES_MAX);
	rc = host->config.net->listen(
		host->config.net, &at, &host->listens[host->listens_count], &port, err);
	if (rc == FL_OK)
		host->listens_count++;
	return rc;
}

int fli_epmd_embedded_open(
	const fli_epmd_embedded_config *config, fli_epmd_embedded **ret_embedded, fl_error *err)
{
	fli_epmd_embedded *host = fli_zalloc(config->mem, sizeof *host);
	fli_epmd_server_config server = {.mem = config->mem,
		.seed = config->seed,
		.now_ms = config->now_ms(config->ctx),
		.unix_s = config->unix_s(config->ctx),
		.port = config->port,
		.allows_kill = config->allows_kill,
		.limits = FLI_EPMD_LIMITS_DEFAULT};
	int rc;

	if (host == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	host->config = *config;
	fli_list_create(&host->guests);
	fli_epmd_server_create(&host->server, &server);
	rc = listen_on(host, config->addresses[0], err);
	if (rc != FL_OK) {
		fli_epmd_embedded_close(host);
		return rc;
	}
	/* the others may be missing on this machine (IPv6 off), which is no failure */
	for (size_t i = 1; i < config->addresses_count; i++)
		(void)listen_on(host, config->addresses[i], NULL);
	*ret_embedded = host;
	return FL_OK;
}

void fli_epmd_embedded_close(fli_epmd_embedded *host)
{
	for (size_t i = 0; i < host->listens_count; i++)
		host->config.net->unlisten(host->config.net, host->listens[i]);
	while (!fli_list_is_empty(&host->guests))
		guest_delete(fli_container_of(host->guests.next, guest, link));
	fli_epmd_server_destroy(&host->server);
	fli_free(host->config.mem, host);
}

void fli_epmd_embedded_sweep(fli_epmd_embedded *host)
{
	uint64_t now = now_of(host);
	fli_link *next;

	for (fli_link *at = host->guests.next; at != &host->guests; at = next) {
		guest *g = fli_container_of(at, guest, link);

		next = at->next;
		if (fli_epmd_conn_is_late(&g->conn, now))
			guest_delete(g);
	}
}

uint64_t fli_epmd_embedded_idle_since(const fli_epmd_embedded *host)
{
	return fli_epmd_server_idle_since(&host->server);
}

bool fli_epmd_embedded_is_killed(const fli_epmd_embedded *host)
{
	return host->is_killed;
}
