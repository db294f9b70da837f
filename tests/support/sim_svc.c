/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_svc.h"

#include <string.h>

#include "flitch/global.h"
#include "flitch/pg.h"
#include "tests/support/suite.h"

const char *const svc_names[SVC_COUNT] = {"1@h1.sim", "2@h2.sim", "3@h3.sim"};

/* ---- the server ------------------------------------------------------------------------------ */

static int take_total(fl_proc *self, svc *s, int64_t total)
{
	s->total = total;
	return total == SVC_POISON ? fl_stop(self, "poisoned") : FL_OK;
}

int svc_on_init(fl_proc *self, void *state, fl_term args)
{
	svc *s = state;
	int64_t total;

	s->age = -1;
	s->was_warm = fl_match(args, "{standby, given}");
	if (s->was_warm) {
		CU_ASSERT_EQUAL(fl_singleton_epoch(self), 0);
		CU_ASSERT_EQUAL(fl_singleton_replicate(self, "x"), FL_ENOTSUP);
		return FL_OK;
	}
	if (fl_match(args, "{resume, ~, ~, ~}", &s->epoch, &total, &s->age))
		return take_total(self, s, total);
	return fl_match(args, "{start, ~, given}", &s->epoch) ? FL_OK : fl_stop(self, "badarg");
}

int svc_on_info(fl_proc *self, void *state, fl_term message)
{
	svc *s = state;
	int64_t total;

	if (fl_match(message, "{singleton_resume, ~, ~, ~}", &s->epoch, &total, &s->age))
		return take_total(self, s, total);
	CU_ASSERT_TRUE(fl_match(message, "{singleton_start, ~}", &s->epoch));
	return FL_OK;
}

int svc_on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	svc *s = state;
	int64_t total;

	if (fl_match(request, "{put, ~}", &total)) {
		s->total = total;
		CU_ASSERT_EQUAL(fl_singleton_replicate(self, "~", total), FL_OK);
		return fl_reply(from, "ok");
	}
	if (fl_match(request, "die"))
		return fl_reply(from, "ok") == FL_OK ? fl_stop(self, "told_to") : FL_OK;
	CU_ASSERT_EQUAL(fl_singleton_epoch(self), s->epoch);
	return fl_reply(from, "{~, ~, ~, ~}", s->total, s->epoch, s->age, fl_bool(s->was_warm));
}

static const fl_behaviour svc_server = {.name = "svc",
	.state_size = sizeof(svc),
	.init = svc_on_init,
	.info = svc_on_info,
	.call = svc_on_call};
const fl_singleton svc_warm = {FL_SINGLETON_GUARD("svc_guard"), .server = &svc_server,
	.name = "svc", .args = "given", .is_warm = true};
const fl_singleton svc_cold = {
	FL_SINGLETON_GUARD("svc_guard"), .server = &svc_server, .name = "svc", .args = "given"};

/* ---- a cluster ------------------------------------------------------------------------------- */

static int start_guard(fl_sim_node *node, void *ctx)
{
	fl_error err = {0};
	int rc = fl_pg_start(fl_sim_handle(node), FL_PG);

	return rc == FL_OK ? fl_node_start(
				     fl_sim_handle(node), &((const fl_singleton *)ctx)->guard, &err)
			   : rc;
}

void svc_start(svc_town *w, int i)
{
	CU_ASSERT_EQUAL_FATAL(fl_sim_start(w->nodes[i], NULL), FL_OK);
	for (int j = 0; j < SVC_COUNT; j++)
		if (j != i)
			(void)fl_sim_connect(w->nodes[i], svc_names[j]);
}

void svc_fill(svc_town *w, const fl_singleton *what)
{
	static const char *const settings[] = {
		"global.prevent_overlapping_partitions", "off", NULL};
	const fl_sim_config config = {.tick_time_ms = 8000,
		.settings = settings,
		.on_start = start_guard,
		.ctx = (void *)(uintptr_t)what};

	for (int i = 0; i < SVC_COUNT; i++)
		w->nodes[i] = fl_sim_add(w->sim, svc_names[i], &config, NULL);
	for (int i = 0; i < SVC_COUNT; i++)
		svc_start(w, i);
	fl_sim_run(w->sim, 20000);
}

svc_town svc_open(uint64_t seed, const fl_singleton *what)
{
	svc_town w = {.sim = fl_sim_new(&(fl_sim_options){.seed = seed})};

	svc_fill(&w, what);
	return w;
}

bool svc_ask(svc_town *w, int from, svc_look *ret)
{
	fl_buf reply = FL_BUF_INIT;
	bool is = fl_sim_call(w->nodes[from], fl_global("svc"), 3000, &reply, "get") == FL_OK &&
		  fl_match(fl_buf_term(&reply), "{~, ~, ~, ~}", &ret->total, &ret->epoch, &ret->age,
			  &ret->was_warm);

	fl_buf_free(&reply);
	return is;
}

bool svc_says(svc_town *w, int i, const char *key, const char *value)
{
	fl_buf reply = FL_BUF_INIT;
	char text[128] = "";
	fl_term found;

	if (fl_sim_call(w->nodes[i], fl_name_at("svc_guard", svc_names[i]), 3000, &reply,
		    "status") == FL_OK &&
		fl_get(fl_buf_term(&reply), key, &found))
		(void)fl_print_to(text, sizeof text, found);
	fl_buf_free(&reply);
	return strcmp(text, value) == 0;
}

int svc_holder(svc_town *w)
{
	for (int i = 0; i < SVC_COUNT; i++)
		if (fl_sim_state_of(w->nodes[i]) == FL_SIM_UP && svc_says(w, i, "state", "holding"))
			return i;
	CU_FAIL("nobody holds it");
	return 0;
}

void svc_put(svc_town *w, int64_t total)
{
	CU_ASSERT_EQUAL(fl_sim_call(w->nodes[svc_holder(w)], fl_global("svc"), 3000, NULL,
				"{put, ~}", total),
		FL_OK);
	fl_sim_run(w->sim, 1000);
}

int svc_other_than(const svc_town *w, int i)
{
	for (int j = 0; j < SVC_COUNT; j++)
		if (j != i && fl_sim_state_of(w->nodes[j]) == FL_SIM_UP)
			return j;
	return i;
}

/* Its node dies; who asks then, on another one. */
svc_look svc_lose_holder(svc_town *w)
{
	int old = svc_holder(w), other = svc_other_than(w, old);
	svc_look l = {.total = -1};

	fl_sim_crash_node(w->nodes[old], FL_SIM_KILLED);
	fl_sim_run(w->sim, 10000);
	CU_ASSERT_TRUE(svc_ask(w, other, &l));
	return l;
}
