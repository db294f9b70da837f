/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the program around one node:
 *
 *  - read what configures it; block signals; open the node, start and load its servers, join;
 *  - print READY, serve until somebody asks for the end, close;
 *  - the exit code is that of sysexits.
 *
 * Failure: until READY every failure is FAILED on stdout and a three-part text on stderr.
 */
#include "cluster/main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cluster/dump.h"
#include "cluster/logger.h"
#include "cluster/node.h"
#include "cluster/warden.h"
#include "flitch.h"
#include "node/runtime.h"

enum { ARENAS_MAX = 2 };

/* clang-format off */
const fli_flag fli_node_flags[] = {
	{.name = "--name", .value = "N", .option = "node.name",
		.implied = "node.name_type=long", .help = "long name, calc@127.0.0.1"},
	{.name = "--sname", .value = "N", .option = "node.name",
		.implied = "node.name_type=short", .help = "short name, calc or calc@host"},
	{.name = "--cookie", .value = "C", .option = "node.cookie",
		.help = "cookie; everybody on the machine can see it here"},
	{.name = "--cookie-file", .value = "F", .option = "node.cookie_file",
		.help = "file with the cookie (else FLITCH_COOKIE, ~/.erlang.cookie)"},
	{.name = "--port", .value = "P", .option = "dist.port", .help = "port to listen on (0: any)"},
	{.name = "--listen", .value = "ADDR", .option = "dist.listen",
		.help = "address to listen on (127.0.0.1)"},
	{.name = "--hidden", .option = "node.visible", .fixed = "false",
		.help = "be a hidden node, which global and pg take no notice of"},
	{.name = "--visible", .option = "node.visible", .fixed = "true", .help = "be a visible node (the default)"},
	{.name = "--load", .value = "FILE.so", .option = "node.load",
		.help = "start the servers of a shared object; repeatable"},
	{.name = "--join", .value = "NODE", .option = "node.join",
		.help = "connect to NODE and stay connected; repeatable"},
	{.name = "--epmd", .value = "MODE", .option = "dist.epmd",
		.help = "auto, on, off or embedded"},
	{.name = "--config", .value = "FILE", .help = "configuration file (or FLITCH_CONFIG)"},
	{.name = "--set", .value = "KEY=VALUE", .help = "any key; flitch config show lists them"},
	{.name = "--parent-stdin", .option = "log.format", .fixed = "journal",
		.implied = "log.output=stdout",
		.help = "stop when stdin ends; log to stdout as <N>text"},
	{.name = "--version", .help = "print the version"},
	{.name = NULL},
};

const fli_flag fli_visit_flags[] = {
	{.name = "--cookie", .value = "C", .option = "node.cookie",
		.help = "cookie; everybody on the machine can see it here"},
	{.name = "--cookie-file", .value = "F", .option = "node.cookie_file",
		.help = "file with the cookie (else FLITCH_COOKIE, ~/.erlang.cookie)"},
	{.name = "--timeout", .value = "TIME", .help = "how long to wait (5s)"},
	{.name = "--config", .value = "FILE", .help = "configuration file (or FLITCH_CONFIG)"},
	{.name = "--set", .value = "KEY=VALUE", .help = "any key; flitch config show lists them"},
	{.name = NULL},
};
/* clang-format on */

/* ---- errors ---------------------------------------------------------------------------------- */

int fli_exit_code(int code)
{
	switch (code) {
	case FL_OK: return FLI_EXIT_OK;
	case FL_EINVAL: return FLI_EXIT_USAGE;
	case FL_ETAKEN:
	case FL_ENOPROC:
	case FL_ENOCONN:
	case FL_EREFUSED:
	case FL_EAUTH:
	case FL_ECLOSED: return FLI_EXIT_UNAVAILABLE;
	case FL_ETIMEOUT:
	case FL_EBUSY:
	case FL_ELIMIT:
	case FL_ENOMEM: return FLI_EXIT_TEMPORARY;
	case FL_ECONFIG:
	case FL_ENOENT:
	case FL_EFORMAT:
	case FL_ENOTSUP: return FLI_EXIT_CONFIG;
	default: return FLI_EXIT_SOFTWARE;
	}
}

/* For failures whose own place knows no more than their code. */
typedef struct advice {
	int code;
	const char *why, *next;
} advice;

static const advice *advice_for(int code)
{
	static const advice all[] = {
		{FL_ENOMEM, "this machine, or the limit of this process, has no memory left",
			"look at `free -m` and `ulimit -v`"},
		{FL_ELIMIT, "a limits.* key is too low for what is asked",
			"flitch config show --origin lists the limits"},
		{FL_EINVAL, "a value is not of the form that it must have", "flitch help"},
		{FL_ECONFIG, "the configuration has a value that cannot be used",
			"flitch config show --origin prints each value and where it comes from"},
		{FL_EIO, "the system refused to read or write",
			"see that the disk is not full and the files may be used"},
		{FL_ECLOSED, "the node was told to end meanwhile", "start it again"},
		{FL_OK, "the log lines before this one may say more",
			"start it again with --set log.level=debug"},
	};
	size_t i = 0;

	while (all[i].code != code && all[i].code != FL_OK)
		i++;
	return &all[i];
}

