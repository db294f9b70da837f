/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The locker: holds the lock `global` on its whole partition while another node joins.
 *
 *  - It waits a while for others to begin, then takes the lock for one partner: the boss, this node
 *    and the partner, the rest. The name of the lock is both lockers' pids, in the order of terms,
 *    so that both sides take the same one.
 *  - It tells the partner's locker, which does the same in its partition; when both hold it, the
 *    servers exchange names. The session's end, good or bad, gives the lock back.
 *  - A partner who was first is served at once.
 *
 * Failure: a lock that was refused is tried again later; a partner who is gone meanwhile, or whose
 * session began anew, costs only what was held for him.
 */
#include "dist/global_doubt.h"
#include "dist/global_state.h"

enum { ALONE_MS = 200, AMONG_MS = 1000, EACH_MS = 100, AMONG_MS_MAX = 3000 };

/* A partner that is lost is noticed before; his method for a name may take its time. */
enum { AWAIT_MS = 90000, HOLD_MS = 300000 };

/* ---- who is next ----------------------------------------------------------------------------- */

static bool is_partner(const fli_global_node *node)
{
	return node->session != NULL && node->session->is_pending && !node->session->is_lock_set &&
	       !node->is_known;
}

static fli_global_node *find_asking(const fli_global *g)
{
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (is_partner(node) && node->session->has_asked)
			return node;
	}
	return NULL;
}

static bool is_same_host(fl_atom a, fl_atom b)
{
	const char *at_a = memchr(a.text, '@', a.size), *at_b = memchr(b.text, '@', b.size);

	if (at_a == NULL || at_b == NULL)
		return false;
	return fl_atom_eq((fl_atom){at_a, a.size - (size_t)(at_a - a.text)},
		(fl_atom){at_b, b.size - (size_t)(at_b - b.text)});
}

/* Counts partners, or picks the n-th; those on the same host come before others. */
static fli_global_node *pick(const fli_global *g, bool near, size_t n, size_t *ret_count)
{
	fli_global_node *found = NULL;
	size_t count = 0;

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (!is_partner(node) || is_same_host(node->name, g->name) != near)
			continue;
		if (count++ == n)
			found = node;
	}
	*ret_count = count;
	return found;
}

static fli_global_node *pick_any(const fli_global *g)
{
	bool near = true;
	uint32_t random;
	size_t count;

	(void)pick(g, true, 0, &count);
	if (count == 0) {
		near = false;
		(void)pick(g, false, 0, &count);
	}
	if (count == 0)
		return NULL;
	g->config.port->random(g->config.port, &random, sizeof random);
	return pick(g, near, random % count, &count);
}

static uint64_t patience_ms(const fli_global *g)
{
	size_t known = fli_global_known_count(g);
	uint64_t ms = AMONG_MS + EACH_MS * known;

	if (g->locker.just_synced && !g->locker.has_news)
		return 0;
	if (known == 0)
		return ALONE_MS;
	return ms > AMONG_MS_MAX ? AMONG_MS_MAX : ms;
}

/* ---- the lock -------------------------------------------------------------------------------- */

static bool name_lock(fli_global *g, const fli_global_node *him)
{
	fl_pid mine = g->config.pids[FLI_GLOBAL_LOCKER], his = him->session->his_locker;
	fl_buf buf = FL_BUF_INIT;
	fl_term a, b;
	bool named = false;

	(void)fl_build(&buf, "{~, ~}", mine, his);
	if (fl_match(fl_buf_term(&buf), "{~, ~}", &a, &b)) {
		fl_buf id = FL_BUF_INIT;

		if (fl_compare(a, b) < 0)
			(void)fl_build(&id, "{global, [~, ~]}", mine, his);
		else
			(void)fl_build(&id, "{global, [~, ~]}", his, mine);
		named = id.error == FL_OK && fli_blob_copy(g, &g->locker.grab.id, fl_buf_term(&id));
		fl_buf_free(&id);
	}
	fl_buf_free(&buf);
	g->failed |= !named;
	return named;
}

static void tell_him(fli_global *g, const fli_global_node *him, bool is_set)
{
	const fli_global_session *s = him->session;
	fl_pid me = g->config.pids[FLI_GLOBAL_LOCKER];
	fl_boolean set = fl_bool(is_set);

	if (s->his_vsn >= 8)
		fli_global_cast_to(g, FLI_GLOBAL_LOCKER, him->name,
			fl_spec("{lock_set, ~, ~, [], ~}", me, set, s->his_tag));
	else if (s->his_vsn >= 6)
		fli_global_cast_to(
			g, FLI_GLOBAL_LOCKER, him->name, fl_spec("{lock_set, ~, ~, []}", me, set));
	else
		fli_global_send_pid(g, FLI_GLOBAL_LOCKER, s->his_locker,
			fl_spec("{lock_set, ~, ~, []}", me, set));
}

static void begin(fli_global *g, fli_global_node *him, bool is_initiator)
{
	fli_global_locker *locker = &g->locker;

	if (!name_lock(g, him))
		return;
	locker->state = FLI_LOCKER_GRABS;
	locker->him = him;
	locker->is_initiator = is_initiator;
	locker->he_is_set = !is_initiator;
	him->session->has_asked = false;
	locker->just_synced = locker->has_news = false;
	fli_global_grab_begin(g, &locker->grab, is_initiator ? him->name : (fl_atom){.text = NULL});
}

