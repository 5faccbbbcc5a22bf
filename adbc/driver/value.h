/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_VALUE_H
#define CFLIGHT_ADBC_DRIVER_VALUE_H

#include <stdbool.h>

#include "cflight/bytes.h"

/* The value of an option, in one of the four types that ADBC has setters and getters for. */
enum adbc_value_kind { ADBC_VALUE_TEXT, ADBC_VALUE_BYTES, ADBC_VALUE_INT, ADBC_VALUE_DOUBLE };

struct adbc_value {
    enum adbc_value_kind kind;
    struct cflight_bytes bytes; /* of TEXT and BYTES; of the others what a text getter gives */
    int64_t integer;
    double real;
    char *owned; /* NULL, or the memory of `bytes` */
};

/* A value that a program has set; all are borrowed. */
struct adbc_value adbc_value_of_text(const char *text);
struct adbc_value adbc_value_of_int(int64_t integer);
struct adbc_value adbc_value_of_double(double real);
void adbc_value_done(struct adbc_value *value);

/* Reads a value as something else; false when it is not that. */
bool adbc_value_to_bool(const struct adbc_value *value, bool *ret_bool);
bool adbc_value_to_int(const struct adbc_value *value, int64_t *ret_integer);
/* A number of seconds, not negative, as milliseconds. */
bool adbc_value_to_ms(const struct adbc_value *value, int64_t *ret_ms);

/* Values for getters; the texts are copied. False when there is no memory. */
bool adbc_value_give_text(struct cflight_bytes text, struct adbc_value *ret_value);
bool adbc_value_give_bool(bool boolean, struct adbc_value *ret_value);
bool adbc_value_give_int(int64_t integer, struct adbc_value *ret_value);
bool adbc_value_give_double(double real, struct adbc_value *ret_value);
/* As a double seconds, as a text what Go writes for a duration: "1m30s", "500ms", "0s". */
bool adbc_value_give_ms(int64_t ms, struct adbc_value *ret_value);

/* Writes a double so that reading gives the same, with a point whatever the locale has. */
enum { ADBC_DOUBLE_TEXT_BYTES = 32 };
void adbc_double_text(double real, char text[ADBC_DOUBLE_TEXT_BYTES]);

#endif /* CFLIGHT_ADBC_DRIVER_VALUE_H */
