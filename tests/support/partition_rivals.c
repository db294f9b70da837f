/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/partition_rivals.h"

#include <stdio.h>
#include <string.h>

static const char *const names[RIVALS_MOST] = {"1@h", "2@h", "3@h", "4@h", "5@h", "6@h"};

/* ---- what an engine asks for ----------------------------------------------------------------- */

static uint32_t number_of(fl_atom name)
{
	return (uint32_t)(name.text[0] - '1');
}

static void on_ask(void *ctx, fl_atom node, fl_atom via)
{
	rivals_node *n = ctx;
	rivals *l = n->rivals;

	n->asked++;
	CU_ASSERT_FATAL(l->questions_count < RIVALS_QUESTIONS);
	l->questions[l->questions_count++] = (rivals_question){.due_ms = l->now_ms + 1,
		.from = n->number,
		.to = number_of(node),
		.via = via.size == 0 ? n->number : number_of(via)};
}

static void on_gate(void *ctx, bool is_closed, bool queued)
{
	rivals_node *n = ctx;

	n->is_closed = is_closed;
	n->drops_queued |= queued;
}

static void on_pause(void *ctx, fli_partition_reason reason)
{
	rivals_node *n = ctx;

	n->pauses++;
	n->reason = reason;
	if (!n->keeps_steps && n->engine != NULL)
		fli_partition_done(n->engine);
}

static void on_resume(void *ctx, uint64_t paused_ms)
{
	rivals_node *n = ctx;

	(void)paused_ms;
	n->resumes++;
	if (!n->keeps_steps)
		fli_partition_done(n->engine);
}

static void on_tell(void *ctx, const fli_partition_event *event)
{
	rivals_node *n = ctx;

	CU_ASSERT_PTR_NOT_NULL(event->picture);
	n->events++;
}

static void put_question(rivals_node *n, rivals_question question)
{
	rivals *l = n->rivals;

	CU_ASSERT_FATAL(l->questions_count < RIVALS_QUESTIONS);
	question.due_ms = l->now_ms + 1;
	question.from = question.via = n->number;
	l->questions[l->questions_count++] = question;
}

static void on_lease(void *ctx, fli_lease_verb verb)
{
	put_question(ctx, (rivals_question){.kind = RIVALS_STORE, .verb = verb});
}

static void on_ask_lease(void *ctx, fl_atom node)
{
	put_question(ctx, (rivals_question){.kind = RIVALS_HOLDER, .to = number_of(node)});
}

static void on_tell_stamp(void *ctx, uint32_t stamp)
{
	rivals_node *n = ctx;
	rivals *l = n->rivals;

	for (uint32_t i = 0; i < l->count; i++)
		if (i != n->number && l->links[n->number][i] && l->nodes[i].engine != NULL)
			fli_partition_told_stamp(
				l->nodes[i].engine, fl_atom_of(names[n->number]), stamp);
}

static bool on_runs_pop(void *ctx)
{
	return ((const rivals_node *)ctx)->rivals->runs_pop;
}

static const fli_partition_ops ops = {on_ask, on_gate, on_pause, on_resume, on_tell, on_lease,
	on_ask_lease, on_runs_pop, on_tell_stamp};

/* ---- answers --------------------------------------------------------------------------------- */

static bool passes(const rivals *l, uint32_t a, uint32_t b)
{
	return a == b || (l->links[a][b] && l->nodes[b].engine != NULL && !l->nodes[b].is_frozen);
}

/* As a store has to: another one gets it when the holder's time is over. */
static void answer_store(rivals *l, const rivals_question *q)
{
	rivals_store *store = &l->store;
	fl_atom holder = fl_atom_of(names[store->holder]);
	bool is_free = l->now_ms >= store->until_ms || store->holder == q->from;

	if (q->verb == FLI_LEASE_RELEASE && store->holder == q->from && !store->is_down)
		store->until_ms = 0;
	if (q->verb == FLI_LEASE_RELEASE || store->is_silent || l->nodes[q->from].engine == NULL)
		return;
	fli_partition_time(l->nodes[q->from].engine, l->now_ms);
	if (!store->is_down && is_free) {
		store->holder = q->from;
		store->until_ms = l->now_ms + l->times.lease_ttl_ms;
	}
	fli_partition_leased(l->nodes[q->from].engine,
		store->is_down ? FL_EIO
		: is_free      ? FL_OK
			       : FL_ETAKEN,
		holder);
}

