/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREATION 77

fake_remote fake;

static const char *pid_text(const fl_pid *pid, char *ret_text, size_t size)
{
	char node = pid->node.size == 0 ? '-' : *pid->node.text;

	(void)snprintf(ret_text, size, "<%c.%u.%u>", node, pid->id, pid->serial);
	return ret_text;
}

static const char *target_text(const fli_target *to, char *ret_text, size_t size)
{
	if (to->kind == FLI_TARGET_PID)
		return pid_text(to->pid, ret_text, size);
	if (to->kind == FLI_TARGET_ALIAS)
		(void)snprintf(ret_text, size, "alias");
	else
		(void)snprintf(ret_text, size, "%.*s", (int)to->name.size, to->name.text);
	return ret_text;
}

static void note_two(const char *what, const fl_pid *from, const fl_pid *to)
{
	char a[64], b[64];

	actor_note("%s %s %s", what, pid_text(from, a, sizeof a), pid_text(to, b, sizeof b));
}

static void note_reason(fl_term reason)
{
	char text[256];

	actor_note(" %s;", fl_print_to(text, sizeof text, reason));
}

static fli_peer *op_peer(void *dist, fl_atom node)
{
	(void)dist;
	return !fake.is_refused && fl_atom_is(node, "b@h") ? &fake.peer : NULL;
}

static fli_buf *op_send_begin(fli_peer *peer, const fl_pid *from, const fli_target *to)
{
	char text[300], me[64];
	fli_buf last = fake.buf;

	(void)peer;
	fake.buf = fake.before;
	fake.before = last;
	actor_note("send %s %s", pid_text(from, me, sizeof me), target_text(to, text, sizeof text));
	fli_buf_clear(&fake.buf, 1000);
	return &fake.buf;
}

static int op_send_end(fli_peer *peer)
{
	fl_term term = {.data = fake.buf.data, .size = fake.buf.size};
	fl_term rest;

	(void)peer;
	if (fl_match(term, "{'$gen_call', {_, ~}, ~}", &fake.ref, &rest))
		term = rest;
	note_reason(term);
	return fake.end_code;
}

static void op_send_cancel(fli_peer *peer)
{
	(void)peer;
	actor_note(" cancelled;");
}

static void op_link(fli_peer *peer, const fl_pid *from, const fl_pid *to)
{
	(void)peer;
	note_two("link", from, to);
	actor_note(";");
}

static void op_unlink(fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to)
{
	(void)peer;
	fake.unlink_id = id;
	note_two("unlink", from, to);
	actor_note(";");
}

static void op_unlink_ack(fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to)
{
	(void)peer;
	note_two("ack", from, to);
	actor_note(" %u;", (unsigned)id);
}

static void op_exit(fli_peer *peer, const fl_pid *from, const fl_pid *to, fl_term reason)
{
	(void)peer;
	note_two("exit", from, to);
	note_reason(reason);
}

static void op_exit2(fli_peer *peer, const fl_pid *from, const fl_pid *to, fl_term reason)
{
	(void)peer;
	note_two("exit2", from, to);
	note_reason(reason);
}

static void note_monitor(const char *what, const fl_pid *watcher, const fli_target *to)
{
	char a[64], b[300];

	actor_note("%s %s %s", what, pid_text(watcher, a, sizeof a), target_text(to, b, sizeof b));
}

static void op_monitor(
	fli_peer *peer, const fl_pid *watcher, const fli_target *to, const fl_ref *ref)
{
	(void)peer;
	fake.ref = *ref;
	note_monitor("monitor", watcher, to);
	actor_note(";");
}

static void op_demonitor(
	fli_peer *peer, const fl_pid *watcher, const fli_target *to, const fl_ref *ref)
{
	(void)peer;
	(void)ref;
	note_monitor("demonitor", watcher, to);
	actor_note(";");
}

static void op_down(fli_peer *peer, const fli_target *what, const fl_pid *watcher,
	const fl_ref *ref, fl_term reason)
{
	(void)peer;
	fake.ref = *ref;
	note_monitor("down", watcher, what);
	note_reason(reason);
}

static void op_group_leader(fli_peer *peer, const fl_pid *leader, const fl_pid *process)
{
	(void)peer;
	note_two("leader", leader, process);
	actor_note(";");
}

static bool op_is_busy(const fli_peer *peer)
{
	(void)peer;
	return fake.is_busy;
}

static const fli_remote_ops ops = {
	.peer = op_peer,
	.find = op_peer,
	.send_begin = op_send_begin,
	.send_end = op_send_end,
	.send_cancel = op_send_cancel,
	.link = op_link,
	.unlink = op_unlink,
	.unlink_ack = op_unlink_ack,
	.exit = op_exit,
	.exit2 = op_exit2,
	.monitor = op_monitor,
	.demonitor = op_demonitor,
	.down = op_down,
	.group_leader = op_group_leader,
	.is_busy = op_is_busy,
};

void fake_remote_attach(world *w)
{
	fl_atom name;

	fake = (fake_remote){.is_busy = false};
	fli_buf_create(&fake.buf, fli_mem_libc(), 0);
	fli_buf_create(&fake.before, fli_mem_libc(), 0);
	if (!fli_atoms_intern(w->node->atoms, "b@h", 3, &name))
		abort();
	fli_peer_create(&fake.peer, name);
	fli_remote_attach(w->node, &ops, NULL);
}

void fake_remote_detach(world *w)
{
	fake_remote_down(w);
	fli_buf_destroy(&fake.buf);
	fli_buf_destroy(&fake.before);
}

void fake_remote_up(world *w, uint32_t creation)
{
	fli_enter(w->node);
	fake.peer.creation = creation;
	fake.peer.has_monitors = true;
	fli_remote_nodeup(w->node, &fake.peer);
	fli_leave(w->node);
	world_settle(w);
}

void fake_remote_down(world *w)
{
	fli_enter(w->node);
	fli_remote_nodedown(w->node, &fake.peer, "connection_closed");
	fli_leave(w->node);
	world_settle(w);
}

fl_pid fake_pid(uint32_t id)
{
	return (fl_pid){.node = fake.peer.name, .id = id, .creation = CREATION};
}

fl_ref fake_ref(uint32_t word)
{
	return (fl_ref){
		.node = fake.peer.name, .creation = CREATION, .count = 3, .words = {word, 2, 3}};
}

const fli_payload *fake_payload(const char *text)
{
	static uint8_t bytes[4096];
	static fli_walked walked;
	static fli_payload payload;
	fl_buf buf = FL_BUF_INIT;
	fl_error err;

	if (fl_read(&buf, text, strlen(text), &err) != FL_OK || buf.size > sizeof bytes ||
		!fli_walk(buf.data, buf.size, NULL, &walked))
		abort();
	memcpy(bytes, buf.data, buf.size);
	fl_buf_free(&buf);
	payload = (fli_payload){.data = bytes, .walked = &walked};
	return &payload;
}
