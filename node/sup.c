/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decisions of OTP's supervisor (lib/stdlib/src/supervisor.erl) and Elixir's DynamicSupervisor.
 *
 *  - A child that ended is reported, and counted as a restart, if its restart type wants it back;
 *    one_for_one starts it, the two others first end those that go with it, the last started first.
 *  - A start that fails is tried again when other messages have had their turn; each attempt
 *    counts.
 *  - Restarts are counted by the second of the clock, the limit inclusive.
 *
 * Two things follow OTP where one might expect otherwise: one_for_all and rest_for_one start every
 * child in their range, also those that had ended in good order or were terminated by request; and
 * a significant child that is stopped for the sake of others makes no auto_shutdown.
 *
 * Departure: all dynamic children are ended side by side, as OTP does, but each within its own
 * time, and a million in slices, so that their ends do not fill the mailbox.
 */
#include "node/sup_table.h"

#include <string.h>

#include "node/runtime.h"

#define NEVER UINT64_MAX
#define SLICE 1024 /* dynamic children that are asked to end at once */
#define SLICE_MS 1 /* and when the next ones are, if those take their time */

/* ---- starting -------------------------------------------------------------------------------- */

static void report(fli_sup *sup, const fli_kid *kid, const char *context, const char *reason)
{
	fli_reason_atom atom;

	sup->ops->report(sup->ctx, kid, context, fli_reason_of(&atom, reason));
}

fli_born fli_sup_start_kid(fli_sup *sup, fli_kid *kid, fl_buf *ret_reason)
{
	fli_kid_state before = (fli_kid_state)kid->state;
	uint32_t old_id = kid->id, old_serial = kid->serial, id, serial;
	fli_born born = sup->ops->start(sup->ctx, kid, ret_reason);

	id = kid->id;
	serial = kid->serial;
	kid->id = old_id; /* that it is known by */
	kid->serial = old_serial;
	if (born == FLI_BORN_FAILED)
		return born;
	fli_kid_set(sup, kid, FLI_KID_DOWN);
	if (born == FLI_BORN_IGNORED)
		return born;
	kid->id = id;
	kid->serial = serial;
	kid->is_killed = false;
	if (fli_kid_know_pid(sup, kid)) {
		fli_kid_set(sup, kid, FLI_KID_ALIVE);
		return FLI_BORN;
	}
	sup->ops->stop(sup->ctx, kid, true);
	fli_kid_set(sup, kid, before);
	(void)fl_build(ret_reason, "system_limit");
	return FLI_BORN_FAILED;
}

int fli_sup_adopt(fli_sup *sup, fli_kid *kid, uint32_t id, uint32_t serial)
{
	kid->id = id;
	kid->serial = serial;
	if (!fli_kid_know_pid(sup, kid)) {
		fli_sup_remove(sup, kid);
		return FL_ENOMEM;
	}
	fli_kid_set(sup, kid, FLI_KID_ALIVE);
	return FL_OK;
}

/* A start that nobody asked for: a failure is told by the log. */
static fli_born start_reported(fli_sup *sup, fli_kid *kid, fl_buf *reason)
{
	fli_born born = fli_sup_start_kid(sup, kid, reason);

	if (born != FLI_BORN_FAILED)
		return born;
	if (reason->error == FL_OK && reason->size > 0)
		sup->ops->report(sup->ctx, kid, "start_error", fl_buf_term(reason));
	else
		report(sup, kid, "start_error", "system_limit");
	return born;
}

static void is_ignored(fli_sup *sup, fli_kid *kid)
{
	if (kid->spec->restart == FL_TEMPORARY || fli_sup_is_dynamic(sup))
		fli_sup_remove(sup, kid);
}

bool fli_sup_start_all(fli_sup *sup, fli_kid **ret_failed, fl_buf *ret_reason)
{
	fli_kid *kid = fli_sup_next(sup, NULL), *next;
	fli_born born;

	for (; kid != NULL; kid = next) {
		next = fli_sup_next(sup, kid);
		born = start_reported(sup, kid, ret_reason);
		if (born == FLI_BORN_FAILED) {
			*ret_failed = kid;
			return false;
		}
		if (born == FLI_BORN_IGNORED)
			is_ignored(sup, kid);
	}
	return true;
}

