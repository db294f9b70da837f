/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_FUZZ_GUEST_H
#define FLITCH_TESTS_FUZZ_GUEST_H

/*
 * A whole node a@h.x with its services and two servers, `friendly` and `plain`, and a peer x@h.x
 * that has shown the cookie and says what it likes.
 *
 *     guest_open(&g);
 *     guest_begin(&g, control);  add the payload to g.frame;  guest_send(&g);
 *     guest_close(&g);                       some seconds pass, and the node must close
 *
 * Pids, ports and references of a@h.x are written with creation 0 and sent with the node's own.
 *
 * Memory: guest_open and guest_close.
 */
#include "tests/support/lab.h"

#define GUEST_ME "<x@h.x.1.0>"
#define GUEST_REF "#Ref<x@h.x.1.2.3>"

/* So that what a request started by timers happens too. */
enum { GUEST_LAST_MS = 6000 };

typedef struct guest {
	lab net;
	lab_host *host;
	lab_sock *sock;
	fli_buf frame;
} guest;

void guest_open(guest *g);
void guest_close(guest *g);
/* Empties the frame and begins it with a control message in Erlang's notation. */
void guest_begin(guest *g, const char *control);
/* Appends a term in Erlang's notation; false when it is none. */
bool guest_add_text(fli_buf *out, const char *text, size_t size);
/* Sends the frame and lets the node run; false: the node closed the connection. */
bool guest_send(guest *g);

#endif
