/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_SHORTEST_H
#define CFLIGHT_CLI_VALUES_SHORTEST_H

#include <stdbool.h>
#include <stdint.h>

/* A positive decimal number: digits times ten to the power of exponent. The last digit is not 0. */
struct cli_decimal {
    uint64_t digits;
    int exponent;
};

/* A positive binary floating-point number: `significand` times two to the power of `exponent`. */
struct cli_binary {
    uint64_t significand; /* of at most 53 bits, not 0 */
    int exponent;         /* -1074 to 971 */
    bool is_edge;         /* the number below is half as far away as the number above */
};

/* The shortest decimal that is nearer to `number` than to its neighbours, and of these the one that
 * is nearest to it. Thread class: free. */
struct cli_decimal cli_shortest(struct cli_binary number);

#endif /* CFLIGHT_CLI_VALUES_SHORTEST_H */
