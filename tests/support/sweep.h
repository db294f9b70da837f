/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SWEEP_H
#define FLITCH_TESTS_SWEEP_H

/*
 * A scene again and again, while its first, second, third ... allocation fails, until none is hit.
 *
 *     static void scene(fli_fault *fault)
 *     {
 *             ... what is there before, of fault->mem ...
 *             sweep_arm();      from here on one fails
 *             ... what is tried ...
 *             sweep_disarm();
 *             ... it works, or has failed with a code; all is given back ...
 *     }
 *     sweep("what is tried", scene);        prints how many failed
 *
 * A program that is linked with --wrap=fli_mem_libc counts and fails what comes from there as well:
 * buffers of terms, options, text. Nothing may be left at the end of a scene.
 *
 * Threads: a scene may have some. Memory: none.
 */
#include "tests/support/fault.h"

void sweep(const char *name, void (*scene)(fli_fault *fault));
void sweep_arm(void);
void sweep_disarm(void);
/* The allocator that never fails on purpose. */
fli_mem *sweep_plain_mem(void);

#endif
