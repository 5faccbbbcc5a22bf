/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, times, durations and intervals in ISO 8601, with all digits of their unit.
 *
 * Dates are proleptic Gregorian; years outside 0000 to 9999 carry a sign (ISO 8601 expanded
 * representation). Any 64-bit value prints: no intermediate overflows. */

#include "cli/values/value.h"

enum { SECONDS_PER_DAY = 86400 };

static int64_t units_per_second(int digits)
{
    int64_t units = 1;
    for (int i = 0; i < digits; i++) {
        units *= 10;
    }
    return units;
}

/* Quotient towards minus infinity; the rest is 0 or positive. */
static int64_t divide_floor(int64_t dividend, int64_t divisor, int64_t *ret_rest)
{
    int64_t quotient = dividend / divisor;
    int64_t rest = dividend % divisor;
    if (rest < 0) {
        quotient -= 1;
        rest += divisor;
    }
    *ret_rest = rest;
    return quotient;
}

static void append_fraction(struct cli_text *text, int64_t fraction, int digits)
{
    if (digits > 0) {
        cli_text_append_format(text, ".%0*lld", digits, (long long)fraction);
    }
}

/* Counts years from March, so that the leap day is the last day of a year, in cycles of 400 years
 * (146097 days). */
void cli_time_append_date(struct cli_text *text, int64_t days)
{
    enum { DAYS_PER_CYCLE = 146097, DAYS_TO_1970 = 719468 };
    int64_t day_of_cycle = 0;
    int64_t cycle = divide_floor(days, DAYS_PER_CYCLE, &day_of_cycle);
    day_of_cycle += DAYS_TO_1970;
    cycle += day_of_cycle / DAYS_PER_CYCLE;
    day_of_cycle %= DAYS_PER_CYCLE;
    int64_t year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 -
                             day_of_cycle / (DAYS_PER_CYCLE - 1)) /
                            365;
    int64_t day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t year = cycle * 400 + year_of_cycle + (month <= 2 ? 1 : 0);
    if (year < 0 || year > 9999) {
        cli_text_append_char(text, year < 0 ? '-' : '+');
        year = year < 0 ? -year : year;
    }
    cli_text_append_format(text, "%04lld-%02d-%02d", (long long)year, (int)month, (int)day);
}

void cli_time_append(struct cli_text *text, int64_t value, int digits)
{
    int64_t fraction = 0;
    int64_t seconds = divide_floor(value, units_per_second(digits), &fraction);
    int64_t second_of_hour = 0;
    int64_t hours = divide_floor(seconds, 3600, &second_of_hour);
    cli_text_append_format(text, "%02lld:%02d:%02d", (long long)hours, (int)(second_of_hour / 60),
                           (int)(second_of_hour % 60));
    append_fraction(text, fraction, digits);
}

void cli_time_append_timestamp(struct cli_text *text, int64_t value, int digits, bool is_utc)
{
    int64_t fraction = 0;
    int64_t second_of_day = 0;
    int64_t seconds = divide_floor(value, units_per_second(digits), &fraction);
    cli_time_append_date(text, divide_floor(seconds, SECONDS_PER_DAY, &second_of_day));
    cli_text_append_char(text, 'T');
    cli_time_append(text, second_of_day, 0);
    append_fraction(text, fraction, digits);
    if (is_utc) {
        cli_text_append_char(text, 'Z');
    }
}

/* A count of seconds with its fraction and sign: "-1.500". */
static void append_seconds(struct cli_text *text, int64_t value, int digits)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        cli_text_append_char(text, '-');
        magnitude = 0 - magnitude;
    }
    uint64_t units = (uint64_t)units_per_second(digits);
    cli_number_append_uint64(text, magnitude / units);
    append_fraction(text, (int64_t)(magnitude % units), digits);
}

void cli_time_append_duration(struct cli_text *text, int64_t value, int digits)
{
    cli_text_append_string(text, "PT");
    append_seconds(text, value, digits);
    cli_text_append_char(text, 'S');
}

void cli_time_append_interval(struct cli_text *text, int32_t months, int32_t days, int64_t fraction,
                              int digits)
{
    cli_text_append_char(text, 'P');
    if (months != 0 || (days == 0 && fraction == 0)) {
        cli_number_append_int64(text, months);
        cli_text_append_char(text, 'M');
    }
    if (days != 0) {
        cli_number_append_int64(text, days);
        cli_text_append_char(text, 'D');
    }
    if (fraction != 0) {
        cli_text_append_char(text, 'T');
        append_seconds(text, fraction, digits);
        cli_text_append_char(text, 'S');
    }
}
