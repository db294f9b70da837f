/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks who has a name when it comes, and then whenever names have changed, as long as any is
 * waited for; not more often than ten times a second, whatever changes.
 *
 * What goes wrong: a name that nobody takes, for a while; what was given is dropped then, and the
 * log says so. The loser still has it.
 */
#include "cluster/heirs.h"

#include <string.h>

#include "dist/names_watch.h"
#include "flitch/global.h"
#include "node/conflict.h"
#include "node/owned.h"
#include "node/sched.h"
#include "node/silent.h"

typedef struct estate {
	fli_link link;
	fl_pid loser; /* its node is this one */
	uint64_t end_ms;
	size_t size, split;
	uint8_t bytes[]; /* the name, then the state */
} estate;

typedef struct heirs {
	fli_link waiting;
	uint32_t count;
	size_t bytes;
	fli_names_watch *watch;
	bool is_due;      /* names have changed since the last look */
	uint64_t look_ms; /* not before then */
} heirs;

/* ---- what waits ------------------------------------------------------------------------------ */

static bool has_room(const heirs *h, size_t size)
{
	return h->count < FLI_HEIRS_MAX && size <= FLI_HEIRS_BYTES_MAX - h->bytes;
}

static estate *make(fl_proc *self, heirs *h, fl_term name, fl_term state)
{
	size_t size = name.size + state.size;
	estate *e = NULL;

	if (has_room(h, size)) {
		fli_enter(self->node);
		e = fli_owned_alloc(self, sizeof *e + size);
		fli_leave(self->node);
	}
	if (e == NULL)
		return NULL;
	e->size = size;
	e->split = name.size;
	memcpy(e->bytes, name.data, name.size);
	memcpy(e->bytes + name.size, state.data, state.size);
	fli_list_append(&h->waiting, &e->link);
	h->count++;
	h->bytes += size;
	return e;
}

static void drop(fl_proc *self, heirs *h, estate *e)
{
	fli_list_remove(&e->link);
	h->count--;
	h->bytes -= e->size;
	fli_enter(self->node);
	fli_owned_free(e);
	fli_leave(self->node);
}

static void complain(fl_proc *self, fl_term name, const char *why)
{
	char text[128];

	fli_log_limited(&self->node->log, fl_now_ms(self), FLI_WARNING,
		"global: what a process here had under the name %s was not merged: %s",
		fl_print_to(text, sizeof text, name), why);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void look_at(fl_proc *self, heirs *h, estate *e)
{
	fl_term name = fli_term(self->node, e->bytes, e->split);
	fl_term state = fli_term(self->node, e->bytes + e->split, e->size - e->split);
	fl_pid holder;

	if (fl_global_whereis(self, &holder, "~", name) && !fl_pid_eq(&holder, &e->loser)) {
		(void)fl_send(self, holder, "{global_name_merge, ~, ~, ~}", name, e->loser, state);
		drop(self, h, e);
	} else if (fl_now_ms(self) >= e->end_ms) {
		complain(self, name, "nobody else took the name");
		drop(self, h, e);
	}
}

static void look_at_all(fl_proc *self, heirs *h)
{
	fli_link *next;

	for (fli_link *l = h->waiting.next; l != &h->waiting; l = next) {
		next = l->next;
		look_at(self, h, fli_container_of(l, estate, link));
	}
}

/* The first that waits ends first; it is looked at once more then. */
static uint64_t next_end_ms(const heirs *h)
{
	if (fli_list_is_empty(&h->waiting))
		return UINT64_MAX;
	return fli_container_of(h->waiting.next, estate, link)->end_ms;
}

static void look(fl_proc *self, heirs *h)
{
	uint64_t now_ms = fl_now_ms(self), next_ms;

	if ((h->is_due || now_ms >= next_end_ms(h)) && now_ms >= h->look_ms) {
		h->is_due = false;
		h->look_ms = now_ms + FLI_HEIRS_LOOK_MS;
		look_at_all(self, h);
	}
	next_ms = h->is_due ? h->look_ms : next_end_ms(h);
	if (next_ms < h->look_ms)
		next_ms = h->look_ms;
	if (h->count > 0)
		fl_next_timeout(self, next_ms > now_ms ? (uint32_t)(next_ms - now_ms) : 0);
}

/* ---- handlers -------------------------------------------------------------------------------- */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	heirs *h = state;

	(void)args; /* none */
	fli_list_create(&h->waiting);
	h->watch = fli_names_watch_new(self, (fl_term){.data = NULL});
	return h->watch == NULL ? fl_stop(self, "enomem") : FL_OK;
}

static void take(fl_proc *self, heirs *h, fl_pid loser, fl_term name, fl_term state)
{
	estate *e = make(self, h, name, state);

	if (e == NULL) {
		complain(self, name, "too much waits already");
		return;
	}
	e->loser = loser;
	e->loser.node = self->node->name;
	e->end_ms = fl_now_ms(self) + FLI_HEIRS_MS;
	look_at(self, h, e); /* somebody may have the name already */
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fl_term name, what;
	fl_pid loser;

	/* from a loser itself: other nodes have no part in it */
	if (fl_atom_eq(fl_sender_node(self), self->node->name) &&
		fl_match(message, "{lost, ~, ~, ~}", &name, &loser, &what) &&
		fli_pid_is_local(self->node, &loser))
		take(self, state, loser, name, what);
	look(self, state);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	heirs *h = state;

	if (fl_match(message, FLI_NAMES_CHANGED)) {
		fli_names_watch_take(h->watch);
		h->is_due = true;
	}
	look(self, h);
	return FL_OK;
}

static int on_timeout(fl_proc *self, void *state)
{
	look(self, state);
	return FL_OK;
}

static const fl_behaviour behaviour = {.name = FLI_HEIRS,
	.state_size = sizeof(heirs),
	.init = on_init,
	.call = fli_silent_call,
	.cast = on_cast,
	.info = on_info,
	.timeout = on_timeout};

int fli_heirs_open(fl_node *node)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = &behaviour, .name = FLI_HEIRS, .is_system = true};
	fl_proc *proc;

	return fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);
}
