/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process world of a node: birth, one turn, end.
 *
 * A turn runs timers that are due and then processes from the run queue, a bounded number of
 * messages in all, so that sockets are looked at again soon however much there is to do.
 */
#include <string.h>

#include "node/access.h"
#include "node/behaviours.h"
#include "node/conflict.h"
#include "node/docs.h"
#include "node/durable.h"
#include "node/events.h"
#include "node/export.h"
#include "node/groups.h"
#include "node/runtime.h"
#include "node/sched.h"
#include "node/via.h"

#define MESSAGES_PER_PROCESS 64 /* before the next process has its turn */
#define SLICES_PER_TURN 1024
#define TURN_NS 2000000
#define END_ROUNDS 3
#define SCRATCH_KEEP (1 << 16)

fli_limits fli_limits_default(void)
{
	return (fli_limits){.processes_max = 4000000,
		.mailbox_max = 1000000,
		.signals_per_peer_max = 1000000,
		.atoms_max = 65536,
		.message_bytes_max = 256U << 20,
		.threads_max = 64,
		.offloads_max = 65536};
}

static bool name_has_key(const void *item, const void *key)
{
	const fli_name *name = item;

	return fl_atom_eq(name->text, *(const fl_atom *)key);
}

static bool alias_has_key(const void *item, const void *key)
{
	const fli_alias *alias = item;

	return fl_ref_eq(&alias->ref, key);
}

static bool timer_has_key(const void *item, const void *key)
{
	const fli_send_timer *timer = item;

	return fl_ref_eq(&timer->ref, key);
}

static void create_tables(fl_node *node)
{
	fli_map_create(&node->names, node->mem, name_has_key);
	fli_map_create(&node->monitors, node->mem, fli_monitor_has_key);
	fli_map_create(&node->plinks, node->mem, fli_plink_has_key);
	fli_map_create(&node->aliases, node->mem, alias_has_key);
	fli_map_create(&node->timers, node->mem, timer_has_key);
	fli_buf_create(&node->scratch, node->mem, 0);
	fli_spares_create(&node->spares, node->mem);
	fli_list_create(&node->suspended);
	fli_list_create(&node->watchful);
}

int fli_node_create(fl_node **ret_node, const char *name, const fli_limits *limits,
	const fli_port *port, fli_mem *mem)
{
	fl_node *node = fli_zalloc(mem, sizeof *node);

	if (node == NULL)
		return FL_ENOMEM;
	node->mem = mem;
	node->port = port;
	node->limits = *limits;
	port->random(port, &node->seed, sizeof node->seed);
	port->random(port, &node->creation, sizeof node->creation);
	node->creation |= 4;                                 /* 0 to 3 are reserved */
	node->ref_next = (uint64_t)port->wall_us(port) << 8; /* unlike those of an earlier life */
	node->unlink_next = 1;
	fli_log_create(&node->log, NULL, NULL, FLI_NOTICE);
	fli_wheel_create(&node->wheel, port->now_ns(port) / 1000000);
	create_tables(node);
	node->atoms = fli_atoms_new(mem, node->seed, limits->atoms_max);
	if (node->atoms == NULL ||
		!fli_atoms_intern_own(node->atoms, name, strlen(name), &node->name) ||
		fli_sched_create(node) != FL_OK) {
		fli_node_delete(node);
		return FL_ENOMEM;
	}
	*ret_node = node;
	return FL_OK;
}

void fli_node_rename(fl_node *node, fl_atom interned_name, uint32_t creation)
{
	node->name = interned_name;
	node->creation = creation;
	node->system_pid.node = interned_name;
	node->system_pid.creation = creation;
}

