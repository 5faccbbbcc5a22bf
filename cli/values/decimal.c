/* SPDX-License-Identifier: Apache-2.0 */
/* Decimals, exactly: the integer is divided by 10^9 again and again, in 32-bit limbs. */

#include "cli/values/value.h"

enum {
    LIMBS_MAX = 8,
    GROUP_DIGITS = 9,
    GROUP_VALUE = 1000000000,
    DIGITS_MAX = 81, /* 2^256 has 78; whole groups */
    SCALE_MAX = 76,
};

/* Loads a two's complement integer as sign and magnitude; returns whether it is negative. */
static bool load_magnitude(const uint8_t *bytes, size_t limb_count, uint32_t *limbs)
{
    for (size_t i = 0; i < limb_count; i++) {
        limbs[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 |
                   (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
    }
    bool is_negative = limbs[limb_count - 1] >> 31 != 0;
    uint64_t carry = 1;
    for (size_t i = 0; is_negative && i < limb_count; i++) {
        carry += (uint32_t)~limbs[i];
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return is_negative;
}

/* Divides by GROUP_VALUE in place and returns the rest. */
static uint32_t divide_by_group(uint32_t *limbs, size_t limb_count)
{
    uint64_t rest = 0;
    for (size_t i = limb_count; i-- > 0;) {
        uint64_t dividend = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(dividend / GROUP_VALUE);
        rest = dividend % GROUP_VALUE;
    }
    return (uint32_t)rest;
}

static bool is_zero(const uint32_t *limbs, size_t limb_count)
{
    for (size_t i = 0; i < limb_count; i++) {
        if (limbs[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Writes the digits to the end of `digits`, without leading zeros; returns how many (at least one).
 */
static size_t make_digits(uint32_t *limbs, size_t limb_count, char *digits)
{
    size_t start = DIGITS_MAX;
    do {
        uint32_t group = divide_by_group(limbs, limb_count);
        for (int i = 0; i < GROUP_DIGITS; i++) {
            digits[--start] = (char)('0' + group % 10);
            group /= 10;
        }
    } while (!is_zero(limbs, limb_count));
    while (start < DIGITS_MAX - 1 && digits[start] == '0') {
        start++;
    }
    return DIGITS_MAX - start;
}

void cli_decimal_append(struct cli_text *text, const void *value, size_t size_bytes, int32_t scale)
{
    uint32_t limbs[LIMBS_MAX] = {0};
    char digits[DIGITS_MAX];
    size_t limb_count = size_bytes / sizeof limbs[0];
    if (load_magnitude(value, limb_count, limbs)) {
        cli_text_append_char(text, '-');
    }
    size_t count = make_digits(limbs, limb_count, digits);
    const char *first = digits + DIGITS_MAX - count;
    if (scale < 0 || scale > SCALE_MAX) {
        cli_text_append(text, first, count);
        cli_text_append_format(text, "E%+lld", -(long long)scale);
        return;
    }
    size_t fraction_count = (size_t)scale;
    if (count <= fraction_count) {
        cli_text_append_char(text, '0');
    } else {
        cli_text_append(text, first, count - fraction_count);
    }
    if (fraction_count == 0) {
        return;
    }
    cli_text_append_char(text, '.');
    if (count < fraction_count) {
        cli_text_append_repeated(text, '0', fraction_count - count);
        cli_text_append(text, first, count);
    } else {
        cli_text_append(text, first + count - fraction_count, fraction_count);
    }
}
