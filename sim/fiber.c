/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks by ucontext. Switches are rare: one when the world is asked to run, one back, two for each
 * handler that waits; so the signal mask that swapcontext saves costs nothing that counts.
 *
 * The sanitizers keep books about stacks and are told of each switch.
 */
#include "sim/fiber.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "sim/store.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#define GUARD_BYTES 4096

struct fli_fiber {
	ucontext_t context;
	fli_fibers *fibers;
	fli_fiber *resumer; /* where it goes when it parks or retires; NULL: it is the runner */
	fli_fiber *next_idle, *next;
	uint8_t *map; /* guard and stack; NULL: the caller's own */
	void *fake;   /* the sanitizers' */
	const void *bottom;
	size_t size;
};

/* ---- switching ------------------------------------------------------------------------------- */

static void arrived(fli_fiber *here, fli_fiber *from)
{
#ifdef HAS_ASAN
	__sanitizer_finish_switch_fiber(here->fake, &from->bottom, &from->size);
#endif
	here->fibers->current = here->map == NULL ? NULL : here;
	(void)from;
}

static _Thread_local fli_fiber *left; /* by the switch that is under way */

static void switch_to(fli_fiber *from, fli_fiber *to)
{
	left = from;
#ifdef HAS_ASAN
	__sanitizer_start_switch_fiber(&from->fake, to->bottom, to->size);
#endif
#ifdef HAS_TSAN
	if (to->map == NULL || from->map == NULL)
		from->fake = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->fake, 0);
#endif
	(void)swapcontext(&from->context, &to->context);
	arrived(from, left);
}

/* A pointer goes through makecontext as two ints. */
static void run(unsigned high, unsigned low)
{
	fli_fiber *fiber = (fli_fiber *)((uintptr_t)high << 16 << 16 | low); /* NOLINT */
	fli_fibers *fibers = fiber->fibers;

	arrived(fiber, left);
	for (;;) {
		fibers->body(fibers->ctx);
		fiber->next_idle = fibers->idle;
		fibers->idle = fiber;
		switch_to(fiber, fiber->resumer);
	}
}

/* What frames that never returned have left in the sanitizers' books. */
static void forget(fli_fiber *fiber)
{
#ifdef HAS_ASAN
	__asan_unpoison_memory_region(fiber->map + GUARD_BYTES, FLI_FIBER_STACK);
#endif
#ifdef HAS_TSAN
	__tsan_destroy_fiber(fiber->fake);
#endif
	(void)fiber;
}

static void start(fli_fiber *fiber)
{
	uintptr_t address = (uintptr_t)fiber;

	(void)getcontext(&fiber->context); /* cannot fail */
	fiber->context.uc_stack.ss_sp = fiber->map + GUARD_BYTES;
	fiber->context.uc_stack.ss_size = FLI_FIBER_STACK;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, (void (*)(void))run, 2, (unsigned)(address >> 16 >> 16),
		(unsigned)address);
	fiber->bottom = fiber->context.uc_stack.ss_sp;
	fiber->size = FLI_FIBER_STACK;
	fiber->fake = NULL;
#ifdef HAS_TSAN
	fiber->fake = __tsan_create_fiber(0);
#endif
}

static fli_fiber *fiber_new(fli_fibers *fibers)
{
	fli_fiber *fiber = fli_store_zalloc(sizeof *fiber);

	fiber->fibers = fibers;
	fiber->map = mmap(NULL, GUARD_BYTES + FLI_FIBER_STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fiber->map == MAP_FAILED || mprotect(fiber->map, GUARD_BYTES, PROT_NONE) != 0)
		abort();
	start(fiber);
	fiber->next = fibers->all;
	fibers->all = fiber;
	return fiber;
}

static fli_fiber *take_idle(fli_fibers *fibers)
{
	fli_fiber *fiber = fibers->idle;

	if (fiber == NULL)
		return fiber_new(fibers);
	fibers->idle = fiber->next_idle;
	return fiber;
}

/* ---- the pool -------------------------------------------------------------------------------- */

void fli_fibers_create(fli_fibers *fibers, void (*body)(void *ctx), void *ctx)
{
	*fibers = (fli_fibers){.body = body, .ctx = ctx};
	fibers->caller = fli_store_zalloc(sizeof *fibers->caller);
	fibers->caller->fibers = fibers;
}

void fli_fibers_destroy(fli_fibers *fibers)
{
	fli_fiber *fiber;

	while ((fiber = fibers->all) != NULL) {
		fibers->all = fiber->next;
		forget(fiber);
		(void)munmap(fiber->map, GUARD_BYTES + FLI_FIBER_STACK);
		fli_store_free(fiber);
	}
	fli_store_free(fibers->caller);
}

void fli_fibers_enter(fli_fibers *fibers)
{
	if (fibers->runner == NULL) {
		fibers->runner = take_idle(fibers);
		fibers->runner->resumer = NULL;
	}
	switch_to(fibers->caller, fibers->runner);
}

void fli_fibers_leave(fli_fibers *fibers)
{
	switch_to(fibers->runner, fibers->caller);
}

void fli_fibers_park(fli_fibers *fibers)
{
	fli_fiber *mine = fibers->current, *to = mine->resumer;

	if (to == NULL) {
		to = fibers->runner = take_idle(fibers);
		to->resumer = NULL;
	}
	switch_to(mine, to);
}

void fli_fibers_resume(fli_fibers *fibers, fli_fiber *fiber)
{
	fiber->resumer = fibers->current;
	switch_to(fibers->current, fiber);
}

void fli_fibers_drop(fli_fibers *fibers, fli_fiber *fiber)
{
	forget(fiber);
	start(fiber);
	fiber->next_idle = fibers->idle;
	fibers->idle = fiber;
}
