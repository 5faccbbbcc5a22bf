/* SPDX-License-Identifier: Apache-2.0 */
/* Loading of options from callers of any age. */
#include "base/options.h"

#include "base/alloc.h"
#include "test.h"

struct old_options {
    size_t struct_size;
    int32_t first;
};

struct options {
    size_t struct_size;
    int32_t first;
    int32_t padding; /* so that `old_options`, with its tail padding, ends before `second` */
    int64_t second;
};

struct new_options {
    size_t struct_size;
    int32_t first;
    int32_t padding;
    int64_t second;
    int64_t third;
};

/* Goal: no options means defaults, which are zeros. Method: load NULL over dirty memory. */
TEST(options, null_gives_all_defaults)
{
    struct options loaded;
    memset(&loaded, 0xEE, sizeof loaded);
    CHECK_OK(cfl_options_load(&loaded, sizeof loaded, NULL, NULL), NULL);
    assert_int_equal(loaded.struct_size, sizeof loaded);
    assert_int_equal(loaded.first, 0);
    assert_int_equal(loaded.second, 0);
}

/* Goal: what an old caller does not know is default; nothing past its struct is read.
 * Method: load a shorter struct that lies before a poisoned neighbour. */
TEST(options, an_older_callers_struct_is_filled_with_defaults)
{
    struct {
        struct old_options options;
        int64_t neighbour;
    } old = {{sizeof(struct old_options), 7}, -1};
    struct options loaded;
    CHECK_OK(cfl_options_load(&loaded, sizeof loaded, &old.options, NULL), NULL);
    assert_int_equal(loaded.struct_size, sizeof loaded);
    assert_int_equal(loaded.first, 7);
    assert_int_equal(loaded.second, 0);
}

/* Goal: a newer caller's struct is taken while what it adds is unset, and refused otherwise, so
 * that no option is ignored in silence. Method: a longer struct with the tail zero, then set. */
TEST(options, a_newer_callers_unknown_option_is_refused)
{
    struct new_options new_options = {.struct_size = sizeof new_options, .first = 7, .second = 8};
    struct options loaded;
    CHECK_OK(cfl_options_load(&loaded, sizeof loaded, &new_options, NULL), NULL);
    assert_int_equal(loaded.first, 7);
    assert_int_equal(loaded.second, 8);
    assert_int_equal(loaded.struct_size, sizeof loaded);

    new_options.third = INT64_MIN;
    memset(&loaded, 0xEE, sizeof loaded);
    cflight_error *error = NULL;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, &new_options, &error);
    CHECK_STATUS(status, CFLIGHT_UNIMPLEMENTED);
    assert_string_equal(cflight_error_message(error),
                        "the option at byte 31 is newer than this library");
    assert_int_equal(loaded.first, (int32_t)0xEEEEEEEE);
    cflight_error_free(error);
}

/* Goal: a struct whose size was never set is refused. Method: every size too small for the field.
 */
TEST(options, a_size_that_cannot_hold_itself_is_refused)
{
    struct options options = {0};
    struct options loaded;
    for (size_t size_bytes = 0; size_bytes < sizeof size_bytes; size_bytes++) {
        options.struct_size = size_bytes;
        cflight_error *error = NULL;
        CHECK_STATUS(cfl_options_load(&loaded, sizeof loaded, &options, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_non_null(strstr(cflight_error_message(error), "_INIT"));
        cflight_error_free(error);
    }
}

/* Goal: an array from a caller of another age is read element by element, whatever their length.
 * Method: one of each age in a row, before a poisoned neighbour. */
TEST(options, an_array_is_walked_by_the_size_of_each_element)
{
    struct {
        struct old_options old;
        struct options current;
        struct new_options newer;
        int64_t neighbour;
    } source = {
        {sizeof(struct old_options), 1},
        {sizeof(struct options), 2, 0, 20},
        {sizeof(struct new_options), 3, 0, 30, 0},
        -1,
    };
    const int64_t seconds[] = {0, 20, 30};
    struct options *loaded = NULL;
    void *array = NULL;
    CHECK_OK(cfl_options_load_array(NULL, &source, 3, sizeof *loaded, "options", &array, NULL),
             NULL);
    loaded = array;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(loaded[i].struct_size, sizeof *loaded);
        assert_int_equal(loaded[i].first, (int32_t)i + 1);
        assert_int_equal(loaded[i].second, seconds[i]);
    }
    cfl_free_array(NULL, array, 3, sizeof *loaded);
}

/* Goal: an array that cannot be taken leaves nothing behind and says why.
 * Method: no elements; a count without elements; an unknown option in the second one. */
TEST(options, an_array_is_taken_whole_or_not_at_all)
{
    struct new_options source[2] = {{.struct_size = sizeof *source},
                                    {.struct_size = sizeof *source, .third = -1}};
    const size_t size_bytes = sizeof(struct options);
    cflight_error *error = NULL;
    void *array = source;
    CHECK_OK(cfl_options_load_array(NULL, NULL, 0, size_bytes, "options", &array, &error), error);
    assert_null(array);
    array = source;
    CHECK_STATUS(cfl_options_load_array(NULL, NULL, 1, size_bytes, "options", &array, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error), "options must not be NULL");
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(cfl_options_load_array(NULL, source, 2, size_bytes, "options", &array, &error),
                 CFLIGHT_UNIMPLEMENTED);
    assert_ptr_equal(array, source);
    cflight_error_free(error);
}
