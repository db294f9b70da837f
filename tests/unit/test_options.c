/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/suggest.h"
#include "tests/support/suite.h"

static const fli_source from_set = {FLI_RANK_SET, "--set"};
static const fli_source from_flag = {FLI_RANK_FLAG, "--flag"};

/* A file with that content; the caller removes it. */
static void write_file(char path[32], const char *content)
{
	int fd;
	size_t size = strlen(content);

	strcpy(path, "/tmp/fl_options_XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, content, size), (ssize_t)size);
	(void)close(fd);
}

/* Loads the content; `ret_err` says what happened. */
static int load(fl_options *options, const char *content, fl_error *ret_err)
{
	char path[32];
	int rc;

	*ret_err = (fl_error){0};
	write_file(path, content);
	rc = fl_options_load(options, path, ret_err);
	(void)unlink(path);
	return rc;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

#define ASSERT_HAS(text, part)                                                                     \
	do {                                                                                       \
		if (strstr((text), (part)) == NULL)                                                \
			printf("  \"%s\" lacks \"%s\"\n", (text), (part));                         \
		CU_ASSERT(strstr((text), (part)) != NULL);                                         \
	} while (0)

static void defaults_are_those_of_the_table(void)
{
	fl_options *o = fl_options_new();

	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_TICKTIME), 60);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_SETUP_TIME), 7000);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_LIMITS_FRAME), 256LL << 20);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_EPMD), FLI_EPMD_MODE_AUTO);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_LOG_LEVEL), 5);
	CU_ASSERT_TRUE(fli_options_bool(o, FLI_KEY_NODE_VISIBLE));
	CU_ASSERT_STRING_EQUAL(fli_options_text(o, FLI_KEY_DIST_LISTEN), "127.0.0.1");
	CU_ASSERT_EQUAL(fli_options_count(o, FLI_KEY_NODE_JOIN), 0);
	CU_ASSERT_STRING_EQUAL(fli_options_origin(o, FLI_KEY_DIST_PORT), "default");
	CU_ASSERT_STRING_EQUAL(fl_options_get(o, "dist.ticktime"), "60");
	CU_ASSERT_PTR_NULL(fl_options_get(o, "dist.nonsense"));
	CU_ASSERT_EQUAL(fli_options_check(o, NULL), FL_OK);
	fl_options_delete(o);
}

static void higher_rank_wins_in_any_order(void)
{
	fl_options *o = fl_options_new();
	char *environment[] = {(char *)"FLITCH_DIST_PORT=2", NULL};
	fl_error err;

	CU_ASSERT_EQUAL(fli_options_put(o, FLI_KEY_DIST_PORT, "4", from_flag, &err), FL_OK);
	CU_ASSERT_EQUAL(fl_options_set(o, "dist.port", "3", "--set", &err), FL_OK);
	CU_ASSERT_EQUAL(load(o, "dist = { port = 1; ticktime = 8; };", &err), FL_OK);
	CU_ASSERT_EQUAL(fli_options_environment(o, environment, &err), FL_OK);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_PORT), 4);
	CU_ASSERT_STRING_EQUAL(fli_options_origin(o, FLI_KEY_DIST_PORT), "--flag");
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_TICKTIME), 8);
	CU_ASSERT(ends_with(fli_options_origin(o, FLI_KEY_DIST_TICKTIME), ":1"));
	fl_options_delete(o);
}

static void environment_beats_file_and_set_beats_environment(void)
{
	fl_options *o = fl_options_new();
	char *environment[] = {(char *)"FLITCH_DIST_PORT=2", (char *)"FLITCH_LOG_FORMAT=json",
		(char *)"FLITCH_CACHE=/somewhere", (char *)"FLITCH_LOG_LEVEL=", NULL};
	fl_error err;

	CU_ASSERT_EQUAL(fli_options_environment(o, environment, &err), FL_OK);
	CU_ASSERT_EQUAL(
		load(o, "dist = { port = 1; }; log = { format = \"text\"; };", &err), FL_OK);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_PORT), 2);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_LOG_FORMAT), FLI_LOG_JSON);
	CU_ASSERT_FALSE(fli_options_is_set(o, FLI_KEY_LOG_LEVEL));
	CU_ASSERT_EQUAL(fl_options_set(o, "dist.port", "3", "--set", &err), FL_OK);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_PORT), 3);
	fl_options_delete(o);
}