static void answer_holder(rivals *l, const rivals_question *q)
{
	fli_partition *asker = l->nodes[q->from].engine, *holder = l->nodes[q->to].engine;
	uint64_t left = 0;

	if (asker == NULL)
		return;
	if (passes(l, q->from, q->to)) {
		fli_partition_time(holder, l->now_ms);
		left = fli_partition_lease_left(holder);
	}
	fli_partition_time(asker, l->now_ms);
	fli_partition_lease_told(asker, left);
}

static void answer_view(rivals *l, const rivals_question *q)
{
	rivals_node *asker = &l->nodes[q->from];
	fl_buf buf = FL_BUF_INIT;

	if (asker->engine == NULL || asker->is_frozen)
		return;
	fl_list_open(&buf);
	for (uint32_t i = 0; i < l->count; i++)
		if (i != q->to && l->links[q->to][i] && l->nodes[i].engine != NULL)
			(void)fl_build(&buf, "~", fl_atom_of(names[i]));
	fl_list_close(&buf);
	fli_partition_time(asker->engine, l->now_ms);
	if (passes(l, q->from, q->via) && passes(l, q->via, q->to))
		fli_partition_seen(asker->engine, fl_atom_of(names[q->to]), fl_buf_term(&buf));
	else
		fli_partition_seen(
			asker->engine, fl_atom_of(names[q->to]), (fl_term){.data = NULL});
	fl_buf_free(&buf);
}

static void answer(rivals *l, const rivals_question *q)
{
	static void (*const answers[])(rivals *, const rivals_question *) = {
		answer_view, answer_store, answer_holder};

	answers[q->kind](l, q);
}

