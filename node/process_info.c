/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_info/1,2: a C process described in the words that observer, iex and etop read.
 *
 *  - Each item is a function that builds its value; a table maps names to functions.
 *  - What a C process has, is told: names, links, monitors, mailbox, state, group leader.
 *  - What only a BEAM process has (heap, garbage collection, catch level) gets the value of a fresh
 *    one, so that tools which insist on the key show something harmless.
 *
 * Departures from OTP: current_function is {flitch, wait | run, 0}; reductions count handled
 * messages; sizes in words are of the state and the mailbox.
 */
#include "node/log_event.h"
#include "node/natives.h"

typedef void item_value(const fl_proc *proc, fl_buf *b);

typedef struct item {
	const char *name;
	item_value *value;
	bool by_default; /* shown by process_info/1, in the table's order */
} item;

#define ANCESTORS_MAX 64
#define WORD_BYTES sizeof(void *)

size_t fli_proc_bytes(const fl_proc *proc)
{
	size_t bytes = sizeof *proc + proc->behaviour->state_size;

	if (proc->extra != NULL)
		bytes += sizeof *proc->extra;
	for (const fli_msg *m = proc->first; m != NULL; m = m->next)
		bytes += sizeof *m + m->capacity + (m->block == NULL ? 0 : m->size);
	return bytes;
}

/* ---- who and what ---------------------------------------------------------------------------- */

static void registered_name(const fl_proc *proc, fl_buf *b)
{
	if (proc->name != NULL)
		(void)fl_build(b, "~", proc->name->text);
	else
		(void)fl_build(b, "[]");
}

static const char *doing(const fl_proc *proc)
{
	return proc->status == FLI_WAITING ? "wait" : "run";
}

static void current_function(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "{flitch, ~, 0}", fl_atom_of(doing(proc)));
}

static void current_location(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "{flitch, ~, 0, []}", fl_atom_of(doing(proc)));
}

static void current_stacktrace(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "[{flitch, ~, 0, []}]", fl_atom_of(doing(proc)));
}

static void initial_call(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* as every process of proc_lib; the dictionary has the real one */
	(void)fl_build(b, "{proc_lib, init_p, 5}");
}

static void status(const fl_proc *proc, fl_buf *b)
{
	static const char *const names[] = {[FLI_STARTING] = "running",
		[FLI_WAITING] = "waiting",
		[FLI_RUNNABLE] = "runnable",
		[FLI_RUNNING] = "running",
		[FLI_SUSPENDED] = "suspended",
		[FLI_EXITING] = "exiting"};

	(void)fl_build(b, "~", fl_atom_of(names[proc->status]));
}

/* The parent, as far as it lives. */
static const fl_proc *add_ancestor(const fl_proc *proc, fl_buf *b)
{
	const fl_pid *parent = &proc->extra->parent;
	const fl_proc *found = fli_proc_of(proc->node, parent);

	if (found != NULL && found->name != NULL)
		(void)fl_build(b, "~", found->name->text);
	else
		(void)fl_build(b, "~", *parent);
	return found;
}

static void ancestors(const fl_proc *proc, fl_buf *b)
{
	fl_list_open(b);
	for (int i = 0; i < ANCESTORS_MAX && proc != NULL; i++)
		proc = proc->extra != NULL && proc->extra->has_parent ? add_ancestor(proc, b)
								      : NULL;
	fl_list_close(b);
}

static void label(const fl_proc *proc, fl_buf *b)
{
	fl_term term;

	if (fli_proc_kept(proc, FLI_KEEP_LABEL, &term))
		(void)fl_build(b, "~", term);
	else
		(void)fl_build(b, "undefined");
}

static void init_call(const fl_proc *proc, fl_buf *b)
{
	fl_atom name = fl_atom_of(proc->behaviour->name);

	if (proc->behaviour->supervisor != NULL)
		(void)fl_build(b, "{supervisor, ~, 1}", name);
	else
		(void)fl_build(b, "{~, init, 1}", name);
}

void fli_dictionary_write(const fl_proc *proc, fl_buf *buf)
{
	fl_term label_term;

	fl_list_open(buf);
	fl_tuple_open(buf);
	(void)fl_build(buf, "'$initial_call'");
	init_call(proc, buf);
	fl_tuple_close(buf);
	fl_tuple_open(buf);
	(void)fl_build(buf, "'$ancestors'");
	ancestors(proc, buf);
	fl_tuple_close(buf);
	if (fli_proc_kept(proc, FLI_KEEP_LABEL, &label_term))
		(void)fl_build(buf, "{'$process_label', ~}", label_term);
	fl_list_close(buf);
}

