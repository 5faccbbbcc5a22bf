/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of arrays: what counts as the same values, and what is refused. */
#include "cflight/ipc.h"
#include "fixture.h"
#include "test.h"

static bool equal(const struct t_layouts *a, const struct t_layouts *b)
{
    bool is_equal = false;
    cflight_error *error = NULL;

    CHECK_OK(cflight_array_equal(&a->schema, &a->batch, &b->batch, &is_equal, &error), error);
    return is_equal;
}

static bool columns_equal(struct ArrowSchema *field, struct ArrowArray *a, struct ArrowArray *b)
{
    struct t_single single_a;
    struct t_single single_b;
    bool is_equal = false;
    cflight_error *error = NULL;

    t_single_init(&single_a, field, a);
    t_single_init(&single_b, field, b);
    CHECK_OK(
        cflight_array_equal(&single_a.schema, &single_a.batch, &single_b.batch, &is_equal, &error),
        error);
    return is_equal;
}

/* Goal: a batch of every layout equals itself and a twin.
 * Method: two fixtures, which hold the same values in other memory. */
TEST(array_equal, batches_of_the_same_values_are_equal)
{
    static struct t_layouts a;
    static struct t_layouts b;

    t_layouts_init(&a);
    t_layouts_init(&b);
    assert_true(equal(&a, &a));
    assert_true(equal(&a, &b));
}

/* Goal: one value that differs, in a column or a dictionary, is found.
 * Method: a number, then a letter of a dictionary, is changed in one of two columns. */
TEST(array_equal, one_other_value_is_found)
{
    int64_t numbers[] = {1, 2, 3};
    int64_t other_numbers[] = {1, 2, 4};
    struct ArrowSchema number = t_field("n", "l");
    struct ArrowArray a = t_array(3, (const void *[]){NULL, numbers}, 2);
    struct ArrowArray b = t_array(3, (const void *[]){NULL, other_numbers}, 2);

    assert_true(columns_equal(&number, &a, &a));
    assert_false(columns_equal(&number, &a, &b));
    b.length = 2;
    assert_false(columns_equal(&number, &a, &b));

    int8_t indices[] = {1, 0};
    int32_t offsets[] = {0, 1, 2};
    struct ArrowSchema values = t_field("", "u");
    struct ArrowSchema encoded = t_field("d", "c");
    encoded.dictionary = &values;
    struct ArrowArray red = t_array(2, (const void *[]){NULL, offsets, "ab"}, 3);
    struct ArrowArray blue = t_array(2, (const void *[]){NULL, offsets, "ac"}, 3);
    a = t_array(2, (const void *[]){NULL, indices}, 2);
    b = a;
    a.dictionary = &red;
    b.dictionary = &red;
    assert_true(columns_equal(&encoded, &a, &b));
    b.dictionary = &blue;
    assert_false(columns_equal(&encoded, &a, &b));
}

/* Goal: memory that holds no value does not count.
 * Method: other bytes under a null, another offset, and a bitmap where all is valid. */
TEST(array_equal, bytes_without_meaning_do_not_count)
{
    uint8_t without_second = 0x05;
    uint8_t all = 0xFF;
    int16_t values[] = {7, 8, 9};
    int16_t other_null[] = {7, -1, 9};
    int16_t shifted[] = {0, 7, 8, 9};
    struct ArrowSchema field = t_field("v", "s");
    field.flags = ARROW_FLAG_NULLABLE;
    struct ArrowArray a = t_array(3, (const void *[]){&without_second, values}, 2);
    struct ArrowArray b = t_array(3, (const void *[]){&without_second, other_null}, 2);
    a.null_count = 1;
    b.null_count = -1;
    assert_true(columns_equal(&field, &a, &b));

    struct ArrowArray whole = t_array(3, (const void *[]){NULL, values}, 2);
    struct ArrowArray sliced = t_array(3, (const void *[]){&all, shifted}, 2);
    sliced.offset = 1;
    assert_true(columns_equal(&field, &whole, &sliced));
    assert_false(columns_equal(&field, &whole, &a));
}

/* Goal: what does not fit the schema is refused, and the output stays as it was.
 * Method: NULLs, and a column with a buffer too few. */
TEST(array_equal, arrays_that_do_not_fit_are_refused)
{
    bool is_equal = true;
    int64_t numbers[] = {1};
    struct ArrowSchema field = t_field("n", "l");
    struct ArrowArray column = t_array(1, (const void *[]){NULL, numbers}, 1);
    struct t_single single;

    CHECK_STATUS(cflight_array_equal(NULL, NULL, NULL, &is_equal, NULL), CFLIGHT_INVALID_ARGUMENT);
    t_single_init(&single, &field, &column);
    CHECK_STATUS(cflight_array_equal(&single.schema, &single.batch, &single.batch, &is_equal, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_true(is_equal);
}