static void give_back(fli_global *g)
{
	g->locker.state = FLI_LOCKER_FREES;
	g->locker.him = NULL;
	fli_global_grab_free(g, &g->locker.grab);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void hold_or_await(fli_global *g)
{
	fli_global_locker *locker = &g->locker;

	if (locker->he_is_set) {
		locker->state = FLI_LOCKER_HOLDS;
		locker->patience_ms = g->now_ms + HOLD_MS;
		fli_global_lock_is_set(g, locker->him);
	} else {
		locker->state = FLI_LOCKER_AWAITS;
		locker->patience_ms = g->now_ms + AWAIT_MS;
	}
}

/* The grab has come to an end: everything is held, or nothing. */
static void grabbed(fli_global *g)
{
	fli_global_locker *locker = &g->locker;
	fli_global_node *him = locker->him;

	if (locker->grab.state == FLI_GRAB_NONE) {
		if (him != NULL && !locker->is_initiator)
			tell_him(g, him, false);
		else if (him != NULL)
			him->session->has_asked = locker->he_is_set; /* he waits for our word */
		locker->state = FLI_LOCKER_IDLE;
		locker->him = NULL;
		locker->due_ms = UINT64_MAX;
	} else if (him == NULL) {
		give_back(g);
	} else {
		tell_him(g, him, true);
		hold_or_await(g);
	}
}

/* Nothing to do until somebody asks or the time has come. */
static bool idle(fli_global *g)
{
	fli_global_locker *locker = &g->locker;
	fli_global_node *him = find_asking(g);
	size_t near, far;

	if (him != NULL) {
		begin(g, him, false);
		return false;
	}
	(void)pick(g, true, 0, &near);
	(void)pick(g, false, 0, &far);
	if (near + far == 0) {
		locker->due_ms = UINT64_MAX;
		return true;
	}
	if (locker->due_ms == UINT64_MAX)
		locker->due_ms = g->now_ms + patience_ms(g);
	if (locker->due_ms > g->now_ms)
		return true;
	locker->due_ms = UINT64_MAX;
	locker->just_synced = false;
	if (g->lock_own != NULL) {
		locker->due_ms = g->now_ms + patience_ms(g);
		return true;
	}
	begin(g, pick_any(g), true);
	return false;
}

/* One step; true when there is nothing to do now. */
static bool step(fli_global *g)
{
	fli_global_locker *locker = &g->locker;

	switch (locker->state) {
	case FLI_LOCKER_IDLE: return idle(g);
	case FLI_LOCKER_GRABS:
		if (!fli_global_grab_run(g, &locker->grab))
			return true;
		grabbed(g);
		return false;
	case FLI_LOCKER_FREES:
		if (!fli_global_grab_run(g, &locker->grab))
			return true;
		locker->state = FLI_LOCKER_IDLE;
		locker->due_ms = UINT64_MAX;
		return false;
	case FLI_LOCKER_AWAITS:
	case FLI_LOCKER_HOLDS: break;
	}
	return true;
}

void fli_global_locker_run(fli_global *g)
{
	while (!g->failed && !g->is_leaving && !step(g))
		;
}

/* It begins anew: whoever lost a word of the other can hold up both partitions for ever. */
static void give_up_waiting(fli_global *g)
{
	fli_global_node *him = g->locker.him;

	fli_global_log(g, FLI_WARNING,
		"global: " FLI_ATOM_FMT " has not answered while both partitions were locked for"
		" it; the session begins anew",
		FLI_ATOM_ARG(him->name));
	if (him->session->his_vsn >= 8)
		fli_global_send(g, him->name,
			fl_spec("{cancel_connect, ~, ~}", g->name, him->session->his_tag));
	him->is_late = true;
	fli_global_session_restart(g, him);
	fli_global_doubt(g, him);
}

void fli_global_locker_time(fli_global *g)
{
	const fli_global_locker *locker = &g->locker;
	bool waits = locker->state == FLI_LOCKER_AWAITS || locker->state == FLI_LOCKER_HOLDS;

	if (waits && locker->him != NULL && locker->patience_ms <= g->now_ms)
		give_up_waiting(g);
	else if (locker->state == FLI_LOCKER_IDLE && locker->due_ms <= g->now_ms)
		fli_global_locker_run(g);
}

void fli_global_locker_poke(fli_global *g)
{
	/* each word that comes starts the wait anew, as in OTP: who is busy is not first. Who came
	 * just now may wait for words of others: were it made their member before those arrive, an
	 * OTP node of 27.2.2 and later would drop all names of who sent them */
	g->locker.has_news = true;
	if (g->locker.state == FLI_LOCKER_IDLE)
		g->locker.due_ms = UINT64_MAX;
	fli_global_locker_run(g);
}

void fli_global_locker_lock_set(fli_global *g, fli_global_node *him, bool is_set)
{
	fli_global_locker *locker = &g->locker;

	if (locker->him != him) {
		him->session->has_asked = is_set;
		fli_global_locker_poke(g);
		return;
	}
	if (locker->state == FLI_LOCKER_AWAITS && is_set) {
		locker->he_is_set = true;
		hold_or_await(g);
	} else if (locker->state == FLI_LOCKER_AWAITS) {
		give_back(g);
	} else if (locker->state == FLI_LOCKER_GRABS) {
		locker->he_is_set = is_set || !locker->is_initiator;
	}
	fli_global_locker_run(g);
}

void fli_global_locker_drop(fli_global *g, fli_global_node *him)
{
	fli_global_locker *locker = &g->locker;

	if (locker->him != him)
		return;
	locker->him = NULL; /* a grab that is under way ends first */
	if (locker->state == FLI_LOCKER_HOLDS || locker->state == FLI_LOCKER_AWAITS)
		give_back(g);
}
