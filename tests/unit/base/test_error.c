/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: every field comes back, NULL is accepted everywhere, and the error path cannot fail.
 *
 * Errors take their memory from the C library. This program is linked with its allocation functions
 * wrapped, so that the n-th one can be made to fail. */
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

#include "test.h"

static size_t calls_left = SIZE_MAX; /* allocations until one fails; SIZE_MAX: never */
static bool has_failed;

static bool fails_now(void)
{
    if (calls_left == SIZE_MAX) {
        return false;
    }
    if (calls_left-- > 0) {
        return false;
    }
    calls_left = SIZE_MAX;
    has_failed = true;
    return true;
}

void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t size_bytes);
void *__real_realloc(void *memory, size_t size_bytes);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t size_bytes);
void *__wrap_realloc(void *memory, size_t size_bytes);

void *__wrap_malloc(size_t size_bytes)
{
    return fails_now() ? NULL : __real_malloc(size_bytes);
}

void *__wrap_calloc(size_t count, size_t size_bytes)
{
    return fails_now() ? NULL : __real_calloc(count, size_bytes);
}

void *__wrap_realloc(void *memory, size_t size_bytes)
{
    return fails_now() ? NULL : __real_realloc(memory, size_bytes);
}

/* Goal: all sixteen codes have the gRPC names, and no number makes the lookup read outside.
 * Method: the ends of the table and beyond. */
