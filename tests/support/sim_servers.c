/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_servers.h"

#include <stdlib.h>
#include <string.h>

typedef struct work {
	fl_from from;
	int by;
} work;

static void do_work(void *arg, const _Atomic(bool) *cancelled)
{
	(void)cancelled;
	((work *)arg)->by *= 2;
}

static int on_done(fl_proc *self, void *state, void *arg)
{
	work *w = arg;
	int *total = state;
	int rc;

	(void)self;
	*total += w->by;
	rc = fl_reply(w->from, "~", *total);
	free(w);
	return rc;
}

static int offload(fl_proc *self, fl_from from, int by)
{
	static const fl_task task = {do_work, on_done, free};
	work *w = malloc(sizeof *w);
	int rc;

	if (w == NULL)
		abort();
	*w = (work){from, by};
	rc = fl_offload(self, &task, w);
	if (rc == FL_OK)
		return fl_later(self, from);
	free(w);
	return fl_reply(from, "{error, ~}", rc);
}

static int ask_another(fl_proc *self, fl_from from, fl_atom node)
{
	char name[256];
	fl_term answer;
	int rc;

	(void)snprintf(name, sizeof name, "%.*s", (int)node.size, node.text);
	rc = fl_call(self, fl_name_at("counter", name), 3000, &answer, "get");
	return rc == FL_OK ? fl_reply(from, "{via, ~}", answer) : fl_reply(from, "{error, ~}", rc);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	int *total = state;
	fl_atom node;
	int n;

	if (fl_match(request, "{via, ~}", &node))
		return ask_another(self, from, node);
	if (fl_match(request, "{work, ~}", &n))
		return offload(self, from, n);
	if (fl_match(request, "{sleep, ~}", &n))
		fl_sim_sleep(self, (uint32_t)n);
	else if (fl_match(request, "{add, ~}", &n))
		*total += n;
	else if (!fl_match(request, "get"))
		return fl_unhandled(self, request);
	return fl_reply(from, "~", *total);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	int *total = state;
	int n;

	if (!fl_match(message, "{add, ~}", &n))
		return fl_unhandled(self, message);
	*total += n;
	return FL_OK;
}

const fl_behaviour sim_counter = {
	.name = "counter", .state_size = sizeof(int), .call = on_call, .cast = on_cast};

const fl_behaviour *const sim_servers[] = {&sim_counter, NULL};

fl_sim_node *sim_node(fl_sim *sim, const char *name)
{
	const fl_sim_config config = {.servers = sim_servers};
	fl_sim_node *node = fl_sim_add(sim, name, &config, NULL);

	if (node == NULL || fl_sim_start(node, NULL) != FL_OK ||
		!fl_sim_await(node, FL_SIM_UP, 1000))
		abort();
	return node;
}

int sim_ask(fl_sim_node *from, const char *peer, const char *what)
{
	fl_buf question = FL_BUF_INIT, reply = FL_BUF_INIT;
	int number = FL_EFORMAT, rc;

	if (fl_read(&question, what, strlen(what), NULL) != FL_OK)
		abort();
	rc = fl_sim_call(
		from, fl_name_at("counter", peer), 5000, &reply, "~", fl_buf_term(&question));
	if (rc == FL_OK && !fl_match(fl_buf_term(&reply), "~", &number) &&
		!fl_match(fl_buf_term(&reply), "{via, ~}", &number))
		(void)fl_match(fl_buf_term(&reply), "{error, ~}", &number);
	fl_buf_free(&question);
	fl_buf_free(&reply);
	return rc == FL_OK ? number : rc;
}
