/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of the cluster, held by processes of this node.
 *
 *  - The process itself asks each node's name server, since that watches who asks. The greatest
 *    name comes first: of two who want a lock one is turned away there, before either has it on
 *    other nodes.
 *  - A node that is gone, or has no global, counts for nothing, as in OTP.
 *
 * Failure: one `false`, and it is given back where it was set; then a pause, and again.
 */
#include <string.h>

#include "dist/dist.h"
#include "dist/global_act.h"
#include "dist/global_service.h"
#include "dist/global_state.h"
#include "flitch/global.h"
#include "node/sched.h"

#define PAUSE_MS_FIRST 250
#define PAUSE_MS_MAX 8000

/* ---- the nodes ------------------------------------------------------------------------------- */

typedef struct lock_nodes {
	fl_atom *names; /* greatest first; interned */
	size_t count;
} lock_nodes;

static void insert(lock_nodes *nodes, fl_atom name)
{
	size_t at = nodes->count++;

	for (; at > 0 && fli_global_order(nodes->names[at - 1], name) < 0; at--)
		nodes->names[at] = nodes->names[at - 1];
	nodes->names[at] = name;
}

static size_t count_peers(fli_dist *dist)
{
	size_t cursor = 0, count = 0;

	while (dist != NULL && fli_dist_next(dist, &cursor) != NULL)
		count++;
	return count;
}

static size_t count_list(fl_term list)
{
	fl_term element;
	size_t count = 0;

	while (fl_list_next(&list, &element))
		count++;
	return count;
}

/* The nodes that a caller names. */
static bool read_nodes(fl_proc *self, fl_term list, lock_nodes *ret)
{
	fl_node *node = fl_self_node(self);
	fl_term element;
	fl_atom name;

	*ret = (lock_nodes){
		.names = fli_zalloc(node->mem, (count_list(list) + 1) * sizeof(fl_atom))};
	while (ret->names != NULL && fl_list_next(&list, &element))
		if (fl_match(element, "~", &name) &&
			fli_atoms_intern(node->atoms, name.text, name.size, &name))
			insert(ret, name);
	return ret->names != NULL;
}

/* [node() | nodes()] */
static bool all_nodes(fl_proc *self, lock_nodes *ret)
{
	fl_node *node = fl_self_node(self);
	fli_dist *dist;
	size_t cursor = 0;
	const fli_peer *peer;

	fli_enter(node);
	dist = fli_dist_of(node);
	*ret = (lock_nodes){
		.names = fli_zalloc(node->mem, (count_peers(dist) + 1) * sizeof(fl_atom))};
	if (ret->names != NULL)
		insert(ret, node->name);
	while (ret->names != NULL && dist != NULL && (peer = fli_dist_next(dist, &cursor)) != NULL)
		if (!peer->is_hidden)
			insert(ret, peer->name);
	fli_leave(node);
	return ret->names != NULL;
}

static bool find_nodes(fl_proc *self, const fl_term *list, lock_nodes *ret)
{
	return list == NULL ? all_nodes(self, ret) : read_nodes(self, *list, ret);
}

static void free_nodes(fl_proc *self, lock_nodes *nodes)
{
	fli_free(fl_self_node(self)->mem, nodes->names);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static fl_dest server_at(fl_atom node)
{
	return (fl_dest){.kind = FL_TO_NAME,
		.as.name = {.text = fl_atom_of("global_name_server"), .node = node}};
}

static void give_back(fl_proc *self, const lock_nodes *nodes, size_t count, fl_term id)
{
	/* the boss, who is first, is the last to be told */
	while (count-- > 0)
		(void)fl_call(self, server_at(nodes->names[count]), FL_INFINITY, NULL,
			"{del_lock, ~}", id);
}

static bool holds_any(fl_proc *self)
{
	fl_node *node = fl_self_node(self);
	const fli_global_service *s;
	const fli_global_pid *holder = NULL;
	fl_pid me = fl_self(self);

	fli_enter(node);
	s = fli_global_service_of(node);
	if (s != NULL && s->core != NULL)
		holder = fli_global_pid_find(s->core, &me);
	fli_leave(node);
	return holder != NULL;
}

/*
 * FL_OK, FL_EBUSY, or why not at all. Who holds the lock already, and is refused by a node, gives
 * it back on all, as in OTP, where all have been asked.
 */
static int try_once(fl_proc *self, const lock_nodes *nodes, fl_term id)
{
	bool is_again = holds_any(self);

	for (size_t i = 0; i < nodes->count; i++) {
		fl_term reply = {.data = NULL};
		int rc = fl_call(
			self, server_at(nodes->names[i]), FL_INFINITY, &reply, "{set_lock, ~}", id);

		if (rc == FL_OK && fl_match(reply, "false"))
			rc = FL_EBUSY;
		else if (rc == FL_OK || rc == FL_ENOPROC || rc == FL_ENOCONN || rc == FL_EEXIT)
			continue;
		give_back(self, nodes, is_again ? nodes->count : i, id);
		return rc;
	}
	return FL_OK;
}

/* ---- pausing --------------------------------------------------------------------------------- */

typedef struct nap {
	fl_from from;
} nap;

static int nap_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	nap *n = state;
	uint32_t ms;

	if (!fl_match(request, "~", &ms))
		return fl_reply(from, "ok");
	n->from = from;
	fl_next_timeout(self, ms);
	return fl_later(self, from);
}

