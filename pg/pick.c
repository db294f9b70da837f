/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picks.
 *
 *  - A pick looks at the members where they lie; nothing is copied, and there is no message.
 *  - By key: {Key, Node, Id, Serial} is built once, and its last three elements again for each
 *    member; the weight is the hash that every Erlang node computes alike. Pids themselves would
 *    not do: phash2 leaves their node out.
 *  - In turn: the least member that is greater than the last one, in the order of node, serial, id;
 *    so that members that come and go upset nobody's turn.
 *
 * Failure: an empty group is FL_ENOENT; a key without a hash FL_ENOTSUP.
 */
#include "flitch/pick.h"

#include "node/sched.h"
#include "node/term/hash.h"
#include "pg/server.h"

/* ---- walking ----------------------------------------------------------------------------------
 */

typedef struct walk {
	fl_node *node;
	fli_scope *scope;
	const fli_pg_group *group;
	const fli_pg_share *share;
	uint32_t at;
	uint32_t seen;
	bool is_local;
} walk;

/* Takes the context, which walk_end gives back. */
static int walk_begin(walk *w, fl_proc *self, const char *name, const fl_spec *group)
{
	fl_term key;
	int rc;

	*w = (walk){.node = fl_self_node(self)};
	fli_enter(w->node);
	w->scope = fli_pg_scope(w->node, fl_atom_of(name == NULL ? FL_PG : name));
	if (w->scope == NULL)
		return FL_ENOPROC;
	rc = fli_pg_key_of(w->scope, *group, &key);
	if (rc == FL_OK)
		w->group = fli_pg_group_find(&w->scope->table, key);
	return rc;
}

static int walk_end(walk *w, int rc)
{
	fli_leave(w->node);
	return rc;
}

static void walk_again(walk *w, bool is_local)
{
	w->share = NULL;
	w->at = w->seen = 0;
	w->is_local = is_local;
}

static bool walk_next(walk *w, fl_pid *ret_pid)
{
	if (w->group == NULL || w->seen == FL_PICK_MAX)
		return false;
	while (w->share == NULL || w->at == w->share->count) {
		w->at = 0;
		if (!fli_scope_next(w->scope, w->group, w->is_local, &w->share))
			return false;
	}
	w->seen++;
	*ret_pid = fli_pg_pid(w->share->owner, w->share->ids[w->at++]);
	return true;
}

static uint32_t below(const fl_node *node, uint32_t bound)
{
	uint64_t random;

	node->port->random(node->port, &random, sizeof random);
	return (uint32_t)((random >> 32) * bound >> 32);
}

/* ---- any --------------------------------------------------------------------------------------
 */

static uint32_t count_of(const walk *w, bool is_local)
{
	const fli_pg_share *share = NULL;
	uint32_t count = 0;

	while (w->group != NULL && fli_scope_next(w->scope, w->group, is_local, &share))
		count += share->count;
	return count;
}

static bool nth(const walk *w, bool is_local, uint32_t n, fl_pid *ret_pid)
{
	const fli_pg_share *share = NULL;

	while (fli_scope_next(w->scope, w->group, is_local, &share)) {
		if (n < share->count) {
			*ret_pid = fli_pg_pid(share->owner, share->ids[n]);
			return true;
		}
		n -= share->count;
	}
	return false;
}

int fl_pick_any_spec(
	fl_proc *self, const char *scope, fl_pick_how how, fl_pid *ret_pid, fl_spec group)
{
	bool is_local = how == FL_PICK_LOCAL;
	uint32_t count;
	walk w;
	int rc = walk_begin(&w, self, scope, &group);

	if (rc != FL_OK)
		return walk_end(&w, rc);
	if (how != FL_PICK_LOCAL && how != FL_PICK_RANDOM)
		return walk_end(&w, FL_EMISUSE);
	count = count_of(&w, is_local);
	if (count == 0 && is_local) {
		is_local = false;
		count = count_of(&w, false);
	}
	if (count == 0 || !nth(&w, is_local, below(w.node, count), ret_pid))
		rc = FL_ENOENT;
	return walk_end(&w, rc);
}

/* ---- by key -----------------------------------------------------------------------------------
 */

static int order_pids(const fl_pid *a, const fl_pid *b)
{
	size_t size = a->node.size < b->node.size ? a->node.size : b->node.size;
	int order = size == 0 ? 0 : memcmp(a->node.text, b->node.text, size);

	if (order == 0)
		order = (a->node.size > b->node.size) - (a->node.size < b->node.size);
	if (order == 0)
		order = (a->serial > b->serial) - (a->serial < b->serial);
	return order != 0 ? order : (a->id > b->id) - (a->id < b->id);
}

