/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_SERVER_H
#define FLITCH_SERVER_H

/*
 * A GenServer in C: one constant table of callbacks, and a zeroed state of `state_size` bytes that
 * keeps its address for the life of the process.
 *
 *     mailbox --> call | cast | info --> FL_OK, or FL_STOP after fl_stop(self, reason)
 *
 * A slot that is absent has OTP's default: `call` and `cast` end the server with {bad_call, R} and
 * {bad_cast, M}, `info` logs what came, the others do nothing.
 *
 * Threads: handlers of one process never overlap; successive ones may run on different threads.
 * What takes an fl_from and no `self` (fl_reply, fl_from_alive, fl_from_pid) may be called on any.
 * Memory: terms given to a handler live until it returns.
 * Errors: a handler returns FL_OK or FL_STOP; anything else is {api_misuse, _}. Leaving a call
 * handler with neither a reply nor fl_later is {api_misuse, {no_reply, _}}.
 */

#include "flitch/process.h"

enum {
	FL_STOP = 1,   /* end; the reason is fl_stop's, else `normal` */
	FL_IGNORE = 2, /* from init only: there is nothing to run */
};

/* A call that waits for its answer. Valid in its handler; after fl_later, until it is answered. */
typedef struct fl_from {
	fl_node *node;
	uint32_t slot;
	uint32_t generation;
} fl_from;

typedef enum fl_mailbox_policy {
	FL_MAILBOX_KILL,   /* the process ends with {mailbox_full, N}; the default, since it hides
			      nothing */
	FL_MAILBOX_REFUSE, /* calls are answered by a DOWN with `overload`, casts and infos are
			      dropped */
	FL_MAILBOX_DROP    /* the newest message is dropped */
} fl_mailbox_policy;

/* For .while_paused; partition.allow_call_during_partition and its like are for all servers. */
#define FL_ALLOW_CALL 1u
#define FL_ALLOW_CAST 2u

typedef enum fl_isolation {
	FL_IN_NODE,
} fl_isolation;

/* A group that a server joins at its start, in Erlang notation. */
typedef struct fl_group {
	const char *name;  /* "workers", "{room, 1}"; NULL ends the list */
	const char *scope; /* NULL: pg */
} fl_group;

struct fl_behaviour {
	const char
		*name; /* of the behaviour: tools show it as a module; --load registers under it */
	size_t state_size; /* bytes, zeroed before init */

	/*
	 * A server that a person starts with its node (--load, fl_main) says why it cannot in two
	 * parts, an FL_E*'s word and a text: fl_stop(self, "{config, ~}", "no directory is set")
	 * ends the program with that code's exit status, and FAILED with the text.
	 */
	int (*init)(fl_proc *self, void *state, fl_term args);
	int (*call)(fl_proc *self, void *state, fl_from from, fl_term request);
	int (*cast)(fl_proc *self, void *state, fl_term message);
	int (*info)(fl_proc *self, void *state, fl_term message);
	int (*continue_)(fl_proc *self, void *state, fl_term what); /* `continue` is C's word */
	int (*timeout)(fl_proc *self, void *state);
	/*
	 * Before an end that the server chose (FL_STOP, misuse) or sys asked for. As in OTP, an
	 * exit signal of the parent, such as the `shutdown` of a node that stops, comes here only
	 * if the process traps exits: it finishes its handler first, and has 5 s before it is
	 * killed. One that does not trap them ends at once without this call.
	 */
	void (*terminate)(fl_proc *self, void *state, fl_term reason);
	/*
	 * After the last handler of every process, however it ended: killed, refused by its own
	 * init, with its node. Frees what the state holds that is not the node's, as the destructor
	 * of a NIF's resource does; what was never set is zero. No fl_* call but fl_release and
	 * fl_blob_free. Work of fl_offload may still run: what it uses is its own or counted.
	 */
	void (*release)(void *state);
	/*
	 * sys:change_code on a suspended server: converts the state where it lies. After fl_stop
	 * the answer is {error, {error, Reason}}, the server lives, and the state must be as it
	 * was. Absent: the state fits as it is, and the answer is ok.
	 */
	int (*code_change)(fl_proc *self, void *state, fl_term old_vsn);
	/*
	 * sys:replace_state(Server, fun M:F/1) of an exported function: what it made of the term
	 * that format_status shows. After fl_stop the answer is {error, Reason}, the server lives,
	 * and the state must be as it was. Absent: the state cannot be replaced.
	 */
	int (*replace_state)(fl_proc *self, void *state, fl_term new_state);
	/* Appends one term that describes the state: what sys:get_state and crash reports show. */
	int (*format_status)(fl_proc *self, const void *state, fl_buf *ret_status);

