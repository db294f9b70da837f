/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sup_script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "node/runtime.h"
#include "tests/support/actor.h"

enum { NAMES_MAX = 16, TRANSCRIPT_MAX = 8192 };

/* What a child of that name is to do at its start. */
typedef struct order {
	char name[32];
	char what; /* 'r'efuse, 'i'gnore, or nothing */
} order;

static world w;
static const fl_behaviour *tree_to_start;
static order orders[NAMES_MAX];
static fl_proc *held;
static size_t reported; /* bytes of the log that were looked at */
static fl_buf to_ask;
static fl_pid sup_pid;

static order *order_of(const char *name)
{
	order *free_one = NULL;

	for (int i = 0; i < NAMES_MAX; i++)
		if (strcmp(orders[i].name, name) == 0)
			return &orders[i];
		else if (free_one == NULL && orders[i].name[0] == '\0')
			free_one = &orders[i];
	if (free_one == NULL)
		abort();
	(void)snprintf(free_one->name, sizeof free_one->name, "%s", name);
	return free_one;
}

/* ---- the transcript -------------------------------------------------------------------------- */

/* "<test@localhost.7.0>" as "<name>", or "<?>" for who has none. */
static size_t short_pid(const char *text, char *out, size_t size)
{
	unsigned id, serial;
	int used = 0;
	fl_proc *proc;

	if (sscanf(text, "<test@localhost.%u.%u>%n", &id, &serial, &used) != 2 || used == 0)
		return 0;
	proc = fli_proc_find(w.node, id, serial);
	if (proc != NULL && proc->name != NULL)
		(void)snprintf(
			out, size, "<%.*s>", (int)proc->name->text.size, proc->name->text.text);
	else
		(void)snprintf(out, size, "<?>");
	return (size_t)used;
}

static void note(const char *prefix, const char *text)
{
	char out[4096];
	size_t size = 0, used;

	while (*text != '\0' && size + 64 < sizeof out) {
		used = *text == '<' ? short_pid(text, out + size, sizeof out - size) : 0;
		if (used > 0) {
			size += strlen(out + size);
			text += used;
		} else {
			out[size++] = *text++;
		}
	}
	out[size] = '\0';
	actor_note("%s%s%s", actor_notes[0] == '\0' ? "" : " ", prefix, out);
}

static void note_term(const char *prefix, fl_term term)
{
	char text[4096];

	note(prefix, fl_print_to(text, sizeof text, term));
}

/* ---- the children ---------------------------------------------------------------------------- */

typedef struct kid_state {
	char name[32];
} kid_state;

static int kid_init(fl_proc *self, void *state, fl_term args)
{
	kid_state *k = state;
	const order *o;

	(void)fl_print_to(k->name, sizeof k->name, args);
	o = order_of(k->name);
	note("+", k->name);
	if (o->what == 'r')
		return fl_stop(self, "refused");
	return o->what == 'i' ? FL_IGNORE : FL_OK;
}

static int kid_info(fl_proc *self, void *state, fl_term message)
{
	fl_term reason;

	(void)state;
	if (fl_match(message, "crash"))
		return fl_stop(self, "boom");
	if (fl_match(message, "{stop, ~}", &reason))
		return fl_stop(self, "~", reason);
	if (fl_match(message, "unlink"))
		return fl_unlink(self, sup_pid);
	return FL_OK;
}

static void kid_terminate(fl_proc *self, void *state, fl_term reason)
{
	char prefix[64];

	(void)self;
	(void)snprintf(prefix, sizeof prefix, "-%s:", ((kid_state *)state)->name);
	note_term(prefix, reason);
}

const fl_behaviour kid = {.name = "kid",
	.state_size = sizeof(kid_state),
	.init = kid_init,
	.info = kid_info,
	.terminate = kid_terminate,
	.trap_exit = true};
const fl_behaviour plain = {.name = "plain",
	.state_size = sizeof(kid_state),
	.init = kid_init,
	.info = kid_info,
	.terminate = kid_terminate};

/* ---- who starts and asks ----------------------------------------------------------------------
 */

static int top_info(fl_proc *self, void *state, fl_term message)
{
	fl_start_options options = {.name = "sup", .link = true};
	fl_term term;
	fl_ref ref;

	(void)state;
	if (fl_match(message, "start"))
		(void)fl_start(self, tree_to_start, &options, &sup_pid, "[]"); /* its EXIT tells */
	else if (fl_match(message, "ask"))
		(void)fl_request(self, "sup", &ref, "~", fl_buf_term(&to_ask));
	else if (fl_match(message, "{parent, ~}", &term))
		(void)fl_exit(self, sup_pid, "~", term);
	else if (fl_match(message, "{system, ~}", &term))
		(void)fl_send(
			self, "sup", "{system, {~, ~}, ~}", fl_self(self), fl_make_ref(self), term);
	else if (fl_match(message, "{'EXIT', _, ~}", &term))
		note_term("^", term);
	else if (fl_match(message, "{'DOWN', _, _, _, ~}", &term))
		note_term("=down:", term);
	else if (fl_match(message, "{_, ~}", &term))
		note_term("=", term);
	return FL_OK;
}

