/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cookie.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define STRONG "Xk29fjw0Qm38dkLs02mz"

typedef struct home {
	char folder[32];
	char file[64];
} home;

static void home_create(home *h)
{
	strcpy(h->folder, "/tmp/fl_cookie_XXXXXX");
	if (mkdtemp(h->folder) == NULL)
		abort();
	strcpy(h->file, h->folder);
	strcat(h->file, "/.erlang.cookie");
	CU_ASSERT_EQUAL(setenv("HOME", h->folder, 1), 0);
	CU_ASSERT_EQUAL(unsetenv("XDG_CONFIG_HOME"), 0);
}

static void home_destroy(home *h)
{
	(void)unlink(h->file);
	(void)rmdir(h->folder);
}

static void put_file(const char *path, const char *content, size_t size, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, content, size), (ssize_t)size);
	CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void the_file_of_otp_is_found_and_its_newline_stripped(void)
{
	fl_options *o = fl_options_new();
	fli_cookie cookie;
	home h;

	home_create(&h);
	put_file(h.file, STRONG "\n", strlen(STRONG) + 1, 0400);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, STRONG);
	CU_ASSERT_EQUAL(cookie.size, strlen(STRONG));
	CU_ASSERT_STRING_EQUAL(cookie.origin, h.file);
	fli_cookie_wipe(&cookie);
	CU_ASSERT_EQUAL(cookie.text[0], '\0');
	home_destroy(&h);
	fl_options_delete(o);
}

static void none_is_ever_invented(void)
{
	fl_options *o = fl_options_new();
	fli_cookie cookie;
	fl_error err;
	home h;

	home_create(&h);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, &err), FL_ECONFIG);
	CU_ASSERT_NOT_EQUAL(err.why[0], '\0');
	CU_ASSERT_NOT_EQUAL(err.next[0], '\0');
	CU_ASSERT_NOT_EQUAL(access(h.file, F_OK), 0);
	home_destroy(&h);
	fl_options_delete(o);
}

static void a_file_that_others_can_read_is_refused(void)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};
	fli_cookie cookie;
	fl_error err;
	home h;

	home_create(&h);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		put_file(h.file, STRONG, strlen(STRONG), modes[i]);
		CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, &err), FL_ECONFIG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "group or others may access it"));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.next, "chmod 400"));
		CU_ASSERT_PTR_NULL(strstr(err.what, STRONG));
	}
	home_destroy(&h);
}

static void what_is_no_regular_file_is_refused_without_hanging(void)
{
	fli_cookie cookie;
	fl_error err;
	home h;

	home_create(&h);
	CU_ASSERT_EQUAL(fli_cookie_read(h.folder, &cookie, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "not a regular file"));
	CU_ASSERT_EQUAL(mkfifo(h.file, 0600), 0);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(fli_cookie_read("/nonexistent", &cookie, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "No such file"));
	home_destroy(&h);
}

static void odd_contents_are_refused(void)
{
	static char huge[FLI_COOKIE_BYTES_MAX + 2];
	fli_cookie cookie;
	home h;

	home_create(&h);
	put_file(h.file, "", 0, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, NULL), FL_ECONFIG);
	put_file(h.file, "\nabc", 4, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, NULL), FL_ECONFIG);
	put_file(h.file, "a\0b", 3, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, NULL), FL_ECONFIG);
	memset(huge, 'a', sizeof huge);
	put_file(h.file, huge, sizeof huge, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, NULL), FL_ECONFIG);
	put_file(h.file, huge, FLI_COOKIE_BYTES_MAX, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, NULL), FL_OK);
	CU_ASSERT_EQUAL(cookie.size, FLI_COOKIE_BYTES_MAX);
	put_file(h.file, "dos\r\n", 5, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, "dos");
	home_destroy(&h);
}

static void a_value_beats_a_file_of_the_same_rank_and_a_higher_file_beats_a_value(void)
{
	fl_options *o = fl_options_new();
	fli_cookie cookie;
	home h;

	home_create(&h);
	put_file(h.file, "in-the-file", 11, 0400);
	CU_ASSERT_EQUAL(fli_options_put(o, FLI_KEY_NODE_COOKIE, "released",
				(fli_source){FLI_RANK_RELEASE, "RELEASE_COOKIE"}, NULL),
		FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, "released");
	CU_ASSERT_STRING_EQUAL(cookie.origin, "RELEASE_COOKIE");
	CU_ASSERT_EQUAL(fli_options_put(o, FLI_KEY_NODE_COOKIE_FILE, h.file,
				(fli_source){FLI_RANK_FLAG, "--cookie-file"}, NULL),
		FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, "in-the-file");
	CU_ASSERT_EQUAL(fli_options_put(o, FLI_KEY_NODE_COOKIE, "flag",
				(fli_source){FLI_RANK_FLAG, "--cookie"}, NULL),
		FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, "flag");
	home_destroy(&h);
	fl_options_delete(o);
}

