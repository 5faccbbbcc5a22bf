/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options, and what they are as other types. Numbers are read without regard to the
 * locale, which belongs to the program. Thread class: free. */
#include "adbc/driver/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 64 };

struct adbc_value adbc_value_of_text(const char *text)
{
    return (struct adbc_value){.kind = ADBC_VALUE_TEXT, .bytes = cflight_bytes_from_text(text)};
}

struct adbc_value adbc_value_of_int(int64_t integer)
{
    return (struct adbc_value){.kind = ADBC_VALUE_INT, .integer = integer};
}

struct adbc_value adbc_value_of_double(double real)
{
    return (struct adbc_value){.kind = ADBC_VALUE_DOUBLE, .real = real};
}

void adbc_value_done(struct adbc_value *value)
{
    free(value->owned);
    value->owned = NULL;
}

/* ---- reading ---- */

bool adbc_value_to_bool(const struct adbc_value *value, bool *ret_bool)
{
    bool is_number = value->kind == ADBC_VALUE_INT;
    if (value->kind == ADBC_VALUE_DOUBLE) {
        return false;
    }
    bool is_true = is_number ? value->integer == 1
                             : cflight_bytes_equal(value->bytes, cflight_bytes_from_text("true"));
    bool is_false = is_number ? value->integer == 0
                              : cflight_bytes_equal(value->bytes, cflight_bytes_from_text("false"));
    *ret_bool = is_true;
    return is_true || is_false;
}

/* Digits, and after a point more of them. */
static bool read_decimal(struct cflight_bytes text, double *ret_number)
{
    double number = 0;
    double unit = 1;
    bool is_fraction = false;
    size_t digit_count = 0;
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t c = text.data[i];
        if (c == '.' && !is_fraction) {
            is_fraction = true;
        } else if (c < '0' || c > '9') {
            return false;
        } else {
            digit_count++;
            unit = is_fraction ? unit / 10 : unit;
            number = is_fraction ? number + (c - '0') * unit : number * 10 + (c - '0');
        }
    }
    *ret_number = number;
    return digit_count > 0;
}

bool adbc_value_to_int(const struct adbc_value *value, int64_t *ret_integer)
{
    bool is_negative = false;
    int64_t number = 0;
    if (value->kind == ADBC_VALUE_INT) {
        *ret_integer = value->integer;
        return true;
    }
    if (value->kind != ADBC_VALUE_TEXT || value->bytes.len_bytes == 0) {
        return false;
    }
    for (size_t i = 0; i < value->bytes.len_bytes; i++) {
        uint8_t c = value->bytes.data[i];
        if (c == '-' && i == 0 && value->bytes.len_bytes > 1) {
            is_negative = true;
        } else if (c < '0' || c > '9' || number > (INT64_MAX - 9) / 10) {
            return false;
        } else {
            number = number * 10 + (c - '0');
        }
    }
    *ret_integer = is_negative ? -number : number;
    return true;
}

bool adbc_value_to_ms(const struct adbc_value *value, int64_t *ret_ms)
{
    const double seconds_max = 1e12;
    double seconds = 0;
    if (value->kind == ADBC_VALUE_INT) {
        seconds = (double)value->integer;
    } else if (value->kind == ADBC_VALUE_DOUBLE) {
        seconds = value->real;
    } else if (!read_decimal(value->bytes, &seconds)) {
        return false;
    }
    if (!(seconds >= 0 && seconds <= seconds_max)) { /* not a number is neither */
        return false;
    }
    *ret_ms = (int64_t)(seconds * 1000 + 0.5);
    if (*ret_ms == 0 && seconds > 0) {
        *ret_ms = 1; /* 0 is no limit */
    }
    return true;
}

/* ---- giving ---- */

bool adbc_value_give_text(struct cflight_bytes text, struct adbc_value *ret_value)
{
    char *copy = malloc(text.len_bytes + 1);
    if (copy == NULL) {
        return false;
    }
    if (text.len_bytes > 0) {
        memcpy(copy, text.data, text.len_bytes);
    }
    copy[text.len_bytes] = '\0';
    *ret_value = (struct adbc_value){
        .kind = ADBC_VALUE_TEXT, .bytes = cflight_bytes_make(copy, text.len_bytes), .owned = copy};
    return true;
}

bool adbc_value_give_bool(bool boolean, struct adbc_value *ret_value)
{
    return adbc_value_give_text(cflight_bytes_from_text(boolean ? "true" : "false"), ret_value);
}

bool adbc_value_give_int(int64_t integer, struct adbc_value *ret_value)
{
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof text, "%" PRId64, integer);
    bool is_given = adbc_value_give_text(cflight_bytes_from_text(text), ret_value);
    ret_value->kind = ADBC_VALUE_INT;
    ret_value->integer = integer;
    ret_value->real = (double)integer;
    return is_given;
}

void adbc_double_text(double real, char text[ADBC_DOUBLE_TEXT_BYTES])
{
    (void)snprintf(text, ADBC_DOUBLE_TEXT_BYTES, "%.17g", real);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == ',') {
            *c = '.';
        }
    }
}

bool adbc_value_give_double(double real, struct adbc_value *ret_value)
{
    char text[ADBC_DOUBLE_TEXT_BYTES];
    adbc_double_text(real, text);
    bool is_given = adbc_value_give_text(cflight_bytes_from_text(text), ret_value);
    ret_value->kind = ADBC_VALUE_DOUBLE;
    ret_value->real = real;
    ret_value->integer = real >= -9e18 && real <= 9e18 ? (int64_t)real : 0;
    return is_given;
}

bool adbc_value_give_ms(int64_t ms, struct adbc_value *ret_value)
{
    char text[NUMBER_BYTES];
    char fraction[8] = "";
    int64_t seconds = ms / 1000;
    if (ms % 1000 != 0) {
        (void)snprintf(fraction, sizeof fraction, ".%03d", (int)(ms % 1000));
        for (size_t end = strlen(fraction); end > 0 && fraction[end - 1] == '0';) {
            fraction[--end] = '\0';
        }
    }
    if (ms > 0 && ms < 1000) {
        (void)snprintf(text, sizeof text, "%dms", (int)ms);
    } else if (seconds >= 3600) {
        (void)snprintf(text, sizeof text, "%" PRId64 "h%dm%d%ss", seconds / 3600,
                       (int)(seconds / 60 % 60), (int)(seconds % 60), fraction);
    } else if (seconds >= 60) {
        (void)snprintf(text, sizeof text, "%dm%d%ss", (int)(seconds / 60), (int)(seconds % 60),
                       fraction);
    } else {
        (void)snprintf(text, sizeof text, "%d%ss", (int)seconds, fraction);
    }
    bool is_given = adbc_value_give_text(cflight_bytes_from_text(text), ret_value);
    ret_value->kind = ADBC_VALUE_DOUBLE;
    ret_value->real = (double)ms / 1000;
    ret_value->integer = seconds;
    return is_given;
}
