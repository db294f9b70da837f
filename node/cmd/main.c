/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary: finds the command and runs it.
 *
 * A parent may have left signals blocked or ignored (a shell's background job, another flitch that
 * starts its epmd); they are put back first, so that each command begins with a clean slate.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/suggest.h"
#include "flitch.h"
#include "node/cmd/cmd.h"

typedef struct command {
	const char *name;
	int (*run)(int argc, char *const *argv);
	const char *help;
} command;

static const command commands[] = {
#define ROW(word, function, text) {word, function, text},
	FLI_COMMANDS(ROW)
#undef ROW
};

#define COMMANDS_COUNT (sizeof commands / sizeof *commands)

static const command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int refuse(const char *name)
{
	fli_suggest suggest = fli_suggest_start(name);
	fl_error err;

	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		fli_suggest_offer(&suggest, commands[i].name);
	if (suggest.best != NULL)
		fl_error_set(&err, FL_EINVAL, "unknown command \"%s\" (did you mean \"%s\"?)", name,
			suggest.best);
	else
		fl_error_set(&err, FL_EINVAL, "unknown command \"%s\"", name);
	fl_error_why(&err, "it is misspelt, or a command of another version");
	fl_error_next(&err, "flitch help lists what there is");
	return fli_print_error("flitch", &err);
}

bool fli_cmd_parse(
	fli_args *ret_args, const fli_args_spec *spec, int argc, char *const *argv, int *ret_code)
{
	fl_error err = {0};

	*ret_code = FLI_EXIT_OK;
	if (fli_args_parse(ret_args, spec, argc, argv, &err) != FL_OK) {
		*ret_code = fli_print_error("flitch", &err);
		return false;
	}
	if (fli_args_has(ret_args, "--help"))
		fli_args_help(spec, STDOUT_FILENO);
	return !fli_args_has(ret_args, "--help");
}

int fli_cmd_version(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch version", .about = "Prints the version of this program."};
	fli_args args;
	int code;

	if (fli_cmd_parse(&args, &spec, argc, argv, &code))
		(void)puts("flitch " FL_VERSION);
	return code;
}

static void print_commands(FILE *out)
{
	(void)fputs("usage: flitch COMMAND [flags]\n\nAn Erlang node in C.\n\n", out);
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		(void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	(void)fputs("\nflitch COMMAND --help says more.\n", out);
}

int fli_cmd_help(int argc, char *const *argv)
{
	char *const help[] = {(char[]){"--help"}, NULL};
	const command *found;

	if (argc == 0 || argv[0][0] == '-') {
		print_commands(stdout);
		return FLI_EXIT_OK;
	}
	found = find(argv[0]);
	return found != NULL ? found->run(1, help) : refuse(argv[0]);
}

int fli_cmd_run(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch run [flags]",
		.about =
			"A node that serves what --load names, until SIGTERM. When it serves it prints\n"
			"READY node=NAME port=PORT pid=PID vsn=VERSION\n"
			"on stdout; logs go to stderr.",
		.tables = {fli_node_flags},
	};
	static const fli_program program = {.spec = &spec};

	return fli_main_run(&program, argc, argv);
}

static void clean_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none); /* neither of these can fail here */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
	const command *found;

	clean_signals();
	if (argc < 2) {
		print_commands(stderr);
		return FLI_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0)
		return fli_cmd_version(0, NULL);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return fli_cmd_help(0, NULL);
	found = find(argv[1]);
	return found != NULL ? found->run(argc - 2, argv + 2) : refuse(argv[1]);
}
