/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch epmd`: serves the names and ports of this machine's nodes, or lists them.
 *
 *  - It listens on loopback, and on further addresses only where it is told to (OTP's listens on
 * all by default), since whoever reaches it learns what runs here.
 *  - With --linger it ends itself some time after its last name went: a node that found no epmd
 *    starts it so, and nothing stays behind.
 *  - With --detach the command returns once it serves, or says why it cannot.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dist/epmd_daemon.h"
#include "node/cmd/cmd.h"
#include "node/cmd/epmd_names.h"

static const fli_flag flags[] = {
	{.name = "--names", .help = "list the names of the epmd that runs"},
	{.name = "-names", .help = "the same, as OTP writes it"},
	{.name = "--port",
		.value = "P",
		.option = "epmd.port",
		.help = "port (4369, or ERL_EPMD_PORT)"},
	{.name = "--address",
		.value = "LIST",
		.option = "epmd.address",
		.help = "addresses besides loopback, with commas (ERL_EPMD_ADDRESS)"},
	{.name = "--detach", .help = "serve in the background"},
	{.name = "--linger",
		.value = "TIME",
		.help = "end that long after the last name went (FLITCH_EPMD_IDLE; else never)"},
	{.name = NULL},
};

static const fli_args_spec spec = {
	.usage = "flitch epmd [flags]",
	.about = "Serves names and ports of the Erlang nodes on this machine, or lists them.",
	.tables = {flags},
};

/* ---- in the background ----------------------------------------------------------------------- */

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid(); /* fails only for who leads a group already */
	if (chdir("/") != 0 || null < 0)
		return;
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(null, fd); /* both are open */
}

/* What the first process returns: 0 once the second serves, else the code that it ended with. */
static int await_child(pid_t child, int fd)
{
	char byte;
	int status = 0;

	if (read(fd, &byte, 1) == 1)
		return FLI_EXIT_OK;
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		return WEXITSTATUS(status);
	return FLI_EXIT_SOFTWARE;
}

typedef struct server {
	fli_epmd_daemon_options options;
	int ready_fd; /* -1: nobody waits */
} server;

static void on_ready(void *ctx, uint16_t port)
{
	server *s = ctx;
	ssize_t written;

	(void)port; /* it is the one that was asked for */
	if (s->ready_fd < 0)
		return;
	leave_terminal();
	written = write(s->ready_fd, "", 1);
	(void)written; /* whoever waited has gone: then nobody needs to know */
	(void)close(s->ready_fd);
}

static int run_server(server *s)
{
	fl_error err = {0};
	int rc;

	s->options.on_ready = on_ready;
	s->options.ctx = s;
	rc = fli_epmd_daemon_run(&s->options, &err);
	if (rc == FL_OK)
		return FLI_EXIT_OK;
	err.code = rc;
	fl_error_wrap(&err, "cannot serve as epmd on port %u", s->options.port);
	if (rc == FL_ETAKEN) {
		fl_error_why(&err, "most likely another epmd serves there already");
		fl_error_next(&err, "flitch epmd --names asks it for its names");
	}
	return fli_print_error("flitch", &err);
}

static int run_detached(server *s)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return FLI_EXIT_TEMPORARY;
	child = fork();
	if (child == 0) {
		(void)close(fds[0]);
		s->ready_fd = fds[1];
		_exit(run_server(s));
	}
	(void)close(fds[1]);
	return child < 0 ? FLI_EXIT_TEMPORARY : await_child(child, fds[0]);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int take_linger(server *s, const fli_args *args, fl_error *err)
{
	int64_t linger_ms;
	int rc = fli_args_time(args, "--linger", 0, &linger_ms, err);

	s->options.idle_s = (uint32_t)((linger_ms + 999) / 1000);
	return rc;
}

static int act(const fli_args *args, fl_options *options, fl_error *err)
{
	server s = {.options.allows_kill = true, .ready_fd = -1};
	int rc = fli_main_options(args, options, err);

	if (rc == FL_OK)
		rc = take_linger(&s, args, err);
	s.options.port = (uint16_t)fli_options_int(options, FLI_KEY_EPMD_PORT);
	s.options.addresses = fli_options_text(options, FLI_KEY_EPMD_ADDRESS);
	if (rc == FL_OK && (fli_args_has(args, "--names") || fli_args_has(args, "-names"))) {
		rc = fli_cmd_epmd_names("127.0.0.1", s.options.port, err);
		return rc == FL_OK ? FLI_EXIT_OK : fli_print_error("flitch", err);
	}
	if (rc != FL_OK)
		return fli_print_error("flitch", err);
	return fli_args_has(args, "--detach") ? run_detached(&s) : run_server(&s);
}

int fli_cmd_epmd(int argc, char *const *argv)
{
	fl_error err = {0};
	fl_options *options;
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	options = fl_options_new();
	if (options == NULL)
		return FLI_EXIT_TEMPORARY;
	code = act(&args, options, &err);
	fl_options_delete(options);
	return code;
}
