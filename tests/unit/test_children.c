/* SPDX-License-Identifier: Apache-2.0 */
/* The list `children` of a configuration file. */
#include "cluster/children.h"

#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/suite.h"

static fli_children *tree;
static fl_error err;

static int read_from(fli_mem *mem, const char *text)
{
	config_t config;
	int rc = FL_EFORMAT;

	tree = NULL;
	err = (fl_error){0};
	config_init(&config);
	if (config_read_string(&config, text) == CONFIG_TRUE)
		rc = fli_children_read(
			mem, config_lookup(&config, "children"), "f.conf", &tree, &err);
	config_destroy(&config);
	return rc;
}

static void refuses(const char *text, const char *what)
{
	CU_ASSERT_EQUAL(read_from(fli_mem_libc(), text), FL_ECONFIG);
	CU_ASSERT_PTR_NULL(tree);
	if (strstr(err.what, what) == NULL)
		printf("  \"%s\" lacks \"%s\"\n", err.what, what);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, what));
}

static const char shop[] =
	"children = (\n"
	"  { behaviour = \"a\"; id = \"{x, 1}\"; args = 7; restart = \"transient\"; shutdown = 10; },\n"
	"  { id = \"s\"; strategy = \"rest_for_one\"; intensity = 0; period = 9;\n"
	"    children = ({ behaviour = \"b\"; shutdown = \"infinity\"; significant = true; },\n"
	"                { behaviour = \"c\"; shutdown = \"brutal_kill\"; name = \"n\"; }); }\n"
	");";

static void children_are_a_tree_in_order(void)
{
	const fli_child_config *c;

	CU_ASSERT_EQUAL_FATAL(read_from(fli_mem_libc(), shop), FL_OK);
	CU_ASSERT_EQUAL(tree->count, 4);
	c = tree->first;
	CU_ASSERT_STRING_EQUAL(c->behaviour, "a");
	CU_ASSERT_STRING_EQUAL(c->id, "{x, 1}");
	CU_ASSERT_STRING_EQUAL(c->args, "7");
	CU_ASSERT_EQUAL(c->child.restart, FL_TRANSIENT);
	CU_ASSERT_EQUAL(c->child.shutdown_ms, 10);
	c = c->next;
	CU_ASSERT_PTR_NULL(c->behaviour);
	CU_ASSERT_EQUAL(c->flags.strategy, FL_REST_FOR_ONE);
	CU_ASSERT_EQUAL(c->flags.intensity, FL_NO_RESTARTS);
	CU_ASSERT_EQUAL(c->flags.period_s, 9);
	CU_ASSERT_PTR_NULL(c->next);
	c = c->first;
	CU_ASSERT_EQUAL(c->child.shutdown_ms, FL_INFINITY);
	CU_ASSERT_TRUE(c->child.significant);
	CU_ASSERT_EQUAL(c->next->child.shutdown_ms, FL_BRUTAL_KILL);
	CU_ASSERT_STRING_EQUAL(c->next->name, "n");
	CU_ASSERT_TRUE(fli_children_name(tree, "c"));
	CU_ASSERT_FALSE(fli_children_name(tree, "s"));
	fli_children_unref(fli_children_ref(tree));
	fli_children_unref(tree);
}

static void what_is_wrong_is_told_with_its_line(void)
{
	refuses("children = (\n{ behavior = \"a\"; });", "f.conf:2: unknown key \"behavior\" (did");
	refuses("children = (\n\n{ behaviour = 1; });",
		"f.conf:3: this key of a child takes a text");
	refuses("children = ({ behaviour = \"a\"; restart = \"always\"; });", "\"always\"");
	refuses("children = ({ behaviour = \"a\"; shutdown = -1; });", "takes a number");
	refuses("children = ({ behaviour = \"a\"; shutdown = 4294967294L; });", "takes a number");
	refuses("children = ({ behaviour = \"a\"; shutdown = \"soon\"; });", "\"soon\"");
	refuses("children = ({ id = \"a\"; strategy = \"all\"; children = (); });", "\"all\"");
	refuses("children = ({ id = \"a\"; intensity = \"1\"; children = (); });",
		"takes a number");
	refuses("children = ({ behaviour = \"a\"; significant = 1; });", "true or false");
	refuses("children = ({ behaviour = \"a\"; args = 1.5; });", "takes a text");
	refuses("children = ({ behaviour = \"a\"; children = (); });", "not both");
	refuses("children = ({ name = \"a\"; });", "neither a behaviour nor an id");
	refuses("children = (1);", "holds groups");
	refuses("children = { behaviour = \"a\"; };", "is a list of groups");
}

static void children_are_limited_in_depth_and_number(void)
{
	static char text[1 << 18];
	size_t used = (size_t)snprintf(text, sizeof text, "children = (");

	for (int i = 0; i < FLI_CHILDREN_DEPTH_MAX; i++)
		used += (size_t)snprintf(
			text + used, sizeof text - used, "{ id = \"d\"; children = (");
	for (int i = 0; i < FLI_CHILDREN_DEPTH_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "); }");
	(void)snprintf(text + used, sizeof text - used, ");");
	refuses(text, "nested too deep");
	used = (size_t)snprintf(text, sizeof text, "children = ({ behaviour = \"a\"; }");
	for (int i = 0; i < FLI_CHILDREN_MAX; i++)
		used += (size_t)snprintf(
			text + used, sizeof text - used, ", { behaviour = \"a\"; }");
	(void)snprintf(text + used, sizeof text - used, ");");
	refuses(text, "too many children");
}

static void out_of_memory_leaves_nothing(void)
{
	bool hit = true;
	fli_fault fault;
	int rc;

	for (long n = 1; hit && n < 100; n++) {
		fli_fault_create(&fault, n);
		rc = read_from(&fault.mem, shop);
		hit = atomic_load(&fault.was_hit);
		CU_ASSERT_EQUAL(rc, hit ? FL_ENOMEM : FL_OK);
		fli_children_unref(tree);
		CU_ASSERT_EQUAL(atomic_load(&fault.live), 0);
	}
	CU_ASSERT_FALSE(hit);
}

FL_SUITE("children", FL_TEST(children_are_a_tree_in_order),
	FL_TEST(what_is_wrong_is_told_with_its_line),
	FL_TEST(children_are_limited_in_depth_and_number), FL_TEST(out_of_memory_leaves_nothing));