/* ---- restarting ------------------------------------------------------------------------------ */

static void begin_end(fli_sup *sup, uint64_t now_ms);
static void stop_range(fli_sup *sup, uint64_t now_ms);

static bool has_room(fli_sup *sup)
{
	uint32_t capacity = sup->moments_capacity * 2;
	fli_sup_moment *grown;

	if (sup->moments_count < sup->moments_capacity)
		return true;
	grown = fli_alloc(sup->mem, capacity * sizeof *grown);
	if (grown == NULL)
		return false;
	memcpy(grown, sup->moments, sup->moments_count * sizeof *grown);
	if (sup->moments != sup->few)
		fli_free(sup->mem, sup->moments);
	sup->moments = grown;
	sup->moments_capacity = capacity;
	return true;
}

static void add_moment(fli_sup *sup, uint64_t second)
{
	fli_sup_moment *last =
		sup->moments_count == 0 ? NULL : sup->moments + sup->moments_count - 1;

	if (last != NULL && (last->second == second || !has_room(sup))) {
		last->second = second;
		last->count++;
		return;
	}
	sup->moments[sup->moments_count++] = (fli_sup_moment){second, 1};
}

/* True while one more restart is within the intensity. */
static bool count_restart(fli_sup *sup, uint64_t now_ms)
{
	uint64_t second = now_ms / 1000, total = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < sup->moments_count; i++)
		if (second - sup->moments[i].second <= sup->period_s)
			sup->moments[kept++] = sup->moments[i];
	sup->moments_count = kept;
	add_moment(sup, second);
	for (uint32_t i = 0; i < sup->moments_count; i++)
		total += sup->moments[i].count;
	return total <= sup->intensity;
}

static void is_restarting(fli_sup *sup, fli_kid *kid)
{
	fli_kid_set(sup, kid, FLI_KID_RESTARTING);
	sup->ops->again(sup->ctx, kid);
}

static void restart_one(fli_sup *sup, fli_kid *kid)
{
	fl_buf reason = FL_BUF_INIT;
	fli_born born = start_reported(sup, kid, &reason);

	if (born == FLI_BORN_FAILED)
		is_restarting(sup, kid);
	else if (born == FLI_BORN_IGNORED)
		is_ignored(sup, kid);
	fl_buf_free(&reason);
}

static void start_range(fli_sup *sup)
{
	fl_buf reason = FL_BUF_INIT;
	fli_kid *kid =
		sup->from == &sup->kids ? NULL : fli_container_of(sup->from, fli_kid, in_order);
	fli_born born = FLI_BORN;

	for (; kid != NULL && born != FLI_BORN_FAILED; kid = fli_sup_next(sup, kid)) {
		if (kid->state == FLI_KID_ALIVE)
			continue; /* a pinned one */
		fl_buf_reset(&reason);
		born = start_reported(sup, kid, &reason);
		if (born == FLI_BORN_FAILED)
			is_restarting(sup, kid);
	}
	fl_buf_free(&reason);
}

static void restart_range(fli_sup *sup, fli_link *from, uint64_t now_ms)
{
	sup->phase = FLI_SUP_STOPPING;
	sup->then = FLI_THEN_START;
	sup->from = from;
	sup->at = fli_sup_prev(sup, NULL);
	sup->is_asked = false;
	stop_range(sup, now_ms);
}

void fli_sup_restart_all(fli_sup *sup, uint64_t now_ms)
{
	restart_range(sup, sup->kids.next, now_ms);
}

