/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease in a file.
 *
 *  - acquire, renew: lock the file, read who wrote last, write oneself if it is free, one's own, or
 *    has been the same for its whole time; unlock. Each writing has another number.
 *  - release: the same with nobody as the owner.
 *
 * What goes wrong: a file that cannot be locked at once is one that cannot tell, so that no thread
 * waits for a lock whose holder hangs. A record that makes no sense, such as one cut off by a
 * crash, is waited for as if somebody had it. A machine that restarts has seen nothing yet and
 * waits for the whole time, which is longer than needed, never shorter.
 *
 * Locks are those of open file descriptions: those of a process would be given up when any part of
 * it closes the file.
 */
#include "cluster/lease_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TTL_MAX_MS = 3600000 };

typedef struct record {
	uint64_t number;
	uint32_t ttl_ms;
	char owner[FL_LEASE_OWNER_MAX + 1]; /* "": nobody */
} record;

struct fli_lease_file {
	fli_mem *mem;
	char *path;
	char seen[FLI_LEASE_RECORD_MAX]; /* what was read last */
	size_t seen_size;
	uint64_t since_ms; /* that it was so */
	bool has_seen;
};

static int lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &whole) == 0 ? FL_OK : FL_EBUSY;
}

/* False: no record. The owner is the rest of the line. */
static bool parse(const char *text, size_t size, record *ret)
{
	char line[FLI_LEASE_RECORD_MAX + 1];
	int at = 0;
	size_t rest;

	memcpy(line, text, size);
	line[size] = '\0';
	if (size == 0 || line[size - 1] != '\n')
		return false;
	line[size - 1] = '\0';
	if (sscanf(line, "flitch lease %" SCNu64 " %" SCNu32 " %n", &ret->number, &ret->ttl_ms,
		    &at) != 2 ||
		at == 0 || ret->ttl_ms > TTL_MAX_MS)
		return false;
	rest = strlen(line + at);
	if (rest >= sizeof ret->owner || strlen(line) != size - 1)
		return false;
	memcpy(ret->owner, line + at, rest + 1);
	return true;
}

static bool is_old(
	fli_lease_file *file, const char *text, size_t size, uint32_t ttl_ms, uint64_t now_ms)
{
	if (!file->has_seen || size != file->seen_size || memcmp(text, file->seen, size) != 0) {
		memcpy(file->seen, text, size);
		file->seen_size = size;
		file->since_ms = now_ms;
		file->has_seen = true;
	}
	return now_ms >= file->since_ms + ttl_ms;
}

static int put(int fd, const record *r)
{
	char text[FLI_LEASE_RECORD_MAX + 1];
	int size = snprintf(text, sizeof text, "flitch lease %" PRIu64 " %" PRIu32 " %s\n",
		r->number, r->ttl_ms, r->owner);

	if (size < 0 || (size_t)size > FLI_LEASE_RECORD_MAX)
		return FL_EINVAL;
	return pwrite(fd, text, (size_t)size, 0) == size && ftruncate(fd, size) == 0 &&
			       fsync(fd) == 0
		       ? FL_OK
		       : FL_EIO;
}

static int take(fli_lease_file *file, int fd, const fl_lease_request *request, const char *owner)
{
	char text[FLI_LEASE_RECORD_MAX];
	ssize_t size = pread(fd, text, sizeof text, 0);
	record r = {.number = 0};
	bool is_read, is_free;

	if (size < 0)
		return FL_EIO;
	is_read = parse(text, (size_t)size, &r);
	is_free = size == 0 ||
		  (is_read && (*r.owner == '\0' || strcmp(r.owner, request->owner) == 0));
	if (!is_read)
		r = (record){.ttl_ms = request->ttl_ms};
	if (!is_free && !is_old(file, text, (size_t)size, r.ttl_ms, request->now_ms)) {
		(void)snprintf(request->ret_holder, FL_LEASE_OWNER_MAX + 1, "%s", r.owner);
		return FL_ETAKEN;
	}
	if (*owner == '\0' && strcmp(r.owner, request->owner) != 0)
		return FL_ETAKEN; /* somebody else's is not given back */
	r.number++;
	r.ttl_ms = request->ttl_ms;
	(void)snprintf(r.owner, sizeof r.owner, "%s", owner);
	return put(fd, &r);
}

static int with_lock(fli_lease_file *file, const fl_lease_request *request, const char *owner)
{
	int fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	int rc;

	if (fd < 0)
		return FL_EIO;
	rc = lock(fd);
	if (rc == FL_OK)
		rc = take(file, fd, request, owner);
	(void)close(fd); /* what counts was synced; the lock goes with it */
	return rc;
}

static int acquire(void *ctx, const fl_lease_request *request)
{
	return with_lock(ctx, request, request->owner);
}

static void release(void *ctx, const fl_lease_request *request)
{
	(void)with_lock(ctx, request, ""); /* else it runs out */
}

int fli_lease_file_new(
	fli_mem *mem, const char *path, fli_lease_file **ret_file, fl_lease *ret_lease)
{
	fli_lease_file *file = fli_zalloc(mem, sizeof *file);
	size_t size = strlen(path) + 1;

	if (file != NULL)
		file->path = fli_alloc(mem, size);
	if (file == NULL || file->path == NULL) {
		fli_free(mem, file);
		return FL_ENOMEM;
	}
	memcpy(file->path, path, size);
	file->mem = mem;
	*ret_file = file;
	*ret_lease = (fl_lease){.acquire = acquire, .release = release, .ctx = file};
	return FL_OK;
}

void fli_lease_file_delete(fli_lease_file *file)
{
	if (file == NULL)
		return;
	fli_free(file->mem, file->path);
	fli_free(file->mem, file);
}
