/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks after the node's own processes and after scopes ends, and another one takes over. */
#include <string.h>

#include "dist/services.h"
#include "flitch/pg.h"
#include "node/supervisor.h"
#include "pg/server.h"
#include "tests/support/lab.h"
#include "tests/support/suite.h"

static lab l;
static fl_node *node;

static void begin(void)
{
	lab_open(&l, fli_mem_libc());
	node = lab_add(&l, "a@h.x", NULL)->node;
	fli_enter(node);
	CU_ASSERT_EQUAL_FATAL(fli_supervisor_start(node), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_services_start(node), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_pg_open(node), FL_OK);
	fli_leave(node);
	CU_ASSERT_EQUAL_FATAL(fl_pg_start(node, "s"), FL_OK);
	lab_run(&l);
}

static fl_pid pid_of(const char *name)
{
	fl_proc *proc;
	fl_pid pid = {.id = 0};

	fli_enter(node);
	proc = fli_name_find(node, fl_atom_of(name));
	if (proc != NULL)
		pid = fli_proc_pid(proc);
	fli_leave(node);
	return pid;
}

/* As one that cannot be told of an end, for lack of memory. */
static void end(const char *name)
{
	fl_proc *proc;

	fli_enter(node);
	proc = fli_name_find(node, fl_atom_of(name));
	CU_ASSERT_PTR_NOT_NULL_FATAL(proc);
	fli_proc_exit(proc, (fl_term){.data = NULL});
	fli_leave(node);
}

static bool is_another(const char *name, fl_pid than)
{
	fl_pid now = pid_of(name);

	return now.id != 0 && !fl_pid_eq(&now, &than);
}

static void services_are_looked_after_by_the_next_keeper(void)
{
	fl_pid keeper, rex, user;

	begin();
	keeper = pid_of("flitch_services");
	user = pid_of("user");
	rex = pid_of("rex");
	end("flitch_services");
	lab_run(&l);
	CU_ASSERT_TRUE(is_another("flitch_services", keeper));
	CU_ASSERT_FALSE(is_another("user", user));
	end("rex");
	lab_run(&l);
	CU_ASSERT_TRUE(is_another("rex", rex));
	lab_close(&l);
}

static void scopes_are_looked_after_by_the_next_keeper(void)
{
	fl_pid keeper, scope;

	begin();
	keeper = pid_of("flitch_pg");
	scope = pid_of("s");
	end("flitch_pg");
	lab_run(&l);
	CU_ASSERT_TRUE(is_another("flitch_pg", keeper));
	CU_ASSERT_FALSE(is_another("s", scope));
	end("s");
	lab_run(&l);
	CU_ASSERT_TRUE(is_another("s", scope));
	lab_close(&l);
}

/* The end of a scope is what its keeper could not be told. */
static void a_scope_that_ends_with_its_keeper_is_started_again(void)
{
	fl_pid scope;

	begin();
	scope = pid_of("s");
	end("flitch_pg");
	end("s");
	lab_run(&l);
	CU_ASSERT_TRUE(is_another("s", scope));
	lab_close(&l);
}

static void a_keeper_is_nobodys_to_end(void)
{
	static const fl_pid nobody = {.id = 1};
	fl_pid keeper;
	fli_reason_atom atom;

	begin();
	end("flitch_services");
	lab_run(&l);
	keeper = pid_of("flitch_services");
	fli_enter(node);
	fli_exit_signal(fli_proc_of(node, &keeper), &nobody, fli_reason_of(&atom, "kill"), false);
	fli_leave(node);
	lab_run(&l);
	CU_ASSERT_FALSE(is_another("flitch_services", keeper));
	lab_close(&l);
}

FL_SUITE("keepers", FL_TEST(services_are_looked_after_by_the_next_keeper),
	FL_TEST(scopes_are_looked_after_by_the_next_keeper),
	FL_TEST(a_scope_that_ends_with_its_keeper_is_started_again),
	FL_TEST(a_keeper_is_nobodys_to_end));
