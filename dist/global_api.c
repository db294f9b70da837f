/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the cluster, asked for by processes of this node.
 *
 *  - A change is a call to the registrar; it answers when all nodes have.
 *  - Looking up is a look into the core's table, with the context taken.
 */
#include "flitch/global.h"

#include <stdio.h>
#include <string.h>

#include "dist/global_act.h"
#include "node/sched.h"
#include "node/term/tag.h"

/* A server that starts must not hang for ever where a node does not answer. */
#define CLAIM_MS 60000

/* ---- methods --------------------------------------------------------------------------------- */

/* fun Module:Function/3 */
static int build_method(fl_buf *buf, const char *text)
{
	uint8_t bytes[1 + 2 * (2 + 255) + 2];
	const char *colon = strchr(text, ':');
	size_t module, function, at = 0;

	if (colon == NULL)
		return FL_EINVAL;
	module = (size_t)(colon - text);
	function = strlen(colon + 1);
	if (module == 0 || module > 255 || function == 0 || function > 255)
		return FL_EINVAL;
	bytes[at++] = FLI_EXPORT_EXT;
	bytes[at++] = FLI_SMALL_ATOM_UTF8_EXT;
	bytes[at++] = (uint8_t)module;
	memcpy(bytes + at, text, module);
	at += module;
	bytes[at++] = FLI_SMALL_ATOM_UTF8_EXT;
	bytes[at++] = (uint8_t)function;
	memcpy(bytes + at, colon + 1, function);
	at += function;
	bytes[at++] = FLI_SMALL_INTEGER_EXT;
	bytes[at++] = 3;
	return fl_build_encoded(buf, bytes, at);
}

int fli_global_method(fl_buf *buf, const char *text)
{
	return build_method(buf, text == NULL ? "global:random_exit_name" : text);
}

/* What names have that were registered without a method of their own. */
static const char *method_of(const fl_node *node, const char *resolve)
{
	return resolve == NULL && *node->global_resolve != '\0' ? node->global_resolve : resolve;
}

void fli_global_set_method(fl_node *node, const char *text)
{
	(void)snprintf(node->global_resolve, sizeof node->global_resolve, "%s", text);
}

/* ---- the core's table ------------------------------------------------------------------------ */

bool fli_global_find(const fl_node *node, fl_term name, fl_pid *ret_pid)
{
	const fli_global_service *s = fli_global_service_of(node);

	fl_pid pid;

	if (s == NULL || s->core == NULL || !fli_global_whereis(s->core, name, &pid))
		return false;
	/* as in OTP one of this node that has ended has no name, before the name server knows */
	if (fli_pid_is_local(node, &pid) && fli_proc_of(node, &pid) == NULL)
		return false;
	*ret_pid = pid;
	return true;
}

void fli_global_list(fl_node *node, fl_buf *buf)
{
	const fli_global_service *s;

	fli_enter(node);
	s = fli_global_service_of(node);
	if (s != NULL && s->core != NULL)
		fli_global_names(s->core, buf);
	else
		(void)fl_build(buf, "[]");
	fli_leave(node);
}

void fli_global_set_mode(fl_node *node, fli_global_mode mode)
{
	fli_global_service *s = fli_global_service_of(node);

	if (s == NULL)
		return;
	s->mode = mode;
	if (s->core != NULL)
		fli_global_use_mode(s->core, mode);
}

fli_global_mode fli_global_mode_of(const fl_node *node)
{
	const fli_global_service *s = fli_global_service_of(node);

	return s == NULL ? FLI_GLOBAL_OFF : s->mode;
}

void fli_global_end(fl_node *node)
{
	fli_global_service *s = fli_global_service_of(node);

	if (s != NULL && s->core != NULL)
		fli_global_leave(s->core);
}

fli_global_counters fli_global_counters_of(const fl_node *node)
{
	const fli_global_service *s = fli_global_service_of(node);

	return s == NULL || s->core == NULL ? (fli_global_counters){0} : fli_global_count(s->core);
}

void fli_global_disconnect_all(fl_node *node, fl_buf *ret_nodes)
{
	fli_global_service *s;

	fli_enter(node);
	s = fli_global_service_of(node);
	if (s != NULL && s->core != NULL) {
		fli_global_disconnect(s->core, ret_nodes);
		fli_global_carry_out(s);
	} else {
		(void)fl_build(ret_nodes, "[]");
	}
	fli_leave(node);
}

int fl_global_disconnect(fl_proc *self, fl_buf *ret_nodes)
{
	fl_buf own = FL_BUF_INIT, *nodes = ret_nodes == NULL ? &own : ret_nodes;
	int rc;

	fli_global_disconnect_all(fl_self_node(self), nodes);
	rc = nodes->error;
	fl_buf_free(&own);
	return rc;
}

/* ---- changes --------------------------------------------------------------------------------- */

static fl_dest registrar_of(fl_proc *self)
{
	fl_node *node = fl_self_node(self);
	const fli_global_service *s;
	fl_dest to = fl_to_name("");

	fli_enter(node);
	s = fli_global_service_of(node);
	if (s != NULL && s->core != NULL)
		to = fl_to_pid(s->pids[FLI_GLOBAL_REGISTRAR]);
	fli_leave(node);
	return to;
}

int fli_global_change_name(
	fl_proc *self, const fli_global_wish *wish, uint32_t timeout_ms, fl_term *ret_answer)
{
	return fl_call(self, registrar_of(self), timeout_ms, ret_answer, "{change, ~, ~, ~, ~}",
		(int)wish->change, wish->name, wish->pid, wish->method);
}

