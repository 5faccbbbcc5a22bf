/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of messages as the specification writes them. */
#include "sql_support.h"

#include <stdio.h>
#include <stdlib.h>

static void append(struct t_golden *golden, const void *data, size_t len_bytes)
{
    assert_true(golden->len_bytes + len_bytes <= sizeof golden->data);
    memcpy(golden->data + golden->len_bytes, data, len_bytes);
    golden->len_bytes += len_bytes;
}

struct t_golden t_golden(const char *words)
{
    static const char PREFIX[] = "type.googleapis.com/arrow.flight.protocol.sql.";
    struct t_golden golden = {.len_bytes = 0};
    for (const char *at = words; *at != '\0';) {
        if (*at == ' ') {
            at++;
        } else if (*at == 'P') {
            append(&golden, PREFIX, sizeof PREFIX - 1);
            at++;
        } else if (*at == '\'') {
            const char *end = strchr(at + 1, '\'');
            assert_non_null(end);
            append(&golden, at + 1, (size_t)(end - at - 1));
            at = end + 1;
        } else {
            char digits[3] = {at[0], at[1], '\0'};
            uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
            append(&golden, &byte, 1);
            at += 2;
        }
    }
    return golden;
}

static void show(struct cflight_bytes bytes, char *target, size_t target_bytes)
{
    for (size_t i = 0; i < bytes.len_bytes && 2 * i + 3 < target_bytes; i++) {
        (void)snprintf(target + 2 * i, 3, "%02x", bytes.data[i]);
    }
}

void t_check_golden_bytes(struct cflight_bytes actual, const char *words)
{
    struct t_golden golden = t_golden(words);
    char found[2100] = "";
    char expected[2100] = "";
    show(actual, found, sizeof found);
    show(GOLDEN(golden), expected, sizeof expected);
    assert_string_equal(found, expected);
}
