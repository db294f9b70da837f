/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_guest.h"

#include <stdlib.h>
#include <string.h>

#define PORT 5000

static void note(observer *o, char what)
{
	if (o->log_size + 1 < sizeof o->log)
		o->log[o->log_size++] = what;
}

static void on_accept(void *ctx, fli_guest_conn conn, uint16_t port)
{
	observer *o = ctx;

	(void)port;
	o->conn = conn;
	note(o, 'A');
}

static void on_open(void *ctx, fli_guest_conn conn)
{
	observer *o = ctx;

	o->conn = conn;
	note(o, 'o');
}

static void on_read(void *ctx, fli_guest_conn conn, const uint8_t *data, size_t size)
{
	observer *o = ctx;

	(void)conn;
	if (o->in_size + size > sizeof o->in)
		abort();
	memcpy(o->in + o->in_size, data, size);
	o->in_size += size;
	o->read_max = size > o->read_max ? size : o->read_max;
	o->reads++;
	o->read_ms = fl_sim_now_ms(o->sim);
	note(o, 'r');
}

static void on_end(void *ctx, fli_guest_conn conn, int code)
{
	observer *o = ctx;

	(void)conn;
	o->code = code;
	o->ended_ms = fl_sim_now_ms(o->sim);
	note(o, 'e');
}

static void on_timer(void *ctx, uint64_t id)
{
	(void)id;
	note(ctx, 't');
}

observer *observer_new(fl_sim *sim, const char *host)
{
	static const fli_guest_events events = {.on_accept = on_accept,
		.on_open = on_open,
		.on_read = on_read,
		.on_end = on_end,
		.on_timer = on_timer};
	observer *o = calloc(1, sizeof *o);

	if (o == NULL)
		abort();
	o->sim = sim;
	o->guest = fli_guest_add(sim, host, &events, o);
	return o;
}

void observer_delete(observer *o)
{
	free(o);
}

void observers_connect(observer *from, observer *to)
{
	(void)fli_guest_listen(to->guest, PORT, NULL); /* taken: it listens already */
	from->conn = fli_guest_dial(from->guest, fli_guest_host(to->guest), PORT);
	fl_sim_run(from->sim, 10);
}

void observer_write(observer *o, size_t size)
{
	uint8_t *bytes = malloc(size);

	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i % 251);
	if (fli_guest_write(o->guest, o->conn, bytes, size) != FL_OK)
		note(o, '!');
	free(bytes);
}

bool observer_is_whole(const observer *o)
{
	for (size_t i = 0; i < o->in_size; i++) {
		if (o->in[i] != (uint8_t)(i % 251))
			return false;
	}
	return true;
}
