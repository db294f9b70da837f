/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of supervisor, Elixir's Supervisor and DynamicSupervisor, with OTP's answers.
 *
 * Failure: what is no request at all is {error, unknown_call}, where OTP's supervisor would end; a
 * child of the node's own is {error, not_allowed} to whoever wants it gone. What is not open to the
 * node that asks (access.h) is {error, {notsup, Text}}, and so is a task that would run a function
 * that is not: the task itself runs as one of this node's own.
 */
#include <string.h>

#include "node/access.h"
#include "node/chore.h"
#include "node/export.h"
#include "node/sched.h"
#include "node/sup_process.h"

/* A request under way. */
typedef struct asked {
	fl_proc *self;
	fli_supervisor *s;
	fl_from from;
	fl_atom sender; /* the node that asks */
	fl_term what;   /* its argument */
} asked;

static int answer(const asked *a, const char *pattern)
{
	(void)fl_reply(a->from, pattern); /* the caller may be gone */
	return FL_OK;
}

static int answer_buf(const asked *a, fl_buf *buf)
{
	int rc = buf->error == FL_OK ? fl_reply(a->from, "~", fl_buf_term(buf))
				     : fl_reply(a->from, "{error, system_limit}");

	(void)rc; /* likewise */
	fl_buf_free(buf);
	return FL_OK;
}

/* {error, Why} */
static int answer_error(const asked *a, fl_buf *why)
{
	if (why->error == FL_OK && why->size > 0)
		(void)fl_reply(a->from, "{error, ~}", fl_buf_term(why));
	else
		(void)fl_reply(a->from, "{error, system_limit}");
	fl_buf_free(why);
	return FL_OK;
}

/* ---- who may ask ----------------------------------------------------------------------------- */

