/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy asks outside of the node: the store of the lease, and the program's own rule.
 *
 *  - Calls of the store run on a thread of the pool, one at a time, since they may wait for a disk
 *    or a network; their answers are messages to the service's process.
 *  - A member that has the lease is asked by a call of its service, for how long yet.
 *  - The rule is called at once, with a view that is made for it.
 *
 * What goes wrong: where there is no store yet, or no thread or memory for a call, the store cannot
 * tell; a call that never comes back is one for which the engine waits no longer than it may. A
 * view that finds no memory is one that pauses.
 */
#include "cluster/partition.h"

#include <stdio.h>
#include <string.h>

#include "cluster/partition_options.h"
#include "node/sched.h"

static uint64_t now_of(const fl_node *node)
{
	return node->port->now_ns(node->port) / 1000000;
}

/* ---- the store ------------------------------------------------------------------------------- */

typedef struct errand {
	fli_mem *mem;
	fl_lease lease;
	fli_lease_verb verb;
	int result;
	fl_lease_request request;
	char owner[FL_LEASE_OWNER_MAX + 1], holder[FL_LEASE_OWNER_MAX + 1];
} errand;

static void run(void *arg, const _Atomic(bool) *cancelled)
{
	errand *e = arg;

	(void)cancelled; /* a call of the store is not cut short */
	if (e->verb == FLI_LEASE_RELEASE && e->lease.release != NULL)
		e->lease.release(e->lease.ctx, &e->request);
	else if (e->verb == FLI_LEASE_RENEW && e->lease.renew != NULL)
		e->result = e->lease.renew(e->lease.ctx, &e->request);
	else if (e->verb != FLI_LEASE_RELEASE)
		e->result = e->lease.acquire(e->lease.ctx, &e->request);
}

static void drop(void *arg)
{
	errand *e = arg;

	fli_free(e->mem, e);
}

static int done(fl_proc *self, void *state, void *arg)
{
	fli_partition_service *s = fli_partition_enter(self);
	errand *e = arg;

	(void)state;
	if (s != NULL) {
		s->store.is_busy = false;
		e->holder[FL_LEASE_OWNER_MAX] = '\0';
		if (e->verb != FLI_LEASE_RELEASE)
			fli_partition_leased(s->engine, e->result, fl_atom_of(e->holder));
		(void)fli_partition_leave(s);
	}
	drop(e);
	return FL_OK;
}

static const fl_task task = {.work = run, .done = done, .drop = drop};

static errand *errand_of(const fli_partition_service *s, fli_lease_verb verb)
{
	fl_node *node = s->node;
	errand *e = fli_zalloc(node->mem, sizeof *e);

	if (e == NULL)
		return NULL;
	e->mem = node->mem;
	e->lease = s->store.lease;
	e->verb = verb;
	memcpy(e->owner, node->name.text, node->name.size);
	e->request = (fl_lease_request){.owner = e->owner,
		.ttl_ms = s->store.ttl_ms,
		.now_ms = now_of(node),
		.ret_holder = e->holder};
	return e;
}

static bool send_out(fli_partition_service *s, fli_lease_verb verb)
{
	fl_proc *self = fli_partition_proc(s);
	errand *e = NULL;

	if (self != NULL && s->store.lease.acquire != NULL && !s->store.is_busy &&
		s->node->name.size <= FL_LEASE_OWNER_MAX)
		e = errand_of(s, verb);
	if (e == NULL)
		return false;
	s->store.is_busy = true;
	if (fl_offload(self, &task, e) == FL_OK)
		return true;
	s->store.is_busy = false;
	drop(e);
	return false;
}

void fli_partition_lease(void *ctx, fli_lease_verb verb)
{
	fli_partition_service *s = ctx;

	if (!send_out(s, verb) && verb != FLI_LEASE_RELEASE)
		fli_partition_leased(s->engine, FL_ECLOSED, (fl_atom){"", 0});
}

/* ---- the holder ------------------------------------------------------------------------------ */

