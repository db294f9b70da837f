/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_PROCESS_H
#define FLITCH_PROCESS_H

/*
 * What a process does: send, call, link, monitor, register, exit. Erlang's words, Erlang's rules.
 *
 * `self` is the process whose handler is running, as the handler was given it.
 *
 * Order: signals of one process to another arrive in the order in which they were sent, messages
 * and exits alike, here and across nodes.
 *
 * Threads: a function with `self` is called from that process's own handler (or from its init),
 * on whichever thread runs it; fl_reply and fl_from_alive from any thread.
 * Memory: terms in arguments are copied; terms that are handed out live until the handler returns.
 * Errors: FL_OK or FL_E*. A send to nobody is not an error, as in Erlang.
 * Blocking: only fl_call may wait; the node goes on meanwhile on another thread.
 */

#include "flitch/term.h"

typedef struct fl_node fl_node;
typedef struct fl_proc fl_proc;
typedef struct fl_behaviour fl_behaviour;

#define FL_INFINITY UINT32_MAX

/* ---- destinations ---------------------------------------------------------------------------- */

/* A term built in place: what the macros below pass on. */
typedef struct fl_spec {
	const char *pattern;
	const fl_value *values;
	size_t count;
} fl_spec;

static inline fl_spec fli_spec(const char *pattern, const fl_value *values, size_t count)
{
	return (fl_spec){pattern, values, count};
}

/* A pattern and its values as one argument; borrows until the end of the full expression's block.
 */
#define fl_spec(...) fli_spec(FLI_FIRST(__VA_ARGS__, 0), FLI_VALUES(__VA_ARGS__))

/*
 * Where a message goes: a pid, an alias, a registered name here or on a node, a global name, a key
 * of a registry.
 */
typedef struct fl_dest {
	enum { FL_TO_PID, FL_TO_ALIAS, FL_TO_NAME, FL_TO_GLOBAL, FL_TO_VIA } kind;
	union {
		fl_pid pid;
		fl_ref alias;
		struct {
			fl_atom text;
			fl_atom node; /* empty: here */
		} name;
		struct {
			fl_atom atom; /* when there is no term */
			fl_term term;
		} global; /* <flitch/global.h> */
		struct {
			const char *registry; /* <flitch/registry.h> */
			fl_spec key;
		} via;
	} as;
} fl_dest;

static inline fl_dest fl_to_pid(fl_pid pid)
{
	return (fl_dest){.kind = FL_TO_PID, .as.pid = pid};
}

static inline fl_dest fl_to_alias(fl_ref alias)
{
	return (fl_dest){.kind = FL_TO_ALIAS, .as.alias = alias};
}

static inline fl_dest fl_to_name(const char *name)
{
	return (fl_dest){.kind = FL_TO_NAME, .as.name.text = fl_atom_of(name)};
}

static inline fl_dest fl_to_atom(fl_atom name)
{
	return (fl_dest){.kind = FL_TO_NAME, .as.name.text = name};
}

/* `{name, node}` */
static inline fl_dest fl_name_at(const char *name, const char *node)
{
	return (fl_dest){.kind = FL_TO_NAME,
		.as.name = {.text = fl_atom_of(name), .node = fl_atom_of(node)}};
}

static inline fl_dest fl_to_via(const char *registry, fl_spec key)
{
	return (fl_dest){.kind = FL_TO_VIA, .as.via = {registry, key}};
}

/*
 * {via, Registry, {Name, Key}}: who has a unique key of a registry here, wherever a name goes:
 *
 *     fl_call(self, fl_via("rooms", "{room, ~}", 7), 5000, &reply, "get")
 *
 * A key that nobody has is nobody, as a name. Borrows its values as fl_spec does.
 */
#define fl_via(registry, ...) fl_to_via((registry), fl_spec(__VA_ARGS__))

static inline fl_dest fl_to_dest(fl_dest dest)
{
	return dest;
}

/* Any of: fl_pid, fl_ref (an alias), a C string or fl_atom (a name), fl_dest. */
#define fl_to(x)                                                                                   \
	_Generic((x), fl_pid: fl_to_pid, fl_ref: fl_to_alias, char *: fl_to_name,                  \
		const char *: fl_to_name, fl_atom: fl_to_atom, fl_dest: fl_to_dest)(x)

/* ---- messages -------------------------------------------------------------------------------- */

int fl_send_spec(fl_proc *self, fl_dest to, fl_spec message);
int fl_cast_spec(fl_proc *self, fl_dest to, fl_spec message);
int fl_call_spec(
	fl_proc *self, fl_dest to, uint32_t timeout_ms, fl_term *ret_reply, fl_spec request);
int fl_request_spec(fl_proc *self, fl_dest to, fl_ref *ret_ref, fl_spec request);

/* To ! Message. */
#define fl_send(self, to, ...) fl_send_spec((self), fl_to(to), fl_spec(__VA_ARGS__))
/* gen_server:cast(To, Message). */
#define fl_cast(self, to, ...) fl_cast_spec((self), fl_to(to), fl_spec(__VA_ARGS__))
/*
 * gen_server:call(To, Request, Timeout). Waits; the node does not. FL_OK: *ret_reply is the answer.
 * FL_EEXIT: the callee ended before it answered, *ret_reply is the reason (also FL_ENOPROC and
 * FL_ENOCONN for those two reasons). FL_ETIMEOUT: a late answer is dropped. FL_ELIMIT: no thread
 * is left for the node while this one waits.
 */
