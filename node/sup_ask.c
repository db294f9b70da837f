/* SPDX-License-Identifier: Apache-2.0 */
/* What C code asks of supervisors: OTP's requests, by fl_call, and their answers as codes. */
#include "flitch/supervisor.h"
#include "node/behaviours.h"
#include "node/sched.h"
#include "node/sup_process.h"
#include "node/term/hash.h"
#include "node/via.h"

int fl_add_child_spec(fl_proc *self, const fl_child *child, fl_spec args)
{
	fli_supervisor *s = (fli_supervisor *)(void *)self->state;
	fl_buf built = FL_BUF_INIT, why = FL_BUF_INIT;
	fli_kid *kid;
	int rc = FL_EMISUSE;

	if (self->behaviour->supervisor != NULL && s->is_starting && !fli_sup_is_dynamic(s->sup))
		rc = fl_build_values(&built, args.pattern, args.values, args.count);
	if (rc == FL_OK)
		rc = fli_supervisor_add(s, child, fl_buf_term(&built), &kid, &why);
	fl_buf_free(&built);
	fl_buf_free(&why);
	return rc;
}

/* ---- requests -------------------------------------------------------------------------------- */

static int error_of(fl_term reply)
{
	static const struct {
		const char *pattern;
		int code;
	} errors[] = {
		{"not_found", FL_ENOENT},
		{"running", FL_EALREADY},
		{"already_present", FL_EALREADY},
		{"{already_started, _}", FL_EALREADY},
		{"restarting", FL_EBUSY},
		{"max_children", FL_ELIMIT},
		{"system_limit", FL_ELIMIT},
		{"not_allowed", FL_EREFUSED},
		{"simple_one_for_one", FL_EINVAL},
		{"{bad_combination, _}", FL_EINVAL},
		{"unknown_call", FL_ENOTSUP},
	};
	fl_term reason;

	if (!fl_match(reply, "{error, ~}", &reason))
		return FL_ENOTSUP; /* it is no supervisor */
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (fl_match(reason, errors[i].pattern))
			return errors[i].code;
	return FL_EEXIT;
}

static int result_of(fl_term reply, fl_pid *ret_pid)
{
	fl_pid pid;

	if (fl_match(reply, "ok"))
		return FL_OK;
	if (fl_match(reply, "ignore") || fl_match(reply, "{ok, undefined}"))
		return FL_ENOENT;
	if (!fl_match(reply, "{ok, ~}", &pid) && !fl_match(reply, "{ok, ~, _}", &pid))
		return error_of(reply);
	if (ret_pid != NULL)
		*ret_pid = pid;
	return FL_OK;
}

static int ask(fl_proc *self, fl_dest to, fl_pid *ret_pid, fl_spec request)
{
	fl_term reply = {.data = NULL};
	int rc = fl_call_spec(self, to, FL_INFINITY, &reply, request);

	return rc == FL_OK ? result_of(reply, ret_pid) : rc;
}

int fl_ask_child_spec(fl_proc *self, fl_dest supervisor, const char *what, fl_spec id)
{
	fl_buf built = FL_BUF_INIT;
	int rc = fl_build_values(&built, id.pattern, id.values, id.count);

	if (rc == FL_OK)
		rc = ask(self, supervisor, NULL,
			fl_spec("{~, ~}", fl_atom_of(what), fl_buf_term(&built)));
	fl_buf_free(&built);
	return rc;
}

/* ---- start_child ----------------------------------------------------------------------------- */

static fl_proc *local_of(fl_node *node, const fl_dest *to)
{
	if (to->kind == FL_TO_PID)
		return fli_proc_of(node, &to->as.pid);
	if (to->kind == FL_TO_NAME &&
		(to->as.name.node.size == 0 || fl_atom_eq(to->as.name.node, node->name)))
		return fli_name_find(node, to->as.name.text);
	return NULL;
}

/* How it must be asked: FL_ENOPROC, FL_ENOTSUP when it is no supervisor. The names are known then.
 */
static int prepare(
	fl_proc *self, const fl_dest *to, const fl_behaviour *child, fl_strategy *ret_strategy)
{
	fl_node *node = self->node;
	const fl_proc *proc;
	fl_dest at;
	int rc;

	fli_enter(node);
	at = fli_via_resolve(node, *to);
	proc = local_of(node, &at);
	rc = fli_behaviour_know(node, child);
	if (proc == NULL)
		rc = FL_ENOPROC;
	else if (proc->behaviour->supervisor == NULL)
		rc = FL_ENOTSUP;
	else
		*ret_strategy = proc->behaviour->supervisor->strategy;
	fli_leave(node);
	return rc;
}

/* The default that the caller's side puts in. */
static void build_shutdown(fl_buf *buf, fl_term map, bool is_supervisor)
{
	fl_term shutdown;

	if (fl_get(map, "shutdown", &shutdown))
		(void)fl_build(buf, "~", shutdown);
	else
		fli_shutdown_write(buf, is_supervisor ? FL_INFINITY : FLI_WORKER_MS);
}