static const fl_behaviour top = {.name = "top", .info = top_info, .trap_exit = true};

/* ---- steps ----------------------------------------------------------------------------------- */

static void send_top(const char *pattern, const char *term)
{
	char text[2048];

	(void)snprintf(text, sizeof text, pattern, term);
	world_send(&w, "top", text);
}

static void ask(const char *text)
{
	fl_error err;

	fl_buf_reset(&to_ask);
	if (fl_read(&to_ask, text, strlen(text), &err) != FL_OK) {
		(void)fprintf(stderr, "%s: %s\n", text, err.what);
		abort();
	}
	world_send(&w, "top", "ask");
}

static fl_proc *find(const char *name)
{
	return fli_name_find(w.node, fl_atom_of(name));
}

static void hold(const char *name)
{
	held = find(name);
	held->frames++;
}

static void let_go(void)
{
	fli_enter(w.node);
	held->frames--;
	fli_server_rest(held);
	fli_proc_free(held);
	fli_leave(w.node);
	held = NULL;
	world_settle(&w);
}

static void kill_it(const char *name)
{
	fl_proc *proc = find(name);
	fl_pid me = fli_proc_pid(proc);
	fli_reason_atom atom;

	fli_enter(w.node);
	fli_exit_signal(proc, &me, fli_reason_of(&atom, "kill"), false);
	fli_leave(w.node);
	world_settle(&w);
}

/* "Context: x. Reason: y. Offender: z" as "[x y z]". */
static void report(void)
{
	char context[64], reason[512], offender[512], text[1200];
	char *line = strstr(w.log + reported, "Context: ");

	for (; line != NULL; line = strstr(line + 1, "Context: "))
		if (sscanf(line, "Context: %63[^.]. Reason: %511[^.]. Offender: id=%511[^,]",
			    context, reason, offender) == 3) {
			(void)snprintf(text, sizeof text, "%s %s %s]", context, reason, offender);
			note("[", text);
		}
	reported = strlen(w.log);
}

static void tell(const char *text)
{
	char name[32];
	int used = 0;

	if (sscanf(text, "%31s %n", name, &used) != 1)
		abort();
	world_send(&w, name, text + used);
}

static void step(const char *verb, const char *rest)
{
	static const struct {
		const char *verb;
		char what;
	} starts[] = {{"refuse", 'r'}, {"ignore", 'i'}, {"allow", '\0'}};

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (strcmp(verb, starts[i].verb) == 0) {
			order_of(rest)->what = starts[i].what;
			return;
		}
	if (strcmp(verb, "tell") == 0)
		tell(rest);
	else if (strcmp(verb, "ask") == 0)
		ask(rest);
	else if (strcmp(verb, "parent") == 0)
		send_top("{parent, %s}", rest);
	else if (strcmp(verb, "system") == 0)
		send_top("{system, %s}", rest);
	else if (strcmp(verb, "pass") == 0)
		world_pass(&w, (uint64_t)atoi(rest));
	else if (strcmp(verb, "hold") == 0)
		hold(rest);
	else if (strcmp(verb, "free") == 0)
		let_go();
	else if (strcmp(verb, "kill") == 0)
		kill_it(rest);
	else if (strcmp(verb, "unlink") == 0)
		world_send(&w, rest, "unlink");
	else if (strcmp(verb, "ended") == 0)
		note(find(rest) == NULL ? "gone:" : "runs:", rest);
	else if (strcmp(verb, "report") == 0)
		report();
	else if (strcmp(verb, "start") == 0)
		world_send(&w, "top", "start");
	else
		abort();
}

static void run_step(char *text)
{
	char *verb = text, *end;

	while (isspace((unsigned char)*verb))
		verb++;
	if (*verb == '\0')
		return;
	end = verb + strcspn(verb, " ");
	if (*end != '\0')
		*end++ = '\0';
	step(verb, end);
}

static void run(const char *script)
{
	char *copy = strdup(script), *at = copy, *next;

	for (; at != NULL; at = next) {
		next = strchr(at, ';');
		if (next != NULL)
			*next++ = '\0';
		run_step(at);
	}
	free(copy);
}

void sup_script(const fl_behaviour *tree, const char *script, const char *expected)
{
	bool starts_later = strstr(script, "start;") != NULL;

	memset(orders, 0, sizeof orders);
	reported = 0;
	held = NULL;
	tree_to_start = tree;
	actor_open(&w);
	(void)world_start(&w, &top, "top", NULL);
	if (!starts_later)
		world_send(&w, "top", "start");
	run(script);
	if (strcmp(actor_notes, expected) != 0)
		(void)fprintf(stderr, "    got      %s\n    expected %s\n", actor_notes, expected);
	CU_ASSERT_STRING_EQUAL(actor_notes, expected);
	if (held != NULL)
		let_go();
	world_close(&w);
	fl_buf_free(&to_ask);
	to_ask = (fl_buf)FL_BUF_INIT;
}