int fli_print_error(const char *program, const fl_error *err)
{
	const advice *general = advice_for(err->code);
	const char *what = err->what[0] != '\0' ? err->what : fl_error_text(err->code);
	char text[1200];
	int size = snprintf(text, sizeof text, "%s: %s\n  why:  %s\n  next: %s\n", program, what,
		err->why[0] != '\0' ? err->why : general->why,
		err->next[0] != '\0' ? err->next : general->next);
	ssize_t written = write(STDERR_FILENO, text, size > 0 ? (size_t)size : 0);

	(void)written; /* whoever closed stderr does not want to know */
	return fli_exit_code(err->code);
}

/* On one line, and with ' for ", so that a reader need not know any escapes. */
static void print_failed(const fl_error *err)
{
	char reason[sizeof err->what];
	size_t size = 0;

	for (const char *p = err->what; *p != '\0' && size < sizeof reason - 1; p++)
		reason[size++] = (char)(*p == '"' ? '\'' : (unsigned char)*p < ' ' ? ' ' : *p);
	reason[size] = '\0';
	(void)printf("FAILED code=%d reason=\"%s\"\n", fli_exit_code(err->code), reason);
	(void)fflush(stdout); /* nobody may be reading: the exit code says it too */
}

/* ---- options --------------------------------------------------------------------------------- */

int fli_main_options(const fli_args *args, fl_options *options, fl_error *err)
{
	const char *path = fli_args_value(args, "--config");
	int rc = fl_options_environment(options, err);

	if (path == NULL)
		path = getenv("FLITCH_CONFIG");
	if (rc == FL_OK && path != NULL && *path != '\0')
		rc = fl_options_load(options, path, err);
	return rc == FL_OK ? fli_args_apply(args, options, err) : rc;
}

/* ---- one node -------------------------------------------------------------------------------- */

/* Owner: the program's first thread; the warden's reads it. */
typedef struct life {
	const fli_program *program;
	fli_args args;
	fl_options *options;
	fl_node *node;
	fli_logger logger;
	fli_log log; /* the program's own, beside the node's */
	fli_warden warden;
	fl_error err;
} life;

/* A file that has become wrong changes nothing. */
static int reload_for(life *p, const char *cause, fl_error *err)
{
	fl_options *fresh = fl_options_new();
	int rc = fresh == NULL ? fl_error_set(err, FL_ENOMEM, "out of memory") : FL_OK;

	if (rc == FL_OK)
		rc = fli_main_options(&p->args, fresh, err);
	if (rc == FL_OK && p->program->prepare != NULL)
		rc = p->program->prepare(fresh, err);
	if (rc == FL_OK)
		rc = fli_node_reload(p->node, fresh, err);
	if (rc == FL_OK)
		fli_log_write(&p->node->log, FLI_NOTICE,
			"%s: log level %s; certificates and allow-lists were read anew", cause,
			fli_options_text(fresh, FLI_KEY_LOG_LEVEL));
	else
		fli_log_write(
			&p->node->log, FLI_WARNING, "%s: nothing changed: %s", cause, err->what);
	fl_options_delete(fresh);
	return rc;
}

static int reload(void *ctx, fl_error *err)
{
	return reload_for(ctx, "flitch:reload/0", err);
}

static void on_reload(void *ctx)
{
	fl_error err = {0};

	(void)reload_for(ctx, "SIGHUP received", &err); /* the log says what came of it */
}

static void on_dump(void *ctx)
{
	life *p = ctx;
	char path[64];
	fl_error err = {0};

	if (fli_dump_write(p->node, path, sizeof path, &err) == FL_OK)
		fli_log_write(
			&p->node->log, FLI_NOTICE, "SIGUSR1 received: state dump in %s", path);
	else
		fli_log_write(&p->node->log, FLI_ERROR, "SIGUSR1 received: %s", err.what);
}

static int configure(life *p)
{
	int rc;

	p->options = fl_options_new();
	if (p->options == NULL)
		return fl_error_set(&p->err, FL_ENOMEM, "out of memory");
	rc = fli_main_options(&p->args, p->options, &p->err);
	if (rc == FL_OK && p->program->prepare != NULL)
		rc = p->program->prepare(p->options, &p->err);
	return rc == FL_OK ? fli_options_check(p->options, &p->err) : rc;
}

static int start_servers(life *p)
{
	const fl_behaviour *const *behaviour = p->program->behaviours;
	int rc = fl_node_export(p->node, p->program->exports, p->program->exports_count);

	if (rc != FL_OK)
		return fl_error_set(
			&p->err, rc, "cannot add the program's functions: %s", fl_error_text(rc));
	if (p->program->docs != NULL)
		rc = fl_node_document(p->node, p->program->docs);
	if (rc != FL_OK)
		return fl_error_set(&p->err, rc, "out of memory");
	for (; rc == FL_OK && behaviour != NULL && *behaviour != NULL; behaviour++)
		rc = fl_node_start(p->node, *behaviour, &p->err);
	return rc;
}

