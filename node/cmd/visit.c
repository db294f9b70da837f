/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node behind call, cast and ping.
 *
 *  - it listens nowhere and registers nowhere; its own name is a bare host, in the form (long or
 *    short) of the visited one, since the two do not mix;
 *  - it connects first, since its pids mean nothing before it has a name;
 *  - one process runs the errand in its `continue`, then stops the node;
 *  - its log stays silent below `critical`: what failed is told once, as an error of the command.
 */
#include "node/cmd/visit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/node.h"

static fli_visit *visit_of(fl_proc *self)
{
	return fli_container_of(self->behaviour, fli_visit, behaviour);
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "go");
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	fli_visit *visit = visit_of(self);

	(void)state;
	(void)what;
	visit->err.code = visit->errand(self, visit);
	fl_node_stop(fl_self_node(self));
	return FL_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* `c1` is c1 on this machine. */
static int full_name(fli_visit *visit, const char *text, fl_error *err)
{
	fli_node_name name;
	char host[256] = "localhost";
	int rc;

	if (strchr(text, '@') != NULL) {
		rc = fli_node_name_parse(&name, text, strlen(text), err);
	} else {
		if (gethostname(host, sizeof host - 1) != 0)
			host[0] = '\0';
		host[strcspn(host, ".")] = '\0';
		rc = fli_node_name_join(&name, text, host, err);
	}
	if (rc != FL_OK) {
		fl_error_next(err, "write a node as name@host");
		return FL_EINVAL;
	}
	memcpy(visit->node, name.text, name.size + 1);
	return FL_OK;
}

/* A host for ourselves that has the form of theirs; nobody ever dials it. */
static void own_host(const char *node, char *ret_host, size_t size)
{
	bool is_long = strpbrk(strchr(node, '@'), ".:") != NULL;

	if (gethostname(ret_host, size) != 0)
		ret_host[0] = '\0';
	ret_host[size - 1] = '\0';
	if (!is_long)
		ret_host[strcspn(ret_host, ".")] = '\0';
	if (*ret_host == '\0' || (is_long && strchr(ret_host, '.') == NULL))
		(void)snprintf(ret_host, size, "%s", is_long ? "127.0.0.1" : "localhost");
}

static int configure(fli_visit *visit, const fli_args *args, fl_options *options, fl_error *err)
{
	/* What a node of this machine is told by its environment is not meant for a visitor. */
	static const struct {
		fli_key key;
		const char *value;
		fli_rank rank;
	} own[] = {{FLI_KEY_DIST_LISTEN, "none", FLI_RANK_FLAG},
		{FLI_KEY_DIST_INSECURE_LISTEN, "false", FLI_RANK_FLAG},
		{FLI_KEY_NODE_NAME_TYPE, "auto", FLI_RANK_FLAG},
		{FLI_KEY_NODE_VISIBLE, "false", FLI_RANK_FLAG},
		{FLI_KEY_PARTITION_POLICY, "ignore", FLI_RANK_FLAG},
		{FLI_KEY_NODE_LOAD, "", FLI_RANK_FLAG}, {FLI_KEY_NODE_JOIN, "", FLI_RANK_FLAG},
		{FLI_KEY_LOG_LEVEL, "critical", FLI_RANK_DEFAULT}};
	char host[256];
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && i < sizeof own / sizeof *own; i++)
		rc = fli_options_put(options, own[i].key, own[i].value,
			(fli_source){own[i].rank, "visitor"}, err);
	if (rc == FL_OK)
		rc = fli_main_options(args, options, err);
	own_host(visit->node, host, sizeof host);
	if (rc == FL_OK)
		rc = fli_options_put(options, FLI_KEY_NODE_NAME, host,
			(fli_source){FLI_RANK_FLAG, "visitor"}, err);
	return rc;
}

/* ---- the visit ------------------------------------------------------------------------------- */

/* Any failure to connect but slowness means that the node is not available. */
static int meet(fli_visit *visit, fl_node *node)
{
	int rc = fli_node_meet(node, visit->node, visit->timeout_ms, &visit->err);

	if (rc == FL_OK)
		return FL_OK;
	fl_error_wrap(&visit->err, "cannot reach %s", visit->node);
	if (rc == FL_ETIMEOUT && visit->err.why[0] == '\0')
		fl_error_why(&visit->err, "the host drops what it gets, or the node is suspended");
	if (visit->err.next[0] == '\0')
		fl_error_next(&visit->err, "flitch epmd --names lists the nodes of this machine");
	return rc == FL_ETIMEOUT ? FL_ETIMEOUT : FL_ENOCONN;
}

