/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: the table of pids, birth and death.
 *
 *  - A pid's id is a slot of the table and its serial that slot's use count, so that look-up is an
 *    index and a freed slot goes to the end of the queue before it is used again.
 *  - fli_proc_exit makes a process dead for everybody at once and queues it; fli_exits_drain tells
 *    links, monitors and callers, one process after the other, so that a chain of links of any
 *    length needs no stack.
 *
 * Failure: a process that dies while a handler of it is on some stack keeps its memory until that
 * frame has left; nothing that the frame still asks for is done.
 */
#include <string.h>

#include "node/base/bug.h"
#include "node/behaviours.h"
#include "node/debug.h"
#include "node/events.h"
#include "node/owned.h"
#include "node/registry.h"
#include "node/runtime.h"
#include "node/sched.h"
#include "node/term/tag.h"
#include "node/via.h"

#define SCRATCH_KEEP (1 << 16)
#define SLOTS_FIRST 64
#define NO_SLOT UINT32_MAX
#define NARROW_IDS 0x7fff /* OTP 23: 15 bits of id, 13 of serial */
#define NARROW_SERIALS 0x1fff
#define WIDE_IDS ((1U << 28) - 1)

static void queue_free(fl_node *node, uint32_t id)
{
	node->procs[id].next_free = NO_SLOT;
	if (node->procs_free_last == NO_SLOT)
		node->procs_free_first = id;
	else
		node->procs[node->procs_free_last].next_free = id;
	node->procs_free_last = id;
}

static bool grow_table(fl_node *node)
{
	uint32_t ids_max = node->limits.narrow_pids ? NARROW_IDS : WIDE_IDS;
	uint32_t old = node->procs_capacity;
	uint32_t capacity = old == 0 ? SLOTS_FIRST : old * 2;
	fli_proc_slot *slots;

	if (capacity > ids_max)
		capacity = ids_max;
	if (capacity <= old)
		return false;
	slots = fli_realloc(node->mem, node->procs, (size_t)capacity * sizeof *slots);
	if (slots == NULL)
		return false;
	node->procs = slots;
	if (old == 0)
		node->procs_free_first = node->procs_free_last = NO_SLOT;
	memset(slots + old, 0, (size_t)(capacity - old) * sizeof *slots);
	for (uint32_t id = old == 0 ? 1 : old; id < capacity; id++)
		queue_free(node, id);
	node->procs_capacity = capacity;
	return true;
}

static bool take_slot(fl_proc *proc)
{
	fl_node *node = proc->node;
	uint32_t id;

	if (node->procs_count >= node->limits.processes_max)
		return false;
	if ((node->procs_capacity == 0 || node->procs_free_first == NO_SLOT) && !grow_table(node))
		return false;
	id = node->procs_free_first;
	node->procs_free_first = node->procs[id].next_free;
	if (node->procs_free_first == NO_SLOT)
		node->procs_free_last = NO_SLOT;
	node->procs[id].proc = proc;
	proc->id = id;
	proc->serial = node->procs[id].serial;
	node->procs_count++;
	return true;
}

static void give_slot(fl_proc *proc)
{
	fl_node *node = proc->node;
	fli_proc_slot *slot = &node->procs[proc->id];

	slot->proc = NULL;
	slot->serial++;
	if (node->limits.narrow_pids)
		slot->serial &= NARROW_SERIALS;
	queue_free(node, proc->id);
	node->procs_count--;
}

fl_proc *fli_proc_find(const fl_node *node, uint32_t id, uint32_t serial)
{
	if (id >= node->procs_capacity ||
		(node->procs[id].serial != serial && !FLI_BUG(reply_to_successor)))
		return NULL;
	return node->procs[id].proc;
}

bool fli_pid_is_local(const fl_node *node, const fl_pid *pid)
{
	return pid->node.text == node->name.text || fl_atom_eq(pid->node, node->name);
}

