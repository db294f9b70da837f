/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/global_net.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

typedef enum event_kind {
	TO_CAST,
	TO_INFO,
	TO_CALL,
	TO_ANSWER,
	TO_UP,
	TO_DOWN,
	TO_DIALLED,
	TO_DEATH
} event_kind;

typedef struct event {
	struct event *next;
	event_kind kind;
	size_t to, from;
	fl_pid pid;
	fl_ref ref;
	bool is_up;
	fl_term term; /* a copy */
} event;

typedef struct watch {
	struct watch *next;
	size_t by;
	fl_ref ref;
	fl_pid pid;
} watch;

typedef struct asking {
	struct asking *next;
	size_t by, at;
	fl_ref ref;
	uint64_t slot;
} asking;

char net_notes[16384];
char net_log[1024];
fli_mem *net_mem;
fli_global_mode net_mode;

static struct net {
	fli_global *cores[NET_NODES_MAX];
	fl_atoms *atoms;
	fl_atom names[NET_NODES_MAX];
	size_t count;
	bool links[NET_NODES_MAX][NET_NODES_MAX];
	event *first, *last;
	watch *watches;
	asking *askings;
	fl_pid killed[64];
	size_t killed_count;
	uint64_t now_ms, random;
	uint32_t words;
	bool refuses, listens;
} net;

void net_note(const char *format, ...)
{
	size_t used = strlen(net_notes);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(net_notes + used, sizeof net_notes - used, format, args);
	va_end(args);
}

static uint64_t no_clock(const fli_port *port)
{
	(void)port;
	return 0;
}

static int64_t no_wall(const fli_port *port)
{
	(void)port;
	return 0;
}

static void random_bytes(const fli_port *port, void *ret_bytes, size_t size)
{
	uint8_t *at = ret_bytes;

	(void)port;
	for (size_t i = 0; i < size; i++) {
		net.random = net.random * 6364136223846793005U + 1442695040888963407U;
		at[i] = (uint8_t)(net.random >> 56);
	}
}

static const fli_port port = {no_clock, no_wall, random_bytes};

/* ---- events ---------------------------------------------------------------------------------- */

static void push(event e)
{
	event *copy = malloc(sizeof *copy);

	*copy = e;
	copy->next = NULL;
	if (e.term.size > 0)
		copy->term = fl_copy(e.term);
	copy->term.atoms = net.atoms;
	if (net.last == NULL)
		net.first = copy;
	else
		net.last->next = copy;
	net.last = copy;
}

static size_t index_of(const fli_global *g)
{
	size_t i = 0;

	while (i < net.count && net.cores[i] != g)
		i++;
	return i;
}

static size_t index_of_name(fl_atom name)
{
	for (size_t i = 0; i < net.count; i++)
		if (fl_atom_eq(net.names[i], name))
			return i;
	return NET_NODES_MAX;
}

static bool reaches(size_t from, size_t to)
{
	return to < net.count && net.cores[to] != NULL && (from == to || net.links[from][to]);
}

static fl_ref next_ref(size_t by)
{
	return (fl_ref){.node = net.names[by], .creation = 1, .count = 3, .words = {++net.words}};
}

static bool is_killed(const fl_pid *pid)
{
	for (size_t i = 0; i < net.killed_count; i++)
		if (fl_pid_eq(&net.killed[i], pid))
			return true;
	return false;
}

/* ---- carrying out ---------------------------------------------------------------------------- */

static void print(size_t by, fl_term term)
{
	char text[2000];

	net_note("%.*s: %s;", (int)net.names[by].size, net.names[by].text,
		fl_print_to(text, sizeof text, term));
}

