/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers and their events.
 *
 *  - Each event's name that somebody is attached to has a slot with its handlers in order.
 *  - An execute takes the handlers of its slot, counted, and calls them without the context when a
 *    process executes; for the node's own events, in the midst of the runtime, it keeps it.
 *  - Bits of `events_wanted` say which of the node's own events have a slot.
 *
 * Failure: a handler that fails, or that there is nobody to send to, is detached; one on another
 * node when its process has ended. Without memory an event is not told.
 */
#include "node/events.h"

#include <string.h>

#include "node/sched.h"
#include "node/sup_spec.h"
#include "node/term/hash.h"

typedef struct handler {
	fli_link in_node;
	fli_link subscriptions;
	uint32_t refs;
	bool is_detached;
	fli_kept *id;
	fl_telemetry_handler *call; /* NULL: a message to `pid` */
	void *config;
	fl_pid pid;
	fl_ref ref;
	fl_ref watch; /* the monitor of a `pid` on another node */
	bool is_watched;
} handler;

typedef struct slot {
	uint64_t hash;
	fli_kept *name;
	fli_link subscriptions;
} slot;

typedef struct subscription {
	fli_link in_handler, in_slot;
	handler *handler;
	slot *slot;
} subscription;

typedef struct fli_events {
	fli_map slots;
	fli_link handlers;
	uint32_t count;
	uint32_t depth;    /* of the node's own events inside each other */
	size_t name_bytes; /* of all slots */
} fli_events;

/* ---- names ------------------------------------------------------------------------------------
 */

static bool has_name(const void *item, const void *key)
{
	const fl_term *want = key;

	return fl_equal(fli_kept_term(((const slot *)item)->name, want->atoms), *want);
}

bool fli_event_is_name(fl_term name)
{
	fl_term element;

	if (name.size > FLI_EVENT_NAME_BYTES_MAX || fl_term_kind(name) != FL_LIST)
		return false;
	while (fl_list_next(&name, &element))
		if (fl_term_kind(element) != FL_ATOM)
			return false;
	return fl_term_kind(name) == FL_NIL;
}

int fli_event_read_name(const char *text, fl_buf *buf)
{
	fl_error err;
	int rc = fl_read(buf, text, strlen(text), &err);

	return rc == FL_OK && !fli_event_is_name(fl_buf_term(buf)) ? FL_EFORMAT : rc;
}

static const char *const own_names[] = {
#define FLI_EVENT_TEXT(name, text) [FLI_EVENT_##name] = (text),
	FLI_EVENTS(FLI_EVENT_TEXT)
#undef FLI_EVENT_TEXT
};

/* ---- slots ------------------------------------------------------------------------------------
 */

static slot *find_slot(const fl_node *node, fl_term name)
{
	uint64_t hash;

	if (node->events == NULL || !fli_term_hash(node->seed, name, &hash))
		return NULL;
	return fli_map_get(&node->events->slots, hash, &name);
}

static slot *make_slot(fl_node *node, fl_term name)
{
	slot *at = find_slot(node, name);

	if (at != NULL)
		return at;
	at = fli_zalloc(node->mem, sizeof *at);
	if (at == NULL)
		return NULL;
	at->name = fli_keep(node->mem, name);
	fli_list_create(&at->subscriptions);
	if (at->name != NULL && fli_term_hash(node->seed, name, &at->hash) &&
		fli_map_put(&node->events->slots, at->hash, at) == FL_OK) {
		node->events->name_bytes += name.size;
		return at;
	}
	fli_free(node->mem, at->name);
	fli_free(node->mem, at);
	return NULL;
}

static void drop_slot_if_empty(fl_node *node, slot *at)
{
	fl_term name = fli_kept_term(at->name, node->atoms);

	if (!fli_list_is_empty(&at->subscriptions))
		return;
	node->events->name_bytes -= name.size;
	(void)fli_map_remove(&node->events->slots, at->hash, &name);
	fli_free(node->mem, at->name);
	fli_free(node->mem, at);
}

