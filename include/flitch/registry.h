/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_REGISTRY_H
#define FLITCH_REGISTRY_H

/*
 * Names that are any term, and a local publish and subscribe: Elixir's Registry, in C.
 *
 *     static const fl_behaviour rooms = {.name = "rooms", .registry = &(const fl_registry){
 *             .keys = FL_UNIQUE}};
 *     FL_MODULE(&rooms, ...);                      or a child of a supervisor, or fl_start
 *
 *     fl_registry_register(self, "rooms", NULL, "{{room, ~}, open}", 7);       {Key, Value}
 *     fl_cast(self, fl_via("rooms", "{room, ~}", 7), "hello");
 *
 *     key --> entry, entry, ..        one for FL_UNIQUE, in the order of their registration
 *               |
 *     process --> its entries         which go when it ends, before anybody is told of that end
 *
 * The registry is a process, registered by its own name, which its functions take. It knows keys by
 * their value (`=:=`), and no atom is made for one. When it ends, the processes that are registered
 * end with it, as those linked to it, unless they trap exits. Other nodes ask by Elixir's own
 * functions: rpc:call(Node, 'Elixir.Registry', lookup, [rooms, {room, 7}]).
 *
 * Departures from Elixir: the entries of a dead process are gone at once, so that none is ever
 * shown. Partitions divide the entries as there (a callback of fl_registry_dispatch runs once for
 * each that has some), and are no processes of their own.
 *
 * Source: hexdocs.pm/elixir/Registry.html.
 *
 * Threads: a handler of `self`. None of these functions waits.
 * Memory: terms are copied; lists are appended to the caller's buffer.
 * Errors: FL_ENOPROC where no such registry runs here, FL_ENOMEM, FL_EMISUSE for a bad pattern.
 * Limits: a key or a value has at most 16 MiB, a registry 1,024 metadata of 64 KiB each, and
 * 1,024 partitions.
 */

#include "flitch/process.h"

typedef enum fl_registry_keys {
	FL_UNIQUE,          /* a key has one process; names for fl_via */
	FL_DUPLICATE,       /* a key has any number of entries; partitions by process */
	FL_DUPLICATE_BY_KEY /* the same; partitions by key: all of one key are in one */
} fl_registry_keys;

typedef struct fl_registry {
	fl_registry_keys keys;
	uint32_t partitions; /* 0: one */
	/*
	 * Names of processes here that are told {register, Registry, Key, Pid, Value} and
	 * {unregister, Registry, Key, Pid}, the latter not for a process that ends: as in Elixir,
	 * who wants to know of that monitors it. NULL ends the list; may be NULL.
	 */
	const char *const *listeners;
	const char *meta; /* a list of {Key, Value}, in Erlang notation; NULL: [] */
} fl_registry;

/* ---- of the process itself --------------------------------------------------------------------
 */

int fl_registry_register_spec(
	fl_proc *self, const char *registry, fl_pid *ret_owner, fl_spec key_and_value);
/*
 * Registers this process; the pattern is {Key, Value}. FL_ETAKEN: a unique key has a process, which
 * may be this one, and is *ret_owner (may be NULL).
 */
#define fl_registry_register(self, registry, ret_owner, ...)                                       \
	fl_registry_register_spec((self), (registry), (ret_owner), fl_spec(__VA_ARGS__))
int fl_registry_unregister_spec(fl_proc *self, const char *registry, fl_spec key);
/* All entries of this process under the key; that there are none is no error. */
#define fl_registry_unregister(self, registry, ...)                                                \
	fl_registry_unregister_spec((self), (registry), fl_spec(__VA_ARGS__))
int fl_registry_unregister_match_spec(fl_proc *self, const char *registry, fl_spec what);
/* Those whose value fits, see fl_registry_match. */
#define fl_registry_unregister_match(self, registry, ...)                                          \
	fl_registry_unregister_match_spec((self), (registry), fl_spec(__VA_ARGS__))

/* Appends the new value of `old`; FL_OK, or anything else to leave it as it is. */
typedef int fl_registry_update(void *arg, fl_term old, fl_buf *ret_new);
int fl_registry_update_value_spec(
	fl_proc *self, const char *registry, fl_registry_update *update, void *arg, fl_spec key);
/*
 * FL_ENOENT: this process has not registered the key. FL_ENOTSUP: not for duplicate keys. Else
 * what `update` returned. `update` runs inside this call and calls nothing of this file.
 */
#define fl_registry_update_value(self, registry, update, arg, ...)                                 \
	fl_registry_update_value_spec((self), (registry), (update), (arg), fl_spec(__VA_ARGS__))

/* ---- looking ----------------------------------------------------------------------------------
 */

int fl_registry_lookup_spec(fl_proc *self, const char *registry, fl_buf *ret_list, fl_spec key);
/* Appends [{Pid, Value}]. */
#define fl_registry_lookup(self, registry, ret_list, ...)                                          \
	fl_registry_lookup_spec((self), (registry), (ret_list), fl_spec(__VA_ARGS__))
