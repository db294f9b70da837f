/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/partition_town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flitch/global.h"
#include "flitch/pg.h"

const char *const town_names[TOWN_MOST] = {
	"1@h1.sim", "2@h2.sim", "3@h3.sim", "4@h4.sim", "5@h5.sim", "6@h6.sim"};
static const char *const hosts[TOWN_MOST] = {
	"h1.sim", "h2.sim", "h3.sim", "h4.sim", "h5.sim", "h6.sim"};

uint64_t town_seeds(void)
{
	const char *text = getenv("FL_SEEDS");

	return text == NULL ? 20 : strtoull(text, NULL, 10);
}

/* ---- the server ------------------------------------------------------------------------------ */

typedef struct svc {
	int casts, pauses, resumes;
} svc;

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	svc *s = state;
	fl_pid pids[16];
	fl_pid pid;

	if (fl_match(request, "casts"))
		return fl_reply(from, "~", s->casts);
	if (fl_match(request, "told"))
		return fl_reply(from, "~", 10 * s->pauses + s->resumes);
	if (fl_match(request, "join"))
		return fl_reply(from, "~", fl_pg_join(self, FL_PG, fl_self(self), "svc"));
	if (fl_match(request, "members"))
		return fl_reply(from, "~", (int)fl_pg_members(self, FL_PG, pids, 16, "svc"));
	if (fl_match(request, "held"))
		return fl_reply(from, "~", (int)fl_global_whereis(self, &pid, "held"));
	return fl_unhandled(self, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)message;
	((svc *)state)->casts++;
	return FL_OK;
}

static int on_pause(fl_proc *self, void *state)
{
	(void)self;
	((svc *)state)->pauses++;
	return FL_OK;
}

static void note_resume(fl_sim_node *node);

static int on_resume(fl_proc *self, void *state)
{
	note_resume(fl_sim_node_of(fl_self_node(self)));
	((svc *)state)->resumes++;
	return FL_OK;
}

static const fl_behaviour service = {.name = "svc",
	.state_size = sizeof(svc),
	.call = on_call,
	.cast = on_cast,
	.on_pause = on_pause,
	.on_resume = on_resume};
static const fl_behaviour *const servers[] = {&service, NULL};

/* ---- the store of a lease -------------------------------------------------------------------- */

/* By the world's clock: another one gets it when the holder's time is over. */
static int acquire(void *ctx, const fl_lease_request *request)
{
	town_store *store = ctx;
	uint64_t now = fl_sim_now_ms(store->sim);

	if (store->is_down)
		return FL_EIO;
	if (now < store->until_ms && strcmp(store->holder, request->owner) != 0) {
		memcpy(request->ret_holder, store->holder, sizeof store->holder);
		return FL_ETAKEN;
	}
	(void)snprintf(store->holder, sizeof store->holder, "%s", request->owner);
	store->until_ms = now + request->ttl_ms;
	return FL_OK;
}

static void release(void *ctx, const fl_lease_request *request)
{
	town_store *store = ctx;

	if (strcmp(store->holder, request->owner) == 0 && !store->is_down)
		store->until_ms = 0;
}

static town *town_at(fl_sim_node *node, void *ctx)
{
	(void)node;
	return ctx;
}

static int on_start(fl_sim_node *node, void *ctx)
{
	town *t = town_at(node, ctx);
	const fl_lease lease = {.acquire = acquire, .release = release, .ctx = &t->store};
	int rc = fl_pg_start(fl_sim_handle(node), FL_PG);

	if (rc == FL_OK && t->plan.policy == TOWN_LEASE)
		rc = fl_partition_use(fl_sim_handle(node), &(fl_partition_hooks){.lease = &lease});
	return rc;
}

/* The one town of this thread whose nodes are told things. */
static _Thread_local town *present;

static void note_resume(fl_sim_node *node)
{
	(void)node;
	present->has_resumed = true;
}

/* ---- making one ------------------------------------------------------------------------------ */

static void set(town *t, const char *key, const char *value)
{
	size_t at = 0;

	while (t->settings[at] != NULL)
		at += 2;
	CU_ASSERT_FATAL(at + 2 < TOWN_SETTINGS);
	t->settings[at] = key;
	t->settings[at + 1] = value;
}

static void list_members(town *t)
{
	const char *order = t->plan.oldest == NULL ? "123456" : t->plan.oldest;

	for (uint32_t i = 0; i < t->plan.count; i++) {
		if (i > 0)
			(void)strcat(t->members, ",");
		(void)strcat(t->members, town_names[order[i] - '1']);
	}
}

static void set_policy(town *t)
{
	static const char *const policies[TOWN_POLICIES] = {"ignore", "static_quorum",
		"keep_majority", "keep_majority", "keep_oldest", "keep_referee", "require_all",
		"lease"};

	set(t, "partition.policy", policies[t->plan.policy]);
	if (t->plan.policy == TOWN_NO_TIE)
		set(t, "partition.tie", "none");
	if (t->plan.policy == TOWN_REFEREE)
		set(t, "partition.referees", town_names[0]);
	if (t->plan.policy == TOWN_LEASE)
		set(t, "partition.lease", "callbacks");
	(void)snprintf(t->quorum, sizeof t->quorum, "%u", t->plan.count / 2 + 1);
	if (t->plan.policy == TOWN_QUORUM)
		set(t, "partition.quorum", t->quorum);
}

