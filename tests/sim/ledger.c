/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ----------------------------------------------------------------------------------- */

void lines_add(lines *l, const char *line)
{
	if (l->count == l->room) {
		l->room = l->room == 0 ? 16 : 2 * l->room;
		l->items = realloc(l->items, l->room * sizeof *l->items);
	}
	if (l->items == NULL)
		abort();
	(void)snprintf(l->items[l->count++], LEDGER_LINE, "%s", line);
}

bool lines_take(lines *l, const char *line)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->items[i], line) != 0)
			continue;
		l->count--;
		memmove(l->items[i], l->items[l->count], LEDGER_LINE);
		return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void sort(lines *l)
{
	if (l->count > 1)
		qsort(l->items, l->count, LEDGER_LINE, compare);
}

bool lines_agree(lines *a, lines *b, const char **ret_odd)
{
	size_t i = 0;

	sort(a);
	sort(b);
	while (i < a->count && i < b->count && strcmp(a->items[i], b->items[i]) == 0)
		i++;
	if (i == a->count && i == b->count)
		return true;
	if (i < a->count && (i == b->count || strcmp(a->items[i], b->items[i]) < 0))
		*ret_odd = a->items[i];
	else
		*ret_odd = b->items[i];
	return false;
}

void lines_print(lines *l, char *ret_text, size_t size)
{
	size_t used = 0;

	sort(l);
	ret_text[0] = '\0';
	for (size_t i = 0; i < l->count && used < size; i++)
		used += (size_t)snprintf(
			ret_text + used, size - used, "%s%s", i > 0 ? " " : "", l->items[i]);
}

void lines_free(lines *l)
{
	free(l->items);
	*l = (lines){.items = NULL};
}

void ledger_pid(char *ret_text, const fl_pid *pid)
{
	(void)snprintf(ret_text, LEDGER_PID, "<%.*s.%u.%u.%u>", (int)pid->node.size, pid->node.text,
		pid->id, pid->serial, pid->creation);
}

static void line_of(char *ret_line, fl_term group, const fl_pid *pid)
{
	char name[32], text[LEDGER_PID];

	ledger_pid(text, pid);
	(void)snprintf(ret_line, LEDGER_LINE, "%s=%s", fl_print_to(name, sizeof name, group), text);
}

void ledger_members(lines *l, fl_term group, fl_term pids)
{
	char line[LEDGER_LINE];
	fl_term element;
	fl_pid pid;

	while (fl_list_next(&pids, &element)) {
		if (!fl_match(element, "~", &pid))
			continue;
		line_of(line, group, &pid);
		lines_add(l, line);
	}
}

/* ---- what is held ---------------------------------------------------------------------------- */

static void *grown(void *items, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room == 0 ? 16 : 2 * *room;
	items = realloc(items, *room * size);
	if (items == NULL)
		abort();
	return items;
}

void ledger_destroy(ledger *l)
{
	for (uint32_t i = 0; i < l->watches_count; i++)
		lines_free(&l->watches[i].view);
	free(l->watches);
	free(l->members);
	free(l->locks);
}

ledger_lock *ledger_lock_add(ledger *l, const ledger_lock *lock)
{
	l->locks = grown(l->locks, l->locks_count, &l->locks_room, sizeof *l->locks);
	l->locks[l->locks_count] = *lock;
	return &l->locks[l->locks_count++];
}

void ledger_join(ledger *l, const ledger_member *member)
{
	l->members = grown(l->members, l->members_count, &l->members_room, sizeof *l->members);
	l->members[l->members_count++] = *member;
}

bool ledger_leave(ledger *l, const ledger_member *member)
{
	for (uint32_t i = 0; i < l->members_count; i++) {
		ledger_member *m = &l->members[i];

		if (m->actor != member->actor || m->group != member->group ||
			strcmp(m->scope, member->scope) != 0)
			continue;
		*m = l->members[--l->members_count];
		return true;
	}
	return false;
}

ledger_watch *ledger_watch_add(ledger *l, const ledger_watch *watch)
{
	l->watches = grown(l->watches, l->watches_count, &l->watches_room, sizeof *l->watches);
	l->watches[l->watches_count] = *watch;
	return &l->watches[l->watches_count++];
}

ledger_watch *ledger_watch_find(ledger *l, uint32_t actor, const fl_ref *ref)
{
	for (uint32_t i = 0; i < l->watches_count; i++)
		if (l->watches[i].actor == actor && fl_ref_eq(&l->watches[i].ref, ref))
			return &l->watches[i];
	return NULL;
}

void ledger_told(ledger_watch *w, bool is_join, fl_term group, fl_term pids)
{
	lines told = {.items = NULL};

	ledger_members(&told, group, pids);
	for (size_t i = 0; i < told.count; i++) {
		if (is_join)
			lines_add(&w->view, told.items[i]);
		else
			w->is_odd |= !lines_take(&w->view, told.items[i]);
	}
	lines_free(&told);
}
