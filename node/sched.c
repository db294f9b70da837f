/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of a node's context.
 *
 *  - The driver holds the gate for a whole turn; a handler runs inside it, announced in act_word.
 *  - fl_* calls from a handler move act_word from HANDLER to RUNTIME and back: one
 * compare-and-swap.
 *  - Threads that are in no handler take the gate; the driver lets them in between handlers.
 *
 * Failure: a handler that overstays loses the context by fli_gate_steal. Its thread notices at its
 * next compare-and-swap, takes the gate like everybody else from then on, and when the handler has
 * returned and its effects are settled it stops driving.
 *
 * The gate is a flag under a mutex and not the mutex itself, since it changes hands between
 * threads. Each thread that waits for it has a condition of its own: with one for all of them, the
 * threads of many works that ask at once would all wake up for each turn of one.
 */
#include "node/sched.h"

#include <time.h>

/* On the stack of the thread that waits. */
typedef struct waiter {
	struct waiter *next;
	pthread_cond_t opened;
} waiter;

typedef struct fli_gate {
	pthread_mutex_t mutex;
	waiter *first, *last; /* in the order of their tickets */
	uint64_t serving;     /* the ticket that holds the gate, or the next that will */
	_Atomic(uint64_t)
		tickets; /* given out; written under the mutex, read by anybody as a hint */
} fli_gate;

static _Thread_local fli_act *current;
static _Thread_local const fl_node *driven; /* whose context this thread drives */
static _Thread_local char thread_mark;      /* its address names the thread */
static _Thread_local uint64_t longest_ns;   /* of its late handlers */

static uintptr_t me(void)
{
	return (uintptr_t)&thread_mark;
}

int fli_sched_create(fl_node *node)
{
	node->gate = fli_zalloc(node->mem, sizeof *node->gate);
	if (node->gate == NULL)
		return FL_ENOMEM;
	(void)pthread_mutex_init(
		&node->gate->mutex, NULL); /* cannot fail with default attributes */
	atomic_init(&node->gate->tickets, 0);
	atomic_init(&node->act_word, 0);
	atomic_init(&node->context_owner, 0);
	return FL_OK;
}

void fli_sched_destroy(fl_node *node)
{
	if (node->gate == NULL)
		return;
	(void)pthread_mutex_destroy(&node->gate->mutex);
	fli_free(node->mem, node->gate);
	node->gate = NULL;
}

/* ---- the gate -------------------------------------------------------------------------------- */

/* Needs the mutex. */
static void await_turn(fli_gate *gate, uint64_t ticket)
{
	waiter w = {.opened = PTHREAD_COND_INITIALIZER};

	*(gate->first == NULL ? &gate->first : &gate->last->next) = &w;
	gate->last = &w;
	while (gate->serving != ticket)
		(void)pthread_cond_wait(&w.opened, &gate->mutex);
	gate->first = w.next; /* it was the first one */
	(void)pthread_cond_destroy(&w.opened);
}

/* Needs the mutex. Who asks first is let in first, so that a busy driver starves nobody. */
static void hold(fl_node *node)
{
	fli_gate *gate = node->gate;
	/* relaxed: under the mutex; readers outside take it as a hint */
	uint64_t ticket = atomic_fetch_add_explicit(&gate->tickets, 1, memory_order_relaxed);

	if (gate->serving != ticket)
		await_turn(gate, ticket);
	/* relaxed: a thread only compares it with its own mark */
	atomic_store_explicit(&node->context_owner, me(), memory_order_relaxed);
}

static void open_gate(fl_node *node)
{
	fli_gate *gate = node->gate;

	atomic_store_explicit(&node->context_owner, 0, memory_order_relaxed);
	gate->serving++;
	if (gate->first != NULL)
		(void)pthread_cond_signal(&gate->first->opened);
}

void fli_gate_lock(fl_node *node)
{
	(void)pthread_mutex_lock(&node->gate->mutex);
	hold(node);
	(void)pthread_mutex_unlock(&node->gate->mutex);
}

void fli_gate_unlock(fl_node *node)
{
	(void)pthread_mutex_lock(&node->gate->mutex);
	open_gate(node);
	(void)pthread_mutex_unlock(&node->gate->mutex);
}

void fli_gate_yield(fl_node *node)
{
	fli_gate *gate = node->gate;

	/* serving is the owner's own ticket here, and only the owner moves it */
	if (FLI_LIKELY(atomic_load_explicit(&gate->tickets, memory_order_relaxed) ==
		       gate->serving + 1))
		return;
	fli_gate_unlock(node);
	fli_gate_lock(node);
}

bool fli_gate_steal(fl_node *node, uint64_t word)
{
	uint64_t stolen = (word & ~(uint64_t)3) | FLI_ACT_STOLEN;

	if ((word & 3) != FLI_ACT_HANDLER)
		return false;
	/* acquire: pairs with the release in fli_handler_begin and fli_leave; all of the context's
	 * memory as the handler's thread left it is visible from here on */
	if (!atomic_compare_exchange_strong_explicit(
		    &node->act_word, &word, stolen, memory_order_acq_rel, memory_order_relaxed))
		return false;
	atomic_store_explicit(&node->context_owner, me(), memory_order_relaxed);
	return true;
}

void fli_gate_notify(fl_node *node, pthread_cond_t *cond, bool *done)
{
	(void)pthread_mutex_lock(&node->gate->mutex);
	*done = true;
	(void)pthread_cond_signal(cond);
	(void)pthread_mutex_unlock(&node->gate->mutex);
}

