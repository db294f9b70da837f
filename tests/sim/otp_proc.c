/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of the model: mailboxes, names, exits, and what ties processes to each other.
 *
 * - Every signal between processes of this node goes through one queue, in order; signals from
 *   outside join it as they arrive. A handler runs to its end before the next signal.
 * - A process that waits for a multicall gets nothing else; what comes meanwhile is kept in order.
 * - A dead process stays in memory until the event is over, so that no pointer to it dangles.
 */
#include "tests/sim/otp_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

otp_term otp_make(otp_node *node, const char *format, ...)
{
	otp_buf buf = {0};
	va_list args;

	va_start(args, format);
	otp_vbuild(&buf, format, args);
	va_end(args);
	if ((node->made_count & (node->made_count + 1)) == 0)
		node->made = realloc(node->made, 2 * (node->made_count + 1) * sizeof *node->made);
	if (node->made == NULL)
		abort();
	node->made[node->made_count++] = buf;
	return otp_term_of(&buf);
}

otp_proc *otp_spawn(otp_node *node, otp_handler *handler, void *state)
{
	otp_proc *proc = otp_alloc(sizeof *proc);
	otp_buf pid = {0};

	proc->handler = handler;
	proc->state = state;
	proc->id = (otp_pid){
		node->next_pid & 0x7fff, node->next_pid >> 15 & 0x1fff, node->config.creation};
	node->next_pid++;
	otp_put_pid(&pid, node->config.name, proc->id);
	proc->pid = otp_term_of(&pid);
	proc->next = node->procs;
	node->procs = proc;
	return proc;
}

void otp_register(otp_proc *proc, const char *name)
{
	(void)snprintf(proc->name, sizeof proc->name, "%s", name);
}

otp_proc *otp_find(otp_node *node, otp_term pid)
{
	for (otp_proc *p = node->procs; p != NULL; p = p->next)
		if (!p->is_dead && otp_equal(p->pid, pid))
			return p;
	return NULL;
}

