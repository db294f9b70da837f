/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match specifications of any shape on any objects.
 *
 * The input: a number that chooses select, match or match_object, and a template; bytes that the
 * specification grows from; bytes that the object grows from. What compiles must run on the object
 * without a fault, and give one well-formed term.
 */
#include "node/mspec.h"
#include "tests/fuzz/fuzz.h"

static const char *const templates[] = {NULL, "[{{'$1', '$2'}, [~], [~]}]", "[{~, [], ['$$']}]",
	"[{'$1', [{~, '$1'}], [{~, '$1', ~}]}]",
	"[{{'_', '$1'}, [{'andalso', ~, ~}], [[~ | '$1']]}]",
	"[{'$1', [], [{element, ~, '$1'}]}, {~, [], [#{~ => ~}]}]",
	"[{'$1', [{'>', {size, '$1'}, ~}], [{{~, '$_'}}]}]", "{#{~ => '$1'}, ['$2' | ~]}"};

/* A template has at most four places. */
static bool grow_spec(fli_cursor *c, fl_buf *spec, unsigned which)
{
	fli_buf parts[4];
	fl_value values[4];
	fl_term terms[4];
	size_t count = 0;
	int rc;

	for (const char *p = templates[which]; p != NULL && *p != '\0'; p++)
		count += *p == '~';
	count = templates[which] == NULL ? 1 : count;
	for (size_t i = 0; i < 4; i++) {
		fli_buf_create(&parts[i], fli_mem_libc(), 0);
		if (i < count)
			grow_term(c, &parts[i]);
		terms[i] = (fl_term){.data = parts[i].data, .size = parts[i].size};
		values[i] = (fl_value){.type = FL_SLOT_TERM, .as.term = terms[i]};
	}
	rc = fl_build_values(
		spec, templates[which] == NULL ? "~" : templates[which], values, count);
	for (size_t i = 0; i < 4; i++)
		fli_buf_destroy(&parts[i]);
	return rc == FL_OK;
}

static void run(fli_mspec *compiled, fl_term object)
{
	fl_term result;
	fli_mrun r;

	if (fli_mrun_create(&r, compiled) != FL_OK)
		return;
	for (int i = 0; i < 2; i++)
		if (fli_mspec_run(&r, object, &result)) {
			fl_buf out = FL_BUF_INIT;

			CHECK(fl_build(&out, "~", result) == FL_OK);
			CHECK(fli_term_size(out.data, out.size) == out.size);
			fl_buf_free(&out);
		}
	fli_mrun_destroy(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_cursor c = fli_cursor_make(data, size);
	fl_buf spec = FL_BUF_INIT;
	fli_mspec *compiled;
	unsigned choice = grow_byte(&c);
	fli_buf object;

	fli_buf_create(&object, fli_mem_libc(), 0);
	if (grow_spec(&c, &spec, choice / 3 % (sizeof templates / sizeof templates[0])) &&
		fli_mspec_compile(fli_mem_libc(), (fl_table_query)(choice % 3), fl_buf_term(&spec),
			&compiled) == FL_OK) {
		grow_term(&c, &object);
		if (!object.failed)
			run(compiled, (fl_term){.data = object.data, .size = object.size});
		fli_mspec_delete(compiled);
	}
	fli_buf_destroy(&object);
	fl_buf_free(&spec);
	return 0;
}
