/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scope_lab.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fli_scope scope;
fli_fault fault;
char notes[16384];
static uint32_t refs;
int send_rc;
unsigned retries;
bool has_timers;

static void note(const char *text)
{
	size_t used = strlen(notes);

	(void)snprintf(notes + used, sizeof notes - used, "%s", text);
}

static void note_term(fl_term term)
{
	char text[4096];

	note(fl_print_to(text, sizeof text, term));
	note(";");
}

static void note_pid(const char *verb, const fl_pid *pid)
{
	char text[300];

	(void)snprintf(text, sizeof text, "%s%.*s.%u ", verb, (int)pid->node.size, pid->node.text,
		pid->id);
	note(text);
}

static bool is_near(void *ctx, fl_atom node, uint32_t creation, fl_atom *ret_node)
{
	(void)ctx;
	if (creation != CREATION || (!fl_atom_is(node, "b@h") && !fl_atom_is(node, "c@h")))
		return false;
	*ret_node = fl_atom_of(fl_atom_is(node, "b@h") ? "b@h" : "c@h");
	return true;
}

static int on_send(void *ctx, const fl_pid *to, fl_term message)
{
	(void)ctx;
	if (send_rc != FL_OK)
		return send_rc;
	note_pid(">", to);
	note_term(message);
	return FL_OK;
}

static int on_send_named(void *ctx, fl_atom node, fl_term message)
{
	fl_pid to = {.node = node};

	return on_send(ctx, &to, message);
}

static int on_monitor(void *ctx, const fl_pid *pid, fl_ref *ret_ref)
{
	(void)ctx;
	(void)pid;
	*ret_ref = (fl_ref){
		.node = fl_atom_of("a@h"), .creation = CREATION, .count = 3, .words = {++refs}};
	return FL_OK;
}

static void on_demonitor(void *ctx, const fl_ref *ref)
{
	char text[32];

	(void)ctx;
	(void)snprintf(text, sizeof text, "-mon %u;", ref->words[0]);
	note(text);
}

static bool on_retry(void *ctx, uint32_t ms)
{
	(void)ctx;
	(void)ms;
	retries += has_timers;
	return has_timers;
}

static const fli_scope_ops ops = {
	is_near, on_send, on_send_named, on_monitor, on_demonitor, on_retry};

void scope_setup(long fail_at)
{
	fli_scope_start start = {.self = {fl_atom_of("a@h"), 1, 0, CREATION},
		.seed = 42,
		.members_max = 1000,
		.ops = &ops};

	fli_fault_create(&fault, fail_at);
	start.mem = &fault.mem;
	notes[0] = '\0';
	refs = retries = 0;
	send_rc = FL_OK;
	has_timers = true;
	fli_scope_create(&scope, &start);
}

void scope_teardown(void)
{
	fli_scope_destroy(&scope);
	CU_ASSERT_EQUAL(fault.live, 0);
}

/* ---- shorthand --------------------------------------------------------------------------------
 */

fl_term scope_term_of(fl_buf *buf, const char *text)
{
	fl_error err;

	if (fl_read(buf, text, strlen(text), &err) != FL_OK) {
		(void)fprintf(stderr, "%s: %s\n", text, err.what);
		abort();
	}
	return fl_buf_term(buf);
}

static void run(fli_scope_job *job)
{
	while (fli_scope_step(&scope, job))
		;
}

/* False: refused. */
static bool hear(const char *text, bool is_cast)
{
	fl_buf buf = FL_BUF_INIT;
	fl_term message = scope_term_of(&buf, text);
	fli_scope_job job;
	bool ok = fli_scope_check(message, is_cast);

	notes[0] = '\0';
	if (ok) {
		fli_scope_begin(&scope, message, is_cast, &job);
		run(&job);
	} else {
		fli_scope_refuse(&scope);
	}
	fl_buf_free(&buf);
	return ok;
}

bool scope_info(const char *text)
{
	return hear(text, false);
}

bool scope_cast(const char *text)
{
	return hear(text, true);
}

int scope_change(bool is_join, const char *group, const uint64_t *ids, size_t count, bool as_list)
{
	fl_buf buf = FL_BUF_INIT;
	const fli_scope_pids pids = {ids, count, as_list};
	fl_term key = scope_term_of(&buf, group);
	int rc;

	notes[0] = '\0';
	rc = is_join ? fli_scope_join(&scope, key, &pids) : fli_scope_leave(&scope, key, &pids);
	fl_buf_free(&buf);
	return rc;
}

int scope_join(const char *group, uint64_t id)
{
	return scope_change(true, group, &id, 1, false);
}

int scope_leave(const char *group, uint64_t id)
{
	return scope_change(false, group, &id, 1, false);
}

void scope_down(uint32_t word, const char *node, uint32_t id)
{
	fl_ref ref = {.node = fl_atom_of("a@h"), .creation = CREATION, .count = 3, .words = {word}};
	fl_pid pid = {fl_atom_of(node), id, 0, CREATION};
	fli_scope_job job;

	notes[0] = '\0';
	fli_scope_down(&scope, &ref, &pid, &job);
	run(&job);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "a.3 b.5": node letters and ids, sorted. */
const char *scope_members_of(const char *group, bool is_local)
{
	static char text[1024];
	fl_buf buf = FL_BUF_INIT;
	fli_pg_group *found = fli_pg_group_find(&scope.table, scope_term_of(&buf, group));
	const fli_pg_share *share = NULL;
	char items[64][24], *sorted[64];
	size_t count = 0;

	fl_buf_free(&buf);
	while (found != NULL && fli_scope_next(&scope, found, is_local, &share))
		for (uint32_t i = 0; i < share->count && count < 64; i++, count++) {
			(void)snprintf(items[count], sizeof items[count], "%c.%u",
				share->owner->pid.node.text[0], (unsigned)share->ids[i]);
			sorted[count] = items[count];
		}
	qsort(sorted, count, sizeof *sorted, by_text);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		(void)strcat(text, i == 0 ? "" : " ");
		(void)strcat(text, sorted[i]);
	}
	return text;
}