void fli_partition_ask_lease(void *ctx, fl_atom node)
{
	fli_partition_service *s = ctx;
	fl_proc *self = fli_partition_proc(s);
	fl_dest to = {.kind = FL_TO_NAME,
		.as.name = {.text = fl_atom_of(self == NULL ? "" : self->behaviour->name),
			.node = node}};

	(void)snprintf(s->store.at, sizeof s->store.at, "%.*s", (int)node.size, node.text);
	s->store.is_asked =
		self != NULL && fl_request(self, to, &s->store.asked, "lease_left") == FL_OK;
	if (!s->store.is_asked)
		fli_partition_lease_told(s->engine, 0);
}

bool fli_partition_lease_answered(fli_partition_service *s, const fl_ref *ref, fl_term answer)
{
	uint64_t left_ms = 0;

	if (!s->store.is_asked || !fl_ref_eq(&s->store.asked, ref) ||
		!fli_partition_may_answer(s, s->store.at))
		return false;
	s->store.is_asked = false;
	if (answer.data == NULL || !fl_match(answer, "~", &left_ms))
		left_ms = 0;
	fli_partition_lease_told(s->engine, left_ms);
	return true;
}

/* ---- the rule -------------------------------------------------------------------------------- */

static bool has_room(fli_partition_service *s, uint32_t count)
{
	fl_partition_member *grown;

	if (count <= s->rule.capacity)
		return true;
	grown = fli_realloc(s->node->mem, s->rule.members, count * sizeof *grown);
	if (grown == NULL)
		return false;
	s->rule.members = grown;
	s->rule.capacity = count;
	return true;
}

bool fli_partition_custom_rule(
	void *ctx, const fli_partition_picture *picture, const fli_partition_verdict *verdict)
{
	fli_partition_service *s = ctx;
	const fli_roster *roster = s->engine == NULL ? NULL : fli_partition_roster(s->engine);
	fl_partition_view view = {
		.count = picture->count, .here = verdict->here, .self = picture->self};

	if (s->rule.decide == NULL || roster == NULL || !has_room(s, picture->count))
		return verdict->here == picture->count;
	for (uint32_t i = 0; i < picture->count; i++)
		s->rule.members[i] = (fl_partition_member){
			.name = {roster->entries[i]->name, roster->entries[i]->size},
			.is_here = fli_partition_has(verdict->side, i),
			.is_connected = roster->entries[i]->is_up,
			.age = picture->seats[i].age};
	view.members = s->rule.members;
	return s->rule.decide(s->rule.ctx, &view);
}

/* ---- the program's --------------------------------------------------------------------------- */

static int use(fli_partition_service *s, const fl_partition_hooks *hooks)
{
	if (s == NULL || (hooks->lease != NULL && !s->store.is_for_callbacks) ||
		(hooks->decide != NULL &&
			fli_partition_rules_of(s->engine)->policy != FLI_POLICY_CUSTOM))
		return FL_ENOTSUP;
	if (hooks->lease != NULL && hooks->lease->acquire == NULL)
		return FL_EINVAL;
	if (hooks->lease != NULL)
		s->store.lease = *hooks->lease;
	if (hooks->counts != NULL) {
		s->counts = hooks->counts;
		s->counts_ctx = hooks->counts_ctx;
	}
	if (hooks->decide == NULL)
		return FL_OK;
	s->rule.decide = hooks->decide;
	s->rule.ctx = hooks->decide_ctx;
	return FL_OK;
}

int fl_partition_use(fl_node *node, const fl_partition_hooks *hooks)
{
	int rc;

	fli_enter(node);
	rc = use(fli_core_of(node)->partition, hooks);
	fli_leave(node);
	return rc;
}

int fli_partition_hooks_open(fli_partition_service *s, const fl_options *options, fl_error *err)
{
	const char *text = fli_options_text(options, FLI_KEY_PARTITION_LEASE);

	s->store.ttl_ms = (uint32_t)fli_options_int(options, FLI_KEY_PARTITION_LEASE_TTL);
	s->store.is_for_callbacks = strcmp(text, "callbacks") == 0;
	if (*text == '\0' || s->store.is_for_callbacks)
		return FL_OK;
	if (fli_lease_file_new(
		    s->node->mem, text + strlen("file:"), &s->store.file, &s->store.lease) != FL_OK)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	return FL_OK;
}

void fli_partition_hooks_close(fli_partition_service *s)
{
	fli_lease_file_delete(s->store.file);
	fli_free(s->node->mem, s->rule.members);
}
