/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that wait, each in a block of its own: the value, then copies of what it pointed to.
 *
 * The node texts of identifiers are copied too. Most are interned and would stay, but one of a
 * message that is being handled goes away with that message.
 */

#include "dist/remote_queue.h"

#include <string.h>

#include "flitch/error.h"

void fli_remote_queue_create(fli_remote_queue *queue, fli_mem *mem, size_t *sum)
{
	fli_list_create(&queue->items);
	queue->sum = sum;
	queue->bytes = 0;
	queue->mem = mem;
}

fli_remote_queued *fli_remote_queue_pop(fli_remote_queue *queue)
{
	fli_link *link = fli_list_pop(&queue->items);
	fli_remote_queued *item;

	if (link == NULL)
		return NULL;
	item = fli_container_of(link, fli_remote_queued, link);
	queue->bytes -= item->size;
	*queue->sum -= item->size;
	return item;
}

void fli_remote_queue_clear(fli_remote_queue *queue)
{
	fli_remote_queued *item;

	while ((item = fli_remote_queue_pop(queue)) != NULL)
		fli_free(queue->mem, item);
}

static fl_atom keep(uint8_t **at, fl_atom text)
{
	fl_atom kept = {(const char *)*at, text.size};

	if (text.size > 0)
		memcpy(*at, text.text, text.size);
	*at += text.size;
	return kept;
}

static size_t texts_size(const fli_remote_op *op)
{
	size_t size = op->from.node.size + op->ref.node.size;

	if (op->to.kind == FLI_TARGET_PID && op->to.pid != NULL)
		size += op->to.pid->node.size;
	if (op->to.kind == FLI_TARGET_ALIAS && op->to.alias != NULL)
		size += op->to.alias->node.size;
	return size + op->to.name.size;
}

static void copy(fli_remote_queued *item, const fli_remote_op *op)
{
	uint8_t *at = item->bytes;

	item->op = *op;
	if (op->to.kind == FLI_TARGET_ALIAS && op->to.alias != NULL) {
		item->op.ref = *op->to.alias;
		item->op.to.alias = &item->op.ref;
		item->op.to.pid = NULL;
	}
	if (op->to.kind == FLI_TARGET_PID && op->to.pid != NULL) {
		item->op.pid = *op->to.pid;
		item->op.pid.node = keep(&at, op->to.pid->node);
		item->op.to.pid = &item->op.pid;
	}
	item->op.from.node = keep(&at, op->from.node);
	item->op.ref.node = keep(&at, item->op.ref.node);
	item->op.to.name = keep(&at, op->to.name);
	if (op->payload.size > 0)
		memcpy(at, op->payload.data, op->payload.size);
	item->op.payload.data = at;
}

int fli_remote_queue_add(fli_remote_queue *queue, const fli_remote_op *op, size_t bytes_max)
{
	size_t size = sizeof(fli_remote_queued) + texts_size(op) + op->payload.size;
	fli_remote_queued *item;

	if (size > bytes_max || queue->bytes > bytes_max - size)
		return FL_ELIMIT;
	item = fli_alloc(queue->mem, size);
	if (item == NULL)
		return FL_ENOMEM;
	item->size = size;
	copy(item, op);
	queue->bytes += size;
	*queue->sum += size;
	fli_list_append(&queue->items, &item->link);
	return FL_OK;
}
