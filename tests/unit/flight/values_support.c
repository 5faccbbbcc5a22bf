/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the value types share. */
#include "values_support.h"

#include <stdio.h>
#include <stdlib.h>

struct t_hex t_unhex(const char *hex)
{
    struct t_hex result = {.len_bytes = strlen(hex) / 2};
    assert_true(result.len_bytes <= sizeof result.data);
    for (size_t i = 0; i < result.len_bytes; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        result.data[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return result;
}

void t_check_hex(struct cflight_bytes actual, const char *hex)
{
    char text[2 * 1024 + 1] = "";
    assert_true(actual.len_bytes < sizeof text / 2);
    for (size_t i = 0; i < actual.len_bytes; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", actual.data[i]);
    }
    assert_string_equal(text, hex);
}

void t_check_bytes(struct cflight_bytes actual, const char *expected)
{
    if (!cflight_bytes_equal(actual, t_text(expected))) {
        fail_msg("'%.*s' is not '%s'", (int)actual.len_bytes, (const char *)actual.data, expected);
    }
}

static void check_serialized(const struct cfl_value_type *type, const void *value, const char *hex)
{
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_value_serialize(type, NULL, value, &buffer, &error), error);
    t_check_hex(cflight_buffer_bytes(buffer), hex);
    cflight_buffer_unref(buffer);
}

void t_check_golden(const struct cfl_value_type *type, const void *value, const char *hex)
{
    cflight_error *error = NULL;
    void *parsed = NULL;
    void *copy = NULL;
    struct t_hex bytes = t_unhex(hex);
    check_serialized(type, value, hex);
    CHECK_OK(cfl_value_parse(type, NULL, HEX(bytes), &parsed, &error), error);
    check_serialized(type, parsed, hex);
    CHECK_OK(cfl_value_copy(type, NULL, parsed, &copy, &error), error);
    cfl_block_wipe_and_free(parsed); /* the copy must not point into it */
    check_serialized(type, copy, hex);
    cfl_block_free(copy);
}

static void parse_hostile(const struct cfl_value_type *type, const uint8_t *data, size_t len_bytes)
{
    cflight_error *error = NULL;
    cflight_buffer *buffer = NULL;
    void *value = NULL;
    /* An allocation of exactly this size lets AddressSanitizer see a read past the end. */
    uint8_t *exact = malloc(len_bytes == 0 ? 1 : len_bytes);
    assert_non_null(exact);
    memcpy(exact, data, len_bytes);
    cflight_status status =
        cfl_value_parse(type, NULL, cflight_bytes_make(exact, len_bytes), &value, &error);
    free(exact);
    if (status != CFLIGHT_OK) {
        CHECK_STATUS(status, CFLIGHT_INVALID_ARGUMENT);
        assert_memory_equal(cflight_error_message(error), "Not a valid ", strlen("Not a valid "));
        assert_null(value);
        cflight_error_free(error);
        return;
    }
    /* A poll may be received with any progress and sent with one from 0 to 1 only. */
    status = cfl_value_serialize(type, NULL, value, &buffer, &error);
    if (type != &cfl_value_poll_info) {
        CHECK_OK(status, error);
    }
    cflight_error_free(error);
    cflight_buffer_unref(buffer);
    cfl_block_free(value);
}

void t_check_hostile(const struct cfl_value_type *type, const char *hex)
{
    struct t_hex bytes = t_unhex(hex);
    for (size_t len_bytes = 0; len_bytes <= bytes.len_bytes; len_bytes++) {
        parse_hostile(type, bytes.data, len_bytes);
    }
    for (size_t bit = 0; bit < 8 * bytes.len_bytes; bit++) {
        bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1u << bit % 8));
        parse_hostile(type, bytes.data, bytes.len_bytes);
        bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1u << bit % 8));
    }
}

void t_check_each_alloc_failure(const struct cfl_value_type *type, const char *hex)
{
    struct t_hex bytes = t_unhex(hex);
    T_EACH_ALLOC_FAILURE(alloc) {
        cflight_error *error = NULL;
        cflight_buffer *buffer = NULL;
        void *value = NULL;
        cflight_status status =
            cfl_value_parse(type, &alloc->allocator, HEX(bytes), &value, &error);
        if (status == CFLIGHT_OK) {
            status = cfl_value_serialize(type, &alloc->allocator, value, &buffer, &error);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cflight_buffer_unref(buffer);
        cfl_block_free(value);
        cflight_error_free(error);
    }
}

void t_check_refused(const struct cfl_value_type *type, struct cflight_bytes bytes)
{
    cflight_error *error = NULL;
    void *value = NULL;
    CHECK_STATUS(cfl_value_parse(type, NULL, bytes, &value, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_null(value);
    assert_memory_equal(cflight_error_message(error), "Not a valid ", strlen("Not a valid "));
    cflight_error_free(error);
}
