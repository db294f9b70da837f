/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own processes, and who looks after them.
 *
 *  - The keeper starts each service and monitors it; a DOWN starts it again.
 *  - It is not linked to them, so that its own end takes nobody along.
 *
 * Failure: a service that cannot be started again is tried once a second, with a line in the log.
 * A keeper that ends is started again by the node's supervisor, and watches those that run.
 * `user` is the group leader of whoever has no other.
 */
#include "dist/services.h"

#include "dist/dist.h"
#include "dist/global_service.h"
#include "dist/natives.h"
#include "dist/net_kernel.h"
#include "dist/rex.h"
#include "dist/user_io.h"
#include "node/docs.h"
#include "node/events.h"
#include "node/natives.h"
#include "node/sched.h"
#include "node/silent.h"
#include "node/sup_shown.h"
#include "node/supervisor.h"

#define AGAIN_MS 1000

enum { SERVICES = 7 };

typedef struct service {
	const char *name;
	const fl_behaviour *behaviour;
} service;

static const service services[SERVICES] = {
	{"user", &fli_user_io},
	{"logger_proxy", &fli_log_proxy},
	{"logger", &fli_log_proxy},
	{"net_kernel", &fli_net_kernel},
	{"rex", &fli_rex},
	{"global_name_server", &fli_global_name_server},
	{"telemetry_handler_table", &fli_event_watcher},
};

typedef struct keeper_state {
	fl_ref monitors[SERVICES];
	bool is_due[SERVICES]; /* to be started again when its time comes */
} keeper_state;

static int start_service(fl_proc *self, keeper_state *keeper, size_t i)
{
	static const uint8_t nil[] = {106};
	fl_node *node = fl_self_node(self);
	fli_start how = {.behaviour = services[i].behaviour,
		.parent = self,
		.name = services[i].name,
		.is_system = true};
	fl_proc *proc;
	int rc;

	fli_enter(node);
	rc = fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);
	if (rc == FL_OK)
		rc = fl_monitor(self, fli_proc_pid(proc), &keeper->monitors[i]);
	if (rc == FL_OK && i == 0)
		node->system_pid = fli_proc_pid(proc);
	fli_leave(node);
	return rc;
}

/* It runs: watched, since where memory ran out it was started and not watched. */
static int watch_again(fl_proc *self, keeper_state *keeper, size_t i)
{
	fl_pid alive;

	if (!fl_whereis(self, services[i].name, &alive))
		return FL_ENOPROC;
	return fl_monitor(self, alive, &keeper->monitors[i]);
}

static int watch_or_start(fl_proc *self, keeper_state *keeper, size_t i)
{
	int rc = watch_again(self, keeper, i);

	return rc == FL_ENOPROC ? start_service(self, keeper, i) : rc;
}

/* Those of a keeper before this one run on. */
static int on_init(fl_proc *self, void *state, fl_term args)
{
	int rc = FL_OK;

	(void)args; /* none */
	for (size_t i = 0; i < SERVICES && rc == FL_OK; i++)
		rc = watch_or_start(self, state, i);
	return rc == FL_OK ? FL_OK : fl_stop(self, "~", fl_atom_of(fl_error_atom(rc)));
}

static void start_again(fl_proc *self, keeper_state *keeper, size_t i)
{
	int rc = watch_or_start(self, keeper, i);

	keeper->is_due[i] = rc != FL_OK;
	if (rc != FL_OK)
		fli_log_write(&fl_self_node(self)->log, FLI_ERROR,
			"%s could not be started again: %s", services[i].name, fl_error_text(rc));
}

/* A time-out takes no memory. */
static int rest(fl_proc *self, const keeper_state *keeper)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (keeper->is_due[i])
			fl_next_timeout(self, AGAIN_MS);
	return FL_OK;
}

static int on_timeout(fl_proc *self, void *state)
{
	keeper_state *keeper = state;

	for (size_t i = 0; i < SERVICES; i++)
		if (keeper->is_due[i])
			start_again(self, keeper, i);
	return rest(self, keeper);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	keeper_state *keeper = state;
	char text[256];
	fl_term reason;
	fl_ref ref;

	if (!fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &reason))
		return rest(self, keeper);
	for (size_t i = 0; i < SERVICES; i++) {
		if (!fl_ref_eq(&ref, &keeper->monitors[i]))
			continue;
		fli_log_write(&fl_self_node(self)->log, FLI_WARNING, "%s ended: %s",
			services[i].name, fl_print_to(text, sizeof text, reason));
		start_again(self, keeper, i);
	}
	return rest(self, keeper);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	const char *names[SERVICES];

	(void)state; /* they are the same always */
	for (size_t i = 0; i < SERVICES; i++)
		names[i] = services[i].name;
	return fli_shown_call(self, from, request, names, SERVICES);
}

static const fl_behaviour keeper = {
	.name = "flitch_services",
	.state_size = sizeof(keeper_state),
	.init = on_init,
	.call = on_call,
	.cast = fli_silent_cast,
	.info = on_info,
	.timeout = on_timeout,
};

static int add_natives(fl_node *node)
{
	static int (*const families[])(fl_node *) = {fli_natives_process, fli_natives_system,
		fli_natives_docs, fli_natives_tools, fli_gen_calls, fli_natives_sup,
		fli_natives_ets, fli_natives_ets_table, fli_natives_registry, fli_natives_events,
		fli_natives_nodes, fli_natives_global, fli_natives_heal, fli_natives_stop};
	int rc = FL_OK;

	for (size_t i = 0; i < sizeof families / sizeof *families && rc == FL_OK; i++)
		rc = families[i](node);
	return rc;
}

/* We ask for no processes elsewhere, so an answer can only be a stray one. */
static void ignore_reply(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	(void)node;
	(void)peer;
	(void)signal;
}

int fli_services_start(fl_node *node)
{
	static const fli_dist_spawns spawns = {fli_spawn_request, ignore_reply};
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = &keeper,
		.name = "flitch_services",
		.parent = node->supervisor,
		.link = true,
		.is_system = true};
	fl_proc *proc;
	int rc = add_natives(node);

	if (rc == FL_OK)
		rc = fli_global_prepare(node);
	if (rc == FL_OK)
		rc = fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);
	if (rc == FL_OK && node->supervisor != NULL)
		rc = fli_supervisor_show(node, proc);
	if (rc == FL_OK && node->dist != NULL)
		fli_dist_on_spawn(fli_dist_of(node), &spawns);
	return rc;
}