/* What rex says: the default method, or what a node is set to. */
static void answer_rex(size_t by, size_t at, const fl_ref *ref, fl_term request)
{
	fl_buf buf = FL_BUF_INIT;
	fl_pid his, mine, winner, loser;
	bool is_less;

	if (fl_match(request, "{call, global, resolve_it, [default, _, ~, ~], _}", &his, &mine)) {
		is_less = fli_global_order(his.node, mine.node) < 0;
		winner = is_less ? his : mine;
		loser = is_less ? mine : his;
		net_kill(loser);
		(void)fl_build(&buf, "~", winner);
	} else if (fl_match(request, "{call, global, resolve_it, [none, _, _, _], _}")) {
		(void)fl_build(&buf, "none");
	} else if (fl_match(request, "{call, application, _, _, _}")) {
		fli_global_mode mode = net.cores[at]->config.mode;

		(void)fl_build(&buf, mode == FLI_GLOBAL_GUEST ? "{ok, guest}"
				     : mode == FLI_GLOBAL_OTP ? "{ok, true}"
							      : "{ok, false}");
	} else {
		(void)fl_build(&buf, "{badrpc, undef}");
	}
	push((event){
		.kind = TO_ANSWER, .to = by, .from = by, .ref = *ref, .term = fl_buf_term(&buf)});
	fl_buf_free(&buf);
}

static void ask(size_t by, const fli_global_act *act, fl_term term)
{
	fl_ref ref = next_ref(by);
	size_t at = index_of_name(act->node);
	asking *a;

	fli_global_asked(net.cores[by], act->id, &ref);
	if (!reaches(by, at)) {
		push((event){.kind = TO_ANSWER, .to = by, .from = by, .ref = ref});
	} else if (strcmp(act->server, "rex") == 0) {
		answer_rex(by, at, &ref, term);
	} else {
		a = malloc(sizeof *a);
		*a = (asking){net.askings, by, at, ref, net.words};
		net.askings = a;
		push((event){.kind = TO_CALL,
			.to = at,
			.from = by,
			.pid = net.cores[by]->config.pids[act->role],
			.ref = ref,
			.term = term});
	}
}

static void reply(size_t by, const fli_global_act *act, fl_term term)
{
	asking **at = &net.askings, *a;

	while (*at != NULL && (*at)->slot != act->from.slot)
		at = &(*at)->next;
	if (*at == NULL) {
		print(by, term);
		return;
	}
	a = *at;
	*at = a->next;
	push((event){.kind = TO_ANSWER, .to = a->by, .from = by, .ref = a->ref, .term = term});
	free(a);
}

static void watch_pid(size_t by, const fl_pid *pid)
{
	fl_ref ref = next_ref(by);
	size_t at = index_of_name(pid->node);
	watch *w;

	if (!fli_global_watched(net.cores[by], pid, &ref))
		return;
	if (at < net.count && net.cores[at] != NULL && !net.refuses && at != by)
		net_link(net.cores[by], net.cores[at]); /* a monitor dials */
	if (is_killed(pid) || !reaches(by, at)) {
		push((event){.kind = TO_DEATH, .to = by, .from = by, .ref = ref, .pid = *pid});
		return;
	}
	w = malloc(sizeof *w);
	*w = (watch){net.watches, by, ref, *pid};
	net.watches = w;
}

static void unwatch(const fl_ref *ref)
{
	for (watch **at = &net.watches; *at != NULL; at = &(*at)->next)
		if (fl_ref_eq(&(*at)->ref, ref)) {
			watch *w = *at;

			*at = w->next;
			free(w);
			return;
		}
}

static void dial(size_t by, fl_atom node)
{
	size_t at = index_of_name(node);

	if (at < net.count && net.cores[at] != NULL && !net.refuses && !net.links[by][at])
		net_link(net.cores[by], net.cores[at]);
	push((event){.kind = TO_DIALLED,
		.to = by,
		.from = by,
		.pid.node = node,
		.is_up = reaches(by, at)});
}

/* Warnings are noted, for those that ask. */
static void note_log(size_t by, fl_term term)
{
	fl_bin text;

	if (fl_match(term, "~", &text))
		(void)snprintf(net_log, sizeof net_log, "%s: %.*s", net.names[by].text,
			(int)text.size, (const char *)text.data);
}

