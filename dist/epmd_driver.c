/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's registration in epmd, over a network.
 *
 *  - Dial epmd on this machine, send the request, keep the socket for life.
 *  - Lost: again each two seconds, with the creation of the first time.
 *
 * What goes wrong at the start: nothing listens. Then a daemon is started (`auto`) and asked as
 * soon as it answers, or one is served in here (`embedded`, or where there is no program to start).
 * A name that is taken is final, and so are FLI_EPMD_STEP_MS without success.
 */

#include "dist/epmd_driver.h"

#include "dist/epmd_spawn.h"

/* A daemon that was just started answers after some milliseconds. */
enum { QUICK_MS = 10, QUICK_TRIES = 200 };
enum { SWEEP_MS = 1000 };

static void obey(fli_epmd_driver *driver, fli_epmd_todo todo);

static uint64_t now_of(const fli_epmd_driver *driver)
{
	const fli_port *port = driver->config.node->port;

	return port->now_ns(port) / 1000000;
}

static void close_sock(fli_epmd_driver *driver)
{
	fli_sock_close(driver->sock);
	driver->sock = NULL;
}

static bool fill_random(void *context, void *ret_bytes, size_t size)
{
	const fli_port *port = ((fli_epmd_driver *)context)->config.node->port;

	port->random(port, ret_bytes, size);
	return true;
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void on_open(void *owner)
{
	fli_epmd_driver *driver = owner;

	fli_buf_clear(&driver->out, 1024);
	obey(driver, fli_epmd_registration_connected(&driver->reg, now_of(driver), &driver->out));
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	fli_epmd_driver *driver = owner;

	obey(driver, fli_epmd_registration_feed(&driver->reg, data, size, now_of(driver)));
}

static void on_end(void *owner, int code, const char *why)
{
	fli_epmd_driver *driver = owner;

	driver->was_refused = code == FL_EREFUSED;
	obey(driver, fli_epmd_registration_lost(&driver->reg, why, now_of(driver)));
}

static void dial(fli_epmd_driver *driver)
{
	static const fli_sock_events events = {
		.on_open = on_open, .on_read = on_read, .on_end = on_end};
	fli_net *net = driver->config.net;
	int rc;

	close_sock(driver);
	driver->was_refused = false;
	rc = net->dial(net, fli_epmd_near(&driver->config), driver->config.port, &driver->sock);
	if (rc == FL_OK)
		fli_sock_own(driver->sock, &events, driver);
	else
		obey(driver, fli_epmd_registration_lost(
				     &driver->reg, fl_error_text(rc), now_of(driver)));
}

/* ---- nobody answers -------------------------------------------------------------------------- */

static uint64_t unix_s(void *ctx)
{
	const fl_node *node = ctx;

	return (uint64_t)(node->port->wall_us(node->port) / 1000000);
}

static uint64_t node_now_ms(void *ctx)
{
	const fl_node *node = ctx;

	return node->port->now_ns(node->port) / 1000000;
}

static bool serve_here(fli_epmd_driver *driver)
{
	/* the first must be free; others may be missing on this machine */
	static const char *const near[] = {"127.0.0.1", "127.0.1.1", "::1"};
	static const char *const all[] = {"0.0.0.0", "::"};
	fl_node *node = driver->config.node;
	const fli_epmd_embedded_config config = {.net = driver->config.net,
		.mem = node->mem,
		.addresses = driver->config.is_open ? all : near,
		.addresses_count = driver->config.is_open ? 2 : 3,
		.port = driver->config.port,
		.seed = node->seed,
		.now_ms = node_now_ms,
		.unix_s = unix_s,
		.ctx = node};

	if (driver->here != NULL)
		return false;
	if (fli_epmd_embedded_open(&config, &driver->here, NULL) != FL_OK)
		return false;
	fli_log_write(&node->log, FLI_INFO, "epmd: served by this node, port %u",
		(unsigned)driver->config.port);
	fli_wheel_start(&node->wheel, &driver->sweep, now_of(driver) + SWEEP_MS);
	return true;
}

static void on_sweep(fli_timer *timer)
{
	fli_epmd_driver *driver = fli_container_of(timer, fli_epmd_driver, sweep);

	fli_epmd_embedded_sweep(driver->here);
	fli_wheel_start(&driver->config.node->wheel, &driver->sweep, now_of(driver) + SWEEP_MS);
}

static bool spawn(const fli_epmd_driver *driver)
{
	const fli_epmd_spawn_how how = {.program = driver->config.program,
		.port = driver->config.port,
		.is_open = driver->config.is_open};

	return fli_epmd_spawn(&how);
}

/* True when there is reason to ask again soon. */
static bool help_out(fli_epmd_driver *driver)
{
	if (!driver->was_refused)
		return false;
	if (driver->config.may_spawn && !driver->has_spawned) {
		driver->has_spawned = true;
		driver->quick_tries = 0;
		if (spawn(driver))
			return true;
		return serve_here(driver);
	}
	if (driver->has_spawned && driver->quick_tries < QUICK_TRIES)
		return true;
	return driver->config.is_embedded && serve_here(driver);
}

static void give_up(fli_epmd_driver *driver)
{
	close_sock(driver);
	fli_wheel_stop(&driver->timer);
	fli_wheel_stop(&driver->limit);
	driver->error = driver->reg.error;
	if (driver->was_refused)
		driver->error.code = FL_EREFUSED;
	driver->outcome = FLI_EPMD_FAILED;
}

static void again(fli_epmd_driver *driver)
{
	uint64_t due = driver->reg.deadline_ms;

	close_sock(driver);
	if (help_out(driver)) {
		driver->quick_tries++;
		due = now_of(driver) + QUICK_MS;
	} else if (driver->outcome == FLI_EPMD_PENDING) {
		give_up(driver);
		return;
	}
	fli_wheel_start(&driver->config.node->wheel, &driver->timer, due);
}

/* ---- the course of it ------------------------------------------------------------------------ */

static void send_out(fli_epmd_driver *driver)
{
	int64_t size = (int64_t)driver->out.size;

	if (fli_sock_write(driver->sock, driver->out.data, driver->out.size) == size)
		fli_wheel_start(
			&driver->config.node->wheel, &driver->timer, driver->reg.deadline_ms);
	else
		obey(driver, fli_epmd_registration_lost(
				     &driver->reg, "the socket takes nothing", now_of(driver)));
}

static void registered(fli_epmd_driver *driver)
{
	fli_wheel_stop(&driver->timer);
	fli_wheel_stop(&driver->limit);
	driver->has_spawned = false;
	if (driver->outcome != FLI_EPMD_PENDING) {
		fli_log_write(&driver->config.node->log, FLI_NOTICE, "registered in epmd again");
		return;
	}
	driver->outcome = FLI_EPMD_DONE;
	if (driver->config.on_registered != NULL)
		driver->config.on_registered(driver->config.ctx);
}

static void obey(fli_epmd_driver *driver, fli_epmd_todo todo)
{
	switch (todo) {
	case FLI_EPMD_NOTHING: break;
	case FLI_EPMD_CONNECT:
		fli_wheel_start(
			&driver->config.node->wheel, &driver->timer, driver->reg.deadline_ms);
		dial(driver);
		break;
	case FLI_EPMD_SEND: send_out(driver); break;
	case FLI_EPMD_REGISTERED: registered(driver); break;
	case FLI_EPMD_RETRY: again(driver); break;
	case FLI_EPMD_TAKEN: give_up(driver); break;
	}
}

/* Early tries are made by calling the deadline reached. */
static void on_timer(fli_timer *timer)
{
	fli_epmd_driver *driver = fli_container_of(timer, fli_epmd_driver, timer);
	uint64_t now = now_of(driver);

	if (driver->reg.phase == FLI_EPMD_WAITING && now < driver->reg.deadline_ms)
		now = driver->reg.deadline_ms;
	obey(driver, fli_epmd_registration_timer(&driver->reg, now));
}

static void on_limit(fli_timer *timer)
{
	fli_epmd_driver *driver = fli_container_of(timer, fli_epmd_driver, limit);

	if (driver->reg.error.code == FL_OK)
		(void)fl_error_set(&driver->reg.error, FL_ETIMEOUT,
			"epmd on port %u does not answer", (unsigned)driver->config.port);
	give_up(driver);
}

int fli_epmd_driver_start(fli_epmd_driver *driver, const fli_epmd_config *config,
	const fli_node_name *name, uint16_t port, bool is_visible)
{
	*driver = (fli_epmd_driver){.config = *config};
	fli_timer_create(&driver->timer, on_timer);
	fli_timer_create(&driver->limit, on_limit);
	fli_timer_create(&driver->sweep, on_sweep);
	fli_buf_create(&driver->out, config->node->mem, 0);
	fli_epmd_registration_create(&driver->reg, name, port, is_visible);
	fli_epmd_registration_set_random(&driver->reg, fill_random, driver);
	fli_wheel_start(&config->node->wheel, &driver->limit, now_of(driver) + FLI_EPMD_STEP_MS);
	obey(driver, fli_epmd_registration_start(&driver->reg, now_of(driver)));
	return FL_OK;
}

void fli_epmd_driver_stop(fli_epmd_driver *driver)
{
	if (driver->config.node == NULL)
		return;
	fli_wheel_stop(&driver->timer);
	fli_wheel_stop(&driver->limit);
	fli_wheel_stop(&driver->sweep);
	close_sock(driver);
	if (driver->here != NULL)
		fli_epmd_embedded_close(driver->here);
	driver->here = NULL;
	fli_buf_destroy(&driver->out);
	driver->config.node = NULL;
}
