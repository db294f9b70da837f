/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer wheel (Varghese and Lauck, 1987, scheme 7), with a bitmap for each level.
 *
 * The clock never steps through empty milliseconds: it jumps to the start of the first used slot of
 * the lowest used level. Timers in level L share all digits above L with the clock and are greater
 * in digit L, so whatever lies in a lower level is earlier than whatever lies in a higher one.
 *
 * Stopping does not touch the bitmap (a timer does not know its wheel); a bit without timers is
 * cleared when somebody looks for the next slot.
 */
#include "node/base/wheel.h"

#include "node/base/mem.h"

#define DIGIT_MASK ((uint64_t)FLI_WHEEL_SLOTS - 1)

void fli_wheel_create(fli_wheel *wheel, uint64_t now_ms)
{
	wheel->now_ms = now_ms;
	fli_list_create(&wheel->due);
	for (unsigned level = 0; level < FLI_WHEEL_LEVELS; level++) {
		wheel->used[level] = 0;
		for (unsigned i = 0; i < FLI_WHEEL_SLOTS; i++)
			fli_list_create(&wheel->slots[level][i]);
	}
}

static unsigned digit(uint64_t time_ms, unsigned level)
{
	return (unsigned)(time_ms >> level * FLI_WHEEL_BITS & DIGIT_MASK);
}

static void place(fli_wheel *wheel, fli_timer *timer)
{
	unsigned level, slot;

	if (timer->due_ms <= wheel->now_ms) {
		fli_list_append(&wheel->due, &timer->link);
		return;
	}
	level = (63 - (unsigned)__builtin_clzll(timer->due_ms ^ wheel->now_ms)) / FLI_WHEEL_BITS;
	slot = digit(timer->due_ms, level);
	wheel->used[level] |= UINT64_C(1) << slot;
	fli_list_append(&wheel->slots[level][slot], &timer->link);
}

void fli_wheel_start(fli_wheel *wheel, fli_timer *timer, uint64_t due_ms)
{
	fli_wheel_stop(timer);
	timer->due_ms = due_ms;
	place(wheel, timer);
}

void fli_wheel_stop(fli_timer *timer)
{
	if (timer->link.next != NULL)
		fli_list_remove(&timer->link);
}

/* The first slot of the level that holds timers, or none. */
static bool first_used(fli_wheel *wheel, unsigned level, unsigned *ret_slot)
{
	while (wheel->used[level] != 0) {
		unsigned slot = (unsigned)__builtin_ctzll(wheel->used[level]);

		if (!fli_list_is_empty(&wheel->slots[level][slot])) {
			*ret_slot = slot;
			return true;
		}
		wheel->used[level] &= wheel->used[level] - 1;
	}
	return false;
}

/* Where the clock can jump to: the start of the next used slot. */
static uint64_t next_slot(fli_wheel *wheel)
{
	unsigned slot = 0;

	for (unsigned level = 0; level < FLI_WHEEL_LEVELS; level++)
		if (first_used(wheel, level, &slot)) {
			unsigned shift = level * FLI_WHEEL_BITS;
			uint64_t below = (UINT64_C(1) << shift) - 1;

			return (wheel->now_ms & ~(DIGIT_MASK << shift | below)) | (uint64_t)slot
											  << shift;
		}
	return FLI_WHEEL_NEVER;
}

uint64_t fli_wheel_next(fli_wheel *wheel)
{
	return fli_list_is_empty(&wheel->due) ? next_slot(wheel) : wheel->now_ms;
}

static void take_all(fli_link *from, fli_link *to)
{
	fli_list_create(to);
	if (fli_list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to->prev->next = to;
	fli_list_create(from);
}

/* Puts the timers of the slot where the clock now stands, in this level, into lower levels. */
static void cascade(fli_wheel *wheel, unsigned level)
{
	unsigned slot = digit(wheel->now_ms, level);
	fli_link moving, *link;

	if ((wheel->used[level] >> slot & 1) == 0)
		return;
	wheel->used[level] &= ~(UINT64_C(1) << slot);
	take_all(&wheel->slots[level][slot], &moving);
	while ((link = fli_list_pop(&moving)) != NULL)
		place(wheel, fli_container_of(link, fli_timer, link));
}

static void fire_due(fli_wheel *wheel)
{
	fli_link firing, *link;

	take_all(&wheel->due, &firing);
	while ((link = fli_list_pop(&firing)) != NULL) {
		fli_timer *timer = fli_container_of(link, fli_timer, link);

		timer->fire(timer);
	}
}

static void step(fli_wheel *wheel, uint64_t now_ms)
{
	uint64_t next = fli_list_is_empty(&wheel->due) ? next_slot(wheel) : wheel->now_ms + 1;

	wheel->now_ms = next < now_ms ? next : now_ms;
	for (unsigned level = FLI_WHEEL_LEVELS; level-- > 0;)
		cascade(wheel, level);
}

void fli_wheel_advance(fli_wheel *wheel, uint64_t now_ms)
{
	fire_due(wheel);
	while (wheel->now_ms < now_ms) {
		step(wheel, now_ms);
		fire_due(wheel);
	}
}
