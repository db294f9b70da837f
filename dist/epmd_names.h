/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_NAMES_H
#define FLI_DIST_EPMD_NAMES_H

/*
 * The tables of an epmd: the names that are registered, and those that were.
 *
 * Threads: one at a time. Memory: a name belongs to its server; once freed it is kept among the
 * remembered ones for its creation's sake. Errors: FL_ETAKEN for a name that is taken or unusable,
 * FL_ELIMIT, FL_ENOMEM. Limits: `names_max`, FLI_EPMD_REMEMBERED_MAX.
 */

#include "dist/epmd_server.h"

/* Owner: the server. */
struct fli_epmd_name {
	fli_link link;      /* in the order of registration, or of its end */
	fli_epmd_node node; /* name and extra point into `bytes` */
	uint32_t creation;
	int fd;
	char bytes[];
};

void fli_epmd_tables_create(fli_epmd_server *server);
void fli_epmd_tables_destroy(fli_epmd_server *server);
int fli_epmd_names_add(fli_epmd_conn *conn, const fli_epmd_node *node, uint64_t now_ms,
	struct fli_epmd_name **ret_name);
struct fli_epmd_name *fli_epmd_names_find(
	const fli_epmd_server *server, const char *text, size_t size);
/* Its connection ended: from registered to remembered. */
void fli_epmd_names_free(fli_epmd_server *server, struct fli_epmd_name *name);
/* The replies to NAMES and DUMP. */
void fli_epmd_names_list(const fli_epmd_server *server, fli_buf *out);
void fli_epmd_names_dump(const fli_epmd_server *server, fli_buf *out);

#endif
