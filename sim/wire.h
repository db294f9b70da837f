/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_WIRE_H
#define FLI_SIM_WIRE_H

/*
 * Connections: what TCP makes of bytes and of faults.
 *
 *     end[0] --segments: bytes, bytes, FIN--> end[1]       each end has a queue to the other
 *            <--segments: OPEN, bytes, ... ---
 *
 * A segment is put into the queue with the time of its arrival. Where the path is lost then, it is
 * held and tried again, first after 200 ms, later each 8 s, so the stream never has a hole; when
 * that has gone on for too long, the sender is told. A window bounds what was written and not read.
 *
 * Threads: one. Memory: a pair lives while a program has one of its ends. Errors: by on_end.
 */

#include "dist/net.h"
#include "node/base/buf.h"
#include "sim/forge.h"
#include "sim/host.h"

typedef struct fli_pair fli_pair;
typedef struct fli_end fli_end;

struct fli_listen {
	fli_link in_host;
	fli_prog *prog;
	fli_listen_at at;
	uint16_t port;
	bool is_loopback;
};

typedef enum fli_segment_kind {
	FLI_SEGMENT_DATA,
	FLI_SEGMENT_OPEN,   /* to who dialled: it is connected */
	FLI_SEGMENT_ACCEPT, /* to who listens */
	FLI_SEGMENT_FIN,
	FLI_SEGMENT_RST
} fli_segment_kind;

typedef struct fli_segment {
	fli_link link;
	fli_segment_kind kind;
	uint64_t at_ns;
	size_t size;
	uint8_t bytes[];
} fli_segment;

struct fli_end {
	fli_sock base;
	fli_pair *pair;
	fli_host *host;
	fli_prog *prog; /* NULL: closed, or gone with its program */
	fli_link in_prog;
	fli_link ready;
	fli_listen *listen; /* who accepts; NULL: accepted, or dialled */

	/* what its program has not been told yet */
	bool tells_accept, tells_open, tells_written, tells_end;
	int end_code;
	const char *end_why;
	bool has_ended; /* on_end was called */
	bool is_open;   /* connected, and not reset */
	fli_buf in;     /* arrived */
	size_t in_at;   /* and read up to here */

	/* to the other end */
	fli_link segments;
	fli_event arrive; /* of the first one */
	uint64_t last_ns; /* arrival of the last one */
	uint64_t gate_ns; /* from when on the path takes more bytes */
	uint64_t lost_ns; /* held since; 0: not */
	unsigned tries;
	size_t unread;      /* written, and the other program has not read it */
	size_t credit_held; /* read, but that news is lost on its way */
	uint64_t credit_lost_ns;
	unsigned credit_tries;
	fli_event credit;
	const uint8_t *queued;
	size_t queued_left, queued_all;
	fli_event room; /* what is queued goes on */
	fli_forge forge;
};

struct fli_pair {
	fli_link in_world; /* or in the grave */
	fl_sim *sim;
	uint64_t id;
	uint16_t port;     /* of who listens */
	fli_end ends[2];   /* who dialled, who accepted */
	fli_event connect; /* the next attempt to reach the other side */
	uint64_t dialled_ns;
	unsigned tries;
	bool is_buried;
};

static inline fli_end *fli_end_other(fli_end *end)
{
	return &end->pair->ends[end == &end->pair->ends[0]];
}

/* The table of a program. */
fli_net fli_wire_net(void);
/* `to` NULL: no such host. */
fli_end *fli_end_dial(fli_prog *prog, fli_host *to, uint16_t port);
void fli_end_close(fli_end *end);
/* Tells its owner what there is to tell. */
void fli_end_tell(fli_end *end);
/* Its program and its machine know nothing of it any more, and nobody is told. */
void fli_end_vanish(fli_end *end);
/* Both programs learn that it was reset. */
void fli_pair_reset(fli_pair *pair);
/* Puts bytes on the way, whatever the window says. */
void fli_end_emit(fli_end *end, const uint8_t *bytes, size_t size);
void fli_listen_delete(fli_listen *listen);
void fli_pairs_bury(fl_sim *sim);
/* Of a connection to that host that has shown the cookie, the newest; NULL: none. */
fli_end *fli_end_find_proven(fli_prog *from, const fli_host *to);
void fli_end_forge(fli_end *end, fl_sim_forgery how, const void *bytes, size_t size);

/* ---- between wire.c, pair.c and net.c -------------------------------------------------------- */

void fli_end_create(fli_end *end, fli_pair *pair, fli_host *host);
void fli_end_destroy(fli_end *end);
/* Into the grave when no program has an end of it any more. */
void fli_pair_unless_used(fli_pair *pair);
void fli_end_push(fli_end *end, fli_segment_kind kind, const uint8_t *bytes, size_t size);
/* A reset instead of all that is on the way. */
void fli_end_push_reset(fli_end *end);
/* There is something to tell. */
void fli_end_ready(fli_end *end);
/* No more of it, once what has arrived is read. */
void fli_end_over(fli_end *end, int code, const char *why);
/* The other program has read so much of what this end wrote. */
void fli_end_credit(fli_end *end, size_t size);
/* What is queued goes on. */
void fli_end_go_on(fli_end *end);

#endif
