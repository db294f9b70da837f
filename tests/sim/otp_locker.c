/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The locker of global: it makes sure that neither partition changes names while two are joined.
 *
 * - It knows the partners that wait for it. When nothing came for a while (0.2 s alone, 1 to 3 s
 * with others) and nobody has the global lock, it picks one and begins: the lock of the boss (the
 * greatest name), then of itself and the partner, then of the rest. Both lockers use the same lock,
 * so that nodes which both sides have in common can be locked by both.
 * - With the lock it says lock_set true to the partner's and waits for the same. A partner's
 * lock_set that comes unasked has it lock its own partition and answer.
 * - With both set it tells GNS, and keeps the lock until GNS says cancel: then new_nodes goes to
 * the old partition, from this process, so that it arrives before the lock is gone.
 *
 * While it is busy everything else waits; only who is known is looked at in the middle.
 */
#include "tests/sim/otp_global.h"

#include <stdlib.h>
#include <string.h>

typedef struct otp_him {
	struct otp_him *next;
	otp_atom node;
	otp_term locker;
	otp_term tag; /* his, for lock_set */
	int64_t my_tag;
	int64_t vsn;
	bool is_up; /* nodeup came; else only that did */
	bool has_locker;
} otp_him;

typedef enum locker_phase { IDLE, LOCKING, WAIT_SET, WAIT_CANCEL } locker_phase;

typedef struct otp_locker {
	otp_him *hims;
	otp_buf known; /* list of atoms */
	locker_phase phase;
	bool is_asked; /* the partner began */
	bool is_just_synced;
	int64_t round; /* of the wait that counts */
	otp_atom partner;
	otp_term lock_id;
	otp_term first;  /* the boss, locked */
	otp_term second; /* of those who come next */
} otp_locker;

static otp_locker *of(otp_proc *self)
{
	return self->state;
}

static otp_term known_of(otp_locker *l)
{
	return otp_term_of(&l->known);
}

static otp_him **find_him(otp_locker *l, const char *peer)
{
	otp_him **at = &l->hims;

	while (*at != NULL && strcmp((*at)->node.text, peer) != 0)
		at = &(*at)->next;
	return at;
}

static void remove_him(otp_locker *l, const char *peer)
{
	otp_him **at = find_him(l, peer), *him = *at;

	if (him == NULL)
		return;
	*at = him->next;
	otp_drop(&him->locker);
	otp_drop(&him->tag);
	free(him);
}

static otp_him *make_him(otp_locker *l, const char *peer)
{
	otp_him **at = find_him(l, peer);

	if (*at == NULL) {
		*at = otp_alloc(sizeof **at);
		otp_set_atom(&(*at)->node, peer);
	}
	return *at;
}

static void set_known(otp_locker *l, otp_term known)
{
	otp_term copy = otp_keep(known);

	otp_buf_free(&l->known);
	otp_buf_add(&l->known, copy.data, copy.size);
	otp_drop(&copy);
}

static void wait_again(otp_node *node, otp_proc *self)
{
	otp_locker *l = of(self);
	unsigned known = otp_length(known_of(l));
	uint64_t ms = 1000 + 100 * known;
	bool has_partner = false;

	for (otp_him *h = l->hims; h != NULL; h = h->next)
		has_partner |= h->has_locker && h->is_up;
	ms = l->is_just_synced ? 0 : known == 0 ? 200 : ms > 3000 ? 3000 : ms;
	l->is_just_synced = false;
	l->round++;
	if (has_partner)
		otp_after(node, self, ms, otp_make(node, "{wait_is_over,~i}", l->round));
}

static void be_idle(otp_node *node, otp_proc *self)
{
	of(self)->phase = IDLE;
	otp_resume(node, self);
	wait_again(node, self);
}

static void released(otp_node *node, otp_proc *self, bool is_set)
{
	(void)is_set;
	be_idle(node, self);
}

static otp_term us_and(otp_node *node, otp_locker *l)
{
	otp_term us = otp_make(node, "[~a]", node->config.name);

	/* Who was asked has not locked the partner: that one does so itself. */
	if (!l->is_asked)
		us = otp_cons(node, otp_make(node, "~a", l->partner.text), us);
	return otp_list_append(node, us, known_of(l));
}

static void release(otp_node *node, otp_proc *self)
{
	otp_locker *l = of(self);

	l->phase = LOCKING;
	otp_del_global_lock(node, self, l->lock_id, us_and(node, l), released);
}

static void send_lock_set(otp_node *node, otp_proc *self, bool is_set)
{
	otp_locker *l = of(self);
	otp_him *him = *find_him(l, l->partner.text);
	const char *word = is_set ? "true" : "false";
	otp_term known = known_of(l), message;

	if (him == NULL)
		return;
	message = otp_make(node, "{lock_set,~t,~a,~t}", self->pid, word, known);
	if (him->vsn < 6) {
		otp_send(node, self, him->locker, message);
		return;
	}
	if (him->vsn >= 8)
		message =
			otp_make(node, "{lock_set,~t,~a,~t,~t}", self->pid, word, known, him->tag);
	otp_cast(node, self, "global_name_server", l->partner.text, message);
}

