/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/list.h"

#include "tests/support/suite.h"

static void links_come_out_in_the_order_they_went_in(void)
{
	fli_link head, a, b, c;

	fli_list_create(&head);
	CU_ASSERT_TRUE(fli_list_is_empty(&head));
	CU_ASSERT_PTR_NULL(fli_list_pop(&head));
	fli_list_append(&head, &a);
	fli_list_append(&head, &b);
	fli_list_append(&head, &c);
	CU_ASSERT_EQUAL(fli_list_pop(&head), &a);
	CU_ASSERT_EQUAL(fli_list_pop(&head), &b);
	CU_ASSERT_EQUAL(fli_list_pop(&head), &c);
	CU_ASSERT_TRUE(fli_list_is_empty(&head));
}

static void removing_twice_does_no_harm(void)
{
	fli_link head, a, b;

	fli_list_create(&head);
	fli_list_append(&head, &a);
	fli_list_append(&head, &b);
	fli_list_remove(&a);
	fli_list_remove(&a);
	CU_ASSERT(head.next == &b && head.prev == &b && a.next == &a);
	fli_list_remove(&b);
	CU_ASSERT_TRUE(fli_list_is_empty(&head));
}

FL_SUITE("list", FL_TEST(links_come_out_in_the_order_they_went_in),
	FL_TEST(removing_twice_does_no_harm));
