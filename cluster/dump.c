/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dump is formed in memory while the node stands still, then written while it goes on: the disk
 * may be slow, the formatting is not.
 *
 * The file is created new (O_EXCL after a removal), so that in /tmp nobody can lead it elsewhere.
 */
#include "cluster/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dist/dist.h"
#include "node/access.h"
#include "node/sched.h"

static const char *status_text(const fl_proc *proc)
{
	static const char *const texts[] = {[FLI_STARTING] = "starting",
		[FLI_WAITING] = "waiting",
		[FLI_RUNNABLE] = "runnable",
		[FLI_RUNNING] = "running",
		[FLI_SUSPENDED] = "suspended",
		[FLI_EXITING] = "exiting"};

	return proc->status < sizeof texts / sizeof *texts ? texts[proc->status] : "?";
}

static void add_node(fli_buf *text, const fl_node *node)
{
	time_t now = time(NULL);
	char date[32];

	fli_buf_printf(text, "=flitch_dump:0.1\n%s", ctime_r(&now, date) != NULL ? date : "\n");
	fli_buf_printf(text, "=node\nName: %.*s\nCreation: %u\nProcesses: %u\nOffloads: %u\n",
		(int)node->name.size, node->name.text, node->creation, node->procs_count,
		node->offloads_count);
}

static void add_access(fli_buf *text, const fl_node *node)
{
	if (node->access != NULL)
		fli_buf_printf(text, "=access\nRefused functions: %llu\nRefused requests: %llu\n",
			(unsigned long long)node->access->refused_functions,
			(unsigned long long)node->access->refused_words);
}

static void add_process(fli_buf *text, const fl_proc *proc)
{
	fli_buf_printf(text, "=proc:<0.%u.%u>\nState: %s\nSpawned as: %s\n", proc->id, proc->serial,
		status_text(proc), proc->behaviour->name != NULL ? proc->behaviour->name : "-");
	if (proc->name != NULL)
		fli_buf_printf(
			text, "Name: %.*s\n", (int)proc->name->text.size, proc->name->text.text);
	fli_buf_printf(text, "Message queue length: %u\nHandled: %llu\n", proc->mailbox_count,
		(unsigned long long)proc->handled);
}

static void add_peers(fli_buf *text, fl_node *node)
{
	fli_dist_peer_info info;
	size_t cursor = 0;

	if (fli_dist_of(node) == NULL)
		return;
	while (fli_dist_info_next(fli_dist_of(node), &cursor, &info)) {
		fli_buf_printf(text, "=peer:%.*s\nState: %s\nWanted: %s\n", (int)info.name.size,
			info.name.text, info.state, info.is_wanted ? "true" : "false");
		fli_buf_printf(text, "Bytes in: %llu\nBytes out: %llu\nBytes waiting: %zu\n",
			(unsigned long long)info.bytes_in, (unsigned long long)info.bytes_out,
			info.out_bytes);
		if (info.error != NULL && info.error->code != FL_OK)
			fli_buf_printf(text, "Last error: %s\n", info.error->what);
	}
}

static void form(fli_buf *text, fl_node *node)
{
	uint32_t cursor = 0;

	fli_enter(node);
	add_node(text, node);
	add_access(text, node);
	for (fl_proc *proc; (proc = fli_proc_next(node, &cursor)) != NULL;)
		add_process(text, proc);
	add_peers(text, node);
	fli_buf_add_text(text, "=end\n");
	fli_leave(node);
}

static int open_file(const char *folder, char *ret_path, size_t size)
{
	(void)snprintf(ret_path, size, "%s/flitch_dump.%ld", folder, (long)getpid());
	(void)unlink(ret_path); /* an earlier dump of ours; else the open says what is wrong */
	return open(ret_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
}

static int write_whole(int fd, const fli_buf *text)
{
	for (size_t done = 0; done < text->size;) {
		ssize_t n = write(fd, text->data + done, text->size - done);

		if (n < 0 && errno != EINTR)
			return FL_EIO;
		done += n > 0 ? (size_t)n : 0;
	}
	return FL_OK;
}

int fli_dump_write(fl_node *node, char *ret_path, size_t size, fl_error *err)
{
	fli_buf text;
	int fd, rc;

	fli_buf_create(&text, node->mem, FLI_DUMP_BYTES_MAX);
	form(&text, node);
	fd = open_file(".", ret_path, size);
	if (fd < 0)
		fd = open_file("/tmp", ret_path, size);
	rc = fd < 0 || write_whole(fd, &text) != FL_OK ? FL_EIO : FL_OK;
	if (rc != FL_OK)
		fl_error_set(err, rc, "cannot write %s: %s", ret_path, strerror(errno));
	else if (text.failed)
		rc = fl_error_set(
			err, FL_ENOMEM, "the dump in %s is not whole: out of memory", ret_path);
	if (fd >= 0)
		(void)close(fd); /* what could not be written has shown in write_whole */
	fli_buf_destroy(&text);
	return rc;
}
