/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: chunks from a pool of a few sizes, classified once when they arrive.
 *
 *  - A chunk is filled by one copy (fli_expand straight into it, or the builder's bytes). What came
 *    in fragments and ends in a large binary is not copied: the message takes over the memory in
 *    which it was put together, and only its head is written anew.
 *  - fli_msg_classify reads the envelope: gen's calls and casts, system messages, exits.
 *  - fli_deliver pushes it and makes the process runnable.
 *
 * Failure: a mailbox past its limit follows the behaviour's policy; a chunk that cannot be
 * allocated is a message lost, which ends the receiver, since Erlang promises order without gaps.
 */
#include <string.h>

#include "node/large.h"
#include "node/term/peek.h"
#include "node/term/step.h"
#include "node/term/tag.h"

static const uint32_t class_sizes[FLI_POOL_CLASSES] = {96, 224, 480, 2016};
#define POOL_KEEP 4096                /* chunks of a class that stay for reuse */
#define TAKE_BYTES ((size_t)16 << 10) /* binaries from here on are worth more than a copy */
#define TAKE_HEAD_MAX 1024
#define HELD_MAX 255

static int class_of(size_t size)
{
	for (int i = 0; i < FLI_POOL_CLASSES; i++)
		if (size <= class_sizes[i])
			return i;
	return -1;
}

fli_msg *fli_msg_new(fl_node *node, size_t size)
{
	int class = class_of(size);
	fli_msg *msg;

	if (class >= 0 && node->pool[class] != NULL) {
		msg = node->pool[class];
		node->pool[class] = msg->next;
		node->pool_count[class]--;
	} else {
		if (size > node->limits.message_bytes_max)
			return NULL;
		if (class >= 0)
			size = class_sizes[class];
		msg = fli_alloc(node->mem, sizeof *msg + size);
		if (msg == NULL)
			return NULL;
		msg->capacity = (uint32_t)size;
	}
	msg->next = NULL;
	msg->data = msg->room;
	msg->block = NULL;
	msg->sender = NULL;
	atomic_init(&msg->held, 0);
	return msg;
}

/* False: somebody else holds it, and frees it. */
static bool is_last(fli_msg *msg)
{
	/* acquire: pairs with the release of who has let go on another thread */
	return atomic_load_explicit(&msg->held, memory_order_acquire) == 0 ||
	       atomic_fetch_sub_explicit(&msg->held, 1, memory_order_acq_rel) == 0;
}

bool fli_msg_hold(fli_msg *msg)
{
	/* it counts up in one thread at a time; others count down */
	if (atomic_load_explicit(&msg->held, memory_order_relaxed) == HELD_MAX)
		return false;
	atomic_fetch_add_explicit(&msg->held, 1, memory_order_relaxed);
	return true;
}

void fli_msg_release(fl_node *node, fli_msg *msg)
{
	if (atomic_fetch_sub_explicit(&msg->held, 1, memory_order_acq_rel) != 0)
		return;
	if (node->limits.poison)
		memset(msg->data, 0xdb, msg->size);
	fli_free(node->mem, msg->block);
	fli_free(node->mem, msg);
}

static void give_block(fl_node *node, fli_msg *msg)
{
	fli_buf block = {.data = msg->block, .capacity = msg->block_capacity, .mem = node->mem};

	if (node->limits.poison)
		memset(msg->data, 0xdb, msg->size);
	fli_spares_give(&node->spares, &block);
}

void fli_msg_free(fl_node *node, fli_msg *msg)
{
	int class = msg == NULL ? -1 : class_of(msg->capacity);

	if (FLI_UNLIKELY(msg != NULL && !is_last(msg)))
		return;
	if (FLI_UNLIKELY(msg != NULL && msg->block != NULL))
		give_block(node, msg);
	if (class < 0 || node->pool_count[class] >= POOL_KEEP) {
		fli_free(node->mem, msg);
		return;
	}
	if (FLI_UNLIKELY(node->limits.poison))
		memset(msg->room, 0xdb, msg->capacity);
	msg->next = node->pool[class];
	node->pool[class] = msg;
	node->pool_count[class]++;
}

static bool is_worth_taking(const fl_node *node, const fli_payload *payload)
{
	const fli_walked *walked = payload->walked;

	return walked->tail >= TAKE_BYTES && payload->block != NULL &&
	       payload->block->mem == node->mem && payload->block->capacity <= UINT32_MAX &&
	       walked->expanded_size - walked->tail <= TAKE_HEAD_MAX &&
	       walked->expanded_size <= node->limits.message_bytes_max;
}

/* Takes the payload's own memory; NULL: it has to be copied. */
static fli_msg *take_block(fl_node *node, const fli_payload *payload)
{
	const fli_walked *walked = payload->walked;
	fli_buf *block = payload->block;
	size_t head_size = walked->expanded_size - walked->tail;
	size_t tail_at = (size_t)(payload->data - block->data) + walked->size - walked->tail;
	uint8_t head[TAKE_HEAD_MAX];
	fli_msg *msg = tail_at < head_size ? NULL : fli_msg_new(node, 0);

	if (msg == NULL)
		return NULL;
	/* by a detour, since what grows would run into what is still to be read */
	fli_expand_head(payload->data, walked, payload->refs, head);
	memcpy(block->data + tail_at - head_size, head, head_size);
	msg->data = block->data + tail_at - head_size;
	msg->block = block->data;
	msg->block_capacity = (uint32_t)block->capacity;
	msg->size = (uint32_t)walked->expanded_size;
	fli_buf_create(block, block->mem, block->size_max);
	return msg;
}

fli_msg *fli_msg_of_payload(fl_node *node, const fli_payload *payload)
{
	size_t size = payload->walked->expanded_size;
	fli_msg *msg = is_worth_taking(node, payload) ? take_block(node, payload) : NULL;

	if (msg != NULL) {
		fli_msg_classify(msg);
		return msg;
	}
	msg = fli_msg_new(node, size);
	if (msg == NULL)
		return NULL;
	msg->size = (uint32_t)size;
	if (payload->walked->is_plain)
		memcpy(msg->data, payload->data, size);
	else
		fli_expand(payload->data, payload->walked, payload->refs, msg->data);
	fli_msg_classify(msg);
	return msg;
}

fli_msg *fli_msg_of_term(fl_node *node, fl_term term)
{
	fli_msg *msg = fli_msg_new(node, term.size);

	if (msg == NULL)
		return NULL;
	msg->size = (uint32_t)term.size;
	memcpy(msg->data, term.data, term.size);
	fli_msg_classify(msg);
	return msg;
}

fli_msg *fli_msg_of_spec(fl_node *node, fl_spec spec)
{
	fl_buf buf = FL_BUF_INIT;
	fli_msg *msg = NULL;

	if (fl_build_values(&buf, spec.pattern, spec.values, spec.count) == FL_OK)
		msg = fli_msg_of_term(node, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return msg;
}

void fli_msg_set_sender(fli_msg *msg, fl_atom interned_node)
{
	msg->sender = interned_node.text;
	msg->sender_size = (uint16_t)interned_node.size;
}

void fli_msg_speak_for(fli_msg *msg, const fl_proc *from)
{
	if (FLI_UNLIKELY(from != NULL && from->is_deputy))
		fli_msg_set_sender(msg, fl_sender_node(from));
}

fl_atom fli_msg_sender(const fl_node *node, const fli_msg *msg)
{
	return msg->sender == NULL ? node->name
				   : (fl_atom){.text = msg->sender, .size = msg->sender_size};
}

/* Passes a term; false: there is none. */
static bool pass(fli_cursor *c)
{
	size_t size = fli_ident_step(c->at, fli_left(c));
	const uint8_t *at;

	if (FLI_UNLIKELY(size == 0))
		size = fli_term_size(c->at, fli_left(c));
	return size != 0 && fli_take(c, size, &at);
}

/* {Tag, {Pid, Tag}, Request}: fills pid, tag and body. */
static bool classify_asked(fli_msg *msg, fli_cursor *c)
{
	uint32_t arity;

	if (!fli_peek_tuple(c, &arity) || arity != 2)
		return false;
	msg->pid = (uint32_t)(c->at - msg->data);
	if (fli_left(c) == 0 || *c->at != FLI_NEW_PID_EXT || !pass(c))
		return false;
	msg->tag = (uint32_t)(c->at - msg->data);
	if (!pass(c))
		return false;
	msg->body = (uint32_t)(c->at - msg->data);
	return true;
}

static fli_msg_kind kind_of(fli_msg *msg, fli_cursor *c, uint32_t arity)
{
	fl_atom head;

	if (arity == 2 && *c->at == FLI_NEWER_REFERENCE_EXT)
		return FLI_MSG_REPLY;
	if (!fli_peek_atom(c, NULL, &head))
		return FLI_MSG_INFO;
	if (arity == 2) {
		if (!fl_atom_is(head, "$gen_cast"))
			return FLI_MSG_INFO;
		msg->body = (uint32_t)(c->at - msg->data);
		return FLI_MSG_CAST;
	}
	if (fl_atom_is(head, "$gen_call"))
		return classify_asked(msg, c) ? FLI_MSG_CALL : FLI_MSG_INFO;
	if (fl_atom_is(head, "system"))
		return classify_asked(msg, c) ? FLI_MSG_SYSTEM : FLI_MSG_INFO;
	return fl_atom_is(head, "EXIT") ? FLI_MSG_EXIT : FLI_MSG_INFO;
}

void fli_msg_classify(fli_msg *msg)
{
	fli_cursor c = fli_cursor_make(msg->data, msg->size);
	uint32_t arity;

	msg->kind = FLI_MSG_INFO;
	if (fli_peek_tuple(&c, &arity) && (arity == 2 || arity == 3) && fli_left(&c) > 0)
		msg->kind = (uint8_t)kind_of(msg, &c, arity);
	if (msg->kind == FLI_MSG_INFO)
		msg->body = 0;
}

static void append(fl_proc *proc, fli_msg *msg)
{
	if (proc->last == NULL)
		proc->first = msg;
	else
		proc->last->next = msg;
	proc->last = msg;
	proc->mailbox_count++;
	if (proc->status == FLI_WAITING)
		fli_run_queue_add(proc);
}

/* The mailbox is full. True: the message is to be delivered all the same. */
static bool over_limit(fl_proc *proc, const fli_msg *msg)
{
	fl_node *node = proc->node;
	fl_buf reason = FL_BUF_INIT;

	if (msg->kind == FLI_MSG_SYSTEM || msg->kind >= FLI_MSG_NODE_UP)
		return true;
	switch (proc->behaviour->mailbox_policy) {
	case FL_MAILBOX_DROP: return false;
	case FL_MAILBOX_REFUSE:
		if (msg->kind == FLI_MSG_CALL)
			fli_call_refuse(proc, msg, "overload");
		return false;
	case FL_MAILBOX_KILL: break;
	}
	fli_log_write(&node->log, FLI_ERROR, "mailbox of %s is full: %u messages wait",
		proc->behaviour->name, proc->mailbox_count);
	if (fl_build(&reason, "{mailbox_full, ~}", proc->mailbox_count) == FL_OK)
		fli_proc_exit(proc, fl_buf_term(&reason));
	fl_buf_free(&reason);
	return false;
}

void fli_deliver(fl_proc *proc, fli_msg *msg)
{
	uint32_t max = proc->behaviour->mailbox_max;

	if (max == 0 || max > proc->node->limits.mailbox_max)
		max = proc->node->limits.mailbox_max;
	if (FLI_UNLIKELY(proc->status == FLI_EXITING) ||
		(FLI_UNLIKELY(proc->mailbox_count >= max) && !over_limit(proc, msg))) {
		fli_msg_free(proc->node, msg);
		return;
	}
	if (msg->kind == FLI_MSG_REPLY)
		fli_request_reply(proc, msg);
	else
		append(proc, msg);
}

void fli_mailbox_push(fl_proc *proc, fli_msg *msg)
{
	append(proc, msg);
}

void fli_mailbox_clear(fl_proc *proc)
{
	fli_task_end *end;
	fli_msg *msg;

	while ((msg = fli_mailbox_pop(proc)) != NULL) {
		if (msg->kind == FLI_MSG_DONE) {
			memcpy(&end, msg->data, sizeof end);
			fli_task_end_delete(end, true);
		}
		fli_msg_free(proc->node, msg);
	}
}

fli_msg *fli_mailbox_pop(fl_proc *proc)
{
	fli_msg *msg = proc->first;

	if (msg == NULL)
		return NULL;
	proc->first = msg->next;
	if (proc->first == NULL)
		proc->last = NULL;
	proc->mailbox_count--;
	msg->next = NULL;
	return msg;
}
