/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/driven.h"

#include <errno.h>
#include <time.h>

#include "tests/support/suite.h"

fl_node *driven_open(driven *d, const char *name)
{
	fli_limits limits = fli_limits_default();
	fli_loop_config config = {.spin_us = 50};
	fli_drive drive = {.step = fli_loop_step, .wake = fli_loop_wake};

	limits.poison = true;
	CU_ASSERT_EQUAL_FATAL(
		fli_node_create(&d->node, name, &limits, fli_port_system(), fli_mem_libc()), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_loop_new(d->node, &config, &d->loop), FL_OK);
	drive.loop = d->loop;
	CU_ASSERT_EQUAL_FATAL(fli_crew_start(d->node, &drive), FL_OK);
	return d->node;
}

static void *run(void *node)
{
	fli_crew_drive(node);
	return NULL;
}

void driven_go(driven *d)
{
	CU_ASSERT_EQUAL_FATAL(pthread_create(&d->driver, NULL, run, d->node), 0);
}

void driven_close(driven *d)
{
	fli_loop_stop(d->loop);
	(void)pthread_join(d->driver, NULL);
	fli_crew_stop(d->node);
	fli_enter(d->node);
	fli_loop_delete(d->loop);
	fli_node_delete(d->node);
}

fl_pid driven_start(fl_node *node, const fl_behaviour *behaviour)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = behaviour, .name = behaviour->name};
	fl_proc *proc;
	fl_pid pid;

	fli_enter(node);
	CU_ASSERT_EQUAL_FATAL(
		fli_proc_start(node, &how, (fl_term){.data = nil, .size = sizeof nil}, &proc, NULL),
		FL_OK);
	pid = fli_proc_pid(proc);
	fli_leave(node);
	return pid;
}

void driven_post(fl_node *node, const char *name, const char *text)
{
	fl_dest to = fl_to_name(name);

	fli_enter(node);
	CU_ASSERT_EQUAL(fli_send_spec(node, NULL, &to, fl_spec(text)), FL_OK);
	fli_leave(node);
}

bool driven_wait(sem_t *sem, int limit_s)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += limit_s;
	while (sem_timedwait(sem, &until) != 0)
		if (errno != EINTR)
			return false;
	return true;
}
