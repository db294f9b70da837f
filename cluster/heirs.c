/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks ten times a second who has the names that were lost, as long as any is waited for; not more
 * often, whatever messages come.
 *
 * What goes wrong: a name that nobody takes, for a while; what was given is dropped then, and the
 * log says so. The loser still has it.
 */
#include "cluster/heirs.h"

#include <string.h>

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
	uint64_t look_ms; /* when they are looked at again */
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

static void look(fl_proc *self, heirs *h)
{
	uint64_t now_ms = fl_now_ms(self);

	if (now_ms >= h->look_ms) {
		h->look_ms = now_ms + FLI_HEIRS_LOOK_MS;
		look_at_all(self, h);
	}
	if (h->count > 0)
		fl_next_timeout(self, (uint32_t)(h->look_ms - now_ms));
}

/* ---- handlers -------------------------------------------------------------------------------- */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	heirs *h = state;

	(void)self;
	(void)args; /* none */
	fli_list_create(&h->waiting);
	return FL_OK;
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	heirs *h = state;
	fl_term name, what;
	fl_pid loser;
	estate *e;

	/* from a loser itself: other nodes have no part in it */
	if (fl_atom_eq(fl_sender_node(self), self->node->name) &&
		fl_match(message, "{lost, ~, ~, ~}", &name, &loser, &what) &&
		fli_pid_is_local(self->node, &loser)) {
		e = make(self, h, name, what);
		if (e == NULL) {
			complain(self, name, "too much waits already");
		} else {
			e->loser = loser;
			e->loser.node = self->node->name;
			e->end_ms = fl_now_ms(self) + FLI_HEIRS_MS;
		}
	}
	look(self, h);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)message; /* nobody has a reason to */
	look(self, state);
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
