/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_OPTIONS_H
#define FLI_CLUSTER_OPTIONS_H

/*
 * A node's configuration: one value for each key, and where it came from.
 *
 *     flag > --set > environment > file > default      whatever the order in which they are read
 *
 * The layers below read it through the typed getters here; `key` is FLI_KEY_DIST_TICKTIME and so on
 * (option_keys.h), and a getter of another type than the key's is our own bug. fl_node_open acts
 * upon every key, node.load and node.join among them, so that an embedded node is like any other.
 *
 * Threads: one at a time; reading from any while nobody writes. Memory: what getters return lives
 * until the key is set again or the options are deleted. Errors: FL_ECONFIG with a text for people,
 * FL_ENOMEM. Limits: FLI_OPTIONS_ITEMS_MAX entries in a list, FLI_OPTIONS_PEERS_MAX peers,
 * FLI_OPTIONS_TEXT_MAX bytes a value.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster/option_keys.h"
#include "dist/node_name.h"
#include "dist/socket.h"
#include "flitch/node.h"
#include "node/base/mem.h"

#define FLI_OPTIONS_ITEMS_MAX 1024
#define FLI_OPTIONS_PEERS_MAX 4096
#define FLI_OPTIONS_TEXT_MAX 4096

/* Who speaks: the higher one wins. */
typedef enum fli_rank {
	FLI_RANK_DEFAULT,
	FLI_RANK_FILE,
	FLI_RANK_RELEASE, /* RELEASE_NODE and its like: the environment of a BEAM release */
	FLI_RANK_ENV,
	FLI_RANK_SET,
	FLI_RANK_FLAG
} fli_rank;

typedef struct fli_source {
	fli_rank rank;
	const char *origin; /* for people: "--port", "flitch.conf:7" */
} fli_source;

/* One group of the list `peers`. Absent texts are "". */
typedef struct fli_peer_config {
	char *name;    /* alive@host */
	char *address; /* host:port, to dial instead of asking epmd */
	char *cookie;  /* never printed */
	char *cookie_file;
	char *origin; /* file:line */
} fli_peer_config;

fl_options *fli_options_new_in(fli_mem *mem);
fli_mem *fli_options_mem(const fl_options *options);

/* ---- reading --------------------------------------------------------------------------------- */

const char *fli_options_text(
	const fl_options *options, fli_key key);                 /* TEXT, SECRET; "" is unset */
int64_t fli_options_int(const fl_options *options, fli_key key); /* INT, SIZE, TIME, WORD */
bool fli_options_bool(const fl_options *options, fli_key key);
size_t fli_options_count(const fl_options *options, fli_key key); /* LIST */
const char *fli_options_item(const fl_options *options, fli_key key, size_t index);
/* All items; NULL where there are none. */
const char *const *fli_options_items(const fl_options *options, fli_key key);
bool fli_options_is_set(
	const fl_options *options, fli_key key); /* by anybody, even to its default */
const char *fli_options_origin(
	const fl_options *options, fli_key key); /* "default", "flitch.conf:7" */

/* The application; NULL: none is configured. */
struct fli_children *fli_options_children(const fl_options *options);
size_t fli_options_peers_count(const fl_options *options);
const fli_peer_config *fli_options_peer(const fl_options *options, size_t index);
/* The entry of that node, or NULL. */
const fli_peer_config *fli_options_peer_of(const fl_options *options, const char *node);

/*
 * The node's own full name: node.name, completed with this machine's host and checked against
 * node.name_type. With `dist.listen = none` a bare host, for a node that asks its peer for a name.
 */
int fli_options_own_name(const fl_options *options, fli_node_name *ret_name, fl_error *err);
/* What does not fit together: ports, marks, an address off loopback without leave. */
int fli_options_check(const fl_options *options, fl_error *err);
/* What of it is about addresses. */
int fli_options_check_address(const fl_options *options, fl_error *err);
/* Which addresses names of hosts stand for. */
fli_family fli_options_family(const fl_options *options);
/* The node is one of a cluster of IPv6, as BEAM nodes with -proto_dist inet6_tcp. */
bool fli_options_is_v6(const fl_options *options);
/* Whether dist.listen is an address that only this machine reaches, or none. */
bool fli_options_is_loopback(const fl_options *options);
/* dist.listen as a literal address; NULL: none. */
const char *fli_options_listen_address(const fl_options *options);
bool fli_options_has_listener(const fl_options *options); /* dist.listen is not "none" */

/* ---- writing --------------------------------------------------------------------------------- */

/* Sets a key; a value that somebody of a higher rank gave stays, which is no error. */
int fli_options_put(
	fl_options *options, fli_key key, const char *value, fli_source source, fl_error *err);
/* Adds to a list that has this rank already, else begins it: a flag that is given repeatedly. */
int fli_options_append(
	fl_options *options, fli_key key, const char *item, fli_source source, fl_error *err);
/* Refuses a key that is in no row: names the nearest one. Returns FL_ECONFIG. */
int fli_options_unknown(const char *key, const char *origin, fl_error *err);
/* Reads what concerns flitch from an environment ("NAME=value"...), NULL at its end. */
int fli_options_environment(fl_options *options, char *const *environment, fl_error *err);

#endif
