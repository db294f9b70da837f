/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_WARDEN_H
#define FLI_CLUSTER_WARDEN_H

/*
 * A thread that waits for what the machine says to the program: signals, and the end of stdin.
 *
 *     SIGTERM, SIGINT, end of stdin   the node drains and leaves; a second one ends at once
 *     SIGQUIT                         ends at once
 *     SIGHUP                          `on_reload`
 *     SIGUSR1                         `on_dump`; the node goes on
 *
 * It is there before the node: a request to stop that comes while the node starts is carried out
 * when it has started, within the same time limit; SIGHUP and SIGUSR1 mean nothing until then.
 *
 * Signals are blocked in every thread (fli_warden_block, before any other thread is there), so that
 * no code of ours or of a library ever runs in a signal handler.
 *
 * Threads: create and destroy from one; the callbacks run on the warden's. Memory: the caller's
 * storage. Errors: FL_EIO.
 */

#include <pthread.h>

#include "flitch/node.h"
#include "node/log.h"

typedef struct fli_warden_config {
	fl_node *node;        /* NULL: it is still to be attached */
	fli_log *log;         /* outlives the node */
	bool watches_stdin;   /* its end is a request to stop */
	uint32_t shutdown_ms; /* a stop that takes longer ends the program; 0: it may take for ever
			       */
	void (*on_reload)(void *ctx);
	void (*on_dump)(void *ctx);
	void *ctx;
} fli_warden_config;

typedef struct fli_warden {
	fli_warden_config config;
	pthread_t thread;
	int signal_fd;
	int end_fd;
	pthread_mutex_t lock; /* held while the node is touched */
	bool is_stopping;     /* under `lock` */
} fli_warden;

void fli_warden_block(void);
int fli_warden_create(fli_warden *warden, const fli_warden_config *config, fl_error *err);
/* The node serves. False: it was told to stop meanwhile, and has been asked to. */
bool fli_warden_attach(fli_warden *warden, fl_node *node);
/*
 * The node is about to be closed: from now on it is not touched, and the time limit of the stop
 * runs.
 */
void fli_warden_let_go(fli_warden *warden);
void fli_warden_destroy(fli_warden *warden);

#endif