static void end_processes(fl_node *node)
{
	static const uint8_t shutdown[] = {119, 8, 's', 'h', 'u', 't', 'd', 'o', 'w', 'n'};
	fl_term reason = {.data = shutdown, .size = sizeof shutdown};
	fl_proc *proc;

	/* as a supervisor would: `terminate` is for those that trap exits, and for the node's own;
	 * it may start others: again, a few times, and then without a word */
	for (int round = 0; node->procs_count > 0 && round <= END_ROUNDS; round++) {
		uint32_t cursor = 0;

		while ((proc = fli_proc_next(node, &cursor)) != NULL)
			if (round < END_ROUNDS && (proc->trap_exit || proc->is_system))
				(void)fli_server_stop(proc, reason, NULL); /* nobody drives */
			else
				fli_proc_exit(proc, reason);
		fli_exits_drain(node);
	}
	while ((proc = node->run_first) != NULL) {
		node->run_first = proc->run_next;
		proc->in_queue = false;
		fli_proc_free(proc);
	}
}

void fli_node_delete(fl_node *node)
{
	fli_msg *msg;

	if (node->gate != NULL)
		end_processes(node);
	if (node->via != NULL)
		node->via->destroy(node);
	if (node->groups != NULL)
		node->groups->destroy(node);
	fli_tables_delete(node);
	fli_durables_delete(node);
	fli_timers_destroy(node);
	fli_calls_destroy(node);
	fli_events_delete(node);
	fli_exports_delete(node);
	fli_docs_delete(node);
	fli_access_delete(node);
	fli_behaviours_delete(node);
	fli_conflicts_delete(node);
	for (int i = 0; i < FLI_POOL_CLASSES; i++)
		while ((msg = node->pool[i]) != NULL) {
			node->pool[i] = msg->next;
			fli_free(node->mem, msg);
		}
	fli_map_destroy(&node->names);
	fli_map_destroy(&node->monitors);
	fli_map_destroy(&node->plinks);
	fli_map_destroy(&node->aliases);
	fli_map_destroy(&node->timers);
	fli_buf_destroy(&node->scratch);
	fli_spares_destroy(&node->spares);
	fli_free(node->mem, node->procs);
	fli_sched_destroy(node);
	if (node->atoms != NULL)
		fli_atoms_delete(node->atoms);
	fli_free(node->mem, node);
}

/* ---- the run queue ----------------------------------------------------------------------------
 */

void fli_run_queue_add(fl_proc *proc)
{
	fl_node *node = proc->node;

	if (proc->in_queue)
		return;
	proc->status = FLI_RUNNABLE;
	proc->in_queue = true;
	proc->run_next = NULL;
	if (node->run_last == NULL)
		node->run_first = proc;
	else
		node->run_last->run_next = proc;
	node->run_last = proc;
	node->run_count++;
}

static fl_proc *run_queue_pop(fl_node *node)
{
	fl_proc *proc = node->run_first;

	if (proc == NULL)
		return NULL;
	node->run_first = proc->run_next;
	if (node->run_first == NULL)
		node->run_last = NULL;
	node->run_count--;
	return proc;
}

/* False: lost. */
static bool run_one(fl_node *node, fl_proc *proc)
{
	if (proc->status != FLI_EXITING && proc->slow > 0 && fli_crew_run_slow(proc))
		return true;
	proc->in_queue = false;
	if (proc->status == FLI_EXITING || proc->frames > 0) { /* or its last handler runs */
		fli_proc_free(proc);
		return true;
	}
	fli_gate_yield(node);
	return fli_server_run(proc, MESSAGES_PER_PROCESS);
}

fli_turn fli_node_turn(fl_node *node, uint64_t now_ms)
{
	fl_proc *proc;
	uint64_t end_ns = node->port->now_ns(node->port) + TURN_NS;
	int left = SLICES_PER_TURN;

	if (now_ms > node->wheel.now_ms)
		fli_wheel_advance(&node->wheel, now_ms);
	if (node->exit_first != NULL)
		fli_exits_drain(node);
	if (node->run_first != NULL)
		fli_crew_active(node);
	while (left-- > 0 && (proc = run_queue_pop(node)) != NULL)
		if (!run_one(node, proc))
			return FLI_TURN_LOST;
		else if (left % 8 == 0 && node->port->now_ns(node->port) > end_ns)
			break;
	return node->run_first != NULL ? FLI_TURN_MORE : FLI_TURN_IDLE;
}

uint64_t fli_node_next_ms(fl_node *node)
{
	return fli_wheel_next(&node->wheel);
}

fl_atom fl_node_name(const fl_node *node)
{
	return node->name;
}
