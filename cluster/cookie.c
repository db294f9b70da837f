/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and checking the cookie.
 *
 *  - an explicit value (node.cookie) wins over an explicit file, that over the files that OTP looks
 *    in, in OTP's order (auth.erl);
 *  - where a higher-ranked file meets a lower-ranked value, the higher rank wins: --cookie-file
 *    beats RELEASE_COOKIE;
 *  - a file is opened first and inspected through its descriptor, so that it cannot be exchanged
 *    between the look and the read.
 *
 * Failure: each refusal has three parts. Departure from OTP: no cookie is ever invented and
 * written, since one that nobody else has can match nobody.
 */
#include "cluster/cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/options_store.h"

#define PATH_BYTES_MAX 4096
#define STRONG_BYTES_MIN 16

void fli_cookie_wipe(fli_cookie *cookie)
{
	explicit_bzero(cookie->text, sizeof cookie->text);
	cookie->size = 0;
}

bool fli_cookie_is_weak(const char *text, size_t size)
{
	/* From books, images and quick starts; those under 16 bytes are caught by their length. */
	static const char *const known[] = {"default_cookie_please_change",
		"rabbitmq-cookie-secret", "erlang_cookie_default", "emqxsecretcookie",
		"mysecretcookie1234", "supersecretcookie", "secret_cookie_here", "changemechangeme",
		"0123456789abcdef", "1234567890123456"};
	bool is_one_char = true;

	if (size < STRONG_BYTES_MIN)
		return true;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i]) == size && memcmp(known[i], text, size) == 0)
			return true;
	for (size_t i = 1; i < size; i++)
		is_one_char = is_one_char && text[i] == text[0];
	return is_one_char;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int refuse_mode(const char *path, mode_t mode, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG,
		"cannot use the cookie file %s: group or others may access it (mode %04o)", path,
		(unsigned)mode & 07777);
	fl_error_why(
		err, "whoever knows the cookie can run code on every Erlang node of the cluster");
	fl_error_next(err, "chmod 400 %s", path);
	return FL_ECONFIG;
}

static int refuse_owner(const char *path, fl_error *err)
{
	fl_error_set(
		err, FL_ECONFIG, "cannot use the cookie file %s: it belongs to another user", path);
	fl_error_why(err, "whoever owns it can change who may connect");
	fl_error_next(err, "copy it to a file of this user's own, mode 400");
	return FL_ECONFIG;
}

static int refuse_length(const char *where, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "%s: the cookie is longer than %d bytes", where,
		FLI_COOKIE_BYTES_MAX);
	fl_error_why(err, "OTP takes no longer ones, and a file of another kind often is");
	fl_error_next(err, "copy the cookie of a node of the cluster");
	return FL_ECONFIG;
}

static int check_file(int fd, const char *path, fl_error *err)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return fl_error_set(err, FL_ECONFIG, "cannot use the cookie file %s: %s", path,
			strerror(errno));
	if (!S_ISREG(info.st_mode)) {
		fl_error_set(
			err, FL_ECONFIG, "cannot use the cookie file %s: not a regular file", path);
		fl_error_why(err, "it is a folder, a device or a pipe");
		fl_error_next(err, "name a file that holds the cookie alone");
		return FL_ECONFIG;
	}
	if ((info.st_mode & 077) != 0)
		return refuse_mode(path, info.st_mode, err);
	/* Root reads what others own, as it does in containers with mounted secrets. */
	if (info.st_uid != geteuid() && geteuid() != 0)
		return refuse_owner(path, err);
	return FL_OK;
}

/* Reads to the end; -1 on failure, more than `size` when there is more. */
static ssize_t read_whole(int fd, char *ret_text, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, ret_text + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : (ssize_t)got;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* As auth.erl: the cookie ends at the first newline. */
static int take_text(fli_cookie *cookie, size_t size, const char *path, fl_error *err)
{
	char *newline = memchr(cookie->text, '\n', size);

	if (newline != NULL)
		size = (size_t)(newline - cookie->text);
	if (size > 0 && cookie->text[size - 1] == '\r')
		size--;
	if (size > FLI_COOKIE_BYTES_MAX)
		return refuse_length(path, err);
	if (size == 0 || memchr(cookie->text, '\0', size) != NULL) {
		fl_error_set(err, FL_ECONFIG,
			"the cookie file %s holds no cookie on its first line", path);
		fl_error_why(err, "it is empty, or begins with an empty line or a NUL");
		fl_error_next(err, "copy the file from a node of the cluster");
		return FL_ECONFIG;
	}
	memset(cookie->text + size, 0, sizeof cookie->text - size);
	cookie->size = size;
	(void)snprintf(cookie->origin, sizeof cookie->origin, "%s", path); /* cut for people */
	return FL_OK;
}

static int refuse_open(const char *path, int code, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "cannot read the cookie file %s: %s", path, strerror(code));
	if (code == EACCES)
		fl_error_why(err, "it belongs to another user");
	else if (code == ENOENT)
		fl_error_why(err, "a relative path begins in the folder of the start");
	else
		fl_error_why(err, "the file or the disk it is on cannot be read");
	fl_error_next(err, "name a readable one with --cookie-file, or set FLITCH_COOKIE");
	return FL_ECONFIG;
}

