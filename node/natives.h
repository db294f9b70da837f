/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_NATIVES_H
#define FLI_NATIVES_H

/*
 * The native functions that a node answers by itself, under OTP's names and with OTP's shapes, and
 * what their files share. One file a family:
 *
 *     natives_process.c   erlang: processes, names, exits, sends
 *     natives_system.c    erlang: the node's figures
 *     natives_tools.c     code, application, init, proc_lib, Elixir's Node and Process
 *     gen_calls.c         gen_server, sys, Elixir's GenServer
 *     natives_ets.c       ets, persistent_term; natives_ets_table.c: tables as a whole
 *     natives_sup.c       supervisor, Elixir's Supervisor, DynamicSupervisor, PartitionSupervisor
 *     natives_registry.c  Elixir's Registry
 *     events_api.c        telemetry, telemetry_test
 *     docs.c              flitch:describe/0
 *
 * Threads, memory, errors: as fl_native (server.h).
 */

#include "node/export.h"

int fli_natives_process(fl_node *node);
int fli_natives_system(fl_node *node);
int fli_natives_tools(fl_node *node);
int fli_gen_calls(fl_node *node);
int fli_natives_sup(fl_node *node);
int fli_natives_ets(fl_node *node);
int fli_natives_ets_table(fl_node *node);
int fli_natives_registry(fl_node *node);
int fli_natives_events(fl_node *node);

/*
 * gen_server:call(Server, Request, infinity); `args` is what the exit of a failed one mentions.
 * FL_OK: its answer is in `result`.
 */
int fli_ask_supervisor(
	fl_proc *self, fl_term args, fl_term server, fl_spec request, fl_buf *result);

/* A number of exports, and the array itself, for fli_exports_add_own. */
#define FLI_EXPORT_COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline int fli_badarg(fl_buf *result)
{
	return fl_raise(result, FL_ERROR, "badarg");
}

/* A pid, a registered name, {Name, Node}, or an alias; no node has the empty name. */
bool fli_dest_of(fl_term term, fl_dest *ret_dest);

/* Bytes that a process holds: its block, its state, what waits in its mailbox. Context's owner. */
size_t fli_proc_bytes(const fl_proc *proc);

/* ---- process_info.c -------------------------------------------------------------------------- */

/*
 * process_info/1: the items that OTP shows by default. process_info/2: `items` is an atom,
 * {dictionary, Key}, or a list of them. False when an item is unknown. Context's owner.
 */
int fli_process_info(const fl_proc *proc, fl_buf *result);
/* The process dictionary as process_info and sys:get_status show it. */
void fli_dictionary_write(const fl_proc *proc, fl_buf *buf);
bool fli_process_info_items(const fl_proc *proc, fl_term items, fl_buf *result);
/* What proc_lib's crash report tells of a process. Context's owner. */
void fli_crash_info_write(fl_buf *buf, const fl_proc *proc, fl_term reason);

/* ---- figures.c ------------------------------------------------------------------------------- */

/* Bytes of the operating system's process, from /proc/self/statm; false where there is none. */
typedef struct fli_memory {
	uint64_t resident;
	uint64_t code;
	uint64_t data;
} fli_memory;

bool fli_memory_read(fli_memory *ret_memory);

#endif
