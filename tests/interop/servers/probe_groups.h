/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_PROBE_GROUPS_H
#define FLITCH_TESTS_PROBE_GROUPS_H

/*
 * What a probe does with process groups and with topics on request, of which rpc cannot do it.
 *
 * Threads, memory: as probe.c. Errors: false, when Op is not one of these.
 */

#include <flitch.h>
#include <stdio.h>

static inline int result(fl_buf *out, int rc)
{
	return rc == FL_OK ? fl_build(out, "ok")
			   : fl_build(out, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
}

/* Of a PubSub: {Op, Name, Topic or pool size, Message}. */
static inline bool do_pubsub(fl_proc *self, fl_term op, fl_buf *out)
{
	char name[256], topic[256] = "";
	fl_term message = {.data = NULL};
	fl_text what, about;
	unsigned pool;

	if (fl_match(op, "{pubsub_start, ~, ~}", &what, &pool)) {
		(void)fl_text_string(what, name, sizeof name);
		return result(out, fl_pubsub_start(fl_self_node(self), name, pool)), true;
	}
	if (!fl_match(op, "{_, ~, ~}", &what, &about) &&
		!fl_match(op, "{_, ~, ~, ~}", &what, &about, &message))
		return false;
	(void)fl_text_string(what, name, sizeof name);
	(void)fl_text_string(about, topic, sizeof topic);
	if (fl_match(op, "{pubsub_subscribe, _, _}"))
		return result(out, fl_pubsub_subscribe(self, name, topic)), true;
	if (fl_match(op, "{pubsub_unsubscribe, _, _}"))
		return result(out, fl_pubsub_unsubscribe(self, name, topic)), true;
	if (fl_match(op, "{pubsub_broadcast, _, _, _}"))
		return result(out, fl_pubsub_broadcast(self, name, topic, "~", message)), true;
	if (fl_match(op, "{pubsub_broadcast_from, _, _, _}"))
		return result(out, fl_pubsub_broadcast_from(self, name, topic, "~", message)), true;
	if (fl_match(op, "{pubsub_local, _, _, _}"))
		return result(out, fl_pubsub_local_broadcast(self, name, topic, "~", message)),
		       true;
	if (!fl_match(op, "{channel_broadcast, _, _, _}"))
		return false;
	return result(out, fl_channel_broadcast(self, name, topic, "new_msg", "~", message)), true;
}

static inline bool do_picks(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_term group, key;
	fl_pid pid;
	int rc;

	if (fl_match(op, "{pick_by_key, ~, ~}", &key, &group))
		rc = fl_pick_by_key(self, FL_PG, key, &pid, "~", group);
	else if (fl_match(op, "{pick_local, ~}", &group))
		rc = fl_pick_any(self, FL_PG, FL_PICK_LOCAL, &pid, "~", group);
	else if (fl_match(op, "{pick_random, ~}", &group))
		rc = fl_pick_any(self, FL_PG, FL_PICK_RANDOM, &pid, "~", group);
	else
		return false;
	if (rc == FL_OK)
		(void)fl_build(out, "{ok, ~}", pid);
	else
		(void)result(out, rc);
	return true;
}

/* Of process groups, what rpc cannot do. */
static inline bool do_groups(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_buf members = FL_BUF_INIT;
	char scope[256];
	fl_term group;
	fl_atom name;
	fl_ref ref;
	int rc;

	if (!fl_match(op, "{_, ~}", &name) && !fl_match(op, "{_, ~, _}", &name))
		return false;
	(void)snprintf(scope, sizeof scope, "%.*s", (int)name.size, name.text);
	if (fl_match(op, "{pg_start, _}"))
		return result(out, fl_pg_start(fl_self_node(self), scope)), true;
	if (fl_match(op, "{pg_stop, _}"))
		return result(out, fl_pg_stop(fl_self_node(self), scope)), true;
	if (fl_match(op, "{pg_demonitor, _, ~}", &ref))
		return result(out, fl_pg_demonitor(self, scope, ref)), true;
	if (fl_match(op, "{pg_monitor, _, ~}", &group))
		rc = fl_pg_monitor(self, scope, &ref, &members, "~", group);
	else if (fl_match(op, "{pg_monitor_scope, _}"))
		rc = fl_pg_monitor_scope(self, scope, &ref, &members);
	else
		return false;
	if (rc == FL_OK)
		(void)fl_build(out, "{~, ~}", ref, fl_buf_term(&members));
	else
		(void)result(out, rc);
	fl_buf_free(&members);
	return true;
}

#endif
