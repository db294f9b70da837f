/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erlang: the node's figures, as dashboards and etop ask for them.
 *
 *  - system_info/1 is a table of names and small functions; unknown names are badarg, as on a BEAM.
 *  - memory/0,1 comes from the operating system, the process table and the tables.
 *  - statistics/1 remembers its last answer, for the "since last call" half.
 *
 * Departures from OTP: otp_release is the release whose terms and protocols the node follows, since
 * tools read it as a number; `version` is flitch's own. What a C node has not (ports, garbage
 * collections) is 0 or empty.
 */
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "node/natives.h"
#include "node/sched.h"
#include "node/table.h"

#define OTP_RELEASE "27"
#define WORD_BYTES 8
#define PORTS_MAX 65536 /* there are none; tools divide by it */
#define BUSY_BYTES 1048576

typedef void figure_value(const fl_node *node, fl_buf *b);

typedef struct figure {
	const char *name;
	figure_value *value;
} figure;

/* ---- system_info ----------------------------------------------------------------------------- */

static uint32_t processes_count(const fl_node *node)
{
	uint32_t cursor = 0, count = 0;

	while (fli_proc_next(node, &cursor) != NULL)
		count++;
	return count;
}

static void otp_release(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "\"" OTP_RELEASE "\"");
}

static void version(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "\"" FLITCH_VERSION "\"");
}

static void system_version(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "\"flitch " FLITCH_VERSION
			  " (a C node that speaks as Erlang/OTP " OTP_RELEASE ") [64-bit]\\n\"");
}

static void add_string(fl_buf *b, const char *text)
{
	fl_list_open(b);
	for (; *text != '\0'; text++)
		(void)fl_build(b, "~", (unsigned char)*text);
	fl_list_close(b);
}

static void system_architecture(const fl_node *node, fl_buf *b)
{
	struct utsname name;
	char text[160];

	(void)node; /* the machine's */
	if (uname(&name) != 0)
		name.machine[0] = '\0';
	(void)snprintf(text, sizeof text, "%.64s-unknown-linux-gnu", name.machine);
	add_string(b, text);
}

static void process_count(const fl_node *node, fl_buf *b)
{
	(void)fl_build(b, "~", processes_count(node));
}

static void process_limit(const fl_node *node, fl_buf *b)
{
	(void)fl_build(b, "~", node->limits.processes_max);
}

static void atom_count(const fl_node *node, fl_buf *b)
{
	(void)fl_build(b, "~", fli_atoms_count(node->atoms));
}

static void atom_limit(const fl_node *node, fl_buf *b)
{
	(void)fl_build(b, "~", node->limits.atoms_max);
}

static void port_limit(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "~", PORTS_MAX);
}

static void ets_count(const fl_node *node, fl_buf *b)
{
	(void)fl_build(b, "~", node->tables == NULL ? 0U : node->tables->count);
}

static void ets_limit(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "~", (uint32_t)FLI_TABLES_MAX);
}

static void creation(const fl_node *node, fl_buf *b)
{
	(void)fl_build(b, "~", node->creation);
}

static void processors(const fl_node *node, fl_buf *b)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	(void)node; /* the machine's */
	(void)fl_build(b, "~", count > 0 ? count : 1);
}

static void wordsize(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "~", WORD_BYTES);
}

static void busy_limit(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "~", BUSY_BYTES);
}

static void one(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "1");
}

static void zero(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "0");
}

static void yes(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "true");
}

static void no(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "false");
}

static void empty(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "[]");
}

static void undefined(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "undefined");
}

static void machine(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "\"flitch\"");
}

static void opt(const fl_node *node, fl_buf *b)
{
	(void)node; /* the same for all */
	(void)fl_build(b, "opt");
}

static void allocator(const fl_node *node, fl_buf *b)
{
	(void)node; /* the C library's, which tells nothing */
	(void)fl_build(b, "{glibc, [], [], []}");
}