/* With FL_TOWN_LOG set: what the nodes log, to see why a row fails. */
static void print_log(fl_sim_node *node, const char *line, size_t size, void *ctx)
{
	(void)ctx;
	printf("  %llu %s %.*s\n", (unsigned long long)fl_sim_now_ms(fl_sim_of(node)),
		fl_sim_name(node), (int)size, line);
}

static void add_nodes(town *t)
{
	t->config = (fl_sim_config){.tick_time_ms = 8000,
		.on_log = getenv("FL_TOWN_LOG") == NULL ? NULL : print_log,
		.settings = t->settings,
		.servers = servers,
		.on_start = on_start,
		.ctx = t};
	for (uint32_t i = 0; i < t->plan.count; i++) {
		t->nodes[i] = fl_sim_add(t->sim, town_names[i], &t->config, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(t->nodes[i]);
	}
}

town *town_found(const town_plan *plan)
{
	town *t = calloc(1, sizeof *t);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	t->plan = *plan;
	t->sim = fl_sim_new(&(fl_sim_options){.seed = plan->seed});
	t->store.sim = t->sim;
	present = t;
	list_members(t);
	if (!plan->is_seen)
		set(t, "partition.members", t->members);
	set_policy(t);
	for (size_t i = 0; plan->extra != NULL && plan->extra[i] != NULL; i += 2)
		set(t, plan->extra[i], plan->extra[i + 1]);
	add_nodes(t);
	return t;
}

void town_start(town *t, uint32_t number)
{
	fl_error err = {0};

	if (fl_sim_start(t->nodes[number], &err) != FL_OK)
		printf("  %s: %s\n", town_names[number], err.what);
	CU_ASSERT_EQUAL_FATAL(err.code, FL_OK);
	for (uint32_t i = 0; i < t->plan.count; i++)
		if (i != number && fl_sim_state_of(t->nodes[i]) == FL_SIM_UP &&
			(t->plan.is_seen || t->plan.policy == TOWN_IGNORE))
			(void)fl_sim_connect(t->nodes[number], town_names[i]);
}

town *town_open(const town_plan *plan)
{
	town *t = town_found(plan);

	for (uint32_t i = 0; i + plan->down < plan->count; i++)
		town_start(t, i);
	town_run(t, 25000);
	for (uint32_t i = 0; i + plan->down < plan->count; i++)
		CU_ASSERT_EQUAL(town_ask(t, i, i, "join"), FL_OK);
	town_run(t, 1000);
	return t;
}

void town_run(town *t, uint64_t ms)
{
	fl_sim_run(t->sim, ms);
}

void town_run_some(town *t, uint64_t ms)
{
	fl_sim_run(t->sim, fl_sim_random(t->sim, ms));
}

void town_close(town *t)
{
	fl_sim_delete(t->sim);
	free(t);
}

/* ---- the end --------------------------------------------------------------------------------- */

void town_heal(town *t)
{
	fl_sim_heal(t->sim);
	t->store.is_down = false;
	town_run(t, 120000);
}

static bool runs(const town *t, uint32_t i)
{
	return fl_sim_state_of(t->nodes[i]) == FL_SIM_UP;
}

void town_heal_and_close(town *t)
{
	char all[TOWN_MOST + 1] = "";

	for (uint32_t i = 0; i < t->plan.count; i++)
		if (!runs(t, i))
			town_start(t, i);
	town_heal(t);
	for (uint32_t i = 0; i < t->plan.count; i++) {
		all[i] = (char)('1' + i);
		CU_ASSERT_TRUE(town_is_state(t, i, "serving"));
		for (uint32_t j = 0; j < t->plan.count; j++)
			CU_ASSERT_TRUE(i == j || fl_sim_is_connected(t->nodes[i], town_names[j]));
	}
	TOWN_SERVING(t, all);
	town_close(t);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void each_pair_apart(
	town *t, const char *groups, void (*act)(town *t, uint32_t a, uint32_t b, bool apart))
{
	int group[TOWN_MOST], at = 0;

	memset(group, 0xff, sizeof group);
	for (; *groups != '\0'; groups++)
		if (*groups == '|')
			at++;
		else
			group[*groups - '1'] = at;
	for (uint32_t a = 0; a < t->plan.count; a++)
		for (uint32_t b = 0; b < a; b++)
			if (group[a] >= 0 && group[b] >= 0)
				act(t, a, b, group[a] != group[b]);
}

static void cut_pair(town *t, uint32_t a, uint32_t b, bool apart)
{
	if (apart)
		fl_sim_cut(t->sim, hosts[a], hosts[b]);
	else
		fl_sim_mend(t->sim, hosts[a], hosts[b]);
}

static void reset_pair(town *t, uint32_t a, uint32_t b, bool apart)
{
	if (apart)
		(void)fl_sim_reset(t->sim, hosts[a], hosts[b]);
}

void town_split(town *t, const char *groups)
{
	each_pair_apart(t, groups, cut_pair);
}

void town_break(town *t, const char *groups)
{
	each_pair_apart(t, groups, reset_pair);
	each_pair_apart(t, groups, cut_pair);
}

void town_crash(town *t, const char *numbers)
{
	for (; *numbers != '\0'; numbers++)
		fl_sim_crash_node(t->nodes[*numbers - '1'], FL_SIM_KILLED);
}

/* ---- what is seen ---------------------------------------------------------------------------- */

static int call_number(town *t, uint32_t from, fl_dest to, fl_spec request, const char *key)
{
	fl_buf reply = FL_BUF_INIT;
	fl_term value;
	int number = -1;
	int rc = fl_sim_call_spec(t->nodes[from], to, 3000, &reply, request);

	if (rc == FL_OK) {
		value = fl_buf_term(&reply);
		if (key == NULL || fl_get(value, key, &value))
			(void)fl_match(value, "~", &number);
	}
	fl_buf_free(&reply);
	return rc == FL_OK ? number : rc;
}

int town_ask(town *t, uint32_t from, uint32_t to, const char *what)
{
	return call_number(
		t, from, fl_name_at("svc", town_names[to]), fl_spec("~", fl_atom_of(what)), NULL);
}

int64_t town_count(town *t, uint32_t number, const char *key)
{
	return call_number(t, number, fl_name_at("rex", town_names[number]),
		fl_spec("{call, flitch_partition, status, [], user}"), key);
}

bool town_has_state(town *t, uint32_t number, const char *state)
{
	fl_buf reply = FL_BUF_INIT;
	fl_atom atom = {"", 0};
	fl_term value;
	bool is;

	if (fl_sim_call(t->nodes[number], fl_name_at("rex", town_names[number]), 3000, &reply,
		    "{call, flitch_partition, status, [], user}") == FL_OK &&
		fl_get(fl_buf_term(&reply), "state", &value))
		(void)fl_match(value, "~", &atom);
	is = fl_atom_is(atom, state);
	fl_buf_free(&reply);
	return is;
}

bool town_is_state(town *t, uint32_t number, const char *state)
{
	bool is = town_has_state(t, number, state);

	if (!is)
		printf("  seed %llu, policy %d: %s is not %s\n", (unsigned long long)t->plan.seed,
			(int)t->plan.policy, town_names[number], state);
	return is;
}

/* A neighbour that is connected; the node itself when it has none. */
static uint32_t neighbour_of(const town *t, uint32_t number)
{
	for (uint32_t i = 0; i < t->plan.count; i++)
		if (i != number && runs(t, i) &&
			fl_sim_is_connected(t->nodes[i], town_names[number]))
			return i;
	return number;
}

static bool is_fenced(town *t, uint32_t number)
{
	fl_buf reply = FL_BUF_INIT;
	fl_term value;
	bool is = fl_sim_call(t->nodes[number], fl_name_at("rex", town_names[number]), 3000, &reply,
			  "{call, flitch_partition, status, [], user}") == FL_OK &&
		  fl_get(fl_buf_term(&reply), "fenced", &value) && fl_match(value, "true");

	fl_buf_free(&reply);
	return is;
}

/* By its own word; and a neighbour, if there is one, finds it so. */
static bool serves(town *t, uint32_t number)
{
	uint32_t neighbour = neighbour_of(t, number);
	bool is = !is_fenced(t, number);

	if (neighbour != number)
		CU_ASSERT_EQUAL(town_ask(t, neighbour, number, "casts") >= 0, is);
	return is;
}

const char *town_serving(town *t)
{
	static _Thread_local char text[TOWN_MOST + 1];
	size_t size = 0;

	for (uint32_t i = 0; i < t->plan.count; i++)
		if (runs(t, i) && serves(t, i))
			text[size++] = (char)('1' + i);
	text[size] = '\0';
	return text;
}

static bool is_among(const char *who, const char *serving)
{
	size_t size = strlen(serving);

	for (;;) {
		size_t length = strcspn(who, "/");

		if (length == size && strncmp(who, serving, size) == 0)
			return true;
		who += length;
		if (*who++ == '\0')
			return false;
	}
}

void town_expect(town *t, const char *who, int line)
{
	const char *serving = town_serving(t);
	bool is = is_among(who, serving);

	if (!is)
		printf("  line %d, seed %llu, policy %d: {%s} serve, not {%s}\n", line,
			(unsigned long long)t->plan.seed, (int)t->plan.policy, serving, who);
	CU_ASSERT_TRUE(is);
}

uint64_t town_stable_ms(const town *t)
{
	static const uint64_t of_size[TOWN_MOST + 1] = {3000, 3000, 3010, 4771, 6020, 6989, 7781};

	return of_size[t->plan.count];
}
