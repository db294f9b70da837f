/* SPDX-License-Identifier: Apache-2.0 */
/* Written beside and renamed, so that there is a whole number at every moment. */
#include "cluster/epoch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct paths {
	char file[PATH_MAX], beside[PATH_MAX + 8];
} paths;

static int find(const char *dir, const char *guard, fl_atom node, paths *ret)
{
	int size = snprintf(ret->file, sizeof ret->file, "%s/%s.%.*s.epoch", dir, guard,
		(int)node.size, node.text);

	if (size < 0 || (size_t)size >= sizeof ret->file || strchr(guard, '/') != NULL ||
		memchr(node.text, '/', node.size) != NULL)
		return FL_ELIMIT;
	(void)snprintf(ret->beside, sizeof ret->beside, "%s.new", ret->file);
	return FL_OK;
}

int fli_epoch_read(const char *dir, const char *guard, fl_atom node, uint64_t *ret_epoch)
{
	char text[32], *end;
	paths p;
	FILE *file;
	size_t size;
	int rc = find(dir, guard, node, &p);

	if (rc != FL_OK)
		return rc;
	*ret_epoch = 0;
	file = fopen(p.file, "re");
	if (file == NULL)
		return errno == ENOENT ? FL_OK : FL_EIO;
	size = fread(text, 1, sizeof text - 1, file);
	text[size] = '\0';
	(void)fclose(file); /* it was only read */
	errno = 0;
	*ret_epoch = strtoull(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *end == '\n' ? FL_OK : FL_EFORMAT;
}

static int write_whole(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FL_EIO;
		text += n;
		size -= (size_t)n;
	}
	return fsync(fd) == 0 ? FL_OK : FL_EIO;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? FL_OK : FL_EIO;

	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int fli_epoch_write(const char *dir, const char *guard, fl_atom node, uint64_t epoch)
{
	char text[32];
	paths p;
	int rc = find(dir, guard, node, &p);
	int size = snprintf(text, sizeof text, "%llu\n", (unsigned long long)epoch);
	int fd;

	if (rc != FL_OK)
		return rc;
	fd = open(p.beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return FL_EIO;
	rc = write_whole(fd, text, (size_t)size);
	if (close(fd) != 0)
		rc = FL_EIO;
	if (rc == FL_OK && rename(p.beside, p.file) != 0)
		rc = FL_EIO;
	return rc == FL_OK ? sync_dir(dir) : rc;
}