static void carry_out(size_t by, const fli_global_act *act)
{
	fl_term term = fli_global_term(net.cores[by], act);
	size_t at = index_of_name(act->node);

	if (net.listens && act->what != FLI_GLOBAL_WATCH && act->what != FLI_GLOBAL_UNWATCH &&
		act->what != FLI_GLOBAL_LOG)
		net_note("%d ", (int)act->what);
	if (net.listens && act->size > 0 && act->what != FLI_GLOBAL_LOG)
		print(by, term);
	switch (act->what) {
	case FLI_GLOBAL_SEND:
		if (reaches(by, at))
			push((event){.kind = TO_INFO, .to = at, .from = by, .term = term});
		break;
	case FLI_GLOBAL_CAST:
		if (reaches(by, at))
			push((event){.kind = TO_CAST, .to = at, .from = by, .term = term});
		break;
	case FLI_GLOBAL_SEND_PID:
		if (!net.listens)
			print(by, term);
		break;
	case FLI_GLOBAL_ASK: ask(by, act, term); break;
	case FLI_GLOBAL_REPLY: reply(by, act, term); break;
	case FLI_GLOBAL_WATCH: watch_pid(by, &act->pid); break;
	case FLI_GLOBAL_UNWATCH: unwatch(&act->ref); break;
	case FLI_GLOBAL_DIAL: dial(by, act->node); break;
	case FLI_GLOBAL_DISCONNECT:
		if (at < net.count)
			net_cut(net.cores[by], net.cores[at]);
		break;
	case FLI_GLOBAL_LOG: note_log(by, term); break;
	}
}

static void settle(size_t by)
{
	size_t count;
	const fli_global_act *acts = fli_global_acts(net.cores[by], &count);

	for (size_t i = 0; i < count; i++)
		carry_out(by, &acts[i]);
	fli_global_acts_done(net.cores[by]);
}

static void happen(const event *e)
{
	fli_global *g = net.cores[e->to];
	fl_from from = {.slot = e->ref.words[0]};

	if (g == NULL)
		return;
	fli_global_time(g, net.now_ms);
	/* what a core says is always in its own name */
	if (e->kind == TO_CAST || e->kind == TO_INFO)
		CU_ASSERT_TRUE(fli_global_speaks_for(e->term, net.names[e->from]));
	if (e->kind == TO_CALL)
		CU_ASSERT_TRUE(fl_atom_eq(e->pid.node, net.names[e->from]));
	switch (e->kind) {
	case TO_CAST:
		if (reaches(e->from, e->to))
			(void)fli_global_cast(g, e->term);
		break;
	case TO_INFO:
		if (reaches(e->from, e->to))
			(void)fli_global_info(g, e->term);
		break;
	case TO_CALL:
		if (reaches(e->from, e->to))
			(void)fli_global_call(g, &e->pid, from, e->term);
		break;
	case TO_ANSWER: (void)fli_global_answer(g, &e->ref, e->term); break;
	case TO_UP: fli_global_node_up(g, e->pid.node); break;
	case TO_DOWN: fli_global_node_down(g, e->pid.node); break;
	case TO_DIALLED: fli_global_dialled(g, e->pid.node, e->is_up); break;
	case TO_DEATH: (void)fli_global_down(g, &e->ref, &e->pid, !is_killed(&e->pid)); break;
	}
	settle(e->to);
}

void net_run(void)
{
	while (net.first != NULL) {
		event *e = net.first;

		net.first = e->next;
		if (net.first == NULL)
			net.last = NULL;
		happen(e);
		if (e->term.data != NULL)
			fl_term_free(e->term);
		free(e);
	}
}

void net_pass(uint64_t ms)
{
	uint64_t end = net.now_ms + ms;

	net_run();
	for (;;) {
		uint64_t next = UINT64_MAX;

		for (size_t i = 0; i < net.count; i++)
			if (net.cores[i] != NULL && fli_global_next_ms(net.cores[i]) < next)
				next = fli_global_next_ms(net.cores[i]);
		if (next > end)
			break;
		net.now_ms = next > net.now_ms ? next : net.now_ms + 1;
		for (size_t i = 0; i < net.count; i++)
			if (net.cores[i] != NULL) {
				fli_global_time(net.cores[i], net.now_ms);
				settle(i);
			}
		net_run();
	}
	net.now_ms = end;
}

/* ---- life ------------------------------------------------------------------------------------ */

void net_open(void)
{
	memset(&net, 0, sizeof net);
	net_notes[0] = net_log[0] = '\0';
	net.now_ms = 1000;
	net.random = 42;
	net_mode = FLI_GLOBAL_OTP;
	net_mem = fli_mem_libc();
	net.atoms = fli_atoms_new(fli_mem_libc(), 1, 1000);
}

