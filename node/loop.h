/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_LOOP_H
#define FLI_LOOP_H

/*
 * The driver's loop: libuv's events first, then the run queue, then one flush; sleeps, or polls for
 * a while, when there is nothing to do.
 *
 *     [ uv_run: callbacks read and fill mailboxes ] [ fli_node_turn: handlers ] [ flush: writes ]
 *
 * Handlers never run inside a libuv callback, since the loop may change threads in a handler.
 *
 * Threads: fli_loop_wake from any; the rest by the owner of the node's context.
 * Errors: FL_E*.
 */

#include <stdbool.h>
#include <stdint.h>

#include "node/runtime.h"

struct uv_loop_s;
typedef struct fli_loop fli_loop;

typedef struct fli_loop_config {
	uint32_t spin_us;    /* polls that long after activity before it sleeps */
	uint32_t spacing_us; /* under load, pauses that long at most, so that a peer batches its
				writes */
} fli_loop_config;

int fli_loop_new(fl_node *node, const fli_loop_config *config, fli_loop **ret_loop);
/* All handles of the layers above are closed by now. */
void fli_loop_delete(fli_loop *loop);
struct uv_loop_s *fli_loop_uv(fli_loop *loop);
/* `flush` is called at the end of each turn: write what has gathered. One hook. */
void fli_loop_on_flush(fli_loop *loop, void (*flush)(void *ctx), void *ctx);
/* A socket gave that many bytes at once: activity, and a hint of the load. */
void fli_loop_note_read(fli_loop *loop, size_t size);

/* One iteration; false after fli_loop_stop. The owner of the context calls it, and owns it after.
 */
bool fli_loop_step(void *loop);
/* Wakes a sleeping step. Any thread. */
void fli_loop_wake(void *loop);
/* Makes fli_loop_step return false from now on. Any thread. */
void fli_loop_stop(fli_loop *loop);

#endif
