/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t now_ns(const fli_port *port)
{
	return fli_container_of(port, world, port)->now_ms * 1000000;
}

static int64_t wall_us(const fli_port *port)
{
	return (int64_t)now_ns(port) / 1000;
}

/* Repeatable on purpose. */
static void random_bytes(const fli_port *port, void *ret_bytes, size_t size)
{
	(void)port;
	memset(ret_bytes, 0x5a, size);
}

static void on_line(void *ctx, fli_level level, const char *line, size_t size)
{
	world *w = ctx;
	size_t used = strlen(w->log);

	(void)level;
	if (used + size + 2 < sizeof w->log)
		(void)snprintf(w->log + used, sizeof w->log - used, "%.*s\n", (int)size, line);
}

void world_open(world *w, fli_mem *mem)
{
	fli_limits limits = fli_limits_default();

	*w = (world){.now_ms = 1000};
	w->port = (fli_port){.now_ns = now_ns, .wall_us = wall_us, .random = random_bytes};
	limits.poison = true;
	if (fli_node_create(&w->node, "test@localhost", &limits, &w->port, mem) != FL_OK)
		abort();
	fli_log_create(&w->node->log, on_line, w, FLI_DEBUG);
}

void world_close(world *w)
{
	fli_enter(w->node);
	fli_node_delete(w->node);
}

void world_settle(world *w)
{
	fli_drive_begin(w->node);
	while (fli_node_turn(w->node, w->now_ms) == FLI_TURN_MORE)
		;
	fli_drive_end(w->node);
}

void world_pass(world *w, uint64_t ms)
{
	w->now_ms += ms;
	world_settle(w);
}

fl_pid world_start(world *w, const fl_behaviour *behaviour, const char *name, int *ret_rc)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = behaviour, .name = name};
	fl_proc *proc;
	fl_pid pid = {.id = 0};
	int rc;

	fli_enter(w->node);
	rc = fli_proc_start(w->node, &how, (fl_term){.data = nil, .size = sizeof nil}, &proc, NULL);
	if (rc == FL_OK)
		pid = fli_proc_pid(proc);
	fli_leave(w->node);
	if (ret_rc != NULL)
		*ret_rc = rc;
	return pid;
}

void world_send(world *w, const char *name, const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err;
	fl_dest to = fl_to_name(name);

	if (fl_read(&buf, text, strlen(text), &err) != FL_OK)
		abort();
	fli_enter(w->node);
	(void)fli_send_term(w->node, NULL, &to, fl_buf_term(&buf));
	fli_leave(w->node);
	fl_buf_free(&buf);
	world_settle(w);
}

bool world_is_alive(world *w, const fl_pid *pid)
{
	return fli_proc_of(w->node, pid) != NULL;
}
