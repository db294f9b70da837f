/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_EXPORT_H
#define FLI_EXPORT_H

/*
 * The table of native functions: what other nodes may run here, under Erlang's names.
 *
 *     rpc, erpc, spawn, command line --> fli_apply(M, F, Args) --> table --> C function
 *
 * The table is an allow-list. The profile says which classes of it answer; `allow` names what is
 * open beyond that. A function that is not in the table, or not open, is `undef` as on any node;
 * one that a default node keeps shut on purpose is {notsup, Text}, so that its caller learns why.
 * For nodes that a rule of access.h is for, that rule's profile and list count instead.
 *
 *     profile    MEMBER   DEFAULT   OFF
 *     default    open     open      {notsup, _}
 *     strict     open     undef     undef
 *
 * Threads: fli_exports_* need the owner of the context; fli_apply is called from the handler of
 * `self`. Memory: exports are borrowed and must outlive the node. Errors: FL_E*. Limits: none but
 * memory; entries are few and never a peer's.
 */

#include "node/runtime.h"

typedef enum fli_export_class {
	FLI_EXPORT_MEMBER,  /* what membership in a cluster needs */
	FLI_EXPORT_DEFAULT, /* the user's, and what tools ask of a node */
	FLI_EXPORT_OFF      /* ends or changes the node: only by `allow` */
} fli_export_class;

typedef enum fli_rpc_profile { FLI_RPC_DEFAULT, FLI_RPC_STRICT } fli_rpc_profile;

/* What has to be remembered from one call of statistics/1 to the next. */
typedef struct fli_since {
	uint64_t start_ms; /* of the node, near enough: when it got its first function */
	uint64_t wall_ms;
	uint64_t cpu_ms;
	uint64_t reductions;
} fli_since;

typedef struct fli_exports {
	fli_map table;
	fli_rpc_profile profile;
	char *allow; /* NULL: nothing more */
	fli_since since;
	/* Bytes that came in and went out, for statistics(io); NULL: no network. */
	void (*count_io)(const fl_node *node, uint64_t *ret_in, uint64_t *ret_out);
} fli_exports;

/*
 * Adds functions. FL_ETAKEN when one of them is the node's own already; a user's function replaces
 * an earlier one of the same name, as a module loaded anew does. Nothing is added on failure, save
 * when memory ran out half-way.
 */
int fli_exports_add(fl_node *node, const fl_export *exports, size_t count, fli_export_class class);
/* The same for the node's own, which users cannot replace. */
int fli_exports_add_own(
	fl_node *node, const fl_export *exports, size_t count, fli_export_class class);
/*
 * `allow` (may be NULL) is a list of "module:function/arity", "module:function" or "module:*",
 * separated by commas or blanks. FL_ECONFIG when it is none.
 */
int fli_exports_policy(fl_node *node, fli_rpc_profile profile, const char *allow, fl_error *err);
void fli_exports_delete(fl_node *node);
/* Visits what users have added: start with *cursor = 0; NULL at the end. */
const fl_export *fli_exports_next(const fl_node *node, size_t *cursor);

/* Module:Function(Args). */
typedef struct fli_mfa {
	fl_atom module;
	fl_atom function;
	fl_term args;   /* a list */
	uint8_t blamed; /* after fli_apply: an fli_blame, of an error */
} fli_mfa;

/*
 * Errors whose stack says more, as a BEAM's does in error_info: one of the node's own functions
 * returns FLI_BLAME + one of these, and has built the reason.
 */
typedef enum fli_blame {
	FLI_BLAME_NOTHING,
	FLI_BLAME_STDLIB, /* #{module => erl_stdlib_errors}, and a cause from here on */
	FLI_BLAME_ID,
	FLI_BLAME_ACCESS,
	FLI_BLAME_TYPE,
	FLI_BLAME_BADKEY,
	FLI_BLAME_POSITION,
	FLI_BLAME_KEYPOS,
	FLI_BLAME_TABLE_TYPE,
	FLI_BLAME_OWNER,
	FLI_BLAME_EXISTS,
	FLI_BLAME_ERTS /* #{module => erl_erts_errors} */
} fli_blame;

enum { FLI_BLAME = 16 };

/*
 * For who asked for what `self` does. FL_OK: *ret_export is open; FL_ENOENT: undef; FL_EREFUSED:
 * the same, though it is here: who asked may have what is listed for it and no more; FL_ENOTSUP:
 * shut on purpose; FL_EBUSY: while the node pauses.
 */
int fli_exports_find(
	const fl_proc *self, const fli_mfa *mfa, uint32_t arity, const fl_export **ret_export);
/* It, or what it is told to apply, is here and not open to `sender`. The context is owned. */
bool fli_exports_are_shut(const fl_node *node, fl_atom sender, const fli_mfa *what);
/* Whether an allow-list can be read; `what` names it for people. */
int fli_exports_check_allow(const char *what, const char *allow, fl_error *err);

/*
 * Runs a function. FL_OK: `ret_result` holds its value. FL_THROW, FL_ERROR, FL_EXIT: what it
 * raised. erlang:apply is unrolled: `mfa` then tells what really ran. May block as the function
 * does.
 */
int fli_apply(fl_proc *self, fli_mfa *mfa, fl_buf *ret_result);
/* `fun M:F/A`, without its arguments; false: it is code, or no fun. */
bool fli_fun_names(fl_term fun, fli_mfa *ret_mfa);
/* Raises {cannot_run_erlang_code, Text}. */
int fli_refuse_fun(fl_proc *self, fl_buf *result);
/* The stack of an error there: [{M, F, Args, []}]. */
int fli_mfa_stack(fl_buf *buf, const fli_mfa *mfa);
/* The length of a proper list of at most 255 elements; false for anything else. */
bool fli_args_count(fl_term args, uint32_t *ret_count);

#endif