static const figure system_figures[] = {
	{"alloc_util_allocators", empty},
	{"allocated_areas", empty},
	{"allocator", allocator},
	{"atom_count", atom_count},
	{"atom_limit", atom_limit},
	{"build_type", opt},
	{"cpu_topology", undefined},
	{"creation", creation},
	{"debug_compiled", no},
	{"dirty_cpu_schedulers", zero},
	{"dirty_cpu_schedulers_online", zero},
	{"dirty_io_schedulers", zero},
	{"dist_buf_busy_limit", busy_limit},
	{"ets_count", ets_count},
	{"ets_limit", ets_limit},
	{"kernel_poll", yes},
	{"logical_processors", processors},
	{"logical_processors_available", processors},
	{"logical_processors_online", processors},
	{"machine", machine},
	{"multi_scheduling", no},
	{"otp_release", otp_release},
	{"port_count", zero},
	{"port_limit", port_limit},
	{"process_count", process_count},
	{"process_limit", process_limit},
	{"scheduler_id", one},
	{"schedulers", one},
	{"schedulers_online", one},
	{"smp_support", yes},
	{"system_architecture", system_architecture},
	{"system_version", system_version},
	{"thread_pool_size", zero},
	{"threads", yes},
	{"version", version},
	{"wordsize", wordsize},
};

static const figure *find_figure(const figure *figures, size_t count, fl_atom name)
{
	for (size_t i = 0; i < count; i++)
		if (fl_atom_is(name, figures[i].name))
			return &figures[i];
	return NULL;
}