/* Which of the node's own events somebody is attached to. */
static void look_what_is_wanted(fl_node *node)
{
	uint32_t wanted = 0;

	for (unsigned kind = 0; kind < FLI_EVENT_COUNT; kind++) {
		fl_buf name = FL_BUF_INIT;

		if (fli_event_read_name(own_names[kind], &name) != FL_OK ||
			find_slot(node, fl_buf_term(&name)) != NULL)
			wanted |= 1U << kind; /* without memory it is looked at each time */
		fl_buf_free(&name);
	}
	/* the top bit: some event has a handler */
	if (node->events->slots.count > 0)
		wanted |= 1U << 31;
	atomic_store_explicit(&node->events_wanted, wanted, memory_order_relaxed);
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

static void unref(fl_node *node, handler *h)
{
	if (--h->refs > 0)
		return;
	fli_free(node->mem, h->id);
	fli_free(node->mem, h);
}

/*
 * A subscriber on another node is monitored, so that its end takes the subscription along: one here
 * is found out by the next message to it. The watcher has the monitor.
 */
static void watch(fl_node *node, handler *h)
{
	fl_proc *watcher = fli_name_find(node, fl_atom_of(fli_event_watcher.name));
	fl_dest to = fl_to_pid(h->pid);
	fli_monitor *monitor;

	if (h->call != NULL || watcher == NULL || fli_pid_is_local(node, &h->pid))
		return;
	h->watch = fli_ref_make(node);
	monitor = fli_monitor_new(watcher, &to, &h->watch);
	h->is_watched = monitor != NULL;
	if (monitor != NULL)
		fli_monitor_aim(monitor, &to);
}

static void unwatch(fl_node *node, const handler *h)
{
	fli_monitor *monitor = h->is_watched ? fli_monitor_find(node, NULL, &h->watch) : NULL;

	if (monitor != NULL)
		fli_monitor_cancel(node, monitor);
}

static void detach(fl_node *node, handler *h)
{
	fli_link *link;

	if (h->is_detached)
		return;
	h->is_detached = true;
	unwatch(node, h);
	while ((link = fli_list_pop(&h->subscriptions)) != NULL) {
		subscription *s = fli_container_of(link, subscription, in_handler);

		fli_list_remove(&s->in_slot);
		drop_slot_if_empty(node, s->slot);
		fli_free(node->mem, s);
	}
	fli_list_remove(&h->in_node);
	node->events->count--;
	look_what_is_wanted(node);
	unref(node, h);
}

static handler *find_handler(const fl_node *node, fl_term id)
{
	const fli_events *events = node->events;

	if (events == NULL)
		return NULL;
	for (fli_link *at = events->handlers.next; at != &events->handlers; at = at->next) {
		handler *h = fli_container_of(at, handler, in_node);

		if (fl_equal(fli_kept_term(h->id, node->atoms), id))
			return h;
	}
	return NULL;
}

static int add_event(fl_node *node, handler *h, fl_term name)
{
	subscription *s;
	slot *at;

	if (name.size > FLI_EVENT_NAMES_BYTES_MAX - node->events->name_bytes)
		return FL_ELIMIT;
	at = make_slot(node, name);
	if (at == NULL)
		return FL_ENOMEM;
	s = fli_zalloc(node->mem, sizeof *s);
	if (s == NULL) {
		drop_slot_if_empty(node, at);
		return FL_ENOMEM;
	}
	s->handler = h;
	s->slot = at;
	fli_list_append(&at->subscriptions, &s->in_slot);
	fli_list_append(&h->subscriptions, &s->in_handler);
	return FL_OK;
}

static bool prepare(fl_node *node)
{
	if (node->events != NULL)
		return true;
	node->events = fli_zalloc(node->mem, sizeof *node->events);
	if (node->events == NULL)
		return false;
	fli_map_create(&node->events->slots, node->mem, has_name);
	fli_list_create(&node->events->handlers);
	return true;
}

/* `how` has what is called; `names` is a list of names. */
static int attach(fl_node *node, const handler *how, fl_term id, fl_term names)
{
	uint32_t count = 0;
	fl_term name;
	handler *h;
	int rc = FL_OK;

	if (!prepare(node))
		return FL_ENOMEM;
	if (find_handler(node, id) != NULL)
		return FL_EALREADY;
	if (node->events->count >= FLI_EVENT_HANDLERS_MAX)
		return FL_ELIMIT;
	h = fli_zalloc(node->mem, sizeof *h);
	if (h == NULL)
		return FL_ENOMEM;
	*h = *how;
	h->refs = 1;
	fli_list_create(&h->subscriptions);
	fli_list_append(&node->events->handlers, &h->in_node);
	node->events->count++;
	h->id = fli_keep(node->mem, id);
	rc = h->id == NULL ? FL_ENOMEM : FL_OK;
	while (rc == FL_OK && fl_list_next(&names, &name)) {
		rc = ++count > FLI_EVENT_NAMES_MAX ? FL_ELIMIT : FL_OK;
		if (rc == FL_OK)
			rc = fli_event_is_name(name) ? add_event(node, h, name) : FL_EFORMAT;
	}
	if (rc == FL_OK)
		look_what_is_wanted(node);
	else
		detach(node, h);
	return rc;
}

int fli_event_attach_call(
	fl_node *node, fl_telemetry_handler *call, void *config, fl_term id, fl_term names)
{
	return attach(node, &(const handler){.call = call, .config = config}, id, names);
}

int fli_event_attach_pid(fl_node *node, const fl_pid *pid, fl_term names, const fl_ref *ref)
{
	handler how = {.pid = *pid, .ref = *ref}, *made;
	fl_buf id = FL_BUF_INIT;
	int rc = fl_build(&id, "~", *ref);

	if (rc == FL_OK &&
		!fli_atoms_intern(node->atoms, pid->node.text, pid->node.size, &how.pid.node))
		rc = FL_ELIMIT; /* a handler outlives the message that its pid came with */
	if (rc == FL_OK)
		rc = attach(node, &how, fl_buf_term(&id), names);
	made = rc == FL_OK ? find_handler(node, fl_buf_term(&id)) : NULL;
	if (made != NULL)
		watch(node, made);
	fl_buf_free(&id);
	return rc;
}

void fli_event_watch_all(fl_node *node)
{
	fli_events *events = node->events;

	for (fli_link *at = events == NULL ? NULL : events->handlers.next;
		at != NULL && at != &events->handlers; at = at->next)
		watch(node, fli_container_of(at, handler, in_node));
}

void fli_event_watch_ended(fl_node *node, const fl_ref *monitor)
{
	fli_events *events = node->events;
	fli_link *at = events == NULL ? NULL : events->handlers.next, *next;

	for (; at != NULL && at != &events->handlers; at = next) {
		handler *h = fli_container_of(at, handler, in_node);

		next = at->next;
		if (h->is_watched && fl_ref_eq(&h->watch, monitor))
			detach(node, h);
	}
}

int fli_event_detach_term(fl_node *node, fl_term id)
{
	handler *h = find_handler(node, id);

	if (h == NULL)
		return FL_ENOENT;
	detach(node, h);
	return FL_OK;
}

/* ---- listing ----------------------------------------------------------------------------------
 */

static bool begins_with(fl_term name, fl_term prefix)
{
	fl_term a, b;

	while (fl_list_next(&prefix, &a))
		if (!fl_list_next(&name, &b) || !fl_equal(a, b))
			return false;
	return true;
}

static void write_subscription(const fl_node *node, fl_buf *list, const subscription *s)
{
	const handler *h = s->handler;
	fl_term id = fli_kept_term(h->id, node->atoms);
	fl_term name = fli_kept_term(s->slot->name, node->atoms);

	if (h->call != NULL)
		(void)fl_build(list,
			"#{id => ~, event_name => ~, function => native, config => undefined}", id,
			name);
	else
		(void)fl_build(list,
			"#{id => ~, event_name => ~, function => send, "
			"config => #{dest_pid => ~, ref => ~}}",
			id, name, h->pid, h->ref);
}

int fli_event_list(const fl_node *node, fl_term prefix, fl_buf *ret_list)
{
	fli_events *events = node->events;

	fl_list_open(ret_list);
	for (fli_link *at = events == NULL ? NULL : events->handlers.next;
		at != NULL && at != &events->handlers; at = at->next) {
		handler *h = fli_container_of(at, handler, in_node);

		for (fli_link *in = h->subscriptions.next; in != &h->subscriptions; in = in->next) {
			subscription *s = fli_container_of(in, subscription, in_handler);

			if (begins_with(fli_kept_term(s->slot->name, node->atoms), prefix))
				write_subscription(node, ret_list, s);
		}
	}
	fl_list_close(ret_list);
	return ret_list->error;
}

/* ---- executing --------------------------------------------------------------------------------
 */

static int tell_pid(fl_node *node, fl_proc *self, const handler *h, const fl_telemetry *event)
{
	fl_dest to = fl_to_pid(h->pid);
	int rc;

	fli_enter(node);
	rc = fli_send_spec(node, self, &to,
		fl_spec("{~, ~, ~, ~}", event->name, h->ref, event->measurements, event->metadata));
	fli_leave(node);
	return rc;
}

/* Of a failure of a handler of this very event nothing more is told. */
static bool is_failure(fl_term name)
{
	return fl_match(name, "[telemetry, handler, failure]");
}

static void build_failure(fl_buf *buf, const fl_node *node, const handler *h, fl_term name, int rc)
{
	(void)fl_build(buf,
		"{[telemetry, handler, failure], #{monotonic_time => ~, system_time => ~}, "
		"#{handler_id => ~, handler_config => undefined, kind => error, event_name => ~, "
		"reason => ~, stacktrace => []}}",
		node->port->now_ns(node->port), node->port->wall_us(node->port),
		fli_kept_term(h->id, node->atoms), name, fl_atom_of(fl_error_atom(rc)));
}

static void on_failure(fl_node *node, fl_proc *self, handler *h, const fl_telemetry *event, int rc)
{
	fl_telemetry failure = {.node = node, .self = self};
	fl_buf buf = FL_BUF_INIT;
	char id[200], name[200];

	fli_enter(node);
	fli_log_limited(&node->log, node->port->now_ns(node->port) / 1000000, FLI_ERROR,
		"Handler %s has failed and has been detached: %s, in %s",
		fl_print_to(id, sizeof id, fli_kept_term(h->id, node->atoms)), fl_error_text(rc),
		fl_print_to(name, sizeof name, event->name));
	detach(node, h);
	fli_leave(node);
	if (is_failure(event->name))
		return;
	build_failure(&buf, node, h, event->name, rc);
	if (buf.error == FL_OK && fl_tuple_get(fl_buf_term(&buf), 0, &failure.name) &&
		fl_tuple_get(fl_buf_term(&buf), 1, &failure.measurements) &&
		fl_tuple_get(fl_buf_term(&buf), 2, &failure.metadata))
		fli_event_execute(node, self, &failure);
	fl_buf_free(&buf);
}

typedef struct handlers {
	handler *few[16];
	handler **all;
	size_t count;
} handlers;

/* Those of the event, counted. */
static void take_handlers(fl_node *node, fl_term name, handlers *ret)
{
	const slot *at = find_slot(node, name);

	*ret = (handlers){.count = 0};
	ret->all = ret->few;
	if (at == NULL)
		return;
	if (node->events->count > sizeof ret->few / sizeof *ret->few)
		ret->all = fli_alloc(node->mem, node->events->count * sizeof(handler *));
	if (ret->all == NULL)
		return;
	for (fli_link *link = at->subscriptions.next;
		link != &at->subscriptions && ret->count < node->events->count; link = link->next) {
		handler *h = fli_container_of(link, subscription, in_slot)->handler;

		h->refs++;
		ret->all[ret->count++] = h;
	}
}

static void give_back(fl_node *node, handlers *taken)
{
	for (size_t i = 0; i < taken->count; i++)
		unref(node, taken->all[i]);
	if (taken->all != taken->few)
		fli_free(node->mem, taken->all);
}

void fli_event_execute(fl_node *node, fl_proc *self, const fl_telemetry *event)
{
	handlers taken;

	fli_enter(node);
	take_handlers(node, event->name, &taken);
	fli_leave(node);
	for (size_t i = 0; i < taken.count; i++) {
		handler *h = taken.all[i];
		bool is_detached;
		int rc = FL_OK;

		fli_enter(node);
		is_detached = h->is_detached; /* by one before it, say */
		fli_leave(node);
		if (is_detached)
			continue;
		rc = h->call != NULL ? h->call(event, h->config) : tell_pid(node, self, h, event);
		if (rc != FL_OK)
			on_failure(node, self, h, event, rc);
	}
	fli_enter(node);
	give_back(node, &taken);
	fli_leave(node);
}

/* ---- the node's own ---------------------------------------------------------------------------
 */

void fli_event_emit(fl_node *node, fli_event_kind kind, fl_spec measurements_and_metadata)
{
	fl_buf name = FL_BUF_INIT, buf = FL_BUF_INIT;
	fl_telemetry event = {.node = node};

	if (node->events == NULL || node->events->depth >= FLI_EVENT_DEPTH_MAX)
		return;
	node->events->depth++;
	if (fl_build_values(&buf, measurements_and_metadata.pattern,
		    measurements_and_metadata.values, measurements_and_metadata.count) == FL_OK &&
		fli_event_read_name(own_names[kind], &name) == FL_OK &&
		fl_tuple_get(fl_buf_term(&buf), 0, &event.measurements) &&
		fl_tuple_get(fl_buf_term(&buf), 1, &event.metadata)) {
		event.name = fl_buf_term(&name);
		fli_event_execute(node, NULL, &event);
	}
	node->events->depth--;
	fl_buf_free(&name);
	fl_buf_free(&buf);
}

void fli_events_delete(fl_node *node)
{
	fli_events *events = node->events;

	if (events == NULL)
		return;
	while (!fli_list_is_empty(&events->handlers))
		detach(node, fli_container_of(events->handlers.next, handler, in_node));
	fli_map_destroy(&events->slots);
	fli_free(node->mem, events);
	node->events = NULL;
}
