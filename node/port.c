/* SPDX-License-Identifier: Apache-2.0 */
#include "node/port.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t now_ns(const fli_port *port)
{
	struct timespec t;

	(void)port; /* the machine has one clock */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static int64_t wall_us(const fli_port *port)
{
	struct timespec t;

	(void)port;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void system_random(const fli_port *port, void *ret_bytes, size_t size)
{
	uint8_t *p = ret_bytes;
	ssize_t got;

	(void)port;
	while (size > 0) {
		got = getrandom(p, size, 0);
		if (got < 0 && errno != EINTR)
			abort(); /* no challenge is safe without it */
		if (got > 0) {
			p += got;
			size -= (size_t)got;
		}
	}
}

const fli_port *fli_port_system(void)
{
	static const fli_port machine = {
		.now_ns = now_ns, .wall_us = wall_us, .random = system_random};

	return &machine;
}
