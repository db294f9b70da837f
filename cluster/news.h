/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_NEWS_H
#define FLI_CLUSTER_NEWS_H

/*
 * What C nodes tell each other: casts to the registered name fl_cluster, which BEAM nodes do not
 * have and so take no notice of.
 *
 *     {fl, 1, leaving, #{node => 'c1@h'}}               it stops in order: its loss is none
 *     {fl, 1, ages, #{node => 'c1@h', stamp => 3}}      the third to become a member, see
 * partition.h
 *
 *     {fl, 1, side, #{node => 'c1@h', side => ['c1@h', ..]}}     who was with it in a split that is
 * over
 *
 * A kind or key that is not known is taken no notice of, so that later versions may add some.
 *
 * Threads: the owner of the node's context. Memory: none of its own. Errors: FL_E*; what cannot be
 * sent is not told. Limits: none is needed, nothing is kept here.
 */

#include "cluster/core.h"

#define FLI_NEWS_VSN 1

/* Registers fl_cluster. */
int fli_news_open(fl_node *node);
bool fli_news_is_open(const fl_node *node);
/* To one node, or to all visible ones that are connected; `map` is the last element. */
void fli_news_tell(fl_node *node, fl_atom to, const char *kind, fl_spec map);
void fli_news_tell_all(fl_node *node, const char *kind, fl_spec map);

#endif
