/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_ARGS_H
#define FLI_CLUSTER_ARGS_H

/*
 * The command line: tables of flags, and what was found of them in argv.
 *
 *     flitch call --timeout 2s c1@h counter "{add, 5}"
 *            |    |            |
 *            |    found[0]     words[0..2]
 *            spec
 *
 * Flags and words may come in any order; `--flag=value` is `--flag value`; `--` ends the flags.
 * What begins with '-' and a digit is a word, since terms may be negative numbers.
 *
 * Threads: one at a time. Memory: borrows argv and the tables. Errors: FL_EINVAL with a text for
 * people; an unknown flag names the nearest one. Limits: FLI_ARGS_MAX flags, as many words.
 */

#include "cluster/options.h"

#define FLI_ARGS_MAX 512

typedef struct fli_flag {
	const char *name;    /* "--port"; NULL ends a table */
	const char *value;   /* what the help calls its argument; NULL: it has none */
	const char *option;  /* the key that it sets, or NULL */
	const char *fixed;   /* what it sets it to, where it has no argument */
	const char *implied; /* another "key=value" that comes with it, or NULL */
	const char *help;
} fli_flag;

typedef struct fli_args_spec {
	const char *usage;         /* "flitch call [flags] NODE NAME TERM" */
	const char *about;         /* a sentence or two */
	const fli_flag *tables[3]; /* those that are there, then NULL */
	size_t words_min, words_max;
} fli_args_spec;

typedef struct fli_args {
	const fli_args_spec *spec;
	struct {
		const fli_flag *flag;
		const char *value;
	} found[FLI_ARGS_MAX];
	size_t found_count;
	const char *words[FLI_ARGS_MAX];
	size_t words_count;
} fli_args;

/* `argv` begins with the first argument; --help is known without being in a table. */
int fli_args_parse(
	fli_args *ret_args, const fli_args_spec *spec, int argc, char *const *argv, fl_error *err);
bool fli_args_has(const fli_args *args, const char *name);
/* The value of the last flag of that name, or NULL. */
const char *fli_args_value(const fli_args *args, const char *name);
/* Reads a flag's value as a TIME in milliseconds; `fallback` where it is absent. */
int fli_args_time(
	const fli_args *args, const char *name, int64_t fallback, int64_t *ret_ms, fl_error *err);
/* Sets the options of all flags that were found, and every --set key=value. */
int fli_args_apply(const fli_args *args, fl_options *options, fl_error *err);
/*
 * Overwrites cookies in the arguments and in the environment, where other users' tools may look
 * (ps, /proc); what was applied stays as it was.
 */
void fli_args_hide_secrets(const fli_args *args);
/* The help text. */
void fli_args_help(const fli_args_spec *spec, int fd);

#endif
