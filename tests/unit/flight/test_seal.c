/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed bytes: what strangers bring back. */
#include <stdlib.h>

#include "base/clock.h"
#include "cflight/seal.h"
#include "test.h"

enum { KEY_BYTES = 32 };

static const uint8_t KEY[KEY_BYTES + 1] = "0123456789abcdef0123456789abcdef";

static struct cflight_bytes key(void)
{
    return cflight_bytes_make(KEY, KEY_BYTES);
}

static cflight_buffer *seal(const char *holder, const char *content, int64_t seconds)
{
    cflight_buffer *sealed = NULL;
    CHECK_OK(cflight_seal(key(), t_text(holder), cfl_clock_wall_ns() + seconds * CFL_NS_PER_S,
                          t_text(content), &sealed, NULL),
             NULL);
    return sealed;
}

static void check_refused(struct cflight_bytes of_key, const char *holder,
                          struct cflight_bytes sealed, const char *part)
{
    struct cflight_bytes content = {NULL, 0};
    cflight_error *error = NULL;
    CHECK_STATUS(cflight_unseal(of_key, t_text(holder), sealed, &content, &error),
                 CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), part));
    assert_null(content.data);
    cflight_error_free(error);
}

TEST(flight_seal, gives_back_what_was_sealed)
{
    static const char *const CONTENTS[] = {"", "a", "SELECT 1"};
    for (size_t i = 0; i < 3; i++) {
        struct cflight_bytes content;
        cflight_buffer *sealed = seal("ann", CONTENTS[i], 60);
        struct cflight_bytes bytes = cflight_buffer_bytes(sealed);
        assert_int_equal(bytes.len_bytes, strlen(CONTENTS[i]) + CFLIGHT_SEAL_BYTES);
        CHECK_OK(cflight_unseal(key(), t_text("ann"), bytes, &content, NULL), NULL);
        assert_true(t_is_text(content, CONTENTS[i]));
        cflight_buffer_unref(sealed);
    }
}

TEST(flight_seal, every_changed_bit_is_seen)
{
    cflight_buffer *sealed = seal("ann", "SELECT 1", 60);
    struct cflight_bytes bytes = cflight_buffer_bytes(sealed);
    for (size_t bit = 0; bit < 8 * bytes.len_bytes; bit++) {
        uint8_t *copy = malloc(bytes.len_bytes);
        assert_non_null(copy);
        memcpy(copy, bytes.data, bytes.len_bytes);
        copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1 << bit % 8);
        check_refused(key(), "ann", cflight_bytes_make(copy, bytes.len_bytes), "was changed");
        free(copy);
    }
    for (size_t len_bytes = 0; len_bytes < bytes.len_bytes; len_bytes++) {
        uint8_t *copy = malloc(len_bytes + 1);
        assert_non_null(copy);
        memcpy(copy, bytes.data, len_bytes);
        check_refused(key(), "ann", cflight_bytes_make(copy, len_bytes), "was changed");
        free(copy);
    }
    cflight_buffer_unref(sealed);
}

TEST(flight_seal, is_good_for_its_holder_its_key_and_its_time)
{
    uint8_t other[KEY_BYTES] = {1};
    cflight_buffer *sealed = seal("ann", "a", 60);
    struct cflight_bytes bytes = cflight_buffer_bytes(sealed);
    check_refused(key(), "bob", bytes, "this caller");
    check_refused(key(), "", bytes, "this caller");
    check_refused(key(), "anna", bytes, "this caller");
    check_refused(cflight_bytes_make(other, sizeof other), "ann", bytes, "key");
    cflight_buffer_unref(sealed);
    sealed = seal("ann", "a", -1);
    check_refused(key(), "ann", cflight_buffer_bytes(sealed), "not used in time");
    cflight_buffer_unref(sealed);
}

TEST(flight_seal, refuses_a_short_key)
{
    cflight_buffer *sealed = NULL;
    struct cflight_bytes content;
    struct cflight_bytes nothing = {NULL, 0};
    for (size_t len_bytes = 0; len_bytes < KEY_BYTES; len_bytes += 31) {
        struct cflight_bytes few = cflight_bytes_make(KEY, len_bytes);
        CHECK_STATUS(cflight_seal(few, nothing, INT64_MAX, nothing, &sealed, NULL),
                     CFLIGHT_INVALID_ARGUMENT);
        CHECK_STATUS(cflight_unseal(few, nothing, nothing, &content, NULL),
                     CFLIGHT_INVALID_ARGUMENT);
    }
}

TEST(flight_seal, has_the_bytes_that_other_servers_know)
{
    /* Computed by Python's hmac: a group of servers may run different versions. */
    static const uint8_t EXPECTED[] = {'C',  'F',  'S',  'E',  'A',  'L',  '0',  '1',  0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 'a',  0x26, 0x14, 0x05,
                                       0x87, 0x3b, 0x52, 0xcd, 0xe1, 0x84, 0x3c, 0x78, 0x98, 0x99,
                                       0x5e, 0xd8, 0xf5, 0x12, 0xfe, 0x2f, 0x5a, 0x0b, 0xd2, 0x4b,
                                       0x81, 0x28, 0xdd, 0x25, 0x0e, 0x83, 0xc2, 0x5f, 0x1e};
    cflight_buffer *sealed = NULL;
    CHECK_OK(cflight_seal(key(), t_text("ann"), INT64_MAX, t_text("a"), &sealed, NULL), NULL);
    struct cflight_bytes bytes = cflight_buffer_bytes(sealed);
    assert_int_equal(bytes.len_bytes, sizeof EXPECTED);
    assert_memory_equal(bytes.data, EXPECTED, sizeof EXPECTED);
    cflight_buffer_unref(sealed);
}
