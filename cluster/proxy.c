/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to a singleton from C, which wait while it is between two nodes.
 *
 *  - Somebody has the name: an fl_call as any other.
 *  - Nobody has: the caller waits at the node's proxy, which looks for the name and lets all go on
 *    in their order. It is started by the first who waits, and stays.
 *
 * What goes wrong: too many wait, or nobody comes: no_singleton. A server that ended before it
 * answered may have done what it was asked for, so that call is over, as any other.
 */
#include <string.h>

#include "dist/global_service.h"
#include "flitch/global.h"
#include "flitch/singleton.h"
#include "node/owned.h"
#include "node/sched.h"

#define NAME "flitch_singletons"

enum {
	TTL_MS = 5000,
	BUFFER = 100,
	LOOK_MS = 20,
	WAITERS_MAX = 10000, /* of all names */
	NAME_BYTES_MAX = 64 * 1024
};

typedef struct waiter {
	struct waiter *next;
	fl_from from;
	uint64_t end_ms;
	size_t size;
	uint8_t name[];
} waiter;

typedef struct proxy {
	waiter *first;
	uint32_t count;
	bool is_looking;
} proxy;

static fl_term name_of(const fl_node *node, const waiter *w)
{
	return fli_term(node, w->name, w->size);
}

/* ---- the proxy ------------------------------------------------------------------------------- */

static uint32_t count_of(const fl_node *node, const proxy *p, fl_term name)
{
	uint32_t count = 0;

	for (const waiter *w = p->first; w != NULL; w = w->next)
		count += fl_equal(name_of(node, w), name) ? 1 : 0;
	return count;
}

static waiter *add(fl_proc *self, proxy *p, fl_term name)
{
	waiter **at = &p->first, *w;

	if (p->count >= WAITERS_MAX || name.size > NAME_BYTES_MAX)
		return NULL;
	fli_enter(self->node);
	w = fli_owned_alloc(self, sizeof *w + name.size);
	fli_leave(self->node);
	if (w == NULL)
		return NULL;
	memset(w, 0, sizeof *w);
	w->size = name.size;
	memcpy(w->name, name.data, name.size);
	while (*at != NULL)
		at = &(*at)->next;
	*at = w;
	p->count++;
	return w;
}

static void look_soon(fl_proc *self, proxy *p)
{
	if (p->first != NULL && !p->is_looking)
		p->is_looking = fl_send_after(self, LOOK_MS, fl_self(self), NULL, "look") == FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	proxy *p = state;
	uint32_t ttl_ms, buffer;
	waiter *w = NULL;
	fl_term name;

	if (!fl_match(request, "{wait, ~, ~, ~}", &name, &ttl_ms, &buffer))
		return fl_reply(from, "{error, bad_request}");
	if (count_of(fl_self_node(self), p, name) < buffer)
		w = add(self, p, name);
	if (w == NULL)
		return fl_reply(from, "no");
	w->from = from;
	w->end_ms = fl_now_ms(self) + ttl_ms;
	look_soon(self, p);
	return fl_later(self, from);
}

/* True: it waits no more. */
static bool is_over(fl_proc *self, const waiter *w, uint64_t now_ms)
{
	fl_pid pid;

	if (!fl_from_alive(w->from))
		return true;
	if (!fl_global_whereis(self, &pid, "~", name_of(fl_self_node(self), w)) &&
		now_ms < w->end_ms)
		return false;
	(void)fl_reply(w->from, now_ms < w->end_ms ? "yes" : "no"); /* he may be gone */
	return true;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	proxy *p = state;
	waiter **at = &p->first, *w;
	uint64_t now_ms = fl_now_ms(self);

	if (!fl_match(message, "look"))
		return FL_OK;
	p->is_looking = false;
	while ((w = *at) != NULL) {
		if (!is_over(self, w, now_ms)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		p->count--;
		fli_enter(self->node);
		fli_owned_free(w);
		fli_leave(self->node);
	}
	look_soon(self, p);
	return FL_OK;
}

static const fl_behaviour behaviour = {
	.name = NAME, .state_size = sizeof(proxy), .call = on_call, .info = on_info};

/* ---- a call ---------------------------------------------------------------------------------- */

/* Waits until somebody has the name. */
static bool wait_for(fl_proc *self, fl_term name, uint32_t ttl_ms, uint32_t buffer)
{
	const fl_start_options options = {.name = NAME};
	fl_term reply;
	fl_pid pid;

	if (!fl_whereis(self, NAME, &pid))
		(void)fl_start(self, &behaviour, &options, NULL, "[]"); /* somebody else may have */
	return fl_call(self, NAME, ttl_ms + 1000, &reply, "{wait, ~, ~, ~}", name, ttl_ms,
		       buffer) == FL_OK &&
	       fl_match(reply, "yes");
}

static fl_term no_singleton(const fl_proc *self)
{
	static const uint8_t term[] = {104, 2, 119, 5, 'e', 'r', 'r', 'o', 'r', 119, 12, 'n', 'o',
		'_', 's', 'i', 'n', 'g', 'l', 'e', 't', 'o', 'n'};

	return fli_term(fl_self_node(self), term, sizeof term);
}

static int ask(fl_proc *self, const fl_singleton_ask *how, fl_term name, fl_term *ret_reply,
	fl_spec request)
{
	uint32_t ttl_ms = how->ttl_ms == 0 ? TTL_MS : how->ttl_ms;
	uint32_t buffer = how->buffer == 0 ? BUFFER : how->buffer;
	uint64_t end_ms = fl_now_ms(self) + ttl_ms, now_ms;
	fl_pid pid;

	while ((now_ms = fl_now_ms(self)) < end_ms) {
		int rc = FL_ENOPROC;

		if (fl_global_whereis(self, &pid, "~", name))
			rc = fl_call_spec(
				self, fl_to_pid(pid), how->timeout_ms, ret_reply, request);
		if (rc != FL_ENOPROC)
			return rc;
		/* nobody was there to be asked */
		if (!wait_for(self, name, (uint32_t)(end_ms - now_ms), buffer))
			break;
	}
	*ret_reply = no_singleton(self);
	return FL_EBUSY;
}

int fl_singleton_call_spec(
	fl_proc *self, const fl_singleton_ask *how, fl_term *ret_reply, fl_spec request)
{
	fl_buf name = FL_BUF_INIT;
	int rc = fl_build(&name, how->name);

	if (rc == FL_OK)
		rc = ask(self, how, fl_buf_term(&name), ret_reply, request);
	fl_buf_free(&name);
	return rc;
}