TEST(error, statuses_have_the_grpc_names)
{
    assert_string_equal(cflight_status_name(CFLIGHT_OK), "OK");
    assert_string_equal(cflight_status_name(CFLIGHT_CANCELLED), "CANCELLED");
    assert_string_equal(cflight_status_name(CFLIGHT_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_int_equal(CFLIGHT_UNAUTHENTICATED, 16);
    assert_string_equal(cflight_status_name(17), "UNRECOGNISED");
    assert_string_equal(cflight_status_name(-1), "UNRECOGNISED");
}

/* Goal: an error that is not there answers every question. Method: ask all of them of NULL. */
TEST(error, null_is_an_error_without_content)
{
    uint64_t number = 5;
    CHECK_STATUS(cflight_error_status(NULL), CFLIGHT_OK);
    assert_string_equal(cflight_error_message(NULL), "");
    assert_string_equal(cflight_error_detail(NULL), "");
    assert_string_equal(cflight_error_operation(NULL), "");
    assert_string_equal(cflight_error_peer(NULL), "");
    assert_int_equal(cflight_error_flight_code(NULL), CFLIGHT_FLIGHT_CODE_NONE);
    assert_int_equal(cflight_error_arrow_code(NULL), -1);
    assert_int_equal(cflight_error_os_code(NULL), 0);
    assert_int_equal(cflight_error_retry(NULL), CFLIGHT_RETRY_NEVER);
    assert_int_equal(cflight_error_extra_info(NULL).len_bytes, 0);
    assert_int_equal(cflight_error_trailer_count(NULL), 0);
    assert_int_equal(cflight_error_trailer(NULL, 0).name.len_bytes, 0);
    assert_false(cflight_error_size_limit(NULL, &number, &number));
    assert_int_equal(number, 5);
    cflight_error_set_detail(NULL, "x");
    cflight_error_set_flight_code(NULL, CFLIGHT_FLIGHT_CODE_FAILED);
    cfl_error_set_peer(NULL, "x");
    cfl_error_add_trailer(NULL, cflight_bytes_from_text("a"), cflight_bytes_from_text("b"));
    cflight_error_free(NULL);
    assert_null(cfl_error_copy(NULL));
}

/* Goal: a caller that wants no detail pays nothing and still gets the status.
 * Method: every setter with NULL, while no allocation is allowed. */
TEST(error, no_error_is_made_when_none_is_asked_for)
{
    calls_left = 0;
    cflight_status statuses[] = {
        cflight_error_set(NULL, CFLIGHT_NOT_FOUND, "%d", 1),
        cflight_error_set_message(NULL, CFLIGHT_NOT_FOUND, "x"),
        cfl_error_set_os(NULL, CFLIGHT_NOT_FOUND, ENOENT, "%d", 1),
        cfl_error_prefix(NULL, CFLIGHT_NOT_FOUND, "%d", 1),
    };
    CHECK_STATUS(cfl_error_no_memory(NULL), CFLIGHT_RESOURCE_EXHAUSTED);
    CHECK_STATUS(cfl_error_set_size_limit(NULL, "body", 2, 1), CFLIGHT_RESOURCE_EXHAUSTED);
    calls_left = SIZE_MAX;
    assert_false(has_failed);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        CHECK_STATUS(statuses[i], CFLIGHT_NOT_FOUND);
    }
}

/* Goal: a caller that forgot an argument is told which.
 * Method: lists without a NULL, with one, and with two. */
TEST(error, the_first_argument_that_is_null_is_named)
{
    const char *first = "a";
    const void *second = NULL;
    int *third = NULL;
    cflight_error *error = NULL;
    CHECK_OK(CFL_CHECK_ARGS(&error, CFL_ARG(first)), error);
    CHECK_STATUS(CFL_CHECK_ARGS(NULL, CFL_ARG(first), CFL_ARG(third)), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(CFL_CHECK_ARGS(&error, CFL_ARG(first), CFL_ARG(second), CFL_ARG(third)),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error), "second must not be NULL");
    cflight_error_free(error);
}

/* Goal: an error never says OK, and its status is always one of the sixteen.
 * Method: statuses outside 1..16. */
TEST(error, a_status_outside_the_range_becomes_unknown)
{
    static const int STATUSES[] = {0, -1, 17, 1000};
    for (size_t i = 0; i < sizeof STATUSES / sizeof STATUSES[0]; i++) {
        cflight_error *error = NULL;
        CHECK_STATUS(cflight_error_set_message(&error, STATUSES[i], NULL), CFLIGHT_UNKNOWN);
        CHECK_STATUS(cflight_error_status(error), CFLIGHT_UNKNOWN);
        assert_string_equal(cflight_error_message(error), "");
        cflight_error_free(error);
        CHECK_STATUS(cflight_error_set_message(NULL, STATUSES[i], NULL), CFLIGHT_UNKNOWN);
    }
}

/* Goal: setting again replaces, also when the new message is made from the old one.
 * Method: format the old message into the new one. */
TEST(error, setting_again_replaces_the_error)
{
    cflight_error *error = NULL;
    CHECK_STATUS(cflight_error_set(&error, CFLIGHT_NOT_FOUND, "no table %s", "t"),
                 CFLIGHT_NOT_FOUND);
    cflight_error_set_detail(error, "old");
    CHECK_STATUS(
        cflight_error_set(&error, CFLIGHT_INTERNAL, "then: %s", cflight_error_message(error)),
        CFLIGHT_INTERNAL);
    assert_string_equal(cflight_error_message(error), "then: no table t");
    assert_string_equal(cflight_error_detail(error), "");
    cflight_error_free(error);
}

/* Goal: messages of any length arrive whole. Method: 100000 characters. */
TEST(error, a_long_message_is_not_cut)
{
    cflight_error *error = NULL;
    CHECK_STATUS(cflight_error_set(&error, CFLIGHT_INTERNAL, "%0100000d", 7), CFLIGHT_INTERNAL);
    assert_int_equal(strlen(cflight_error_message(error)), 100000);
    cflight_error_free(error);
}

/* Fills every field. */
static cflight_error *make_full_error(void)
{
    cflight_error *error = NULL;
    (void)cfl_error_set_os(&error, CFLIGHT_UNAVAILABLE, ECONNREFUSED, "connect to port %d", 5);
    cflight_error_set_flight_code(error, CFLIGHT_FLIGHT_CODE_UNAVAILABLE);
    cflight_error_set_arrow_code(error, 5);
    cflight_error_set_detail(error, "Unavailable");
    cflight_error_set_extra_info(error, cflight_bytes_make("a\0b", 3));
    cfl_error_set_operation(error, "DoGet");
    cfl_error_set_peer(error, "ipv4:127.0.0.1:5");
    cfl_error_set_retry(error, CFLIGHT_RETRY_SAFE);
    cfl_error_set_size_numbers(error, 10, 11);
    cfl_error_add_trailer(error, cflight_bytes_from_text("name"), cflight_bytes_from_text("value"));
    cfl_error_add_trailer(error, cflight_bytes_from_text("empty"), cflight_bytes_make(NULL, 0));
    return error;
}

static void check_full_error(const cflight_error *error)
{
    CHECK_STATUS(cflight_error_status(error), CFLIGHT_UNAVAILABLE);
    assert_string_equal(cflight_error_message(error), "connect to port 5: Connection refused");
    assert_int_equal(cflight_error_os_code(error), ECONNREFUSED);
    assert_int_equal(cflight_error_flight_code(error), CFLIGHT_FLIGHT_CODE_UNAVAILABLE);
    assert_int_equal(cflight_error_arrow_code(error), 5);
    assert_string_equal(cflight_error_detail(error), "Unavailable");
    assert_true(
        cflight_bytes_equal(cflight_error_extra_info(error), cflight_bytes_make("a\0b", 3)));
    assert_string_equal(cflight_error_operation(error), "DoGet");
    assert_string_equal(cflight_error_peer(error), "ipv4:127.0.0.1:5");
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    uint64_t limit_bytes = 0;
    uint64_t actual_bytes = 0;
    assert_true(cflight_error_size_limit(error, &limit_bytes, &actual_bytes));
    assert_true(cflight_error_size_limit(error, NULL, NULL));
    assert_int_equal(limit_bytes, 10);
    assert_int_equal(actual_bytes, 11);
    assert_int_equal(cflight_error_trailer_count(error), 2);
    struct cflight_header field = cflight_error_trailer(error, 0);
    assert_true(cflight_bytes_equal(field.name, cflight_bytes_from_text("name")));
    assert_true(cflight_bytes_equal(field.value, cflight_bytes_from_text("value")));
    assert_int_equal(cflight_error_trailer(error, 1).value.len_bytes, 0);
    assert_int_equal(cflight_error_trailer(error, 2).name.len_bytes, 0);
}

/* Goal: what is set is what is read, and a copy shares nothing with its source.
 * Method: fill, copy, free the source, read the copy. */
TEST(error, every_field_comes_back_also_from_a_copy)
{
    cflight_error *error = make_full_error();
    check_full_error(error);
    cflight_error *copy = cfl_error_copy(error);
    assert_ptr_not_equal(copy, error);
    cflight_error_free(error);
    check_full_error(copy);
    cflight_error_free(copy);
}

/* Goal: a prefix says what was being done and keeps the rest.
 * Method: on a full error, on none, and on the static one. */
TEST(error, a_prefix_goes_before_the_message)
{
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_error_prefix(&error, CFLIGHT_INTERNAL, "x"), CFLIGHT_INTERNAL);
    assert_null(error);
    (void)cflight_error_set_message(&error, CFLIGHT_DATA_LOSS, "bad bytes");
    CHECK_STATUS(cfl_error_prefix(&error, CFLIGHT_INTERNAL, "batch %d", 3), CFLIGHT_DATA_LOSS);
    assert_string_equal(cflight_error_message(error), "batch 3: bad bytes");
    (void)cfl_error_no_memory(&error);
    CHECK_STATUS(cfl_error_prefix(&error, CFLIGHT_INTERNAL, "x"), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_string_equal(cflight_error_message(error), "out of memory");
    cflight_error_free(error);
}

/* Goal: a passed limit names both numbers. Method: read text and numbers. */
TEST(error, a_size_limit_carries_both_numbers)
{
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_error_set_size_limit(&error, "IPC body", 11, 10), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_string_equal(cflight_error_message(error),
                        "IPC body is 11 bytes; the limit is 10 bytes");
    uint64_t actual_bytes = 0;
    assert_true(cflight_error_size_limit(error, NULL, &actual_bytes));
    assert_int_equal(actual_bytes, 11);
    cflight_error_free(error);
}

/* Goal: the static out-of-memory error is never written, copied or freed.
 * Method: set everything on it, free it twice, look again. */
TEST(error, the_out_of_memory_error_is_constant)
{
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_error_no_memory(&error), CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_error_set_detail(error, "x");
    cflight_error_set_arrow_code(error, 3);
    cfl_error_set_size_numbers(error, 1, 2);
    cfl_error_add_trailer(error, cflight_bytes_from_text("a"), cflight_bytes_from_text("b"));
    assert_ptr_equal(cfl_error_copy(error), error);
    cflight_error_free(error);
    cflight_error_free(error);
    assert_string_equal(cflight_error_message(error), "out of memory");
    assert_string_equal(cflight_error_detail(error), "");
    assert_int_equal(cflight_error_arrow_code(error), -1);
    assert_int_equal(cflight_error_trailer_count(error), 0);
    assert_false(cflight_error_size_limit(error, NULL, NULL));
}

/* Goal: the error path cannot fail: whatever allocation is refused, there is an error with a
 * status, and nothing leaks. Method: refuse the n-th allocation of filling and copying, for all n.
 */
TEST(error, every_allocation_failure_leaves_a_usable_error)
{
    size_t fail_at = 0;
    do {
        has_failed = false;
        calls_left = fail_at++;
        cflight_error *error = make_full_error();
        (void)cfl_error_prefix(&error, CFLIGHT_UNKNOWN, "while testing");
        cflight_error *copy = cfl_error_copy(error);
        calls_left = SIZE_MAX;
        assert_non_null(error);
        assert_non_null(copy);
        assert_true(strlen(cflight_error_message(error)) > 0);
        assert_true(cflight_error_status(copy) == CFLIGHT_UNAVAILABLE ||
                    cflight_error_status(copy) == CFLIGHT_RESOURCE_EXHAUSTED);
        cflight_error_free(copy);
        cflight_error_free(error);
    } while (has_failed);
    assert_true(fail_at > 15);
}