static int nap_timeout(fl_proc *self, void *state)
{
	nap *n = state;

	(void)fl_reply(n->from, "ok"); /* who slept may be gone */
	return fl_stop(self, "normal");
}

static const fl_behaviour napper = {
	.name = "flitch_nap", .state_size = sizeof(nap), .call = nap_call, .timeout = nap_timeout};

/* Waits without a thread that sleeps: a process with a timer answers late. */
static int pause_ms(fl_proc *self, uint32_t ms)
{
	fl_start_options options = {.link = false};
	fl_pid pid;
	int rc = fl_start(self, &napper, &options, &pid, "[]");

	if (rc == FL_OK)
		rc = fl_call(self, pid, FL_INFINITY, NULL, "~", ms);
	return rc;
}

static uint32_t pause_of(fl_node *node, uint32_t tries)
{
	uint32_t ms_max = tries > 5 ? PAUSE_MS_MAX : (uint32_t)PAUSE_MS_FIRST << tries, random;

	node->port->random(node->port, &random, sizeof random);
	return 1 + random % (ms_max > PAUSE_MS_MAX ? PAUSE_MS_MAX : ms_max);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int try_to_set(fl_proc *self, fl_term id, const fl_term *list)
{
	lock_nodes nodes;
	int rc;

	if (!find_nodes(self, list, &nodes))
		return FL_ENOMEM;
	rc = try_once(self, &nodes, id);
	free_nodes(self, &nodes);
	return rc;
}

int fli_global_lock_for(fl_proc *self, fl_term id, const fl_term *nodes, uint32_t retries)
{
	int rc = FL_OK;

	for (uint32_t tries = 0; rc == FL_OK; tries++) {
		rc = try_to_set(self, id, nodes);
		if (rc != FL_EBUSY || (retries != FL_INFINITY && tries >= retries))
			break;
		rc = pause_ms(self, pause_of(fl_self_node(self), tries));
	}
	return rc;
}

int fli_global_unlock_for(fl_proc *self, fl_term id, const fl_term *list)
{
	lock_nodes nodes;

	if (!find_nodes(self, list, &nodes))
		return FL_ENOMEM;
	give_back(self, &nodes, nodes.count, id);
	free_nodes(self, &nodes);
	return FL_OK;
}

int fl_global_set_lock_spec(fl_proc *self, uint32_t retries, fl_spec id)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = fl_build_values(&buf, id.pattern, id.values, id.count);

	if (rc == FL_OK)
		rc = fli_global_lock_for(self, fl_buf_term(&buf), NULL, retries);
	fl_buf_free(&buf);
	return rc;
}

int fl_global_del_lock_spec(fl_proc *self, fl_spec id)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = fl_build_values(&buf, id.pattern, id.values, id.count);

	if (rc == FL_OK)
		rc = fli_global_unlock_for(self, fl_buf_term(&buf), NULL);
	fl_buf_free(&buf);
	return rc;
}

int fl_global_trans_spec(
	fl_proc *self, uint32_t retries, fl_global_work *work, void *arg, fl_spec id)
{
	int rc = fl_global_set_lock_spec(self, retries, id);

	if (rc != FL_OK)
		return rc;
	rc = work(self, arg);
	(void)fl_global_del_lock_spec(self, id); /* where it fails our end frees it */
	return rc;
}

int fl_global_sync(fl_proc *self, uint32_t timeout_ms)
{
	fl_buf list = FL_BUF_INIT;
	lock_nodes nodes;
	int rc;

	if (!find_nodes(self, NULL, &nodes))
		return FL_ENOMEM;
	fl_list_open(&list);
	for (size_t i = 0; i < nodes.count; i++)
		(void)fl_build(&list, "~", nodes.names[i]);
	fl_list_close(&list);
	free_nodes(self, &nodes);
	rc = list.error;
	if (rc == FL_OK)
		rc = fl_call(self, "global_name_server", timeout_ms, NULL, "{sync, ~}",
			fl_buf_term(&list));
	fl_buf_free(&list);
	return rc;
}
