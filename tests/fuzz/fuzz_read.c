/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text to a term and back (libFuzzer): what fl_read accepts must be a term that fli_walk
 * accepts, and its own text must read as the same term.
 */
#include <stdlib.h>

#include "node/term/print.h"
#include "node/term/walk.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_buf term = FL_BUF_INIT, again = FL_BUF_INIT;
	fli_walked walked;
	fl_error err;
	fli_buf text;

	fli_buf_create(&text, fli_mem_libc(), 0);
	if (fl_read(&term, (const char *)data, size, &err) == FL_OK) {
		CHECK(fli_walk(term.data, term.size, NULL, &walked) && walked.size == term.size);
		CHECK(fli_print(&text, fl_buf_term(&term), FLI_PRINT_CREATION) == FL_OK);
		CHECK(fl_read(&again, (const char *)text.data, text.size, &err) == FL_OK);
		CHECK(fl_equal(fl_buf_term(&term), fl_buf_term(&again)));
	} else {
		CHECK(term.size == 0 && err.what[0] != '\0');
	}
	fl_buf_free(&term);
	fl_buf_free(&again);
	fli_buf_destroy(&text);
	return 0;
}