static void the_own_environment_is_read_on_request(void)
{
	fl_options *o = fl_options_new();
	fl_error err = {0};

	CU_ASSERT_EQUAL(setenv("ERL_EPMD_PORT", "5001", 1), 0);
	CU_ASSERT_STRING_EQUAL(fl_options_get(o, "epmd.port"), "4369");
	CU_ASSERT_EQUAL(fl_options_environment(o, &err), FL_OK);
	CU_ASSERT_STRING_EQUAL(fl_options_get(o, "epmd.port"), "5001");
	CU_ASSERT_EQUAL(fl_options_set(o, "epmd.port", "5002", "main", &err), FL_OK);
	CU_ASSERT_EQUAL(fl_options_environment(o, &err), FL_OK);
	CU_ASSERT_STRING_EQUAL(fl_options_get(o, "epmd.port"), "5002");
	CU_ASSERT_EQUAL(setenv("ERL_EPMD_PORT", "none", 1), 0);
	CU_ASSERT_EQUAL(fl_options_environment(o, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(unsetenv("ERL_EPMD_PORT"), 0);
	fl_options_delete(o);
}

static void environment_of_a_release_is_honoured_below_our_own(void)
{
	fl_options *o = fl_options_new();
	char *environment[] = {(char *)"FLITCH_NODE_NAME=mine@h", (char *)"RELEASE_NODE=theirs@h.x",
		(char *)"RELEASE_COOKIE=abc", (char *)"RELEASE_DISTRIBUTION=name",
		(char *)"ERL_EPMD_PORT=5000", (char *)"ERL_EPMD_ADDRESS=127.0.0.2", NULL};

	CU_ASSERT_EQUAL(fli_options_environment(o, environment, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(fli_options_text(o, FLI_KEY_NODE_NAME), "mine@h");
	CU_ASSERT_STRING_EQUAL(fli_options_text(o, FLI_KEY_NODE_COOKIE), "abc");
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_NODE_NAME_TYPE), FLI_NAME_TYPE_LONG);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_EPMD_PORT), 5000);
	CU_ASSERT_STRING_EQUAL(fli_options_text(o, FLI_KEY_EPMD_ADDRESS), "127.0.0.2");
	fl_options_delete(o);
}