	/* A visible node came or went (whether this one is hidden or not). */
	int (*node_up)(fl_proc *self, void *state, fl_atom node);
	int (*node_down)(fl_proc *self, void *state, fl_atom node, fl_term reason);
	/*
	 * A partition policy pauses the node: other nodes reach this server no more, it is in no
	 * group, and its global name is free. Then the way back: on_resume runs first, so that the
	 * state can be brought up to date, before the name and the groups are taken again.
	 */
	int (*on_pause)(fl_proc *self, void *state);
	int (*on_resume)(fl_proc *self, void *state);
	/*
	 * Two halves of the cluster that meet had this global name, and this process lost it, or
	 * (notify_all) both did. Without it, `info` gets {global_name_conflict, Name}, or
	 * {global_name_conflict, Name, Other}.
	 */
	int (*on_name_conflict)(fl_proc *self, void *state, fl_term name);
	/*
	 * heal.name_conflict = "notify": what the loser has is merged into what the winner has.
	 * After on_name_conflict the loser's `give` appends one term; whoever has the name gets it
	 * as {global_name_merge, Name, Loser, State}, which of a process in C runs `merge`, and
	 * then the loser's `info` gets {global_name_merged, Name, Winner}. It lives on, without the
	 * name. One that wants nothing of the other's leaves `merge` out, and `info` gets the
	 * message.
	 */
	int (*give)(fl_proc *self, const void *state, fl_buf *ret_state);
	int (*merge)(fl_proc *self, void *state, fl_term name, fl_pid loser, fl_term theirs);

	bool trap_exit;       /* from the start, as process_flag(trap_exit, true) in init */
	uint32_t mailbox_max; /* messages; 0: the node's limit */
	fl_mailbox_policy mailbox_policy; /* when it is reached */
	fl_isolation isolation; /* any other value than FL_IN_NODE is refused: FL_ENOTSUP */
	uint32_t vsn;           /* of the state; goes with it when a singleton moves */
	/*
	 * To register under in the whole cluster before init runs, in Erlang notation: "counter",
	 * "{room, 7}". NULL: none. See <flitch/global.h>.
	 */
	const char *global_name;
	/*
	 * Joined when init has returned, left at the end (see <flitch/pg.h>). A scope that does not
	 * run, or a name that is no term, ends the server with {groups, Reason}.
	 */
	const fl_group *groups;
	uint32_t
		while_paused; /* FL_ALLOW_*: of other nodes, while a partition policy pauses this */
	const struct fl_supervisor *supervisor; /* see <flitch/supervisor.h>; NULL: a server */
	const struct fl_statem *statem;         /* see <flitch/statem.h>; NULL: a server */
	const struct fl_registry *registry;     /* see <flitch/registry.h>; NULL: none */
	const struct fl_pool *pool;             /* see <flitch/pool.h>; NULL: none */
};

/* ---- who speaks ------------------------------------------------------------------------------ */

/*
 * The node whose connection brought the call, cast or message that the handler of `self` was given,
 * that of who asked for an exported function, and of who has one of erlang, gen_server or sys send
 * something here by rpc; whatever a message says of itself, and whichever
 * pids are in it, this is so. The node's own name for what was made here: messages of its own
 * processes, timeouts, `continue_`, and what signals become ('DOWN', 'EXIT', node_up), so that
 * nobody can make them up from afar.
 *
 *     if (!fl_atom_eq(pid.node, fl_sender_node(self))) return FL_OK;   // speaks for somebody else
 *
 * In a handler of `self` only. The atom lives as long as the node.
 */
