/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_ACCESS_OPTIONS_H
#define FLI_CLUSTER_ACCESS_OPTIONS_H

/*
 * What other nodes may ask: the keys rpc.* and sys.allow, and the list `access` of rules for some.
 *
 *     access = ({ nodes = "ops@*"; rpc = "default"; allow = ["init:stop/0"]; sys = ["*"]; },
 *               { nodes = "*"; rpc = "strict"; });
 *
 * Threads: as options.h. Memory: the list owns its texts. Errors: FL_ECONFIG with a text for
 * people, FL_ENOMEM. Limits: FLI_ACCESS_RULES_MAX.
 */

#include "cluster/options.h"
#include "node/access.h"

#define FLI_ACCESS_RULES_MAX 1024

struct config_setting_t;

typedef struct fli_access_list {
	fli_mem *mem;
	fli_access_rule *rules;
	size_t count;
} fli_access_list;

/* Reads `access` of a file. */
int fli_access_list_read(fli_mem *mem, const struct config_setting_t *list, const char *path,
	fli_access_list **ret_list, fl_error *err);
void fli_access_list_delete(fli_access_list *list); /* NULL is fine */
/* Whether rpc.allow and sys.allow can be read. */
int fli_access_check_options(const fl_options *options, fl_error *err);
/* Gives a node all of this, in place of what it had. The owner of the context. */
int fli_access_apply(fl_node *node, const fl_options *options, fl_error *err);

#endif
