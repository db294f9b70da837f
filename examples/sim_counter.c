/* SPDX-License-Identifier: Apache-2.0 */
/* The server of counter.c over a slow link, a split and a crash; a seed that fails shows why. */
#include <flitch/sim.h>
#include <stdlib.h>

extern const fl_module fl_module_v1; /* of counter.c */
static int passed, failed;

static int64_t ask(fl_sim_node *from, int by)
{
	fl_buf reply = FL_BUF_INIT;
	int64_t total = -1;
	int rc = fl_sim_call(
		from, fl_name_at("counter", "c1@one.sim"), 90000, &reply, "{add, ~}", by);

	if (rc == FL_OK)
		(void)fl_match(fl_buf_term(&reply), "~", &total);
	fl_buf_free(&reply);
	return rc == FL_OK ? total : rc;
}

static bool play(fl_sim *sim)
{
	const fl_sim_link slow = {.delay_us = 40000, .jitter_us = 20000, .read_max = 10};
	const fl_sim_config config = {.servers = fl_module_v1.behaviours};
	fl_sim_node *c1 = fl_sim_add(sim, "c1@one.sim", &config, NULL);
	fl_sim_node *c2 = fl_sim_add(sim, "c2@two.sim", NULL, NULL);
	bool ok = fl_sim_start(c1, NULL) == FL_OK && fl_sim_start(c2, NULL) == FL_OK &&
		  fl_sim_await(c1, FL_SIM_UP, 1000) && fl_sim_await(c2, FL_SIM_UP, 1000);

	fl_sim_set_link(sim, "two.sim", "one.sim", &slow);
	ok = ok && ask(c2, 5) == 5 && ask(c2, 2) == 7;
	fl_sim_cut(sim, "one.sim", "two.sim"); /* nobody is told: ticks must notice */
	ok = ok && ask(c2, 1) == FL_ENOCONN && !fl_sim_is_connected(c2, "c1@one.sim");
	fl_sim_heal(sim);
	fl_sim_run(sim, 10000);
	ok = ok && ask(c2, 1) == 8; /* what was sent into the split is gone */
	fl_sim_crash_node(c1, FL_SIM_KILLED);
	fl_sim_run(sim, 1000);
	ok = ok && fl_sim_start(c1, NULL) == FL_OK && fl_sim_await(c1, FL_SIM_UP, 1000);
	return ok && ask(c2, 1) == 1;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	for (uint64_t seed = first; seed < first + (argc > 1 ? 1 : 20); seed++) {
		fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = seed, .has_epmd = seed % 2});
		bool ok = play(sim);

		if (!ok)
			fl_sim_trace(sim, stderr);
		*(ok ? &passed : &failed) += 1;
		fl_sim_delete(sim);
	}
	printf("sim_counter: %d passed, %d failed\n", passed, failed);
	return failed > 0;
}
