/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_HEAP_H
#define FLI_SIM_HEAP_H

/*
 * What will happen, by time; at the same time, in the order in which it was decided.
 *
 *     event.fire = f;  fli_heap_set(&heap, &event, at_ns);  ...  fli_heap_pop(&heap)->fire(event)
 *
 * An event is part of what it happens to: it can be moved or taken out at any time, so that nothing
 * that is gone ever has one.
 *
 * Threads: one. Memory: the heap owns its table, never the events; the program ends when it cannot
 * grow. Errors: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fli_event {
	void (*fire)(struct fli_event *event); /* no longer in the heap */
	uint64_t at_ns;
	uint64_t seq;
	size_t index; /* in the table, from 1; 0: not set */
} fli_event;

typedef struct fli_heap {
	fli_event **events; /* from 1 */
	size_t count, capacity;
	uint64_t seq;
} fli_heap;

void fli_heap_destroy(fli_heap *heap);
/* Sets it, or moves it; it then comes after what is set for that time already. */
void fli_heap_set(fli_heap *heap, fli_event *event, uint64_t at_ns);
/* The same, unless it is set for an earlier time. */
void fli_heap_set_earlier(fli_heap *heap, fli_event *event, uint64_t at_ns);
void fli_heap_unset(fli_heap *heap, fli_event *event);
/* The next one, which stays; NULL: none. */
fli_event *fli_heap_first(const fli_heap *heap);
fli_event *fli_heap_pop(fli_heap *heap);

static inline bool fli_event_is_set(const fli_event *event)
{
	return event->index != 0;
}

#endif