static int live(fli_visit *visit, const fl_options *options)
{
	fl_node *node = NULL;
	int rc = fl_node_open(options, &node, &visit->err);

	visit->behaviour =
		(fl_behaviour){.name = "flitch_visit", .init = on_init, .continue_ = on_continue};
	if (rc == FL_OK)
		rc = meet(visit, node);
	if (rc == FL_OK)
		rc = fl_node_start(node, &visit->behaviour, &visit->err);
	if (rc == FL_OK) {
		visit->err.code = FL_ECLOSED;
		(void)fl_node_run(node); /* the errand's own result is what counts */
		rc = visit->err.code;
	}
	if (node != NULL)
		fl_node_close(node);
	return rc;
}

int fli_visit_run(fli_visit *visit, const fli_args *args, const char *node)
{
	fl_options *options = fl_options_new();
	int64_t timeout_ms = 0;
	int rc = options != NULL ? FL_OK : FL_ENOMEM;

	if (rc == FL_OK)
		rc = fli_args_time(args, "--timeout", 5000, &timeout_ms, &visit->err);
	if (rc == FL_OK)
		rc = full_name(visit, node, &visit->err);
	visit->timeout_ms = (uint32_t)timeout_ms;
	if (rc == FL_OK)
		rc = configure(visit, args, options, &visit->err);
	fli_args_hide_secrets(args);
	if (rc == FL_OK)
		rc = live(visit, options);
	fl_options_delete(options);
	(void)fwrite(visit->out.data, 1, visit->out.size, stdout);
	if (fflush(stdout) != 0 && rc == FL_OK)
		rc = fl_error_set(&visit->err, FL_EIO, "cannot write to stdout");
	fl_buf_free(&visit->out);
	visit->err.code = rc;
	return rc == FL_OK ? FLI_EXIT_OK : fli_print_error("flitch", &visit->err);
}

int fli_visit_ping(fl_proc *self, fli_visit *visit)
{
	fl_term reply = {0};
	int rc = fl_call(self, fl_name_at("net_kernel", visit->node), visit->timeout_ms, &reply,
		"{is_auth, ~}", fl_node_name(fl_self_node(self)));

	return rc == FL_OK ? FL_OK : fli_visit_failed(visit, rc, "net_kernel", reply);
}

/* ---- what went wrong ------------------------------------------------------------------------- */

int fli_visit_failed(fli_visit *visit, int code, const char *name, fl_term reply)
{
	fl_error *err = &visit->err;
	char reason[256];

	switch (code) {
	case FL_ENOCONN:
		fl_error_set(err, code, "the connection to %s was lost", visit->node);
		fl_error_why(err, "the node ended, or it was told to disconnect");
		fl_error_next(err, "flitch ping %s", visit->node);
		break;
	case FL_ENOPROC:
		fl_error_set(err, code, "cannot reach %s at %s: no process has that name", name,
			visit->node);
		fl_error_why(err,
			"it was never started, is being restarted, or a policy has paused its node");
		fl_error_next(err,
			"erlang:registered() lists the names of a node, "
			"flitch partition status %s says whether it is paused",
			visit->node);
		break;
	case FL_ETIMEOUT:
		fl_error_set(err, code, "no answer from %s at %s within %u ms", name, visit->node,
			visit->timeout_ms);
		fl_error_why(err, "it is busy, or suspended, or waits for somebody else");
		fl_error_next(err, "--timeout 30s waits longer");
		break;
	case FL_EEXIT:
		fl_error_set(err, code, "%s at %s ended before it answered: %s", name, visit->node,
			fl_print_to(reason, sizeof reason, reply));
		fl_error_why(err, "it does not know the request, or it failed");
		fl_error_next(err, "the log of %s says more", visit->node);
		break;
	default: fl_error_set(err, code, "%s at %s: %s", name, visit->node, fl_error_text(code));
	}
	return code;
}
