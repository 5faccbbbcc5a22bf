/* SPDX-License-Identifier: Apache-2.0 */
/* The shortest decimal that reads back as a given binary number.
 *
 * The algorithm is that of Raffaello Giulietti, "The Schubfach way to render doubles" (2020), with
 * its notation: v = c 2^q is the number, R_v the numbers that are rounded to it, and k such that
 * multiples of 10^k in R_v are at least one and multiples of 10^(k+1) at most one or two. It needs
 * 10^-k to 126 bits, which are computed once from powers of ten as long integers: division and
 * multiplication by ten are exact there, because the floor of a floor is the floor of the quotient.
 * Process-wide state: that table. Thread class: free. */
#include "cli/values/shortest.h"

#include <pthread.h>
#include <string.h>

enum {
    POWER_MIN = -292, /* -k of the largest double */
    POWER_MAX = 324,  /* -k of the smallest */
    POWER_COUNT = POWER_MAX - POWER_MIN + 1,
    LIMB_BITS = 32,
    LIMB_COUNT = 44, /* 2^1407 > 10^324 2^126, and 10^-292 has 126 bits left of 2^1407 */
    PRECISION_BITS = 126,
    HALF_BITS = 63,
};

#define HALF_MASK ((UINT64_C(1) << HALF_BITS) - 1)

/* g = floor(10^p 2^-r) + 1 with r so that g has 126 bits, in two halves of 63. */
struct power {
    uint64_t high;
    uint64_t low;
};

static struct power powers[POWER_COUNT];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

struct long_integer {
    uint32_t limbs[LIMB_COUNT]; /* the lowest first */
};

static int bit_length(const struct long_integer *number)
{
    int top = LIMB_COUNT - 1;
    while (top > 0 && number->limbs[top] == 0) {
        top--;
    }
    return top * LIMB_BITS + LIMB_BITS - __builtin_clz(number->limbs[top] | 1u);
}

static uint64_t bit_at(const struct long_integer *number, int index)
{
    return index < 0 ? 0 : number->limbs[index / LIMB_BITS] >> (index % LIMB_BITS) & 1u;
}

/* The 126 highest bits, plus one. */
static struct power leading_bits(const struct long_integer *number)
{
    struct power power = {0, 0};
    int top = bit_length(number) - 1;
    for (int i = 0; i < HALF_BITS; i++) {
        power.high = power.high << 1 | bit_at(number, top - i);
        power.low = power.low << 1 | bit_at(number, top - HALF_BITS - i);
    }
    power.low++;
    power.high += power.low >> HALF_BITS;
    power.low &= HALF_MASK;
    return power;
}

static void multiply_by_ten(struct long_integer *number)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMB_COUNT; i++) {
        carry += (uint64_t)number->limbs[i] * 10;
        number->limbs[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

static void divide_by_ten(struct long_integer *number)
{
    uint64_t rest = 0;
    for (int i = LIMB_COUNT; i-- > 0;) {
        rest = rest << LIMB_BITS | number->limbs[i];
        number->limbs[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
}

static void make_powers(void)
{
    struct long_integer number = {{1}};
    for (int p = 0; p <= POWER_MAX; p++) {
        powers[p - POWER_MIN] = leading_bits(&number);
        multiply_by_ten(&number);
    }
    memset(&number, 0, sizeof number);
    number.limbs[LIMB_COUNT - 1] = UINT32_C(1) << (LIMB_BITS - 1);
    for (int p = -1; p >= POWER_MIN; p--) {
        divide_by_ten(&number);
        powers[p - POWER_MIN] = leading_bits(&number);
    }
}

/* floor(dividend / 2^bits) of numbers of either sign. */
static int floor_shift(int dividend, int bits)
{
    int quotient = dividend / (1 << bits);
    return dividend % (1 << bits) < 0 ? quotient - 1 : quotient;
}

/* Floors of logarithms, exact for the exponents there are (paper, section 9.9). */
static int log10_of_power_of_2(int q)
{
    return floor_shift(q * 1262611, 22);
}

static int log10_of_three_quarters_of_power_of_2(int q)
{
    return floor_shift(q * 1262611 - 524031, 22);
}

static int log2_of_power_of_10(int p)
{
    return floor_shift(p * 1741647, 19);
}

/* g cp / 2^127, rounded to odd: the last bit tells whether anything was cut off (paper, figure 8).
 */
static uint64_t multiply_round_to_odd(struct power g, uint64_t cp)
{
    unsigned __int128 x = (unsigned __int128)g.low * cp;
    unsigned __int128 y = (unsigned __int128)g.high * cp;
    uint64_t z = ((uint64_t)y >> 1) + (uint64_t)(x >> 64);
    uint64_t w = (uint64_t)(y >> 64) + (z >> HALF_BITS);
    return w | ((z & HALF_MASK) + HALF_MASK) >> HALF_BITS;
}

/* Digits of the result before zeros at its end are taken away. `*exponent` is that of the last. */
static uint64_t choose(struct cli_binary number, int *exponent)
{
    uint64_t is_odd = number.significand & 1; /* then the ends of R_v do not belong to it */
    uint64_t cb = number.significand << 2;
    int k = number.is_edge ? log10_of_three_quarters_of_power_of_2(number.exponent)
                           : log10_of_power_of_2(number.exponent);
    int h = number.exponent + log2_of_power_of_10(-k) + 2;
    struct power g = powers[-k - POWER_MIN];
    uint64_t vb = multiply_round_to_odd(g, cb << h);
    uint64_t lower = multiply_round_to_odd(g, (cb - (number.is_edge ? 1 : 2)) << h) + is_odd;
    uint64_t upper = multiply_round_to_odd(g, (cb + 2) << h) - is_odd;
    uint64_t s = vb >> 2;
    *exponent = k;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool is_lower_in = lower <= 40 * tens;
        bool is_upper_in = 40 * tens + 40 <= upper;
        if (is_lower_in != is_upper_in) {
            *exponent = k + 1;
            return is_lower_in ? tens : tens + 1;
        }
    }
    bool is_lower_in = lower <= 4 * s;
    bool is_upper_in = 4 * s + 4 <= upper;
    if (is_lower_in != is_upper_in) {
        return is_lower_in ? s : s + 1;
    }
    uint64_t middle = 4 * s + 2;
    bool is_up = vb > middle || (vb == middle && (s & 1) != 0);
    return is_up ? s + 1 : s;
}

struct cli_decimal cli_shortest(struct cli_binary number)
{
    struct cli_decimal result = {0, 0};
    (void)pthread_once(&powers_once, make_powers);
    result.digits = choose(number, &result.exponent);
    while (result.digits % 10 == 0) {
        result.digits /= 10;
        result.exponent++;
    }
    return result;
}