#define fl_call(self, to, timeout_ms, ret_reply, ...)                                              \
	fl_call_spec((self), fl_to(to), (timeout_ms), (ret_reply), fl_spec(__VA_ARGS__))
/*
 * gen_server:send_request(To, Request): does not wait. The answer comes to `info` as {Ref, Reply},
 * or {'DOWN', Ref, process, Object, Reason} where there is none.
 */
#define fl_request(self, to, ret_ref, ...)                                                         \
	fl_request_spec((self), fl_to(to), (ret_ref), fl_spec(__VA_ARGS__))

/* ---- who I am -------------------------------------------------------------------------------- */

fl_pid fl_self(const fl_proc *self);
fl_node *fl_self_node(const fl_proc *self);
int fl_set_label_spec(fl_proc *self, fl_spec label);
/* proc_lib:set_label(Label): tools show it beside the pid. */
#define fl_set_label(self, ...) fl_set_label_spec((self), fl_spec(__VA_ARGS__))
/* A new reference, unique on this node incarnation. */
fl_ref fl_make_ref(fl_proc *self);
/* Monotonic milliseconds of the node's clock. */
uint64_t fl_now_ms(fl_proc *self);

/* ---- names ----------------------------------------------------------------------------------- */

/* FL_ETAKEN when somebody has the name or the process has one already. */
int fl_register(fl_proc *self, const char *name);
int fl_unregister(fl_proc *self, const char *name);
bool fl_whereis(fl_proc *self, const char *name, fl_pid *ret_pid);

/* ---- links, monitors, exits ------------------------------------------------------------------ */

int fl_link(fl_proc *self, fl_pid pid);
int fl_unlink(fl_proc *self, fl_pid pid);
/* erlang:monitor(process, To): `info` gets {'DOWN', Ref, process, Object, Reason} once. */
int fl_monitor_dest(fl_proc *self, fl_dest to, fl_ref *ret_ref);
#define fl_monitor(self, to, ret_ref) fl_monitor_dest((self), fl_to(to), (ret_ref))
/* As demonitor(Ref, [flush]): no 'DOWN' of it comes afterwards. */
int fl_demonitor(fl_proc *self, fl_ref ref);
/* With true, exit signals arrive at `info` as {'EXIT', Pid, Reason}. */
void fl_trap_exit(fl_proc *self, bool on);
int fl_exit_spec(fl_proc *self, fl_pid pid, fl_spec reason);
/* exit(Pid, Reason); `kill` cannot be trapped. */
#define fl_exit(self, pid, ...) fl_exit_spec((self), (pid), fl_spec(__VA_ARGS__))

/* An alias of the process: whoever has it may send to it until fl_unalias. */
fl_ref fl_alias(fl_proc *self);
int fl_unalias(fl_proc *self, fl_ref alias);

/* ---- timers ---------------------------------------------------------------------------------- */

int fl_send_after_spec(fl_proc *self, uint32_t ms, fl_dest to, fl_ref *ret_timer, fl_spec message);
/*
 * erlang:send_after(Ms, To, Message); `to` is a process or name of this node, or a name of the
 * cluster or of a registry, each looked up when the time has come. ret_timer may be NULL.
 */
#define fl_send_after(self, ms, to, ret_timer, ...)                                                \
	fl_send_after_spec((self), (ms), fl_to(to), (ret_timer), fl_spec(__VA_ARGS__))
/* FL_ENOENT when it has fired or never was. */
int fl_cancel_timer(fl_proc *self, fl_ref timer);

/* ---- starting others ------------------------------------------------------------------------- */

typedef struct fl_start_options {
	const char *name;        /* to register under before init runs; NULL: none */
	const char *global_name; /* the same in the whole cluster, in Erlang notation */
	fl_dest via;             /* what fl_via gives: the key to register, with the value `nil` */
	bool link;               /* link to the starter */
	bool monitor;            /* *ret_monitor is set */
	fl_ref *ret_monitor;
} fl_start_options;

/*
 * Starts a server and waits for its init. FL_OK: *ret_pid. FL_EEXIT: init ended with a reason
 * (FL_STOP), FL_ENOENT: it returned FL_IGNORE, FL_ETAKEN: the name. `options` may be NULL.
 */
int fl_start_spec(fl_proc *self, const fl_behaviour *behaviour, const fl_start_options *options,
	fl_pid *ret_pid, fl_spec args);
#define fl_start(self, behaviour, options, ret_pid, ...)                                           \
	fl_start_spec((self), (behaviour), (options), (ret_pid), fl_spec(__VA_ARGS__))

/*
 * Work that is known to be long: `work` runs on a thread of the pool, without `self`; then `done`
 * runs as a handler of the process, and may reply, send, or stop like any handler. `work` may look
 * at *cancelled now and then: it turns true when the process has ended. FL_ELIMIT when the node has
 * `limits.offloads` of them that wait or run.
 */
typedef void fl_work(void *arg, const _Atomic(bool) *cancelled);
typedef int fl_work_done(fl_proc *self, void *state, void *arg);
/* Runs when the process ended before `done` could; frees `arg`. May be NULL. */
typedef void fl_work_drop(void *arg);
typedef struct fl_task {
	fl_work *work;
	fl_work_done *done;
	fl_work_drop *drop;
} fl_task;
int fl_offload(fl_proc *self, const fl_task *task, void *arg);

#endif
