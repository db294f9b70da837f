/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_H
#define FLI_CMD_H

/*
 * The subcommands of the binary. Each gets the arguments after its own name and returns the exit
 * code of the program.
 *
 * Threads: the program's first one. Errors: three-part texts on stderr, exit codes of sysexits.
 */

#include "cluster/main.h"

/* X(name, function, what it does) in the order of the help. */
#define FLI_COMMANDS(X)                                                                            \
	X("run", fli_cmd_run, "be a node: serve what is loaded")                                   \
	X("demo", fli_cmd_demo, "a node to try from iex, step by step")                            \
	X("new", fli_cmd_new, "a project of mix or rebar3 with a node in C")                       \
	X("call", fli_cmd_call, "gen_server:call({NAME, NODE}, TERM)")                             \
	X("cast", fli_cmd_cast, "gen_server:cast({NAME, NODE}, TERM)")                             \
	X("ping", fli_cmd_ping, "whether a node answers")                                          \
	X("epmd", fli_cmd_epmd, "names and ports of the nodes on this machine")                    \
	X("describe", fli_cmd_describe, "what servers offer: text, or a client module")            \
	X("partition", fli_cmd_partition, "what a split would do, or does")                        \
	X("tls", fli_cmd_tls, "certificates: whether they will do, and a set for a lab")           \
	X("gen-cookie", fli_cmd_gen_cookie, "make the shared secret of a new cluster")             \
	X("reload", fli_cmd_reload, "have a node read its configuration anew")                     \
	X("tables", fli_cmd_tables, "the ets tables of a node")                                    \
	X("config", fli_cmd_config, "what a node would be configured with")                        \
	X("version", fli_cmd_version, "this program's version")                                    \
	X("help", fli_cmd_help, "this text, or that of a command")

#define FLI_COMMAND_DECLARE(name, function, help) int function(int argc, char *const *argv);
FLI_COMMANDS(FLI_COMMAND_DECLARE)
#undef FLI_COMMAND_DECLARE

/*
 * Parses; true when the command is to go on, else *ret_code is the exit code: 0 after --help, 64
 * after an error that has been printed.
 */
bool fli_cmd_parse(
	fli_args *ret_args, const fli_args_spec *spec, int argc, char *const *argv, int *ret_code);

#endif
