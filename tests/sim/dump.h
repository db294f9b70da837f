/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_DUMP_H
#define FLITCH_TESTS_SIM_DUMP_H

/*
 * What each node knows of the cluster, as lines of the trace: for whoever reads why a run failed.
 *
 * Threads: one. Memory: none. Errors: none.
 */

#include "tests/sim/run.h"

void dump_services(run *r);

#endif
