/* SPDX-License-Identifier: Apache-2.0 */
#include "node/docs.h"

#include "node/natives.h"
#include "node/sched.h"

struct fli_docs {
	fli_docs *next;
	const fl_doc *docs;
};

int fl_node_document(fl_node *node, const fl_doc *docs)
{
	fli_docs *entry;

	fli_enter(node);
	entry = fli_zalloc(node->mem, sizeof *entry);
	if (entry != NULL) {
		entry->docs = docs;
		entry->next = node->docs;
		node->docs = entry;
	}
	fli_leave(node);
	return entry != NULL ? FL_OK : FL_ENOMEM;
}

void fli_docs_delete(fl_node *node)
{
	fli_docs *entry;

	while ((entry = node->docs) != NULL) {
		node->docs = entry->next;
		fli_free(node->mem, entry);
	}
}

void fli_docs_build(fl_buf *buf, const fl_doc *docs)
{
	for (; docs->of != NULL; docs++) {
		const char *text = docs->text != NULL ? docs->text : "";

		if (docs->spec != NULL)
			(void)fl_build(buf, "{~, ~, ~}", docs->of, docs->spec, text);
		else
			(void)fl_build(buf, "{~, undefined, ~}", docs->of, text);
	}
}

void fli_docs_build_export(fl_buf *buf, const fl_export *export)
{
	(void)fl_build(buf, "{~, ~, ~}", export->module, export->function, export->arity);
}

static int describe(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fl_export *export;
	size_t cursor = 0;

	(void)args; /* there are none */
	fli_enter(node);
	fl_tuple_open(result);
	(void)fl_build(result, "1");
	fl_list_open(result);
	for (const fli_docs *entry = node->docs; entry != NULL; entry = entry->next)
		fli_docs_build(result, entry->docs);
	fl_list_close(result);
	fl_list_open(result);
	while ((export = fli_exports_next(node, &cursor)) != NULL)
		fli_docs_build_export(result, export);
	fl_list_close(result);
	fl_tuple_close(result);
	fli_leave(node);
	return result->error;
}

static const fl_export exports[] = {{"flitch", "describe", 0, describe}};

int fli_natives_docs(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
