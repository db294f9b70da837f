/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new cookie in a new file.
 *
 *  - 43 letters and digits from the kernel's generator: 256 bits, and nothing that a shell, a
 *    configuration file or an Erlang term would have to quote;
 *  - the file is made for this user alone before a byte is in it, and never in place of another:
 *    to lose the cookie of a running cluster is worse than to be asked to choose.
 *
 * What goes wrong: a file that could not be written whole is taken away again. Departure from OTP:
 * its own cookies have 20 capital letters of a linear generator, seeded by time and file sizes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/cookie.h"
#include "node/port.h"

/* log2(62) is 5.95 bits a character. */
#define MADE_BYTES ((size_t)43)

/* Bytes that would make some characters likelier than others are drawn anew. */
static void draw(char *ret_text)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const size_t letters = sizeof alphabet - 1;
	const fli_port *port = fli_port_system();
	size_t size = 0;

	while (size < MADE_BYTES) {
		uint8_t byte;

		port->random(port, &byte, 1);
		if (byte < 256 - 256 % letters)
			ret_text[size++] = alphabet[byte % letters];
	}
	ret_text[size] = '\n';
}

static int refuse_there(const char *path, fl_error *err)
{
	fl_error_set(err, FL_ETAKEN, "%s is there already, and is left as it is", path);
	fl_error_why(err, "nodes that use its cookie would no longer find each other");
	fl_error_next(err, "name another file, or move this one away first");
	return FL_ETAKEN;
}

static int refuse_write(const char *path, int code, fl_error *err)
{
	fl_error_set(err, FL_EIO, "cannot write the cookie file %s: %s", path, strerror(code));
	fl_error_why(err, "its folder is missing, full, or another user's");
	fl_error_next(err, "name a file in a folder of this user");
	return FL_EIO;
}

static int fill(int fd)
{
	char text[MADE_BYTES + 1];
	ssize_t written;

	draw(text);
	written = write(fd, text, sizeof text);
	explicit_bzero(text, sizeof text);
	if (written != (ssize_t)sizeof text)
		return written < 0 ? errno : ENOSPC;
	return fsync(fd) == 0 ? 0 : errno;
}

int fli_cookie_make(const char *path, fl_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0400);
	int code;

	if (fd < 0)
		return errno == EEXIST ? refuse_there(path, err) : refuse_write(path, errno, err);
	/* A umask may have taken from 0400. */
	code = fchmod(fd, 0400) == 0 ? fill(fd) : errno;
	if (close(fd) != 0 && code == 0)
		code = errno;
	if (code == 0)
		return FL_OK;
	(void)unlink(path); /* half a cookie helps nobody */
	return refuse_write(path, code, err);
}
