/* SPDX-License-Identifier: Apache-2.0 */
/* What is a node's name, and what a person is told when something is not. */
#include <string.h>

#include "dist/node_name.h"
#include "tests/support/suite.h"

static fli_name_fault inspect(const char *text)
{
	return fli_node_name_inspect(text, strlen(text), NULL);
}

static fli_node_name name_of(const char *text)
{
	fli_node_name name = {0};

	CU_ASSERT_EQUAL(fli_node_name_parse(&name, text, strlen(text), NULL), FL_OK);
	return name;
}

static void name_is_cut_at_its_at_sign(void)
{
	fli_node_name name = name_of("app1@10.0.0.5");

	CU_ASSERT_EQUAL(name.size, 13);
	CU_ASSERT_EQUAL(name.alive_size, 4);
	CU_ASSERT_STRING_EQUAL(name.text, "app1@10.0.0.5");
	CU_ASSERT_STRING_EQUAL(fli_node_name_host(&name), "10.0.0.5");
}

static void each_fault_has_its_name(void)
{
	CU_ASSERT_EQUAL(inspect(""), FLI_NAME_EMPTY);
	CU_ASSERT_EQUAL(inspect("app"), FLI_NAME_NO_AT);
	CU_ASSERT_EQUAL(inspect("a@b@c"), FLI_NAME_TWO_ATS);
	CU_ASSERT_EQUAL(inspect("@h"), FLI_NAME_NO_ALIVE);
	CU_ASSERT_EQUAL(inspect("a@"), FLI_NAME_NO_HOST);
	CU_ASSERT_EQUAL(inspect("@"), FLI_NAME_NO_ALIVE);
	CU_ASSERT_EQUAL(inspect("a b@h"), FLI_NAME_ALIVE_CHAR);
	CU_ASSERT_EQUAL(inspect("a.b@h"), FLI_NAME_ALIVE_CHAR);
	CU_ASSERT_EQUAL(inspect("\xc3\xa9@h"), FLI_NAME_ALIVE_CHAR);
	CU_ASSERT_EQUAL(inspect("a@h x"), FLI_NAME_HOST_CHAR);
	CU_ASSERT_EQUAL(inspect("a@h\xc3\xa9"), FLI_NAME_HOST_CHAR);
	CU_ASSERT_EQUAL(inspect("A-z_09@[::1]"), FLI_NAME_OK);
	CU_ASSERT_EQUAL(fli_node_name_inspect("a@h\0x", 5, NULL), FLI_NAME_HOST_CHAR);
}

static void length_ends_at_255(void)
{
	char text[257];
	fli_node_name name;

	memset(text, 'a', sizeof text);
	text[1] = '@';
	CU_ASSERT_EQUAL(fli_node_name_inspect(text, 255, &name), FLI_NAME_OK);
	CU_ASSERT_EQUAL(strlen(name.text), 255);
	CU_ASSERT_EQUAL(fli_node_name_inspect(text, 256, &name), FLI_NAME_TOO_LONG);
}

static void failure_leaves_the_result_alone(void)
{
	fli_node_name name = name_of("a@b");

	CU_ASSERT_EQUAL(fli_node_name_parse(&name, "zzz", 3, NULL), FL_EINVAL);
	CU_ASSERT_STRING_EQUAL(name.text, "a@b");
}

static void people_get_a_sentence(void)
{
	fl_error err = {0};
	fli_node_name name;

	(void)fli_node_name_parse(&name, "app", 3, &err);
	CU_ASSERT_EQUAL(err.code, FL_EINVAL);
	CU_ASSERT_STRING_EQUAL(err.what, "the node name \"app\" has no '@'");
	CU_ASSERT_STRING_EQUAL(err.next, "write it with its host, such as \"app@127.0.0.1\"");
	(void)fli_node_name_parse(&name, "a\033[m@h", 6, &err);
	CU_ASSERT(strchr(err.what, '\033') == NULL);
}

