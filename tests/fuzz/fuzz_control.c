/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a control message; the first byte chooses the world and how many atoms there are. */
#include <stdlib.h>

#include "dist/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const fl_atom atoms[] = {{"node@host", 9}, {"", 0}, {"echo", 4}, {"\xc3\xa4", 2}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_control_input input = {.peer = atoms[0]};
	fli_refs refs = {atoms, 0};
	fli_signal signal;
	fl_error error = {0};

	if (size < 1)
		return 0;
	refs.count = data[0] & 3;
	input.refs = data[0] & 4 ? &refs : NULL;
	input.has_versions = data[0] & 8;
	input.is_cut = data[0] & 16;
	if (data[0] & 32)
		input.peer.size = 0;
	input.data = data + 1;
	input.size = size - 1;
	if (fli_control_decode(&input, &signal, &error) != FL_OK) {
		if (error.what[0] == '\0')
			abort();
		return 0;
	}
	if (signal.payload.data != NULL &&
		(signal.payload.data < input.data || signal.payload.walked.size > input.size))
		abort();
	return 0;
}
