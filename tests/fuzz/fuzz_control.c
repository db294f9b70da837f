/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a control message, under any atoms of a distribution header.
 *
 * The input: a byte that chooses the world, atoms (fuzz.h), then the control term and its payload.
 */
#include <string.h>

#include "dist/control.h"
#include "tests/fuzz/fuzz.h"

static void check_part(const fli_part *part, const fli_control_input *input, const fli_refs *refs)
{
	uint8_t *out;

	if (part->data == NULL)
		return;
	CHECK(part->data >= input->data);
	CHECK((size_t)(part->data - input->data) + part->walked.size <= input->size);
	if (part->walked.expanded_size > 1 << 20)
		return;
	out = malloc(part->walked.expanded_size);
	CHECK(out != NULL);
	fli_expand(part->data, &part->walked, refs, out);
	CHECK(fli_term_size(out, part->walked.expanded_size) == part->walked.expanded_size);
	free(out);
}

/* What an op does not name is unset. */
static bool has_ref(const fli_signal *signal)
{
	return signal->op == FLI_OP_ALIAS_SEND || signal->op == FLI_OP_MONITOR ||
	       signal->op == FLI_OP_DEMONITOR || signal->op == FLI_OP_DOWN ||
	       signal->op == FLI_OP_SPAWN_REQUEST || signal->op == FLI_OP_SPAWN_REPLY;
}

static void check(const fli_signal *signal, const fli_control_input *input)
{
	CHECK(signal->op <= FLI_OP_SPAWN_REPLY);
	CHECK(strcmp(fli_control_name(signal->wire_op), "unknown") != 0);
	CHECK(!has_ref(signal) || signal->ref.count <= 5);
	if (!input->is_cut)
		check_part(&signal->payload, input, input->refs);
	check_part(&signal->token, input, input->refs);
	if (signal->op == FLI_OP_SPAWN_REQUEST)
		check_part(&signal->spawn.options, input, input->refs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fl_atom atoms[FUZZ_REFS_MAX];
	fli_cursor c = fli_cursor_make(data, size);
	uint8_t choice = grow_byte(&c);
	fli_refs refs = fuzz_refs(&c, atoms);
	fli_control_input input = {.refs = (choice & 4) != 0 ? &refs : NULL,
		.has_versions = (choice & 8) != 0,
		.is_cut = (choice & 16) != 0};
	uint8_t *bytes = fuzz_copy(c.at, fli_left(&c));
	fl_error error = {0};
	fli_signal signal;

	if ((choice & 32) != 0)
		input.peer = refs.count > 0 ? atoms[0] : fl_atom_of("otp@127.0.0.1");
	input.data = bytes;
	input.size = fli_left(&c);
	if (fli_control_decode(&input, &signal, &error) == FL_OK)
		check(&signal, &input);
	else
		CHECK(error.what[0] != '\0');
	free(bytes);
	return 0;
}