static void join_makes_a_name_or_refuses(void)
{
	char host[300];
	fli_node_name name;

	CU_ASSERT_EQUAL(fli_node_name_join(&name, "x", "h", NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(name.text, "x@h");
	CU_ASSERT_EQUAL(fli_node_name_join(&name, "x@y", "h", NULL), FL_EINVAL);
	memset(host, 'h', sizeof host - 1);
	host[sizeof host - 1] = '\0';
	CU_ASSERT_EQUAL(fli_node_name_join(&name, "x", host, NULL), FL_EINVAL);
}

static void bare_host_has_no_at(void)
{
	fli_node_name name;

	CU_ASSERT_EQUAL(fli_node_name_inspect_host("10.0.0.5", 8, &name), FLI_NAME_OK);
	CU_ASSERT_EQUAL(name.alive_size, 0);
	CU_ASSERT_STRING_EQUAL(fli_node_name_host(&name), "10.0.0.5");
	CU_ASSERT_EQUAL(fli_node_name_inspect_host("a@b", 3, &name), FLI_NAME_HOST_CHAR);
	CU_ASSERT_EQUAL(fli_node_name_inspect_host("", 0, &name), FLI_NAME_EMPTY);
}

static void order_is_that_of_the_text(void)
{
	fli_node_name a = name_of("n2525@h"), b = name_of("n25@h");

	CU_ASSERT(fli_node_name_compare(&a, &b) < 0); /* '2' is less than '@' */
	CU_ASSERT(fli_node_name_compare(&b, &a) > 0);
	CU_ASSERT(fli_node_name_compare(&a, &a) == 0);
	CU_ASSERT(!fli_node_name_eq(&a, &b));
	CU_ASSERT(fli_node_name_eq(&a, &a));
}

static void form_follows_the_host(void)
{
	fli_node_name s = name_of("a@box"), l = name_of("a@box.lan"), six = name_of("a@::1");

	CU_ASSERT_EQUAL(fli_node_name_form(&s), FLI_NAME_SHORT);
	CU_ASSERT_EQUAL(fli_node_name_form(&l), FLI_NAME_LONG);
	CU_ASSERT_EQUAL(fli_node_name_form(&six), FLI_NAME_LONG);
	CU_ASSERT_EQUAL(fli_node_name_check_form(&s, FLI_NAME_SHORT, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_node_name_check_form(&s, FLI_NAME_LONG, NULL), FL_EINVAL);
	CU_ASSERT_EQUAL(fli_node_name_check_form(&l, FLI_NAME_SHORT, NULL), FL_EINVAL);
	CU_ASSERT_EQUAL(fli_node_name_check_form(&six, FLI_NAME_LONG, NULL), FL_OK);
}

static void short_and_long_names_do_not_dial(void)
{
	fli_node_name s = name_of("a@box"), l = name_of("b@box.lan");
	fl_error err = {0};

	CU_ASSERT_EQUAL(fli_node_name_check_dial(&s, &s, &err), FL_OK);
	CU_ASSERT_EQUAL(fli_node_name_check_dial(&s, &l, &err), FL_EINVAL);
	CU_ASSERT_STRING_EQUAL(err.what, "a@box has a short name, b@box.lan a long one");
	CU_ASSERT(err.why[0] != '\0' && err.next[0] != '\0');
}

FL_SUITE("node_name", FL_TEST(name_is_cut_at_its_at_sign), FL_TEST(each_fault_has_its_name),
	FL_TEST(length_ends_at_255), FL_TEST(failure_leaves_the_result_alone),
	FL_TEST(people_get_a_sentence), FL_TEST(join_makes_a_name_or_refuses),
	FL_TEST(bare_host_has_no_at), FL_TEST(order_is_that_of_the_text),
	FL_TEST(form_follows_the_host), FL_TEST(short_and_long_names_do_not_dial));
