/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_GLOBAL_H
#define FLITCH_GLOBAL_H

/*
 * Names and locks of the whole cluster: OTP's `global`, from C.
 *
 *     fl_global_register(self, fl_self(self), NULL, "{room, ~}", 7)     yes on every node, or no
 *     fl_call(self, fl_global("counter"), 5000, &reply, "get")          wherever it is
 *     GenServer.call({:global, :counter}, :get)                         the same from Elixir
 *
 * A name is any term, given as a pattern with its values; fl_global() as a destination takes a C
 * string or fl_atom (an atom) or an fl_term. A behaviour's `.global_name` registers it before its
 * init runs, as `name: {:global, _}` does.
 *
 * Changing a name takes a lock on all nodes, so it waits for them; looking one up does not leave
 * this node. A name goes when its process does. Where two halves of a cluster meet that both have a
 * name, the node with the smaller name of the two that meet has it resolved: see below.
 *
 * Threads: a handler of `self`. Memory: terms are copied. Errors: FL_E*. Blocking: what waits says
 * so; the node goes on meanwhile.
 */

#include "flitch/server.h"

/* ---- as a destination ------------------------------------------------------------------------ */

static inline fl_dest fl_global_atom(fl_atom name)
{
	return (fl_dest){.kind = FL_TO_GLOBAL, .as.global.atom = name};
}

static inline fl_dest fl_global_text(const char *name)
{
	return fl_global_atom(fl_atom_of(name));
}

static inline fl_dest fl_global_term(fl_term name)
{
	return (fl_dest){.kind = FL_TO_GLOBAL, .as.global.term = name};
}

/* {global, Name}: for fl_send, fl_cast, fl_call, fl_request, fl_monitor. A name that nobody has is
 * nobody, as a local one. */
#define fl_global(name)                                                                            \
	_Generic((name), char *: fl_global_text, const char *: fl_global_text,                     \
		fl_atom: fl_global_atom, fl_term: fl_global_term)(name)

/* ---- names ----------------------------------------------------------------------------------- */

/*
 * What becomes of a name that two processes have when two halves of the cluster meet.
 *
 * The first three are OTP's; "random" is its word, in truth the process on the node with the
 * smaller name stays. A function of one's own is "module:function": it is called on the node of
 * the process that this side has, as Module:Function(Name, Theirs, Ours), and answers which of the
 * two stays, or `none`; every C node that registers so exports it with fl_node_export.
 */
#define FL_GLOBAL_RANDOM_EXIT NULL /* the other one is killed: the default */
#define FL_GLOBAL_RANDOM_NOTIFY "global:random_notify_name" /* is told: on_name_conflict */
#define FL_GLOBAL_NOTIFY_ALL "global:notify_all_name"       /* both are told, the name is free */

int fl_global_register_spec(fl_proc *self, fl_pid pid, const char *resolve, fl_spec name);
/* FL_OK; FL_ETAKEN: somebody has the name, or the process has another one; FL_EBUSY: this node
 * pauses by its partition policy. Waits. */
#define fl_global_register(self, pid, resolve, ...)                                                \
	fl_global_register_spec((self), (pid), (resolve), fl_spec(__VA_ARGS__))
int fl_global_re_register_spec(fl_proc *self, fl_pid pid, const char *resolve, fl_spec name);
/* Takes the name from whoever has it. Waits. */
#define fl_global_re_register(self, pid, resolve, ...)                                             \
	fl_global_re_register_spec((self), (pid), (resolve), fl_spec(__VA_ARGS__))
int fl_global_unregister_spec(fl_proc *self, fl_spec name);
/* Waits. A name that nobody has is no error. */
#define fl_global_unregister(self, ...) fl_global_unregister_spec((self), fl_spec(__VA_ARGS__))

int fl_global_register_request_spec(fl_proc *self, fl_pid pid, fl_ref *ret_ref, fl_spec name);
/* Does not wait: `info` gets {Ref, yes} or {Ref, no}. */
#define fl_global_register_request(self, pid, ret_ref, ...)                                        \
	fl_global_register_request_spec((self), (pid), (ret_ref), fl_spec(__VA_ARGS__))

bool fl_global_whereis_spec(fl_proc *self, fl_pid *ret_pid, fl_spec name);
#define fl_global_whereis(self, ret_pid, ...)                                                      \
	fl_global_whereis_spec((self), (ret_pid), fl_spec(__VA_ARGS__))
/* Appends the list of all names. */
int fl_global_registered_names(fl_proc *self, fl_buf *ret_names);

/* ---- locks ----------------------------------------------------------------------------------- */

/*
 * A lock is {Resource, Requester}. Its holder is the process that asks, under the requester's name:
 * all that ask with the same one share it. It is held on this node and all visible ones, and freed
 * when the last of its holders gives it back or ends.
 */
int fl_global_set_lock_spec(fl_proc *self, uint32_t retries, fl_spec id);
/*
 * FL_OK; FL_EBUSY after so many retries (FL_INFINITY: never), with a random pause between them that
 * grows to 8 s. Waits.
 *
 *     fl_global_set_lock(self, 3, "{migration, ~}", fl_self(self))
 */
#define fl_global_set_lock(self, retries, ...)                                                     \
	fl_global_set_lock_spec((self), (retries), fl_spec(__VA_ARGS__))
int fl_global_del_lock_spec(fl_proc *self, fl_spec id);
#define fl_global_del_lock(self, ...) fl_global_del_lock_spec((self), fl_spec(__VA_ARGS__))

typedef int fl_global_work(fl_proc *self, void *arg);
int fl_global_trans_spec(
	fl_proc *self, uint32_t retries, fl_global_work *work, void *arg, fl_spec id);
/* Runs `work` while the lock is held; its result, or FL_EBUSY. Waits. */
#define fl_global_trans(self, retries, work, arg, ...)                                             \
	fl_global_trans_spec((self), (retries), (work), (arg), fl_spec(__VA_ARGS__))

/* ---- membership ------------------------------------------------------------------------------ */

/* Waits until this node's names are in sync with those of all visible nodes: global:sync/0. */
int fl_global_sync(fl_proc *self, uint32_t timeout_ms);
/*
 * Leaves all visible nodes in one stroke: global:disconnect/0. Appends the list of them; NULL: of
 * no interest. Who leaves one after the other has others expelled for it. Whoever is sent something
 * afterwards, by either side, is connected again; nodes of --join are, too.
 */
int fl_global_disconnect(fl_proc *self, fl_buf *ret_nodes);

#endif