static void tell_lock_is_set(otp_node *node, otp_proc *self)
{
	otp_locker *l = of(self);
	otp_him *him = *find_him(l, l->partner.text);

	if (him == NULL)
		return;
	l->phase = WAIT_CANCEL;
	otp_deliver(node, node->global->server,
		otp_make(node, "{$gen_cast,{lock_is_set,~a,~i,~t}}", l->partner.text, him->my_tag,
			l->lock_id));
	otp_resume(node, self);
}

/* ---- locking the partition ------------------------------------------------------------------- */

static void partition_done(otp_node *node, otp_proc *self, bool is_set)
{
	otp_locker *l = of(self);

	if (l->is_asked)
		send_lock_set(node, self, is_set);
	if (!is_set) {
		be_idle(node, self);
	} else if (l->is_asked) {
		tell_lock_is_set(node, self);
	} else {
		send_lock_set(node, self, true);
		l->phase = WAIT_SET;
		otp_resume(node, self);
	}
}

static void undone(otp_node *node, otp_proc *self, bool is_set)
{
	(void)is_set;
	partition_done(node, self, false);
}

static void rest_done(otp_node *node, otp_proc *self, bool is_set)
{
	otp_locker *l = of(self);

	if (is_set)
		partition_done(node, self, true);
	else
		otp_del_lock(
			node, self, l->lock_id, otp_list_append(node, l->first, l->second), undone);
}

static void second_done(otp_node *node, otp_proc *self, bool is_set)
{
	otp_locker *l = of(self);

	if (is_set)
		otp_try_lock(node, self, l->lock_id, otp_list_without(node, known_of(l), l->first),
			rest_done);
	else
		otp_del_lock(node, self, l->lock_id, l->first, undone);
}

/* Who is known may have changed meanwhile: those messages are taken out of the mail. */
static void take_known(otp_node *node, otp_proc *self)
{
	otp_message **at = &self->saved;
	otp_locker *l = of(self);
	otp_term nodes;

	while (*at != NULL) {
		otp_message *m = *at;

		if (otp_match(m->term, "{add_to_known,~t}", &nodes)) {
			set_known(l, otp_list_append(node, nodes, known_of(l)));
		} else if (otp_match(m->term, "{remove_from_known,~t}", &nodes)) {
			set_known(l,
				otp_list_without(node, known_of(l), otp_make(node, "[~t]", nodes)));
		} else {
			at = &m->next;
			continue;
		}
		*at = m->next;
		otp_drop(&m->term);
		otp_drop(&m->exit_from);
		free(m);
	}
}

static void boss_done(otp_node *node, otp_proc *self, bool is_set)
{
	otp_locker *l = of(self);
	otp_term second = otp_make(node, "[~a]", node->config.name);

	if (!is_set) {
		partition_done(node, self, false);
		return;
	}
	take_known(node, self);
	if (!l->is_asked)
		second = otp_list_append(node, second, otp_make(node, "[~a]", l->partner.text));
	second = otp_list_without(node, second, l->first);
	otp_drop(&l->second);
	l->second = otp_keep(second);
	otp_try_lock(node, self, l->lock_id, second, second_done);
}

static void lock_partition(otp_node *node, otp_proc *self, otp_him *him, bool is_asked)
{
	otp_locker *l = of(self);
	bool is_first = otp_pid_compare(self->pid, him->locker) < 0;
	otp_term boss =
		otp_list_max(otp_cons(node, otp_make(node, "~a", node->config.name), known_of(l)));

	l->phase = LOCKING;
	l->is_asked = is_asked;
	l->partner = him->node;
	otp_drop(&l->lock_id);
	l->lock_id = otp_keep(otp_make(node, "{global,[~t,~t]}", is_first ? self->pid : him->locker,
		is_first ? him->locker : self->pid));
	otp_drop(&l->first);
	l->first = otp_keep(otp_make(node, "[~t]", boss));
	if (!otp_is_atom(boss, node->config.name) &&
		!otp_lock_is_free(node, otp_element(l->lock_id, 0), otp_element(l->lock_id, 1)))
		partition_done(node, self, false);
	else
		otp_try_lock(node, self, l->lock_id, l->first, boss_done);
}

/* ---- its loop -------------------------------------------------------------------------------- */

static void select_one(otp_node *node, otp_proc *self)
{
	otp_locker *l = of(self);
	otp_him *ready[64];
	unsigned count = 0;

	for (otp_him *h = l->hims, *next; h != NULL; h = next) {
		next = h->next;
		if (otp_list_has(known_of(l), otp_make(node, "~a", h->node.text)))
			remove_him(l, h->node.text);
		else if (h->has_locker && h->is_up && count < 64)
			ready[count++] = h;
	}
	if (count == 0)
		wait_again(node, self);
	else
		lock_partition(node, self,
			ready[node->host->random(node->ctx, OTP_DRAW_PICK) % count], false);
}

