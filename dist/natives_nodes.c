/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes, connections and rpc onwards, asked of us by other nodes.
 *
 *  - Connecting waits for a message to the other's net_kernel, which is what net_adm:ping does; a
 *    node that is up without a net_kernel counts as connected all the same.
 *  - rpc to a third node goes through its rex, which every release serves.
 *
 * Failure: no connection is false, pang, or {badrpc, nodedown}.
 */
#include "dist/dist.h"
#include "dist/natives.h"
#include "node/natives.h"
#include "node/sched.h"

#define CONNECT_MS 10000 /* a little more than OTP's net_setuptime of 7 s */

/* ---- lists ----------------------------------------------------------------------------------- */

typedef struct node_kinds {
	bool visible;
	bool hidden;
	bool this;
	bool known; /* all that were ever heard of */
} node_kinds;

static bool add_kind(fl_term name, node_kinds *kinds)
{
	if (fl_match(name, "visible"))
		kinds->visible = true;
	else if (fl_match(name, "hidden"))
		kinds->hidden = true;
	else if (fl_match(name, "connected"))
		kinds->visible = kinds->hidden = true;
	else if (fl_match(name, "this"))
		kinds->this = true;
	else if (fl_match(name, "known"))
		kinds->known = true;
	else
		return false;
	return true;
}

static bool read_kinds(fl_term what, node_kinds *ret_kinds)
{
	fl_kind kind = fl_term_kind(what);
	fl_term name;

	*ret_kinds = (node_kinds){0};
	if (kind != FL_LIST && kind != FL_NIL)
		return add_kind(what, ret_kinds);
	while (fl_list_next(&what, &name))
		if (!add_kind(name, ret_kinds))
			return false;
	return fl_term_kind(what) == FL_NIL;
}

static void add_known(fli_dist *dist, fl_buf *result)
{
	fli_dist_peer_info info;
	size_t cursor = 0;

	while (fli_dist_info_next(dist, &cursor, &info))
		(void)fl_build(result, "~", info.name);
}

static void add_up(fli_dist *dist, const node_kinds *kinds, fl_buf *result)
{
	const fli_peer *peer;
	size_t cursor = 0;

	while ((peer = fli_dist_next(dist, &cursor)) != NULL)
		if (peer->is_hidden ? kinds->hidden : kinds->visible)
			(void)fl_build(result, "~", peer->name);
}

static int list_nodes(fl_proc *self, const node_kinds *kinds, fl_buf *result)
{
	fl_node *node = fl_self_node(self);

	fli_enter(node);
	fl_list_open(result);
	if (kinds->this || kinds->known)
		(void)fl_build(result, "~", node->name);
	if (kinds->known && node->dist != NULL)
		add_known(fli_dist_of(node), result);
	else if (node->dist != NULL)
		add_up(fli_dist_of(node), kinds, result);
	fl_list_close(result);
	fli_leave(node);
	return result->error;
}

static int nodes_0(fl_proc *self, fl_term args, fl_buf *result)
{
	node_kinds kinds = {.visible = true};

	(void)args; /* none */
	return list_nodes(self, &kinds, result);
}

static int nodes_1(fl_proc *self, fl_term args, fl_buf *result)
{
	node_kinds kinds;
	fl_term what;

	if (!fl_match(args, "[~]", &what) || !read_kinds(what, &kinds))
		return fli_badarg(result);
	return list_nodes(self, &kinds, result);
}

/* ---- connections ----------------------------------------------------------------------------- */

static fl_dest name_at(const char *name, fl_atom node)
{
	return (fl_dest){.kind = FL_TO_NAME, .as.name = {.text = fl_atom_of(name), .node = node}};
}

static bool is_self(fl_proc *self, fl_atom name)
{
	return fl_atom_eq(name, fl_self_node(self)->name);
}

static bool is_up(fl_proc *self, fl_atom name)
{
	fl_node *node = fl_self_node(self);
	const fli_peer *peer = NULL;
	bool up;

	fli_enter(node);
	if (node->dist != NULL)
		peer = fli_dist_find(fli_dist_of(node), name);
	up = peer != NULL && peer->is_up;
	fli_leave(node);
	return up;
}

/* FL_OK when the other's net_kernel said yes. */
static int ask_auth(fl_proc *self, fl_atom name)
{
	fl_term reply = {.data = NULL};
	int rc = fl_call(self, name_at("net_kernel", name), CONNECT_MS, &reply, "{is_auth, ~}",
		fl_self_node(self)->name);

	return rc == FL_OK && !fl_match(reply, "yes") ? FL_EREFUSED : rc;
}

static bool connect_to(fl_proc *self, fl_atom name)
{
	return is_self(self, name) || is_up(self, name) || ask_auth(self, name) == FL_OK ||
	       is_up(self, name);
}

static int connect_node(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_atom name;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	return fl_build(result, "~", fl_bool(connect_to(self, name)));
}

static bool disconnect(fl_proc *self, fl_atom name)
{
	fl_node *node = fl_self_node(self);
	bool was_up = false;

	fli_enter(node);
	if (node->dist != NULL)
		was_up = fli_dist_disconnect(fli_dist_of(node), name);
	fli_leave(node);
	return was_up;
}

static int disconnect_node(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_atom name;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	return fl_build(result, "~", fl_bool(disconnect(self, name)));
}

/*
 * As net_adm:ping: a node that does not say yes is disconnected, unless it was this one that could
 * not ask.
 */
