/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_GLOBAL_EXT_H
#define FLI_DIST_GLOBAL_EXT_H

/*
 * Names of processes whose node has no global, as messages list them beside the names themselves:
 * [{Name, Pid, RegNode}].
 *
 * Threads, memory, errors: as global.h.
 */

#include "dist/global_state.h"

/* Such a list, for looking up; it borrows from it. */
typedef struct fli_global_ext_entry fli_global_ext_entry;
typedef struct fli_global_ext {
	fli_map by_name;
	fli_global_ext_entry *entries;
} fli_global_ext;

void fli_global_ext_read(fli_global *g, fl_term list, fli_global_ext *ret);
/* Who registered it; empty: nobody had to. */
fl_atom fli_global_ext_node(
	fli_global *g, const fli_global_ext *ext, fl_term name, const fl_pid *pid);
void fli_global_ext_destroy(fli_global *g, fli_global_ext *ext);
void fli_global_ext_write(const fli_global *g, fli_buf *buf);

#endif
