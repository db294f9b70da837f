/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A planned move of the server, with its state.
 *
 *  - giver: the server finishes what is in its mailbox and is suspended; its state is taken as one
 *    term and sent in pieces. What comes for the server meanwhile waits in its mailbox.
 *  - taker: starts a server from it, which is suspended as well, and says that it is ready.
 *  - giver: this is the end of the old one. The new one is told to go on; what waits, and what
 * comes late, is sent on to it as it came, so that it answers the callers itself. Then the old one
 * ends.
 *  - taker: the new one goes on, and takes the name.
 *
 * Under a lease the giver has the store free it before the commit, and the taker has it grant it
 * after.
 *
 * What goes wrong: whatever it is, before the giver has said commit the new server is killed and
 * the old one goes on with all that has waited, as if nothing had been. A commit that is lost on
 * its way, or a lease that somebody else gets in between: nobody holds it then, which is found out
 * as any loss.
 */
#include "cluster/guard.h"
#include "flitch/global.h"
#include "node/sched.h"

#include <string.h>

#define MOVE_MS 60000
#define FORWARD_MS 1000
#define STATE_MAX (64ULL << 20)

static bool is_giver(const fli_guard *g)
{
	return g->move.step >= FLI_MOVE_SUSPENDING && g->move.step <= FLI_MOVE_RELEASING;
}

static uint64_t move_ms(const fli_guard *g)
{
	return g->spec->move_ms == 0 ? MOVE_MS : g->spec->move_ms;
}

/* ---- the end of it --------------------------------------------------------------------------- */

static void answer(fli_guard *g, fl_spec reply)
{
	if (g->move.has_from)
		(void)fl_reply_spec(g->move.from, reply); /* he may be gone */
	g->move.has_from = false;
}

void fli_move_free(fli_guard *g)
{
	fli_free(g->node->mem, g->move.state);
	g->move.state = NULL;
	fli_taking_end(&g->move.taking);
}

static void end_move(fli_guard *g)
{
	if (g->move.watch.count != 0)
		(void)fl_demonitor(g->self, g->move.watch);
	fli_move_free(g);
	g->move = (fli_move){.step = FLI_MOVE_NONE};
}

static void tell(fli_guard *g, const char *kind)
{
	(void)fl_cast(g->self, g->move.other, "{fl, 1, ~, #{from => ~, id => ~}}", fl_atom_of(kind),
		fl_self(g->self), g->move.id);
}

/* Without a word to the other side. */
static void drop_move(fli_guard *g, const char *why)
{
	fl_ref ref;

	fli_log_write(&g->node->log, FLI_WARNING, "a move of singleton %s came to nothing: %s",
		g->spec->name, why);
	if (g->move.step == FLI_MOVE_RELEASING)
		fli_singleton_lose_lease(&g->core); /* it may be free: the server ends as it is */
	else if (is_giver(g) && g->step == FLI_SERVER_RUNNING)
		fli_guard_ask_sys(g, &g->server, "resume", &ref);
	else if (!is_giver(g) && g->move.step >= FLI_MOVE_PREPARING)
		(void)fl_exit(g->self, g->move.server, "kill");
	answer(g, fl_spec("{error, ~}", fl_atom_of(why)));
	end_move(g);
}

void fli_move_abort(fli_guard *g, const char *why)
{
	tell(g, "handoff_abort");
	drop_move(g, why);
}

/* ---- giving ---------------------------------------------------------------------------------- */

