/* SPDX-License-Identifier: Apache-2.0 */
/* A budget, alone and used up. */
#include "base/budget.h"
#include "test.h"

/* Goal: no more than the maximum is given out, whatever is asked for; what comes back can be taken
 * again; without a budget there is no end. */
TEST(budget, gives_out_what_there_is)
{
    struct cfl_budget budget;
    cfl_budget_init(&budget, 100);
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
