/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_HOST_H
#define FLI_SIM_HOST_H

/*
 * Machines, the paths between them, and the programs that run on them.
 *
 *     host "one.sim" 10.83.0.1 --- programs: a@one.sim, epmd --- sockets, listeners
 *        \== path (one for each direction): delay, loss, ... ==> host "two.sim"
 *
 * A program is whatever has sockets: a C node, a guest, an epmd. It gets its turn some time after
 * one of its sockets has something to tell.
 *
 * Threads: one. Memory: hosts and paths belong to the world. Errors: none.
 */

#include "dist/net.h"
#include "sim/world.h"

struct fli_host {
	fl_sim *sim;
	size_t index;
	char *name;
	bool is_down;          /* vanished: nothing answers */
	uint16_t port_next;    /* ephemeral */
	fli_link listens;      /* of all its programs */
	fli_link progs;        /* fli_prog.in_host */
	struct fli_epmd *epmd; /* NULL: the world has none */
};

struct fli_path {
	bool is_made;
	fl_sim_link link;
	fli_dice dice;
};

struct fli_prog {
	fl_sim *sim;
	fli_host *host;
	const char *name; /* for the trace */
	fli_net net;      /* its table */
	fli_link in_host;
	fli_link socks; /* fli_end.in_prog */
	fli_link ready; /* fli_end.ready: have something to tell */
	fli_event turn;
	void (*take_turn)(fli_prog *prog);
	void (*vanish)(fli_prog *prog); /* it ends at once; its sockets are gone already */
	uint64_t slow_ns;               /* from what wakes it to its turn */
	uint64_t lag_ns;                /* up to so much more */
	fli_dice lag;
	unsigned socks_count, socks_max;
	bool is_paused;
	bool lies; /* an epmd that names wrong ports */
};

/* Makes the host when it is not there; the program ends at the limit. */
fli_host *fli_host_get(fl_sim *sim, const char *name);
/* A name, an address, or 127.0.0.1 for `from` itself; NULL: unknown. */
fli_host *fli_host_look_up(fli_host *from, const char *name);
void fli_host_address(const fli_host *host, const fli_host *seen_from, fli_address *ret_address);
/* All of them; their nodes and guests are gone. */
void fli_hosts_delete(fl_sim *sim);
/* All programs on it vanish; nothing answers until fli_host_revive. */
void fli_host_vanish(fli_host *host);
/* It is there again, with an empty epmd. */
void fli_host_revive(fli_host *host);

fli_path *fli_paths_new(void);
fli_path *fli_path_of(fli_host *from, fli_host *to);
/* Delay and jitter. */
uint64_t fli_path_delay_ns(fli_path *path);
/* Nothing gets from one to the other now. */
bool fli_path_is_lost(fli_host *from, fli_host *to);

void fli_prog_create(fli_prog *prog, fli_host *host, const char *name);
/* Its next turn is not later than that. */
void fli_prog_wake(fli_prog *prog, uint64_t at_ns);
/* Hands out what its sockets have to tell. */
void fli_prog_deliver(fli_prog *prog);
/* Closes its sockets and listeners as the machine does when a program ends. */
void fli_prog_end(fli_prog *prog);
/* The same without a word to anybody. */
void fli_prog_vanish(fli_prog *prog);
void fli_prog_pause(fli_prog *prog);
void fli_prog_resume(fli_prog *prog);

#endif
