/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns against any bytes, with captures and pins of every type.
 *
 * The input: a pattern of the table below by its number, or 255 and the pattern's text; a number,
 * which chooses the types of the slots; one more, whether the bytes that follow are the term or
 * make it grow. Nothing is written by a match that fails, and what was captured can be built and
 * compared again.
 */
#include <string.h>

#include "node/term/pattern.h"
#include "tests/fuzz/fuzz.h"

enum { TYPES = FL_SLOT_TERM + 1, PATTERN_MAX = 128, POISON = 0x5a };

static const char *const patterns[] = {"~", "{~}", "{~, ~}", "[~]", "[~ | ~]", "[~, ~ | _]",
	"{ok, ~}", "{~, _, ~}", "#{a => ~}", "#{ok => ~, error => _}", "#{1 => ~, \"x\" => ~}",
	"{'$gen_call', {~, ~}, ~}", "{_, [~, ~], #{}}", "[{~, ~} | ~]", "\"text\"", "<<\"text\">>",
	"1.5", "-12", "16#ff", "$a", "[]", "{}", "_", "ok", "'Elixir.Foo'", "^", "{^, ~}", "[^, ^]",
	"#{^ => ~}", "[[[~]]]", "{{{~}, ~}, ~}", "[~, ~, ~, ~]", "[1, 2 | ~]", "[97 | _]", "{_}",
	"#{}", "#{#{} => ~}", "#{[] => ~, {} => ~}", "{\"a\", <<\"b\">>, ~}"};

typedef union cell {
	int64_t i;
	double d;
	bool b;
	fl_bin bin;
	fl_atom atom;
	fl_pid pid;
	fl_ref ref;
	fl_port port;
	fl_text text;
	fl_term term;
	uint8_t bytes[64];
} cell;

typedef struct trial {
	char pattern[PATTERN_MAX + 1];
	size_t count;
	fl_slot slots[FLI_PATTERN_SLOTS_MAX];
	cell cells[FLI_PATTERN_SLOTS_MAX];
	bool is_pin[FLI_PATTERN_SLOTS_MAX];
} trial;

static void read_pattern(trial *t, fli_cursor *c)
{
	uint8_t number = grow_byte(c);

	memset(t, 0, sizeof *t);
	if (number == 255) {
		fl_bin text = grow_bytes(c, PATTERN_MAX);

		if (text.size > 0)
			memcpy(t->pattern, text.data, text.size);
		return;
	}
	strcpy(t->pattern, patterns[number % (sizeof patterns / sizeof *patterns)]);
}

static void fill_pin(cell *cell, fl_slot_type type, uint8_t choice)
{
	static const uint8_t one[] = {97, 1};

	memset(cell, 0, sizeof *cell);
	switch (type) {
	case FL_SLOT_DOUBLE: cell->d = choice; break;
	case FL_SLOT_BOOL: cell->b = (choice & 1) != 0; break;
	case FL_SLOT_BIN: cell->bin = (fl_bin){"text", choice & 3}; break;
	case FL_SLOT_ATOM: cell->atom = (fl_atom){"ok", choice & 1 ? 2 : 1}; break;
	case FL_SLOT_PID: cell->pid.node = fl_atom_of(FUZZ_OWN); break;
	case FL_SLOT_REF:
		cell->ref = (fl_ref){.node = fl_atom_of(FUZZ_PEER), .count = 1 + choice % 5};
		break;
	case FL_SLOT_PORT: cell->port.node = fl_atom_of(FUZZ_PEER); break;
	case FL_SLOT_TEXT: cell->text.term = (fl_term){.data = one, .size = 2}; break;
	case FL_SLOT_TERM: cell->term = (fl_term){.data = one, .size = 2}; break;
	default: cell->i = choice; break;
	}
}

/* A slot for each sign; those inside of quotes are too many, which must not matter. */
static void read_slots(trial *t, fli_cursor *c)
{
	uint8_t seed = grow_byte(c);

	for (const char *p = t->pattern; *p != '\0' && t->count < FLI_PATTERN_SLOTS_MAX; p++) {
		fl_slot_type type = (fl_slot_type)((seed + 5 * t->count) % TYPES);

		if (*p != '~' && *p != '^')
			continue;
		t->is_pin[t->count] = *p == '^';
		memset(&t->cells[t->count], POISON, sizeof(cell));
		if (*p == '^')
			fill_pin(&t->cells[t->count], type, seed);
		t->slots[t->count] = (fl_slot){type, &t->cells[t->count]};
		t->count++;
	}
}

static bool is_untouched(const cell *cell)
{
	for (size_t i = 0; i < sizeof cell->bytes; i++) {
		if (cell->bytes[i] != POISON)
			return false;
	}
	return true;
}

static bool is_within(const void *at, size_t size, fl_term term)
{
	const uint8_t *bytes = at;

	/* The element of a string stands elsewhere: two bytes of a table. */
	return size <= 2 || (bytes >= term.data && bytes + size <= term.data + term.size);
}

static void check_text(const fl_text *text)
{
	uint8_t *bytes = malloc(text->size + 1);

	CHECK(bytes != NULL);
	CHECK(fl_text_copy(*text, bytes, text->size) == text->size);
	CHECK(fl_text_string(*text, (char *)bytes, text->size + 1) == text->size);
	free(bytes);
}

static void check_cell(const cell *cell, fl_slot_type type, fl_term term)
{
	fl_value value = {.type = type};
	fl_buf built = FL_BUF_INIT;

	CHECK(!is_untouched(cell) || type <= FL_SLOT_DOUBLE);
	if (type == FL_SLOT_BIN)
		CHECK(is_within(cell->bin.data, cell->bin.size, term));
	if (type == FL_SLOT_TEXT)
		check_text(&cell->text);
	if (type != FL_SLOT_TERM)
		return;
	CHECK(is_within(cell->term.data, cell->term.size, term));
	value.as.term = cell->term;
	if (fl_build_values(&built, "~", &value, 1) == FL_OK)
		CHECK(fl_equal(fl_buf_term(&built), cell->term));
	fl_buf_free(&built);
}

static void try_it(trial *t, fl_term term)
{
	bool fits = fl_match_slots(term, t->pattern, t->slots, t->count);
	const char *wrong = fli_pattern_check(t->pattern, true, t->count);

	CHECK(!fits || wrong == NULL);
	for (size_t i = 0; i < t->count; i++) {
		if (t->is_pin[i])
			continue;
		if (fits)
			check_cell(&t->cells[i], t->slots[i].type, term);
		else
			CHECK(is_untouched(&t->cells[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static trial t;
	fli_cursor c = fli_cursor_make(data, size);
	fli_buf grown;
	uint8_t *bytes;

	read_pattern(&t, &c);
	read_slots(&t, &c);
	fli_buf_create(&grown, fli_mem_libc(), 0);
	if ((grow_byte(&c) & 1) != 0)
		grow_term(&c, &grown);
	else
		fli_buf_add(&grown, c.at, fli_left(&c));
	bytes = fuzz_copy(grown.data, grown.size);
	try_it(&t, (fl_term){.data = bytes, .size = grown.size});
	free(bytes);
	fli_buf_destroy(&grown);
	return 0;
}
