/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_LEASE_FILE_H
#define FLI_CLUSTER_LEASE_FILE_H

/*
 * A lease that is kept in a file on storage which all nodes share and whose locks they share, too:
 * a cluster file system, NFS 4, or one machine's own disk.
 *
 *     "flitch lease 17 40000 c1@10.0.0.1\n"     the 17th writing, by c1, for 40 s
 *
 * No clock of one node is compared with that of another, nor with the file's: another node takes
 * the lease when it has itself seen the same writing for the time that is written in it.
 *
 * Threads: one at a time, which may wait for the disk. Memory: fli_lease_file_delete. Errors:
 * FL_EIO for what the file system refuses. Limits: a record has FLI_LEASE_RECORD_MAX bytes.
 */

#include "flitch/partition.h"
#include "node/base/mem.h"

enum { FLI_LEASE_RECORD_MAX = FL_LEASE_OWNER_MAX + 64 };

typedef struct fli_lease_file fli_lease_file;

int fli_lease_file_new(
	fli_mem *mem, const char *path, fli_lease_file **ret_file, fl_lease *ret_lease);
void fli_lease_file_delete(fli_lease_file *file);

#endif
