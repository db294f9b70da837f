/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_LARGE_H
#define FLI_LARGE_H

/*
 * What stands behind <flitch/large.h>: the room in front of a blob's bytes, into which the
 * connection writes what comes before them.
 *
 *     block [ FLI_BLOB_ROOM: header, control term, {Tag, {ok, | bytes ]
 *
 * Threads, memory, errors: as each function says.
 */

#include "flitch/large.h"
#include "node/runtime.h"

#define FLI_BLOB_ROOM 1024

/* fl_reply_blob can send it: the blob is the pattern's last value, and stands at its end. */
bool fli_blob_is_last(fl_spec reply, const fl_blob *blob);
/*
 * Ends an opened message by such a reply, and zeroes the blob. When the blob is as it was, the
 * reply could not be built and the message is still open. The owner of the context.
 */
int fli_blob_send(fl_node *node, fli_send *send, fl_spec reply, fl_blob *blob);

/* The message is free when the last one has let go: any thread, after fli_msg_hold. */
void fli_msg_release(fl_node *node, fli_msg *msg);
/* False: too many hold it. The owner of the context, or the handler that was given it. */
bool fli_msg_hold(fli_msg *msg);

#endif
