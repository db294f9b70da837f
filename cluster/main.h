/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_MAIN_H
#define FLI_CLUSTER_MAIN_H

/*
 * The program around a node: its flags, its machine line on stdout, its exit code. Both fl_main and
 * the command `flitch run` are this, so that an embedding program has the same face.
 *
 *     stdout   READY node=c1@127.0.0.1 port=9100 pid=4711 vsn=0.1.0
 *         or   FAILED code=78 reason="..."
 *     stderr   three-part errors, log lines
 *
 * Threads: the program's first one. Memory: borrows argv. Errors: an exit code of sysexits.
 */

#include "cluster/args.h"

enum {
	FLI_EXIT_OK = 0,
	FLI_EXIT_USAGE = 64,
	FLI_EXIT_UNAVAILABLE = 69,
	FLI_EXIT_SOFTWARE = 70,
	FLI_EXIT_TEMPORARY = 75,
	FLI_EXIT_CONFIG = 78
};

/* The flags of every program that is a node; and those of one that only visits another. */
extern const fli_flag fli_node_flags[];
extern const fli_flag fli_visit_flags[];

/* The exit code that an FL_E* stands for. */
int fli_exit_code(int code);
/* "program: what", "  why:  ...", "  next: ..." on stderr; returns the exit code. */
int fli_print_error(const char *program, const fl_error *err);
/* Everything that configures: environment, --config (or FLITCH_CONFIG), --set, flags. */
int fli_main_options(const fli_args *args, fl_options *options, fl_error *err);

/* What a program is beyond its flags. */
typedef struct fli_program {
	const fli_args_spec *spec;
	const fl_behaviour *const
		*behaviours;      /* started under the supervisor; NULL ends; may be NULL */
	const fl_export *exports; /* added before the behaviours start */
	size_t exports_count;
	const fl_doc *docs; /* may be NULL */
	/* Options of its own, before the node opens; may be NULL. */
	int (*prepare)(fl_options *options, fl_error *err);
	/* Instead of the READY line; may be NULL. */
	void (*on_ready)(const fl_node *node, const fl_options *options);
} fli_program;

/* Serves until the end; argv begins with the first flag. */
int fli_main_run(const fli_program *program, int argc, char *const *argv);

#endif
