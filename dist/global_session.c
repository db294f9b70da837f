/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning of a session: two nodes that do not know each other make sure that both mean the
 * same meeting.
 *
 *  - Each sends init_connect with a tag of its own; each says that it has the other's (version 8).
 *    Departure from OTP: this node says so to nodes of our kind alone. OTP waits for no such word,
 *    and its own is enough to find tags that do not fit. Since 27.2.2, where it comes after another
 *    node has made the two members, OTP drops all names and locks of who said it, for good.
 *  - From then on every message carries the receiver's tag; what carries another one is late.
 *  - When the lockers of both hold the lock, both send all their names (global_join.c).
 *
 * Failure: tags that do not fit begin the session anew, after telling the other; versions before 8
 * know no other way than to part.
 */
#include "dist/global_doubt.h"
#include "dist/global_state.h"

/* ---- life ------------------------------------------------------------------------------------ */

static void free_session(fli_global *g, fli_global_session *s)
{
	fli_blob_free(g, &s->exchange);
	fli_blob_free(g, &s->resolved);
	fli_buf_destroy(&s->ops);
	fli_buf_destroy(&s->his_ops);
	fli_free(g->mem, s);
}

void fli_global_session_drop(fli_global *g, fli_global_node *node)
{
	fli_global_session *s = node->session;

	if (s == NULL)
		return;
	node->session = NULL;
	fli_global_locker_drop(g, node);
	free_session(g, s);
}

static bool on_init_connect(fli_global *g, fl_term message);

void fli_global_session_open(fli_global *g, fli_global_node *node)
{
	fli_global_session *s = fli_zalloc(g->mem, sizeof *s);
	fli_blob early = node->early;

	if (s == NULL) {
		g->failed = true;
		return;
	}
	fli_buf_create(&s->ops, g->mem, 0);
	fli_buf_create(&s->his_ops, g->mem, 0);
	s->my_tag = ++g->tag_next;
	node->session = s;
	fli_global_cast_to(g, FLI_GLOBAL_SERVER, node->name,
		fl_spec("{init_connect, {~, ~}, ~, {locker, no_longer_a_pid, [], ~}}",
			(int)FLI_GLOBAL_VSN, s->my_tag, g->name,
			g->config.pids[FLI_GLOBAL_LOCKER]));
	node->early = (fli_blob){.data = NULL};
	g->early_count -= early.data != NULL;
	if (early.data != NULL)
		(void)on_init_connect(g, fli_blob_term(g, &early)); /* it was understood before */
	fli_blob_free(g, &early);
}

void fli_global_session_restart(fli_global *g, fli_global_node *node)
{
	fli_global_session_drop(g, node);
	fli_global_lock_leave(g, node->name);
	fli_global_session_open(g, node);
	fli_global_locker_run(g);
}

/* ---- the meeting ----------------------------------------------------------------------------- */

typedef struct init_connect {
	uint32_t vsn;
	int64_t tag;
	fl_atom node;
	fl_pid locker;
	bool is_otp;
} init_connect;

static void meet_again(fli_global *g, fli_global_node *node, const init_connect *init)
{
	if (init->vsn < 8) {
		node->is_removing = true;
		fli_global_doubt(g, node);
		fli_global_simple(g, FLI_GLOBAL_DISCONNECT, node->name);
		return;
	}
	fli_global_send(g, node->name, fl_spec("{cancel_connect, ~, ~}", g->name, init->tag));
	fli_global_session_restart(g, node);
}

static void meet(fli_global *g, fli_global_node *node, const init_connect *init)
{
	fli_global_session *s = node->session;

	if (s->is_pending) {
		meet_again(g, node, init);
		return;
	}
	s->is_pending = true;
	s->his_tag = init->tag;
	s->his_vsn = init->vsn;
	s->his_locker = init->locker;
	if (init->vsn >= 8 && !init->is_otp)
		fli_global_send(g, node->name,
			fl_spec("{init_connect_ack, ~, ~, ~}", g->name, init->tag, s->my_tag));
	fli_global_locker_poke(g);
}

/* He does not know us (any more): unless he is told of us in this moment, the two begin anew. */
static void unsync(fli_global *g, fli_global_node *node)
{
	node->is_synced = false;
	fli_global_doubt(g, node);
}

