/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/accel/store/group.h"

#include <string.h>

bool group_name_set(group *g, fl_bin name)
{
	if (name.size < 1 || name.size >= sizeof g->name ||
		memchr(name.data, '\0', name.size) != NULL)
		return false;
	memcpy(g->name, name.data, name.size);
	g->name[name.size] = '\0';
	return true;
}

static fl_atom name_of(const group *g)
{
	return fl_atom_of(g->name);
}

static void ask(group *g, fl_proc *self, fl_pid member)
{
	fl_pid own = fl_self(self);

	if (!fl_pid_eq(&member, &own) &&
		fl_request(self, member, &g->asked[g->asked_next % GROUP_ASKED_MAX], "id") == FL_OK)
		g->asked_next++;
}

int group_join(group *g, fl_proc *self, const store_env *env)
{
	fl_pid members[GROUP_MEMBERS_MAX];
	size_t count;
	int rc = fl_pg_monitor(self, FL_PG, &g->watch, NULL, "{store, ~}", name_of(g));

	g->id = env->id;
	if (rc == FL_OK)
		rc = fl_pg_join(self, FL_PG, fl_self(self), "{store, ~}", name_of(g));
	if (rc != FL_OK)
		return rc;
	g->is_member = true;
	count = fl_pg_members(self, FL_PG, members, GROUP_MEMBERS_MAX, "{store, ~}", name_of(g));
	for (size_t i = 0; i < count && i < GROUP_MEMBERS_MAX; i++)
		ask(g, self, members[i]);
	return FL_OK;
}

/* Of an answer that was asked for. */
static bool is_asked(group *g, const fl_ref *ref)
{
	for (size_t i = 0; i < GROUP_ASKED_MAX; i++)
		if (g->asked[i].count > 0 && fl_ref_eq(ref, &g->asked[i])) {
			g->asked[i].count = 0;
			return true;
		}
	return false;
}

/* An id begins with the time at which the directory was made. */
static void compare(group *g, fl_proc *self, fl_bin theirs)
{
	if (!g->is_member || theirs.size != ENV_ID_BYTES ||
		memcmp(theirs.data, g->id, ENV_ID_BYTES) >= 0)
		return;
	g->is_member = false;
	(void)fl_pg_leave(self, FL_PG, fl_self(self), "{store, ~}", name_of(g));
	fl_log(self, FL_LOG_ERROR,
		"this store has left the group {store, %s}: another member has other, older data; give "
		"one of them another name, or the same directory",
		g->name);
}

bool group_info(group *g, fl_proc *self, fl_term message)
{
	fl_term pids, pid_term;
	fl_ref ref;
	fl_pid pid;
	fl_bin theirs;

	if (fl_match(message, "{^, join, _, ~}", &g->watch, &pids)) {
		while (fl_list_next(&pids, &pid_term) && fl_match(pid_term, "~", &pid))
			ask(g, self, pid);
		return true;
	}
	if (fl_match(message, "{^, leave, _, _}", &g->watch))
		return true;
	if (fl_match(message, "{'DOWN', ~, process, _, _}", &ref))
		return is_asked(g, &ref);
	if (!fl_match(message, "{~, {ok, ~}}", &ref, &theirs) || !is_asked(g, &ref))
		return false;
	compare(g, self, theirs);
	return true;
}
