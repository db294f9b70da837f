/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PORT_H
#define FLI_PORT_H

/*
 * What the process world needs of the world outside: time and randomness. A table, so that a
 * simulated cluster runs on its own clock.
 *
 * Threads: any. Errors: none; randomness that fails ends the program, since nothing safe is left.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct fli_port {
	uint64_t (*now_ns)(const struct fli_port *port);                           /* monotonic */
	int64_t (*wall_us)(const struct fli_port *port);                           /* since 1970 */
	void (*random)(const struct fli_port *port, void *ret_bytes, size_t size); /* secure */
} fli_port;

/* The machine's own. */
const fli_port *fli_port_system(void);

#endif
