/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_GUEST_H
#define FLI_SIM_GUEST_H

/*
 * A program of another kind in the world: the model of an OTP node, a forger, a client. It has a
 * host, sockets, timers, a clock and random numbers, and nothing else.
 *
 *     fli_guest_add(sim, "otp.sim", &events, ctx)
 *     fli_guest_listen(guest, 4370, &port)     --> on_accept(conn), on_read(conn), on_end(conn)
 *     fli_guest_dial(guest, "one.sim", 4370)   --> on_open(conn), on_read(conn), on_end(conn)
 *     fli_guest_timer(guest, 15000, TICK)      --> on_timer(TICK)
 *
 * A connection is a number that is never used again. Faults of the links apply as to C nodes. What
 * is written waits in the guest's own queue when the window is full: a guest need not look.
 *
 * Threads: the world's. Events come one at a time, between which everything may be called; nothing
 * is called back from within a call. Memory: guests belong to the world; bytes in on_read live
 * until it returns. Errors: FL_E*.
 */

#include "flitch/sim.h"

typedef struct fli_guest fli_guest;
typedef uint32_t fli_guest_conn; /* 0: none */

typedef struct fli_guest_events {
	void (*on_accept)(void *ctx, fli_guest_conn conn, uint16_t port);
	void (*on_open)(void *ctx, fli_guest_conn conn);
	void (*on_read)(void *ctx, fli_guest_conn conn, const uint8_t *data, size_t size);
	/* No more of it: FL_ECLOSED, FL_EREFUSED, FL_ETIMEOUT, FL_EIO (reset). It is closed. */
	void (*on_end)(void *ctx, fli_guest_conn conn, int code);
	void (*on_timer)(void *ctx, uint64_t id);
} fli_guest_events;

/* `events` and `ctx` outlive the guest. The host may be shared with nodes. */
fli_guest *fli_guest_add(fl_sim *sim, const char *host, const fli_guest_events *events, void *ctx);
fl_sim *fli_guest_world(const fli_guest *guest);
const char *fli_guest_host(const fli_guest *guest);

/* `port` 0: a free one. FL_ETAKEN. */
int fli_guest_listen(fli_guest *guest, uint16_t port, uint16_t *ret_port);
void fli_guest_unlisten(fli_guest *guest, uint16_t port);
/* Failure comes by on_end. 127.0.0.1 is the guest's own host: its epmd listens on 4369. */
fli_guest_conn fli_guest_dial(fli_guest *guest, const char *host, uint16_t port);
/* FL_ECLOSED when the connection is over. */
int fli_guest_write(fli_guest *guest, fli_guest_conn conn, const void *bytes, size_t size);
/* In order: what was written arrives before the end. */
void fli_guest_close(fli_guest *guest, fli_guest_conn conn);

/* One timer for each id; starting it again moves it. */
void fli_guest_timer(fli_guest *guest, uint64_t ms, uint64_t id);
void fli_guest_untimer(fli_guest *guest, uint64_t id);
uint64_t fli_guest_now_ms(const fli_guest *guest);
void fli_guest_random(fli_guest *guest, void *ret_bytes, size_t size);

/* ---- what a driver does to it ---------------------------------------------------------------- */

/*
 * Sockets, listeners and timers go, no event comes; who owns the guest starts it anew by listening
 * again. FL_SIM_VANISHED: the host is down until fli_guest_revive.
 */
void fli_guest_crash(fli_guest *guest, fl_sim_crash how);
void fli_guest_revive(fli_guest *guest);
/* No events; bytes and connections wait. */
void fli_guest_pause(fli_guest *guest);
void fli_guest_resume(fli_guest *guest);

#endif
