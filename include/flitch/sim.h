/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_SIM_H
#define FLITCH_SIM_H

/*
 * A whole cluster in one thread: real nodes on a virtual clock, joined by a network that fails when
 * it is told to. The same seed and the same calls give the same run, byte for byte.
 *
 *     fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = 7});
 *     fl_sim_node *a = fl_sim_add(sim, "a@one.sim", &(fl_sim_config){.servers = servers}, &err);
 *     fl_sim_node *b = fl_sim_add(sim, "b@two.sim", NULL, &err);
 *     fl_sim_start(a, &err), fl_sim_start(b, &err), fl_sim_connect(b, "a@one.sim");
 *     fl_sim_run(sim, 1000);
 *     fl_sim_cut(sim, "one.sim", "two.sim");           nothing passes, nobody is told
 *     fl_sim_run(sim, 90000);                          ticks are missed; node-down on both sides
 *     fl_sim_heal(sim);
 *     rc = fl_sim_call(b, fl_name_at("counter", "a@one.sim"), 5000, &reply, "get");
 *     fl_sim_delete(sim);
 *
 * A *host* is a machine, named by what stands behind the `@`: it has an address, ports, an epmd and
 * links to the other hosts, one for each direction. A *node* runs on a host. Nothing happens but in
 * fl_sim_run, _run_until, _await and _call, where the clock jumps from event to event; a start, and
 * a server that is started, take what their `init` takes.
 *
 * Handlers take no virtual time. One that waits does: fl_call waits as on a real node while the
 * node goes on, fl_offload runs its work as a later event, fl_sim_sleep is a handler that is slow.
 *
 * What a node tells of its machine (erlang:memory/0, statistics(runtime)) is the real one's: a run
 * in which somebody asks for it is not the same twice.
 *
 * Threads: the one that made the world makes every call for it; other threads may have worlds of
 * their own. Functions with an fl_sim or fl_sim_node are not for handlers, unless they say so.
 * Memory: nodes belong to the world; handles stay valid through stop, crash and restart. A crash
 * runs no terminate and no release: what a server allocated by itself is lost, unless `on_forget`
 * frees it.
 * Errors: FL_E* with a text for people. The world itself ends the program when it is out of memory;
 * its nodes never do.
 * Limits: FL_SIM_NODES_MAX nodes, FL_SIM_HOSTS_MAX hosts.
 */

#include <stdio.h>

#include "flitch/node.h"

#define FL_SIM_NODES_MAX 72
#define FL_SIM_HOSTS_MAX 72

typedef struct fl_sim fl_sim;
typedef struct fl_sim_node fl_sim_node;

/* ---- the world ------------------------------------------------------------------------------- */

typedef struct fl_sim_options {
	uint64_t seed;
	bool has_epmd; /* one on each host; else every node listens on FL_SIM_PORT, one a host */
	FILE *trace;   /* every event as a line; NULL: the last ones only, in memory */
} fl_sim_options;

#define FL_SIM_PORT 4370

/* NULL: the defaults, seed 0. */
fl_sim *fl_sim_new(const fl_sim_options *options);
/* Crashes what runs. */
void fl_sim_delete(fl_sim *sim);

/* Since the world began; a handler may ask. */
uint64_t fl_sim_now_ms(const fl_sim *sim);
uint64_t fl_sim_now_ns(const fl_sim *sim);
/* From the world's own random source: 0 to below - 1. Not what nodes draw from. */
uint64_t fl_sim_random(fl_sim *sim, uint64_t below);

/* Everything happens that is due within `ms`. */
void fl_sim_run(fl_sim *sim, uint64_t ms);
/* The same, until `is_so` says so: asked after each event. False: it never did. */
bool fl_sim_run_until(fl_sim *sim, uint64_t ms, bool (*is_so)(void *ctx), void *ctx);
/* Calls `act` then, between two events; it may do what is not for handlers, but run. */
void fl_sim_at(fl_sim *sim, uint64_t ms, void (*act)(void *ctx), void *ctx);

