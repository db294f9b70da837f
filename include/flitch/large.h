/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_LARGE_H
#define FLITCH_LARGE_H

/*
 * Large binaries through a handler without a copy: fl_hold keeps the message that brought one,
 * fl_reply_blob sends one from the memory in which it was made.
 *
 *     call      fl_hold(self, request, &job->input); fl_later(self, from); fl_offload(...)
 *     work      reads job->input.term, fills job->output.data          on a thread of the pool
 *     done      fl_reply_blob(from, &job->output, "{ok, ~}", fl_blob_bin(&job->output));
 *               fl_release(&job->input)
 *
 * A message of another node that is larger than a fragment (64 KiB) and ends in its binary is
 * handed to the handler in the memory in which its fragments were put together: so the binary
 * belongs last, in {compress, Level, Data} as in {ok, Data}. Else it is copied once on its way in.
 *
 * Threads: as each function says. Memory: a held term is constant; whoever holds it, and whoever
 * has a blob, gives it up once, before the node is closed. Errors: FL_OK or FL_E*.
 */

#include "flitch/server.h"

/* A term that stays where it is until fl_release. */
typedef struct fl_held {
	fl_term term;
	fl_node *node; /* NULL: the term is a copy */
	void *message;
} fl_held;

/*
 * Keeps `term`, and with it the whole message, beyond the handler, the answer, the end of the
 * process. It need not be the request itself, any part of the message will do. What is not of the
 * message that the running handler was given is copied, as is all in `init`, `terminate` and
 * `done`. FL_OK, or FL_ENOMEM and there is nothing to release.
 *
 * The handler of `self`. A message may be held up to 255 times at once; then there are copies.
 */
int fl_hold(fl_proc *self, fl_term term, fl_held *ret_held);
/* Any thread. Zeroed afterwards; doing it again does nothing. */
void fl_release(fl_held *held);

/* Memory for the binary of an answer. */
typedef struct fl_blob {
	uint8_t *data; /* `size` bytes, to be filled */
	size_t size;
	fl_node *node;
} fl_blob;

/* fl_blob_make and fl_blob_resize: FL_OK or FL_ENOMEM, and the blob is as it was. Any thread. */
int fl_blob_make(fl_node *node, size_t size, fl_blob *ret_blob);
/* Keeps what fits; `data` may move. Cut to what was filled, it gives the rest back. */
int fl_blob_resize(fl_blob *blob, size_t size);
/* Zeroed afterwards; a zeroed one is fine. Any thread. */
void fl_blob_free(fl_blob *blob);

/* The blob as a value of a pattern. */
static inline fl_bin fl_blob_bin(const fl_blob *blob)
{
	return (fl_bin){blob->data, blob->size};
}

int fl_reply_blob_spec(fl_from from, fl_blob *blob, fl_spec reply);
/*
 * fl_reply of a pattern whose last value is the blob's, with nothing but `}` behind it, and without
 * maps and characters (`$x`): "{ok, ~}". Takes the blob in any case; it is zeroed. Also FL_EMISUSE
 * where the pattern is another. Up to 64 KiB, to a caller of this node, and where the caller's node
 * takes no fragments, the bytes are copied. Any thread.
 */
#define fl_reply_blob(from, blob, ...) fl_reply_blob_spec((from), (blob), fl_spec(__VA_ARGS__))

#endif
