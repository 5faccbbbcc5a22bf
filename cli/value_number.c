/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text.
 *
 * Floats: a decimal of up to 15 (double), 6 (float) or 3 (half) digits survives the way to the type
 * and back, so the first precision from there on that reads back as the same value is the shortest
 * text; subnormal numbers hold fewer digits and are tried from 1. Whole numbers are printed in full
 * as long as the type holds all of them. The program never sets LC_NUMERIC, so the decimal point is
 * a point. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/value.h"

enum { INTEGER_DIGITS_MAX = 20, FLOAT_TEXT_BYTES = 40 };

void cli_text_append_uint64(struct cli_text *text, uint64_t value)
{
    char digits[INTEGER_DIGITS_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    cli_text_append(text, digits + start, sizeof digits - start);
}

void cli_text_append_int64(struct cli_text *text, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        cli_text_append_char(text, '-');
        magnitude = 0 - magnitude;
    }
    cli_text_append_uint64(text, magnitude);
}

/* Appends NaN and the infinities; false for numbers. */
static bool append_special(struct cli_text *text, double value)
{
    if (isnan(value)) {
        cli_text_append_string(text, "NaN");
        return true;
    }
    if (isinf(value)) {
        cli_text_append_string(text, value < 0 ? "-Infinity" : "Infinity");
        return true;
    }
    return false;
}

/* Appends whole numbers up to `limit` in full ("1200000.0"), because an exponent would not be
 * easier to read; false for all others. */
static bool append_whole(struct cli_text *text, double value, double limit)
{
    if (fabs(value) > limit || floor(value) != value) {
        return false;
    }
    cli_text_append_string(text, signbit(value) ? "-" : "");
    cli_text_append_uint64(text, (uint64_t)fabs(value));
    cli_text_append_string(text, ".0");
    return true;
}

/* Appends what printf made, with ".0" where nothing says that the number is a float. */
static void append_float_text(struct cli_text *text, const char *digits)
{
    cli_text_append_string(text, digits);
    if (strpbrk(digits, ".e") == NULL) {
        cli_text_append_string(text, ".0");
    }
}

void cli_text_append_float64(struct cli_text *text, double value)
{
    char digits[FLOAT_TEXT_BYTES];
    if (append_special(text, value) || append_whole(text, value, 1e15)) {
        return;
    }
    int first = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    for (int precision = first; precision <= DBL_DECIMAL_DIG; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) {
            break;
        }
    }
    append_float_text(text, digits);
}

void cli_text_append_float32(struct cli_text *text, float value)
{
    char digits[FLOAT_TEXT_BYTES];
    if (append_special(text, (double)value) || append_whole(text, (double)value, 16777216.0)) {
        return;
    }
    int first = fabsf(value) < FLT_MIN ? 1 : FLT_DIG;
    for (int precision = first; precision <= FLT_DECIMAL_DIG; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        if (strtof(digits, NULL) == value) {
            break;
        }
    }
    append_float_text(text, digits);
}

/* The magnitude of a finite half (IEEE 754 binary16): 5 exponent bits, 10 fraction bits. */
static double half_magnitude(unsigned magnitude_bits)
{
    unsigned exponent = magnitude_bits >> 10;
    unsigned fraction = magnitude_bits & 0x3FFu;
    if (exponent == 0) {
        return ldexp((double)fraction, -24);
    }
    return ldexp((double)(fraction | 0x400u), (int)exponent - 25);
}

void cli_text_append_float16(struct cli_text *text, uint16_t bits)
{
    enum { INFINITY_BITS = 0x7C00 };
    unsigned magnitude_bits = bits & 0x7FFFu;
    bool is_negative = (bits & 0x8000u) != 0;
    if (magnitude_bits >= INFINITY_BITS) {
        double special = magnitude_bits > INFINITY_BITS ? NAN : INFINITY;
        (void)append_special(text, is_negative ? -special : special);
        return;
    }
    double value = half_magnitude(magnitude_bits);
    if (append_whole(text, is_negative ? -value : value, 65504.0)) {
        return;
    }
    /* The text reads back as this half when it is nearer to it than to its neighbours. */
    double reach_above = half_magnitude(magnitude_bits + 1) - value;
    double reach_below =
        magnitude_bits == 0 ? reach_above : value - half_magnitude(magnitude_bits - 1);
    char digits[FLOAT_TEXT_BYTES];
    for (int precision = 1; precision <= 5; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
        double distance = strtod(digits, NULL) - value;
        if (distance < reach_above / 2 && -distance < reach_below / 2) {
            break;
        }
    }
    if (is_negative) {
        cli_text_append_char(text, '-');
    }
    append_float_text(text, digits);
}
