/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to a modelled node. Answers are texts with their parts sorted, so that the tables of
 * two nodes are compared by comparing texts.
 */
#include "tests/sim/otp_global.h"
#include "tests/sim/otp_model.h"
#include "tests/sim/otp_pg.h"
#include "tests/sim/otp_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts, each ended by a zero, in one buffer. */
static void add_text(otp_buf *texts, const char *text)
{
	otp_buf_add(texts, text, strlen(text) + 1);
}

static void add_term(otp_buf *texts, otp_term term)
{
	char text[512];

	otp_print(term, text, sizeof text);
	add_text(texts, text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts, writes them with `between`, and frees the buffer. */
static void write_sorted(otp_buf *texts, const char *between, char *ret_text, size_t size)
{
	size_t count = 0, used = 0, at = 0;
	const char **items;

	for (size_t i = 0; i < texts->size; i++)
		count += texts->data[i] == '\0';
	items = otp_alloc(count * sizeof *items);
	for (size_t i = 0; i < count; i++, at += strlen((char *)texts->data + at) + 1)
		items[i] = (char *)texts->data + at;
	qsort(items, count, sizeof *items, compare);
	if (size > 0)
		ret_text[0] = '\0';
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(
			ret_text + used, size - used, "%s%s", i > 0 ? between : "", items[i]);
	free(items);
	otp_buf_free(texts);
}

/* ---- tickets, processes ---------------------------------------------------------------------- */

otp_outcome otp_result(otp_node *node, unsigned ticket)
{
	otp_ticket *t = node->model == NULL ? NULL : otp_ticket_find(node, ticket);

	return t == NULL ? OTP_UNKNOWN : t->outcome;
}

otp_outcome otp_result_text(otp_node *node, unsigned ticket, char *ret_text, size_t size)
{
	otp_ticket *t = node->model == NULL ? NULL : otp_ticket_find(node, ticket);

	if (size > 0)
		ret_text[0] = '\0';
	if (t == NULL)
		return OTP_UNKNOWN;
	if (t->outcome != OTP_PENDING)
		otp_print(t->answer, ret_text, size);
	return t->outcome;
}

otp_term otp_pid_of(otp_node *node, unsigned proc)
{
	otp_actor *a = node->model == NULL ? NULL : otp_actor_find(node, proc);

	return a == NULL || otp_find(node, a->pid) == NULL ? OTP_NONE : a->pid;
}

bool otp_ask_is_alive(otp_node *node, unsigned proc)
{
	return otp_pid_of(node, proc).data != NULL;
}

void otp_ask_mail(otp_node *node, unsigned proc, char *ret_text, size_t size)
{
	otp_actor *a = node->model == NULL ? NULL : otp_actor_find(node, proc);
	size_t used = a == NULL ? 0 : a->mail.size < size ? a->mail.size : size - 1;

	if (size == 0)
		return;
	if (used > 0)
		memcpy(ret_text, a->mail.data, used);
	ret_text[used] = '\0';
	if (a != NULL)
		otp_buf_free(&a->mail);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

void otp_ask_nodes(otp_node *node, char *ret_text, size_t size)
{
	otp_buf texts = {0};

	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_UP && otp_is_visible(c))
			add_text(&texts, c->peer.text);
	write_sorted(&texts, " ", ret_text, size);
}

bool otp_ask_is_connected(otp_node *node, const char *peer)
{
	return otp_up(node, peer) != NULL;
}

static void ask_places(otp_node *node, bool is_synced, char *ret_text, size_t size)
{
	otp_buf texts = {0};

	if (node->global != NULL)
		for (otp_place *p = node->global->places; p != NULL; p = p->next)
			if (is_synced ? p->is_synced : p->is_known)
				add_text(&texts, p->name.text);
	write_sorted(&texts, " ", ret_text, size);
}

void otp_ask_known(otp_node *node, char *ret_text, size_t size)
{
	ask_places(node, false, ret_text, size);
}

void otp_ask_synced(otp_node *node, char *ret_text, size_t size)
{
	ask_places(node, true, ret_text, size);
}

/* ---- global ---------------------------------------------------------------------------------- */

void otp_ask_names(otp_node *node, char *ret_text, size_t size)
{
	otp_buf texts = {0};
	char name[200], pid[200], line[420];

	if (node->global != NULL)
		for (otp_name *n = node->global->names; n != NULL; n = n->next) {
			otp_print(n->name, name, sizeof name);
			otp_print(n->pid, pid, sizeof pid);
			(void)snprintf(line, sizeof line, "%s=%s", name, pid);
			add_text(&texts, line);
		}
	write_sorted(&texts, " ", ret_text, size);
}

static void holders_text(const otp_lock *lock, char *ret_text, size_t size)
{
	otp_buf texts = {0};

	for (otp_holder *h = lock->holders; h != NULL; h = h->next)
		add_term(&texts, h->pid);
	write_sorted(&texts, ",", ret_text, size);
}

void otp_ask_locks(otp_node *node, char *ret_text, size_t size)
{
	otp_buf texts = {0};
	char resource[100], requester[400], holders[600], line[1200];

	if (node->global != NULL)
		for (otp_lock *lock = node->global->locks; lock != NULL; lock = lock->next) {
			otp_print(lock->resource, resource, sizeof resource);
			otp_print(lock->requester, requester, sizeof requester);
			holders_text(lock, holders, sizeof holders);
			(void)snprintf(
				line, sizeof line, "%s=%s(%s)", resource, requester, holders);
			add_text(&texts, line);
		}
	write_sorted(&texts, " ", ret_text, size);
}

otp_term otp_ask_where(otp_node *node, const char *name)
{
	otp_buf atom = {0};
	otp_name *n;

	if (node->global == NULL)
		return OTP_NONE;
	otp_build(&atom, "~a", name);
	n = otp_name_find(node->global, otp_term_of(&atom));
	otp_buf_free(&atom);
	return n == NULL ? OTP_NONE : n->pid;
}

/* ---- pg -------------------------------------------------------------------------------------- */

static void add_members(otp_buf *texts, const otp_member *list, otp_term group)
{
	for (; list != NULL; list = list->next)
		if (otp_equal(list->group, group))
			add_term(texts, list->pid);
}

static void members_text(otp_pg *pg, otp_term group, char *ret_text, size_t size)
{
	otp_buf texts = {0};

	add_members(&texts, pg->members, group);
	for (otp_peer_scope *p = pg->peers; p != NULL; p = p->next)
		add_members(&texts, p->members, group);
	write_sorted(&texts, " ", ret_text, size);
}

void otp_ask_members(
	otp_node *node, const char *scope, const char *group, char *ret_text, size_t size)
{
	otp_pg *pg = otp_pg_find(node, scope);
	otp_buf atom = {0};

	if (size > 0)
		ret_text[0] = '\0';
	otp_build(&atom, "~a", group);
	if (pg != NULL)
		members_text(pg, otp_term_of(&atom), ret_text, size);
	otp_buf_free(&atom);
}

static bool has_text(const otp_buf *texts, const char *text)
{
	for (size_t at = 0; at < texts->size; at += strlen((char *)texts->data + at) + 1)
		if (strcmp((char *)texts->data + at, text) == 0)
			return true;
	return false;
}

static void add_groups(otp_pg *pg, const otp_member *list, otp_buf *texts)
{
	char group[200], members[4096], line[4400];

	for (; list != NULL; list = list->next) {
		otp_print(list->group, group, sizeof group);
		members_text(pg, list->group, members, sizeof members);
		(void)snprintf(line, sizeof line, "%s: %s", group, members);
		if (!has_text(texts, line))
			add_text(texts, line);
	}
}

void otp_ask_groups(otp_node *node, const char *scope, char *ret_text, size_t size)
{
	otp_pg *pg = otp_pg_find(node, scope);
	otp_buf texts = {0};

	if (pg != NULL)
		add_groups(pg, pg->members, &texts);
	for (otp_peer_scope *p = pg == NULL ? NULL : pg->peers; p != NULL; p = p->next)
		add_groups(pg, p->members, &texts);
	write_sorted(&texts, "; ", ret_text, size);
}

/* ---- findings -------------------------------------------------------------------------------- */

otp_findings otp_ask_findings(otp_node *node)
{
	otp_findings f = {.protocol_errors = (unsigned)node->protocol_errors};

	(void)snprintf(f.last, sizeof f.last, "%s", node->last_error);
	if (node->global != NULL && node->global->unexpected > 0) {
		f.unexpected = node->global->unexpected;
		(void)snprintf(f.last, sizeof f.last, "global_name_server: %s",
			node->global->last_unexpected);
	}
	for (otp_pg *pg = node->pgs; pg != NULL; pg = pg->next) {
		if (!pg->has_crashed)
			continue;
		f.scopes_crashed++;
		(void)snprintf(f.last, sizeof f.last, "pg %s: %s", pg->scope, pg->why);
	}
	return f;
}
