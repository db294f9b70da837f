/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CMD_VISIT_H
#define FLI_CMD_VISIT_H

/*
 * A short visit to another node: a hidden node without a listener, whose name the visited node
 * makes up, so that nothing of it stays behind there. It runs one errand and ends.
 *
 *     fli_visit v = {.errand = my_errand, ...};
 *     code = fli_visit_run(&v, &args, "c1");      opens, runs the errand in a process, closes
 *
 * Threads: the caller's; the errand runs as a handler of a process and may block. Memory: the
 * caller's storage. Errors: an exit code; what went wrong is printed.
 */

#include "cluster/main.h"

/* For the help of each command that visits. */
#define FLI_VISIT_WITHOUT_EPMD                                                                     \
	"Where no epmd knows NODE: --set dist.epmd=off --set dist.port=P, with the port it listens on."

typedef struct fli_visit fli_visit;

struct fli_visit {
	/* FL_OK, or what went wrong in visit->err. */
	int (*errand)(fl_proc *self, fli_visit *visit);
	void *ctx;
	/* filled in by fli_visit_run */
	char node[FLI_NODE_NAME_BYTES_MAX + 1]; /* full name of the visited one */
	uint32_t timeout_ms;
	fl_buf out; /* what goes to stdout at the end */
	fl_error err;
	fl_behaviour behaviour;
};

int fli_visit_run(fli_visit *visit, const fli_args *args, const char *node);
/* {is_auth, node()} to net_kernel, as net_adm:ping does: connects where there is no connection. */
int fli_visit_ping(fl_proc *self, fli_visit *visit);
/* Fills in visit->err for a `code` of fl_call; `reply` is the reason it came with. Returns `code`.
 */
int fli_visit_failed(fli_visit *visit, int code, const char *name, fl_term reply);

#endif
