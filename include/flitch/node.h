/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_NODE_H
#define FLITCH_NODE_H

/*
 * A node: one member of an Erlang cluster. Several may live in one OS process.
 *
 *     fl_node_open --> (start servers, fl_node_connect) --> fl_node_run --> fl_node_close
 *
 *     fl_options *o = fl_options_new();
 *     if (fl_options_environment(o, &err) != FL_OK ||
 *             fl_options_set(o, "node.name", "calc@127.0.0.1", "main", &err) != FL_OK ||
 *             fl_node_open(o, &node, &err) != FL_OK)
 *             ...                                     err.what, err.why, err.next
 *     fl_node_start(node, &counter, &err);
 *     code = fl_node_run(node);
 *     fl_node_close(node);
 *     fl_options_delete(o);
 *
 * Threads: open, run and close from one thread; the others from any thread.
 * Memory: options are copied. Errors: FL_E* and an fl_error for people.
 */

#include "flitch/docs.h"
#include "flitch/server.h"

typedef struct fl_options fl_options;

/* Starts from the defaults; NULL when out of memory. */
fl_options *fl_options_new(void);
void fl_options_delete(fl_options *options);
/*
 * Sets a dotted key ("node.name", "dist.listen", "log.level") from text, as --set does. `origin`
 * says where the value came from, for messages ("--set", "flitch.conf:7").
 */
int fl_options_set(
	fl_options *options, const char *key, const char *value, const char *origin, fl_error *err);
/* Reads a libconfig file. */
int fl_options_load(fl_options *options, const char *path, fl_error *err);
/*
 * Takes what this process's environment says: FLITCH_DIST_PORT and its like, FLITCH_COOKIE,
 * ERL_EPMD_PORT, ERL_EPMD_ADDRESS, RELEASE_NODE, RELEASE_COOKIE, RELEASE_DISTRIBUTION. Without this
 * call they mean nothing to an embedded node. What fl_options_set sets wins over it, in any order.
 */
int fl_options_environment(fl_options *options, fl_error *err);
/* The value of a key as text, or NULL. */
const char *fl_options_get(const fl_options *options, const char *key);

/* Opens the node: listens, registers its name. */
int fl_node_open(const fl_options *options, fl_node **ret_node, fl_error *err);
/* Starts a supervised server under the node's supervisor, registered as behaviour->name. */
int fl_node_start(fl_node *node, const fl_behaviour *behaviour, fl_error *err);
/* Loads a shared object and starts each of its behaviours once. */
int fl_node_load(fl_node *node, const char *path, fl_error *err);
/* Adds functions to the table that remote nodes may call; the array must outlive the node. */
int fl_node_export(fl_node *node, const fl_export *exports, size_t count);
/* What servers and functions say about themselves; the array, which ends in one without `of`, must
   outlive the node. FL_ENOMEM. */
int fl_node_document(fl_node *node, const fl_doc *docs);
/* Serves until fl_node_stop; returns an exit code in sysexits' terms. */
int fl_node_run(fl_node *node);
/*
 * Serves what is there and returns, for a host's own loop; FL_ECLOSED once the node has left. After
 * fl_node_stop that takes as many calls as its servers need to end.
 */
int fl_node_poll(fl_node *node, uint32_t timeout_ms);
/*
 * Ends fl_node_run: the supervised servers end, the last started first, each within 5 s, while the
 * node goes on; then it leaves the cluster in one stroke. Any thread.
 */
void fl_node_stop(fl_node *node);
/* Frees the node. Stops it first, and serves until then, if nobody has: not from a handler. */
void fl_node_close(fl_node *node);

fl_atom fl_node_name(const fl_node *node);
uint16_t fl_node_port(const fl_node *node);
/* Asks for a connection and keeps it up; does not wait. */
int fl_node_connect(fl_node *node, const char *peer);

/* Owns the process: parses argv as `flitch run` does, serves the behaviour, returns the exit code.
 */
int fl_main(const fl_behaviour *behaviour, int argc, char **argv);

/* More than one behaviour, functions for rpc, what both say about themselves; each may be NULL. */
typedef struct fl_program {
	const fl_behaviour *const *behaviours; /* ends in NULL */
	const fl_export *exports;              /* as for fl_node_export */
	size_t exports_count;
	const fl_doc *docs; /* ends in one without `of`; see <flitch/docs.h> */
} fl_program;

/* The same for a program; the functions are there before the first server starts. */
int fl_main_program(const fl_program *program, int argc, char **argv);

#endif
