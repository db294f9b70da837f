/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/args.h"

#include <string.h>

#include "tests/support/suite.h"

static const fli_flag flags[] = {
	{.name = "--sname", .value = "N", .option = "node.name", .implied = "node.name_type=short"},
	{.name = "--port", .value = "P", .option = "dist.port"},
	{.name = "--hidden", .option = "node.visible", .fixed = "false"},
	{.name = "--join", .value = "NODE", .option = "node.join"},
	{.name = "--set", .value = "K=V"},
	{.name = "--timeout", .value = "T"},
	{.name = NULL},
};

static const fli_args_spec spec = {
	.usage = "flitch test [flags] A [B]",
	.about = "Tests.",
	.tables = {flags},
	.words_min = 1,
	.words_max = 2,
};

#define PARSE(args, err, ...)                                                                      \
	fli_args_parse((args), &spec,                                                              \
		(int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)),               \
		(char *const *)(const char *[]){__VA_ARGS__}, (err))

static void flags_and_words_come_in_any_order(void)
{
	fli_args args;

	CU_ASSERT_EQUAL(PARSE(&args, NULL, "a", "--port", "9100", "b", "--hidden"), FL_OK);
	CU_ASSERT_EQUAL(args.words_count, 2);
	CU_ASSERT_STRING_EQUAL(args.words[1], "b");
	CU_ASSERT_STRING_EQUAL(fli_args_value(&args, "--port"), "9100");
	CU_ASSERT_TRUE(fli_args_has(&args, "--hidden"));
	CU_ASSERT_FALSE(fli_args_has(&args, "--join"));
}

static void values_may_follow_an_equals_sign(void)
{
	fli_args args;

	CU_ASSERT_EQUAL(
		PARSE(&args, NULL, "--set=dist.port=7", "--port=1", "--port=2", "a"), FL_OK);
	CU_ASSERT_STRING_EQUAL(fli_args_value(&args, "--set"), "dist.port=7");
	CU_ASSERT_STRING_EQUAL(fli_args_value(&args, "--port"), "2");
}

static void negative_numbers_and_what_follows_two_dashes_are_words(void)
{
	fli_args args;

	CU_ASSERT_EQUAL(PARSE(&args, NULL, "-5", "--", "--port"), FL_OK);
	CU_ASSERT_STRING_EQUAL(args.words[0], "-5");
	CU_ASSERT_STRING_EQUAL(args.words[1], "--port");
}

static void mistakes_say_what_was_meant(void)
{
	fli_args args;
	fl_error err;

	CU_ASSERT_EQUAL(PARSE(&args, &err, "a", "--prot", "1"), FL_EINVAL);
	CU_ASSERT_STRING_EQUAL(err.what, "unknown flag \"--prot\" (did you mean \"--port\"?)");
	CU_ASSERT_STRING_EQUAL(err.next, "flitch test --help lists what there is");
	CU_ASSERT_EQUAL(PARSE(&args, &err, "a", "--xyzzy"), FL_EINVAL);
	CU_ASSERT_STRING_EQUAL(err.what, "unknown flag \"--xyzzy\"");
	CU_ASSERT_STRING_EQUAL(err.why, "it is misspelt, or a flag of another command");
	CU_ASSERT_EQUAL(PARSE(&args, &err, "a", "--port"), FL_EINVAL);
	CU_ASSERT_STRING_EQUAL(err.what, "--port needs P");
	CU_ASSERT_EQUAL(PARSE(&args, &err, "a", "--hidden=1"), FL_EINVAL);
	CU_ASSERT_EQUAL(PARSE(&args, &err, "--hidden"), FL_EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "too few arguments"));
	CU_ASSERT_EQUAL(PARSE(&args, &err, "a", "b", "c"), FL_EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "\"c\" is one argument too many"));
	CU_ASSERT_EQUAL(PARSE(&args, &err, "--help"), FL_OK);
}

static void flags_become_options_with_their_name_as_origin(void)
{
	fl_options *o = fl_options_new();
	fli_args args;
	fl_error err;

	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x", "--sname", "calc", "--join", "a@h", "--join", "b@h",
				"--set", "dist.port=7", "--hidden"),
		FL_OK);
	CU_ASSERT_EQUAL(fli_args_apply(&args, o, &err), FL_OK);
	CU_ASSERT_STRING_EQUAL(fli_options_text(o, FLI_KEY_NODE_NAME), "calc");
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_NODE_NAME_TYPE), FLI_NAME_TYPE_SHORT);
	CU_ASSERT_STRING_EQUAL(fli_options_origin(o, FLI_KEY_NODE_NAME), "--sname");
	CU_ASSERT_EQUAL(fli_options_count(o, FLI_KEY_NODE_JOIN), 2);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_PORT), 7);
	CU_ASSERT_STRING_EQUAL(fli_options_origin(o, FLI_KEY_DIST_PORT), "--set");
	CU_ASSERT_FALSE(fli_options_bool(o, FLI_KEY_NODE_VISIBLE));
	fl_options_delete(o);
}

static void a_bad_pair_or_value_is_a_configuration_error(void)
{
	fl_options *o = fl_options_new();
	fli_args args;
	fl_error err;

	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x", "--set", "dist.prot=7"), FL_OK);
	CU_ASSERT_EQUAL(fli_args_apply(&args, o, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "did you mean \"dist.port\"?"));
	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x", "--set", "nothing"), FL_OK);
	CU_ASSERT_EQUAL(fli_args_apply(&args, o, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x", "--port", "many"), FL_OK);
	CU_ASSERT_EQUAL(fli_args_apply(&args, o, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "--port: \"many\" is no value for dist.port"));
	fl_options_delete(o);
}

static void times_are_read_with_units(void)
{
	fli_args args;
	int64_t ms;

	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x", "--timeout", "2s"), FL_OK);
	CU_ASSERT_EQUAL(fli_args_time(&args, "--timeout", 5, &ms, NULL), FL_OK);
	CU_ASSERT_EQUAL(ms, 2000);
	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x"), FL_OK);
	CU_ASSERT_EQUAL(fli_args_time(&args, "--timeout", 5, &ms, NULL), FL_OK);
	CU_ASSERT_EQUAL(ms, 5);
	CU_ASSERT_EQUAL(PARSE(&args, NULL, "x", "--timeout", "soon"), FL_OK);
	CU_ASSERT_EQUAL(fli_args_time(&args, "--timeout", 5, &ms, NULL), FL_EINVAL);
}

FL_SUITE("args", FL_TEST(flags_and_words_come_in_any_order),
	FL_TEST(values_may_follow_an_equals_sign),
	FL_TEST(negative_numbers_and_what_follows_two_dashes_are_words),
	FL_TEST(mistakes_say_what_was_meant),
	FL_TEST(flags_become_options_with_their_name_as_origin),
	FL_TEST(a_bad_pair_or_value_is_a_configuration_error), FL_TEST(times_are_read_with_units));
