/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_VALUES_SUPPORT_H
#define CFLIGHT_TESTS_VALUES_SUPPORT_H

#include "flight/value/values.h"
#include "test.h"

/* What the tests of the value types share. */

struct t_hex {
    uint8_t data[1024];
    size_t len_bytes;
};
/* Turns hexadecimal text into bytes. */
struct t_hex t_unhex(const char *hex);
#define HEX(hex_) cflight_bytes_make((hex_).data, (hex_).len_bytes)

/* Fails unless the bytes are what the hexadecimal text says. */
void t_check_hex(struct cflight_bytes actual, const char *hex);
void t_check_bytes(struct cflight_bytes actual, const char *expected);
/* Serialises `value`, compares with `hex`, parses, serialises again, compares again; copies are
 * serialised too. */
void t_check_golden(const struct cfl_value_type *type, const void *value, const char *hex);
/* Every truncation of `hex`, and every flip of a bit: parsing must succeed or refuse, and what it
 * accepts must serialise again. */
void t_check_hostile(const struct cfl_value_type *type, const char *hex);
/* No failing allocation, neither while parsing nor while serialising, does more than give
 * RESOURCE_EXHAUSTED. */
void t_check_each_alloc_failure(const struct cfl_value_type *type, const char *hex);
/* Parsing gives INVALID_ARGUMENT and a message that starts with "Not a valid <name>". */
void t_check_refused(const struct cfl_value_type *type, struct cflight_bytes bytes);

#endif /* CFLIGHT_TESTS_VALUES_SUPPORT_H */