int fl_registry_match_spec(fl_proc *self, const char *registry, fl_buf *ret_list, fl_spec what);
/*
 * Appends the [{Pid, Value}] whose value fits: the pattern is {Key, Pattern} or {Key, Pattern,
 * Guards}, where Pattern is a pattern of ets and Guards are those of a match specification:
 *
 *     fl_registry_match(self, "rooms", &list, "{lobby, {'$1', '_'}, [{'>', '$1', ~}]}", 18)
 *
 * FL_EINVAL: they are none.
 */
#define fl_registry_match(self, registry, ret_list, ...)                                           \
	fl_registry_match_spec((self), (registry), (ret_list), fl_spec(__VA_ARGS__))
int fl_registry_count_match_spec(
	fl_proc *self, const char *registry, size_t *ret_count, fl_spec what);
#define fl_registry_count_match(self, registry, ret_count, ...)                                    \
	fl_registry_count_match_spec((self), (registry), (ret_count), fl_spec(__VA_ARGS__))
int fl_registry_select_spec(fl_proc *self, const char *registry, fl_buf *ret_list, fl_spec spec);
/*
 * Appends a list of what a match specification of ets gives for {Key, Pid, Value} of each entry, as
 * Registry.select does:
 *
 *     fl_registry_select(self, "rooms", &list, "[{{'$1', '_', {'_', '$2'}}, [{'>', '$2', ~}], "
 *             "['$1']}]", 18)
 *
 * FL_EFORMAT: a clause has another form; FL_EINVAL: it is no match specification; FL_ELIMIT: it
 * takes 2^26 steps (see table.h), during which nothing else runs, or the list has over 64 MiB.
 */
#define fl_registry_select(self, registry, ret_list, ...)                                          \
	fl_registry_select_spec((self), (registry), (ret_list), fl_spec(__VA_ARGS__))
int fl_registry_count_select_spec(
	fl_proc *self, const char *registry, size_t *ret_count, fl_spec spec);
/* The entries for which the body is `true`. */
#define fl_registry_count_select(self, registry, ret_count, ...)                                   \
	fl_registry_count_select_spec((self), (registry), (ret_count), fl_spec(__VA_ARGS__))
int fl_registry_values_spec(
	fl_proc *self, const char *registry, fl_pid pid, fl_buf *ret_list, fl_spec key);
/* Appends the values that this process has under the key. */
#define fl_registry_values(self, registry, pid, ret_list, ...)                                     \
	fl_registry_values_spec((self), (registry), (pid), (ret_list), fl_spec(__VA_ARGS__))
/* Appends the keys of a process, one as often as it has been registered. */
int fl_registry_keys_of(fl_proc *self, const char *registry, fl_pid pid, fl_buf *ret_list);
/* All entries. */
int fl_registry_count(fl_proc *self, const char *registry, size_t *ret_count);
int fl_registry_whereis_spec(fl_proc *self, const char *registry, fl_pid *ret_pid, fl_spec key);
/* Who has a unique key. FL_ENOENT: nobody. FL_ENOTSUP: not for duplicate keys. */
#define fl_registry_whereis(self, registry, ret_pid, ...)                                          \
	fl_registry_whereis_spec((self), (registry), (ret_pid), fl_spec(__VA_ARGS__))

/* ---- publish and subscribe --------------------------------------------------------------------
 */

/* `entries` is [{Pid, Value}], not empty, and lives until this returns. */
typedef void fl_registry_each(fl_proc *self, void *arg, fl_term entries);
int fl_registry_dispatch_spec(
	fl_proc *self, const char *registry, fl_registry_each *each, void *arg, fl_spec key);
/* Calls `each` once for each partition that has entries of the key. It may do what a handler may.
 */
#define fl_registry_dispatch(self, registry, each, arg, ...)                                       \
	fl_registry_dispatch_spec((self), (registry), (each), (arg), fl_spec(__VA_ARGS__))
int fl_registry_publish_spec(fl_proc *self, const char *registry, fl_spec key_and_message);
/* The everyday dispatch: the pattern is {Key, Message}, each entry's process is sent Message. */
#define fl_registry_publish(self, registry, ...)                                                   \
	fl_registry_publish_spec((self), (registry), fl_spec(__VA_ARGS__))

/* ---- metadata ---------------------------------------------------------------------------------
 */

int fl_registry_meta_spec(fl_proc *self, const char *registry, fl_buf *ret_value, fl_spec key);
/* Appends the value; FL_ENOENT: there is none. Keys are atoms and tuples. */
#define fl_registry_meta(self, registry, ret_value, ...)                                           \
	fl_registry_meta_spec((self), (registry), (ret_value), fl_spec(__VA_ARGS__))
int fl_registry_put_meta_spec(fl_proc *self, const char *registry, fl_spec key_and_value);
/* The pattern is {Key, Value}. FL_EINVAL: a key that is neither. */
#define fl_registry_put_meta(self, registry, ...)                                                  \
	fl_registry_put_meta_spec((self), (registry), fl_spec(__VA_ARGS__))
int fl_registry_delete_meta_spec(fl_proc *self, const char *registry, fl_spec key);
#define fl_registry_delete_meta(self, registry, ...)                                               \
	fl_registry_delete_meta_spec((self), (registry), fl_spec(__VA_ARGS__))

#endif
