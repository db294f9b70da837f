/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/samples.h"
#include "tests/support/suite.h"

#define ACCEPTED(...)                                                                              \
	is_accepted((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define FEATURES(...)                                                                              \
	features((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define U4(x) 0, 0, 0, (x)

static bool is_accepted(const uint8_t *data, size_t size)
{
	uint8_t *copy = fl_exact(data, size);
	fli_walked walked;
	bool is_ok = fli_walk(copy, size, NULL, &walked);

	CU_ASSERT(!is_ok || walked.size == size);
	free(copy);
	return is_ok;
}

static unsigned features(const uint8_t *data, size_t size)
{
	fli_walked walked = {.features = ~0u};

	CU_ASSERT_TRUE(fli_walk(data, size, NULL, &walked));
	return walked.features;
}

static void every_tag_is_measured(void)
{
	for (size_t i = 0; i < fl_sample_count; i++) {
		const fl_sample *s = &fl_samples[i];
		uint8_t *copy = fl_exact(s->data, s->size);
		fli_walked walked = {.size = 0};

		if (!fli_walk(copy, s->size, &fl_sample_refs, &walked) || walked.size != s->size ||
			walked.expanded_size != s->expanded_size) {
			CU_FAIL("a sample is not accepted or has another size");
			printf("  %s: %zu of %zu, expanded %zu of %zu\n", s->name, walked.size,
				s->size, walked.expanded_size, s->expanded_size);
		}
		free(copy);
	}
}

static void a_term_cut_anywhere_is_refused(void)
{
	for (size_t i = 0; i < fl_sample_count; i++)
		for (size_t size = 0; size < fl_samples[i].size; size++) {
			uint8_t *copy = fl_exact(fl_samples[i].data, size);
			fli_walked walked;

			CU_ASSERT_FALSE(fli_walk(copy, size, &fl_sample_refs, &walked));
			free(copy);
		}
}

static void bytes_after_the_term_are_left_alone(void)
{
	static const uint8_t two[] = {104, 1, 97, 1, 255, 255};
	fli_walked walked;

	CU_ASSERT_TRUE(fli_walk(two, sizeof two, NULL, &walked));
	CU_ASSERT_EQUAL(walked.size, 4);
}

/* Whatever is accepted must expand to something that is accepted again and holds no surprise. */
static void try_corrupted(uint8_t *data, size_t size)
{
	fli_walked walked, again;
	uint8_t *out;

	(void)fl_visit((fl_term){.data = data, .size = size});
	if (!fli_walk(data, size, &fl_sample_refs, &walked))
		return;
	CU_ASSERT(walked.size <= size);
	out = malloc(walked.expanded_size);
	fli_expand(data, &walked, &fl_sample_refs, out);
	CU_ASSERT_TRUE(fli_walk(out, walked.expanded_size, NULL, &again));
	CU_ASSERT_EQUAL(again.size, walked.expanded_size);
	CU_ASSERT_EQUAL(again.expanded_size, walked.expanded_size);
	CU_ASSERT_EQUAL(fli_term_size(out, walked.expanded_size), walked.expanded_size);
	(void)fl_visit((fl_term){.data = out, .size = walked.expanded_size});
	free(out);
}

static void any_corrupted_byte_is_survived(void)
{
	for (size_t i = 0; i < fl_sample_count; i++) {
		size_t size = fl_samples[i].size;
		uint8_t *copy = fl_exact(fl_samples[i].data, size);

		for (size_t at = 0; at < size; at++) {
			uint8_t was = copy[at];

			for (unsigned value = 0; value < 256; value++) {
				copy[at] = (uint8_t)value;
				try_corrupted(copy, size);
			}
			copy[at] = was;
		}
		free(copy);
	}
}

static void random_bytes_are_survived(void)
{
	static const uint8_t tags[] = {67, 70, 77, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103,
		104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 118, 119, 120};
	uint64_t seed = 1;

	for (int round = 0; round < 200000; round++) {
		uint8_t data[48];
		size_t size = 1 + (size_t)(round % 48);
		uint8_t *copy;

		for (size_t i = 0; i < size; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			data[i] = (seed >> 40 & 3) == 0 ? tags[(seed >> 33) % sizeof tags]
							: (uint8_t)((seed >> 50) & 3);
		}
		copy = fl_exact(data, size);
		try_corrupted(copy, size);
		free(copy);
	}
}

static void what_the_vm_refuses_is_refused(void)
{
	CU_ASSERT_FALSE(ACCEPTED(70, 127, 240, 0, 0, 0, 0, 0, 0)); /* infinity */
	CU_ASSERT_FALSE(ACCEPTED(70, 127, 248, 0, 0, 0, 0, 0, 0)); /* not a number */
	CU_ASSERT_FALSE(ACCEPTED(77, U4(1), 0, 1));                /* 0 bits */
	CU_ASSERT_FALSE(ACCEPTED(77, U4(1), 9, 1));                /* 9 bits */
	CU_ASSERT_FALSE(ACCEPTED(77, U4(0), 1));                   /* bits of no byte */
	CU_ASSERT_FALSE(ACCEPTED(80, U4(2), 120, 156));            /* compressed */
	CU_ASSERT_FALSE(ACCEPTED(117, U4(0)));                     /* FUN_EXT */
	CU_ASSERT_FALSE(ACCEPTED(121, U4(0), 97, 1));              /* LOCAL_EXT */
	CU_ASSERT_FALSE(ACCEPTED(131, 97, 1));                     /* version inside */
	CU_ASSERT_FALSE(ACCEPTED(73, 0, 0));                       /* internal references */
	CU_ASSERT_FALSE(ACCEPTED(75, 0, 0, 0));
	CU_ASSERT_FALSE(ACCEPTED(105, 128, 0, 0, 0));            /* tuple of 2^31 */
	CU_ASSERT_FALSE(ACCEPTED(108, 255, 255, 255, 255, 106)); /* more than there is */
	CU_ASSERT_FALSE(ACCEPTED(116, 128, 0, 0, 0));            /* 2n overflows 32 bits */
	CU_ASSERT_FALSE(ACCEPTED(109, 255, 255, 255, 255));
	CU_ASSERT_FALSE(ACCEPTED(111, 255, 255, 255, 255, 0));
	CU_ASSERT_FALSE(ACCEPTED(82, 0)); /* no cache here */
	CU_ASSERT_FALSE(
		ACCEPTED(90, 0, 6, 119, 1, 'a', U4(1), U4(1), U4(2), U4(3), U4(4), U4(5), U4(6)));
	CU_ASSERT_FALSE(ACCEPTED(88, 97, 1, U4(1), U4(1), U4(1))); /* a node that is no atom */
	CU_ASSERT_FALSE(ACCEPTED(113, 119, 1, 'm', 119, 1, 'f', 98, U4(1)));
	CU_ASSERT_FALSE(ACCEPTED(67, U4(0), 2, 119, 1, 'm', 119, 1, 'r'));
	CU_ASSERT_FALSE(ACCEPTED(99, 'n', 'a', 'n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

static void what_the_vm_accepts_is_accepted(void)
{
	CU_ASSERT_TRUE(ACCEPTED(98, U4(1))); /* not in its shortest form */
	CU_ASSERT_TRUE(ACCEPTED(110, 3, 0, 1, 0, 0));
	CU_ASSERT_TRUE(ACCEPTED(110, 1, 1, 0));                 /* minus zero */
	CU_ASSERT_TRUE(ACCEPTED(110, 0, 7));                    /* an odd sign */
	CU_ASSERT_TRUE(ACCEPTED(119, 3, 'a', 0, 'b'));          /* NUL in an atom */
	CU_ASSERT_TRUE(ACCEPTED(70, 128, 0, 0, 0, 0, 0, 0, 0)); /* -0.0 */
	CU_ASSERT_TRUE(ACCEPTED(77, U4(1), 3, 255));            /* dirty unused bits */
	CU_ASSERT_TRUE(ACCEPTED(105, U4(0)));
	CU_ASSERT_TRUE(ACCEPTED(108, U4(0), 108, U4(0), 106));
}

static bool is_atom_accepted(const char *bytes, size_t size)
{
	uint8_t data[2000] = {118, (uint8_t)(size >> 8), (uint8_t)size};

	memcpy(data + 3, bytes, size);
	return is_accepted(data, size + 3);
}

static void atoms_are_valid_utf8_of_at_most_255_characters(void)
{
	char text[1024];

	CU_ASSERT_FALSE(is_atom_accepted("\xff", 1));
	CU_ASSERT_FALSE(is_atom_accepted("\xc3", 1));
	CU_ASSERT_FALSE(is_atom_accepted("\xc0\x80", 2)); /* overlong */
	CU_ASSERT_FALSE(is_atom_accepted("\xe0\x80\x80", 3));
	CU_ASSERT_FALSE(is_atom_accepted("\xed\xa0\x80", 3));     /* a surrogate */
	CU_ASSERT_FALSE(is_atom_accepted("\xf4\x90\x80\x80", 4)); /* above 10FFFF */
	CU_ASSERT_TRUE(is_atom_accepted("\xf0\x9f\x98\x80", 4));
	memset(text, 'x', sizeof text);
	CU_ASSERT_TRUE(is_atom_accepted(text, 255));
	CU_ASSERT_FALSE(is_atom_accepted(text, 256));
	for (size_t i = 0; i < sizeof text; i += 4)
		memcpy(text + i, "\xf0\x9f\x98\x80", 4);
	CU_ASSERT_TRUE(is_atom_accepted(text, 1020));
	CU_ASSERT_FALSE(is_atom_accepted(text, 1024));
	CU_ASSERT_FALSE(ACCEPTED(119, 2, 'a', 0xc3));
	CU_ASSERT_FALSE(ACCEPTED(119, 1, 0x80));
}

static void features_say_what_a_destination_needs(void)
{
	CU_ASSERT_EQUAL(FEATURES(97, 1), 0);
	CU_ASSERT_EQUAL(FEATURES(67, U4(0), 1, 119, 1, 'm', 119, 1, 'r'), FLI_NEEDS_RECORDS);
	CU_ASSERT_EQUAL(FEATURES(90, 0, 3, 119, 1, 'a', U4(1), U4(1), U4(2), U4(3)), 0);
	CU_ASSERT_EQUAL(FEATURES(104, 1, 90, 0, 4, 119, 1, 'a', U4(1), U4(1), U4(2), U4(3), U4(4)),
		FLI_NEEDS_WIDE_REFS);
	CU_ASSERT_EQUAL(FEATURES(120, 119, 1, 'a', U4(0), U4(1), U4(1)), FLI_NEEDS_V4_PORTS);
	CU_ASSERT_EQUAL(FEATURES(89, 119, 1, 'a', U4(1), U4(1)), 0);
	CU_ASSERT_EQUAL(FEATURES(89, 119, 1, 'a', 16, 0, 0, 0, U4(1)), FLI_NEEDS_V4_PORTS);
	CU_ASSERT_EQUAL(FEATURES(88, 119, 1, 'a', 0, 0, 0x7f, 0xff, 0, 0, 0x1f, 0xff, U4(1)), 0);
	CU_ASSERT_EQUAL(
		FEATURES(88, 119, 1, 'a', 0, 0, 0x80, 0, U4(0), U4(1)), FLI_NEEDS_WIDE_PIDS);
	CU_ASSERT_EQUAL(
		FEATURES(88, 119, 1, 'a', U4(1), 0, 0, 0x20, 0, U4(1)), FLI_NEEDS_WIDE_PIDS);
}

/* A peer of old may use the old tags; what they become needs what the new ones need. */
static void old_tags_need_what_they_become(void)
{
	CU_ASSERT_EQUAL(FEATURES(102, 119, 1, 'a', U4(1), 1), 0);
	CU_ASSERT_EQUAL(FEATURES(102, 119, 1, 'a', 16, 0, 0, 0, 1), FLI_NEEDS_V4_PORTS);
	CU_ASSERT_EQUAL(FEATURES(103, 119, 1, 'a', 0, 0, 0x7f, 0xff, 0, 0, 0x1f, 0xff, 1), 0);
	CU_ASSERT_EQUAL(FEATURES(103, 119, 1, 'a', 0, 0, 0x80, 0, U4(0), 1), FLI_NEEDS_WIDE_PIDS);
	CU_ASSERT_EQUAL(FEATURES(103, 119, 1, 'a', U4(1), 0, 0, 0x20, 0, 1), FLI_NEEDS_WIDE_PIDS);
}

static void a_million_levels_are_walked_and_expanded(void)
{
	enum { DEPTH = 1000000 };
	size_t size = 2 * DEPTH + 2;
	uint8_t *data = malloc(size), *out = malloc(size + 1);
	fli_refs refs = fl_sample_refs;
	fli_walked walked;

	for (size_t i = 0; i < DEPTH; i++) {
		data[2 * i] = 104;
		data[2 * i + 1] = 1;
	}
	data[size - 2] = 82;
	data[size - 1] = 0;
	CU_ASSERT_TRUE(fli_walk(data, size, &refs, &walked));
	CU_ASSERT_EQUAL(walked.expanded_size, size + 1);
	fli_expand(data, &walked, &refs, out);
	CU_ASSERT_EQUAL(fli_term_size(out, size + 1), size + 1);
	CU_ASSERT_EQUAL(fl_visit((fl_term){.data = out, .size = size + 1}) > 0, true);
	free(data);
	free(out);
}

static void sizes_of_several_terms_add_up(void)
{
	static const uint8_t data[] = {97, 1, 104, 2, 97, 1, 106, 106};
	size_t size = 99;

	CU_ASSERT_TRUE(fli_terms_size(data, sizeof data, 0, &size));
	CU_ASSERT_EQUAL(size, 0);
	CU_ASSERT_TRUE(fli_terms_size(data, sizeof data, 2, &size));
	CU_ASSERT_EQUAL(size, 7);
	CU_ASSERT_TRUE(fli_terms_size(data, sizeof data, 3, &size));
	CU_ASSERT_EQUAL(size, 8);
	CU_ASSERT_FALSE(fli_terms_size(data, sizeof data, 4, &size));
	CU_ASSERT_EQUAL(fli_term_size(data, 1), 0);
	CU_ASSERT_EQUAL(fli_term_size(data, 0), 0);
}

#define IMPOSSIBLE(...)                                                                            \
	impossible((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool impossible(const uint8_t *data, size_t size)
{
	const fli_whose whose = {{"a", 1}, 7};
	uint8_t *copy = fl_exact(data, size);
	fli_walked walked = {.features = 0};

	CU_ASSERT_TRUE(fli_walk_for(copy, size, &whose, &walked));
	free(copy);
	return (walked.features & FLI_IS_IMPOSSIBLE) != 0;
}

static void an_identifier_that_its_own_node_never_made_is_noted(void)
{
	CU_ASSERT_FALSE(IMPOSSIBLE(88, 119, 1, 'a', 15, 255, 255, 255, U4(0), U4(7)));
	CU_ASSERT_TRUE(IMPOSSIBLE(88, 119, 1, 'a', 16, 0, 0, 0, U4(0), U4(7)));
	CU_ASSERT_TRUE(IMPOSSIBLE(104, 1, 88, 118, 0, 1, 'a', 16, 0, 0, 0, U4(0), U4(7)));
	CU_ASSERT_FALSE(IMPOSSIBLE(88, 119, 1, 'a', 16, 0, 0, 0, U4(0), U4(8)));
	CU_ASSERT_FALSE(IMPOSSIBLE(88, 119, 1, 'b', 16, 0, 0, 0, U4(0), U4(7)));
	CU_ASSERT_FALSE(IMPOSSIBLE(90, 0, 1, 119, 1, 'a', U4(7), 0, 3, 255, 255));
	CU_ASSERT_TRUE(IMPOSSIBLE(90, 0, 1, 119, 1, 'a', U4(7), 0, 4, 0, 0));
	CU_ASSERT_TRUE(IMPOSSIBLE(90, 0, 0, 119, 1, 'a', U4(7)));
	CU_ASSERT_FALSE(IMPOSSIBLE(90, 0, 0, 119, 1, 'a', U4(8)));
	CU_ASSERT_FALSE(IMPOSSIBLE(120, 119, 1, 'a', 15, 0, 0, 0, U4(0), U4(7)));
	CU_ASSERT_TRUE(IMPOSSIBLE(120, 119, 1, 'a', 16, 0, 0, 0, U4(0), U4(7)));
}

FL_SUITE("walk", FL_TEST(every_tag_is_measured), FL_TEST(a_term_cut_anywhere_is_refused),
	FL_TEST(bytes_after_the_term_are_left_alone), FL_TEST(any_corrupted_byte_is_survived),
	FL_TEST(random_bytes_are_survived), FL_TEST(what_the_vm_refuses_is_refused),
	FL_TEST(what_the_vm_accepts_is_accepted),
	FL_TEST(atoms_are_valid_utf8_of_at_most_255_characters),
	FL_TEST(features_say_what_a_destination_needs), FL_TEST(old_tags_need_what_they_become),
	FL_TEST(an_identifier_that_its_own_node_never_made_is_noted),
	FL_TEST(a_million_levels_are_walked_and_expanded), FL_TEST(sizes_of_several_terms_add_up));