static int ping(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_atom name;
	int rc;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	rc = is_self(self, name) ? FL_OK : ask_auth(self, name);
	if (rc == FL_OK)
		return fl_build(result, "pong");
	if (rc != FL_ELIMIT && rc != FL_ENOMEM && rc != FL_ECLOSED)
		(void)disconnect(self, name);
	return fl_build(result, "pang");
}

/*
 * The process that would get {nodedown, Node} is the short-lived one that runs this, so all that
 * remains of it is the attempt to connect.
 */
static int monitor_node(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_atom name;
	bool on;

	if (!fl_match(args, "[~, ~]", &name, &on) && !fl_match(args, "[~, ~, _]", &name, &on))
		return fli_badarg(result);
	if (on)
		(void)connect_to(self, name);
	return fl_build(result, "true");
}

static int ticktime(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	uint32_t ms = 60000;

	(void)args; /* none */
	fli_enter(node);
	if (node->dist != NULL)
		ms = fli_dist_tick_ms(fli_dist_of(node));
	fli_leave(node);
	return fl_build(result, "~", ms / 1000);
}

/* ---- rpc onwards ----------------------------------------------------------------------------- */

static int rpc_here(fl_proc *self, fli_mfa *mfa, fl_buf *result)
{
	fl_buf value = FL_BUF_INIT;
	int class = fli_apply(self, mfa, &value);

	fl_buf_reset(result);
	if (class == FL_OK || class == FL_THROW) {
		(void)fl_build(result, "~", fl_buf_term(&value));
	} else if (class == FL_EXIT) {
		(void)fl_build(result, "{badrpc, {'EXIT', ~}}", fl_buf_term(&value));
	} else {
		fl_buf stack = FL_BUF_INIT;

		(void)fli_mfa_stack(&stack, mfa);
		(void)fl_build(result, "{badrpc, {'EXIT', {~, ~}}}", fl_buf_term(&value),
			fl_buf_term(&stack));
		fl_buf_free(&stack);
	}
	fl_buf_free(&value);
	return result->error;
}

static int rpc_there(
	fl_proc *self, fl_atom name, uint32_t timeout_ms, const fli_mfa *mfa, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_term reply = {.data = NULL};
	fl_pid leader;
	int rc;

	fli_enter(node);
	leader = fli_proc_group_leader(self);
	fli_leave(node);
	rc = fl_call(self, name_at("rex", name), timeout_ms, &reply, "{call, ~, ~, ~, ~}",
		mfa->module, mfa->function, mfa->args, leader);
	if (rc == FL_OK)
		return fl_build(result, "~", reply);
	if (rc == FL_ETIMEOUT)
		return fl_build(result, "{badrpc, timeout}");
	if (rc == FL_ENOCONN)
		return fl_build(result, "{badrpc, nodedown}");
	if (rc == FL_EEXIT)
		return fl_build(result, "{badrpc, {'EXIT', ~}}", reply);
	return fl_build(result, "{badrpc, ~}", fl_atom_of(fl_error_atom(rc)));
}

/* rpc:call(Node, M, F, A), rpc:call(Node, M, F, A, Timeout) */
static int rpc_call(fl_proc *self, fl_term args, fl_buf *result)
{
	uint32_t timeout_ms = FL_INFINITY;
	fl_term timeout;
	fl_atom name;
	fli_mfa mfa;

	if (fl_match(args, "[~, ~, ~, ~, ~]", &name, &mfa.module, &mfa.function, &mfa.args,
		    &timeout)) {
		if (!fl_match(timeout, "infinity") && !fl_match(timeout, "~", &timeout_ms))
			return fli_badarg(result);
	} else if (!fl_match(args, "[~, ~, ~, ~]", &name, &mfa.module, &mfa.function, &mfa.args)) {
		return fli_badarg(result);
	}
	if (is_self(self, name))
		return rpc_here(self, &mfa, result);
	return rpc_there(self, name, timeout_ms, &mfa, result);
}

static const fl_export members[] = {
	{"erlang", "nodes", 0, nodes_0},
};

static const fl_export exports[] = {
	{"erlang", "nodes", 1, nodes_1},
	{"erlang", "monitor_node", 2, monitor_node},
	{"erlang", "monitor_node", 3, monitor_node},
	{"erlang", "disconnect_node", 1, disconnect_node},
	{"net_adm", "ping", 1, ping},
	{"net_kernel", "connect_node", 1, connect_node},
	{"net_kernel", "disconnect", 1, disconnect_node},
	{"net_kernel", "get_net_ticktime", 0, ticktime},
	{"net_kernel", "hidden_connect_node", 1, connect_node},
	{"rpc", "call", 4, rpc_call},
	{"rpc", "call", 5, rpc_call},
	{"Elixir.Node", "connect", 1, connect_node},
	{"Elixir.Node", "disconnect", 1, disconnect_node},
	{"Elixir.Node", "list", 0, nodes_0},
	{"Elixir.Node", "list", 1, nodes_1},
	{"Elixir.Node", "ping", 1, ping},
};

static void count_io(const fl_node *node, uint64_t *ret_in, uint64_t *ret_out)
{
	const fli_dist_counters *counters;

	if (node->dist == NULL)
		return;
	counters = fli_dist_counters_of(fli_dist_of(node));
	*ret_in = counters->bytes_in;
	*ret_out = counters->bytes_out;
}

int fli_natives_nodes(fl_node *node)
{
	int rc = fli_exports_add_own(node, members, FLI_EXPORT_COUNT(members), FLI_EXPORT_MEMBER);

	if (rc != FL_OK)
		return rc;
	node->exports->count_io = count_io;
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
