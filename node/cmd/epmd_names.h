/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_EPMD_NAMES_H
#define FLI_CMD_EPMD_NAMES_H

/*
 * Asks a running epmd for its names and prints them as `epmd -names` does.
 *
 * Threads: any; waits up to some seconds. Memory: none is kept. Errors: FL_ECLOSED when there is
 * none, with a text for people. Limits: FLI_EPMD_NAMES_BYTES_MAX.
 */

#include <stdint.h>

#include "flitch/error.h"

int fli_cmd_epmd_names(const char *address, uint16_t port, fl_error *err);

#endif
