/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_PARTITION_OPTIONS_H
#define FLI_CLUSTER_PARTITION_OPTIONS_H

/*
 * The keys of partition.*: whether they fit together, and what they tell the policy.
 *
 * Threads: as options.h. Memory: what is told borrows from the options. Errors: FL_ECONFIG with a
 * text that says where the value came from.
 */

#include "cluster/options.h"
#include "dist/partition.h"

/* There is a policy other than ignore. */
bool fli_partition_is_on(const fl_options *options);
int fli_partition_check(const fl_options *options, fl_error *err);
/* How conflicts about global names are settled and counted. FL_ENOMEM. */
int fli_heal_apply(fl_node *node, const fl_options *options);
/* After a split the servers of all but the largest side are started anew. */
bool fli_heal_restarts(const fl_options *options);
int fli_heal_check(const fl_options *options, fl_error *err);
/* partition.pause_reply; see partition_gates.c. */
int fli_partition_check_reply(const fl_options *options, fl_error *err);
/* A node of that name can follow the policy. */
int fli_partition_check_own(const fl_options *options, const fli_node_name *own, fl_error *err);
/* Of options that were checked. */
fli_partition_config fli_partition_tell(const fl_options *options);
fli_partition_times fli_partition_tell_times(const fl_options *options);
uint32_t fli_partition_tell_minimum(const fl_options *options);
const char *fli_partition_views_word(fli_partition_views views);
/* The policy's own word. */
const char *fli_partition_policy_word(fli_partition_policy policy);

#endif