void net_close(void)
{
	for (size_t i = 0; i < net.count; i++) {
		fli_global_delete(net.cores[i]);
		net.cores[i] = NULL;
	}
	net_run();
	while (net.watches != NULL)
		unwatch(&net.watches->ref);
	while (net.askings != NULL) {
		asking *a = net.askings;

		net.askings = a->next;
		free(a);
	}
	fli_atoms_delete(net.atoms);
}

fli_global *net_add(const char *name)
{
	fli_global_config config = {.mem = net_mem,
		.port = &port,
		.atoms = net.atoms,
		.creation = 1,
		.seed = 7,
		.mode = net_mode,
		.now_ms = net.now_ms};
	size_t at = net.count;

	(void)fli_atoms_intern(net.atoms, name, strlen(name), &config.name);
	for (uint32_t i = 0; i < FLI_GLOBAL_ROLES; i++)
		config.pids[i] = (fl_pid){.node = config.name, .id = i + 1, .creation = 1};
	net.names[at] = config.name;
	if (fli_global_new(&config, &net.cores[at]) != FL_OK)
		return NULL;
	net.count++;
	return net.cores[at];
}

static void tell_up(size_t to, size_t who)
{
	push((event){.kind = TO_UP, .to = to, .from = to, .pid.node = net.names[who]});
}

void net_link(fli_global *a, fli_global *b)
{
	size_t i = index_of(a), j = index_of(b);

	if (net.links[i][j])
		return;
	net.links[i][j] = net.links[j][i] = true;
	tell_up(i, j);
	tell_up(j, i);
}

/* What hangs on the other node, then the node: as a connection's end is told. */
static void lose(size_t by, size_t at)
{
	for (watch **w = &net.watches, *gone; (gone = *w) != NULL;) {
		if (gone->by != by || !fl_atom_eq(gone->pid.node, net.names[at])) {
			w = &gone->next;
			continue;
		}
		push((event){.kind = TO_DEATH,
			.to = by,
			.from = by,
			.ref = gone->ref,
			.pid = gone->pid});
		*w = gone->next;
		free(gone);
	}
	for (asking **a = &net.askings, *gone; (gone = *a) != NULL;) {
		if (gone->by != by || gone->at != at) {
			a = &gone->next;
			continue;
		}
		push((event){.kind = TO_ANSWER, .to = by, .from = by, .ref = gone->ref});
		*a = gone->next;
		free(gone);
	}
	push((event){.kind = TO_DOWN, .to = by, .from = by, .pid.node = net.names[at]});
}

void net_cut(fli_global *a, fli_global *b)
{
	size_t i = index_of(a), j = index_of(b);

	if (!net.links[i][j])
		return;
	net.links[i][j] = net.links[j][i] = false;
	lose(i, j);
	lose(j, i);
}

void net_halt(fli_global *g)
{
	size_t at = index_of(g);

	for (size_t i = 0; i < net.count; i++)
		if (i != at && net.cores[i] != NULL)
			net_cut(net.cores[i], g);
	fli_global_delete(g);
	net.cores[at] = NULL;
}

void net_refuse_dials(bool refuse)
{
	net.refuses = refuse;
}

void net_listen(bool on)
{
	net.listens = on;
}

bool net_is_up(fli_global *a, fli_global *b)
{
	return net.links[index_of(a)][index_of(b)];
}

bool net_knows(fli_global *a, fli_global *b)
{
	const fli_global_node *node = fli_global_node_find(a, b->name);

	return node != NULL && node->is_known;
}

bool net_is_synced(fli_global *a, fli_global *b)
{
	const fli_global_node *node = fli_global_node_find(a, b->name);

	return node != NULL && node->is_synced;
}

/* ---- between a test and a core --------------------------------------------------------------- */

void net_kill(fl_pid pid)
{
	net.killed[net.killed_count++ % 64] = pid;
	for (watch **w = &net.watches, *gone; (gone = *w) != NULL;) {
		if (!fl_pid_eq(&gone->pid, &pid)) {
			w = &gone->next;
			continue;
		}
		push((event){.kind = TO_DEATH,
			.to = gone->by,
			.from = gone->by,
			.ref = gone->ref,
			.pid = pid});
		*w = gone->next;
		free(gone);
	}
}

void net_begin(fli_global *g)
{
	fli_global_time(g, net.now_ms);
}

void net_settle(fli_global *g)
{
	settle(index_of(g));
}
