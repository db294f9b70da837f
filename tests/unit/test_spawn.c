/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/spawn.h"

#include <flitch.h>
#include <stdio.h>

#include "dist/dist.h"
#include "node/export.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static fli_peer peer;
static fli_outbound out;
static bool is_connected;
static char notes[4096];
static fl_pid parent = {.id = 7, .creation = 9};
static fl_ref request = {.creation = 9, .count = 3, .words = {1, 2, 3}};

static void note(const char *what)
{
	size_t used = strlen(notes);

	(void)snprintf(notes + used, sizeof notes - used, "%s;", what);
}

/* ---- the distribution that the spawning side sees
 * ------------------------------------------------ */

fli_outbound *fli_dist_out(fli_peer *p)
{
	CU_ASSERT_PTR_EQUAL(p, &peer);
	return is_connected ? &out : NULL;
}

/* Reads back the one frame that has been emitted: length, 112, 131 control. */
void fli_dist_wrote(fli_peer *p, int result)
{
	fli_signal signal;
	fli_control_input input = {.has_versions = true};
	const uint8_t *data;
	size_t size;
	char text[300];

	(void)p;
	CU_ASSERT_EQUAL_FATAL(result, FL_OK);
	CU_ASSERT_FATAL(fli_outbound_take(&out, &data, &size));
	input.data = data + 5;
	input.size = size - 5;
	CU_ASSERT_EQUAL_FATAL(fli_control_decode(&input, &signal, NULL), FL_OK);
	CU_ASSERT_EQUAL(signal.op, FLI_OP_SPAWN_REPLY);
	CU_ASSERT(fl_ref_eq(&signal.ref, &request));
	CU_ASSERT(fl_pid_eq(&signal.to, &parent));
	if (signal.target == FLI_TO_NAME)
		(void)snprintf(text, sizeof text, "reply %.*s %d", (int)signal.name.size,
			signal.name.text, (int)signal.id);
	else
		(void)snprintf(text, sizeof text, "reply pid %d", (int)signal.id);
	note(text);
	fli_outbound_done(&out, size);
}

static fli_peer *find_peer(void *dist, fl_atom node)
{
	(void)dist;
	return fl_atom_is(node, "a@b") ? &peer : NULL;
}

static void note_reason(const char *what, fl_term reason)
{
	char text[512], line[600];

	(void)snprintf(line, sizeof line, "%s %s", what, fl_print_to(text, sizeof text, reason));
	note(line);
}

static void on_exit_signal(fli_peer *p, const fl_pid *from, const fl_pid *to, fl_term reason)
{
	(void)p;
	(void)from;
	CU_ASSERT(fl_pid_eq(to, &parent));
	note_reason("exit", reason);
}

static void on_down(fli_peer *p, const fli_target *what, const fl_pid *watcher, const fl_ref *ref,
	fl_term reason)
{
	(void)p;
	CU_ASSERT_EQUAL(what->kind, FLI_TARGET_PID);
	CU_ASSERT(fl_pid_eq(watcher, &parent));
	CU_ASSERT(fl_ref_eq(ref, &request));
	note_reason("down", reason);
}

/* What goes to the caller's logger: the connection takes nothing more. */
static fli_buf *on_send(fli_peer *to, const fl_pid *from, const fli_target *target)
{
	(void)to;
	(void)from;
	(void)target;
	return NULL;
}

static const fli_remote_ops ops = {.peer = find_peer,
	.find = find_peer,
	.send_begin = on_send,
	.exit = on_exit_signal,
	.down = on_down};

/* ---- asking ------------------------------------------------------------------------------------
 */

static int native(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term what;

	if (fl_match(args, "[leader]")) {
		fl_pid leader = fli_proc_group_leader(self);

		return fl_raise(result, FL_EXIT, "~", leader);
	}
	if (fl_match(args, "[{exit, ~}]", &what))
		return fl_raise(result, FL_EXIT, "~", what);
	return fl_build(result, "ok");
}

static const fl_export exports[] = {{"m", "f", 1, native}};