static void print_ready(const fl_node *node, const fl_options *options)
{
	fl_atom name = fl_node_name(node);

	(void)options; /* the line says what the node is, not what it was told */
	(void)printf("READY node=%.*s port=%u pid=%ld vsn=%s\n", (int)name.size, name.text,
		fl_node_port(node), (long)getpid(), FL_VERSION);
}

static int start_warden(life *p)
{
	const fli_warden_config config = {
		.log = &p->log,
		.watches_stdin = fli_args_has(&p->args, "--parent-stdin"),
		.shutdown_ms = (uint32_t)fli_options_int(p->options, FLI_KEY_NODE_SHUTDOWN_TIME),
		.on_reload = on_reload,
		.on_dump = on_dump,
		.ctx = p,
	};

	fli_logger_create(&p->logger, p->options);
	fli_log_create(&p->log, fli_logger_write, &p->logger,
		(fli_level)fli_options_int(p->options, FLI_KEY_LOG_LEVEL));
	return fli_warden_create(&p->warden, &config, &p->err);
}

static void tell_ready(const life *p)
{
	if (p->program->on_ready != NULL)
		p->program->on_ready(p->node, p->options);
	else
		print_ready(p->node, p->options);
	(void)fflush(stdout); /* the line is for whoever reads; a node serves without a reader */
}

/* The node from its start to its end. */
static int live(life *p)
{
	int rc = fl_node_open(p->options, &p->node, &p->err);

	if (rc == FL_OK)
		rc = start_servers(p);
	if (rc != FL_OK)
		return rc;
	fli_core_of(p->node)->reload_ctx = p;
	fli_core_of(p->node)->reload = reload;
	if (fli_warden_attach(&p->warden, p->node))
		tell_ready(p);
	return fl_node_run(p->node);
}

static int fail(life *p, int rc)
{
	p->err.code = rc;
	print_failed(&p->err);
	if (strncmp(p->err.what, "cannot", 6) != 0)
		fl_error_wrap(&p->err, "cannot start");
	return fli_print_error("flitch", &p->err);
}

/*
 * Whoever has the context allocates, and that moves from thread to thread: with an arena for each,
 * as the C library has them, a peak is kept once for each thread that has seen one. Who has set
 * something else in the environment knows better.
 */
static void bound_arenas(void)
{
#ifdef __GLIBC__
	if (getenv("MALLOC_ARENA_MAX") == NULL && getenv("GLIBC_TUNABLES") == NULL)
		(void)mallopt(M_ARENA_MAX, ARENAS_MAX);
#endif
}

/* Until READY a failure is an FL_E* below zero; afterwards `rc` is an exit code. */
static int run_node(life *p)
{
	bool is_watched = false;
	int rc;

	bound_arenas();
	rc = configure(p);

	fli_args_hide_secrets(&p->args);
	fli_warden_block();
	if (rc == FL_OK)
		rc = start_warden(p);
	if (rc == FL_OK) {
		is_watched = true;
		rc = live(p);
	}
	if (rc < 0)
		rc = fail(p, rc);
	if (is_watched)
		fli_warden_let_go(&p->warden);
	if (p->node != NULL)
		fl_node_close(p->node);
	if (is_watched)
		fli_warden_destroy(&p->warden);
	fl_options_delete(p->options);
	return rc;
}

int fli_main_run(const fli_program *program, int argc, char *const *argv)
{
	life p = {.program = program};

	if (fli_args_parse(&p.args, program->spec, argc, argv, &p.err) != FL_OK) {
		print_failed(&p.err);
		return fli_print_error("flitch", &p.err);
	}
	if (fli_args_has(&p.args, "--help")) {
		fli_args_help(program->spec, STDOUT_FILENO);
		return FLI_EXIT_OK;
	}
	if (fli_args_has(&p.args, "--version")) {
		(void)puts("flitch " FL_VERSION);
		return FLI_EXIT_OK;
	}
	return run_node(&p);
}

int fl_main_program(const fl_program *program, int argc, char **argv)
{
	char usage[160];
	const fli_args_spec spec = {
		.usage = usage,
		.about = "Serves Erlang servers written in C.",
		.tables = {fli_node_flags},
	};
	const fli_program own = {.spec = &spec,
		.behaviours = program->behaviours,
		.exports = program->exports,
		.exports_count = program->exports_count,
		.docs = program->docs};

	(void)snprintf(usage, sizeof usage, "%s [flags]", argc > 0 ? argv[0] : "flitch");
	return fli_main_run(&own, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
}

int fl_main(const fl_behaviour *behaviour, int argc, char **argv)
{
	const fl_behaviour *const behaviours[] = {behaviour, NULL};

	return fl_main_program(&(fl_program){.behaviours = behaviours}, argc, argv);
}
