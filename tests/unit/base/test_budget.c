/* SPDX-License-Identifier: Apache-2.0 */
/* A budget, alone and used up. */
#include "base/budget.h"
#include "test.h"

/* Goal: no more than the maximum is given out, whatever is asked for; what comes back can be taken
 * again; without a budget there is no end. */
TEST(budget, gives_out_what_there_is)
{
    struct cfl_budget budget;
    cfl_budget_init(&budget, NULL, 100);
    assert_true(cfl_budget_take(&budget, 60));
    assert_true(cfl_budget_take(&budget, 40));
    assert_false(cfl_budget_take(&budget, 1));
    assert_false(cfl_budget_take(&budget, UINT64_MAX));
    assert_true(cfl_budget_take(&budget, 0));
    cfl_budget_give_back(&budget, 60);
    assert_false(cfl_budget_take(&budget, 61));
    assert_true(cfl_budget_take(&budget, 60));
    assert_true(cfl_budget_take(NULL, UINT64_MAX));
    cfl_budget_give_back(NULL, 1);
}

/* Goal: a share bounds its holder, and counts in the whole that it is a share of.
 * Method: take more than the share, then more than the whole has left. */
TEST(budget, a_share_takes_from_the_whole)
{
    struct cfl_budget whole;
    struct cfl_budget share;
    struct cfl_budget other;
    cfl_budget_init(&whole, NULL, 100);
    cfl_budget_init(&share, &whole, 60);
    cfl_budget_init(&other, &whole, 60);
    assert_false(cfl_budget_take(&share, 61));
    assert_true(cfl_budget_take(&share, 60));
    assert_false(cfl_budget_take(&other, 41));
    assert_true(cfl_budget_take(&other, 40));
    cfl_budget_give_back(&share, 60);
    assert_true(cfl_budget_take(&other, 20));
    cfl_budget_give_back(&other, 60);
    assert_true(cfl_budget_take(&whole, 100));
}