fl_proc *fli_proc_of(const fl_node *node, const fl_pid *pid)
{
	if ((pid->creation != node->creation && !FLI_BUG(old_creation_accepted)) ||
		!fli_pid_is_local(node, pid))
		return NULL;
	return fli_proc_find(node, pid->id, pid->serial);
}

fl_pid fli_proc_pid(const fl_proc *proc)
{
	return (fl_pid){.node = proc->node->name,
		.id = proc->id,
		.serial = proc->serial,
		.creation = proc->node->creation};
}

fl_proc *fli_proc_next(const fl_node *node, uint32_t *cursor)
{
	while (*cursor < node->procs_capacity) {
		fl_proc *proc = node->procs[(*cursor)++].proc;

		if (proc != NULL)
			return proc;
	}
	return NULL;
}

fli_extra *fli_proc_extra(fl_proc *proc)
{
	if (proc->extra == NULL) {
		proc->extra = fli_zalloc(proc->node->mem, sizeof *proc->extra);
		if (proc->extra != NULL) {
			proc->extra->proc = proc;
			fli_list_create(&proc->extra->tasks);
			fli_list_create(&proc->extra->suspended);
			fli_list_create(&proc->extra->in_watchful);
			fli_list_create(&proc->extra->owned);
			fli_list_create(&proc->extra->registered);
		}
	}
	return proc->extra;
}

fl_pid fli_proc_group_leader(const fl_proc *proc)
{
	if (proc->extra != NULL && proc->extra->has_group_leader)
		return proc->extra->group_leader;
	return proc->node->system_pid;
}

/* ---- birth ----------------------------------------------------------------------------------- */

static bool set_family(fl_proc *proc, const fli_start *start)
{
	const fl_proc *parent = start->parent;
	bool inherits = parent != NULL && parent->extra != NULL && parent->extra->has_group_leader;
	bool is_watchful = start->behaviour->node_up != NULL || start->behaviour->node_down != NULL;
	fli_extra *extra;

	if (start->group_leader == NULL && parent == NULL && !is_watchful)
		return true;
	extra = fli_proc_extra(proc);
	if (extra == NULL)
		return false;
	if (is_watchful)
		fli_list_append(&proc->node->watchful, &extra->in_watchful);
	if (parent != NULL) {
		extra->has_parent = true;
		extra->parent = fli_proc_pid(parent);
	}
	if (start->group_leader != NULL || inherits) {
		extra->has_group_leader = true;
		extra->group_leader = start->group_leader != NULL ? *start->group_leader
								  : parent->extra->group_leader;
	}
	return true;
}

static fl_proc *create(fl_node *node, const fli_start *start)
{
	const fl_behaviour *behaviour = fli_behaviour_to_run(node, start->behaviour);
	fl_proc *proc = behaviour == NULL
				? NULL
				: fli_zalloc(node->mem, sizeof *proc + behaviour->state_size);

	if (proc == NULL)
		return NULL;
	proc->node = node;
	proc->behaviour = behaviour;
	proc->status = FLI_STARTING;
	proc->trap_exit = behaviour->trap_exit;
	proc->is_system = start->is_system;
	proc->global_name =
		start->global_name != NULL ? start->global_name : start->behaviour->global_name;
	fli_list_create(&proc->links);
	fli_list_create(&proc->monitors);
	fli_list_create(&proc->watchers);
	fli_list_create(&proc->calls);
	fli_list_create(&proc->aliases);
	if (set_family(proc, start) && take_slot(proc))
		return proc;
	if (proc->extra != NULL)
		fli_list_remove(&proc->extra->in_watchful);
	fli_free(node->mem, proc->extra);
	fli_free(node->mem, proc);
	return NULL;
}

static int introduce(fl_proc *proc, const fli_start *start)
{
	fl_node *node = proc->node;
	fl_atom name;
	fl_pid pid;
	int rc = FL_OK;

	if (start->name != NULL) {
		if (!fli_atoms_intern_own(node->atoms, start->name, strlen(start->name), &name))
			return FL_ELIMIT;
		rc = fli_name_register(proc, name);
	}
	if (rc == FL_OK && start->via != NULL)
		rc = fli_via_register(proc, start->via);
	if (rc == FL_OK && start->link && start->parent != NULL) {
		pid = fli_proc_pid(proc);
		rc = fli_plink_add(start->parent, &pid);
	}
	return rc;
}