static void refuse_lock(otp_node *node, otp_proc *self, otp_term pid, const char *peer)
{
	/* Whose session is unknown is answered as a node of version 5 would be. */
	(void)peer;
	otp_send(node, self, pid,
		otp_make(node, "{lock_set,~t,false,~t}", self->pid, known_of(of(self))));
}

static void take_lock_set(otp_node *node, otp_proc *self, otp_term pid, otp_term word)
{
	otp_atom peer;
	otp_him *him;

	if (!otp_is_atom(word, "true") || !otp_node_of(pid, &peer)) {
		wait_again(node, self);
		return;
	}
	him = *find_him(of(self), peer.text);
	if (him != NULL && him->has_locker && him->is_up) {
		lock_partition(node, self, him, true);
	} else {
		refuse_lock(node, self, pid, peer.text);
		wait_again(node, self);
	}
}

static void take_him(otp_node *node, otp_proc *self, otp_term m)
{
	otp_term pid, tag;
	otp_atom peer;
	int64_t number;
	otp_him *him;

	if (otp_match(m, "{nodeup,~a,~i}", &peer, &number)) {
		remove_him(of(self), peer.text);
		him = make_him(of(self), peer.text);
		him->my_tag = number;
		him->is_up = true;
	} else if (otp_match(m, "{his_the_locker,~t,~i,~t}", &pid, &number, &tag) &&
		   otp_node_of(pid, &peer)) {
		him = make_him(of(self), peer.text);
		otp_drop(&him->locker);
		otp_drop(&him->tag);
		him->locker = otp_keep(pid);
		him->tag = otp_keep(tag);
		him->vsn = number;
		him->has_locker = true;
	}
	wait_again(node, self);
}

/* What the idle locker does. */
static void take_idle(otp_node *node, otp_proc *self, otp_term m)
{
	otp_locker *l = of(self);
	otp_term pid, word, nodes;
	otp_atom peer;
	int64_t tag;

	if (otp_match(m, "{lock_set,~t,~t,_}", &pid, &word)) {
		take_lock_set(node, self, pid, word);
	} else if (otp_match(m, "{cancel,~a,~i,_}", &peer, &tag)) {
		otp_him *him = *find_him(l, peer.text);

		if (him != NULL && him->my_tag == tag)
			remove_him(l, peer.text);
		wait_again(node, self);
	} else if (otp_match(m, "{add_to_known,~t}", &nodes)) {
		set_known(l, otp_list_append(node, nodes, known_of(l)));
		wait_again(node, self);
	} else if (otp_match(m, "{remove_from_known,~t}", &nodes)) {
		set_known(l, otp_list_without(node, known_of(l), otp_make(node, "[~t]", nodes)));
		wait_again(node, self);
	} else {
		take_him(node, self, m);
	}
}

static void run_fun(otp_node *node, otp_proc *self, otp_term fun)
{
	otp_term item, message;
	otp_atom peer;

	/* no_fun, or [{Node,Message}] */
	while (otp_next(&fun, &item))
		if (otp_match(item, "{~a,~t}", &peer, &message))
			otp_cast(node, self, "global_name_server", peer.text, message);
}

/* What one that waits for its partner takes; everything else has to wait. */
static bool take_waiting(otp_node *node, otp_proc *self, otp_term m)
{
	otp_locker *l = of(self);
	otp_term pid, word, fun;
	otp_atom peer;

	if (otp_match(m, "{cancel,~a,_,~t}", &peer, &fun) &&
		strcmp(peer.text, l->partner.text) == 0) {
		run_fun(node, self, fun);
		l->is_just_synced = l->phase == WAIT_CANCEL;
		remove_him(l, peer.text);
		release(node, self);
		return true;
	}
	if (l->phase != WAIT_SET || !otp_match(m, "{lock_set,~t,~t,_}", &pid, &word) ||
		!otp_node_of(pid, &peer) || strcmp(peer.text, l->partner.text) != 0)
		return false;
	if (otp_is_atom(word, "true"))
		tell_lock_is_set(node, self);
	else
		release(node, self);
	return true;
}

static void handle(otp_node *node, otp_proc *self, otp_term m)
{
	otp_locker *l = of(self);
	int64_t round;

	if (otp_match(m, "{wait_is_over,~i}", &round)) {
		if (l->phase != IDLE || round != l->round)
			return;
		if (otp_lock_find(node->global, otp_make(node, "global")) != NULL)
			wait_again(node, self);
		else
			select_one(node, self);
	} else if (l->phase == IDLE) {
		take_idle(node, self, m);
	} else if (l->phase == LOCKING || !take_waiting(node, self, m)) {
		otp_save(self, m);
	}
}

static void free_locker(void *state)
{
	otp_locker *l = state;

	while (l->hims != NULL)
		remove_him(l, l->hims->node.text);
	otp_buf_free(&l->known);
	otp_drop(&l->lock_id);
	otp_drop(&l->first);
	otp_drop(&l->second);
}

void otp_locker_start(otp_node *node)
{
	otp_locker *l = otp_alloc(sizeof *l);

	otp_build(&l->known, "[]");
	node->global->locker = otp_spawn(node, handle, l);
	node->global->locker->on_free = free_locker;
}
