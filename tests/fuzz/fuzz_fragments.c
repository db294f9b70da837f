/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in pieces, of several senders at once, against a plain record of what each of them said.
 *
 * The input is a list of steps: which of eight sequences, opened or continued, the number that it
 * carries (the one that is due, or any other), and its bytes, in one part or two. What is joined
 * must be what was sent; what is out of order must be refused; limits must hold.
 */
#include <string.h>

#include "dist/atom_cache.h"
#include "dist/fragments.h"
#include "tests/fuzz/fuzz.h"

enum { SEQUENCES = 8, OPEN_MAX = 4, BYTES_MAX = 2000, SAID_MAX = 65536 };

typedef struct record {
	bool is_open;
	uint64_t due;
	size_t size;
	uint8_t said[SAID_MAX];
} record;

static record records[SEQUENCES];
static fli_fragments table;

static size_t open_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < SEQUENCES; i++)
		count += records[i].is_open;
	return count;
}

static void note(record *r, fl_bin bytes)
{
	if (bytes.size > 0)
		memcpy(r->said + r->size, bytes.data, bytes.size);
	r->size += bytes.size;
}

static int open_one(size_t which, uint8_t number, fl_bin bytes)
{
	static const fl_atom atoms[] = {{"ok", 2}, {"a longer one", 12}};
	const fli_refs refs = {atoms, number % 3};
	const fli_fragment first = {which, number, bytes.data, bytes.size};
	int rc = fli_fragments_open(&table, &first, &refs, NULL);
	record *r = &records[which];

	if (rc != FL_OK)
		return rc;
	CHECK(!r->is_open && number >= 2 && open_count() < OPEN_MAX);
	*r = (record){.is_open = true, .due = number - 1u};
	note(r, bytes);
	return FL_OK;
}

static int append(fli_fragment_seq *sequence, record *r, fl_bin bytes, size_t cut)
{
	const uint8_t *data = bytes.data;
	int rc;

	if (cut > bytes.size)
		cut = bytes.size;
	rc = fli_fragments_append(&table, sequence, data, cut, NULL);
	if (rc == FL_OK)
		rc = fli_fragments_append(&table, sequence, data + cut, bytes.size - cut, NULL);
	if (rc == FL_OK)
		note(r, bytes);
	return rc;
}

static void end_one(fli_fragment_seq *sequence, record *r)
{
	bool is_last = fli_fragments_end(&table, sequence);

	CHECK(is_last == (r->due == 1));
	r->due--;
	if (!is_last)
		return;
	CHECK(sequence->bytes.size == FLI_FRAGMENT_ROOM + r->size);
	CHECK(memcmp(sequence->bytes.data + FLI_FRAGMENT_ROOM, r->said, r->size) == 0);
	CHECK(sequence->refs->count < 3);
	fli_fragment_seq_delete(&table, sequence);
	r->is_open = false;
}

static int go_on(size_t which, uint64_t number, fl_bin bytes, size_t cut)
{
	const fli_fragment next = {.seq = which, .number = number};
	record *r = &records[which];
	fli_fragment_seq *sequence;
	int rc = fli_fragments_begin(&table, &next, &sequence, NULL);

	CHECK((rc == FL_OK) == (r->is_open && r->due == number));
	if (rc == FL_OK)
		rc = append(sequence, r, bytes, cut);
	if (rc == FL_OK)
		end_one(sequence, r);
	return rc;
}

static int step(fli_cursor *c)
{
	uint8_t what = grow_byte(c), number = grow_byte(c);
	size_t which = what & 7;
	fl_bin bytes = grow_bytes(c, 255);

	if ((what & 8) != 0) /* one alone is no fragment, and never gets here */
		return open_one(which, number < 2 ? 2 : number, bytes);
	return go_on(which, (what & 16) != 0 ? number : records[which].due, bytes, what >> 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_cursor c = fli_cursor_make(data, size);

	for (size_t i = 0; i < SEQUENCES; i++)
		records[i].is_open = false;
	fli_fragments_create(
		&table, fli_mem_libc(), (fli_fragments_limits){OPEN_MAX, BYTES_MAX}, size);
	while (fli_left(&c) > 0 && step(&c) == FL_OK) {
		CHECK(table.open.count == open_count());
		CHECK(table.bytes <= BYTES_MAX);
	}
	fli_fragments_destroy(&table);
	return 0;
}