/* Takes a newborn back without a word to anybody. */
static void abandon(fl_proc *proc)
{
	fl_term none = {.data = NULL};

	proc->status = FLI_EXITING;
	fli_plinks_on_exit(proc, none);
	fli_names_on_exit(proc);
	fli_registry_on_exit(proc, none);
	give_slot(proc);
	fli_proc_free(proc);
}

static int start_later(fl_proc *proc, fl_term args)
{
	fli_msg *msg = fli_msg_of_term(proc->node, args);

	if (msg == NULL)
		return FL_ENOMEM;
	msg->kind = FLI_MSG_START;
	msg->body = 0;
	proc->status = FLI_WAITING;
	fli_mailbox_push(proc, msg);
	return FL_OK;
}

/* What init left: a server, or a reason. */
static int settle(fl_proc *proc, int rc, fl_buf *ret_reason)
{
	if (rc == FL_OK && proc->status != FLI_EXITING) {
		fli_server_rest(proc);
		return FL_OK;
	}
	if (ret_reason != NULL && fli_reason_is_set(proc))
		(void)fl_build(ret_reason, "~", fli_reason(proc));
	if (proc->global_name != NULL)
		return FL_ETAKEN; /* it did not get as far as its init */
	return rc == FL_IGNORE ? FL_ENOENT : FL_EEXIT;
}

int fli_proc_start(
	fl_node *node, const fli_start *start, fl_term args, fl_proc **ret_proc, fl_buf *ret_reason)
{
	fl_proc *proc;
	int rc;

	if (start->behaviour->isolation != FL_IN_NODE)
		return FL_ENOTSUP;
	proc = create(node, start);
	if (proc == NULL)
		return node->procs_count >= node->limits.processes_max ? FL_ELIMIT : FL_ENOMEM;
	rc = introduce(proc, start);
	if (rc == FL_OK && start->deferred)
		rc = start_later(proc, args);
	if (rc != FL_OK) {
		abandon(proc);
		return rc;
	}
	*ret_proc = proc;
	if (FLI_UNLIKELY(fli_event_wanted(node, FLI_EVENT_PROCESS_START)))
		fli_event_process(proc, FLI_EVENT_PROCESS_START, (fl_term){.data = NULL});
	if (start->deferred)
		return FL_OK;
	proc->frames++; /* keeps it while we look at what init left */
	rc = settle(proc, fli_server_init(proc, args), ret_reason);
	proc->frames--;
	fli_proc_free(proc);
	return rc;
}

/* ---- death ----------------------------------------------------------------------------------- */

static void list_free(fl_node *node, fli_msg **first)
{
	fli_msg *msg;

	while ((msg = *first) != NULL) {
		*first = msg->next;
		fli_msg_free(node, msg);
	}
}

int fli_reason_set(fl_proc *proc, fl_spec reason)
{
	fl_node *node = proc->node;
	fli_extra *extra = fli_proc_extra(proc);
	fli_msg *msg = NULL;

	fli_buf_clear(&node->scratch, SCRATCH_KEEP);
	if (extra != NULL && fli_build_values(&node->scratch, reason.pattern, reason.values,
				     reason.count) == FL_OK)
		msg = fli_msg_of_term(node, fli_term(node, node->scratch.data, node->scratch.size));
	if (msg == NULL)
		return FL_ENOMEM;
	msg->next = extra->reason;
	extra->reason = msg;
	proc->reason_is_lost = false;
	return FL_OK;
}

void fli_reason_forget(fl_proc *proc)
{
	if (proc->extra != NULL)
		list_free(proc->node, &proc->extra->reason);
	proc->reason_is_lost = false;
}

