/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_GUEST_H
#define FLITCH_TESTS_SIM_GUEST_H

/*
 * A guest of the simulated world that writes down what it is told.
 *
 *     o A   1   opened, accepted, the last connection
 *     rrr   3 reads; the bytes are in `in`
 *     e     ended, with `code`
 *
 * Threads: the test's own. Memory: observer_create and observer_destroy. Errors: it aborts.
 */

#include "sim/guest.h"

typedef struct observer {
	fli_guest *guest;
	fl_sim *sim;
	char log[4096]; /* a letter for each event: o, A, r, e, t */
	size_t log_size;
	uint8_t in[1 << 20];
	size_t in_size;
	size_t read_max; /* the largest one */
	size_t reads;
	fli_guest_conn conn; /* the last that was opened or accepted */
	int code;            /* of the last end */
	uint64_t ended_ms;
	uint64_t read_ms; /* the last one */
} observer;

observer *observer_new(fl_sim *sim, const char *host);
void observer_delete(observer *o);
/* Two of them, connected: `from` has dialled. */
void observers_connect(observer *from, observer *to);
/* So many bytes that count up. */
void observer_write(observer *o, size_t size);
/* What came in counts up from 0, without a hole. */
bool observer_is_whole(const observer *o);

#endif
