/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text.
 *
 * Floats are printed with the fewest digits that read back as the same value (shortest.h).
 * Whole numbers are printed in full as long as the type holds all of them; beyond, and for small
 * numbers, the text has an exponent where printf would give one for "%g" with as many digits as the
 * type is sure to hold. */
#include <string.h>

#include "cli/values/shortest.h"
#include "cli/values/value.h"

enum { INTEGER_DIGITS_MAX = 20, FIXED_EXPONENT_MIN = -4 };

/* A binary floating-point type (IEEE 754). */
struct float_format {
    int fraction_bits;
    int exponent_min;   /* of the last bit of the smallest numbers */
    int digits_min;     /* digits that any number of the type keeps */
    uint64_t whole_max; /* whole numbers up to here are printed in full */
};

static const struct float_format float64_format = {52, -1074, 15, UINT64_C(1000000000000000)};
static const struct float_format float32_format = {23, -149, 6, 16777216};
static const struct float_format float16_format = {10, -24, 1, 65504};

void cli_number_append_uint64(struct cli_text *text, uint64_t value)
{
    char digits[INTEGER_DIGITS_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    cli_text_append(text, digits + start, sizeof digits - start);
}

void cli_number_append_int64(struct cli_text *text, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        cli_text_append_char(text, '-');
        magnitude = 0 - magnitude;
    }
    cli_number_append_uint64(text, magnitude);
}

/* The digits of a number, without zeros in front. @return how many */
static size_t make_digits(uint64_t number, char digits[INTEGER_DIGITS_MAX])
{
    char reversed[INTEGER_DIGITS_MAX];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        digits[i] = reversed[count - 1 - i];
    }
    return count;
}

/* "1.25e-07": at least two digits of the exponent. */
static void append_with_exponent(struct cli_text *text, const char *digits, size_t count,
                                 int exponent)
{
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    cli_text_append(text, digits, 1);
    if (count > 1) {
        cli_text_append_char(text, '.');
        cli_text_append(text, digits + 1, count - 1);
    }
    cli_text_append_string(text, exponent < 0 ? "e-" : "e+");
    if (magnitude < 10) {
        cli_text_append_char(text, '0');
    }
    cli_number_append_uint64(text, magnitude);
}

/* `exponent` is that of the first digit. */
static void append_fixed(struct cli_text *text, const char *digits, size_t count, int exponent)
{
    if (exponent < 0) {
        cli_text_append_string(text, "0.");
        cli_text_append_repeated(text, '0', (size_t)(-exponent - 1));
        cli_text_append(text, digits, count);
        return;
    }
    size_t whole_count = (size_t)exponent + 1;
    if (whole_count < count) {
        cli_text_append(text, digits, whole_count);
        cli_text_append_char(text, '.');
        cli_text_append(text, digits + whole_count, count - whole_count);
        return;
    }
    cli_text_append(text, digits, count);
    cli_text_append_repeated(text, '0', whole_count - count);
    cli_text_append_string(text, ".0");
}

static void append_decimal(struct cli_text *text, struct cli_decimal decimal, int digits_min)
{
    char digits[INTEGER_DIGITS_MAX];
    size_t count = make_digits(decimal.digits, digits);
    int exponent = decimal.exponent + (int)count - 1;
    int precision = (int)count > digits_min ? (int)count : digits_min;
    if (exponent < FIXED_EXPONENT_MIN || exponent >= precision) {
        append_with_exponent(text, digits, count, exponent);
    } else {
        append_fixed(text, digits, count, exponent);
    }
}

/* Appends a whole number up to the format's limit; false for all others. */
static bool append_whole(struct cli_text *text, struct cli_binary number, uint64_t limit)
{
    uint64_t whole = number.significand;
    if (number.exponent > 0 && (number.exponent > 10 || whole > limit >> number.exponent)) {
        return false;
    }
    if (number.exponent > 0) {
        whole <<= number.exponent;
    } else {
        int shift = -number.exponent;
        if (shift >= 64 || (whole & ((UINT64_C(1) << shift) - 1)) != 0) {
            return false;
        }
        whole >>= shift;
    }
    if (whole > limit) {
        return false;
    }
    cli_number_append_uint64(text, whole);
    cli_text_append_string(text, ".0");
    return true;
}

/* Appends the number with these bits, whose sign was dealt with. */
static void append_magnitude(struct cli_text *text, uint64_t bits,
                             const struct float_format *format)
{
    uint64_t hidden_bit = UINT64_C(1) << format->fraction_bits;
    uint64_t fraction = bits & (hidden_bit - 1);
    int biased = (int)(bits >> format->fraction_bits);
    struct cli_binary number = {fraction, format->exponent_min, false};
    if (bits == 0) {
        cli_text_append_string(text, "0.0");
        return;
    }
    if (biased > 0) {
        number.significand = fraction | hidden_bit;
        number.exponent = format->exponent_min + biased - 1;
        number.is_edge = fraction == 0 && biased > 1;
    }
    if (!append_whole(text, number, format->whole_max)) {
        append_decimal(text, cli_shortest(number), format->digits_min);
    }
}

/* `sign_bit` is the highest bit of the type; the one below it begins the exponent. */
static void append_float(struct cli_text *text, uint64_t bits, uint64_t sign_bit,
                         const struct float_format *format)
{
    uint64_t magnitude = bits & (sign_bit - 1);
    uint64_t infinity = sign_bit - (UINT64_C(1) << format->fraction_bits);
    if (magnitude > infinity) {
        cli_text_append_string(text, "NaN");
        return;
    }
    if ((bits & sign_bit) != 0) {
        cli_text_append_char(text, '-');
    }
    if (magnitude == infinity) {
        cli_text_append_string(text, "Infinity");
        return;
    }
    append_magnitude(text, magnitude, format);
}

void cli_number_append_float64(struct cli_text *text, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    append_float(text, bits, UINT64_C(1) << 63, &float64_format);
}

void cli_number_append_float32(struct cli_text *text, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    append_float(text, bits, UINT64_C(1) << 31, &float32_format);
}

void cli_number_append_float16(struct cli_text *text, uint16_t bits)
{
    append_float(text, bits, UINT64_C(1) << 15, &float16_format);
}
