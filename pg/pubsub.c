/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phoenix.PubSub's pg adapter, in C.
 *
 *  - For each group of the pool there is one process, registered as the group and its member. What
 *    reaches it is handed to the subscribers of the topic.
 *  - The first of them keeps the subscribers, in a table of groups that no other node sees: topics
 *    are groups, subscriptions memberships.
 *  - A broadcast goes from the process that makes it straight to each subscriber here and to each
 *    node's member, so that what it sends stays in order; one sender uses one group of the pool.
 *
 * Failure: what is not of the adapter's shape is dropped, as is what nobody has subscribed to.
 * Messages of trackers (topics "phx_presence:..") are such.
 */
#include "flitch/pubsub.h"

#include <stdio.h>
#include <string.h>

#include "flitch/pg.h"
#include "node/owned.h"
#include "node/sched.h"
#include "node/silent.h"
#include "node/term/hash.h"
#include "pg/server.h"
#include "pg/shape.h"

#define SCOPE "Elixir.Phoenix.PubSub"
#define DISPATCHER "Elixir.Phoenix.PubSub"
#define CHANNEL "Elixir.Phoenix.Channel.Server"
#define BROADCAST "Elixir.Phoenix.Socket.Broadcast"

enum { POOL_MAX = 64, NAME_MAX_BYTES = 256, TOPIC_MAX = 1 << 16, BATCH = 256 };

/* The group of a place in the pool; the name of its process, too. */
typedef struct group_name {
	char text[NAME_MAX_BYTES];
} group_name;

typedef struct adapter {
	fli_scope *topics;  /* of the first; NULL in the others */
	unsigned pool_size; /* of the first */
	group_name first;
} adapter;

static bool name_group(const char *name, unsigned place, group_name *ret)
{
	char suffix[16] = "";
	int size;

	if (place > 0)
		(void)snprintf(suffix, sizeof suffix, "_%u", place + 1);
	size = snprintf(ret->text, sizeof ret->text, "Elixir.%s.Adapter%s", name, suffix);
	return size > 0 && (size_t)size < sizeof ret->text;
}

/* ---- the table of subscribers ------------------------------------------------------------------
 */

static const fl_behaviour adapter_server;

/* The context is held. NULL: that PubSub does not run here. */
static adapter *find_first(const fl_node *node, const char *text)
{
	fl_proc *proc = fli_name_find(node, fl_atom_of(text));
	adapter *a;

	if (proc == NULL || proc->behaviour != &adapter_server || proc->status == FLI_EXITING)
		return NULL;
	a = (adapter *)(void *)proc->state;
	if (a->topics == NULL)
		return NULL;
	a->topics->own.pid = fli_proc_pid(proc);
	return a;
}

static adapter *find(const fl_node *node, const char *name)
{
	group_name first;

	return name_group(name, 0, &first) ? find_first(node, first.text) : NULL;
}

static int topic_key(fli_scope *topics, const char *topic, fl_term *ret_key)
{
	size_t size = strlen(topic);

	if (size > TOPIC_MAX)
		return FL_ELIMIT;
	return fli_pg_key_of(topics, fl_spec("~", topic), ret_key);
}

static int subscribe(fl_proc *self, const char *name, const char *topic, bool is_join)
{
	fl_node *node = fl_self_node(self);
	const fl_pid me = fl_self(self);
	const uint64_t id = fli_pg_id(&me);
	const fli_scope_pids one = {.ids = &id, .count = 1};
	int rc = FL_ENOPROC, again;
	fl_term key;
	adapter *a;

	fli_enter(node);
	a = find(node, name);
	if (a != NULL)
		rc = topic_key(a->topics, topic, &key);
	if (rc == FL_OK && is_join)
		rc = fli_scope_join(a->topics, key, &one);
	else if (rc == FL_OK)
		for (rc = again = fli_scope_leave(a->topics, key, &one); again == FL_OK;)
			again = fli_scope_leave(a->topics, key, &one);
	fli_leave(node);
	return rc;
}

int fl_pubsub_subscribe(fl_proc *self, const char *name, const char *topic)
{
	return subscribe(self, name, topic, true);
}

int fl_pubsub_unsubscribe(fl_proc *self, const char *name, const char *topic)
{
	return subscribe(self, name, topic, false);
}

/* ---- telling the subscribers here ---------------------------------------------------------------
 */

typedef struct delivery {
	fl_proc *from;
	fl_term message;
	uint64_t but; /* is not told; 0: all are */
	uint64_t *ids;
	size_t count;
} delivery;

/* A copy of who is subscribed now; the context is held. */
static int collect(adapter *a, fl_term topic, delivery *d)
{
	const fli_pg_group *group = fli_pg_group_find(&a->topics->table, topic);
	const fli_pg_share *share = NULL;

	d->count = 0;
	d->ids = NULL;
	if (group == NULL || !fli_scope_next(a->topics, group, true, &share))
		return FL_OK;
	d->ids = fli_alloc(d->from->node->mem, share->count * sizeof *d->ids);
	if (d->ids == NULL)
		return FL_ENOMEM;
	memcpy(d->ids, share->ids, share->count * sizeof *d->ids);
	d->count = share->count;
	return FL_OK;
}

