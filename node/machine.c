/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_statem's loop over events and states.
 *
 *  - An event is handled in the state that the machine is in. What its handler asked for is done
 *    in gen_statem's order: the event is postponed or gone; with a new state the enter call runs,
 *    the state's and the event's timeout end, and postponed events come again, before what waits;
 *    timeouts start; inserted events go in front of all.
 *  - A timeout of 0 ms fires when no event waits, before the next message.
 *  - Of several timeouts of one kind that one handler asked for, the last one counts.
 *
 * Failure: out of memory, and more than FL_STATEM_EVENTS_MAX events or timeouts, are told by the
 * code that is returned.
 */
#include "node/machine.h"

void fli_machine_create(fli_machine *m, fli_mem *mem, fl_atoms *atoms)
{
	*m = (fli_machine){.mem = mem, .atoms = atoms};
	fli_list_create(&m->queue);
	fli_list_create(&m->postponed);
	fli_list_create(&m->timeouts);
	fli_list_create(&m->due);
	fli_list_create(&m->inserted);
	fli_list_create(&m->asked);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void drop_content(fli_machine *m, fli_machine_event *event)
{
	fli_free(m->mem, event->content);
	fli_free(m->mem, event->name);
}

static void delete_event(fli_machine *m, fli_machine_event *event)
{
	drop_content(m, event);
	fli_free(m->mem, event);
	m->events_count--;
}

static bool fill(fli_machine *m, fli_machine_event *event, const fl_event *from)
{
	event->type = (uint8_t)from->type;
	event->from = from->from;
	event->sender = from->sender;
	event->content = fli_keep(m->mem, from->content);
	if (from->type == FL_EVENT_GENERIC_TIMEOUT)
		event->name = fli_keep(m->mem, from->name);
	if (event->content != NULL && (event->name != NULL || from->name.data == NULL ||
					      from->type != FL_EVENT_GENERIC_TIMEOUT))
		return true;
	drop_content(m, event);
	return false;
}

static int keep_event(fli_machine *m, const fl_event *event, fli_link *list)
{
	fli_machine_event *kept;

	if (m->events_count >= FL_STATEM_EVENTS_MAX)
		return FL_ELIMIT;
	kept = fli_zalloc(m->mem, sizeof *kept);
	if (kept == NULL)
		return FL_ENOMEM;
	if (!fill(m, kept, event)) {
		fli_free(m->mem, kept);
		return FL_ENOMEM;
	}
	m->events_count++;
	fli_list_append(list, &kept->link);
	return FL_OK;
}

fl_event fli_machine_event_of(const fli_machine *m, const fli_machine_event *event)
{
	return (fl_event){.type = (fl_event_type)event->type,
		.from = event->from,
		.sender = event->sender,
		.content = fli_kept_term(event->content, m->atoms),
		.name = fli_kept_term(event->name, m->atoms)};
}

fl_term fli_machine_state(const fli_machine *m)
{
	return fli_kept_term(m->state, m->atoms);
}

static void note(fli_machine *m, const char *how, const fl_event *event, fl_term state)
{
	if (m->ops->note != NULL)
		m->ops->note(m->ctx, how, event, state);
}

/* Moves all of `from` to the front of `to`. */
static void put_in_front(fli_link *to, fli_link *from)
{
	if (fli_list_is_empty(from))
		return;
	from->prev->next = to->next;
	to->next->prev = from->prev;
	to->next = from->next;
	from->next->prev = to;
	fli_list_create(from);
}

/* ---- timeouts -------------------------------------------------------------------------------- */

static void delete_timeout(fli_machine *m, fli_machine_timeout *t)
{
	fli_list_remove(&t->link);
	drop_content(m, &t->event);
	fli_free(m->mem, t);
	m->timeouts_count--;
}

static bool is_same_kind(
	const fli_machine *m, const fli_machine_event *a, const fli_machine_event *b)
{
	if (a->type != b->type)
		return false;
	return a->type != FL_EVENT_GENERIC_TIMEOUT ||
	       fl_equal(fli_kept_term(a->name, m->atoms), fli_kept_term(b->name, m->atoms));
}

static fli_machine_timeout *find_in(
	const fli_machine *m, const fli_link *list, const fli_machine_event *kind)
{
	fli_machine_timeout *t;

	for (fli_link *l = list->next; l != list; l = l->next) {
		t = fli_container_of(l, fli_machine_timeout, link);
		if (is_same_kind(m, &t->event, kind))
			return t;
	}
	return NULL;
}

static fli_machine_timeout *find_running(const fli_machine *m, const fli_machine_event *kind)
{
	fli_machine_timeout *t = find_in(m, &m->timeouts, kind);

	return t != NULL ? t : find_in(m, &m->due, kind);
}

static void end_timeout(fli_machine *m, fli_machine_timeout *t)
{
	if (!t->is_due)
		m->ops->cancel(m->ctx, t);
	delete_timeout(m, t);
}

static void end_kind(fli_machine *m, fl_event_type type)
{
	fli_machine_event kind = {.type = (uint8_t)type};
	fli_machine_timeout *t = find_running(m, &kind);

	if (t != NULL)
		end_timeout(m, t);
}

static int start_timeout(fli_machine *m, fli_machine_timeout *t)
{
	t->is_due = t->ms == 0 && !t->is_abs; /* one whose time is over is a timer, as any */
	fli_list_append(t->is_due ? &m->due : &m->timeouts, &t->link);
	return t->is_due ? FL_OK : m->ops->start(m->ctx, t);
}

/* `t` is in no list. */
static int carry_out(fli_machine *m, fli_machine_timeout *t)
{
	fli_machine_timeout *old = find_running(m, &t->event);
	fli_kept *content;

	if (t->ms == FL_TIMEOUT_UPDATE && old != NULL) {
		content = old->event.content;
		old->event.content = t->event.content;
		t->event.content = content;
		delete_timeout(m, t);
		return FL_OK;
	}
	if (old != NULL)
		end_timeout(m, old);
	if (t->ms == FL_INFINITY) {
		delete_timeout(m, t);
		return FL_OK;
	}
	if (t->ms == FL_TIMEOUT_UPDATE)
		t->ms = 0; /* as gen_statem: one that does not run fires at once */
	else if (m->ops->note_start != NULL)
		m->ops->note_start(m->ctx, t);
	return start_timeout(m, t);
}

static int carry_out_all(fli_machine *m)
{
	fli_machine_timeout *t;
	fli_link *link;
	int rc = FL_OK;

	while (rc == FL_OK && (link = fli_list_pop(&m->asked)) != NULL) {
		t = fli_container_of(link, fli_machine_timeout, link);
		if (find_in(m, &m->asked, &t->event) != NULL)
			delete_timeout(m, t); /* a later one counts */
		else
			rc = carry_out(m, t);
	}
	return rc;
}

/* ---- what a handler asks for ----------------------------------------------------------------- */

int fli_machine_next_state(fli_machine *m, fl_term state)
{
	fli_kept *kept = fli_keep(m->mem, state);

	if (kept == NULL)
		return FL_ENOMEM;
	fli_free(m->mem, m->next_state);
	m->next_state = kept;
	return FL_OK;
}

int fli_machine_repeat(fli_machine *m)
{
	m->repeats = true;
	return FL_OK;
}

static int not_when_entering(fli_machine *m)
{
	m->misused = m->misused || m->is_entering;
	return m->is_entering ? FL_EMISUSE : FL_OK;
}

int fli_machine_postpone(fli_machine *m)
{
	m->postpones = true;
	return not_when_entering(m);
}

int fli_machine_insert(fli_machine *m, fl_event_type type, fl_term content)
{
	fl_event event = {.type = type, .content = content};
	int rc = not_when_entering(m);

	if (rc != FL_OK || type == FL_EVENT_CALL || type >= FL_EVENT_GENERIC_TIMEOUT)
		return FL_EMISUSE;
	note(m, "in", &event,
		m->next_state != NULL ? fli_kept_term(m->next_state, m->atoms)
				      : fli_machine_state(m));
	return keep_event(m, &event, &m->inserted);
}

int fli_machine_timeout_set(fli_machine *m, fl_event_type type, fl_term name,
	const fli_machine_when *when, fl_term content)
{
	fl_event event = {.type = type, .content = content, .name = name};
	fli_machine_timeout *t;

	if (m->timeouts_count >= FL_STATEM_EVENTS_MAX)
		return FL_ELIMIT;
	t = fli_zalloc(m->mem, sizeof *t);
	if (t == NULL)
		return FL_ENOMEM;
	if (!fill(m, &t->event, &event)) {
		fli_free(m->mem, t);
		return FL_ENOMEM;
	}
	t->ms = when->ms;
	t->is_abs = when->is_abs;
	t->at_ms = when->at_ms;
	m->timeouts_count++;
	fli_list_append(&m->asked, &t->link);
	return FL_OK;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool is_change(const fli_machine *m)
{
	return m->next_state != NULL &&
	       !fl_equal(fli_machine_state(m), fli_kept_term(m->next_state, m->atoms));
}

/* Runs the enter call of the state, as often as it asks to be repeated. */
static int enter(fli_machine *m, fl_term previous)
{
	fl_event event = {.type = FL_EVENT_ENTER, .content = previous};
	int rc = FL_OK;

	m->is_entering = true;
	do {
		m->repeats = false;
		rc = m->ops->handle(m->ctx, &event);
		if (rc == FL_OK && (m->misused || is_change(m)))
			rc = FL_EMISUSE;
		event.content = fli_machine_state(m);
	} while (rc == FL_OK && m->repeats);
	m->is_entering = false;
	return rc;
}

/* What the handler asked for. *ret_previous: the state that is left, NULL where none is. */
static int take_state(fli_machine *m, fli_kept **ret_previous)
{
	bool changes = is_change(m), enters = changes || m->repeats;
	int rc = FL_OK;

	*ret_previous = NULL;
	if (changes) {
		*ret_previous = m->state;
		m->state = m->next_state;
		m->next_state = NULL;
	}
	if (enters && m->state_enter)
		rc = enter(
			m, changes ? fli_kept_term(*ret_previous, m->atoms) : fli_machine_state(m));
	m->repeats = false;
	fli_free(m->mem, m->next_state); /* it is the one that the machine is in */
	m->next_state = NULL;
	return rc;
}

static int settle(fli_machine *m, const fl_event *event, bool postpones, const fli_kept *previous)
{
	fl_term before =
		previous != NULL ? fli_kept_term(previous, m->atoms) : fli_machine_state(m);
	int rc = FL_OK;

	note(m, postpones ? "postpone" : "consume", event, before);
	if (postpones)
		rc = keep_event(m, event, &m->postponed);
	end_kind(m, FL_EVENT_TIMEOUT);
	if (previous != NULL) {
		end_kind(m, FL_EVENT_STATE_TIMEOUT);
		put_in_front(&m->queue, &m->postponed);
	}
	return rc;
}

static int handle(fli_machine *m, const fl_event *event)
{
	fli_kept *previous;
	bool postpones;
	int rc;

	m->postpones = m->repeats = m->misused = false;
	rc = m->ops->handle(m->ctx, event);
	if (rc != FL_OK)
		return rc;
	postpones = m->postpones;
	rc = take_state(m, &previous);
	if (rc == FL_OK)
		rc = settle(m, event, postpones, previous);
	if (rc == FL_OK)
		rc = carry_out_all(m);
	fli_free(m->mem, previous);
	put_in_front(&m->queue, &m->inserted);
	return rc;
}

static int handle_kept(fli_machine *m, fli_machine_event *kept)
{
	fl_event event = fli_machine_event_of(m, kept);
	int rc = handle(m, &event);

	delete_event(m, kept);
	return rc;
}

static int fire(fli_machine *m, fli_machine_timeout *t)
{
	fl_event event;
	int rc;

	fli_list_remove(&t->link); /* it is over before its handler runs, which may ask anew */
	event = fli_machine_event_of(m, &t->event);
	note(m, "in", &event, fli_machine_state(m));
	rc = handle(m, &event);
	fli_list_create(&t->link);
	delete_timeout(m, t);
	return rc;
}

static int go_on(fli_machine *m)
{
	fli_link *link;
	int rc = FL_OK;

	while (rc == FL_OK) {
		if ((link = fli_list_pop(&m->queue)) != NULL)
			rc = handle_kept(m, fli_container_of(link, fli_machine_event, link));
		else if (!fli_list_is_empty(&m->due))
			rc = fire(m, fli_container_of(m->due.next, fli_machine_timeout, link));
		else
			break;
	}
	return rc;
}

int fli_machine_begin(fli_machine *m)
{
	int rc = FL_OK;

	if (m->next_state != NULL) {
		fli_free(m->mem, m->state);
		m->state = m->next_state;
		m->next_state = NULL;
	}
	if (m->state_enter)
		rc = enter(m, fli_machine_state(m));
	m->repeats = false;
	if (rc == FL_OK)
		rc = carry_out_all(m);
	put_in_front(&m->queue, &m->inserted);
	return rc == FL_OK ? go_on(m) : rc;
}

int fli_machine_feed(fli_machine *m, const fl_event *event)
{
	int rc;

	note(m, "in", event, fli_machine_state(m));
	rc = handle(m, event);
	return rc == FL_OK ? go_on(m) : rc;
}

bool fli_machine_timed_out(fli_machine *m, const fl_ref *tag, int *ret_rc)
{
	fli_machine_timeout *t;

	for (fli_link *l = m->timeouts.next; l != &m->timeouts; l = l->next) {
		t = fli_container_of(l, fli_machine_timeout, link);
		if (!fl_ref_eq(&t->tag, tag))
			continue;
		*ret_rc = fire(m, t);
		if (*ret_rc == FL_OK)
			*ret_rc = go_on(m);
		return true;
	}
	return false;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void drop_events(fli_machine *m, fli_link *list)
{
	fli_link *link;

	while ((link = fli_list_pop(list)) != NULL)
		delete_event(m, fli_container_of(link, fli_machine_event, link));
}

/* Without a word to who keeps the timers. */
static void drop_timeouts(fli_machine *m, fli_link *list)
{
	while (!fli_list_is_empty(list))
		delete_timeout(m, fli_container_of(list->next, fli_machine_timeout, link));
}

void fli_machine_destroy(fli_machine *m)
{
	drop_events(m, &m->queue);
	drop_events(m, &m->postponed);
	drop_events(m, &m->inserted);
	drop_timeouts(m, &m->timeouts);
	drop_timeouts(m, &m->due);
	drop_timeouts(m, &m->asked);
	fli_free(m->mem, m->state);
	fli_free(m->mem, m->next_state);
}
