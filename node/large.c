/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large binaries: kept where they came, sent from where they were made.
 *
 *  - A held message counts who holds it beside the mailbox; the last one frees it (mailbox.c).
 *  - A blob is a block with room in front. The reply is built with an empty binary at its end; then
 *    the connection puts the blob's bytes there, or the reply in front of them.
 *
 * Failure: a term that is not of the handler's message is copied. An answer that cannot leave frees
 * its blob like one that has left.
 */
#include "node/large.h"

#include <string.h>

#include "node/sched.h"
#include "node/term/pattern.h"
#include "node/term/write.h"

/* ---- held messages --------------------------------------------------------------------------- */

static bool is_part_of(const fli_msg *msg, fl_term term)
{
	return msg != NULL && term.data >= msg->data && term.data <= msg->data + msg->size &&
	       term.size <= (size_t)(msg->data + msg->size - term.data);
}

static int hold_copy(fl_term term, fl_held *ret_held)
{
	fl_term copy = fl_copy(term);

	if (copy.data == NULL)
		return FL_ENOMEM;
	*ret_held = (fl_held){.term = copy};
	return FL_OK;
}

int fl_hold(fl_proc *self, fl_term term, fl_held *ret_held)
{
	fl_node *node = self->node;
	fli_msg *msg;

	fli_enter(node);
	msg = self->act == NULL || self->act->proc != self ? NULL : self->act->msg;
	if (!is_part_of(msg, term) || !fli_msg_hold(msg))
		msg = NULL;
	fli_leave(node);
	if (msg == NULL)
		return hold_copy(term, ret_held);
	*ret_held = (fl_held){.term = term, .node = node, .message = msg};
	return FL_OK;
}

void fl_release(fl_held *held)
{
	if (held->node != NULL)
		fli_msg_release(held->node, held->message);
	else
		fl_term_free(held->term);
	*held = (fl_held){.node = NULL};
}

/* ---- blobs ----------------------------------------------------------------------------------- */

int fl_blob_make(fl_node *node, size_t size, fl_blob *ret_blob)
{
	uint8_t *block =
		size > SIZE_MAX - FLI_BLOB_ROOM ? NULL : fli_alloc(node->mem, FLI_BLOB_ROOM + size);

	if (block == NULL)
		return FL_ENOMEM;
	*ret_blob = (fl_blob){.data = block + FLI_BLOB_ROOM, .size = size, .node = node};
	return FL_OK;
}

int fl_blob_resize(fl_blob *blob, size_t size)
{
	uint8_t *block = size > SIZE_MAX - FLI_BLOB_ROOM
				 ? NULL
				 : fli_realloc(blob->node->mem, blob->data - FLI_BLOB_ROOM,
					   FLI_BLOB_ROOM + size);

	if (block == NULL)
		return FL_ENOMEM;
	blob->data = block + FLI_BLOB_ROOM;
	blob->size = size;
	return FL_OK;
}

void fl_blob_free(fl_blob *blob)
{
	if (blob->node != NULL)
		fli_free(blob->node->mem, blob->data - FLI_BLOB_ROOM);
	*blob = (fl_blob){.node = NULL};
}

/* Nothing comes behind the last `~`, which is no `$~`, and no map puts its pairs in another order.
 */
static bool ends_in_value(const char *pattern)
{
	const char *last = strrchr(pattern, '~');

	return last != NULL && strpbrk(pattern, "#$") == NULL &&
	       last[1 + strspn(last + 1, "} ")] == '\0';
}

bool fli_blob_is_last(fl_spec reply, const fl_blob *blob)
{
	const fl_value *last = reply.count == 0 ? NULL : &reply.values[reply.count - 1];

	return last != NULL && reply.count <= FLI_PATTERN_SLOTS_MAX && last->type == FL_SLOT_BIN &&
	       last->as.bin.data == blob->data && last->as.bin.size == blob->size &&
	       ends_in_value(reply.pattern);
}

int fli_blob_send(fl_node *node, fli_send *send, fl_spec reply, fl_blob *blob)
{
	size_t size = FLI_BLOB_ROOM + blob->size;
	fli_buf block = {.data = blob->data - FLI_BLOB_ROOM,
		.size = size,
		.capacity = size,
		.mem = node->mem};
	fl_value values[FLI_PATTERN_SLOTS_MAX];
	int rc;

	memcpy(values, reply.values, reply.count * sizeof *values);
	values[reply.count - 1].as.bin.size = 0;
	rc = fli_build_values(send->buf, reply.pattern, values, reply.count);
	if (rc != FL_OK)
		return rc;
	*blob = (fl_blob){.node = NULL};
	return node->remote->send_end_with(send->peer, &block, FLI_BLOB_ROOM);
}