int fli_move_begin(fli_guard *g, const fl_pid *to, const fl_from *from)
{
	fli_move *m = &g->move;

	if (g->core.state != FLI_SINGLETON_HOLDING || g->step != FLI_SERVER_RUNNING)
		return FL_ENOTSUP;
	if (m->step != FLI_MOVE_NONE || g->moved.is_here)
		return FL_EBUSY;
	if (!fli_singleton_is_candidate(&g->core, to))
		return FL_ENOENT;
	*m = (fli_move){.step = FLI_MOVE_SUSPENDING,
		.id = fl_make_ref(g->self),
		.other = *to,
		.end_ms = g->core.now_ms + move_ms(g),
		.has_from = from != NULL};
	if (from != NULL)
		m->from = *from;
	(void)fl_monitor(g->self, *to, &m->watch); /* without it the time ends the move */
	fli_guard_ask_sys(g, &g->server, "suspend", &m->asked);
	return FL_OK;
}

static bool keep_state(fli_move *m, fli_mem *mem, fl_term state)
{
	m->state = fli_alloc(mem, state.size);
	if (m->state == NULL)
		return false;
	memcpy(m->state, state.data, state.size);
	m->size = state.size;
	m->has_state = true;
	return true;
}

/* Its state, where it lies: no handler of it runs. */
static bool take_state(fli_guard *g)
{
	fl_buf buf = FL_BUF_INIT;
	fl_proc *server;
	bool is_taken;

	if (g->spec->give == NULL)
		return true;
	fli_enter(g->node);
	server = fli_proc_of(g->node, &g->server);
	is_taken = server != NULL && g->spec->give(server, server->state, &buf) == FL_OK &&
		   buf.error == FL_OK && buf.size > 0;
	fli_leave(g->node);
	if (is_taken)
		is_taken = keep_state(&g->move, g->node->mem, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return is_taken;
}

static void send_chunks(fli_guard *g)
{
	fli_chunk c;

	while (fli_giving_next(&g->move.giving, &c))
		(void)fl_cast(g->self, g->move.other,
			"{fl, 1, handoff_chunk, #{from => ~, id => ~, offset => ~, crc => ~, bytes => ~}}",
			fl_self(g->self), g->move.id, c.offset, c.crc,
			((fl_bin){c.bytes, c.size})); /* a lost link ends the move */
}

static void offer(fli_guard *g)
{
	fli_move *m = &g->move;

	if (!take_state(g)) {
		drop_move(g, "no_state");
		return;
	}
	m->giving = (fli_giving){.bytes = m->state, .size = m->size};
	m->step = FLI_MOVE_GIVING;
	(void)fl_cast(g->self, m->other,
		"{fl, 1, handoff_begin, #{from => ~, id => ~, epoch => ~, vsn => ~, size => ~}}",
		fl_self(g->self), m->id, g->core.epoch, g->spec->server->vsn, (uint64_t)m->size);
}

/* What waits, and comes late, is the heir's: callers are answered by it. */
static void hand_over(fli_guard *g, const fl_pid *heir)
{
	fl_proc *old;

	fli_enter(g->node);
	old = fli_proc_of(g->node, &g->server);
	if (old != NULL)
		fli_sys_hand_over(old, heir);
	fli_leave(g->node);
}

/* The one point after which there is no way back. */
static void commit(fli_guard *g, const fl_pid *heir, uint64_t epoch)
{
	uint64_t forward_ms = g->spec->forward_ms == 0 ? FORWARD_MS : g->spec->forward_ms;

	tell(g, "handoff_commit");
	hand_over(g, heir);
	g->moved = (fli_moved){.is_here = true,
		.server = g->server,
		.heir = *heir,
		.end_ms = g->core.now_ms + forward_ms,
		.last_ms = g->core.now_ms + FLI_GUARD_FORWARD_MAX_MS};
	g->step = FLI_SERVER_NONE;
	fli_log_write(&g->node->log, FLI_NOTICE, "singleton %s has moved to %.*s", g->spec->name,
		(int)heir->node.size, heir->node.text);
	answer(g, fl_spec("ok"));
	end_move(g);
	fli_singleton_give(&g->core, heir, epoch);
}

/* ---- the old server -------------------------------------------------------------------------- */

static bool has_name_moved(fli_guard *g)
{
	fl_pid pid;
	fl_term name = fli_guard_name(g);

	return fl_global_whereis(g->self, &pid, "~", name) && !fl_pid_eq(&pid, &g->moved.server);
}

static void look_after_moved(fli_guard *g, uint64_t now_ms)
{
	fli_moved *m = &g->moved;

	if (m->is_told || now_ms < m->end_ms || (now_ms < m->last_ms && !has_name_moved(g)))
		return;
	m->is_told = true;
	(void)fl_exit(g->self, m->server, "{shutdown, moved}");
}

/* ---- taking ---------------------------------------------------------------------------------- */

static bool number(fl_term map, const char *key, uint64_t *ret_number)
{
	fl_term value;

	return fl_get(map, key, &value) && fl_match(value, "~", ret_number);
}

static void prepare(fli_guard *g)
{
	fli_move *m = &g->move;
	fl_buf args = FL_BUF_INIT;
	bool is_started;

	m->epoch = fli_singleton_next_epoch(&g->core, m->epoch);
	if (!fli_guard_keep_epoch(g)) {
		fli_move_abort(g, "no_epoch");
		return;
	}
	atomic_store_explicit(&g->epoch, m->epoch, memory_order_release);
	if (m->has_state) {
		fl_buf state = FL_BUF_INIT;

		(void)fl_build_encoded(&state, m->taking.bytes, m->taking.size);
		(void)fl_build(&args, "{handed, ~, ~, ~}", m->epoch, m->vsn, fl_buf_term(&state));
		args.error = args.error == FL_OK ? state.error : args.error;
		fl_buf_free(&state);
	} else {
		fl_buf given = FL_BUF_INIT;

		(void)fl_build(&given, g->spec->args == NULL ? "[]" : g->spec->args);
		(void)fl_build(&args, "{start, ~, ~}", m->epoch, fl_buf_term(&given));
		fl_buf_free(&given);
	}
	is_started = args.error == FL_OK &&
		     fli_guard_start(g, fl_spec("~", fl_buf_term(&args)), &m->server);
	fl_buf_free(&args);
	fli_taking_end(&m->taking);
	if (!is_started) {
		fli_move_abort(g, "not_started");
		return;
	}
	m->step = FLI_MOVE_PREPARING;
	fli_guard_ask_sys(g, &m->server, "suspend", &m->asked);
}

static void give_credit(fli_guard *g)
{
	uint64_t upto;

	if (fli_taking_credit(&g->move.taking, &upto))
		(void)fl_cast(g->self, g->move.other,
			"{fl, 1, handoff_credit, #{from => ~, id => ~, upto => ~}}",
			fl_self(g->self), g->move.id, upto);
}

static bool may_take(const fli_guard *g, const fl_pid *from)
{
	return g->move.step == FLI_MOVE_NONE && !g->is_ending &&
	       g->core.state == FLI_SINGLETON_STANDBY && g->core.may_start && g->core.has_holder &&
	       fl_atom_eq(g->core.holder.node, from->node);
}

static void on_begin(fli_guard *g, const fl_pid *from, const fl_ref *id, fl_term map)
{
	fli_move *m = &g->move;
	uint64_t max = g->spec->state_max == 0 ? STATE_MAX : g->spec->state_max;
	uint64_t epoch, vsn, size;
	bool is_good = number(map, "epoch", &epoch) && number(map, "vsn", &vsn) &&
		       number(map, "size", &size) && vsn <= UINT32_MAX;

	if (!is_good || !may_take(g, from)) {
		(void)fl_cast(g->self, *from, "{fl, 1, handoff_abort, #{from => ~, id => ~}}",
			fl_self(g->self), *id);
		return;
	}
	*m = (fli_move){.step = FLI_MOVE_TAKING,
		.id = *id,
		.other = *from,
		.end_ms = g->core.now_ms + move_ms(g),
		.epoch = epoch,
		.vsn = (uint32_t)vsn,
		.has_state = size > 0};
	(void)fl_monitor(g->self, *from, &m->watch); /* without it the time ends the move */
	if (size == 0)
		prepare(g);
	else if (fli_taking_begin(&m->taking, g->node->mem, size, max))
		give_credit(g);
	else
		fli_move_abort(g, "too_large");
}

static void on_chunk(fli_guard *g, fl_term map)
{
	fli_chunk c = {0};
	uint64_t crc = 0;
	fl_term value;
	fl_bin bytes = {0};
	bool is_good = number(map, "offset", &c.offset) && number(map, "crc", &crc) &&
		       fl_get(map, "bytes", &value) && fl_match(value, "~", &bytes);

	c.crc = (uint32_t)crc;
	c.bytes = bytes.data;
	c.size = bytes.size;
	if (!is_good || crc > UINT32_MAX || !fli_taking_chunk(&g->move.taking, &c)) {
		fli_move_abort(g, "broken");
		return;
	}
	if (fli_taking_is_whole(&g->move.taking))
		prepare(g);
	else
		give_credit(g);
}

static void go_on(fli_guard *g)
{
	uint64_t epoch = g->move.epoch, leased_ms = g->move.leased_ms;
	fl_pid server = g->move.server;
	fl_ref ref;

	g->server = server;
	g->step = FLI_SERVER_RUNNING;
	fli_replica_drop(g); /* it is older */
	fli_guard_ask_sys(g, &server, "resume", &ref);
	end_move(g);
	fli_guard_take_name(g);
	fli_log_write(&g->node->log, FLI_NOTICE,
		"singleton %s was handed over to this node, take-over %llu", g->spec->name,
		(unsigned long long)FL_EPOCH_COUNT(epoch));
	if (g->spec->lease == NULL)
		fli_singleton_take(&g->core, &server, epoch);
	else
		fli_singleton_take_leased(&g->core, &server, epoch, leased_ms);
}

static void on_commit(fli_guard *g)
{
	if (g->spec->lease == NULL) {
		go_on(g);
		return;
	}
	g->move.step = FLI_MOVE_LEASING;
	g->move.leased_ms = g->core.now_ms;
	if (!fli_guard_lease_for_move(g, FLI_LEASE_ACQUIRE))
		drop_move(g, "no_lease");
}

/* Nobody here waits for the lease, or has it. */
static bool is_unwanted(const fli_guard *g)
{
	return g->move.step != FLI_MOVE_LEASING && g->core.state <= FLI_SINGLETON_CLAIMING;
}

void fli_move_leased(fli_guard *g, const fl_ref *id, fli_lease_verb verb, bool is_granted)
{
	bool is_ours = g->move.step != FLI_MOVE_NONE && fl_ref_eq(&g->move.id, id);
	fl_pid heir = g->move.server;

	if (verb == FLI_LEASE_RELEASE) {
		if (is_ours && g->move.step == FLI_MOVE_RELEASING)
			commit(g, &heir, g->move.epoch);
	} else if (is_ours && g->move.step == FLI_MOVE_LEASING) {
		if (is_granted)
			go_on(g);
		else
			drop_move(g, "no_lease");
	} else if (is_granted && is_unwanted(g)) {
		fli_guard_lease(g, FLI_LEASE_RELEASE, 0); /* it came too late */
	}
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* Before the commit: who takes it over asks the store for it. */
static void release(fli_guard *g)
{
	fl_pid heir = g->move.server;

	if (g->spec->lease == NULL) {
		commit(g, &heir, g->move.epoch);
		return;
	}
	/* else the store is being asked for more: its answer is waited for */
	g->move.is_ready = !fli_singleton_keep_lease(&g->core);
	if (g->move.is_ready)
		return;
	g->move.step = FLI_MOVE_RELEASING;
	if (!fli_guard_lease_for_move(g, FLI_LEASE_RELEASE))
		fli_move_abort(g, "no_lease");
}

static void giver_heard(fli_guard *g, fl_atom kind, fl_term map)
{
	uint64_t upto, epoch;
	fl_term value;
	fl_pid heir;

	if (fl_atom_is(kind, "handoff_credit") && number(map, "upto", &upto)) {
		if (fli_giving_credit(&g->move.giving, upto))
			send_chunks(g);
		else
			fli_move_abort(g, "broken");
	} else if (fl_atom_is(kind, "handoff_ready") && number(map, "epoch", &epoch) &&
		   fl_get(map, "server", &value) && fl_match(value, "~", &heir)) {
		g->move.server = heir;
		g->move.epoch = epoch;
		release(g);
	}
}

void fli_move_heard(fli_guard *g, fl_term what, const fl_pid *from, fl_term map)
{
	fli_move *m = &g->move;
	fl_term value;
	fl_atom kind;
	fl_ref id;

	if (!fl_match(what, "~", &kind) || !fl_get(map, "id", &value) || !fl_match(value, "~", &id))
		return;
	if (fl_atom_is(kind, "handoff_begin")) {
		on_begin(g, from, &id, map);
		return;
	}
	if (m->step == FLI_MOVE_NONE || !fl_ref_eq(&m->id, &id) || !fl_pid_eq(&m->other, from))
		return;
	if (fl_atom_is(kind, "handoff_abort"))
		drop_move(g, "refused");
	else if (m->step == FLI_MOVE_GIVING)
		giver_heard(g, kind, map);
	else if (m->step == FLI_MOVE_TAKING && fl_atom_is(kind, "handoff_chunk"))
		on_chunk(g, map);
	else if (m->step == FLI_MOVE_READY && fl_atom_is(kind, "handoff_commit"))
		on_commit(g);
}

bool fli_move_answered(fli_guard *g, const fl_ref *ref)
{
	fli_move *m = &g->move;

	if (m->step == FLI_MOVE_NONE || !fl_ref_eq(ref, &m->asked))
		return false;
	m->asked = (fl_ref){.count = 0};
	if (m->step == FLI_MOVE_SUSPENDING) {
		offer(g);
	} else if (m->step == FLI_MOVE_PREPARING) {
		m->step = FLI_MOVE_READY;
		(void)fl_cast(g->self, m->other,
			"{fl, 1, handoff_ready, #{from => ~, id => ~, epoch => ~, server => ~}}",
			fl_self(g->self), m->id, m->epoch, m->server);
	}
	return true;
}

bool fli_move_exited(fli_guard *g, const fl_pid *pid)
{
	if (g->moved.is_here && fl_pid_eq(pid, &g->moved.server)) {
		g->moved = (fli_moved){.is_here = false};
		return true;
	}
	if (g->move.step < FLI_MOVE_PREPARING || !fl_pid_eq(pid, &g->move.server))
		return false;
	fli_move_abort(g, "not_started");
	return true;
}

bool fli_move_down(fli_guard *g, const fl_ref *ref)
{
	if (g->move.step == FLI_MOVE_NONE || !fl_ref_eq(ref, &g->move.watch))
		return false;
	g->move.watch = (fl_ref){.count = 0};
	drop_move(g, "noconnection");
	return true;
}

void fli_move_look(fli_guard *g)
{
	if (g->move.step != FLI_MOVE_NONE && g->core.now_ms >= g->move.end_ms)
		fli_move_abort(g, "timeout");
	else if (g->move.step == FLI_MOVE_GIVING && g->move.is_ready)
		release(g);
	if (g->moved.is_here)
		look_after_moved(g, g->core.now_ms);
}

uint64_t fli_move_next(const fli_guard *g)
{
	uint64_t next = g->move.step == FLI_MOVE_NONE ? FLI_SINGLETON_NEVER : g->move.end_ms;

	const fli_moved *m = &g->moved;
	uint64_t moved = m->end_ms > g->core.now_ms ? m->end_ms : m->last_ms;

	return m->is_here && !m->is_told && moved < next ? moved : next;
}