int fli_global_request_change(fl_proc *self, const fli_global_wish *wish, fl_ref *ret_ref)
{
	return fl_request(self, registrar_of(self), ret_ref, "{change, ~, ~, ~, ~}",
		(int)wish->change, wish->name, wish->pid, wish->method);
}

/* Name and method as terms; both are freed by end_wish. */
typedef struct making {
	fli_global_wish wish;
	fl_buf name, method;
} making;

static int begin_wish(
	fl_proc *self, making *m, fli_global_change change, const char *resolve, fl_spec name)
{
	int rc;

	*m = (making){.wish.change = change};
	rc = fl_build_values(&m->name, name.pattern, name.values, name.count);
	if (rc == FL_OK)
		rc = fli_global_method(&m->method, method_of(fl_self_node(self), resolve));
	m->wish.name = fl_buf_term(&m->name);
	m->wish.method = fl_buf_term(&m->method);
	return rc;
}

static void end_wish(making *m)
{
	fl_buf_free(&m->name);
	fl_buf_free(&m->method);
}

static int outcome(int rc, fl_term answer)
{
	if (rc != FL_OK)
		return rc;
	if (fl_match(answer, "yes") || fl_match(answer, "ok"))
		return FL_OK;
	return fl_match(answer, "no") ? FL_ETAKEN : FL_ELIMIT;
}

static int change(fl_proc *self, making *m, fl_pid pid)
{
	fl_term answer = {.data = NULL};

	m->wish.pid = pid;
	if (m->wish.change != FLI_GLOBAL_UNREGISTER &&
		fli_gate_is_shut(fl_self_node(self), FLI_GATE_REGISTER))
		return FL_EBUSY;
	return outcome(fli_global_change_name(self, &m->wish, FL_INFINITY, &answer), answer);
}

int fl_global_register_spec(fl_proc *self, fl_pid pid, const char *resolve, fl_spec name)
{
	making m;
	int rc = begin_wish(self, &m, FLI_GLOBAL_REGISTER, resolve, name);

	if (rc == FL_OK)
		rc = change(self, &m, pid);
	end_wish(&m);
	return rc;
}

int fl_global_re_register_spec(fl_proc *self, fl_pid pid, const char *resolve, fl_spec name)
{
	making m;
	int rc = begin_wish(self, &m, FLI_GLOBAL_REREGISTER, resolve, name);

	if (rc == FL_OK)
		rc = change(self, &m, pid);
	end_wish(&m);
	return rc;
}

int fl_global_unregister_spec(fl_proc *self, fl_spec name)
{
	making m;
	int rc = begin_wish(self, &m, FLI_GLOBAL_UNREGISTER, NULL, name);

	if (rc == FL_OK)
		rc = change(self, &m, fl_self(self));
	end_wish(&m);
	return rc;
}

int fl_global_register_request_spec(fl_proc *self, fl_pid pid, fl_ref *ret_ref, fl_spec name)
{
	making m;
	int rc = begin_wish(self, &m, FLI_GLOBAL_REGISTER, NULL, name);

	m.wish.pid = pid;
	if (rc == FL_OK)
		rc = fli_global_request_change(self, &m.wish, ret_ref);
	end_wish(&m);
	return rc;
}

bool fl_global_whereis_spec(fl_proc *self, fl_pid *ret_pid, fl_spec name)
{
	fl_node *node = fl_self_node(self);
	fl_buf buf = FL_BUF_INIT;
	bool found = false;

	if (fl_build_values(&buf, name.pattern, name.values, name.count) == FL_OK) {
		fli_enter(node);
		found = fli_global_find(node, fl_buf_term(&buf), ret_pid);
		fli_leave(node);
	}
	fl_buf_free(&buf);
	return found;
}

int fl_global_registered_names(fl_proc *self, fl_buf *ret_names)
{
	fli_global_list(fl_self_node(self), ret_names);
	return ret_names->error;
}

/* ---- a server's own name --------------------------------------------------------------------- */

static int refuse(fl_proc *self, fl_term name, int rc)
{
	fl_node *node = fl_self_node(self);
	bool found = false;
	fl_pid pid;

	if (rc == FL_ETAKEN) {
		fli_enter(node);
		found = fli_global_find(node, name, &pid);
		fli_leave(node);
	}
	if (found)
		(void)fl_stop(self, "{already_started, ~}", pid);
	else
		(void)fl_stop(self, "{global_name, ~, ~}", name, fl_atom_of(fl_error_atom(rc)));
	return rc;
}

/* While the node pauses its names wait with who keeps them, and are taken when it goes on. */
static int claim(fl_proc *self, const fli_global_wish *wish, fl_term *ret_answer)
{
	if (fli_gate_is_shut(fl_self_node(self), FLI_GATE_REGISTER))
		return fl_call(self, "flitch_partition", CLAIM_MS, ret_answer,
			"{keep_name, {~, ~, ~}}", wish->name, wish->pid, wish->method);
	return fli_global_change_name(self, wish, CLAIM_MS, ret_answer);
}

int fli_global_claim(fl_proc *self, const char *name)
{
	making m = {.wish.change = FLI_GLOBAL_REGISTER};
	fl_term answer = {.data = NULL};
	int rc = fl_read(&m.name, name, strlen(name), NULL);

	if (rc == FL_OK)
		rc = fli_global_method(&m.method, method_of(fl_self_node(self), NULL));
	if (rc == FL_OK) {
		m.wish.name = fl_buf_term(&m.name);
		m.wish.method = fl_buf_term(&m.method);
		m.wish.pid = fl_self(self);
		rc = outcome(claim(self, &m.wish, &answer), answer);
		if (rc != FL_OK)
			(void)refuse(self, m.wish.name, rc);
	} else {
		(void)fl_stop(self, "{global_name, badarg}");
	}
	end_wish(&m);
	return rc;
}