bool fli_gate_wait(fl_node *node, pthread_cond_t *cond, const bool *done, uint64_t deadline_ns)
{
	fli_gate *gate = node->gate;
	struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000),
		.tv_nsec = (long)(deadline_ns % 1000000000)};
	int rc = 0;

	(void)pthread_mutex_lock(&gate->mutex);
	open_gate(node);
	while (!*done && rc == 0)
		rc = deadline_ns == UINT64_MAX ? pthread_cond_wait(cond, &gate->mutex)
					       : pthread_cond_timedwait(cond, &gate->mutex, &until);
	hold(node);
	(void)pthread_mutex_unlock(&gate->mutex);
	return *done;
}

/* ---- activations ----------------------------------------------------------------------------- */

fli_act *fli_act_current(const fl_node *node)
{
	fli_act *act = current;

	while (FLI_UNLIKELY(act != NULL && act->node != node))
		act = act->below;
	return act;
}

void fli_drive_begin(fl_node *node)
{
	fli_gate_lock(node);
	driven = node;
}

void fli_drive_adopt(fl_node *node)
{
	driven = node;
}

bool fli_drive_is_lost(const fl_node *node)
{
	return driven != node;
}

void fli_drive_end(fl_node *node)
{
	driven = NULL;
	fli_crew_wake(node);
	fli_gate_unlock(node);
}

bool fli_context_is_lost(const fl_node *node)
{
	return atomic_load_explicit(&node->context_owner, memory_order_relaxed) != me();
}

uint64_t fli_handlers_longest_ns(void)
{
	uint64_t ns = longest_ns;

	longest_ns = 0;
	return ns;
}

static uint64_t now_ns(const fl_node *node)
{
	return node->port->now_ns(node->port);
}

/* HANDLER to RUNTIME, or through the gate when the context is gone. */
static void regain(fl_node *node, fli_act *act)
{
	uint64_t expected = act->seq << 2 | FLI_ACT_HANDLER;

	act->in_handler = false;
	/* acquire and release: against a watcher's compare-and-swap on the same word */
	if (!act->is_late && FLI_LIKELY(atomic_compare_exchange_strong_explicit(&node->act_word,
				     &expected, act->seq << 2 | FLI_ACT_RUNTIME,
				     memory_order_acq_rel, memory_order_relaxed)))
		return;
	if (act->is_late)
		act->own_ns += now_ns(node) - act->since_ns;
	act->is_late = true;
	fli_gate_lock(node);
}

static void release(fl_node *node, fli_act *act)
{
	act->in_handler = true;
	if (act->is_late) {
		fli_crew_wake(node); /* for what the call left to do */
		fli_gate_unlock(node);
		act->since_ns = now_ns(node);
	} else /* release: pairs with the acquire in fli_gate_steal */
		atomic_store_explicit(
			&node->act_word, act->seq << 2 | FLI_ACT_HANDLER, memory_order_release);
}

void fli_enter(fl_node *node)
{
	fli_act *act = fli_act_current(node);

	if (FLI_LIKELY(act != NULL && act->in_handler))
		regain(node, act);
	else if (!fli_context_is_lost(node))
		node->nest++;
	else
		fli_gate_lock(node);
}

void fli_leave(fl_node *node)
{
	fli_act *act = fli_act_current(node);

	if (node->nest > 0) {
		node->nest--;
		return;
	}
	if (node->exit_first != NULL)
		fli_exits_drain(node);
	if (FLI_LIKELY(act != NULL))
		release(node, act);
	else {
		fli_crew_wake(node);
		fli_gate_unlock(node);
	}
}

void fli_handler_begin(fli_frame *frame, fl_proc *proc, fl_atom sender, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_act *act = fli_act_current(node);

	if (act == NULL) {
		act = &frame->own;
		*act = (fli_act){.node = node, .below = current, .is_late = driven != node};
		current = act;
	}
	frame->act = act;
	frame->outer = act->proc;
	frame->outer_sender = act->sender;
	frame->outer_msg = act->msg;
	frame->drove = driven == node;
	frame->nest = node->nest; /* the handler's own calls begin anew */
	node->nest = 0;
	act->proc = proc;
	act->sender = sender;
	act->msg = msg;
	act->depth++;
	proc->act = act;
	proc->frames++;
	if (!act->is_late) {
		node->current = proc;
		act->seq = (atomic_load_explicit(&node->act_word, memory_order_relaxed) >> 2) + 1;
	}
	release(node, act);
}

bool fli_handler_end(fli_frame *frame, fl_proc *proc)
{
	fl_node *node = proc->node;
	fli_act *act = frame->act;

	regain(node, act);
	node->nest = frame->nest;
	act->proc = frame->outer;
	act->sender = frame->outer_sender;
	act->msg = frame->outer_msg;
	if (!act->is_late)
		node->current = frame->outer; /* the inner one may be gone by the next steal */
	act->depth--;
	proc->frames--;
	proc->act = NULL;
	if (act == &frame->own)
		current = act->below;
	if (act == &frame->own && act->own_ns > longest_ns)
		longest_ns = act->own_ns;
	if (act->is_late && driven == node)
		driven = NULL;
	return !(act->is_late && frame->drove);
}

void fli_frame_release(fli_frame *frame, fl_node *node)
{
	fli_act *act = frame->act;
	fli_msg *msg;

	if (act != &frame->own)
		return;
	while ((msg = act->kept) != NULL) {
		act->kept = msg->next;
		fli_msg_free(node, msg);
	}
}

void fli_stand_in_wait(fl_node *node, fli_act *act, const bool *done, uint64_t deadline_ns)
{
	fli_act *mine = current;

	act->is_late = true; /* somebody else drives from here on */
	fli_exits_drain(node);
	current = NULL;
	driven = NULL;
	fli_gate_unlock(node);
	node->stand_in->wait(node->stand_in->ctx, done, deadline_ns);
	fli_gate_lock(node);
	current = mine;
}
