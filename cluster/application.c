/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application of a configuration: its children started in order under the node's supervisor,
 * and ended with it, the last one first.
 *
 *     flitch_sup --- flitch_services, pg, ...      the node's own
 *         |------- what --load starts by itself    not named in `children`
 *         |------- stock
 *         `------- shop --- orders                 a group with `children` is a supervisor
 *
 * Failure: a behaviour that no loaded file has, or an init that stops, is told with its line.
 */
#include <string.h>

#include "cluster/node.h"
#include "cluster/suggest.h"
#include "node/behaviours.h"
#include "node/supervisor.h"

/* A supervisor that only the configuration has. */
struct fli_application {
	fli_application *next;
	fl_behaviour behaviour;
	fl_supervisor flags;
	fl_child table[]; /* ends in one without a behaviour */
};

typedef struct builder {
	fli_member *member;
	const fli_children *tree;
	fl_error *err;
} builder;

static int unknown_behaviour(const builder *b, const fli_child_config *c)
{
	fl_error_set(b->err, FL_ECONFIG, "%s:%u: unknown behaviour \"%s\"", b->tree->file, c->line,
		c->behaviour);
	fl_error_why(b->err, "none of the loaded files has one of that name");
	fl_error_next(b->err, "load it: --load FILE.so, or node = { load = (\"FILE.so\"); };");
	return FL_ECONFIG;
}

static size_t count_children(const fli_child_config *c)
{
	size_t count = 0;

	for (; c != NULL; c = c->next)
		count++;
	return count;
}

static int build_supervisor(
	const builder *b, const fli_child_config *c, const fl_behaviour **ret_behaviour);

static int build_child(const builder *b, const fli_child_config *c, fl_child *ret_child)
{
	const fl_behaviour *behaviour = NULL;
	int rc = FL_OK;

	if (c->behaviour == NULL)
		rc = build_supervisor(b, c, &behaviour);
	else
		behaviour = fli_behaviour_find(b->member->core.node, fl_atom_of(c->behaviour));
	if (rc == FL_OK && behaviour == NULL)
		rc = unknown_behaviour(b, c);
	if (rc != FL_OK)
		return rc;
	*ret_child = c->child;
	ret_child->behaviour = behaviour;
	ret_child->id = c->id;
	ret_child->args = c->args;
	ret_child->name = c->name;
	return FL_OK;
}

/* As deep as the configuration, which is limited. */
static int build_supervisor(
	const builder *b, const fli_child_config *c, const fl_behaviour **ret_behaviour)
{
	size_t count = count_children(c->first);
	fli_application *own =
		fli_zalloc(b->member->mem, sizeof *own + (count + 1) * sizeof *own->table);
	int rc = FL_OK;

	if (own == NULL)
		return fl_error_set(b->err, FL_ENOMEM, "out of memory");
	own->next = b->member->application;
	b->member->application = own;
	own->flags = c->flags;
	own->flags.children = own->table;
	own->behaviour = (fl_behaviour){.name = c->id, .supervisor = &own->flags};
	c = c->first;
	for (size_t i = 0; rc == FL_OK && c != NULL; c = c->next)
		rc = build_child(b, c, &own->table[i++]);
	*ret_behaviour = &own->behaviour;
	return rc;
}

static int start(const builder *b, const fli_child_config *c)
{
	fl_buf args = FL_BUF_INIT;
	const char *text = c->args == NULL ? "[]" : c->args;
	fl_child child;
	int rc = build_child(b, c, &child);

	if (rc != FL_OK)
		return rc;
	rc = fl_read(&args, text, strlen(text), b->err);
	if (rc == FL_OK)
		rc = fli_supervisor_start_spec(
			b->member->core.node, &child, fl_buf_term(&args), b->err);
	fl_buf_free(&args);
	if (rc != FL_OK)
		fl_error_wrap(b->err, "%s:%u", b->tree->file, c->line);
	return rc;
}

int fli_application_start(fli_member *member, fl_error *err)
{
	builder b = {member, member->children, err};
	const fli_child_config *c = b.tree == NULL ? NULL : b.tree->first;
	int rc = FL_OK;

	for (; rc == FL_OK && c != NULL; c = c->next)
		rc = start(&b, c);
	return rc;
}

void fli_application_delete(fli_member *member)
{
	fli_application *own;

	while ((own = member->application) != NULL) {
		member->application = own->next;
		fli_free(member->mem, own);
	}
	fli_children_unref(member->children);
	member->children = NULL;
}