static void restart(fli_sup *sup, fli_kid *kid, uint64_t now_ms)
{
	bool is_forgiven = kid->is_forgiven;

	kid->is_forgiven = false;
	if (!is_forgiven && !count_restart(sup, now_ms)) {
		report(sup, kid, "shutdown", "reached_max_restart_intensity");
		fli_kid_put_down(sup, kid);
		begin_end(sup, now_ms);
		return;
	}
	if (sup->strategy != FL_ONE_FOR_ALL && sup->strategy != FL_REST_FOR_ONE) {
		restart_one(sup, kid);
		return;
	}
	fli_kid_set(sup, kid, FLI_KID_DOWN);
	restart_range(
		sup, sup->strategy == FL_ONE_FOR_ALL ? sup->kids.next : &kid->in_order, now_ms);
}

void fli_sup_again(fli_sup *sup, fli_kid *kid, uint64_t now_ms)
{
	if (sup->phase == FLI_SUP_IDLE && kid->state == FLI_KID_RESTARTING)
		restart(sup, kid, now_ms);
}

/* ---- an end that nobody asked for ------------------------------------------------------------ */

static bool is_orderly(fl_term reason)
{
	return fl_match(reason, "normal") || fl_match(reason, "shutdown") ||
	       fl_match(reason, "{shutdown, _}");
}

static bool has_living_significant(const fli_sup *sup)
{
	for (fli_kid *kid = fli_sup_next(sup, NULL); kid != NULL; kid = fli_sup_next(sup, kid))
		if (kid->spec->significant && kid->state != FLI_KID_DOWN)
			return true;
	return false;
}

static bool ends_all(const fli_sup *sup, bool is_significant)
{
	if (sup->auto_shutdown == FL_NEVER || !is_significant)
		return false;
	return sup->auto_shutdown == FL_ANY_SIGNIFICANT || !has_living_significant(sup);
}

static void decide(fli_sup *sup, fli_kid *kid, fl_term reason, uint64_t now_ms)
{
	fl_restart type = kid->spec->restart;
	bool is_significant = kid->spec->significant;
	bool is_news = type == FL_PERMANENT || !is_orderly(reason);

	if (is_news)
		sup->ops->report(sup->ctx, kid, "child_terminated", reason);
	if (is_news && type != FL_TEMPORARY) {
		restart(sup, kid, now_ms);
		return;
	}
	fli_kid_put_down(sup, kid);
	if (ends_all(sup, is_significant))
		begin_end(sup, now_ms);
}

/* ---- stopping -------------------------------------------------------------------------------- */

/* Whether it ended as one that was asked to. */
static bool is_as_asked(const fli_kid *kid, fl_term reason)
{
	if (kid->spec->shutdown_ms == FL_BRUTAL_KILL && fl_match(reason, "killed"))
		return true;
	if (kid->spec->shutdown_ms != FL_BRUTAL_KILL && fl_match(reason, "shutdown"))
		return true;
	return kid->spec->restart != FL_PERMANENT && is_orderly(reason);
}

static void has_stopped(fli_sup *sup, fli_kid *kid, fl_term reason)
{
	if (!is_as_asked(kid, reason))
		sup->ops->report(sup->ctx, kid, "shutdown_error", reason);
	fli_kid_put_down(sup, kid);
}

static void take_lost(fli_sup *sup, fli_kid *kid)
{
	static const uint8_t killed[] = {119, 6, 'k', 'i', 'l', 'l', 'e', 'd'};
	fl_term reason = {.data = killed, .size = sizeof killed};

	if (kid->reason != NULL)
		reason = fli_kept_term(kid->reason, kid->spec->atoms);
	has_stopped(sup, kid, reason);
}

static void ask(fli_sup *sup, const fli_kid *kid, uint64_t now_ms)
{
	uint32_t ms = kid->spec->shutdown_ms;

	sup->deadline_ms = ms == FL_INFINITY || ms == FL_BRUTAL_KILL ? NEVER : now_ms + ms;
	sup->is_asked = true;
	sup->ops->stop(sup->ctx, kid, ms == FL_BRUTAL_KILL);
}