static void parent(const fl_proc *proc, fl_buf *b)
{
	if (proc->extra != NULL && proc->extra->has_parent)
		(void)fl_build(b, "~", proc->extra->parent);
	else
		(void)fl_build(b, "undefined");
}

static void group_leader(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", fli_proc_group_leader(proc));
}

static void trap_exit(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", fl_bool(proc->trap_exit));
}

/* ---- links and monitors ---------------------------------------------------------------------- */

static void links(const fl_proc *proc, fl_buf *b)
{
	const fli_plink *link;

	fl_list_open(b);
	for (fli_link *l = proc->links.next; l != &proc->links; l = l->next) {
		link = fli_container_of(l, fli_plink, in_proc);
		if (link->unlink_id == 0)
			(void)fl_build(b, "~", link->other);
	}
	fl_list_close(b);
}

static void add_monitor(const fl_node *node, const fli_monitor *m, fl_buf *b)
{
	if (m->name.size == 0)
		(void)fl_build(b, "{process, ~}", m->target_pid);
	else
		(void)fl_build(b, "{process, {~, ~}}", m->name,
			m->target_peer != NULL ? m->target_peer->name : node->name);
}

static void monitors(const fl_proc *proc, fl_buf *b)
{
	fl_list_open(b);
	for (fli_link *l = proc->monitors.next; l != &proc->monitors; l = l->next)
		add_monitor(proc->node, fli_container_of(l, fli_monitor, in_watcher), b);
	fl_list_close(b);
}

static void monitored_by(const fl_proc *proc, fl_buf *b)
{
	fl_list_open(b);
	for (fli_link *l = proc->watchers.next; l != &proc->watchers; l = l->next)
		(void)fl_build(b, "~", fli_container_of(l, fli_monitor, in_target)->watcher_pid);
	fl_list_close(b);
}

/* ---- mailbox and sizes ----------------------------------------------------------------------- */

static void message_queue_len(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", proc->mailbox_count);
}

static void messages(const fl_proc *proc, fl_buf *b)
{
	fl_list_open(b);
	for (const fli_msg *m = proc->first; m != NULL; m = m->next)
		if (m->kind < FLI_MSG_NODE_UP)
			(void)fl_build(b, "~", fli_msg_term(proc->node, m));
	fl_list_close(b);
}

static void memory(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", fli_proc_bytes(proc));
}

static void words(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", fli_proc_bytes(proc) / WORD_BYTES);
}

static void state_words(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", proc->behaviour->state_size / WORD_BYTES);
}

static void reductions(const fl_proc *proc, fl_buf *b)
{
	(void)fl_build(b, "~", proc->handled);
}

/* ---- what only a BEAM process has ------------------------------------------------------------ */

static void nothing(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "[]");
}

static void zero(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "0");
}

static void no(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "false");
}

static void priority(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "normal");
}

static void error_handler(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "error_handler");
}

static void message_queue_data(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "off_heap");
}

static void backtrace(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "<<\"C code has no Erlang stack\">>");
}

static void max_heap_size(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "#{error_logger => true, include_shared_binaries => false, "
			  "kill => true, size => 0}");
}

static void garbage_collection(const fl_proc *proc, fl_buf *b)
{
	(void)proc; /* the same for all */
	(void)fl_build(b, "[{max_heap_size, #{error_logger => true, "
			  "include_shared_binaries => false, kill => true, size => 0}}, "
			  "{min_bin_vheap_size, 0}, {min_heap_size, 0}, {fullsweep_after, 0}, "
			  "{minor_gcs, 0}]");
}

/* ---- the table ------------------------------------------------------------------------------- */

static const item items_known[] = {
	{"registered_name", registered_name, true},
	{"current_function", current_function, true},
	{"initial_call", initial_call, true},
	{"status", status, true},
	{"message_queue_len", message_queue_len, true},
	{"links", links, true},
	{"dictionary", fli_dictionary_write, true},
	{"trap_exit", trap_exit, true},
	{"error_handler", error_handler, true},
	{"priority", priority, true},
	{"group_leader", group_leader, true},
	{"total_heap_size", words, true},
	{"heap_size", state_words, true},
	{"stack_size", zero, true},
	{"reductions", reductions, true},
	{"garbage_collection", garbage_collection, true},
	{"suspending", nothing, true},
	{"async_dist", no, false},
	{"backtrace", backtrace, false},
	{"binary", nothing, false},
	{"catchlevel", zero, false},
	{"current_location", current_location, false},
	{"current_stacktrace", current_stacktrace, false},
	{"fullsweep_after", zero, false},
	{"garbage_collection_info", nothing, false},
	{"label", label, false},
	{"last_calls", no, false},
	{"max_heap_size", max_heap_size, false},
	{"memory", memory, false},
	{"message_queue_data", message_queue_data, false},
	{"messages", messages, false},
	{"min_bin_vheap_size", zero, false},
	{"min_heap_size", zero, false},
	{"monitored_by", monitored_by, false},
	{"monitors", monitors, false},
	{"parent", parent, false},
	{"sequential_trace_token", nothing, false},
	{"trace", zero, false},
};

