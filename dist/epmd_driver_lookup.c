/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look-up in the epmd of another node's host: dial, ask, read to the answer, close.
 *
 * The epmd of our own host is asked over loopback, since it may listen nowhere else. What goes
 * wrong is told in the words of the look-up itself, once, to the owner.
 */

#include <string.h>

#include "dist/epmd_driver.h"

struct fli_lookup {
	fli_epmd_config config;
	fli_epmd_lookup lookup;
	fli_node_name name;
	fli_sock *sock;
	fli_timer timer;
	fli_buf out;
	fli_lookup_done *done;
	void *owner;
};

static void release(fli_lookup *lookup)
{
	fli_wheel_stop(&lookup->timer);
	fli_sock_close(lookup->sock);
	fli_buf_destroy(&lookup->out);
	fli_free(lookup->config.node->mem, lookup);
}

/* Tells the owner if that was the end. */
static void settle(fli_lookup *lookup, fli_epmd_lookup_state state)
{
	fli_lookup_done *done = lookup->done;
	void *owner = lookup->owner;
	fl_error err = lookup->lookup.error;
	uint16_t port = state == FLI_LOOKUP_FOUND ? lookup->lookup.port : 0;

	if (state == FLI_LOOKUP_MORE)
		return;
	release(lookup);
	done(owner, port, &err);
}

static void on_open(void *owner)
{
	fli_lookup *lookup = owner;

	if (fli_sock_write(lookup->sock, lookup->out.data, lookup->out.size) !=
		(int64_t)lookup->out.size)
		settle(lookup, fli_epmd_lookup_lost(&lookup->lookup, "the socket takes nothing"));
}

static void on_read(void *owner, const uint8_t *data, size_t size)
{
	fli_lookup *lookup = owner;

	settle(lookup, fli_epmd_lookup_feed(&lookup->lookup, data, size));
}

static void on_end(void *owner, int code, const char *why)
{
	fli_lookup *lookup = owner;

	(void)code; /* the text says it */
	settle(lookup, fli_epmd_lookup_lost(&lookup->lookup, why));
}

static void on_timer(fli_timer *timer)
{
	fli_lookup *lookup = fli_container_of(timer, fli_lookup, timer);

	settle(lookup, fli_epmd_lookup_lost(&lookup->lookup, "no answer in time"));
}

static bool is_own_host(const fl_node *node, const char *host)
{
	size_t size = strlen(host);

	return node->name.size > size && node->name.text[node->name.size - size - 1] == '@' &&
	       memcmp(node->name.text + node->name.size - size, host, size) == 0;
}

int fli_lookup_new(const fli_lookup_start *start, fli_lookup **ret_lookup)
{
	static const fli_sock_events events = {
		.on_open = on_open, .on_read = on_read, .on_end = on_end};
	fl_node *node = start->config->node;
	fli_net *net = start->config->net;
	const char *host = fli_node_name_host(start->name);
	fli_lookup *lookup = fli_zalloc(node->mem, sizeof *lookup);
	int rc;

	if (lookup == NULL)
		return FL_ENOMEM;
	lookup->config = *start->config;
	lookup->done = start->done;
	lookup->owner = start->owner;
	fli_timer_create(&lookup->timer, on_timer);
	fli_buf_create(&lookup->out, node->mem, 0);
	if (fli_epmd_lookup_start(&lookup->lookup, start->name, &lookup->out) != FLI_LOOKUP_MORE)
		rc = lookup->lookup.error.code;
	else
		rc = net->dial(net, is_own_host(node, host) ? fli_epmd_near(&lookup->config) : host,
			start->config->port, &lookup->sock);
	if (rc != FL_OK) {
		release(lookup);
		return rc;
	}
	fli_sock_own(lookup->sock, &events, lookup);
	fli_wheel_start(&node->wheel, &lookup->timer,
		node->port->now_ns(node->port) / 1000000 + start->config->step_ms);
	*ret_lookup = lookup;
	return FL_OK;
}

void fli_lookup_cancel(fli_lookup *lookup)
{
	release(lookup);
}