static void has_finished(fli_sup *sup)
{
	sup->phase = sup->then == FLI_THEN_END ? FLI_SUP_ENDED : FLI_SUP_IDLE;
	sup->at = NULL;
	sup->deadline_ms = NEVER;
	if (sup->then == FLI_THEN_START)
		start_range(sup);
	sup->from = NULL;
}

/* From `at` back to `from`, as far as it goes without waiting. */
static void stop_range(fli_sup *sup, uint64_t now_ms)
{
	while (sup->at != NULL) {
		fli_kid *kid = sup->at;

		if (kid->state == FLI_KID_ALIVE && !kid->spec->is_pinned) {
			if (!sup->is_asked)
				ask(sup, kid, now_ms);
			return;
		}
		sup->at = sup->from == &kid->in_order ? NULL : fli_sup_prev(sup, kid);
		sup->is_asked = false;
		if (kid->spec->is_pinned && kid->state == FLI_KID_ALIVE)
			continue; /* it goes with the node */
		if (kid->state == FLI_KID_LOST)
			take_lost(sup, kid);
		else if (kid->spec->restart == FL_TEMPORARY)
			fli_sup_remove(sup, kid);
		else
			fli_kid_set(sup, kid, FLI_KID_DOWN);
	}
	has_finished(sup);
}

void fli_sup_stop_kid(fli_sup *sup, fli_kid *kid, uint64_t now_ms)
{
	sup->phase = FLI_SUP_STOPPING;
	sup->then = FLI_THEN_IDLE;
	sup->at = kid;
	sup->from = &kid->in_order;
	sup->is_asked = false;
	if (fli_sup_is_dynamic(sup) && kid->state != FLI_KID_ALIVE) {
		fli_kid_put_down(sup, kid);
		has_finished(sup);
	} else {
		stop_range(sup, now_ms);
	}
}

/* ---- the end of all -------------------------------------------------------------------------- */

/* Kills whose time is over; the next deadline is that of who is left. */
static void look_at_times(fli_sup *sup, uint64_t now_ms)
{
	uint64_t end_ms;

	sup->deadline_ms = NEVER;
	for (fli_kid *kid = fli_sup_next(sup, NULL); kid != NULL; kid = fli_sup_next(sup, kid)) {
		uint32_t ms = kid->spec->shutdown_ms;

		if (kid->state != FLI_KID_ALIVE || kid->is_killed || ms >= FL_BRUTAL_KILL)
			continue;
		end_ms = sup->began_ms + ms;
		if (end_ms <= now_ms) {
			kid->is_killed = true;
			sup->ops->stop(sup->ctx, kid, true);
		} else if (end_ms < sup->deadline_ms) {
			sup->deadline_ms = end_ms;
		}
	}
}

static void stop_dynamic(fli_sup *sup, fli_kid *kid)
{
	if (kid->state == FLI_KID_LOST) {
		take_lost(sup, kid);
	} else if (kid->state == FLI_KID_ALIVE) {
		sup->open++;
		sup->ops->stop(sup->ctx, kid, kid->spec->shutdown_ms == FL_BRUTAL_KILL);
	} else {
		fli_kid_put_down(sup, kid);
	}
}

/* The next ones, from `from` on: their ends are messages, which must have room. */
static void stop_slice(fli_sup *sup, uint64_t now_ms)
{
	for (uint32_t i = 0; i < SLICE && sup->from != &sup->kids; i++) {
		fli_kid *kid = fli_container_of(sup->from, fli_kid, in_order);

		sup->from = kid->in_order.next;
		stop_dynamic(sup, kid);
	}
	sup->began_ms = now_ms; /* nobody has less than its time */
	if (sup->from != &sup->kids)
		sup->deadline_ms = now_ms + SLICE_MS;
	else if (sup->alive == 0)
		has_finished(sup);
	else
		look_at_times(sup, now_ms);
}

