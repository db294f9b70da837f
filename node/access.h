/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_ACCESS_H
#define FLI_ACCESS_H

/*
 * What a node may ask of this one: rules by patterns of node names, the first that fits counts.
 *
 *     rule: "ops@*"  functions: profile, allow    requests of sys, supervisors, exit/2: words
 *     none fits:     fli_exports_policy           fli_access_set's `words_of_others`
 *
 * The name is that of the connection (fl_sender_node), whatever a message says of itself. What this
 * node's own processes ask of each other is not looked at.
 *
 * Threads: the owner of the context. Memory: owns copies. Errors: FL_ENOMEM. Limits: none but
 * memory; rules are the operator's.
 */

#include "node/export.h"

/*
 * X(id, word): named as sys and supervisor name their requests. `debug`: log, trace, statistics,
 * install; `which_children`: count_children and which_child, too; `start_child`: a task, too.
 */
#define FLI_ACCESS_WORDS(X)                                                                        \
	X(GET_STATE, "get_state")                                                                  \
	X(GET_STATUS, "get_status")                                                                \
	X(DEBUG, "debug")                                                                          \
	X(SUSPEND, "suspend")                                                                      \
	X(RESUME, "resume")                                                                        \
	X(REPLACE_STATE, "replace_state")                                                          \
	X(CHANGE_CODE, "change_code")                                                              \
	X(TERMINATE, "terminate")                                                                  \
	X(EXIT, "exit")                                                                            \
	X(GROUP_LEADER, "group_leader")                                                            \
	X(START_CHILD, "start_child")                                                              \
	X(TERMINATE_CHILD, "terminate_child")                                                      \
	X(RESTART_CHILD, "restart_child")                                                          \
	X(DELETE_CHILD, "delete_child")                                                            \
	X(GET_CHILDSPEC, "get_childspec")                                                          \
	X(WHICH_CHILDREN, "which_children")

typedef enum fli_access_word {
#define FLI_ACCESS_ENUM(id, word) FLI_ACCESS_##id,
	FLI_ACCESS_WORDS(FLI_ACCESS_ENUM)
#undef FLI_ACCESS_ENUM
		FLI_ACCESS_WORDS_COUNT
} fli_access_word;

#define FLI_ACCESS_ALL ((1u << FLI_ACCESS_WORDS_COUNT) - 1)

typedef struct fli_access_rule {
	const char *nodes; /* a pattern */
	fli_rpc_profile profile;
	const char *allow; /* as rpc.allow; NULL: nothing more */
	uint32_t words;    /* bits by fli_access_word */
} fli_access_rule;

typedef struct fli_access {
	fli_access_rule *rules;
	size_t count;
	uint32_t words_of_others;
	uint64_t refused_functions; /* that are here, and shut for who asked */
	uint64_t refused_words;
} fli_access;

/* In place of the rules that there are; on failure these stay. */
int fli_access_set(
	fl_node *node, const fli_access_rule *rules, size_t count, uint32_t words_of_others);
void fli_access_delete(fl_node *node);
/* NULL: this node itself, or a node that no rule is for. */
const fli_access_rule *fli_access_rule_of(const fl_node *node, fl_atom sender);
/* What is refused is counted, and logged. */
bool fli_access_may(fl_node *node, fl_atom sender, fli_access_word word);
/* The text for who was refused, for 160 bytes. */
const char *fli_access_refusal(char *text, size_t size, fli_access_word word);
/* `function`: module:function/arity, as rpc.allow has them. Counted, and logged. */
void fli_access_refused_function(fl_node *node, fl_atom sender, const char *function);
const char *fli_access_word_text(fli_access_word word);
/* The bit of a word, all for "*"; 0: there is none of that name. */
uint32_t fli_access_bit(const char *word);

#endif
