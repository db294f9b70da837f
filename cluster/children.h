/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_CHILDREN_H
#define FLI_CLUSTER_CHILDREN_H

/*
 * The list `children` of a configuration file: the application, in the order of its start.
 *
 *     children = (
 *       { behaviour = "stock"; args = "100"; name = "stock"; },
 *       { id = "shop"; strategy = "rest_for_one"; children = ({ behaviour = "orders"; }); }
 *     );
 *
 * A group with a behaviour is a child of that kind, one with `children` a supervisor of its own.
 *
 * Threads: one at a time, but for references. Memory: a tree is counted as a whole; texts are its
 * own. Errors: FL_ECONFIG with file and line, FL_ENOMEM. Limits: FLI_CHILDREN_MAX groups in all,
 * FLI_CHILDREN_DEPTH_MAX inside each other.
 */

#include <stdatomic.h>

#include "flitch/supervisor.h"
#include "node/base/mem.h"

#define FLI_CHILDREN_MAX 4096
#define FLI_CHILDREN_DEPTH_MAX 16

typedef struct fli_child_config {
	struct fli_child_config *next;  /* the one that is started after it */
	struct fli_child_config *first; /* its children; NULL: none */
	char *behaviour;                /* NULL: a supervisor of the configuration's own */
	char *id, *args, *name;         /* NULL: as fl_child; a supervisor has an id */
	fl_child child;                 /* restart, shutdown_ms, significant */
	fl_supervisor flags;            /* strategy, intensity, period_s, auto_shutdown, ... */
	unsigned line;
} fli_child_config;

typedef struct fli_children {
	fli_mem *mem;
	atomic_uint refs;
	char *file;
	fli_child_config *first;
	uint32_t count;
} fli_children;

struct config_setting_t; /* libconfig's */

/* One reference. */
int fli_children_read(fli_mem *mem, const struct config_setting_t *list, const char *file,
	fli_children **ret_children, fl_error *err);
fli_children *fli_children_ref(fli_children *children);
void fli_children_unref(fli_children *children); /* NULL is fine */
/* Some child, at any depth, is of this behaviour. */
bool fli_children_name(const fli_children *children, const char *behaviour);

#endif
