/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch call`, `cast` and `ping`: one message to one process of another node.
 *
 * A cast has no answer; a ping behind it, in order after it on the same connection, tells that it
 * has arrived at the node.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/cmd/cmd.h"
#include "node/cmd/visit.h"

/* What to say to whom. */
typedef struct message {
	const char *name; /* a registered name, or a pid as text */
	fl_buf pid;       /* not empty: the pid */
	fl_buf term;
} message;

static fl_dest dest_of(const fli_visit *visit, const message *m)
{
	fl_pid pid;

	if (m->pid.size > 0 && fl_match(fl_buf_term(&m->pid), "~", &pid))
		return fl_to_pid(pid);
	return fl_name_at(m->name, visit->node);
}

static int call(fl_proc *self, fli_visit *visit)
{
	const message *m = visit->ctx;
	fl_term reply = {0};
	int rc = fl_call(
		self, dest_of(visit, m), visit->timeout_ms, &reply, "~", fl_buf_term(&m->term));

	if (rc != FL_OK)
		return fli_visit_failed(visit, rc, m->name, reply);
	rc = fl_print(&visit->out, reply);
	return rc == FL_OK ? FL_OK : fl_error_set(&visit->err, rc, "cannot print the answer");
}

static int cast(fl_proc *self, fli_visit *visit)
{
	const message *m = visit->ctx;
	int rc = fl_cast(self, dest_of(visit, m), "~", fl_buf_term(&m->term));

	if (rc != FL_OK)
		return fli_visit_failed(visit, rc, m->name, (fl_term){0});
	return fli_visit_ping(self, visit);
}

static int ping(fl_proc *self, fli_visit *visit)
{
	return fli_visit_ping(self, visit);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static int read_message(message *m, const fli_args *args, fl_error *err)
{
	const char *term = args->words[2];
	fl_pid pid;

	m->name = args->words[1];
	if (fl_read(&m->term, term, strlen(term), err) != FL_OK) {
		fl_error_wrap(err, "cannot read the term");
		fl_error_next(
			err, "Erlang notation: '{add, 5}', 'get', '<<\"text\">>', '#{key => 1}'");
		return FL_EINVAL;
	}
	if (m->name[0] != '<')
		return FL_OK;
	if (fl_read(&m->pid, m->name, strlen(m->name), NULL) == FL_OK &&
		fl_match(fl_buf_term(&m->pid), "~", &pid))
		return FL_OK;
	fl_error_set(err, FL_EINVAL, "\"%s\" is no pid", m->name);
	fl_error_why(err, "it begins with <, as pids do and names do not");
	fl_error_next(err, "a pid is written <c1@host.12.0>");
	return FL_EINVAL;
}

static int send_message(const fli_args_spec *spec, int (*errand)(fl_proc *, fli_visit *), int argc,
	char *const *argv)
{
	message m = {0};
	fli_visit visit = {.errand = errand, .ctx = &m};
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, spec, argc, argv, &code))
		return code;
	visit.err.code = read_message(&m, &args, &visit.err);
	code = visit.err.code == FL_OK ? fli_visit_run(&visit, &args, args.words[0])
				       : fli_print_error("flitch", &visit.err);
	if (code == FLI_EXIT_OK && errand == call)
		(void)putchar('\n');
	fl_buf_free(&m.pid);
	fl_buf_free(&m.term);
	return code;
}

int fli_cmd_call(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch call [flags] NODE NAME TERM",
		.about = "Calls the server NAME (or a pid) at NODE and prints its answer.\n"
			 "    flitch call c1@127.0.0.1 counter '{add, 5}'\n" FLI_VISIT_WITHOUT_EPMD,
		.tables = {fli_visit_flags},
		.words_min = 3,
		.words_max = 3,
	};

	return send_message(&spec, call, argc, argv);
}

int fli_cmd_cast(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch cast [flags] NODE NAME TERM",
		.about = "Casts to the server NAME (or a pid) at NODE.\n" FLI_VISIT_WITHOUT_EPMD,
		.tables = {fli_visit_flags},
		.words_min = 3,
		.words_max = 3,
	};

	return send_message(&spec, cast, argc, argv);
}

/* Without a name: the node that the configuration of this environment describes. */
static const char *configured_node(const fli_args *args, fli_node_name *ret_name, fl_error *err)
{
	fl_options *options = fl_options_new();
	int rc = options != NULL ? fli_main_options(args, options, err)
				 : fl_error_set(err, FL_ENOMEM, "out of memory");
	bool is_read = rc == FL_OK;

	if (is_read)
		rc = fli_options_own_name(options, ret_name, err);
	fl_options_delete(options);
	if (rc == FL_OK)
		return ret_name->text;
	if (is_read)
		fl_error_next(err, "say which: flitch ping c1@127.0.0.1");
	return NULL;
}

int fli_cmd_ping(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch ping [flags] [NODE]",
		.about =
			"Whether NODE answers; without a name, the node that this environment or\n"
			"--config describes. Exit code 69 when it does not.\n" FLI_VISIT_WITHOUT_EPMD,
		.tables = {fli_visit_flags},
		.words_max = 1,
	};
	fli_visit visit = {.errand = ping};
	struct timespec before, after;
	fli_node_name own;
	fli_args args;
	const char *node;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	node = args.words_count > 0 ? args.words[0] : configured_node(&args, &own, &visit.err);
	if (node == NULL)
		return fli_print_error("flitch", &visit.err);
	(void)clock_gettime(CLOCK_MONOTONIC, &before); /* cannot fail for this clock */
	code = fli_visit_run(&visit, &args, node);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	if (code == FLI_EXIT_OK)
		(void)printf("pong %s in %.1f ms\n", visit.node,
			(double)(after.tv_sec - before.tv_sec) * 1e3 +
				(double)(after.tv_nsec - before.tv_nsec) / 1e6);
	return code;
}
