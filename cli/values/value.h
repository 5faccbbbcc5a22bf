/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_VALUE_H
#define CFLIGHT_CLI_VALUES_VALUE_H

#include "cli/system/text.h"
#include "cli/values/column.h"

/* Printing of single values, for every Arrow type. docs/guide/cli.md ("How values are written") is
 * the contract. Arrays must have been checked (the library checks what it reads). All functions
 * append. */

/* Tells whether the logical value is null: dictionaries and runs are looked through. */
bool cli_value_is_null(const struct cli_column *column, const struct ArrowArray *array,
                       int64_t index);

/* As a table cell or CSV field: text as it is, binary in hexadecimal, nested values as JSON;
 * nothing for null. */
void cli_value_append_plain(struct cli_text *text, const struct cli_column *column,
                            const struct ArrowArray *array, int64_t index);

/* As a JSON value. */
void cli_value_append_json(struct cli_text *text, const struct cli_column *column,
                           const struct ArrowArray *array, int64_t index);

/* The bytes of a value of a binary or text type; those of other types have none. */
struct cflight_bytes cli_value_bytes(const struct cli_column *column,
                                     const struct ArrowArray *array, int64_t index);

/* --- pieces, by family --- */

/* Numbers: shortest decimal text that reads back as the same value; whole floats end in ".0"; NaN,
 * Infinity and -Infinity by these names. */
void cli_number_append_int64(struct cli_text *text, int64_t value);
void cli_number_append_uint64(struct cli_text *text, uint64_t value);
void cli_number_append_float64(struct cli_text *text, double value);
void cli_number_append_float32(struct cli_text *text, float value);
void cli_number_append_float16(struct cli_text *text, uint16_t bits);

/* A two's complement little-endian integer of 4, 8, 16 or 32 bytes, divided by ten to the power of
 * `scale`; every digit is printed. Scales below 0 or above 76 are printed as an exponent. */
void cli_decimal_append(struct cli_text *text, const void *value, size_t size_bytes, int32_t scale);

/* Time. `digits` (0, 3, 6, 9) tells the unit and is the number of fraction digits printed. */
void cli_time_append_date(struct cli_text *text, int64_t days);
void cli_time_append(struct cli_text *text, int64_t value, int digits);
void cli_time_append_timestamp(struct cli_text *text, int64_t value, int digits, bool is_utc);
void cli_time_append_duration(struct cli_text *text, int64_t value, int digits);
void cli_time_append_interval(struct cli_text *text, int32_t months, int32_t days, int64_t fraction,
                              int digits);

/* Bytes and texts. A JSON string has its quotes; what is not UTF-8 becomes U+FFFD. */
void cli_bytes_append_hex(struct cli_text *text, struct cflight_bytes bytes);
void cli_bytes_append_base64(struct cli_text *text, struct cflight_bytes bytes);
void cli_bytes_append_json(struct cli_text *text, struct cflight_bytes bytes);

#endif /* CFLIGHT_CLI_VALUES_VALUE_H */
