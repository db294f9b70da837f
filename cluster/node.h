/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_NODE_H
#define FLI_CLUSTER_NODE_H

/*
 * A whole node: process world, loop, threads, distribution, services, modules. The public face is
 * <flitch/node.h>; this is what the programs around it ask beyond that.
 *
 * Threads: as <flitch/node.h> says. Memory: owned by fl_node.owner. Errors: FL_E* with a text.
 */

#include "cluster/children.h"
#include "cluster/cookie.h"
#include "cluster/core.h"
#include "cluster/logger.h"
#include "dist/tls.h"
#include "node/loop.h"

typedef struct fli_modules fli_modules;
typedef struct fli_application fli_application;

/* Owner: the context of the node. */
typedef struct fli_member {
	fli_core core; /* first: fl_node.owner */
	fli_loop *loop;
	fli_net *net;
	fli_tls *tls;                 /* NULL: connections are plain */
	fli_net *links;               /* those of TLS; NULL: the same */
	fli_modules *modules;         /* the last loaded first */
	fli_children *children;       /* of the configuration; NULL: none */
	fli_application *application; /* supervisors that it makes */
	fli_logger logger;
	fli_mem *mem;
} fli_member;

static inline fli_member *fli_member_of(const fl_node *node)
{
	return fli_container_of(fli_core_of(node), fli_member, core);
}

/*
 * Connects to `peer` and waits for it, before fl_node_run: for a node that is named by its first
 * peer, and whose pids mean nothing before. Drives the node meanwhile.
 */
int fli_node_meet(fl_node *node, const char *peer, uint32_t timeout_ms, fl_error *err);

/* ---- between the files ----------------------------------------------------------------------- */

/* The distribution's configuration from options; the cookies point into what fli_dist_told owns. */
typedef struct fli_dist_told {
	fli_dist_config config;
	fli_cookie own;
	fli_cookie *cookies; /* one for each entry of `known` */
	fli_dist_known *known;
	const char **allow;
	fli_mem *mem;
} fli_dist_told;

int fli_dist_tell(const fl_options *options, fli_dist_told *ret_told, fli_mem *mem, fl_error *err);
/* Wipes the cookies. */
void fli_dist_untell(fli_dist_told *told);
fli_limits fli_node_limits(const fl_options *options);

/*
 * Takes from options that were read anew what may change while it serves: the files of tls.*, the
 * lists dist.allow, rpc.*, sys.allow and `access`, the log level. Connections that are up stay.
 * Options or files that are wrong change nothing; FL_ENOMEM: some may have been taken. Any thread.
 */
int fli_node_reload(fl_node *node, const fl_options *fresh, fl_error *err);
/*
 * flitch:reload/0, for the command line and who may call it: ok, {error, Text}, {error, notsup}
 * where there is nothing to read, {error, {too_soon, Ms}} for FLI_RELOAD_GAP_MS after the last one
 * and while one runs.
 */
#define FLI_RELOAD_GAP_MS 1000
int fli_natives_reload(fl_node *node);

/* Loads a shared object and starts those of its behaviours that no child names. The owner of the
 * context. */
int fli_module_load(fli_member *member, const char *path, fl_error *err);
void fli_modules_unload(fli_member *member);
/* Starts what the configuration lists as `children`. The owner of the context. */
int fli_application_start(fli_member *member, fl_error *err);
/* When the node is gone. */
void fli_application_delete(fli_member *member);

#endif
