/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of those who upload. */
#include <stdio.h>

#include "cli/serve/quota.h"
#include "test.h"

/* Goal: an upload that fails leaves nothing behind, whoever began it.
 * Method: more callers than anybody has, each of whom takes a little, or more than he may. */
TEST(serve_quota, who_stores_nothing_is_not_remembered)
{
    enum { CALLERS = 1000 };
    struct cli_quota quota = {.user_bytes_max = 100};
    cflight_error *error = NULL;
    CHECK_OK(cli_quota_init(&quota, &error), error);
    for (int i = 0; i < CALLERS; i++) {
        struct cli_quota_share share = {.bytes = 0};
        (void)snprintf(share.user, sizeof share.user, "peer %d", i);
        uint64_t len_bytes = i % 2 == 0 ? 100 : 101;
        CHECK_STATUS(cli_quota_take(&quota, &share, len_bytes, 0, NULL),
                     i % 2 == 0 ? CFLIGHT_OK : CFLIGHT_RESOURCE_EXHAUSTED);
        cli_quota_give_back(&quota, &share);
    }
    assert_int_equal(quota.locked.user_count, 0);
    assert_int_equal(quota.locked.pending_bytes, 0);
    cli_quota_done(&quota);
}

/* Goal: who stores something is remembered until it is replaced by what is another's.
 * Method: two callers, one of whom stores. */
TEST(serve_quota, who_stores_something_is_remembered)
{
    struct cli_quota quota = {.user_bytes_max = 100};
    struct cli_quota_share first = {.user = "peer 1"};
    struct cli_quota_share second = {.user = "peer 2"};
    cflight_error *error = NULL;
    CHECK_OK(cli_quota_init(&quota, &error), error);
    CHECK_OK(cli_quota_take(&quota, &first, 60, 1, &error), error);
    CHECK_OK(cli_quota_take(&quota, &second, 60, 1, &error), error);
    cli_quota_commit(&quota, &first, -1);
    cli_quota_give_back(&quota, &first);
    cli_quota_give_back(&quota, &second);
    assert_int_equal(quota.locked.user_count, 1);
    CHECK_STATUS(cli_quota_take(&quota, &first, 60, 1, NULL), CFLIGHT_RESOURCE_EXHAUSTED);
    cli_quota_done(&quota);
}
