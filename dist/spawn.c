/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spawn requests.
 *
 *  - The options are read, a worker is made, the answer is emitted.
 *  - Then the monitor and the link are set up without a word, since the answer announced them.
 *  - The worker runs in a later turn: its end comes after the answer.
 *
 * Failure: options that no release knows are `badopt`, as the BEAM answers. A function that is not
 * here is no failure of the request: the worker ends with `undef`.
 */
#include "dist/spawn.h"

#include "dist/dist.h"
#include "dist/worker.h"

#define OPTIONS_BYTES_MAX 4096

typedef struct spawn_options {
	bool link;
	bool monitor;
} spawn_options;

/* What tunes a BEAM process says nothing to one in C, and is accepted. */
static bool is_tuning(fl_term option)
{
	static const char *const names[] = {"priority", "fullsweep_after", "min_heap_size",
		"min_bin_vheap_size", "max_heap_size", "message_queue_data", "scheduler",
		"async_dist"};
	fl_atom name;

	if (!fl_match(option, "{~, _}", &name))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (fl_atom_is(name, names[i]))
			return true;
	return false;
}

static bool read_list(fl_term list, spawn_options *ret_options)
{
	spawn_options options = {0};
	fl_term option;

	while (fl_list_next(&list, &option)) {
		if (fl_match(option, "link") || fl_match(option, "{link, _}"))
			options.link = true;
		else if (fl_match(option, "monitor") || fl_match(option, "{monitor, _}"))
			options.monitor = true;
		else if (!is_tuning(option))
			return false;
	}
	*ret_options = options;
	return fl_term_kind(list) == FL_NIL;
}

static bool read_options(fl_node *node, const fli_signal *signal, spawn_options *ret_options)
{
	const fli_part *part = &signal->spawn.options;
	uint8_t bytes[OPTIONS_BYTES_MAX];

	if (part->data == NULL || part->walked.expanded_size > sizeof bytes)
		return false;
	fli_expand(part->data, &part->walked, signal->refs, bytes);
	return read_list(fli_term(node, bytes, part->walked.expanded_size), ret_options);
}

static void answer(fli_peer *peer, const fli_outbound_spawned *reply)
{
	fli_outbound *out = fli_dist_out(peer);

	if (out != NULL)
		fli_dist_wrote(peer, fli_outbound_spawn_reply(out, reply));
}

static void refuse(fli_peer *peer, const fli_signal *signal, const char *error)
{
	fli_outbound_spawned reply = {
		.id = &signal->ref, .to = &signal->from, .error = fl_atom_of(error)};

	answer(peer, &reply);
}

static void tie(
	fl_node *node, fli_peer *peer, const fli_signal *signal, const fli_outbound_spawned *reply)
{
	fli_target target = {.kind = FLI_TARGET_PID, .pid = reply->child};

	if (reply->is_monitored)
		fli_remote_monitor(node, peer, &signal->from, &target, &signal->ref);
	if (reply->is_linked)
		fli_remote_link(node, peer, &signal->from, reply->child);
}

void fli_spawn_request(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	fli_payload args = {.data = signal->payload.data,
		.walked = &signal->payload.walked,
		.refs = signal->refs};
	fli_worker worker = {.module = signal->spawn.module,
		.function = signal->spawn.function,
		.payload = &args,
		.sender = peer->name,
		.leader = &signal->spawn.leader};
	fli_outbound_spawned reply = {.id = &signal->ref, .to = &signal->from};
	spawn_options options;
	fl_proc *proc;
	fl_pid child;

	if (args.data == NULL || !read_options(node, signal, &options)) {
		refuse(peer, signal, "badopt");
		return;
	}
	if (fli_worker_start(node, &worker, &proc) != FL_OK) {
		refuse(peer, signal, "system_limit");
		return;
	}
	child = fli_proc_pid(proc);
	reply.child = &child;
	reply.is_linked = options.link;
	reply.is_monitored = options.monitor;
	answer(peer, &reply);
	tie(node, peer, signal, &reply);
}
