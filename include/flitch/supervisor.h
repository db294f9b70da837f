/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_SUPERVISOR_H
#define FLITCH_SUPERVISOR_H

/*
 * Supervisors: processes that start others, in order, and start them again when they end. OTP's
 * supervisor, Elixir's DynamicSupervisor and PartitionSupervisor, with their rules and answers.
 *
 *     static const fl_behaviour shop = {.name = "shop", .supervisor = &(const fl_supervisor){
 *             .strategy = FL_REST_FOR_ONE,
 *             .children = (const fl_child[]){
 *                     {.behaviour = &stock},
 *                     {.behaviour = &orders, .restart = FL_TRANSIENT},
 *                     {0}},
 *     }};
 *     FL_MODULE(&shop);                            or a child of another one, or fl_start
 *
 *     shop --- stock      first started, last ended
 *       `----- orders     ends and starts again when stock ends
 *
 * A behaviour with `supervisor` is one: of its other slots only `init`, `name`, `global_name` and
 * `groups` count. Other nodes ask it by OTP's own functions: supervisor:which_children({shop,
 * Node}), Supervisor.count_children, DynamicSupervisor.start_child and the rest. What they start is
 * named by a behaviour that this node knows, {stock, start_link, [Arg]}: it has been loaded,
 * started or been a child. gen_server:start_link({local, Name}, stock, Arg, []) as a start
 * registers it as well.
 *
 * Threads: functions with `self` as <flitch/process.h> says; those that ask a supervisor wait for
 * its answer as fl_call does, so none of its children may ask it from its init.
 * Memory: tables of children are constant and outlive the node; terms are copied.
 * Errors: FL_E* as fl_call, and what is said below. Limits: memory, and `max_children`.
 */

#include "flitch/server.h"

typedef enum fl_restart {
	FL_PERMANENT, /* started again whenever it ends */
	FL_TRANSIENT, /* unless with normal, shutdown or {shutdown, _} */
	FL_TEMPORARY  /* never, and forgotten when it ends */
} fl_restart;

#define FL_BRUTAL_KILL (UINT32_MAX - 1)

typedef struct fl_child {
	const fl_behaviour *behaviour; /* NULL ends a table */
	const char *id;                /* in Erlang notation; NULL: the behaviour's name */
	const char *args;              /* what its init gets, in Erlang notation; NULL: [] */
	/* To register: an atom's text, or in Erlang notation {global, Name} or
	 * {via, 'Elixir.Registry', {Registry, Key}}. NULL: none. */
	const char *name;
	fl_restart restart;
	/* To end by itself, before it is killed; FL_INFINITY; FL_BRUTAL_KILL: none. 0: OTP's
	 * defaults, 5 s for a worker and no limit for a supervisor. */
	uint32_t shutdown_ms;
	bool significant; /* see fl_auto_shutdown; not for FL_PERMANENT */
} fl_child;

typedef enum fl_strategy {
	FL_ONE_FOR_ONE,
	FL_ONE_FOR_ALL,
	FL_REST_FOR_ONE,
	FL_DYNAMIC,           /* DynamicSupervisor: children come by fl_start_child, known by pid */
	FL_SIMPLE_ONE_FOR_ONE /* OTP's: likewise, all after the one child in `children` */
} fl_strategy;

/* A significant child that ended by itself, and is not started again, ends its supervisor. */
typedef enum fl_auto_shutdown { FL_NEVER, FL_ANY_SIGNIFICANT, FL_ALL_SIGNIFICANT } fl_auto_shutdown;

/* Intensity: a single restart is one too many. */
#define FL_NO_RESTARTS UINT32_MAX

typedef struct fl_supervisor {
	fl_strategy strategy;
	const fl_child *children; /* in the order of start; may be NULL */
	/*
	 * More than `intensity` restarts within `period_s` seconds end the supervisor with
	 * `shutdown`. 0: the defaults, 1 in 5 s as in OTP; 3 in 5 s for FL_DYNAMIC and with
	 * partitions, as in Elixir.
	 */
	uint32_t intensity, period_s;
	fl_auto_shutdown auto_shutdown;
	uint32_t max_children; /* FL_DYNAMIC; 0: no limit */
	bool tasks;            /* FL_DYNAMIC: a Task.Supervisor, see <flitch/task.h> */
	const char
		*extra_arguments; /* FL_DYNAMIC: a list, put before the arguments of each start */
	/*
	 * PartitionSupervisor: that many of the one child in `children`, with the ids 0, 1, ...;
	 * see fl_partition. With `partition_args` the init of each gets {Id, Args}.
	 */
	uint32_t partitions;
	bool partition_args;
	const fl_behaviour *const
		*offers; /* that others may start, too; NULL ends it; may be NULL */
} fl_supervisor;

/*
 * In the `init` of a supervisor, which runs before its children start: one more of them, after
 * those of the table; the arguments are in place of child->args. FL_EINVAL: it is no child that the
 * supervisor may have, FL_EALREADY: the id is there.
 */
int fl_add_child_spec(fl_proc *self, const fl_child *child, fl_spec args);
#define fl_add_child(self, child, ...) fl_add_child_spec((self), (child), fl_spec(__VA_ARGS__))

/*
 * supervisor:start_child, DynamicSupervisor.start_child: starts one more child, with these
 * arguments; ret_pid may be NULL. `supervisor` is whatever fl_call takes, on this node. FL_ENOENT:
 * its init asked to be ignored. FL_EALREADY: there is a child of that id. FL_ELIMIT: max_children.
 * FL_EEXIT: it did not start; the log says why.
 */
int fl_start_child_spec(
	fl_proc *self, fl_dest supervisor, const fl_child *child, fl_pid *ret_pid, fl_spec args);
#define fl_start_child(self, supervisor, child, ret_pid, ...)                                      \
	fl_start_child_spec((self), fl_to(supervisor), (child), (ret_pid), fl_spec(__VA_ARGS__))

/*
 * By id; of FL_DYNAMIC by pid. FL_ENOENT: there is no such child. What ended so is not started
 * again by itself, its place is kept (unless it is temporary) for fl_restart_child or
 * fl_delete_child: FL_EALREADY when it runs, FL_EBUSY when it is about to be started again.
 */
int fl_ask_child_spec(fl_proc *self, fl_dest supervisor, const char *what, fl_spec id);
#define fl_terminate_child(self, supervisor, ...)                                                  \
	fl_ask_child_spec((self), fl_to(supervisor), "terminate_child", fl_spec(__VA_ARGS__))
#define fl_restart_child(self, supervisor, ...)                                                    \
	fl_ask_child_spec((self), fl_to(supervisor), "restart_child", fl_spec(__VA_ARGS__))
#define fl_delete_child(self, supervisor, ...)                                                     \
	fl_ask_child_spec((self), fl_to(supervisor), "delete_child", fl_spec(__VA_ARGS__))

typedef struct fl_children_count {
	uint32_t specs, active, supervisors, workers;
} fl_children_count;

int fl_count_children_dest(fl_proc *self, fl_dest supervisor, fl_children_count *ret_count);
#define fl_count_children(self, supervisor, ret_count)                                             \
	fl_count_children_dest((self), fl_to(supervisor), (ret_count))

/*
 * The child that a key belongs to, of the supervisor with partitions that is registered by that
 * name here: an integer by its absolute value, another term by its phash2, each modulo the number
 * of partitions, as {:via, PartitionSupervisor, {name, key}} does. Does not wait. FL_ENOPROC: no
 * such supervisor, or that child does not run at the moment.
 */
int fl_partition(fl_proc *self, const char *supervisor, fl_term key, fl_pid *ret_pid);

#endif
