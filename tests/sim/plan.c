/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/plan.h"

#include <stdlib.h>

bool plan_copy(plan *to, const plan *from, const bool *marks)
{
	*to = (plan){.settings = from->settings};
	to->steps = calloc(from->count + 1, sizeof *to->steps);
	for (size_t i = 0; to->steps != NULL && i < from->count; i++) {
		if (marks == NULL || marks[i])
			to->steps[to->count++] = from->steps[i];
	}
	return to->steps != NULL;
}

void plan_free(plan *p)
{
	free(p->steps);
	*p = (plan){.count = 0};
}