static int system_info(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const figure *found;
	fl_atom name;

	if (fl_match(args, "[{wordsize, internal}]") || fl_match(args, "[{wordsize, external}]"))
		return fl_build(result, "~", WORD_BYTES);
	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	found = find_figure(system_figures, FLI_EXPORT_COUNT(system_figures), name);
	if (found == NULL)
		return fli_badarg(result);
	fli_enter(node);
	found->value(node, result);
	fli_leave(node);
	return result->error;
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum { MEMORY_KINDS = 9 };

typedef struct memory_kind {
	const char *name;
	uint64_t bytes;
} memory_kind;

static uint64_t processes_bytes(const fl_node *node)
{
	uint64_t bytes = 0;
	uint32_t cursor = 0;
	const fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		bytes += fli_proc_bytes(proc);
	return bytes;
}

/* OTP's invariant: total = processes + system, and system holds atom, binary, code and ets. */
static void read_memory(fl_node *node, memory_kind kinds[static MEMORY_KINDS])
{
	fli_memory memory = {0};
	uint64_t processes, system, ets;

	(void)fli_memory_read(&memory); /* zeros where the system does not tell */
	fli_enter(node);
	processes = processes_bytes(node);
	ets = fli_tables_bytes(node);
	fli_leave(node);
	system = memory.resident > processes ? memory.resident - processes : 0;
	kinds[0] = (memory_kind){"total", processes + system};
	kinds[1] = (memory_kind){"processes", processes};
	kinds[2] = (memory_kind){"processes_used", processes};
	kinds[3] = (memory_kind){"system", system};
	kinds[4] = (memory_kind){"atom", 0};
	kinds[5] = (memory_kind){"atom_used", 0};
	kinds[6] = (memory_kind){"binary", 0};
	kinds[7] = (memory_kind){"code", memory.code < system ? memory.code : system};
	kinds[8] =
		(memory_kind){"ets", ets < system - kinds[7].bytes ? ets : system - kinds[7].bytes};
}

static int memory_0(fl_proc *self, fl_term args, fl_buf *result)
{
	memory_kind kinds[MEMORY_KINDS];

	(void)args; /* none */
	read_memory(fl_self_node(self), kinds);
	fl_list_open(result);
	for (int i = 0; i < MEMORY_KINDS; i++)
		(void)fl_build(result, "{~, ~}", fl_atom_of(kinds[i].name), kinds[i].bytes);
	fl_list_close(result);
	return result->error;
}

static const memory_kind *find_kind(const memory_kind *kinds, fl_term name)
{
	fl_atom atom;

	if (!fl_match(name, "~", &atom))
		return NULL;
	for (int i = 0; i < MEMORY_KINDS; i++)
		if (fl_atom_is(atom, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static int memory_1(fl_proc *self, fl_term args, fl_buf *result)
{
	memory_kind kinds[MEMORY_KINDS];
	const memory_kind *kind;
	fl_term what, name;

	if (!fl_match(args, "[~]", &what))
		return fli_badarg(result);
	read_memory(fl_self_node(self), kinds);
	kind = find_kind(kinds, what);
	if (kind != NULL)
		return fl_build(result, "~", kind->bytes);
	fl_list_open(result);
	while (fl_list_next(&what, &name)) {
		kind = find_kind(kinds, name);
		if (kind == NULL)
			return fli_badarg(result);
		(void)fl_build(result, "{~, ~}", fl_atom_of(kind->name), kind->bytes);
	}
	fl_list_close(result);
	return fl_term_kind(what) == FL_NIL ? result->error : fli_badarg(result);
}

/* ---- statistics ------------------------------------------------------------------------------ */

static uint64_t cpu_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* {Total, SinceLastCall} */
static void add_since(uint64_t total, uint64_t *last, fl_buf *b)
{
	(void)fl_build(b, "{~, ~}", total, total > *last ? total - *last : 0);
	*last = total;
}

static void wall_clock(const fl_node *node, fl_buf *b)
{
	fli_since *since = &node->exports->since;
	uint64_t now_ms = node->port->now_ns(node->port) / 1000000;

	add_since(now_ms - since->start_ms, &since->wall_ms, b);
}

static void runtime(const fl_node *node, fl_buf *b)
{
	add_since(cpu_ms(), &node->exports->since.cpu_ms, b);
}

static void reductions(const fl_node *node, fl_buf *b)
{
	uint64_t handled = 0;
	uint32_t cursor = 0;
	const fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		handled += proc->handled;
	add_since(handled, &node->exports->since.reductions, b);
}

static void run_queue(const fl_node *node, fl_buf *b)
{
	uint32_t count = 0;

	for (const fl_proc *p = node->run_first; p != NULL; p = p->run_next)
		count++;
	(void)fl_build(b, "~", count);
}

static void run_queues(const fl_node *node, fl_buf *b)
{
	fl_list_open(b);
	run_queue(node, b);
	fl_list_close(b);
}

static void zero_pair(const fl_node *node, fl_buf *b)
{
	(void)node; /* nothing of the kind is counted */
	(void)fl_build(b, "{0, 0}");
}

static void garbage_collection(const fl_node *node, fl_buf *b)
{
	(void)node; /* there is none */
	(void)fl_build(b, "{0, 0, 0}");
}

static void io(const fl_node *node, fl_buf *b)
{
	uint64_t in = 0, out = 0;

	if (node->exports->count_io != NULL)
		node->exports->count_io(node, &in, &out);
	(void)fl_build(b, "{{input, ~}, {output, ~}}", in, out);
}

static const figure statistics_figures[] = {
	{"active_tasks", run_queues},
	{"context_switches", zero_pair},
	{"exact_reductions", reductions},
	{"garbage_collection", garbage_collection},
	{"io", io},
	{"reductions", reductions},
	{"run_queue", run_queue},
	{"run_queue_lengths", run_queues},
	{"run_queue_lengths_all", run_queues},
	{"runtime", runtime},
	{"scheduler_wall_time", undefined},
	{"scheduler_wall_time_all", undefined},
	{"total_active_tasks", run_queue},
	{"total_active_tasks_all", run_queue},
	{"total_run_queue_lengths", run_queue},
	{"total_run_queue_lengths_all", run_queue},
	{"wall_clock", wall_clock},
};

static int statistics(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const figure *found;
	fl_atom name;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	found = find_figure(statistics_figures, FLI_EXPORT_COUNT(statistics_figures), name);
	if (found == NULL)
		return fli_badarg(result);
	fli_enter(node);
	found->value(node, result);
	fli_leave(node);
	return result->error;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Units a second; 0: no unit. */
static int64_t unit_of(fl_term unit)
{
	int64_t parts;

	if (fl_match(unit, "second"))
		return 1;
	if (fl_match(unit, "millisecond"))
		return 1000;
	if (fl_match(unit, "microsecond"))
		return 1000000;
	if (fl_match(unit, "nanosecond") || fl_match(unit, "native"))
		return 1000000000;
	return fl_match(unit, "~", &parts) && parts > 0 && parts <= 1000000000 ? parts : 0;
}

static int build_time(fl_term args, int64_t ns, fl_buf *result)
{
	int64_t per_second = 1000000000;
	fl_term unit;

	if (fl_match(args, "[~]", &unit))
		per_second = unit_of(unit);
	if (per_second == 0)
		return fli_badarg(result);
	return fl_build(result, "~",
		ns / 1000000000 * per_second + ns % 1000000000 * per_second / 1000000000);
}

static int system_time(fl_proc *self, fl_term args, fl_buf *result)
{
	const fli_port *port = fl_self_node(self)->port;

	return build_time(args, port->wall_us(port) * 1000, result);
}

static int monotonic_time(fl_proc *self, fl_term args, fl_buf *result)
{
	const fli_port *port = fl_self_node(self)->port;

	return build_time(args, (int64_t)port->now_ns(port), result);
}

static int build_calendar(const struct tm *t, fl_buf *result)
{
	return fl_build(result, "{{~, ~, ~}, {~, ~, ~}}", t->tm_year + 1900, t->tm_mon + 1,
		t->tm_mday, t->tm_hour, t->tm_min, t->tm_sec);
}

static int localtime_0(fl_proc *self, fl_term args, fl_buf *result)
{
	const fli_port *port = fl_self_node(self)->port;
	time_t now = (time_t)(port->wall_us(port) / 1000000);
	struct tm t;

	(void)args; /* none */
	return localtime_r(&now, &t) == NULL ? fli_badarg(result) : build_calendar(&t, result);
}

static int universaltime_0(fl_proc *self, fl_term args, fl_buf *result)
{
	const fli_port *port = fl_self_node(self)->port;
	time_t now = (time_t)(port->wall_us(port) / 1000000);
	struct tm t;

	(void)args; /* none */
	return gmtime_r(&now, &t) == NULL ? fli_badarg(result) : build_calendar(&t, result);
}

/* ---- the node -------------------------------------------------------------------------------- */

static int node_0(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* none */
	return fl_build(result, "~", fl_self_node(self)->name);
}

static int is_alive(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* nobody could ask otherwise */
	(void)args;
	return fl_build(result, "true");
}

static const fl_export members[] = {
	{"erlang", "node", 0, node_0},
};

static const fl_export exports[] = {
	{"erlang", "is_alive", 0, is_alive},
	{"erlang", "localtime", 0, localtime_0},
	{"erlang", "memory", 0, memory_0},
	{"erlang", "memory", 1, memory_1},
	{"erlang", "monotonic_time", 0, monotonic_time},
	{"erlang", "monotonic_time", 1, monotonic_time},
	{"erlang", "statistics", 1, statistics},
	{"erlang", "system_info", 1, system_info},
	{"erlang", "system_time", 0, system_time},
	{"erlang", "system_time", 1, system_time},
	{"erlang", "universaltime", 0, universaltime_0},
	{"os", "system_time", 0, system_time},
	{"os", "system_time", 1, system_time},
	{"Elixir.Node", "alive?", 0, is_alive},
	{"Elixir.Node", "self", 0, node_0},
	{"Elixir.System", "monotonic_time", 0, monotonic_time},
	{"Elixir.System", "system_time", 0, system_time},
};

int fli_natives_system(fl_node *node)
{
	int rc = fli_exports_add_own(node, members, FLI_EXPORT_COUNT(members), FLI_EXPORT_MEMBER);

	if (rc != FL_OK)
		return rc;
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