int fli_cookie_read(const char *path, fli_cookie *ret_cookie, fl_error *err)
{
	/* O_NONBLOCK: a named pipe must not hang the start; it is refused a moment later. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t size;
	int rc;

	if (fd < 0)
		return refuse_open(path, errno, err);
	rc = check_file(fd, path, err);
	if (rc == FL_OK) {
		size = read_whole(fd, ret_cookie->text, sizeof ret_cookie->text);
		rc = size < 0 ? refuse_open(path, errno, err)
			      : take_text(ret_cookie, (size_t)size, path, err);
	}
	(void)close(fd); /* it was only read */
	return rc;
}

/* ---- the search ------------------------------------------------------------------------------ */

static int take_value(const char *text, const char *origin, fli_cookie *ret_cookie, fl_error *err)
{
	size_t size = strlen(text);

	if (size > FLI_COOKIE_BYTES_MAX)
		return refuse_length(origin, err);
	memset(ret_cookie->text, 0, sizeof ret_cookie->text);
	memcpy(ret_cookie->text, text, size);
	ret_cookie->size = size;
	(void)snprintf(
		ret_cookie->origin, sizeof ret_cookie->origin, "%s", origin); /* for people */
	return FL_OK;
}

/* The files of OTP; FL_ENOENT when there is none. */
static int search_home(fli_cookie *ret_cookie, fl_error *err)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	char paths[3][PATH_BYTES_MAX] = {{0}};

	if (home != NULL && *home != '\0') {
		(void)snprintf(
			paths[0], PATH_BYTES_MAX, "%s/.erlang.cookie", home); /* cut: absent */
		(void)snprintf(paths[2], PATH_BYTES_MAX, "%s/.config/erlang/.erlang.cookie", home);
	}
	if (xdg != NULL && *xdg != '\0') {
		(void)snprintf(paths[1], PATH_BYTES_MAX, "%s/erlang/.erlang.cookie", xdg);
		paths[2][0] = '\0';
	}
	for (size_t i = 0; i < 3; i++)
		if (paths[i][0] != '\0' && (access(paths[i], F_OK) == 0 || errno != ENOENT))
			return fli_cookie_read(paths[i], ret_cookie, err);
	return FL_ENOENT;
}

static int refuse_none(fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "there is no cookie");
	fl_error_why(err,
		"neither --cookie-file nor FLITCH_COOKIE is given, and ~/.erlang.cookie does not exist;"
		" an invented one could match no other node");
	fl_error_next(
		err, "copy ~/.erlang.cookie from a node of the cluster, or flitch gen-cookie");
	return FL_ECONFIG;
}

static int refuse_weak(const fl_options *options, const fli_cookie *cookie, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "the cookie from %s is too weak to listen on %s",
		cookie->origin, fli_options_text(options, FLI_KEY_DIST_LISTEN));
	fl_error_why(err,
		"it is shorter than %d bytes or widely known, and off loopback others can guess it",
		STRONG_BYTES_MIN);
	fl_error_next(err, "flitch gen-cookie FILE makes a strong one; all nodes need the same");
	return FL_ECONFIG;
}

static int search(const fl_options *options, fli_cookie *ret_cookie, fl_error *err)
{
	const fli_option_value *value = &options->values[FLI_KEY_NODE_COOKIE];
	const fli_option_value *file = &options->values[FLI_KEY_NODE_COOKIE_FILE];
	bool has_value = value->text != NULL && value->text[0] != '\0';
	bool has_file = file->text != NULL && file->text[0] != '\0';
	int rc;

	if (has_value && (!has_file || value->rank >= file->rank))
		return take_value(value->text, value->origin, ret_cookie, err);
	if (has_file)
		return fli_cookie_read(file->text, ret_cookie, err);
	rc = search_home(ret_cookie, err);
	return rc == FL_ENOENT ? refuse_none(err) : rc;
}

static int check_strength(const fl_options *options, fli_cookie *cookie, fl_error *err)
{
	int rc;

	if (fli_options_is_loopback(options) || !fli_cookie_is_weak(cookie->text, cookie->size))
		return FL_OK;
	rc = refuse_weak(options, cookie, err);
	fli_cookie_wipe(cookie);
	return rc;
}

int fli_cookie_find(const fl_options *options, fli_cookie *ret_cookie, fl_error *err)
{
	int rc = search(options, ret_cookie, err);

	return rc == FL_OK ? check_strength(options, ret_cookie, err) : rc;
}

int fli_cookie_for_peer(const fl_options *options, const char *node, const fli_cookie *own,
	fli_cookie *ret_cookie, fl_error *err)
{
	const fli_peer_config *peer = fli_options_peer_of(options, node);
	int rc;

	*ret_cookie = *own;
	if (peer != NULL && peer->cookie[0] != '\0')
		rc = take_value(peer->cookie, peer->origin, ret_cookie, err);
	else if (peer != NULL && peer->cookie_file[0] != '\0')
		rc = fli_cookie_read(peer->cookie_file, ret_cookie, err);
	else
		return FL_OK;
	return rc == FL_OK ? check_strength(options, ret_cookie, err) : rc;
}