static bool weigh(fli_buf *buf, size_t start, const fl_pid *pid, uint32_t *ret_weight)
{
	buf->size = start;
	fli_write_atom(buf, pid->node);
	fli_write_uint(buf, pid->id);
	fli_write_uint(buf, pid->serial);
	return !buf->failed &&
	       fli_phash2((fl_term){.data = buf->data, .size = buf->size}, ret_weight);
}

static int pick_owner(walk *w, fli_buf *buf, fl_pid *ret_pid)
{
	size_t start = buf->size;
	uint32_t weight, best = 0;
	bool has_best = false;
	fl_pid pid;

	walk_again(w, false);
	while (walk_next(w, &pid)) {
		if (!weigh(buf, start, &pid, &weight))
			return buf->failed ? FL_ENOMEM : FL_ENOTSUP;
		if (has_best &&
			(weight < best || (weight == best && order_pids(&pid, ret_pid) < 0)))
			continue;
		has_best = true;
		best = weight;
		*ret_pid = pid;
	}
	return has_best ? FL_OK : FL_ENOENT;
}

int fl_pick_by_key_spec(
	fl_proc *self, const char *scope, fl_term key, fl_pid *ret_pid, fl_spec group)
{
	fl_pid owner;
	fli_buf buf;
	walk w;
	int rc = walk_begin(&w, self, scope, &group);

	if (rc != FL_OK)
		return walk_end(&w, rc);
	fli_buf_create(&buf, w.node->mem, 0);
	fli_write_tuple(&buf, 4);
	fli_write_term(&buf, key);
	rc = pick_owner(&w, &buf, &owner);
	fli_buf_destroy(&buf);
	if (rc == FL_OK)
		*ret_pid = owner;
	return walk_end(&w, rc);
}

/* ---- with a picker ----------------------------------------------------------------------------
 */

static int pick_in_turn(walk *w, fl_picker *picker, fl_pid *ret_pid)
{
	bool has_next = false, has_first = false;
	fl_pid pid, next = {.id = 0}, first = {.id = 0};

	walk_again(w, false);
	while (walk_next(w, &pid)) {
		if (!has_first || order_pids(&pid, &first) < 0)
			first = pid;
		has_first = true;
		if (order_pids(&pid, &picker->last) > 0 &&
			(!has_next || order_pids(&pid, &next) < 0)) {
			next = pid;
			has_next = true;
		}
	}
	if (!has_first)
		return FL_ENOENT;
	*ret_pid = picker->last = has_next ? next : first;
	return FL_OK;
}

static fl_picked *given_to(fl_picker *picker, const fl_pid *pid)
{
	for (uint32_t i = 0; i < picker->count; i++)
		if (fl_pid_eq(&picker->given[i].pid, pid))
			return &picker->given[i];
	return NULL;
}

/* Of members with the same count, each has the same chance. */
static int pick_least(walk *w, fl_picker *picker, fl_pid *ret_pid)
{
	uint32_t least = UINT32_MAX, equals = 0;
	fl_picked *given;
	fl_pid pid;

	walk_again(w, false);
	while (walk_next(w, &pid)) {
		uint32_t open = (given = given_to(picker, &pid)) == NULL ? 0 : given->open;

		if (open > least)
			continue;
		equals = open < least ? 1 : equals + 1;
		least = open;
		if (below(w->node, equals) == 0)
			*ret_pid = pid;
	}
	if (equals == 0)
		return FL_ENOENT;
	given = given_to(picker, ret_pid);
	if (given != NULL)
		given->open++;
	else if (picker->count < FL_PICKER_MAX)
		picker->given[picker->count++] = (fl_picked){*ret_pid, 1};
	return FL_OK;
}

int fl_picker_next_spec(fl_proc *self, fl_picker *picker, fl_pid *ret_pid, fl_spec group)
{
	fl_pid pid = {.id = 0};
	walk w;
	int rc;

	if (picker->how == FL_PICK_RANDOM || picker->how == FL_PICK_LOCAL)
		return fl_pick_any_spec(self, picker->scope == NULL ? FL_PG : picker->scope,
			picker->how, ret_pid, group);
	rc = walk_begin(&w, self, picker->scope, &group);
	if (rc == FL_OK)
		rc = picker->how == FL_PICK_ROUND ? pick_in_turn(&w, picker, &pid)
						  : pick_least(&w, picker, &pid);
	if (rc == FL_OK)
		*ret_pid = pid;
	return walk_end(&w, rc);
}

void fl_picker_done(fl_picker *picker, fl_pid pid)
{
	fl_picked *given = given_to(picker, &pid);

	if (given != NULL && --given->open == 0)
		*given = picker->given[--picker->count];
}

bool fl_phash2(fl_term term, uint32_t *ret_hash)
{
	return fli_phash2(term, ret_hash);
}
