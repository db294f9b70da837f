/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to a singleton from C, which wait while it is between two nodes.
 *
 *  - Somebody has the name: an fl_call as any other.
 *  - Nobody has: the caller waits at the node's proxy, which looks for the name whenever names have
 *    changed, at most once in LOOK_MS, and lets all go on in their order. It is started by the
 * first who waits, and stays.
 *
 * What goes wrong: too many wait, or nobody comes: no_singleton. A server that ended before it
 * answered may have done what it was asked for, so that call is over, as any other.
 */
#include <string.h>

#include "dist/names_watch.h"
#include "flitch/global.h"
#include "flitch/singleton.h"
#include "node/owned.h"
#include "node/sched.h"

#define NAME "flitch_singletons"

enum {
	TTL_MS = 5000,
	BUFFER = 100,
	LOOK_MS = 20,        /* at least between two looks at all that wait */
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
	fli_names_watch *watch;
	bool is_due;      /* names have changed since the last look */
	uint64_t look_ms; /* not before then */
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

static void look_at_all(fl_proc *self, proxy *p, uint64_t now_ms)
{
	waiter **at = &p->first, *w;

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
}

static uint64_t next_end_ms(const proxy *p)
{
	uint64_t next_ms = UINT64_MAX;

	for (const waiter *w = p->first; w != NULL; w = w->next)
		next_ms = w->end_ms < next_ms ? w->end_ms : next_ms;
	return next_ms;
}

/* Looks if that is due, and says when the next time is. */
static void look(fl_proc *self, proxy *p)
{
	uint64_t now_ms = fl_now_ms(self), next_ms = next_end_ms(p);

	if ((p->is_due || now_ms >= next_ms) && now_ms >= p->look_ms) {
		p->is_due = false;
		p->look_ms = now_ms + LOOK_MS;
		look_at_all(self, p, now_ms);
		next_ms = next_end_ms(p);
	}
	if (p->is_due || next_ms < p->look_ms)
		next_ms = p->look_ms;
	if (p->first != NULL)
		fl_next_timeout(self, next_ms <= now_ms ? 0
							: (uint32_t)(next_ms - now_ms < INT32_MAX
									     ? next_ms - now_ms
									     : INT32_MAX));
}

/* ---- handlers -------------------------------------------------------------------------------- */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	proxy *p = state;

	(void)args; /* none */
	p->watch = fli_names_watch_new(self, (fl_term){.data = NULL});
	return p->watch == NULL ? fl_stop(self, "enomem") : FL_OK;
}

/* Somebody may have come since the caller looked. */
static int wait(fl_proc *self, proxy *p, fl_from from, waiter *w, uint32_t ttl_ms)
{
	w->from = from;
	w->end_ms = fl_now_ms(self) + ttl_ms;
	p->is_due = true;
	look(self, p);
	return fl_later(self, from); /* it may have been answered already */
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	proxy *p = state;
	uint32_t ttl_ms, buffer;
	waiter *w = NULL;
	fl_term name;

	if (!fl_match(request, "{wait, ~, ~, ~}", &name, &ttl_ms, &buffer)) {
		look(self, p);
		return fl_reply(from, "{error, bad_request}");
	}
	if (count_of(fl_self_node(self), p, name) >= buffer || p->count >= WAITERS_MAX)
		look_at_all(self, p, fl_now_ms(self)); /* callers that gave up make room */
	if (count_of(fl_self_node(self), p, name) < buffer)
		w = add(self, p, name);
	if (w != NULL)
		return wait(self, p, from, w, ttl_ms);
	look(self, p);
	return fl_reply(from, "no");
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)message; /* nobody has a reason to */
	look(self, state);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	proxy *p = state;

	if (fl_match(message, FLI_NAMES_CHANGED)) {
		fli_names_watch_take(p->watch);
		p->is_due = true;
	}
	look(self, p);
	return FL_OK;
}

static int on_timeout(fl_proc *self, void *state)
{
	look(self, state);
	return FL_OK;
}

static const fl_behaviour behaviour = {.name = NAME,
	.state_size = sizeof(proxy),
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.timeout = on_timeout};

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
