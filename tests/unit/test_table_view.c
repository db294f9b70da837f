/* SPDX-License-Identifier: Apache-2.0 */
/* Many keys in one section; under writers they are in test_table_threads.c. */
#include <flitch.h>

#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static bool is_seen;

/* Keys that are there and keys that are not, over more than a window. */
static void look_at_many(fl_tab tab)
{
	int64_t keys[200], value;
	fl_term objects[200], terms[200];
	fl_buf bufs[200];
	fl_view view;

	for (int i = 0; i < 200; i++) {
		keys[i] = i % 2 == 0 ? (int64_t)i * i * i * i * i * (i % 4 - 1) : -7 * i - 1;
		bufs[i] = (fl_buf)FL_BUF_INIT;
		(void)fl_build(&bufs[i], "~", keys[i]);
		terms[i] = fl_buf_term(&bufs[i]);
		if (i % 2 == 0)
			CU_ASSERT_EQUAL(fl_table_insert(tab, "{~, ~}", keys[i], i), FL_OK);
	}
	CU_ASSERT_EQUAL(fl_view_begin(tab, &view), FL_OK);
	CU_ASSERT_EQUAL(fl_view_get_many(&view, terms, 200, objects), 100);
	CU_ASSERT_EQUAL(fl_view_get_ints(&view, keys, 200, objects), 100);
	CU_ASSERT_EQUAL(fl_view_get_ints(&view, keys, 0, objects), 0);
	CU_ASSERT_EQUAL(fl_table_delete_all(tab), FL_OK);
	for (int i = 0; i < 200; i++) {
		CU_ASSERT_EQUAL(objects[i].data != NULL, i % 2 == 0);
		if (objects[i].data != NULL)
			CU_ASSERT_TRUE(fl_match(objects[i], "{_, ~}", &value) && value == i);
		fl_buf_free(&bufs[i]);
	}
	CU_ASSERT_EQUAL(fl_view_get(&view, keys[2], &objects[0]), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_table_insert(tab, "{~, again}", keys[2]), FL_OK);
	CU_ASSERT_EQUAL(fl_view_get(&view, keys[2], &objects[0]), FL_OK);
	CU_ASSERT_TRUE(fl_match(objects[0], "{_, again}"));
	fl_view_end(&view);
}

static int on_view(fl_proc *self, void *state, fl_term message)
{
	fl_view view;
	fl_tab tab;

	(void)state;
	(void)message;
	for (int type = FL_TABLE_SET; type <= FL_TABLE_ORDERED_SET; type++) {
		fl_table_options options = {.type = (fl_table_type)type};

		CU_ASSERT_EQUAL(fl_table_new(self, "v", &options, &tab), FL_OK);
		look_at_many(tab);
		CU_ASSERT_EQUAL(fl_table_delete(self, tab), FL_OK);
		CU_ASSERT_EQUAL(fl_view_begin(tab, &view), FL_ECLOSED);
	}
	CU_ASSERT_EQUAL(
		fl_table_new(self, "v", &(fl_table_options){.type = FL_TABLE_BAG}, &tab), FL_OK);
	CU_ASSERT_EQUAL(fl_view_begin(tab, &view), FL_EINVAL);
	is_seen = true;
	return FL_OK;
}

static void many_keys_are_looked_up_in_one_section(void)
{
	static const fl_behaviour viewer = {.name = "viewer", .info = on_view};

	world_open(&w, fli_mem_libc());
	(void)world_start(&w, &viewer, "viewer", NULL);
	world_send(&w, "viewer", "go");
	world_settle(&w);
	CU_ASSERT_TRUE(is_seen);
	world_close(&w);
}

FL_SUITE("table_view", FL_TEST(many_keys_are_looked_up_in_one_section));
