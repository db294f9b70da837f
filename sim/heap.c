/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap whose entries know where they are. */
#include "sim/heap.h"

#include "sim/store.h"

static bool comes_before(const fli_event *a, const fli_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void put(fli_heap *heap, size_t index, fli_event *event)
{
	heap->events[index] = event;
	event->index = index;
}

static void sift_up(fli_heap *heap, fli_event *event)
{
	size_t at = event->index;

	while (at > 1 && comes_before(event, heap->events[at / 2])) {
		put(heap, at, heap->events[at / 2]);
		at /= 2;
	}
	put(heap, at, event);
}

static void sift_down(fli_heap *heap, fli_event *event)
{
	size_t at = event->index, child;

	while ((child = at * 2) <= heap->count) {
		if (child < heap->count &&
			comes_before(heap->events[child + 1], heap->events[child]))
			child++;
		if (!comes_before(heap->events[child], event))
			break;
		put(heap, at, heap->events[child]);
		at = child;
	}
	put(heap, at, event);
}

void fli_heap_destroy(fli_heap *heap)
{
	fli_store_free(heap->events);
}

void fli_heap_unset(fli_heap *heap, fli_event *event)
{
	fli_event *last;

	if (event->index == 0)
		return;
	last = heap->events[heap->count--];
	if (last != event) {
		put(heap, event->index, last);
		sift_up(heap, last);
		sift_down(heap, last);
	}
	event->index = 0;
}

void fli_heap_set(fli_heap *heap, fli_event *event, uint64_t at_ns)
{
	fli_heap_unset(heap, event);
	if (heap->count + 2 > heap->capacity) {
		heap->capacity = heap->capacity == 0 ? 256 : heap->capacity * 2;
		heap->events =
			fli_store_resize(heap->events, heap->capacity * sizeof *heap->events);
	}
	event->at_ns = at_ns;
	event->seq = ++heap->seq;
	put(heap, ++heap->count, event);
	sift_up(heap, event);
}

void fli_heap_set_earlier(fli_heap *heap, fli_event *event, uint64_t at_ns)
{
	if (event->index == 0 || event->at_ns > at_ns)
		fli_heap_set(heap, event, at_ns);
}

fli_event *fli_heap_first(const fli_heap *heap)
{
	return heap->count == 0 ? NULL : heap->events[1];
}

fli_event *fli_heap_pop(fli_heap *heap)
{
	fli_event *event = fli_heap_first(heap);

	if (event != NULL)
		fli_heap_unset(heap, event);
	return event;
}
