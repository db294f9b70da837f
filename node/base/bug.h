/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_BUG_H
#define FLI_BASE_BUG_H

/*
 * Deliberate faults, to see that the tests find them: `if (FLI_BUG(noproc_not_sent)) return;`
 *
 * A build with -DFLITCH_BUGS (make mutants) has the one that FLITCH_BUG names; in any other build
 * the condition is a constant 0.
 *
 * Threads: any. Memory: none. Errors: none.
 */

#ifdef FLITCH_BUGS
#include <stdlib.h>
#include <string.h>

static inline int fli_bug_is(const char *name)
{
	const char *chosen = getenv("FLITCH_BUG");

	return chosen != NULL && strcmp(chosen, name) == 0;
}

#define FLI_BUG(name) fli_bug_is(#name)
#else
#define FLI_BUG(name) 0
#endif

#endif