int fli_dynamic_build(fl_buf *buf, fl_term map)
{
	fl_term start, module, value;
	bool is_supervisor = fl_match(map, "#{type => supervisor}");

	if (!fl_get(map, "start", &start) || !fl_match(start, "{~, _, _}", &module))
		return FL_EINVAL;
	fl_tuple_open(buf);
	(void)fl_build(buf, "~", start);
	if (fl_get(map, "restart", &value))
		(void)fl_build(buf, "~", value);
	else
		(void)fl_build(buf, "permanent");
	build_shutdown(buf, map, is_supervisor);
	if (fl_get(map, "type", &value))
		(void)fl_build(buf, "~", value);
	else
		(void)fl_build(buf, "worker");
	if (fl_get(map, "modules", &value))
		(void)fl_build(buf, "~", value);
	else
		(void)fl_build(buf, "[~]", module);
	fl_tuple_close(buf);
	return buf->error;
}

/* What fli_dynamic_build makes of the map of fli_kid_spec_build, without the map. */
static int build_dynamic(fl_buf *buf, const fl_child *child, fl_term args)
{
	bool is_supervisor = child->behaviour->supervisor != NULL;
	uint32_t usual_ms = is_supervisor ? FL_INFINITY : FLI_WORKER_MS;
	int rc;

	fl_tuple_open(buf);
	rc = fli_kid_start_build(buf, child, args);
	(void)fl_build(buf, "~", fl_atom_of(fli_restart_text(child->restart)));
	fli_shutdown_write(buf, child->shutdown_ms == 0 ? usual_ms : child->shutdown_ms);
	(void)fl_build(buf, is_supervisor ? "supervisor" : "worker");
	(void)fl_build(buf, "[~]", fl_atom_of(child->behaviour->name));
	fl_tuple_close(buf);
	return rc == FL_OK ? buf->error : rc;
}

static int build_request(fl_buf *buf, fl_strategy strategy, const fl_child *child, fl_term args)
{
	if (strategy == FL_SIMPLE_ONE_FOR_ONE)
		return fl_build(buf, "[~]", args);
	if (strategy == FL_DYNAMIC)
		return build_dynamic(buf, child, args);
	return fli_kid_spec_build(buf, child, args);
}

int fl_start_child_spec(
	fl_proc *self, fl_dest supervisor, const fl_child *child, fl_pid *ret_pid, fl_spec args)
{
	fl_buf built = FL_BUF_INIT, request = FL_BUF_INIT;
	fl_strategy strategy;
	int rc = prepare(self, &supervisor, child->behaviour, &strategy);

	if (rc == FL_OK)
		rc = fl_build_values(&built, args.pattern, args.values, args.count);
	if (rc == FL_OK)
		rc = build_request(&request, strategy, child, fl_buf_term(&built));
	if (rc == FL_OK)
		rc = ask(self, supervisor, ret_pid,
			fl_spec("{start_child, ~}", fl_buf_term(&request)));
	fl_buf_free(&built);
	fl_buf_free(&request);
	return rc;
}

/* ---- counts and partitions ------------------------------------------------------------------- */

int fl_count_children_dest(fl_proc *self, fl_dest supervisor, fl_children_count *ret_count)
{
	fl_term reply = {.data = NULL};
	fl_children_count c;
	int rc = fl_call_spec(self, supervisor, FL_INFINITY, &reply, fl_spec("count_children"));

	if (rc != FL_OK)
		return rc;
	if (!fl_match(reply, "[{specs, ~}, {active, ~}, {supervisors, ~}, {workers, ~}]", &c.specs,
		    &c.active, &c.supervisors, &c.workers))
		return FL_ENOTSUP;
	*ret_count = c;
	return FL_OK;
}

/* rem(abs(Key), Count), of another term phash2(Key, Count), as in Elixir. */
static bool partition_of(fl_term key, uint32_t count, uint32_t *ret_index)
{
	uint32_t hash;
	int64_t number;

	if (fl_match(key, "~", &number)) {
		*ret_index =
			(uint32_t)((number < 0 ? -(uint64_t)number : (uint64_t)number) % count);
		return true;
	}
	if (fl_term_kind(key) == FL_INTEGER || !fli_phash2(key, &hash))
		return false;
	*ret_index = hash % count;
	return true;
}

/* The context is owned. */
static bool sits_at(const fl_proc *proc, fl_term key, fli_seat *ret_seat)
{
	const fli_supervisor *s = (const fli_supervisor *)(const void *)proc->state;
	uint32_t index;

	if (proc->behaviour->supervisor == NULL || proc->status == FLI_EXITING ||
		s->seats == NULL ||
		!partition_of(key, proc->behaviour->supervisor->partitions, &index))
		return false;
	*ret_seat = s->seats[index];
	return true;
}

int fl_partition(fl_proc *self, const char *supervisor, fl_term key, fl_pid *ret_pid)
{
	return fli_partition_of(self, fl_atom_of(supervisor), key, ret_pid);
}

int fli_partition_of(fl_proc *self, fl_atom supervisor, fl_term key, fl_pid *ret_pid)
{
	fl_node *node = self->node;
	const fl_proc *proc, *child = NULL;
	fli_seat seat = {0, 0};

	fli_enter(node);
	proc = fli_name_find(node, supervisor);
	if (proc != NULL && sits_at(proc, key, &seat))
		child = fli_proc_find(node, seat.id, seat.serial);
	if (child != NULL && child->status == FLI_EXITING)
		child = NULL;
	if (child != NULL)
		*ret_pid = fli_proc_pid(child);
	fli_leave(node);
	return child == NULL ? FL_ENOPROC : FL_OK;
}
