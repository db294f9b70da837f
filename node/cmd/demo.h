/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_DEMO_H
#define FLI_CMD_DEMO_H

/*
 * The steps of `flitch demo`: what to type, and which of them have been seen.
 *
 *     counter --{step, Id, Text}--> guide --> "  [x] 2  call ..."
 *
 * Threads: the guide's handlers alone. Memory: zeroed, in the guide's state. Errors: none.
 */

#include "flitch/server.h"

typedef enum fli_step {
	FLI_STEP_CONNECT,
	FLI_STEP_CALL,
	FLI_STEP_MONITOR,
	FLI_STEP_KILL,
	FLI_STEP_RESTART,
	FLI_STEPS_COUNT
} fli_step;

#define FLI_DEMO_GUIDE "demo_guide"

extern const fl_behaviour fli_demo_guide;
extern const fl_behaviour fli_demo_counter;

/* What to type, with the node's name in it; ends with a newline. */
void fli_demo_print_steps(const char *node, const char *cookie);

#endif
