/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_CORE_H
#define FLI_CLUSTER_CORE_H

/*
 * What every node consists of, whatever drives it: process world, distribution, supervisor,
 * services; how they start and how they leave. The daemon (cluster/node.c) adds a loop, sockets and
 * threads, the simulated cluster (sim/) a virtual clock and a network of its own.
 *
 *     fli_core_open --> fli_core_serve --> fli_core_goes_on, again and again --> fli_core_close
 *
 * Threads: the owner of the node's context, but for fl_node_stop. Memory: embedded in what drives
 * the node; the first member of it. Errors: FL_E* with a text.
 */

#include <stdatomic.h>

#include "dist/dist.h"
#include "node/base/list.h"
#include "node/export.h"

typedef struct fli_core {
	fl_node *node;
	fli_dist *dist;
	void (*wake)(struct fli_core *core); /* any thread: somebody asked for the end */
	_Atomic(bool) is_stopping;           /* any: the same */
	bool is_leaving;
	bool has_told_end; /* the peers know that it leaves */
	bool has_left;
	bool has_services;
	bool has_run;           /* somebody drove it, other than to its end */
	fli_timer output;       /* while leaving: what the servers said is on its way */
	uint64_t output_end_ms; /* when that is waited for no more; 0: it has not begun */
	struct fli_partition_service *partition; /* NULL: no policy */
	fli_link guards;                         /* of singletons: fli_guard; empty: all 0 */
	bool is_finishing; /* it has been written; the peers have yet to see the end */
	int exit_code;
	/* Reads the configuration anew and applies it; NULL: there is none to read. Any thread. */
	int (*reload)(void *ctx, fl_error *err);
	void *reload_ctx;
	_Atomic(bool) is_reloading;     /* any: for somebody who asked by flitch:reload/0 */
	_Atomic(uint64_t) next_read_ms; /* any: until then nobody else has it read so */
} fli_core;

static inline fli_core *fli_core_of(const fl_node *node)
{
	return node->owner;
}

/* The distribution of a node that is there, which then belongs to `core`. */
int fli_core_open(fli_core *core, const fli_dist_config *config, fl_error *err);
/* Supervisor and services. `allow` is the key rpc.allow, or NULL. */
int fli_core_serve(fli_core *core, fli_rpc_profile profile, const char *allow, fl_error *err);
/*
 * Between turns. When somebody asked for the end it begins that of the servers, which takes turns
 * like all else, and leaves once they have ended and their last words are out. False: it has left.
 */
bool fli_core_goes_on(fli_core *core);
/* The same at once, without a turn: for a node that nobody drives and no handler runs in. */
void fli_core_leave(fli_core *core);

#endif