static void answer_due(rivals *l)
{
	while (l->questions_count > 0 && l->questions[0].due_ms <= l->now_ms) {
		rivals_question q = l->questions[0];

		l->questions_count--;
		memmove(l->questions, l->questions + 1, l->questions_count * sizeof q);
		answer(l, &q);
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static uint64_t next_of(const rivals *l)
{
	uint64_t next = l->questions_count > 0 ? l->questions[0].due_ms : UINT64_MAX;

	for (uint32_t i = 0; i < l->count; i++) {
		const rivals_node *n = &l->nodes[i];
		uint64_t due = n->engine == NULL || n->is_frozen ? UINT64_MAX
								 : fli_partition_next_ms(n->engine);

		next = due < next ? due : next;
	}
	return next > l->now_ms ? next : l->now_ms + 1;
}

void rivals_run(rivals *l, uint64_t ms)
{
	uint64_t end = l->now_ms + ms;

	for (uint64_t next = next_of(l); next <= end; next = next_of(l)) {
		l->now_ms = next;
		answer_due(l);
		for (uint32_t i = 0; i < l->count; i++) {
			rivals_node *n = &l->nodes[i];

			if (n->engine != NULL && !n->is_frozen &&
				fli_partition_next_ms(n->engine) <= l->now_ms)
				fli_partition_time(n->engine, l->now_ms);
		}
	}
	l->now_ms = end;
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void tell_one(rivals *l, uint32_t to, uint32_t about, bool is_up)
{
	rivals_node *n = &l->nodes[to];

	if (n->engine == NULL || n->is_frozen)
		return;
	fli_partition_time(n->engine, l->now_ms);
	if (is_up) {
		fli_partition_up(n->engine, fl_atom_of(names[about]));
		fli_partition_told_stamp(n->engine, fl_atom_of(names[about]),
			fli_partition_stamp(l->nodes[about].engine));
	} else
		fli_partition_down(n->engine, fl_atom_of(names[about]));
}

void rivals_link(rivals *l, uint32_t a, uint32_t b, bool is_up)
{
	if (l->links[a][b] == is_up)
		return;
	l->links[a][b] = l->links[b][a] = is_up;
	if (l->nodes[a].engine == NULL || l->nodes[b].engine == NULL)
		return;
	tell_one(l, a, b, is_up);
	tell_one(l, b, a, is_up);
}

void rivals_split(rivals *l, const char *groups)
{
	uint32_t group[RIVALS_MOST] = {0}, at = 0;

	for (; *groups != '\0'; groups++)
		if (*groups == '|')
			at++;
		else
			group[*groups - '1'] = at;
	for (uint32_t a = 0; a < l->count; a++)
		for (uint32_t b = 0; b < a; b++)
			rivals_link(l, a, b, group[a] == group[b]);
}

void rivals_start(rivals *l, uint32_t number)
{
	rivals_node *n = &l->nodes[number];
	const fli_partition_start start = {.mem = fli_mem_libc(),
		.self = fl_atom_of(names[number]),
		.config = &l->config,
		.times = l->times,
		.min_members = l->min_members,
		.rejects_early = l->rejects_early,
		.ops = &ops,
		.ctx = n,
		.now_ms = l->now_ms};

	CU_ASSERT_EQUAL_FATAL(fli_partition_new(&start, &n->engine), FL_OK);
	fli_partition_begin(n->engine);
	for (uint32_t i = 0; i < l->count; i++) {
		if (i == number || !l->links[number][i] || l->nodes[i].engine == NULL)
			continue;
		tell_one(l, i, number, true);
		tell_one(l, number, i, true);
	}
}

void rivals_start_all(rivals *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		rivals_start(l, i);
	rivals_run(l, 20000);
}

void rivals_crash(rivals *l, uint32_t number)
{
	rivals_node *n = &l->nodes[number];

	fli_partition_delete(n->engine);
	n->engine = NULL;
	for (uint32_t i = 0; i < l->count; i++)
		if (i != number && l->links[number][i])
			tell_one(l, i, number, false);
}

void rivals_leave(rivals *l, uint32_t number)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (i != number && l->links[number][i] && l->nodes[i].engine != NULL) {
			fli_partition_time(l->nodes[i].engine, l->now_ms);
			fli_partition_leaving(l->nodes[i].engine, fl_atom_of(names[number]));
		}
	rivals_crash(l, number);
}

void rivals_freeze(rivals *l, uint32_t number, bool is_frozen)
{
	l->nodes[number].is_frozen = is_frozen;
}

void rivals_create(rivals *l, uint32_t count)
{
	*l = (rivals){.count = count,
		.now_ms = 1000,
		.config = {.rules = {.policy = FLI_POLICY_KEEP_MAJORITY,
				   .has_tie = true,
				   .down_if_alone = true,
				   .quorum = count / 2 + 1,
				   .tangled_percent = 100},
			.members = names,
			.members_count = count,
			.tie = "",
			.referees = names,
			.referees_count = 1},
		.times = {.stable_ms = 5000,
			.unstable_percent = 75,
			.heal_ms = 5000,
			.gap_ms = 5000,
			.lease_ttl_ms = 40000,
			.lease_renew_ms = 10000,
			.lease_delay_ms = 2000},
		.min_members = count / 2 + 1};
	for (uint32_t i = 0; i < count; i++) {
		l->nodes[i] = (rivals_node){.rivals = l, .number = i};
		for (uint32_t j = 0; j < count; j++)
			l->links[i][j] = i != j;
	}
}

/* ---- what is seen ---------------------------------------------------------------------------- */

static bool serves(const rivals *l, uint32_t i)
{
	return l->nodes[i].engine != NULL && !l->nodes[i].is_closed;
}

const char *rivals_serving(const rivals *l)
{
	static _Thread_local char text[RIVALS_MOST + 1];
	size_t size = 0;

	for (uint32_t i = 0; i < l->count; i++)
		if (serves(l, i))
			text[size++] = (char)('1' + i);
	text[size] = '\0';
	return text;
}

fli_partition_state rivals_state(const rivals *l, uint32_t number)
{
	return fli_partition_state_of(l->nodes[number].engine);
}

bool rivals_is_unsafe(const rivals *l)
{
	for (uint32_t a = 0; a < l->count; a++)
		for (uint32_t b = 0; b < a; b++)
			if (serves(l, a) && serves(l, b) && !l->links[a][b])
				return true;
	return false;
}

void rivals_delete(rivals *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		fli_partition_delete(l->nodes[i].engine);
}