otp_proc *otp_whereis(otp_node *node, const char *name)
{
	for (otp_proc *p = node->procs; p != NULL; p = p->next)
		if (!p->is_dead && p->name[0] != '\0' && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

bool otp_is_mine(const otp_node *node, otp_term identifier)
{
	otp_atom name;

	return otp_node_of(identifier, &name) && strcmp(name.text, node->config.name) == 0;
}

otp_term otp_ref(otp_node *node, unsigned words)
{
	uint32_t numbers[5] = {node->next_ref & 0x3ffff, node->next_ref >> 18, 0x40000, 0, 0};
	otp_term term = otp_make(node, "[]");
	otp_buf *buf = &node->made[node->made_count - 1];

	(void)term;
	node->next_ref++;
	buf->size = 0;
	otp_put_ref(buf, node->config.name, node->config.creation, numbers, words);
	return otp_term_of(buf);
}

/* ---- mail ------------------------------------------------------------------------------------ */

static otp_message *enqueue(otp_node *node, otp_proc *to, otp_term term)
{
	otp_message *m = otp_alloc(sizeof *m);

	m->to = to;
	m->term = otp_keep(term);
	*node->mail_end = m;
	node->mail_end = &m->next;
	return m;
}

void otp_deliver(otp_node *node, otp_proc *to, otp_term message)
{
	(void)enqueue(node, to, message);
}

void otp_exit_signal(otp_node *node, otp_proc *to, otp_term from, otp_term reason, bool is_exit2)
{
	otp_message *m = enqueue(node, to, reason);

	m->exit_from = otp_keep(from);
	m->is_exit2 = is_exit2;
}

static void free_message(otp_message *m)
{
	otp_drop(&m->term);
	otp_drop(&m->exit_from);
	free(m);
}

static void take_message(otp_node *node, otp_proc *proc, otp_term message)
{
	if (proc->waits == NULL)
		proc->handler(node, proc, message);
	else if (!otp_multicall_take(node, proc, message))
		otp_save(proc, message);
}

static void take_exit(otp_node *node, otp_proc *proc, const otp_message *m)
{
	otp_term killed = otp_make(node, "killed");

	if (m->is_exit2 && otp_is_atom(m->term, "kill"))
		otp_exit(node, proc, killed);
	else if (proc->has_trap)
		take_message(node, proc, otp_make(node, "{EXIT,~t,~t}", m->exit_from, m->term));
	else if (!otp_is_atom(m->term, "normal") ||
		 (m->is_exit2 && otp_equal(m->exit_from, proc->pid)))
		otp_exit(node, proc, m->term);
}

void otp_deliver_next(otp_node *node)
{
	otp_message *m = node->mail;

	node->mail = m->next;
	if (node->mail == NULL)
		node->mail_end = &node->mail;
	if (!m->to->is_dead && m->exit_from.data != NULL)
		take_exit(node, m->to, m);
	else if (!m->to->is_dead)
		take_message(node, m->to, m->term);
	free_message(m);
}

void otp_save(otp_proc *proc, otp_term message)
{
	otp_message **at = &proc->saved, *m = otp_alloc(sizeof *m);

	while (*at != NULL)
		at = &(*at)->next;
	m->to = proc;
	m->term = otp_keep(message);
	*at = m;
}

/* In front of what waits for everybody: it came before. */
void otp_resume(otp_node *node, otp_proc *proc)
{
	otp_message **end = &proc->saved;

	if (proc->saved == NULL)
		return;
	while (*end != NULL)
		end = &(*end)->next;
	*end = node->mail;
	if (node->mail == NULL)
		node->mail_end = end;
	node->mail = proc->saved;
	proc->saved = NULL;
}

/* ---- links ----------------------------------------------------------------------------------- */

static otp_bond **find_bond(otp_node *node, otp_term a, otp_term b)
{
	otp_bond **at = &node->bonds;

	while (*at != NULL && !(otp_equal((*at)->local, a) && otp_equal((*at)->other, b)) &&
		!(otp_equal((*at)->local, b) && otp_equal((*at)->other, a)))
		at = &(*at)->next;
	return at;
}

static void free_bond(otp_bond **at)
{
	otp_bond *bond = *at;

	*at = bond->next;
	otp_drop(&bond->local);
	otp_drop(&bond->other);
	free(bond);
}

/* What op 1 and link/1 leave behind; false: there was one. */
bool otp_bond_add(otp_node *node, otp_term local, otp_term other)
{
	otp_bond **at = find_bond(node, local, other);
	bool is_new = *at == NULL || (*at)->unlink_id != 0;

	if (*at == NULL) {
		*at = otp_alloc(sizeof **at);
		(*at)->local = otp_keep(local);
		(*at)->other = otp_keep(other);
	}
	(*at)->unlink_id = 0;
	return is_new;
}

bool otp_bond_is_idle(otp_node *node, otp_term local, otp_term other)
{
	otp_bond *bond = *find_bond(node, local, other);

	return bond != NULL && bond->unlink_id != 0;
}

/* `id` 0: an active one, else the one that waits for that acknowledgement. */
bool otp_bond_remove(otp_node *node, otp_term local, otp_term other, uint64_t id)
{
	otp_bond **at = find_bond(node, local, other);

	if (*at == NULL || (*at)->unlink_id != id)
		return false;
	free_bond(at);
	return true;
}

void otp_link(otp_node *node, otp_proc *self, otp_term other)
{
	otp_atom peer;

	if (!otp_node_of(other, &peer) || !otp_bond_add(node, self->pid, other))
		return;
	if (!otp_is_mine(node, other)) {
		if (otp_is_reached(node, peer.text))
			otp_emit(node, peer.text, otp_make(node, "{1,~t,~t}", self->pid, other),
				OTP_NONE);
		else
			otp_node_gone(node, peer.text);
	} else if (otp_find(node, other) == NULL) {
		(void)otp_bond_remove(node, self->pid, other, 0);
		otp_exit_signal(node, self, other, otp_make(node, "noproc"), false);
	}
}

void otp_unlink(otp_node *node, otp_proc *self, otp_term other)
{
	otp_bond **at = find_bond(node, self->pid, other);
	otp_atom peer;

	if (*at == NULL || (*at)->unlink_id != 0 || !otp_node_of(other, &peer))
		return;
	if (otp_is_mine(node, other)) {
		free_bond(at);
	} else if ((otp_flags_to(node, peer.text) & OTP_UNLINK_ID) == 0) {
		free_bond(at);
		otp_emit(node, peer.text, otp_make(node, "{4,~t,~t}", self->pid, other), OTP_NONE);
	} else {
		(*at)->unlink_id = ++node->unlink_id;
		otp_emit(node, peer.text,
			otp_make(node, "{35,~i,~t,~t}", (int64_t)node->unlink_id, self->pid, other),
			OTP_NONE);
	}
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void send_exit(otp_node *node, otp_term from, otp_term to, otp_term reason)
{
	otp_proc *local = otp_find(node, to);
	otp_atom peer;

	if (local != NULL) {
		otp_exit_signal(node, local, from, reason, false);
	} else if (otp_node_of(to, &peer) && !otp_is_mine(node, to)) {
		if ((otp_flags_to(node, peer.text) & OTP_EXIT_PAYLOAD) != 0)
			otp_emit(node, peer.text, otp_make(node, "{24,~t,~t}", from, to), reason);
		else
			otp_emit(node, peer.text, otp_make(node, "{3,~t,~t,~t}", from, to, reason),
				OTP_NONE);
	}
}

void otp_exit2(otp_node *node, otp_term from, otp_term to, otp_term reason)
{
	otp_proc *local = otp_find(node, to);
	otp_atom peer;

	if (local != NULL) {
		otp_exit_signal(node, local, from, reason, true);
	} else if (otp_node_of(to, &peer) && !otp_is_mine(node, to)) {
		if ((otp_flags_to(node, peer.text) & OTP_EXIT_PAYLOAD) != 0)
			otp_emit(node, peer.text, otp_make(node, "{26,~t,~t}", from, to), reason);
		else
			otp_emit(node, peer.text, otp_make(node, "{8,~t,~t,~t}", from, to, reason),
				OTP_NONE);
	}
}

static void break_bonds(otp_node *node, otp_proc *proc, otp_term reason)
{
	otp_bond **at = &node->bonds;

	while (*at != NULL) {
		otp_bond *bond = *at;
		bool is_local = otp_equal(bond->local, proc->pid);
		otp_term other = is_local ? bond->other : bond->local;

		if (!is_local && !otp_equal(bond->other, proc->pid)) {
			at = &bond->next;
			continue;
		}
		if (bond->unlink_id == 0)
			send_exit(node, proc->pid, other, reason);
		free_bond(at);
	}
}

void otp_exit(otp_node *node, otp_proc *proc, otp_term reason)
{
	otp_term kept = otp_make(node, "~t", reason);

	if (proc->is_dead)
		return;
	proc->is_dead = true;
	if (proc->on_exit != NULL)
		proc->on_exit(node, proc, kept);
	break_bonds(node, proc, kept);
	otp_fire(node, proc, kept);
	otp_multicall_free(proc);
}

static void free_proc(otp_proc *proc)
{
	otp_multicall_free(proc);
	otp_waits_free(proc);
	while (proc->saved != NULL) {
		otp_message *m = proc->saved;

		proc->saved = m->next;
		free_message(m);
	}
	otp_drop(&proc->pid);
	otp_drop(&proc->leader);
	if (proc->on_free != NULL)
		proc->on_free(proc->state);
	free(proc->state);
	free(proc);
}

static void free_rest(otp_node *node)
{
	while (node->mail != NULL) {
		otp_message *m = node->mail;

		node->mail = m->next;
		free_message(m);
	}
	while (node->bonds != NULL)
		free_bond(&node->bonds);
	while (node->timers != NULL) {
		otp_timer *t = node->timers;

		node->timers = t->next;
		otp_drop(&t->to);
		otp_drop(&t->message);
		free(t);
	}
}

void otp_reap_procs(otp_node *node, bool all)
{
	otp_proc **at = &node->procs;

	if (all) {
		free_rest(node);
		otp_free_monitors(node);
	}
	while (*at != NULL) {
		otp_proc *proc = *at;

		if (proc->is_dead || all) {
			*at = proc->next;
			free_proc(proc);
		} else {
			at = &proc->next;
		}
	}
}

/* What a lost node means for links; monitors and requests are in otp_monitor.c. */
void otp_bonds_gone(otp_node *node, const char *peer)
{
	otp_bond **at = &node->bonds;
	otp_atom other;

	while (*at != NULL) {
		otp_bond *bond = *at;
		otp_proc *local = otp_find(node, bond->local);

		if (!otp_node_of(bond->other, &other) || strcmp(other.text, peer) != 0) {
			at = &bond->next;
			continue;
		}
		if (bond->unlink_id == 0 && local != NULL)
			otp_exit_signal(
				node, local, bond->other, otp_make(node, "noconnection"), false);
		free_bond(at);
	}
}

void otp_after(otp_node *node, otp_proc *self, uint64_t ms, otp_term message)
{
	otp_timer *t = otp_alloc(sizeof *t);

	t->due_ms = node->host->now_ms(node->ctx) + ms;
	t->order = ++node->timer_order;
	t->to = otp_keep(self->pid);
	t->message = otp_keep(message);
	t->next = node->timers;
	node->timers = t;
}