static bool on_init_connect(fli_global *g, fl_term message)
{
	fli_global_node *node;
	init_connect init;
	fl_term known;

	if (!fl_match(message, "{init_connect, {~, ~}, ~, {locker, _, ~, ~}}", &init.vsn, &init.tag,
		    &init.node, &known, &init.locker) ||
		!fl_atom_eq(init.locker.node, init.node) || init.vsn < 5)
		return false;
	init.is_otp = fl_match(known, "#{}"); /* whom it knows, of no use; [] at our kind */
	node = fli_global_node_get(g, init.node);
	if (node == NULL)
		return true;
	if (node->session != NULL)
		meet(g, node, &init);
	else if (!node->is_known && !node->is_up)
		fli_global_node_keep_early(g, node, message);
	else if (node->is_known && node->is_up)
		unsync(g, node);
	fli_global_node_rest(g, node);
	return true;
}

static bool on_ack(fli_global *g, fl_atom name, int64_t mine, int64_t his)
{
	fli_global_node *node = fli_global_node_find(g, name);
	const fli_global_session *s = node == NULL ? NULL : node->session;

	if (s == NULL || (s->my_tag == mine && s->is_pending && s->his_tag == his))
		return true;
	/* our init_connect, the one that he answers, was for a session that is over; or his own has
	 * not come, which cannot be, since he sends it first */
	fli_global_send(g, name, fl_spec("{cancel_connect, ~, ~}", g->name, his));
	fli_global_session_restart(g, node);
	return true;
}

static void on_cancel(fli_global *g, fl_atom name, int64_t mine)
{
	fli_global_node *node = fli_global_node_find(g, name);

	if (node != NULL && node->session != NULL && node->session->my_tag == mine)
		fli_global_session_restart(g, node);
}

bool fli_global_session_info(fli_global *g, fl_term message)
{
	int64_t mine, his;
	fl_atom name;

	if (fl_match(message, "{init_connect_ack, ~, ~, ~}", &name, &mine, &his))
		return on_ack(g, name, mine, his);
	if (!fl_match(message, "{cancel_connect, ~, ~}", &name, &mine))
		return false;
	on_cancel(g, name, mine);
	return true;
}

/* ---- the lock -------------------------------------------------------------------------------- */

/* A locker that asks for a session that is not there gets `false`, since nobody else answers. */
static void refuse(fli_global *g, const fl_pid *locker)
{
	fl_pid me = g->config.pids[FLI_GLOBAL_LOCKER];

	fli_global_send_pid(g, FLI_GLOBAL_LOCKER, *locker, fl_spec("{lock_set, ~, false, []}", me));
}

static bool on_lock_set(fli_global *g, fl_term message)
{
	fli_global_node *node;
	bool is_set, has_tag;
	int64_t tag = 0;
	fl_pid locker;

	has_tag = fl_match(message, "{lock_set, ~, ~, _, ~}", &locker, &is_set, &tag);
	if (!has_tag && !fl_match(message, "{lock_set, ~, ~, _}", &locker, &is_set))
		return false;
	node = fli_global_node_find(g, locker.node);
	if (node == NULL || node->session == NULL || !node->session->is_pending ||
		!fl_pid_eq(&node->session->his_locker, &locker)) {
		if (!has_tag && is_set && node != NULL && node->is_up)
			refuse(g, &locker);
	} else if (!has_tag || node->session->my_tag == tag) {
		fli_global_locker_lock_set(g, node, is_set);
	}
	return true;
}

void fli_global_lock_is_set(fli_global *g, fli_global_node *node)
{
	fli_global_session *s = node->session;

	s->is_lock_set = true;
	fli_global_act_begin(g, FLI_GLOBAL_CAST, FLI_GLOBAL_SERVER)->node = node->name;
	fli_write_tuple(&g->terms, 5);
	fli_write_atom(&g->terms, fl_atom_of("exchange"));
	fli_write_atom(&g->terms, g->name);
	fli_global_names_write(g, &g->terms);
	fli_write_nil(&g->terms);
	fli_write_int(&g->terms, s->his_tag);
	fli_global_act_end(g);
	if (s->exchange.data != NULL)
		fli_global_resolve(g, node);
}

bool fli_global_session_cast(fli_global *g, fl_term message)
{
	return on_init_connect(g, message) || on_lock_set(g, message) ||
	       fli_global_join_cast(g, message);
}
