/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DOCS_H
#define FLI_DOCS_H

/*
 * What is documented of a node: the arrays that its modules and its program brought. Answered to
 * anybody by flitch:describe/0 as
 *
 *     {1, [{Of, Spec | undefined, Text}], [{Module, Function, Arity}]}      texts are binaries
 *
 * with the functions that users have exported, documented or not.
 *
 * Threads: the owner of the node's context. Memory: the arrays are borrowed. Errors: FL_ENOMEM.
 * Limits: none but memory; a peer cannot add one.
 */

#include "flitch/node.h"
#include "node/runtime.h"

typedef struct fli_docs fli_docs;

void fli_docs_delete(fl_node *node);
/* Appends {Of, Spec, Text} of each. */
void fli_docs_build(fl_buf *buf, const fl_doc *docs);
/* Appends {Module, Function, Arity}. */
void fli_docs_build_export(fl_buf *buf, const fl_export *export);
int fli_natives_docs(fl_node *node);

#endif