static void begin(void)
{
	fli_outbound_config config = {.mem = fli_mem_libc(), .peer_creation = 9};
	fl_atom name;

	world_open(&w, fli_mem_libc());
	(void)fl_node_export(w.node, exports, 1);
	fli_outbound_create(&out, &config);
	CU_ASSERT(fli_atoms_intern(w.node->atoms, "a@b", 3, &name));
	fli_peer_create(&peer, name);
	peer.is_up = is_connected = peer.has_monitors = true;
	peer.creation = 9;
	parent.node = request.node = name;
	fli_remote_attach(w.node, &ops, NULL);
	notes[0] = '\0';
}

static void end(void)
{
	fli_outbound_destroy(&out);
	world_close(&w);
}

static bool make_part(const char *text, fl_buf *buf, fli_part *ret_part)
{
	*buf = (fl_buf)FL_BUF_INIT;
	if (fl_read(buf, text, strlen(text), NULL) != FL_OK)
		return false;
	ret_part->data = buf->data;
	return fli_walk(buf->data, buf->size, NULL, &ret_part->walked);
}

/* What the parent hears of spawning M:F with these options and arguments. */
static const char *spawn(const char *module, const char *options, const char *args)
{
	fl_buf option_bytes, arg_bytes;
	fli_signal signal = {.op = FLI_OP_SPAWN_REQUEST, .from = parent, .ref = request};

	signal.spawn.leader = parent;
	signal.spawn.module = fl_atom_of(module);
	signal.spawn.function = fl_atom_of("f");
	notes[0] = '\0';
	CU_ASSERT_FATAL(make_part(options, &option_bytes, &signal.spawn.options));
	CU_ASSERT_FATAL(make_part(args, &arg_bytes, &signal.payload));
	fli_enter(w.node);
	fli_spawn_request(w.node, &peer, &signal);
	fli_leave(w.node);
	note("turn");
	world_settle(&w);
	fl_buf_free(&option_bytes);
	fl_buf_free(&arg_bytes);
	return notes;
}

#define HEARS(options, args, expected) CU_ASSERT_STRING_EQUAL(spawn("m", options, args), expected)

static void the_answer_comes_first(void)
{
	begin();
	HEARS("[]", "[1]", "reply pid 0;turn;");
	HEARS("[monitor]", "[1]", "reply pid 2;turn;down normal;");
	HEARS("[link]", "[1]", "reply pid 1;turn;exit normal;");
	HEARS("[link, monitor]", "[{exit, x}]", "reply pid 3;turn;exit x;down x;");
	end();
}

static void an_unknown_function_ends_with_undef(void)
{
	begin();
	CU_ASSERT_STRING_EQUAL(spawn("n", "[monitor]", "[1, a]"),
		"reply pid 2;turn;down {undef,[{n,f,[1,a],[]}]};");
	CU_ASSERT_STRING_EQUAL(spawn("n", "[monitor]", "\"ab\""),
		"reply pid 2;turn;down {undef,[{n,f,\"ab\",[]}]};");
	end();
}

static void tuning_is_accepted_and_the_unknown_refused(void)
{
	begin();
	HEARS("[{priority, high}, {min_heap_size, 100}]", "[1]", "reply pid 0;turn;");
	HEARS("[nonsense]", "[1]", "reply badopt 0;turn;");
	HEARS("[{nonsense, 1}]", "[1]", "reply badopt 0;turn;");
	HEARS("[link | monitor]", "[1]", "reply badopt 0;turn;");
	end();
}

static void a_full_table_is_system_limit(void)
{
	begin();
	w.node->limits.processes_max = w.node->procs_count;
	HEARS("[monitor]", "[1]", "reply system_limit 0;turn;");
	end();
}

static void the_group_leader_is_the_one_of_the_request(void)
{
	begin();
	CU_ASSERT_STRING_EQUAL(
		spawn("m", "[monitor]", "[leader]"), "reply pid 2;turn;down <a@b.7.0>;");
	end();
}

static void a_parent_whose_connection_has_gone_is_not_answered(void)
{
	begin();
	is_connected = false;
	HEARS("[]", "[1]", "turn;");
	end();
}

FL_SUITE("spawn", FL_TEST(the_answer_comes_first), FL_TEST(an_unknown_function_ends_with_undef),
	FL_TEST(tuning_is_accepted_and_the_unknown_refused), FL_TEST(a_full_table_is_system_limit),
	FL_TEST(the_group_leader_is_the_one_of_the_request),
	FL_TEST(a_parent_whose_connection_has_gone_is_not_answered));