static void add_item(const fl_proc *proc, const item *what, fl_buf *b)
{
	fl_tuple_open(b);
	(void)fl_build(b, "~", fl_atom_of(what->name));
	what->value(proc, b);
	fl_tuple_close(b);
}

int fli_process_info(const fl_proc *proc, fl_buf *result)
{
	const item *it = items_known;

	fl_list_open(result);
	for (size_t i = 0; i < FLI_EXPORT_COUNT(items_known) && it[i].by_default; i++)
		if (it[i].value != registered_name || proc->name != NULL)
			add_item(proc, &it[i], result);
	fl_list_close(result);
	return result->error;
}

static void add_dictionary_key(const fl_proc *proc, fl_term key, fl_buf *b)
{
	fl_tuple_open(b);
	(void)fl_build(b, "{dictionary, ~}", key);
	if (fl_match(key, "'$initial_call'"))
		init_call(proc, b);
	else if (fl_match(key, "'$ancestors'"))
		ancestors(proc, b);
	else if (fl_match(key, "'$process_label'"))
		label(proc, b);
	else
		(void)fl_build(b, "undefined");
	fl_tuple_close(b);
}

static bool add_named(const fl_proc *proc, fl_term name, fl_buf *b)
{
	fl_atom atom;
	fl_term key;

	if (fl_match(name, "{dictionary, ~}", &key)) {
		add_dictionary_key(proc, key, b);
		return true;
	}
	if (!fl_match(name, "~", &atom))
		return false;
	for (size_t i = 0; i < FLI_EXPORT_COUNT(items_known); i++) {
		if (!fl_atom_is(atom, items_known[i].name))
			continue;
		add_item(proc, &items_known[i], b);
		return true;
	}
	return false;
}

bool fli_process_info_items(const fl_proc *proc, fl_term items, fl_buf *result)
{
	fl_kind kind = fl_term_kind(items);
	fl_term name;

	/* A quirk that OTP keeps: without a name, the single item is [] and no pair. */
	if (proc->name == NULL && fl_match(items, "registered_name"))
		return fl_build(result, "[]") == FL_OK;
	if (kind != FL_LIST && kind != FL_NIL)
		return add_named(proc, items, result);
	fl_list_open(result);
	while (fl_list_next(&items, &name))
		if (!add_named(proc, name, result))
			return false;
	fl_list_close(result);
	return fl_term_kind(items) == FL_NIL;
}

/* A line of proc_lib's crash report. */
static void add_pair(const fl_proc *proc, const char *name, item_value *value, fl_buf *b)
{
	fl_tuple_open(b);
	(void)fl_build(b, "~", fl_atom_of(name));
	value(proc, b);
	fl_tuple_close(b);
}

void fli_crash_info_write(fl_buf *buf, const fl_proc *proc, fl_term reason)
{
	fl_atom module = fl_atom_of(proc->behaviour->name);
	fl_term kept;

	fl_list_open(buf);
	(void)fl_build(buf, "{initial_call, {~, init, ['Argument__1']}}", module);
	(void)fl_build(buf, "{pid, ~}", fli_proc_pid(proc));
	add_pair(proc, "registered_name", registered_name, buf);
	if (fli_proc_kept(proc, FLI_KEEP_LABEL, &kept))
		add_pair(proc, "process_label", label, buf);
	fl_tuple_open(buf);
	(void)fl_build(buf, "error_info");
	fl_tuple_open(buf);
	(void)fl_build(buf, "exit");
	fli_log_write_limited(buf, reason);
	(void)fl_build(buf, "[]");
	fl_tuple_close(buf);
	fl_tuple_close(buf);
	add_pair(proc, "ancestors", ancestors, buf);
	add_pair(proc, "message_queue_len", message_queue_len, buf);
	(void)fl_build(buf, "{messages, []}"); /* they may be of any size, and secret */
	add_pair(proc, "links", links, buf);
	add_pair(proc, "dictionary", nothing, buf);
	add_pair(proc, "trap_exit", trap_exit, buf);
	(void)fl_build(buf, "{status, running}");
	add_pair(proc, "heap_size", state_words, buf);
	add_pair(proc, "stack_size", zero, buf);
	add_pair(proc, "reductions", reductions, buf);
	fl_list_close(buf);
}
