/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_FAKE_REMOTE_H
#define FLITCH_TESTS_FAKE_REMOTE_H

/*
 * A distribution that only notes what it is asked to send, into actor_notes: "link <t.1.0>
 * <b.7.0>;" One peer, "b@h", is known; it is up after fake_remote_up.
 *
 * Threads: the test's own. Memory: one for all, reset by fake_remote_attach.
 */

#include "tests/support/actor.h"

typedef struct fake_remote {
	fli_peer peer;
	bool is_busy;
	bool is_refused; /* nothing can be opened */
	int end_code;    /* of each message; not FL_OK: it is lost */
	fli_buf buf;     /* the message that was sent last */
	fli_buf before;  /* and the one before it */
	fl_ref ref;      /* of the last monitor or request */
	uint64_t unlink_id;
} fake_remote;

extern fake_remote fake;

void fake_remote_attach(world *w);
void fake_remote_detach(world *w);
void fake_remote_up(world *w, uint32_t creation);
/* The connection is gone. */
void fake_remote_down(world *w);
/* A process of the peer. */
fl_pid fake_pid(uint32_t id);
/* A reference of the peer. */
fl_ref fake_ref(uint32_t word);
/* A term in Erlang notation as it comes from the wire; valid until the next call. */
const fli_payload *fake_payload(const char *text);

#endif