static void has_stopped_dynamic(fli_sup *sup, fli_kid *kid, fl_term reason, uint64_t now_ms)
{
	if (sup->open > 0)
		sup->open--; /* else it ended before it was asked */
	has_stopped(sup, kid, reason);
	if (sup->from != &sup->kids && sup->open < SLICE / 4)
		stop_slice(sup, now_ms);
	else if (sup->from == &sup->kids && sup->alive == 0)
		has_finished(sup);
}

static void begin_end(fli_sup *sup, uint64_t now_ms)
{
	sup->phase = FLI_SUP_STOPPING;
	sup->then = FLI_THEN_END;
	sup->is_asked = false;
	sup->from = sup->kids.next;
	sup->at = fli_sup_prev(sup, NULL);
	if (fli_sup_is_dynamic(sup)) {
		sup->at = NULL;
		sup->open = 0;
		stop_slice(sup, now_ms);
	} else {
		stop_range(sup, now_ms);
	}
}

void fli_sup_end(fli_sup *sup, uint64_t now_ms)
{
	fli_kid *at = sup->at;
	bool is_asked = sup->is_asked;

	if (sup->phase == FLI_SUP_ENDED ||
		(sup->phase == FLI_SUP_STOPPING && sup->then == FLI_THEN_END))
		return;
	if (sup->phase == FLI_SUP_IDLE || fli_sup_is_dynamic(sup) || sup->then == FLI_THEN_IDLE) {
		begin_end(sup, now_ms);
		return;
	}
	/* in the midst of stopping others: it goes on, to the first one, and starts nobody */
	sup->then = FLI_THEN_END;
	sup->from = sup->kids.next;
	sup->at = at;
	sup->is_asked = is_asked;
}

void fli_sup_tick(fli_sup *sup, uint64_t now_ms)
{
	if (sup->phase != FLI_SUP_STOPPING || now_ms < sup->deadline_ms)
		return;
	if (sup->at == NULL && sup->from != &sup->kids) {
		stop_slice(sup, now_ms);
		return;
	}
	if (sup->at == NULL) {
		look_at_times(sup, now_ms);
		return;
	}
	sup->deadline_ms = NEVER;
	sup->at->is_killed = true;
	sup->ops->stop(sup->ctx, sup->at, true);
}

static void is_lost(fli_sup *sup, fli_kid *kid, fl_term reason)
{
	fli_free(sup->mem, kid->reason);
	kid->reason = fli_keep(sup->mem, reason); /* or killed */
	fli_kid_set(sup, kid, FLI_KID_LOST);
	fli_list_append(&sup->lost, &kid->in_lost);
}

void fli_sup_ended(fli_sup *sup, fli_kid *kid, fl_term reason, uint64_t now_ms)
{
	if (kid->state != FLI_KID_ALIVE || sup->phase == FLI_SUP_ENDED)
		return;
	if (sup->phase == FLI_SUP_IDLE) {
		fli_kid_set(sup, kid, FLI_KID_LOST);
		decide(sup, kid, reason, now_ms);
	} else if (kid == sup->at) {
		sup->at = sup->from == &kid->in_order ? NULL : fli_sup_prev(sup, kid);
		sup->is_asked = false;
		has_stopped(sup, kid, reason);
		stop_range(sup, now_ms);
	} else if (sup->at == NULL) {
		has_stopped_dynamic(sup, kid, reason, now_ms);
	} else {
		is_lost(sup, kid, reason);
	}
}

bool fli_sup_go_on(fli_sup *sup, uint64_t now_ms)
{
	fli_link *link = sup->phase == FLI_SUP_IDLE ? fli_list_pop(&sup->lost) : NULL;
	fli_kid *kid = link == NULL ? NULL : fli_container_of(link, fli_kid, in_lost);
	fli_kept *reason;
	fli_reason_atom atom;

	if (kid == NULL)
		return false;
	reason = kid->reason;
	kid->reason = NULL;
	decide(sup, kid,
		reason == NULL ? fli_reason_of(&atom, "killed")
			       : fli_kept_term(reason, kid->spec->atoms),
		now_ms);
	fli_free(sup->mem, reason);
	return true;
}
