/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `global` wants done: a list of acts, their terms one behind the other in one buffer.
 *
 * Failure: an act that finds no memory makes the whole core fail; half a protocol is worse than a
 * new start.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dist/global_state.h"

enum { LOG_TEXT_MAX = 1024, TERMS_KEEP = 1 << 16 };

/* ---- copies ---------------------------------------------------------------------------------- */

bool fli_blob_copy(fli_global *g, fli_blob *blob, fl_term term)
{
	fli_buf buf;

	fli_blob_free(g, blob);
	fli_buf_create(&buf, g->mem, 0);
	fli_write_term(&buf, term);
	if (buf.failed || buf.size == 0) {
		fli_buf_destroy(&buf);
		g->failed = true;
		return false;
	}
	*blob = (fli_blob){buf.data, buf.size};
	return true;
}

void fli_blob_free(fli_global *g, fli_blob *blob)
{
	fli_free(g->mem, blob->data);
	*blob = (fli_blob){.data = NULL};
}

bool fli_global_intern(fli_global *g, fl_atom text, fl_atom *ret_atom)
{
	if (fli_atoms_intern(g->config.atoms, text.text, text.size, ret_atom))
		return true;
	g->counters.refused++;
	return false;
}

/* ---- acts ------------------------------------------------------------------------------------ */

const fli_global_act *fli_global_acts(const fli_global *g, size_t *ret_count)
{
	*ret_count = g->acts_count;
	return g->acts;
}

fl_term fli_global_term(const fli_global *g, const fli_global_act *act)
{
	fl_term term = {.size = act->size, .atoms = g->config.atoms};

	if (act->size > 0) /* a buffer that was never written has no data */
		term.data = g->terms.data + act->at;
	return term;
}

void fli_global_acts_done(fli_global *g)
{
	g->acts_count = 0;
	fli_buf_clear(&g->terms, TERMS_KEEP);
}

static bool grow(fli_global *g)
{
	size_t capacity = g->acts_capacity == 0 ? 16 : 2 * g->acts_capacity;
	fli_global_act *acts = fli_realloc(g->mem, g->acts, capacity * sizeof *acts);

	if (acts == NULL)
		return false;
	g->acts = acts;
	g->acts_capacity = capacity;
	return true;
}

fli_global_act *fli_global_act_begin(fli_global *g, fli_global_do what, fli_global_role role)
{
	static fli_global_act nowhere; /* what is written there is lost with the core */
	fli_global_act *act;

	if (g->acts_count == g->acts_capacity && !grow(g)) {
		g->failed = true;
		return &nowhere;
	}
	act = &g->acts[g->acts_count++];
	*act = (fli_global_act){.what = what, .role = role, .at = g->terms.size};
	return act;
}

void fli_global_act_end(fli_global *g)
{
	if (g->failed || g->terms.failed || g->acts_count == 0) {
		g->failed = true;
		return;
	}
	g->acts[g->acts_count - 1].size = g->terms.size - g->acts[g->acts_count - 1].at;
}

void fli_global_put(fli_global *g, fl_spec term)
{
	if (fli_build_values(&g->terms, term.pattern, term.values, term.count) != FL_OK)
		g->failed = true;
}

static void end_with(fli_global *g, fl_spec message)
{
	fli_global_put(g, message);
	fli_global_act_end(g);
}

void fli_global_send(fli_global *g, fl_atom node, fl_spec message)
{
	fli_global_act_begin(g, FLI_GLOBAL_SEND, FLI_GLOBAL_SERVER)->node = node;
	end_with(g, message);
}

void fli_global_send_pid(fli_global *g, fli_global_role role, fl_pid pid, fl_spec message)
{
	fli_global_act_begin(g, FLI_GLOBAL_SEND_PID, role)->pid = pid;
	end_with(g, message);
}

void fli_global_cast_to(fli_global *g, fli_global_role role, fl_atom node, fl_spec message)
{
	fli_global_act_begin(g, FLI_GLOBAL_CAST, role)->node = node;
	end_with(g, message);
}

void fli_global_reply(fli_global *g, fl_from from, fl_spec reply)
{
	fli_global_act_begin(g, FLI_GLOBAL_REPLY, FLI_GLOBAL_SERVER)->from = from;
	end_with(g, reply);
}

void fli_global_simple(fli_global *g, fli_global_do what, fl_atom node)
{
	fli_global_act_begin(g, what, FLI_GLOBAL_SERVER)->node = node;
}

void fli_global_log(fli_global *g, fli_level level, const char *format, ...)
{
	char text[LOG_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fli_global_act_begin(g, FLI_GLOBAL_LOG, FLI_GLOBAL_SERVER)->level = level;
	fli_write_binary(&g->terms, text, strlen(text));
	fli_global_act_end(g);
}

/* ---- asking ---------------------------------------------------------------------------------- */

fli_global_ask *fli_global_ask_at(
	fli_global *g, fli_global_ask_for what, fl_atom node, const char *server, fl_spec request)
{
	fli_global_ask *ask = fli_zalloc(g->mem, sizeof *ask);
	fli_global_act *act;

	if (ask == NULL) {
		g->failed = true;
		return NULL;
	}
	ask->id = ++g->ask_next;
	ask->what = what;
	ask->node = node;
	fli_list_append(&g->asks, &ask->link);
	act = fli_global_act_begin(g, FLI_GLOBAL_ASK, FLI_GLOBAL_SERVER);
	act->node = node;
	act->server = server;
	act->id = ask->id;
	end_with(g, request);
	return ask;
}

void fli_global_asked(fli_global *g, uint64_t id, const fl_ref *ref)
{
	for (fli_link *l = g->asks.prev; l != &g->asks; l = l->prev) {
		fli_global_ask *ask = fli_container_of(l, fli_global_ask, link);

		if (ask->id == id) {
			ask->ref = *ref;
			return;
		}
	}
}

static fli_global_ask *take_ask(fli_global *g, const fl_ref *ref)
{
	for (fli_link *l = g->asks.next; l != &g->asks; l = l->next) {
		fli_global_ask *ask = fli_container_of(l, fli_global_ask, link);

		if (ask->ref.count != 0 && fl_ref_eq(&ask->ref, ref)) {
			fli_list_remove(&ask->link);
			return ask;
		}
	}
	return NULL;
}

bool fli_global_answer(fli_global *g, const fl_ref *ref, fl_term reply)
{
	fli_global_ask *ask = take_ask(g, ref);

	if (ask == NULL)
		return false;
	reply.atoms = g->config.atoms;
	switch (ask->what) {
	case FLI_ASK_GRAB:
		if (ask->role == FLI_GLOBAL_LOCKER) {
			fli_global_grab_answer(g, &g->locker.grab, ask, reply);
			fli_global_locker_run(g);
		} else {
			fli_global_grab_answer(g, &g->registrar.grab, ask, reply);
			fli_global_registrar_run(g);
		}
		break;
	case FLI_ASK_RESOLVE: fli_global_resolve_answer(g, ask, reply); break;
	case FLI_ASK_MODE: fli_global_pop_mode(g, ask, reply); break;
	}
	fli_free(g->mem, ask);
	return true;
}