/* A line of the user's own in the trace; a handler may write one. No addresses, no real time. */
void fl_sim_note(fl_sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The last events, oldest first. */
void fl_sim_trace(const fl_sim *sim, FILE *out);
/* A digest of every line of the trace so far: equal runs have equal ones. */
uint64_t fl_sim_digest(const fl_sim *sim);
/* Events that have happened. */
uint64_t fl_sim_events(const fl_sim *sim);

/* ---- nodes ----------------------------------------------------------------------------------- */

typedef struct fl_sim_config {
	const char *cookie;    /* NULL: the same for all */
	bool is_hidden;        /* not in the others' nodes() */
	uint32_t tick_time_ms; /* 0: as dist.ticktime */
	uint32_t step_ms;      /* of a handshake; 0: as dist.setup_time */
	/* Keys of flitch.conf and their values in turn, then NULL; may be NULL. Name, cookie,
	 * addresses and ports are the world's. */
	const char *const *settings;
	const fl_behaviour *const *servers; /* ends in NULL; supervised, started at each start */
	/* At each start, when the node is up; anything but FL_OK fails the start. */
	int (*on_start)(fl_sim_node *node, void *ctx);
	/* Before the memory of the node goes, after a stop as after a crash. */
	void (*on_end)(fl_sim_node *node, void *ctx);
	/* In a crash, for each process: frees what its state holds of its own. */
	void (*on_forget)(const fl_behaviour *behaviour, void *state, void *ctx);
	/* Each line of the node's log. */
	void (*on_log)(fl_sim_node *node, const char *line, size_t size, void *ctx);
	void *ctx;
} fl_sim_config;

typedef enum fl_sim_state {
	FL_SIM_DOWN,     /* never started, stopped, crashed, or failed to start */
	FL_SIM_STARTING, /* registers in epmd */
	FL_SIM_UP,
	FL_SIM_PAUSED,
	FL_SIM_LEAVING /* stops: its servers end, one after the other */
} fl_sim_state;

/* `name` is alive@host; `config` may be NULL and is copied, what it points to is not. */
fl_sim_node *fl_sim_add(fl_sim *sim, const char *name, const fl_sim_config *config, fl_error *err);
/* From the next start on. */
void fl_sim_reconfigure(fl_sim_node *node, const fl_sim_config *config);
/* The node of that name, or NULL. */
fl_sim_node *fl_sim_find(fl_sim *sim, const char *name);
/* Visits all: start with *cursor = 0; NULL at the end. */
fl_sim_node *fl_sim_next(fl_sim *sim, size_t *cursor);
/* From a handler too. */
fl_sim_node *fl_sim_node_of(const fl_node *node);
fl_sim *fl_sim_of(const fl_sim_node *node);
const char *fl_sim_name(const fl_sim_node *node);
const char *fl_sim_host(const fl_sim_node *node);
fl_sim_state fl_sim_state_of(const fl_sim_node *node);
/*
 * NULL while it is down. Of <flitch/node.h>, fl_node_name, _port, _start, _connect, _export and
 * _stop are for it; it is the world that opens, runs and closes it.
 */
fl_node *fl_sim_handle(const fl_sim_node *node);
/* How many times it was started. */
unsigned fl_sim_starts(const fl_sim_node *node);
/* Why the last start failed; its code is FL_OK when it did not. */
const fl_error *fl_sim_why(const fl_sim_node *node);

/*
 * Begins to start. Without epmd it is up when this returns, with one it takes a while. Each start
 * has a new creation. FL_EALREADY: it runs.
 */
int fl_sim_start(fl_sim_node *node, fl_error *err);
/*
 * Begins to leave in order, as fl_node_stop: servers end, connections close, then it is down. A
 * server that is busy has five seconds.
 */
void fl_sim_stop(fl_sim_node *node);
/* Runs the world until the node is in that state. False: it took longer than `ms`. */
bool fl_sim_await(fl_sim_node *node, fl_sim_state state, uint64_t ms);

typedef enum fl_sim_crash {
	FL_SIM_KILLED,  /* the program died: its machine closes the sockets */
	FL_SIM_VANISHED /* the machine died, and all on it: nobody is told; the next to write after
			   a restart is reset */
} fl_sim_crash;

void fl_sim_crash_node(fl_sim_node *node, fl_sim_crash how);

typedef enum fl_sim_pause {
	FL_SIM_STOPPED,  /* as by SIGSTOP: clocks go on */
	FL_SIM_SUSPENDED /* as a virtual machine: the monotonic clock stands, the wall clock jumps
			  */
} fl_sim_pause;

/* No turn of the node; what is sent to it waits in its sockets. */
void fl_sim_pause_node(fl_sim_node *node, fl_sim_pause how);
void fl_sim_resume(fl_sim_node *node);
void fl_sim_jump_wall(fl_sim_node *node, int64_t ms);
/* A busy machine: the node looks at sockets and timers up to so much later; more comes at once. */
void fl_sim_set_lag(fl_sim_node *node, uint32_t us);
/* The n-th allocation from now on fails, once; 0: none. */
void fl_sim_fail_alloc(fl_sim_node *node, uint64_t nth);
/* So many in a million fail. */
void fl_sim_fail_allocs(fl_sim_node *node, uint32_t per_million);
/* Sockets that the node may have open; 0: any number. */
void fl_sim_limit_sockets(fl_sim_node *node, unsigned max);
/* Allocations that failed so. */
uint64_t fl_sim_failures(const fl_sim_node *node);
/* Bytes that the node has allocated. */
size_t fl_sim_bytes(const fl_sim_node *node);
/* Bytes that it had not given back when it last stopped in order. */
size_t fl_sim_leaked(const fl_sim_node *node);

/* ---- what nodes do --------------------------------------------------------------------------- */

/* As fl_node_connect: keeps it up from now on. */
int fl_sim_connect(fl_sim_node *node, const char *peer);
/* Ends the connection, as disconnect_node/1. */
bool fl_sim_disconnect(fl_sim_node *node, const char *peer);
/* `node` counts `peer` as connected. */
bool fl_sim_is_connected(const fl_sim_node *node, const char *peer);

typedef struct fl_sim_serve {
	const char *name;   /* registered before init; NULL: none */
	bool is_supervised; /* restarted when it ends; its name is the behaviour's */
} fl_sim_serve;

/* Starts a server; `how` and `ret_pid` may be NULL. Gone with the node. */
int fl_sim_serve_spec(fl_sim_node *node, const fl_behaviour *behaviour, const fl_sim_serve *how,
	fl_pid *ret_pid, fl_spec args);
/* fl_sim_spawn(node, &counter, &(fl_sim_serve){.name = "c"}, &pid, "{start, ~}", 5); */
#define fl_sim_spawn(node, behaviour, how, ret_pid, ...)                                           \
	fl_sim_serve_spec((node), (behaviour), (how), (ret_pid), fl_spec(__VA_ARGS__))

/*
 * gen_server:call from a process of `node`; the world runs until it is over. `reply` is cleared; it
 * gets the answer, or the reason when that is FL_EEXIT; NULL: not wanted. FL_ECLOSED: node is not
 * up.
 */
int fl_sim_call_spec(
	fl_sim_node *node, fl_dest to, uint32_t timeout_ms, fl_buf *reply, fl_spec request);
#define fl_sim_call(node, to, timeout_ms, reply, ...)                                              \
	fl_sim_call_spec((node), fl_to(to), (timeout_ms), (reply), fl_spec(__VA_ARGS__))
int fl_sim_send_spec(fl_sim_node *node, fl_dest to, bool is_cast, fl_spec message);
#define fl_sim_send(node, to, ...) fl_sim_send_spec((node), fl_to(to), false, fl_spec(__VA_ARGS__))
#define fl_sim_cast(node, to, ...) fl_sim_send_spec((node), fl_to(to), true, fl_spec(__VA_ARGS__))

/* How long the work of fl_offload takes that begins there from now on; 0: one to two, as at first.
 */
void fl_sim_work_takes(fl_sim_node *node, uint32_t ms);

/* For handlers: this one takes `ms` of virtual time; the node goes on meanwhile. */
void fl_sim_sleep(fl_proc *self, uint32_t ms);

/* ---- the network ----------------------------------------------------------------------------- */

/* How bytes travel from one host to another; a field that is 0 does nothing. */
typedef struct fl_sim_link {
	uint32_t delay_us;
	uint32_t jitter_us;    /* up to so much more; never changes the order in a connection */
	uint64_t bytes_per_s;  /* 0: any number */
	uint32_t window_bytes; /* under way or unread, a connection; 0: 262,144 */
	uint32_t write_max;    /* bytes that a write takes: a random number up to that */
	uint32_t read_max;     /* bytes that a read gives: likewise */
	uint32_t gather_us;    /* what comes within so much arrives in one read */
	bool is_lost;          /* nothing passes, nobody is told; TCP tries again until it heals */
	bool is_refused;       /* who dials is refused */
	bool is_unknown;       /* the other host's name cannot be looked up */
} fl_sim_link;

/* The default: 200 us and up to 100 more. Hosts are made when they are first named. */
fl_sim_link fl_sim_link_of(fl_sim *sim, const char *from, const char *to);
void fl_sim_set_link(fl_sim *sim, const char *from, const char *to, const fl_sim_link *link);

/* Both directions lose everything, or pass again. */
void fl_sim_cut(fl_sim *sim, const char *host, const char *other);
void fl_sim_mend(fl_sim *sim, const char *host, const char *other);
/* Groups of hosts, "one.sim two.sim | three.sim": links between groups are cut, inside mended. */
void fl_sim_split(fl_sim *sim, const char *groups);
/* Every link is as at the beginning. */
void fl_sim_heal(fl_sim *sim);
/* Every connection between the two is reset, on both sides. Returns how many. */
unsigned fl_sim_reset(fl_sim *sim, const char *host, const char *other);
/* TCP gives a connection up when nothing passed for so long; the default is 900,000. */
void fl_sim_give_up_after(fl_sim *sim, uint64_t ms);

typedef enum fl_sim_epmd {
	FL_SIM_EPMD_UP,
	FL_SIM_EPMD_DOWN,  /* dials are refused; what was registered is forgotten */
	FL_SIM_EPMD_LYING, /* answers with a port where nobody listens */
	FL_SIM_EPMD_SLOW   /* looks at its sockets ten seconds after something came */
} fl_sim_epmd;

void fl_sim_set_epmd(fl_sim *sim, const char *host, fl_sim_epmd how);

/* ---- a man in the middle --------------------------------------------------------------------- */

typedef enum fl_sim_forgery {
	FL_SIM_FORGE_ADD,     /* `bytes` are sent as well, between two frames */
	FL_SIM_FORGE_REPLACE, /* the next frame is `bytes` instead */
	FL_SIM_FORGE_FLIP     /* one bit of the next frame's body is turned; `bytes` is not used */
} fl_sim_forgery;

/*
 * What `to` gets from `from` over their distribution connection, once the cookie has been shown.
 * `bytes` hold the frame's four bytes of length as well, and need not be a frame. FL_ENOENT: there
 * is no such connection.
 */
int fl_sim_forge(
	fl_sim_node *from, const char *to, fl_sim_forgery how, const void *bytes, size_t size);

#endif
