/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that joins: {members, N} gives N idle processes of its node, {joins, Pids, Groups, Ms}
 * how often a second these join groups. The joins of a pass are timed, the leaves after it are not.
 *
 * A turn does a small portion and asks to be continued, as a handler should.
 */
#include <flitch.h>
#include <stdlib.h>
#include <time.h>

enum { GROUPS_A_TURN = 25, MEMBERS_MAX = 64 };

struct joiner {
	fl_pid pids[MEMBERS_MAX];
	size_t count;
	int64_t groups, at;
	bool is_leaving;
	double wanted, spent; /* seconds of joining */
	int64_t joined;
	fl_from from;
};

static const fl_behaviour idle = {.name = "idle"};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int give_members(fl_proc *self, fl_from from, int64_t count)
{
	fl_buf list = FL_BUF_INIT;
	fl_pid pid;
	int rc;

	fl_list_open(&list);
	while (count-- > 0 && fl_start(self, &idle, NULL, &pid, "[]") == FL_OK)
		(void)fl_build(&list, "~", pid);
	fl_list_close(&list);
	rc = fl_reply(from, "~", fl_buf_term(&list));
	fl_buf_free(&list);
	return rc;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct joiner *j = state;
	int64_t count, ms;
	fl_term list, pid;

	if (fl_match(request, "{members, ~}", &count))
		return give_members(self, from, count);
	*j = (struct joiner){.from = from};
	if (!fl_match(request, "{joins, ~, ~, ~}", &list, &j->groups, &ms))
		return fl_unhandled(self, request);
	j->wanted = (double)ms / 1000;
	while (j->count < MEMBERS_MAX && fl_list_next(&list, &pid))
		j->count += fl_match(pid, "~", &j->pids[j->count]);
	(void)fl_later(self, from);
	return fl_next_continue(self, "go");
}

static void change(fl_proc *self, struct joiner *j)
{
	for (size_t i = 0; i < j->count; i++) {
		if (j->is_leaving)
			(void)fl_pg_leave(self, FL_PG, j->pids[i], "{group, ~}", j->at);
		else
			j->joined +=
				fl_pg_join(self, FL_PG, j->pids[i], "{group, ~}", j->at) == FL_OK;
	}
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	struct joiner *j = state;
	int64_t end = j->at + GROUPS_A_TURN;
	double start = now();

	(void)what; /* `go` */
	for (; j->at < end && j->at < j->groups; j->at++)
		change(self, j);
	if (!j->is_leaving)
		j->spent += now() - start;
	if (j->at < j->groups)
		return fl_next_continue(self, "go");
	j->at = 0;
	j->is_leaving = !j->is_leaving;
	if (j->is_leaving || j->spent < j->wanted)
		return fl_next_continue(self, "go");
	return fl_reply(j->from, "~", (double)j->joined / j->spent);
}

static const fl_behaviour joiner = {
	.name = "joiner",
	.state_size = sizeof(struct joiner),
	.call = on_call,
	.continue_ = on_continue,
};

FL_MODULE(&joiner);
