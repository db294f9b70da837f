/* SPDX-License-Identifier: Apache-2.0 */
#include "node/kept.h"

#include <string.h>

#include "node/term/tag.h"

fli_kept *fli_keep(fli_mem *mem, fl_term term)
{
	fl_buf buf = FL_BUF_INIT; /* what remains of a list has no bytes of its own */
	fli_kept *kept = NULL;

	if (fl_build(&buf, "~", term) == FL_OK && buf.size <= UINT32_MAX)
		kept = fli_alloc(mem, sizeof *kept + buf.size);
	if (kept != NULL) {
		kept->size = (uint32_t)buf.size;
		memcpy(kept->bytes, buf.data, buf.size);
	}
	fl_buf_free(&buf);
	return kept;
}

fl_term fli_kept_term(const fli_kept *kept, fl_atoms *atoms)
{
	static const uint8_t undefined[] = {
		FLI_SMALL_ATOM_UTF8_EXT, 9, 'u', 'n', 'd', 'e', 'f', 'i', 'n', 'e', 'd'};

	if (kept == NULL)
		return (fl_term){.data = undefined, .size = sizeof undefined};
	return (fl_term){.data = kept->bytes, .size = kept->size, .atoms = atoms};
}
