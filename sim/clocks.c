/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node has of the world in place of the machine's: clocks, random numbers, and a way to
 * wait without threads.
 *
 * Each node's monotonic clock begins elsewhere, so that times of two nodes are never mixed up
 * without being noticed. A handler that waits is put aside with its stack; the work of fl_offload
 * runs as an event of its own, one to two milliseconds later.
 */
#include "sim/node.h"

#define CLOCK_BEGINS_NS (1000000 * FLI_SIM_MS)
#define CLOCK_APART_NS (77777000 * FLI_SIM_MS)
#define WALL_BEGINS_US 1790000000000000
#define WORK_NS FLI_SIM_MS

/* ---- time ------------------------------------------------------------------------------------ */

static const fl_sim_node *of_port(const fli_port *port)
{
	return (const fl_sim_node *)(const void *)((const char *)port -
						   offsetof(fl_sim_node, port));
}

static uint64_t now_ns(const fli_port *port)
{
	const fl_sim_node *node = of_port(port);

	return node->prog.sim->now_ns + node->clock_ns;
}

static int64_t wall_us(const fli_port *port)
{
	const fl_sim_node *node = of_port(port);

	return (int64_t)(node->prog.sim->now_ns / 1000) + node->wall_us;
}

static void random_bytes(const fli_port *port, void *ret_bytes, size_t size)
{
	fl_sim_node *node = fli_container_of(port, fl_sim_node, port);

	fli_dice_fill(&node->dice, ret_bytes, size);
}

uint64_t fli_node_world_ns(const fl_sim_node *node, uint64_t clock_ms)
{
	uint64_t ns = clock_ms * FLI_SIM_MS;

	return ns > node->clock_ns ? ns - node->clock_ns : 0;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void wait_aside(void *ctx, const bool *done, uint64_t deadline_ns)
{
	fl_sim_node *node = ctx;
	uint64_t until = deadline_ns == UINT64_MAX ? UINT64_MAX : deadline_ns - node->clock_ns;

	node->is_turning = false; /* another stack takes turns */
	fli_node_wake(node);      /* what the handler has left goes on its way */
	fli_world_wait(&node->prog, done, until);
}

static void wake(void *ctx)
{
	fl_sim_node *node = ctx;

	if (!node->is_turning)
		fli_node_wake(node);
}

static bool may_wait(void *ctx)
{
	const fl_sim_node *node = ctx;

	return fli_world_waiting(&node->prog) < node->core.node->limits.threads_max;
}

void fl_sim_sleep(fl_proc *self, uint32_t ms)
{
	fl_node *node = self->node;
	uint64_t until = node->port->now_ns(node->port) + ms * FLI_SIM_MS;

	fli_enter(node);
	if (!node->is_closing)
		fli_stand_in_wait(node, self->act, &node->is_closing, until);
	fli_leave(node);
}

/* ---- work ------------------------------------------------------------------------------------ */

static void do_work(fli_work *w)
{
	const fli_work copy = *w;

	fli_list_remove(&w->link);
	fli_heap_unset(&copy.node->prog.sim->heap, &w->event);
	fli_store_free(w);
	copy.work(copy.arg);
}

static void on_work(fli_event *event)
{
	fli_work *w = fli_container_of(event, fli_work, event);
	fl_sim_node *node = w->node;

	if (node->state == FL_SIM_PAUSED)
		fli_heap_set(&node->prog.sim->heap, &w->event, node->prog.sim->now_ns + WORK_NS);
	else
		do_work(w);
}

void fl_sim_work_takes(fl_sim_node *node, uint32_t ms)
{
	node->work_ms = ms;
}

static uint64_t work_ns(fl_sim_node *node)
{
	uint64_t usual = WORK_NS + fli_dice_below(&node->fates, WORK_NS);

	return node->work_ms == 0 ? usual : node->work_ms * FLI_SIM_MS;
}

static int begin_work(void *ctx, void (*work)(void *arg), void *arg)
{
	fl_sim_node *node = ctx;
	fli_work *w = fli_store_zalloc(sizeof *w);

	w->event.fire = on_work;
	w->node = node;
	w->work = work;
	w->arg = arg;
	fli_list_append(&node->works, &w->link);
	fli_heap_set(&node->prog.sim->heap, &w->event, node->prog.sim->now_ns + work_ns(node));
	return FL_OK;
}

void fli_works_finish(fl_sim_node *node)
{
	while (!fli_list_is_empty(&node->works))
		do_work(fli_container_of(node->works.next, fli_work, link));
}

void fli_works_drop(fl_sim_node *node)
{
	while (!fli_list_is_empty(&node->works)) {
		fli_work *w = fli_container_of(node->works.next, fli_work, link);

		fli_list_remove(&w->link);
		fli_heap_unset(&node->prog.sim->heap, &w->event);
		fli_task_end_delete(w->arg, true); /* fl_offload is the only one who asks */
		fli_store_free(w);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

void fli_node_equip(fl_sim_node *node)
{
	const fl_sim *sim = node->prog.sim;
	size_t index = sim->nodes_count;

	node->port = (fli_port){.now_ns = now_ns, .wall_us = wall_us, .random = random_bytes};
	node->stand_in = (fli_stand_in){.wait = wait_aside,
		.wake = wake,
		.may_wait = may_wait,
		.work = begin_work,
		.ctx = node};
	node->dice = fli_dice_of(sim->options.seed, 'n', index);
	node->fates = fli_dice_of(sim->options.seed, 'f', index);
	node->prog.lag = fli_dice_of(sim->options.seed, 'l', index);
	node->clock_ns = CLOCK_BEGINS_NS + index * CLOCK_APART_NS;
	node->wall_us = WALL_BEGINS_US;
	fli_purse_create(&node->purse, &node->fates);
	fli_list_create(&node->works);
	fli_list_create(&node->calls);
}