fl_atom fl_sender_node(const fl_proc *self);

/* ---- answering ------------------------------------------------------------------------------- */

int fl_reply_spec(fl_from from, fl_spec reply);
/*
 * gen_server:reply(From, Reply). FL_EALREADY when it has been answered. Where the caller's node is
 * too old for what is in the answer, the call ends with notsup at the caller, and the log says so.
 */
#define fl_reply(from, ...) fl_reply_spec((from), fl_spec(__VA_ARGS__))
/* Keeps the call open after the handler returns; returns FL_OK. */
int fl_later(fl_proc *self, fl_from from);
/* False once the caller has given up, died or been lost: nobody waits for this work any more. */
bool fl_from_alive(fl_from from);
/* Who calls. */
bool fl_from_pid(fl_from from, fl_pid *ret_pid);

/* ---- what comes next ------------------------------------------------------------------------- */

int fl_stop_spec(fl_proc *self, fl_spec reason);
/* return fl_stop(self, "normal"); */
#define fl_stop(self, ...) fl_stop_spec((self), fl_spec(__VA_ARGS__))
/* return fl_unhandled(self, request): ends a call or cast as Elixir does, logs an info. */
int fl_unhandled(fl_proc *self, fl_term message);

int fl_next_continue_spec(fl_proc *self, fl_spec what);
/* `continue_` runs before any message. */
#define fl_next_continue(self, ...) fl_next_continue_spec((self), fl_spec(__VA_ARGS__))
/* `timeout` runs when no message has come for that long; asked for anew after each message. */
void fl_next_timeout(fl_proc *self, uint32_t ms);
void fl_next_hibernate(fl_proc *self);

/* ---- exported functions ---------------------------------------------------------------------- */

/*
 * A native function that rpc, erpc, spawn and the command line may call as Module:Function/Arity.
 * `args` is a list. It builds one term into `result` and returns FL_OK; or returns
 * what fl_raise below returns.
 */
typedef int fl_native(fl_proc *self, fl_term args, fl_buf *result);

typedef struct fl_export {
	const char *module;
	const char *function;
	uint32_t arity;
	fl_native *call;
} fl_export;

enum { FL_THROW = 3, FL_ERROR = 4, FL_EXIT = 5 };
int fl_raise_spec(fl_buf *result, int class, fl_spec term);
/* return fl_raise(result, FL_ERROR, "badarg"); */
#define fl_raise(result, class, ...) fl_raise_spec((result), (class), fl_spec(__VA_ARGS__))

/* ---- shared objects -------------------------------------------------------------------------- */

#define FL_ABI 1
typedef struct fl_module {
	uint32_t abi;
	uint32_t behaviour_size;
	const fl_behaviour *const *behaviours; /* ends in NULL */
} fl_module;

/* One line in a file for --load: FL_MODULE(&counter, &other); */
#define FL_MODULE(...)                                                                             \
	static const fl_behaviour *const fli_behaviours[] = {__VA_ARGS__, NULL};                   \
	__attribute__((visibility("default"))) extern const fl_module fl_module_v1;                \
	const fl_module fl_module_v1 = {FL_ABI, sizeof(fl_behaviour), fli_behaviours}

typedef struct fl_module_exports {
	uint32_t abi;
	uint32_t export_size;
	const fl_export *exports; /* ends in one without a module */
} fl_module_exports;

/*
 * Functions of such a file, with or without behaviours: FL_EXPORTS({"calc", "sum", 1, sum}, ...);
 * They are there before its first server starts. Servers add others by fl_node_export in `init`.
 */
#define FL_EXPORTS(...)                                                                            \
	static const fl_export fli_exported[] = {__VA_ARGS__, {NULL, NULL, 0, NULL}};              \
	__attribute__((visibility("default"))) extern const fl_module_exports fl_exports_v1;       \
	const fl_module_exports fl_exports_v1 = {FL_ABI, sizeof(fl_export), fli_exported}

#endif
