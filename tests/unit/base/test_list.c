/* SPDX-License-Identifier: Apache-2.0 */
/* The intrusive list. */
#include "base/list.h"

#include "test.h"

struct item {
    int number;
    struct cfl_list link;
};

/* Goal: first in, first out, and the entry is found from its link. Method: three items. */
TEST(list, items_come_out_in_the_order_they_went_in)
{
    struct cfl_list head;
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    cfl_list_init(&head);
    assert_true(cfl_list_is_empty(&head));
    assert_null(cfl_list_take_first(&head));
    for (size_t i = 0; i < 3; i++) {
        assert_false(cfl_list_is_linked(&items[i].link));
        cfl_list_append(&head, &items[i].link);
        assert_true(cfl_list_is_linked(&items[i].link));
    }
    for (int number = 1; number <= 3; number++) {
        struct cfl_list *link = cfl_list_take_first(&head);
        assert_int_equal(CFL_LIST_ENTRY(link, struct item, link)->number, number);
        assert_false(cfl_list_is_linked(link));
    }
    assert_true(cfl_list_is_empty(&head));
}

/* Goal: removal works anywhere, twice, and on a node in no list. Method: the middle of three. */
TEST(list, removal_is_safe_to_repeat)
{
    struct cfl_list head;
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    cfl_list_init(&head);
    cfl_list_remove(&items[0].link);
    for (size_t i = 0; i < 3; i++) {
        cfl_list_append(&head, &items[i].link);
    }
    cfl_list_remove(&items[1].link);
    cfl_list_remove(&items[1].link);
    assert_ptr_equal(cfl_list_take_first(&head), &items[0].link);
    assert_ptr_equal(cfl_list_take_first(&head), &items[2].link);
    assert_true(cfl_list_is_empty(&head));
    cfl_list_append(&head, &items[1].link);
    assert_ptr_equal(cfl_list_take_first(&head), &items[1].link);
}