/* FLI_ACCESS_WORDS_COUNT: none of those. */
static fli_access_word word_of(fl_term request)
{
	static const struct {
		const char *request;
		fli_access_word word;
	} all[] = {{"which_children", FLI_ACCESS_WHICH_CHILDREN},
		{"count_children", FLI_ACCESS_WHICH_CHILDREN},
		{"{which_child, _}", FLI_ACCESS_WHICH_CHILDREN},
		{"{get_childspec, _}", FLI_ACCESS_GET_CHILDSPEC},
		{"{start_child, _}", FLI_ACCESS_START_CHILD},
		{"{start_task, _, _, _}", FLI_ACCESS_START_CHILD},
		{"{terminate_child, _}", FLI_ACCESS_TERMINATE_CHILD},
		{"{restart_child, _}", FLI_ACCESS_RESTART_CHILD},
		{"{delete_child, _}", FLI_ACCESS_DELETE_CHILD}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (fl_match(request, all[i].request))
			return all[i].word;
	return FLI_ACCESS_WORDS_COUNT;
}

/* Has answered, if so. */
static bool refuses(const asked *a, fl_term request)
{
	fl_node *node = a->self->node;
	fli_access_word word;
	char text[160];
	bool may;

	if (FLI_LIKELY(fl_atom_eq(a->sender, node->name)))
		return false;
	word = word_of(request);
	if (word == FLI_ACCESS_WORDS_COUNT)
		return false;
	fli_enter(node);
	may = fli_access_may(node, a->sender, word);
	fli_leave(node);
	if (!may) /* the caller may be gone */
		(void)fl_reply(a->from, "{error, {notsup, ~}}",
			fli_access_refusal(text, sizeof text, word));
	return !may;
}

/* Of a task, what it runs is not open to who asks. `args`: those of its start. */
static bool is_shut(const asked *a, const fli_kid_spec *spec, fl_term args)
{
	fl_node *node = a->self->node;
	fli_mfa mfa;
	bool shut;

	if (spec->behaviour != &fli_task_supervised || fl_atom_eq(a->sender, node->name) ||
		!fli_task_runs(args, &mfa))
		return false;
	fli_enter(node);
	shut = fli_exports_are_shut(node, a->sender, &mfa);
	if (shut)
		fli_access_refused_function(node, a->sender, "a task's function");
	fli_leave(node);
	return shut;
}

static int answer_shut(const asked *a)
{
	return answer(a, "{error, {notsup, <<\"the function of this task is not open to this "
			 "caller's node on this C node (flitch); rpc.allow opens it\">>}}");
}

/* ---- start_child ----------------------------------------------------------------------------- */

static fli_kid_spec_home home_of(const fli_supervisor *s)
{
	return (fli_kid_spec_home){.mem = s->self->node->mem,
		.atoms = s->self->node->atoms,
		.auto_shutdown = s->sup->auto_shutdown};
}

static bool is_full(const fli_supervisor *s)
{
	return s->sup->count >= s->self->node->limits.processes_max;
}

/* As OTP: the arguments of one that is never started again are forgotten. */
static void forget_args(fli_supervisor *s, fli_kid *kid)
{
	if (kid->spec->restart != FL_TEMPORARY)
		return;
	fli_free(s->sup->mem, kid->args);
	kid->args = NULL;
}

/* {error, {Reason, Child}}, but for a name that is taken. */
static int answer_failed(const asked *a, const fli_kid *kid, fl_buf *why)
{
	fl_buf record = FL_BUF_INIT;

	if (why->error != FL_OK || fl_match(fl_buf_term(why), "{already_started, _}"))
		return answer_error(a, why);
	fli_kid_spec_write_record(&record, kid->spec, kid->args, NULL);
	if (record.error == FL_OK)
		(void)fl_reply(a->from, "{error, {~, ~}}", fl_buf_term(why), fl_buf_term(&record));
	else
		(void)fl_reply(a->from, "{error, system_limit}");
	fl_buf_free(&record);
	fl_buf_free(why);
	return FL_OK;
}

static int start_static(const asked *a, fli_kid_spec *spec, fl_term args)
{
	fl_buf why = FL_BUF_INIT;
	fli_kid *kid;
	fli_born born;

	if (is_shut(a, spec, args))
		return answer_shut(a);
	kid = is_full(a->s) ? NULL : fli_sup_add(a->s->sup, spec, args);
	if (kid == NULL)
		return answer(a, "{error, system_limit}");
	born = fli_sup_start_kid(a->s->sup, kid, &why);
	if (born == FLI_BORN_FAILED) {
		(void)answer_failed(a, kid, &why);
		fli_sup_remove(a->s->sup, kid);
		return FL_OK;
	}
	fl_buf_free(&why);
	if (born == FLI_BORN) {
		forget_args(a->s, kid);
		(void)fl_reply(a->from, "{ok, ~}", fli_kid_pid(a->self, kid));
		return FL_OK;
	}
	if (spec->restart == FL_TEMPORARY)
		fli_sup_remove(a->s->sup, kid);
	return answer(a, "{ok, undefined}");
}

static int start_child(const asked *a)
{
	fli_kid_spec_home home = home_of(a->s);
	fl_buf why = FL_BUF_INIT;
	fli_kid_spec *spec = NULL;
	const fli_kid *present;
	fl_term args;
	int rc = fli_kid_spec_read(&home, a->what, &spec, &args, &why);

	if (rc != FL_OK)
		return answer_error(a, &why);
	fl_buf_free(&why);
	present = fli_sup_by_id(a->s->sup, fli_kid_spec_get(spec, FLI_SPEC_ID));
	if (present == NULL)
		rc = start_static(a, spec, args);
	else if (present->state == FLI_KID_ALIVE)
		(void)fl_reply(
			a->from, "{error, {already_started, ~}}", fli_kid_pid(a->self, present));
	else
		rc = answer(a, "{error, already_present}");
	fli_kid_spec_unref(spec);
	return rc;
}

/* ---- start_child of dynamic ones ------------------------------------------------------------- */

static int start_dynamic(const asked *a, fli_kid_spec *spec, fl_term args)
{
	fl_buf why = FL_BUF_INIT;
	fli_kid *kid;
	fli_born born;

	if (is_shut(a, spec, args))
		return answer_shut(a);
	kid = is_full(a->s) ? NULL : fli_sup_add(a->s->sup, spec, args);
	if (kid == NULL)
		return answer(a, "{error, system_limit}");
	born = fli_sup_start_kid(a->s->sup, kid, &why);
	if (born == FLI_BORN) {
		forget_args(a->s, kid);
		fl_buf_free(&why);
		(void)fl_reply(a->from, "{ok, ~}", fli_kid_pid(a->self, kid));
		return FL_OK;
	}
	fli_sup_remove(a->s->sup, kid);
	if (born == FLI_BORN_FAILED)
		return answer_error(a, &why);
	fl_buf_free(&why);
	return answer(a, spec->is_dynamic ? "ignore" : "{ok, undefined}");
}

/* simple_one_for_one: what was asked is put behind the arguments of the one specification. */
static int start_simple(const asked *a)
{
	fl_atoms *atoms = a->self->node->atoms;
	fl_term own = fli_kept_term(a->s->extra, atoms), more = a->what, element;
	fl_buf args = FL_BUF_INIT;
	int rc;

	if (fl_term_kind(more) != FL_LIST && fl_term_kind(more) != FL_NIL)
		return answer(a, "{error, badarg}");
	fl_list_open(&args);
	while (fl_list_next(&own, &element))
		(void)fl_build(&args, "~", element);
	while (fl_list_next(&more, &element))
		(void)fl_build(&args, "~", element);
	fl_list_close(&args);
	rc = args.error == FL_OK ? start_dynamic(a, a->s->last_spec, fl_buf_term(&args))
				 : answer(a, "{error, system_limit}");
	fl_buf_free(&args);
	return rc;
}

/* The specification of the last child again, where it is the same: a million share one. */
static fli_kid_spec *share(fli_supervisor *s, fli_kid_spec *spec)
{
	if (s->last_spec != NULL && fli_kid_spec_equal(s->last_spec, spec)) {
		fli_kid_spec_unref(spec);
		return s->last_spec;
	}
	fli_kid_spec_unref(s->last_spec);
	s->last_spec = spec;
	return spec;
}

/* `behaviour`: NULL: found by the module that is named. */
static int start_elixirs(const asked *a, const fl_behaviour *behaviour)
{
	fli_kid_spec_home home = home_of(a->s);
	uint32_t max = a->s->flags->max_children;
	fl_buf why = FL_BUF_INIT;
	fli_kid_spec *spec = NULL;
	fl_term args;

	if (max > 0 && a->s->sup->count >= max)
		return answer(a, "{error, max_children}");
	if (fli_kid_spec_read_dynamic(&home, a->what, &spec, &args, &why) != FL_OK)
		return answer_error(a, &why);
	fl_buf_free(&why);
	spec = share(a->s, spec);
	if (behaviour != NULL)
		spec->behaviour = behaviour;
	return start_dynamic(a, spec, args);
}

/* ---- Task.Supervisor ------------------------------------------------------------------------- */

static int refuse_code(const asked *a)
{
	fl_buf why = FL_BUF_INIT;

	(void)fli_refuse_fun(a->self, &why); /* its outcome is in the buffer */
	return answer_error(a, &why);
}

/* {start_task, Args, Restart, Shutdown}: what its caller left open has Elixir's defaults. */
static int start_task(asked *a, fl_term args, fl_term restart, fl_term shutdown)
{
	fl_buf how = FL_BUF_INIT, child = FL_BUF_INIT;
	int rc;

	if (fli_task_is_code(args))
		return refuse_code(a);
	(void)fl_build(&how, "{temporary, 5000}"); /* the error of `child` tells, here too */
	if (fl_is_nil(restart))
		(void)fl_tuple_get(fl_buf_term(&how), 0, &restart);
	if (fl_is_nil(shutdown))
		(void)fl_tuple_get(fl_buf_term(&how), 1, &shutdown);
	(void)fl_build(&child,
		"{{'Elixir.Task.Supervised', start_link, ~}, ~, ~, worker, "
		"['Elixir.Task.Supervised']}",
		args, restart, shutdown);
	a->what = fl_buf_term(&child);
	rc = child.error == FL_OK ? start_elixirs(a, &fli_task_supervised)
				  : answer(a, "{error, system_limit}");
	fl_buf_free(&how);
	fl_buf_free(&child);
	return rc;
}

/* ---- children that are there ----------------------------------------------------------------- */

static fli_kid *kid_of_pid(const asked *a, const fl_pid *pid)
{
	if (!fli_pid_is_local(a->self->node, pid) || pid->creation != a->self->node->creation)
		return NULL;
	return fli_sup_by_pid(a->s->sup, pid->id, pid->serial);
}

static bool is_simple(const asked *a)
{
	return a->s->sup->strategy == FL_SIMPLE_ONE_FOR_ONE;
}

/* By id, or by pid where they are dynamic. */
static fli_kid *find(const asked *a)
{
	fl_pid pid;

	if (!fli_sup_is_dynamic(a->s->sup))
		return fli_sup_by_id(a->s->sup, a->what);
	return fl_match(a->what, "~", &pid) ? kid_of_pid(a, &pid) : NULL;
}

/* A simple_one_for_one supervisor says ok of any pid that is dead. */
static bool is_dead_pid(const asked *a)
{
	fl_node *node = a->self->node;
	fl_pid pid;

	return is_simple(a) && fl_match(a->what, "~", &pid) && fli_pid_is_local(node, &pid) &&
	       fli_proc_find(node, pid.id, pid.serial) == NULL;
}

static int terminate_child(const asked *a)
{
	fli_kid *kid = find(a);

	if (is_simple(a) && fl_term_kind(a->what) != FL_PID)
		return answer(a, "{error, simple_one_for_one}");
	if (kid == NULL)
		return answer(a, is_dead_pid(a) ? "ok" : "{error, not_found}");
	if (kid->spec->is_pinned)
		return answer(a, "{error, not_allowed}");
	fli_sup_stop_kid(a->s->sup, kid, fl_now_ms(a->self));
	if (a->s->sup->phase == FLI_SUP_IDLE)
		return answer(a, "ok");
	a->s->asker = a->from;
	a->s->has_asker = true;
	return fl_later(a->self, a->from);
}

/* Why a child that is not down is not to be had; NULL: it is down. */
static const char *obstacle(const fli_kid *kid)
{
	if (kid == NULL)
		return "{error, not_found}";
	if (kid->state == FLI_KID_RESTARTING)
		return "{error, restarting}";
	return kid->state == FLI_KID_DOWN ? NULL : "{error, running}";
}

static int restart_child(const asked *a)
{
	fli_kid *kid = find(a);
	fl_buf why = FL_BUF_INIT;
	fli_born born;

	if (fli_sup_is_dynamic(a->s->sup))
		return answer(a, "{error, simple_one_for_one}");
	if (obstacle(kid) != NULL)
		return answer(a, obstacle(kid));
	born = fli_sup_start_kid(a->s->sup, kid, &why);
	if (born == FLI_BORN_FAILED)
		return answer_error(a, &why);
	fl_buf_free(&why);
	if (born == FLI_BORN_IGNORED)
		return answer(a, "{ok, undefined}");
	(void)fl_reply(a->from, "{ok, ~}", fli_kid_pid(a->self, kid));
	return FL_OK;
}

static int delete_child(const asked *a)
{
	fli_kid *kid = find(a);

	if (fli_sup_is_dynamic(a->s->sup))
		return answer(a, "{error, simple_one_for_one}");
	if (obstacle(kid) != NULL)
		return answer(a, obstacle(kid));
	fli_sup_remove(a->s->sup, kid);
	return answer(a, "ok");
}

static int get_childspec(const asked *a)
{
	const fli_kid *kid = find(a);
	fl_buf reply = FL_BUF_INIT;

	if (kid == NULL)
		return answer(a, "{error, not_found}");
	fl_tuple_open(&reply);
	(void)fl_build(&reply, "ok");
	fli_kid_spec_write(&reply, kid->spec, is_simple(a) ? a->s->extra : kid->args);
	fl_tuple_close(&reply);
	return answer_buf(a, &reply);
}

/* OTP 28 and later. */
static int which_child(const asked *a)
{
	const fli_kid *kid;
	fl_buf reply = FL_BUF_INIT;

	if (is_simple(a) && fl_term_kind(a->what) != FL_PID)
		return answer(a, "{error, simple_one_for_one}");
	kid = find(a);
	if (kid == NULL)
		return answer(a, "{error, not_found}");
	fl_tuple_open(&reply);
	(void)fl_build(&reply, "ok");
	fli_supervisor_child(a->s, kid, &reply);
	fl_tuple_close(&reply);
	return answer_buf(a, &reply);
}

static int which_children(const asked *a)
{
	fl_buf reply = FL_BUF_INIT;

	(void)fli_supervisor_children(a->s, &reply); /* its error stays in the buffer */
	return answer_buf(a, &reply);
}

static int count_children(const asked *a)
{
	fl_buf reply = FL_BUF_INIT;

	(void)fli_supervisor_counts(a->s, &reply); /* likewise */
	return answer_buf(a, &reply);
}

static int start_any(const asked *a)
{
	switch (a->s->sup->strategy) {
	case FL_DYNAMIC: return start_elixirs(a, NULL);
	case FL_SIMPLE_ONE_FOR_ONE: return start_simple(a);
	default: return start_child(a);
	}
}

int fli_supervisor_call(
	fl_proc *self, fli_supervisor *s, fl_from from, fl_atom sender, fl_term request)
{
	static const struct {
		const char *pattern;
		int (*serve)(const asked *a);
	} requests[] = {
		{"{start_child, ~}", start_any},
		{"{terminate_child, ~}", terminate_child},
		{"{restart_child, ~}", restart_child},
		{"{delete_child, ~}", delete_child},
		{"{get_childspec, ~}", get_childspec},
		{"{which_child, ~}", which_child},
	};
	asked a = {.self = self, .s = s, .from = from, .sender = sender};
	fl_term args, restart, shutdown;

	if (refuses(&a, request))
		return FL_OK;
	if (fl_match(request, "which_children"))
		return which_children(&a);
	if (fl_match(request, "count_children"))
		return count_children(&a);
	if (s->flags->tasks &&
		fl_match(request, "{start_task, ~, ~, ~}", &args, &restart, &shutdown))
		return start_task(&a, args, restart, shutdown);
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		if (fl_match(request, requests[i].pattern, &a.what))
			return requests[i].serve(&a);
	return answer(&a, "{error, unknown_call}");
}
