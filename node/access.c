/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules by node names.
 *
 * Nothing is looked up while there are none, and for this node's own requests. With rules a look
 * costs a comparison of a pattern for each rule before the one that fits: these requests are rare.
 */
#include "node/access.h"

#include <stdio.h>
#include <string.h>

#include "node/base/glob.h"

static const char *const words[] = {
#define TEXT(id, word) word,
	FLI_ACCESS_WORDS(TEXT)
#undef TEXT
};

const char *fli_access_word_text(fli_access_word word)
{
	return words[word];
}

uint32_t fli_access_bit(const char *word)
{
	if (strcmp(word, "*") == 0)
		return FLI_ACCESS_ALL;
	for (uint32_t i = 0; i < FLI_ACCESS_WORDS_COUNT; i++)
		if (strcmp(words[i], word) == 0)
			return 1u << i;
	return 0;
}

/* ---- the rules ------------------------------------------------------------------------------- */

static char *copy(fli_mem *mem, const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = fli_alloc(mem, size);

	if (to != NULL)
		memcpy(to, text, size);
	return to;
}

static void free_rules(fli_mem *mem, fli_access_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fli_free(mem, (void *)(uintptr_t)rules[i].nodes);
		fli_free(mem, (void *)(uintptr_t)rules[i].allow);
	}
	fli_free(mem, rules);
}

static fli_access_rule *copy_rules(fli_mem *mem, const fli_access_rule *rules, size_t count)
{
	fli_access_rule *all = fli_zalloc(mem, count * sizeof *all);

	for (size_t i = 0; all != NULL && i < count; i++) {
		all[i] = rules[i];
		all[i].nodes = copy(mem, rules[i].nodes);
		all[i].allow = rules[i].allow == NULL ? NULL : copy(mem, rules[i].allow);
		if (all[i].nodes != NULL && (all[i].allow != NULL || rules[i].allow == NULL))
			continue;
		free_rules(mem, all, i + 1);
		return NULL;
	}
	return all;
}

int fli_access_set(
	fl_node *node, const fli_access_rule *rules, size_t count, uint32_t words_of_others)
{
	fli_access *access = node->access;
	fli_access_rule *all = count == 0 ? NULL : copy_rules(node->mem, rules, count);

	if (count > 0 && all == NULL)
		return FL_ENOMEM;
	if (access == NULL)
		access = node->access = fli_zalloc(node->mem, sizeof *access);
	if (access == NULL) {
		free_rules(node->mem, all, count);
		return FL_ENOMEM;
	}
	free_rules(node->mem, access->rules, access->count);
	access->rules = all;
	access->count = count;
	access->words_of_others = words_of_others;
	return FL_OK;
}

void fli_access_delete(fl_node *node)
{
	if (node->access == NULL)
		return;
	free_rules(node->mem, node->access->rules, node->access->count);
	fli_free(node->mem, node->access);
	node->access = NULL;
}

/* ---- looking --------------------------------------------------------------------------------- */

const fli_access_rule *fli_access_rule_of(const fl_node *node, fl_atom sender)
{
	const fli_access *access = node->access;

	if (access == NULL || access->count == 0 || fl_atom_eq(sender, node->name))
		return NULL;
	for (size_t i = 0; i < access->count; i++)
		if (fli_glob(access->rules[i].nodes, sender.text, sender.size))
			return &access->rules[i];
	return NULL;
}

bool fli_access_may(fl_node *node, fl_atom sender, fli_access_word word)
{
	const fli_access_rule *rule = fli_access_rule_of(node, sender);
	uint32_t open;

	if (node->access == NULL || fl_atom_eq(sender, node->name))
		return true;
	open = rule != NULL ? rule->words : node->access->words_of_others;
	if ((open >> word & 1) != 0)
		return true;
	node->access->refused_words++;
	fli_log_limited(&node->log, node->port->now_ns(node->port) / 1000000, FLI_WARNING,
		"%s was refused to %.*s, for which neither sys.allow nor `access` has it",
		words[word], (int)sender.size, sender.text);
	return false;
}

const char *fli_access_refusal(char *text, size_t size, fli_access_word word)
{
	(void)snprintf(text, size,
		"%s is not open to this caller's node on this C node (flitch); sys.allow opens it",
		words[word]);
	return text;
}

void fli_access_refused_function(fl_node *node, fl_atom sender, const char *function)
{
	const fli_access_rule *rule = fli_access_rule_of(node, sender);
	const char *why = rule != NULL ? "the rule of `access` for that node" : "rpc.allow";

	if (node->access != NULL)
		node->access->refused_functions++;
	fli_log_limited(&node->log, node->port->now_ns(node->port) / 1000000, FLI_WARNING,
		"%s was refused to %.*s: %s does not list it; to open it, add it to %s, and "
		"`flitch reload`",
		function, (int)sender.size, sender.text, why,
		rule != NULL ? "`allow` of that rule" : "that list");
}