bool fli_reason_is_set(const fl_proc *proc)
{
	return !proc->reason_is_lost && proc->extra != NULL && proc->extra->reason != NULL;
}

fl_term fli_reason_of(fli_reason_atom *store, const char *text)
{
	size_t size = strlen(text);

	if (size > sizeof store->bytes - 2)
		size = sizeof store->bytes - 2;
	store->bytes[0] = FLI_SMALL_ATOM_UTF8_EXT;
	store->bytes[1] = (uint8_t)size;
	memcpy(store->bytes + 2, text, size);
	return (fl_term){.data = store->bytes, .size = size + 2};
}

fl_term fli_reason(const fl_proc *proc)
{
	static const uint8_t killed[] = {FLI_SMALL_ATOM_UTF8_EXT, 6, 'k', 'i', 'l', 'l', 'e', 'd'};

	if (!fli_reason_is_set(proc))
		return fli_term(proc->node, killed, sizeof killed);
	return fli_msg_term(proc->node, proc->extra->reason);
}

void fli_proc_exit(fl_proc *proc, fl_term reason)
{
	fl_node *node = proc->node;

	if (proc->status == FLI_EXITING)
		return;
	proc->status = FLI_EXITING;
	if (reason.data == NULL)
		proc->reason_is_lost = true; /* what was set before may be in use */
	else if (reason.data != fli_reason(proc).data)
		(void)fli_reason_set(proc, fl_spec("~", reason)); /* or the one before, or killed */
	proc->exit_next = NULL;
	if (node->exit_last == NULL)
		node->exit_first = proc;
	else
		node->exit_last->exit_next = proc;
	node->exit_last = proc;
}

static void bury(fl_proc *proc)
{
	fl_term reason = fli_reason(proc);

	if (FLI_UNLIKELY(fli_event_wanted(proc->node, FLI_EVENT_PROCESS_EXIT)))
		fli_event_process(proc, FLI_EVENT_PROCESS_EXIT, reason);
	if (proc->has_tables)
		fli_tables_on_exit(proc);
	fli_names_on_exit(proc);
	fli_registry_on_exit(proc, reason);
	fli_plinks_on_exit(proc, reason);
	fli_monitors_on_exit(proc, reason);
	fli_requests_on_exit(proc);
	fli_calls_on_exit(proc);
	fli_aliases_on_exit(proc);
	fli_tasks_on_exit(proc);
	fli_mailbox_clear(proc);
	give_slot(proc);
	if (proc->node->supervisor == proc)
		proc->node->supervisor = NULL;
}

void fli_exits_drain(fl_node *node)
{
	fl_proc *proc;

	if (node->is_draining)
		return;
	node->is_draining = true;
	while ((proc = node->exit_first) != NULL) {
		node->exit_first = proc->exit_next;
		if (node->exit_first == NULL)
			node->exit_last = NULL;
		bury(proc);
		fli_proc_free(proc);
	}
	node->is_draining = false;
}

void fli_proc_free(fl_proc *proc)
{
	fl_node *node = proc->node;
	fli_extra *extra = proc->extra;

	if (proc->status != FLI_EXITING || proc->frames > 0 || proc->in_queue)
		return;
	if (fli_proc_find(node, proc->id, proc->serial) == proc)
		return; /* not told to the others yet */
	if (extra != NULL) {
		fli_wheel_stop(&extra->idle);
		fli_list_remove(&extra->suspended);
		fli_list_remove(&extra->in_watchful);
		fli_msg_free(node, extra->continue_);
		list_free(node, &extra->reason);
		list_free(node, &extra->kept);
		fli_debug_end(proc);
		fli_free(node->mem, extra->statistics);
		fli_owned_destroy(node, &extra->owned);
		fli_free(node->mem, extra);
	}
	fli_mailbox_clear(proc);
	if (FLI_UNLIKELY(proc->behaviour->release != NULL))
		proc->behaviour->release(proc->state);
	fli_free(node->mem, proc);
}