static void weak_cookies_are_refused_off_loopback_alone(void)
{
	fl_options *o = fl_options_new();
	fli_cookie cookie;
	fl_error err;

	CU_ASSERT_EQUAL(fl_options_set(o, "node.cookie", "monster", "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_options_set(o, "dist.listen", "0.0.0.0", "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NULL(strstr(err.what, "monster"));
	CU_ASSERT_EQUAL(fl_options_set(o, "node.cookie", STRONG, "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_find(o, &cookie, NULL), FL_OK);
	CU_ASSERT_TRUE(fli_cookie_is_weak("aaaaaaaaaaaaaaaaaaaa", 20));
	CU_ASSERT_TRUE(fli_cookie_is_weak("changemechangeme", 16));
	fl_options_delete(o);
}

static void a_peer_may_have_its_own_cookie(void)
{
	static const char config[] = "peers = ({ name = \"a@h\"; cookie = \"other\"; });";
	fl_options *o = fl_options_new();
	fli_cookie own = {.text = "own", .size = 3}, cookie;
	home h;

	home_create(&h);
	put_file(h.file, config, sizeof config - 1, 0600);
	CU_ASSERT_EQUAL(fl_options_load(o, h.file, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_for_peer(o, "a@h", &own, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, "other");
	CU_ASSERT_EQUAL(fli_cookie_for_peer(o, "b@h", &own, &cookie, NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(cookie.text, "own");
	home_destroy(&h);
	fl_options_delete(o);
}

static void a_weak_one_of_a_peer_is_refused_as_the_nodes_own(void)
{
	static const char config[] = "peers = ({ name = \"a@h\"; cookie = \"other\"; });";
	fl_options *o = fl_options_new();
	fli_cookie own = {.text = STRONG, .size = sizeof STRONG - 1}, cookie;
	fl_error err;
	home h;

	home_create(&h);
	put_file(h.file, config, sizeof config - 1, 0600);
	CU_ASSERT_EQUAL(fl_options_load(o, h.file, NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_options_set(o, "dist.listen", "::", "--set", NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_for_peer(o, "a@h", &own, &cookie, &err), FL_ECONFIG);
	CU_ASSERT_EQUAL(cookie.size, 0);
	CU_ASSERT_EQUAL(fli_cookie_for_peer(o, "b@h", &own, &cookie, &err), FL_OK);
	home_destroy(&h);
	fl_options_delete(o);
}

static void a_made_one_is_strong_new_and_ones_own(void)
{
	fli_cookie first, second;
	struct stat info;
	fl_error err;
	mode_t mask = umask(0277);
	home h;

	home_create(&h);
	CU_ASSERT_EQUAL(fli_cookie_make(h.file, &err), FL_OK);
	(void)umask(mask);
	CU_ASSERT_EQUAL(stat(h.file, &info), 0);
	CU_ASSERT_EQUAL(info.st_mode & 07777, 0400);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &first, &err), FL_OK);
	CU_ASSERT_EQUAL(first.size, 43);
	CU_ASSERT_EQUAL(strspn(first.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789"),
		43);
	CU_ASSERT_FALSE(fli_cookie_is_weak(first.text, first.size));
	CU_ASSERT_EQUAL(unlink(h.file), 0);
	CU_ASSERT_EQUAL(fli_cookie_make(h.file, &err), FL_OK);
	CU_ASSERT_EQUAL(fli_cookie_read(h.file, &second, &err), FL_OK);
	CU_ASSERT_STRING_NOT_EQUAL(first.text, second.text);
	home_destroy(&h);
}

static void a_made_one_takes_the_place_of_nothing(void)
{
	char target[80];
	fl_error err;
	home h;

	home_create(&h);
	put_file(h.file, STRONG, strlen(STRONG), 0600);
	CU_ASSERT_EQUAL(fli_cookie_make(h.file, &err), FL_ETAKEN);
	CU_ASSERT_EQUAL(unlink(h.file), 0);
	(void)snprintf(target, sizeof target, "%s/target", h.folder);
	CU_ASSERT_EQUAL(symlink(target, h.file), 0);
	CU_ASSERT_EQUAL(fli_cookie_make(h.file, &err), FL_ETAKEN);
	CU_ASSERT_NOT_EQUAL(access(target, F_OK), 0);
	CU_ASSERT_EQUAL(fli_cookie_make("/nonexistent/cookie", &err), FL_EIO);
	home_destroy(&h);
}

FL_SUITE("cookie", FL_TEST(the_file_of_otp_is_found_and_its_newline_stripped),
	FL_TEST(none_is_ever_invented), FL_TEST(a_file_that_others_can_read_is_refused),
	FL_TEST(what_is_no_regular_file_is_refused_without_hanging),
	FL_TEST(odd_contents_are_refused),
	FL_TEST(a_value_beats_a_file_of_the_same_rank_and_a_higher_file_beats_a_value),
	FL_TEST(weak_cookies_are_refused_off_loopback_alone),
	FL_TEST(a_peer_may_have_its_own_cookie),
	FL_TEST(a_weak_one_of_a_peer_is_refused_as_the_nodes_own),
	FL_TEST(a_made_one_is_strong_new_and_ones_own),
	FL_TEST(a_made_one_takes_the_place_of_nothing));