/* Some at a time, so that others have their turn in between. */
static void deliver(delivery *d)
{
	fl_node *node = fl_self_node(d->from);
	size_t at = 0;

	while (at < d->count) {
		size_t end = d->count - at > BATCH ? at + BATCH : d->count;

		fli_enter(node);
		for (; at < end; at++) {
			fl_dest to = fl_to_pid((fl_pid){.node = node->name,
				.id = (uint32_t)d->ids[at],
				.serial = (uint32_t)(d->ids[at] >> 32),
				.creation = node->creation});

			if (d->ids[at] != d->but) /* one that is gone needs no message */
				(void)fli_send_term(node, d->from, &to, d->message);
		}
		fli_leave(node);
	}
	fli_free(node->mem, d->ids);
}

/* ---- the process of a group ---------------------------------------------------------------------
 */

static int on_forward(fl_proc *self, const adapter *state, fl_term topic, fl_term message)
{
	delivery d = {.from = self, .message = message};
	fl_node *node = fl_self_node(self);
	adapter *first;

	fli_enter(node);
	first = find_first(node, state->first.text);
	if (first != NULL && collect(first, topic, &d) != FL_OK)
		d.count = 0;
	fli_leave(node);
	deliver(&d);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	adapter *a = state;
	fl_node *node = fl_self_node(self);
	fli_scope_job job;
	fl_term part[5];
	fl_ref ref;
	fl_pid pid;

	if (fli_shape_tuple(message, "forward_to_local", 4, part))
		return on_forward(self, a, part[1], part[2]);
	if (a->topics == NULL || !fli_shape_tuple(message, "DOWN", 5, part) ||
		!fli_shape_ref(part[1], &ref) || !fli_shape_pid(part[3], &pid))
		return FL_OK;
	fli_enter(node);
	fli_scope_down(a->topics, &ref, &pid, &job); /* of a subscriber: nothing is left to do */
	fli_leave(node);
	return FL_OK;
}

static const fl_behaviour adapter_server = {
	.name = "flitch_pubsub",
	.state_size = sizeof(adapter),
	.call = fli_silent_call,
	.cast = fli_silent_cast,
	.info = on_info,
};

/* ---- starting -----------------------------------------------------------------------------------
 */

static void drop_topics(void *block)
{
	fli_scope_destroy(block);
}

static int make_topics(fl_proc *proc, adapter *a)
{
	fli_scope_start start = {.self = fli_proc_pid(proc),
		.mem = proc->node->mem,
		.seed = proc->node->seed,
		.members_max = fli_pg_members_max(proc->node),
		.ops = &fli_pg_ops,
		.ctx = proc};
	fli_scope *topics = fli_owned_alloc_with(proc, sizeof *topics, drop_topics);

	if (topics == NULL)
		return FL_ENOMEM;
	fli_scope_create(topics, &start);
	a->topics = topics;
	return FL_OK;
}

static int join_group(fli_scope *scope, fl_proc *proc, const char *group)
{
	const fl_pid pid = fli_proc_pid(proc);
	const uint64_t id = fli_pg_id(&pid);
	const fli_scope_pids one = {.ids = &id, .count = 1};
	fl_term key;
	int rc = fli_pg_key_of(scope, fl_spec("~", fl_atom_of(group)), &key);

	return rc == FL_OK ? fli_scope_join(scope, key, &one) : rc;
}

static int start_one(fl_node *node, const char *name, unsigned place, unsigned pool_size)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = &adapter_server, .is_system = true};
	fli_scope *scope = fli_pg_scope(node, fl_atom_of(SCOPE));
	group_name group;
	fl_proc *proc;
	adapter *a;
	int rc;

	if (scope == NULL || !name_group(name, place, &group))
		return scope == NULL ? FL_ENOPROC : FL_EINVAL;
	how.name = group.text;
	rc = fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);
	if (rc != FL_OK)
		return rc;
	a = (adapter *)(void *)proc->state;
	(void)name_group(name, 0, &a->first); /* shorter than the one above */
	a->pool_size = pool_size;
	if (place == 0)
		rc = make_topics(proc, a);
	if (rc == FL_OK)
		rc = join_group(scope, proc, group.text);
	if (rc != FL_OK)
		fli_proc_exit(proc, (fl_term){.data = NULL});
	return rc;
}

int fl_pubsub_start(fl_node *node, const char *name, unsigned pool_size)
{
	fl_proc *proc;
	int rc = FL_OK;

	if (pool_size == 0 || pool_size > POOL_MAX)
		return FL_EINVAL;
	fli_enter(node);
	if (fli_pg_scope(node, fl_atom_of(SCOPE)) == NULL)
		rc = fli_pg_start_scope(node, SCOPE, &proc);
	for (unsigned i = 0; i < pool_size && rc == FL_OK; i++)
		rc = start_one(node, name, i, pool_size);
	fli_leave(node);
	return rc;
}

