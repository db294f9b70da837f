/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_HOST_PORT_H
#define FLI_DIST_HOST_PORT_H

/*
 * Addresses as people write them: host:9100, 10.0.0.5:9100, [fd00::5]:9100.
 *
 * Threads: any. Memory: the caller's. Errors: false, and nothing is written. Limits: the room
 * given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool fli_host_port_split(const char *text, char *ret_host, size_t size, uint16_t *ret_port);

#endif
