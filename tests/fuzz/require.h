/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_REQUIRE_H
#define CFLIGHT_TESTS_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>

/* Ends the process when it does not hold. */
static inline void t_fuzz_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

#endif /* CFLIGHT_TESTS_REQUIRE_H */