/* ---- broadcasting -------------------------------------------------------------------------------
 */

/* One process, one group: what it sends stays in order. */
static unsigned place_of(const fl_proc *self, unsigned pool_size)
{
	return (unsigned)(fli_hash_mix((uint64_t)self->serial << 32 | self->id) % pool_size);
}

static void send_to_nodes(fl_proc *self, const fli_pg_group *group, fl_term forward)
{
	fl_node *node = self->node;
	const fli_pg_share *share = NULL;
	const fli_scope *scope = fli_pg_scope(node, fl_atom_of(SCOPE));

	while (fli_scope_next(scope, group, false, &share)) {
		if (share->owner == &scope->own)
			continue;
		for (uint32_t i = 0; i < share->count; i++) {
			fl_dest to = fl_to_pid(fli_pg_pid(share->owner, share->ids[i]));

			/* a node that is gone needs no message */
			(void)fli_send_term(node, self, &to, forward);
		}
	}
}

static int tell_nodes(fl_proc *self, const adapter *a, const char *name, fl_term forward)
{
	fli_scope *scope = fli_pg_scope(self->node, fl_atom_of(SCOPE));
	const fli_pg_group *group;
	group_name text;
	fl_term key;
	int rc;

	if (scope == NULL || !name_group(name, place_of(self, a->pool_size), &text))
		return FL_ENOPROC;
	rc = fli_pg_key_of(scope, fl_spec("~", fl_atom_of(text.text)), &key);
	if (rc != FL_OK)
		return rc;
	group = fli_pg_group_find(&scope->table, key);
	if (group != NULL)
		send_to_nodes(self, group, forward);
	return FL_OK;
}

/* `forward` is {forward_to_local, Topic, Message, Dispatcher}. */
static int broadcast(fl_proc *self, const fl_pubsub_to *to, fl_term forward)
{
	fl_node *node = fl_self_node(self);
	const fl_pid me = fl_self(self);
	delivery d = {.from = self};
	int rc = FL_ENOPROC;
	fl_term topic;
	adapter *a;

	if (!fl_tuple_get(forward, 1, &topic) || !fl_tuple_get(forward, 2, &d.message))
		return FL_EINVAL;
	if (to->reach == FL_PUBSUB_ALL_OTHERS)
		d.but = fli_pg_id(&me);
	fli_enter(node);
	a = find(node, to->name);
	if (a != NULL)
		rc = to->reach == FL_PUBSUB_HERE ? FL_OK : tell_nodes(self, a, to->name, forward);
	if (rc == FL_OK)
		rc = collect(a, topic, &d);
	fli_leave(node);
	if (rc == FL_OK)
		deliver(&d);
	return rc;
}

static int build_forward(fl_buf *buf, const char *topic, fl_spec message, const char *dispatcher)
{
	fl_tuple_open(buf);
	(void)fl_build(buf, "forward_to_local");
	(void)fl_build(buf, "~", topic);
	(void)fl_build_values(buf, message.pattern, message.values, message.count);
	(void)fl_build(buf, "~", fl_atom_of(dispatcher));
	fl_tuple_close(buf);
	if (strlen(topic) > TOPIC_MAX)
		return FL_ELIMIT;
	return buf->error;
}

int fl_pubsub_broadcast_spec(fl_proc *self, fl_pubsub_to to, fl_spec message)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = build_forward(&buf, to.topic, message, DISPATCHER);

	if (rc == FL_OK)
		rc = broadcast(self, &to, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return rc;
}

int fl_pubsub_direct_spec(fl_proc *self, const char *node, fl_pubsub_to to, fl_spec message)
{
	fl_buf buf = FL_BUF_INIT;
	group_name group;
	int rc = name_group(to.name, 0, &group) ? FL_OK : FL_EINVAL;

	if (rc == FL_OK)
		rc = build_forward(&buf, to.topic, message, DISPATCHER);
	if (rc == FL_OK)
		rc = fl_send(self, fl_name_at(group.text, node), "~", fl_buf_term(&buf));
	fl_buf_free(&buf);
	return rc;
}

int fl_channel_broadcast_spec(fl_proc *self, fl_pubsub_to to, const char *event, fl_spec payload)
{
	fl_buf map = FL_BUF_INIT, buf = FL_BUF_INIT, body = FL_BUF_INIT;
	int rc = fl_build_values(&body, payload.pattern, payload.values, payload.count);

	if (rc == FL_OK)
		rc = fl_build(&map,
			"#{'__struct__' => '" BROADCAST "', topic => ~, event => ~, payload => ~}",
			to.topic, event, fl_buf_term(&body));
	if (rc == FL_OK)
		rc = build_forward(&buf, to.topic, fl_spec("~", fl_buf_term(&map)), CHANNEL);
	if (rc == FL_OK)
		rc = broadcast(self, &to, fl_buf_term(&buf));
	fl_buf_free(&body);
	fl_buf_free(&map);
	fl_buf_free(&buf);
	return rc;
}