static void unknown_key_names_file_line_and_the_nearest(void)
{
	fl_options *o = fl_options_new();
	fl_error err;

	CU_ASSERT_EQUAL(load(o, "\ndist = {\n  tiktime = 60;\n};\n", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, ":3: unknown key \"dist.tiktime\" (did you mean \"dist.ticktime\"?)");
	CU_ASSERT_EQUAL(load(o, "zzz = 1;", &err), FL_ECONFIG);
	CU_ASSERT(ends_with(err.what, ":1: unknown key \"zzz\""));
	CU_ASSERT_EQUAL(fl_options_set(o, "log.levle", "debug", "--set", &err), FL_ECONFIG);
	CU_ASSERT_STRING_EQUAL(
		err.what, "--set: unknown key \"log.levle\" (did you mean \"log.level\"?)");
	fl_options_delete(o);
}

static void wrong_values_name_file_line_and_what_would_do(void)
{
	fl_options *o = fl_options_new();
	fl_error err;

	CU_ASSERT_EQUAL(load(o, "dist = { port = 70000; };", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, ":1: 70000 is out of range for dist.port: 0 to 65535");
	CU_ASSERT_EQUAL(load(o, "dist = {\n port = \"many\"; };", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, ":2: \"many\" is no value for dist.port, which takes a whole number");
	CU_ASSERT_EQUAL(load(o, "dist = { epmd = \"maybe\"; };", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, "takes auto|on|off|embedded");
	CU_ASSERT_EQUAL(load(o, "node = { visible = \"perhaps\"; };", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, "takes true or false");
	CU_ASSERT_EQUAL(load(o, "dist = { ticktime = [1, 2]; };", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, "takes one value, not a list");
	CU_ASSERT_EQUAL(load(o, "dist = { ticktime = 1.5; };", &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(load(o, "dist = { ticktime = ; };", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, ":1: ");
	CU_ASSERT_EQUAL(fl_options_load(o, "/nonexistent/flitch.conf", &err), FL_ECONFIG);
	ASSERT_HAS(err.what, "cannot read /nonexistent/flitch.conf: No such file");
	CU_ASSERT_EQUAL(fl_options_load(o, "/tmp", &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(fli_options_int(o, FLI_KEY_DIST_TICKTIME), 60);
	fl_options_delete(o);
}

static void sizes_and_times_take_units(void)
{
	fl_options *o = fl_options_new();
	static const struct {
		fli_key key;
		const char *text;
		long long number;
	} rows[] = {
		{FLI_KEY_LIMITS_FRAME, "65536", 65536},
		{FLI_KEY_LIMITS_FRAME, "64KiB", 65536},
		{FLI_KEY_LIMITS_FRAME, "1G", 1LL << 30},
		{FLI_KEY_DIST_SETUP_TIME, "250ms", 250},
		{FLI_KEY_DIST_SETUP_TIME, "2s", 2000},
		{FLI_KEY_DIST_SETUP_TIME, "1m", 60000},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CU_ASSERT_EQUAL(
			fli_options_put(o, rows[i].key, rows[i].text, from_set, NULL), FL_OK);
		CU_ASSERT_EQUAL(fli_options_int(o, rows[i].key), rows[i].number);
	}
	CU_ASSERT_EQUAL(
		fli_options_put(o, FLI_KEY_LIMITS_FRAME, "9223372036854775807G", from_set, NULL),
		FL_ECONFIG);
	CU_ASSERT_EQUAL(fli_options_put(o, FLI_KEY_LIMITS_FRAME, "-1", from_set, NULL), FL_ECONFIG);
	CU_ASSERT_EQUAL(fli_options_put(o, FLI_KEY_LIMITS_FRAME, "", from_set, NULL), FL_ECONFIG);
	CU_ASSERT_EQUAL(
		fli_options_put(o, FLI_KEY_LIMITS_FRAME, "64 KiB", from_set, NULL), FL_ECONFIG);
	fl_options_delete(o);
}

static void lists_come_from_arrays_texts_and_repeated_flags(void)
{
	fl_options *o = fl_options_new();
	fl_error err;

	CU_ASSERT_EQUAL(load(o, "node = { join = [\"a@h\", \"b@h\"]; };", &err), FL_OK);
	CU_ASSERT_EQUAL(fli_options_count(o, FLI_KEY_NODE_JOIN), 2);
	CU_ASSERT_STRING_EQUAL(fli_options_item(o, FLI_KEY_NODE_JOIN, 1), "b@h");
	CU_ASSERT_EQUAL(fl_options_set(o, "node.join", " c@h , ,d@h", "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_options_count(o, FLI_KEY_NODE_JOIN), 2);
	CU_ASSERT_STRING_EQUAL(fli_options_item(o, FLI_KEY_NODE_JOIN, 0), "c@h");
	CU_ASSERT_EQUAL(fli_options_append(o, FLI_KEY_NODE_JOIN, "e@h", from_flag, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_options_append(o, FLI_KEY_NODE_JOIN, "f@h", from_flag, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_options_count(o, FLI_KEY_NODE_JOIN), 2);
	CU_ASSERT_STRING_EQUAL(fli_options_item(o, FLI_KEY_NODE_JOIN, 0), "e@h");
	CU_ASSERT_STRING_EQUAL(fli_options_item(o, FLI_KEY_NODE_JOIN, 1), "f@h");
	CU_ASSERT_EQUAL(load(o, "node = { load = [\"a,b\"]; };", &err), FL_ECONFIG);
	fl_options_delete(o);
}

static void peers_are_a_list_of_groups(void)
{
	fl_options *o = fl_options_new();
	const fli_peer_config *peer;
	fl_error err;

	CU_ASSERT_EQUAL(load(o,
				"peers = ({ name = \"app1@h\"; address = \"10.0.0.5:9100\"; },\n"
				" { name = \"app2@h\"; cookie_file = \"/c\"; });",
				&err),
		FL_OK);
	CU_ASSERT_EQUAL(fli_options_peers_count(o), 2);
	peer = fli_options_peer_of(o, "app1@h");
	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	CU_ASSERT_STRING_EQUAL(peer->address, "10.0.0.5:9100");
	CU_ASSERT_STRING_EQUAL(peer->cookie_file, "");
	CU_ASSERT_STRING_EQUAL(fli_options_peer(o, 1)->cookie_file, "/c");
	CU_ASSERT(ends_with(fli_options_peer(o, 1)->origin, ":2"));
	CU_ASSERT_PTR_NULL(fli_options_peer_of(o, "app3@h"));
	fl_options_delete(o);
}

static void broken_peers_are_refused(void)
{
	static const struct {
		const char *content, *says;
	} rows[] = {
		{"peers = ({ name = \"a@h\"; }, { name = \"a@h\"; });", "is there twice"},
		{"peers = ({ adress = \"x\"; });", "did you mean \"address\"?"},
		{"peers = ({ address = \"x:1\"; });", "a peer needs a name"},
		{"peers = ({ name = \"a@h\"; address = \"::1:9\"; });", "no host:port"},
		{"peers = ({ name = 7; });", "takes a text"},
		{"peers = (1, 2);", "peers holds groups"},
		{"peers = { name = \"a@h\"; };", "peers is a list of groups"},
		{"peers = ({ name = \"nohost\"; });", "has no '@'"},
	};
	fl_error err;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fl_options *o = fl_options_new();

		CU_ASSERT_EQUAL(load(o, rows[i].content, &err), FL_ECONFIG);
		ASSERT_HAS(err.what, rows[i].says);
		ASSERT_HAS(err.what, ":1: ");
		fl_options_delete(o);
	}
}

static int own_name(const char *name, const char *type, fli_node_name *ret_name, fl_error *err)
{
	fl_options *o = fl_options_new();
	int rc;

	*err = (fl_error){0};
	CU_ASSERT_EQUAL(fl_options_set(o, "node.name", name, "--set", err), FL_OK);
	CU_ASSERT_EQUAL(fl_options_set(o, "node.name_type", type, "--set", err), FL_OK);
	rc = fli_options_own_name(o, ret_name, err);
	fl_options_delete(o);
	return rc;
}

static void own_name_is_completed_and_checked(void)
{
	fli_node_name name;
	fl_error err;

	CU_ASSERT_EQUAL(own_name("c1@127.0.0.1", "auto", &name, &err), FL_OK);
	CU_ASSERT_STRING_EQUAL(name.text, "c1@127.0.0.1");
	CU_ASSERT_EQUAL(own_name("c1@127.0.0.1", "long", &name, &err), FL_OK);
	CU_ASSERT_EQUAL(own_name("c1", "short", &name, &err), FL_OK);
	CU_ASSERT(strncmp(name.text, "c1@", 3) == 0 && strchr(name.text, '.') == NULL);
	CU_ASSERT_EQUAL(own_name("c1@127.0.0.1", "short", &name, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(own_name("c1@host", "long", &name, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(own_name("c 1@host", "auto", &name, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(own_name("", "auto", &name, &err), FL_ECONFIG);
	CU_ASSERT_NOT_EQUAL(err.next[0], '\0');
}

static void without_a_listener_the_name_is_a_bare_host(void)
{
	fl_options *o = fl_options_new();
	fli_node_name name;

	CU_ASSERT_EQUAL(fl_options_set(o, "dist.listen", "none", "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_options_set(o, "node.name", "127.0.0.1", "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_options_own_name(o, &name, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(name.text, "127.0.0.1");
	CU_ASSERT_EQUAL(name.alive_size, 0);
	CU_ASSERT_EQUAL(fli_options_check(o, NULL), FL_OK);
	CU_ASSERT_TRUE(fli_options_is_loopback(o));
	fl_options_delete(o);
}

static void what_does_not_fit_together_is_refused(void)
{
	static const struct {
		const char *key, *value;
		const char *other, *other_value;
		int rc;
	} rows[] = {
		{"dist.listen", "0.0.0.0", "dist.port", "0", FL_ECONFIG},
		{"dist.listen", "0.0.0.0", "dist.insecure_listen", "true", FL_OK},
		{"dist.listen", "::1", "dist.port", "0", FL_OK},
		{"dist.listen", "localhost", "dist.port", "0", FL_OK},
		{"dist.listen", "example", "dist.insecure_listen", "true", FL_ECONFIG},
		{"dist.listen", "::1", "node.name", "a@127.0.0.1", FL_ECONFIG},
		{"dist.listen", "::1", "node.name", "a@::1", FL_OK},
		{"dist.listen", "127.0.0.1", "node.name", "a@::1", FL_ECONFIG},
		{"dist.listen", "none", "node.name", "a@::1", FL_OK},
		{"dist.listen", "::1", "node.name", "a@example.org", FL_OK},
		{"dist.port_min", "10", "dist.port_max", "9", FL_ECONFIG},
		{"dist.port_min", "9", "dist.port_max", "10", FL_OK},
		{"dist.port_min", "9", "dist.port", "0", FL_ECONFIG},
		{"dist.out_soft", "2MiB", "dist.out_hard", "1MiB", FL_ECONFIG},
		{"dist.epmd", "off", "dist.port", "0", FL_ECONFIG},
		{"dist.epmd", "off", "dist.port", "9100", FL_OK},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fl_options *o = fl_options_new();
		fl_error err = {0};

		CU_ASSERT_EQUAL(fl_options_set(o, rows[i].key, rows[i].value, "t", NULL), FL_OK);
		CU_ASSERT_EQUAL(
			fl_options_set(o, rows[i].other, rows[i].other_value, "t", NULL), FL_OK);
		CU_ASSERT_EQUAL(fli_options_check(o, &err), rows[i].rc);
		fl_options_delete(o);
	}
}

static void family_follows_the_address_that_is_listened_on(void)
{
	static const struct {
		const char *listen, *name, *family;
		fli_family is;
		bool is_v6;
	} rows[] = {{"127.0.0.1", "a@h", "auto", FLI_INET_FIRST, false},
		{"::1", "a@h", "auto", FLI_INET6_FIRST, true},
		{"none", "a@::1", "auto", FLI_INET6_FIRST, true},
		{"::1", "a@h", "inet", FLI_INET_ONLY, false},
		{"127.0.0.1", "a@h", "inet6", FLI_INET6_ONLY, true}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fl_options *o = fl_options_new();

		CU_ASSERT_EQUAL(fl_options_set(o, "dist.listen", rows[i].listen, "t", NULL), FL_OK);
		CU_ASSERT_EQUAL(fl_options_set(o, "node.name", rows[i].name, "t", NULL), FL_OK);
		CU_ASSERT_EQUAL(fl_options_set(o, "dist.family", rows[i].family, "t", NULL), FL_OK);
		CU_ASSERT_EQUAL(fli_options_family(o), rows[i].is);
		CU_ASSERT_EQUAL(fli_options_is_v6(o), rows[i].is_v6);
		fl_options_delete(o);
	}
}

static void the_nearest_word_is_suggested_only_when_near(void)
{
	fli_suggest s = fli_suggest_start("--cookei");

	fli_suggest_offer(&s, "--cookie-file");
	fli_suggest_offer(&s, "--cookie");
	fli_suggest_offer(&s, "--config");
	CU_ASSERT_STRING_EQUAL(s.best, "--cookie");
	s = fli_suggest_start("banana");
	fli_suggest_offer(&s, "--cookie");
	CU_ASSERT_PTR_NULL(s.best);
	CU_ASSERT_EQUAL(fli_edit_distance("abc", "abc"), 0);
	CU_ASSERT_EQUAL(fli_edit_distance("abc", "acb"), 1);
	CU_ASSERT_EQUAL(fli_edit_distance("", "abc"), 3);
}

/* Fails the n-th allocation. */
typedef struct poor_mem {
	fli_mem mem;
	long left;
} poor_mem;

static void *poor_realloc(fli_mem *mem, void *block, size_t size)
{
	poor_mem *poor = (poor_mem *)(void *)mem;

	return poor->left-- <= 0 ? NULL : realloc(block, size);
}

static void poor_free(fli_mem *mem, void *block)
{
	(void)mem;
	free(block);
}

static void memory_that_runs_out_is_an_error_and_leaks_nothing(void)
{
	int rc = FL_ENOMEM;

	for (long n = 0; rc != FL_OK && n < 1000; n++) {
		poor_mem poor = {{poor_realloc, poor_free}, n};
		fl_options *o = fli_options_new_in(&poor.mem);
		fl_error err;

		if (o == NULL)
			continue;
		rc = load(o,
			"node = { join = [\"a@h\"]; name = \"x@y\"; };\n"
			"peers = ({ name = \"a@h\"; address = \"x:1\"; });",
			&err);
		if (rc == FL_OK)
			rc = fli_options_append(o, FLI_KEY_NODE_JOIN, "b@h", from_set, &err);
		CU_ASSERT(rc == FL_OK || rc == FL_ENOMEM);
		fl_options_delete(o);
	}
	CU_ASSERT_EQUAL(rc, FL_OK);
}

FL_SUITE("options", FL_TEST(defaults_are_those_of_the_table),
	FL_TEST(higher_rank_wins_in_any_order),
	FL_TEST(environment_beats_file_and_set_beats_environment),
	FL_TEST(the_own_environment_is_read_on_request),
	FL_TEST(environment_of_a_release_is_honoured_below_our_own),
	FL_TEST(unknown_key_names_file_line_and_the_nearest),
	FL_TEST(wrong_values_name_file_line_and_what_would_do), FL_TEST(sizes_and_times_take_units),
	FL_TEST(lists_come_from_arrays_texts_and_repeated_flags),
	FL_TEST(peers_are_a_list_of_groups), FL_TEST(broken_peers_are_refused),
	FL_TEST(own_name_is_completed_and_checked),
	FL_TEST(without_a_listener_the_name_is_a_bare_host),
	FL_TEST(what_does_not_fit_together_is_refused),
	FL_TEST(family_follows_the_address_that_is_listened_on),
	FL_TEST(the_nearest_word_is_suggested_only_when_near),
	FL_TEST(memory_that_runs_out_is_an_error_and_leaks_nothing));
