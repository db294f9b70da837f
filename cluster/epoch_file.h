/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_EPOCH_FILE_H
#define FLI_EPOCH_FILE_H

/*
 * The greatest epoch that a candidate knows of, in a file of its own: DIR/GUARD.NODE.epoch, a
 * number and a newline.
 *
 * Threads: one at a time; it waits for the disk. Memory: none is kept.
 * Errors: FL_EIO; FL_ELIMIT: the path is too long; FL_EFORMAT: it holds no number.
 */

#include <stdint.h>

#include "flitch/term.h"

/* No file is 0. */
int fli_epoch_read(const char *dir, const char *guard, fl_atom node, uint64_t *ret_epoch);
/* It is on the disk when this returns FL_OK, and the one before is as long. */
int fli_epoch_write(const char *dir, const char *guard, fl_atom node, uint64_t epoch);

#endif
