/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match specifications, made from clauses.
 *
 * ets:match(T, P) is [{P, [], ['$$']}], ets:match_object(T, P) is [{P, [], ['$_']}].
 */
#include "node/mspec.h"

#include <string.h>

#include "node/term/tag.h"

static const uint8_t all_body[] = {
	FLI_LIST_EXT, 0, 0, 0, 1, FLI_SMALL_ATOM_UTF8_EXT, 2, '$', '$', FLI_NIL_EXT};
static const uint8_t object_body[] = {
	FLI_LIST_EXT, 0, 0, 0, 1, FLI_SMALL_ATOM_UTF8_EXT, 2, '$', '_', FLI_NIL_EXT};
static const uint8_t no_guards[] = {FLI_NIL_EXT};

static int add_clause(fli_mspec *spec, fl_term head, fl_term guards, fl_term body)
{
	fli_mclause *clause = &spec->clauses[spec->clauses_count++];
	int rc;

	clause->head = head;
	rc = fli_mspec_head(spec, clause);
	return rc == FL_OK ? fli_mspec_body(spec, clause, guards, body) : rc;
}

static int add_clauses(fli_mspec *spec, fl_term list)
{
	fl_term clause, head, guards, body;
	int rc = FL_OK;

	while (rc == FL_OK && fl_list_next(&list, &clause)) {
		if (!fl_match(clause, "{~, ~, ~}", &head, &guards, &body))
			return FL_EINVAL;
		rc = add_clause(spec, head, guards, body);
	}
	return rc == FL_OK && fl_term_kind(list) != FL_NIL ? FL_EINVAL : rc;
}

static int add_pattern(fli_mspec *spec, fl_table_query query, fl_term pattern)
{
	bool is_match = query == FL_MATCH;
	fl_term body = {.data = is_match ? all_body : object_body,
		.size = is_match ? sizeof all_body : sizeof object_body};

	return add_clause(
		spec, pattern, (fl_term){.data = no_guards, .size = sizeof no_guards}, body);
}

static size_t count_clauses(fl_table_query query, fl_term term)
{
	fl_term element;
	size_t count = 0;

	if (query != FL_SELECT)
		return 1;
	while (count <= FLI_MSPEC_NODES_MAX && fl_list_next(&term, &element))
		count++;
	return count;
}

static fli_mspec *make(fli_mem *mem, size_t clauses, uint32_t limit)
{
	fli_mspec *spec = fli_zalloc(mem, sizeof *spec);

	if (spec == NULL)
		return NULL;
	spec->mem = mem;
	spec->limit = limit;
	spec->clauses = fli_zalloc(mem, (clauses + 1) * sizeof *spec->clauses);
	spec->nodes = fli_alloc(mem, limit * sizeof *spec->nodes);
	spec->ops = fli_alloc(mem, limit * sizeof *spec->ops);
	if (spec->clauses != NULL && spec->nodes != NULL && spec->ops != NULL)
		return spec;
	fli_mspec_delete(spec);
	return NULL;
}

int fli_mspec_compile(fli_mem *mem, fl_table_query query, fl_term term, fli_mspec **ret_spec)
{
	size_t clauses = count_clauses(query, term);
	/* A term of so many bytes has no more parts; each makes at most two instructions. */
	uint32_t limit = term.size < FLI_MSPEC_NODES_MAX / 2 - 8 ? (uint32_t)term.size * 2 + 16
								 : FLI_MSPEC_NODES_MAX;
	fli_mspec *spec;
	int rc;

	if (clauses > FLI_MSPEC_NODES_MAX)
		return FL_ELIMIT;
	spec = make(mem, clauses, limit);
	if (spec == NULL)
		return FL_ENOMEM;
	rc = query == FL_SELECT ? add_clauses(spec, term) : add_pattern(spec, query, term);
	if (rc == FL_OK)
		*ret_spec = spec;
	else
		fli_mspec_delete(spec);
	return rc;
}

void fli_mspec_delete(fli_mspec *spec)
{
	if (spec == NULL)
		return;
	fli_free(spec->mem, spec->clauses);
	fli_free(spec->mem, spec->nodes);
	fli_free(spec->mem, spec->ops);
	fli_free(spec->mem, spec);
}
