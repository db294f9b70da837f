/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An epmd as a program.
 *
 * Loopback is always among its addresses, as with OTP's; unlike there it is all, unless more are
 * asked for: a list of nodes and ports is nobody's business outside.
 */

#include "dist/epmd_daemon.h"

#include <stdlib.h>
#include <string.h>

#include "dist/epmd_embedded.h"
#include "dist/socket.h"
#include "node/port.h"

enum { ADDRESSES_MAX = 14, TEXT_MAX = 1024, ROUND_MS = 1000 };

typedef struct daemon_addresses {
	char text[TEXT_MAX];
	const char *all[ADDRESSES_MAX + 3];
	size_t count;
} daemon_addresses;

static uint64_t now_ms(void *ctx)
{
	const fli_port *port = ctx;

	return port->now_ns(port) / 1000000;
}

static uint64_t unix_s(void *ctx)
{
	const fli_port *port = ctx;

	return (uint64_t)(port->wall_us(port) / 1000000);
}

/* `any` stands for all addresses of its kind. */
static bool covers(const char *any, const char *address)
{
	return strcmp(any, strchr(address, ':') == NULL ? "0.0.0.0" : "::") == 0;
}

static bool has(const daemon_addresses *addresses, const char *address)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (strcmp(addresses->all[i], address) == 0 || covers(addresses->all[i], address))
			return true;
	}
	return false;
}

static int read_addresses(daemon_addresses *ret, const char *text, fl_error *err)
{
	/* the second is what Debian gives a machine's own name */
	static const char *const near[] = {"127.0.0.1", "127.0.1.1", "::1"};
	char *save = NULL;

	if (text == NULL)
		text = getenv("ERL_EPMD_ADDRESS");
	if (text == NULL)
		text = "";
	if (strlen(text) >= sizeof ret->text)
		return fl_error_set(err, FL_ECONFIG, "the list of epmd's addresses is too long");
	memcpy(ret->text, text, strlen(text) + 1);
	ret->count = 0;
	for (char *at = strtok_r(ret->text, ", ", &save); at != NULL;
		at = strtok_r(NULL, ", ", &save)) {
		if (ret->count == ADDRESSES_MAX)
			return fl_error_set(
				err, FL_ECONFIG, "epmd has more than %d addresses", ADDRESSES_MAX);
		ret->all[ret->count++] = at;
	}
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		if (!has(ret, near[i]))
			ret->all[ret->count++] = near[i];
	}
	return FL_OK;
}

static uint32_t number(uint32_t given, const char *variable, uint32_t otherwise)
{
	const char *text = getenv(variable);
	char *end;
	unsigned long value;

	if (given != 0)
		return given;
	if (text == NULL || *text == '\0')
		return otherwise;
	value = strtoul(text, &end, 10);
	return *end == '\0' && value <= UINT32_MAX ? (uint32_t)value : otherwise;
}

static bool is_over(const fli_epmd_embedded *host, const fli_epmd_daemon_options *options,
	uint32_t idle_s, uint64_t now)
{
	uint64_t since = fli_epmd_embedded_idle_since(host);

	if (fli_epmd_embedded_is_killed(host))
		return true;
	/* relaxed: nothing else is handed over with it */
	if (options->is_stopped != NULL &&
		atomic_load_explicit(options->is_stopped, memory_order_relaxed))
		return true;
	return idle_s != 0 && since != UINT64_MAX && now >= since + (uint64_t)idle_s * 1000;
}

static void serve(
	fli_net *net, fli_epmd_embedded *host, const fli_epmd_daemon_options *options, void *port)
{
	uint32_t idle_s = number(options->idle_s, "FLITCH_EPMD_IDLE", 0);
	uint64_t swept = now_ms(port);

	while (!is_over(host, options, idle_s, now_ms(port))) {
		fli_socket_net_run(net, ROUND_MS);
		if (now_ms(port) - swept < ROUND_MS)
			continue;
		swept = now_ms(port);
		fli_epmd_embedded_sweep(host);
	}
}

int fli_epmd_daemon_run(const fli_epmd_daemon_options *options, fl_error *err)
{
	const fli_port *port = fli_port_system();
	const fli_socket_config sockets = {.mem = fli_mem_libc()};
	fli_epmd_embedded_config config = {.mem = fli_mem_libc(),
		.port = (uint16_t)number(options->port, "ERL_EPMD_PORT", FLI_EPMD_PORT),
		.allows_kill = options->allows_kill,
		.now_ms = now_ms,
		.unix_s = unix_s,
		.ctx = (void *)(uintptr_t)port};
	daemon_addresses addresses;
	fli_epmd_embedded *host;
	int rc = read_addresses(&addresses, options->addresses, err);

	if (rc != FL_OK)
		return rc;
	config.addresses = addresses.all;
	config.addresses_count = addresses.count;
	port->random(port, &config.seed, sizeof config.seed);
	rc = fli_socket_net_new(&sockets, &config.net);
	if (rc != FL_OK)
		return fl_error_set(err, rc, "epmd could not start: %s", fl_error_text(rc));
	rc = fli_epmd_embedded_open(&config, &host, err);
	if (rc == FL_OK) {
		if (options->on_ready != NULL)
			options->on_ready(options->ctx, config.port);
		serve(config.net, host, options, config.ctx);
		fli_epmd_embedded_close(host);
	}
	fli_socket_net_delete(config.net);
	return rc;
}
