/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is in two groups from its start, and does nothing else. */
#include <flitch.h>

static const fl_group groups[] = {
	{.name = "{servers, 1}"}, {.name = "\"grouped\""}, {.name = NULL}};

static const fl_behaviour grouped = {.name = "grouped", .groups = groups};

FL_MODULE(&grouped);
