/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/atoms.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/suite.h"

static fl_atoms *table_of(size_t count_max)
{
	return fli_atoms_new(fli_mem_libc(), 42, count_max);
}

static void the_same_text_is_the_same_pointer(void)
{
	fl_atoms *atoms = table_of(10);
	char copy[] = "app1@host";
	fl_atom a, b;

	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "app1@host", 9, &a));
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, copy, 9, &b));
	CU_ASSERT(a.text == b.text && a.size == 9 && a.text != copy);
	CU_ASSERT_EQUAL(fli_atoms_count(atoms), 1);
	fli_atoms_delete(atoms);
}

static void finding_never_adds(void)
{
	fl_atoms *atoms = table_of(10);
	fl_atom a, b;

	CU_ASSERT_FALSE(fli_atoms_find(atoms, "x", 1, &a));
	CU_ASSERT_EQUAL(fli_atoms_count(atoms), 0);
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "x", 1, &a));
	CU_ASSERT_TRUE(fli_atoms_find(atoms, "x", 1, &b));
	CU_ASSERT_EQUAL(a.text, b.text);
	fli_atoms_delete(atoms);
}

static void the_quota_refuses_new_texts_and_keeps_old_ones(void)
{
	fl_atoms *atoms = table_of(2);
	fl_atom a;

	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "a", 1, &a));
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "b", 1, &a));
	CU_ASSERT_FALSE(fli_atoms_intern(atoms, "c", 1, &a));
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "a", 1, &a));
	CU_ASSERT_EQUAL(fli_atoms_count(atoms), 2);
	fli_atoms_delete(atoms);
}

static void only_what_may_be_an_atom_is_interned(void)
{
	fl_atoms *atoms = table_of(10);
	char text[256];
	fl_atom a;

	memset(text, 'x', sizeof text);
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, text, 255, &a));
	CU_ASSERT_FALSE(fli_atoms_intern(atoms, text, 256, &a));
	CU_ASSERT_FALSE(fli_atoms_intern(atoms, "\xff", 1, &a));
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "", 0, &a));
	CU_ASSERT_TRUE(fli_atoms_intern(atoms, "a\0b", 3, &a));
	CU_ASSERT_EQUAL(a.size, 3);
	fli_atoms_delete(atoms);
}

enum { MANY = 5000 };

static void texts_keep_their_place_while_the_table_grows(void)
{
	fl_atoms *atoms = table_of(MANY);
	static fl_atom kept[MANY];
	char text[16];
	fl_atom a;

	for (int i = 0; i < MANY; i++) {
		int size = snprintf(text, sizeof text, "atom%d", i);

		CU_ASSERT_TRUE(fli_atoms_intern(atoms, text, (size_t)size, &kept[i]));
	}
	for (int i = 0; i < MANY; i++) {
		int size = snprintf(text, sizeof text, "atom%d", i);

		CU_ASSERT_TRUE(fli_atoms_find(atoms, text, (size_t)size, &a));
		CU_ASSERT_EQUAL(a.text, kept[i].text);
	}
	fli_atoms_delete(atoms);
}

static void *intern_all(void *arg)
{
	fl_atoms *atoms = arg;
	char text[16];
	fl_atom a, b;
	size_t wrong = 0;

	for (int i = 0; i < MANY; i++) {
		size_t size = (size_t)snprintf(text, sizeof text, "atom%d", i);

		wrong += !fli_atoms_intern(atoms, text, size, &a) ||
			 !fli_atoms_find(atoms, text, size, &b) || a.text != b.text ||
			 memcmp(a.text, text, size) != 0;
	}
	return (void *)wrong;
}

static void threads_agree_on_every_text(void)
{
	fl_atoms *atoms = table_of(MANY);
	pthread_t threads[4];
	void *wrong;

	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, intern_all, atoms), 0);
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(pthread_join(threads[i], &wrong), 0);
		CU_ASSERT_PTR_NULL(wrong);
	}
	CU_ASSERT_EQUAL(fli_atoms_count(atoms), MANY);
	fli_atoms_delete(atoms);
}

static void lack_of_memory_loses_nothing_that_was_there(void)
{
	bool was_hit = true;

	for (long n = 1; was_hit; n++) {
		fli_fault fault;
		fl_atoms *atoms;
		size_t added = 0;
		char text[16];
		fl_atom a;

		fli_fault_create(&fault, n);
		atoms = fli_atoms_new(&fault.mem, 1, 1000);
		CU_ASSERT(atoms != NULL || fault.was_hit);
		for (int i = 0; atoms != NULL && i < 200; i++)
			added += fli_atoms_intern(
				atoms, text, (size_t)snprintf(text, sizeof text, "a%d", i), &a);
		was_hit = fault.was_hit;
		if (atoms != NULL) {
			CU_ASSERT_EQUAL(added, was_hit ? 199 : 200);
			CU_ASSERT_EQUAL(fli_atoms_count(atoms), added);
		}
		fli_atoms_delete(atoms);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
}

FL_SUITE("atoms", FL_TEST(the_same_text_is_the_same_pointer), FL_TEST(finding_never_adds),
	FL_TEST(the_quota_refuses_new_texts_and_keeps_old_ones),
	FL_TEST(only_what_may_be_an_atom_is_interned),
	FL_TEST(texts_keep_their_place_while_the_table_grows), FL_TEST(threads_agree_on_every_text),
	FL_TEST(lack_of_memory_loses_nothing_that_was_there));
