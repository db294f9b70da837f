/* SPDX-License-Identifier: Apache-2.0 */
/* net_kernel: whoever got through the handshake is authenticated, so the answer to a ping is yes.
 */
#include "dist/net_kernel.h"

#include "dist/dist.h"
#include "node/sched.h"

/* Names are long when the host has a dot, or is an address of IPv6. */
static bool has_long_name(fl_atom node)
{
	const char *host = memchr(node.text, '@', node.size);
	size_t left = host == NULL ? 0 : node.size - (size_t)(host - node.text);

	return left > 0 && (memchr(host, '.', left) != NULL || memchr(host, ':', left) != NULL);
}

static uint32_t tick_seconds(fl_node *node)
{
	uint32_t ms;

	fli_enter(node);
	ms = node->dist == NULL ? 60000 : fli_dist_tick_ms(fli_dist_of(node));
	fli_leave(node);
	return ms / 1000;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_node *node = fl_self_node(self);

	(void)state; /* it has none */
	if (fl_match(request, "{is_auth, _}"))
		return fl_reply(from, "yes");
	if (fl_match(request, "nodename"))
		return fl_reply(from, "~", node->name);
	if (fl_match(request, "longnames"))
		return fl_reply(from, "~", fl_bool(has_long_name(node->name)));
	if (fl_match(request, "ticktime"))
		return fl_reply(from, "~", tick_seconds(node));
	return fl_reply(from, "{error, notsup}");
}

static int ignore(fl_proc *self, void *state, fl_term message)
{
	(void)self; /* nothing that is sent here asks for more */
	(void)state;
	(void)message;
	return FL_OK;
}

const fl_behaviour fli_net_kernel = {
	.name = "net_kernel", .call = on_call, .cast = ignore, .info = ignore};
