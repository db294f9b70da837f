/* SPDX-License-Identifier: Apache-2.0 */
/* What a state holds is freed after the last handler, however its process ends. */
#include <flitch.h>
#include <stdlib.h>

#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static const fl_behaviour *started;
static fl_pid target;
static int count_held;

struct holder {
	char *block;
};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct holder *h = state;

	h->block = malloc(1);
	count_held++;
	return fl_match(args, "[]") ? FL_OK : fl_stop(self, "refused");
}

static void on_release(void *state)
{
	struct holder *h = state;

	CU_ASSERT_PTR_NOT_NULL(h->block);
	free(h->block);
	count_held--;
}

static int on_message(fl_proc *self, fl_term message)
{
	if (!fl_match(message, "die"))
		return fl_stop(self, "enough");
	CU_ASSERT_EQUAL(fl_exit(self, fl_self(self), "kill"), FL_OK);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	return on_message(self, message);
}

static int on_event(fl_proc *self, void *state, const fl_event *event)
{
	(void)state;
	return event->type == FL_EVENT_INFO ? on_message(self, event->content) : FL_OK;
}

static const fl_behaviour server = {
	.name = "server",
	.state_size = sizeof(struct holder),
	.init = on_init,
	.info = on_info,
	.release = on_release,
};

static const fl_behaviour machine = {
	.name = "machine",
	.state_size = sizeof(struct holder),
	.init = on_init,
	.release = on_release,
	.statem = &(const fl_statem){.handle_event = on_event},
};

static int kill_target(fl_proc *self)
{
	return fl_exit(self, target, "kill");
}

static int start_refused(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_EQUAL(fl_start(self, started, NULL, &pid, "refuse"), FL_EEXIT);
	return FL_OK;
}

static void end_in_each_way(const fl_behaviour *behaviour)
{
	actor_open(&w);
	started = behaviour;
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, behaviour, "stops", NULL);
	(void)world_start(&w, behaviour, "dies", NULL);
	target = world_start(&w, behaviour, "killed", NULL);
	(void)world_start(&w, behaviour, "stays", NULL);
	CU_ASSERT_EQUAL(count_held, 4);
	world_send(&w, "stops", "end");
	CU_ASSERT_EQUAL(count_held, 3);
	world_send(&w, "dies", "die");
	CU_ASSERT_EQUAL(count_held, 2);
	actor_do(&w, "a", kill_target);
	CU_ASSERT_EQUAL(count_held, 1);
	actor_do(&w, "a", start_refused);
	CU_ASSERT_EQUAL(count_held, 1);
	world_close(&w);
	CU_ASSERT_EQUAL(count_held, 0);
}

static void state_of_a_server_is_released(void)
{
	end_in_each_way(&server);
}

static void data_of_a_machine_is_released(void)
{
	end_in_each_way(&machine);
}

FL_SUITE("release", FL_TEST(state_of_a_server_is_released), FL_TEST(data_of_a_machine_is_released));
