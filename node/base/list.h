/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_LIST_H
#define FLI_BASE_LIST_H

/*
 * A ring of intrusive links: the head is a link too, an unlinked link points at itself.
 *
 * Threads: one at a time. Memory: none of its own.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct fli_link {
	struct fli_link *next;
	struct fli_link *prev;
} fli_link;

static inline void fli_list_create(fli_link *link)
{
	link->next = link->prev = link;
}

static inline bool fli_list_is_empty(const fli_link *head)
{
	return head->next == head;
}

static inline void fli_list_append(fli_link *head, fli_link *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Safe to call again on a link that is in no list. */
static inline void fli_list_remove(fli_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = link;
}

static inline fli_link *fli_list_pop(fli_link *head)
{
	fli_link *first = head->next;

	if (first == head)
		return NULL;
	fli_list_remove(first);
	return first;
}

#endif
