/* SPDX-License-Identifier: Apache-2.0 */
/* The flatbuffer reader, on buffers made by hand. */
#include "ipc/fb_reader.h"
#include "test.h"

/* A root table at 20 with four fields: i32 7 at +4, string at +8, vector of i32 at +12, table at
 * +16. */
static const uint8_t GOOD[] = {
    20, 0, 0,  0, /* 0: root */
    12, 0, 20, 0, 4,   0,   8, 0,
    12, 0, 16, 0,                 /* 4: vtable: its length, the table's, four fields */
    0,  0, 0,  0,                 /* 16: filling */
    16, 0, 0,  0,                 /* 20: table; its vtable is 16 bytes before */
    7,  0, 0,  0,                 /* 24: field 0 */
    12, 0, 0,  0,                 /* 28: field 1 -> 40 */
    16, 0, 0,  0,                 /* 32: field 2 -> 48 */
    24, 0, 0,  0,                 /* 36: field 3 -> 60 */
    2,  0, 0,  0, 'h', 'i', 0, 0, /* 40: string */
    2,  0, 0,  0, 1,   0,   0, 0,
    2,  0, 0,  0, /* 48: vector */
    52, 0, 0,  0, /* 60: table; its vtable is at 8, where the field 8 is a length */
};

struct buffer {
    uint8_t bytes[sizeof GOOD + 1];
    struct cfl_fb fb;
};

static struct cfl_fb_table open_at(struct buffer *buffer, size_t shift, size_t len_bytes)
{
    memmove(buffer->bytes + shift, GOOD, sizeof GOOD);
    cfl_fb_init(&buffer->fb, cflight_bytes_make(buffer->bytes + shift, len_bytes));
    return cfl_fb_root(&buffer->fb);
}

/* Goal: fields of every kind are read, absent ones give the default, at any alignment.
 * Method: the good buffer, at an even and an odd address. */
TEST(ipc_fb_reader, reads_fields_at_any_alignment)
{
    for (size_t shift = 0; shift < 2; shift++) {
        struct buffer buffer;
        struct cfl_fb_table root = open_at(&buffer, shift, sizeof GOOD);
        assert_true(cfl_fb_is_present(&root));
        assert_int_equal(cfl_fb_i32(&root, 0, -1), 7);
        assert_int_equal(cfl_fb_i16(&root, 0, -1), 7);
        assert_int_equal(cfl_fb_u8(&root, 0, 9), 7);
        assert_true(cfl_fb_bool(&root, 0));
        assert_int_equal(cfl_fb_i32(&root, 4, -1), -1);
        assert_int_equal(cfl_fb_i64(&root, 1000, -2), -2);
        struct cflight_bytes text = cfl_fb_string(&root, 1);
        assert_true(cflight_bytes_equal(text, cflight_bytes_from_text("hi")));
        struct cfl_fb_vector vector = cfl_fb_vector_field(&root, 2, sizeof(int32_t));
        assert_int_equal(vector.count, 2);
        assert_int_equal(cfl_fb_vector_i32(&vector, 1, 0), 2);
        assert_null(cfl_fb_string(&root, 5).data);
        assert_null(buffer.fb.problem);
    }
}

/* Goal: an absent table gives the default of everything. Method: a table that nothing filled in. */
TEST(ipc_fb_reader, absent_tables_have_defaults)
{
    const struct cfl_fb_table absent = {0};
    assert_int_equal(cfl_fb_i32(&absent, 0, 5), 5);
    struct cfl_fb_table child = cfl_fb_table_field(&absent, 0);
    assert_false(cfl_fb_is_present(&child));
    assert_int_equal(cfl_fb_vector_field(&absent, 0, 4).count, 0);
}

/* Reads everything there is, whatever it says. */
static void read_all(struct cfl_fb *fb)
{
    struct cfl_fb_table root = cfl_fb_root(fb);
    for (unsigned int field = 0; field < 6; field++) {
        (void)cfl_fb_u8(&root, field, 0);
        (void)cfl_fb_i64(&root, field, 0);
        struct cflight_bytes text = cfl_fb_string(&root, field);
        assert_true(text.len_bytes <= fb->bytes.len_bytes);
        struct cfl_fb_vector vector = cfl_fb_vector_field(&root, field, 4);
        for (size_t i = 0; i < vector.count; i++) {
            (void)cfl_fb_vector_i32(&vector, i, 0);
            struct cfl_fb_table element = cfl_fb_vector_table(&vector, i);
            (void)cfl_fb_i32(&element, 0, 0);
        }
        struct cfl_fb_table child = cfl_fb_table_field(&root, field);
        (void)cfl_fb_i32(&child, 0, 0);
    }
}

/* Goal: nothing outside the buffer is read, whatever it says.
 * Method: every prefix, and every byte with every value; memory of the exact size, under the
 * sanitizer. */
TEST(ipc_fb_reader, hostile_bytes_stay_inside)
{
    struct cfl_fb fb;
    for (size_t len_bytes = 0; len_bytes <= sizeof GOOD; len_bytes++) {
        uint8_t *copy = test_malloc(len_bytes + 1);
        memcpy(copy, GOOD, len_bytes);
        cfl_fb_init(&fb, cflight_bytes_make(copy, len_bytes));
        read_all(&fb);
        assert_true(len_bytes == sizeof GOOD || fb.problem != NULL);
        test_free(copy);
    }
    uint8_t *copy = test_malloc(sizeof GOOD);
    for (size_t at = 0; at < sizeof GOOD; at++) {
        for (unsigned int value = 0; value < 256; value++) {
            memcpy(copy, GOOD, sizeof GOOD);
            copy[at] = (uint8_t)value;
            cfl_fb_init(&fb, cflight_bytes_make(copy, sizeof GOOD));
            read_all(&fb);
        }
    }
    test_free(copy);
}

static const char *problem_with(size_t at, uint8_t value)
{
    uint8_t bytes[sizeof GOOD];
    struct cfl_fb fb;
    memcpy(bytes, GOOD, sizeof GOOD);
    bytes[at] = value;
    cfl_fb_init(&fb, cflight_bytes_make(bytes, sizeof bytes));
    read_all(&fb);
    return fb.problem;
}

/* Goal: each structural rule has its own message. Method: one wrong byte for each. */
TEST(ipc_fb_reader, each_rule_is_checked)
{
    assert_string_equal(problem_with(0, 2), "an offset points outside the buffer");
    assert_string_equal(problem_with(0, 200), "an offset points outside the buffer");
    assert_string_equal(problem_with(20, 255), "a vtable lies outside the buffer");
    assert_string_equal(problem_with(4, 3), "a vtable has an impossible length");
    assert_string_equal(problem_with(4, 200), "a vtable has an impossible length");
    assert_string_equal(problem_with(6, 2), "a table has an impossible length");
    assert_string_equal(problem_with(6, 200), "a table has an impossible length");
    assert_string_equal(problem_with(8, 19), "a field lies outside its table");
    assert_string_equal(problem_with(8, 2), "a field lies outside its table");
    assert_string_equal(problem_with(41, 1), "a vector reaches past the end");
}

/* Goal: parts that are shared many times cannot multiply without end.
 * Method: one string, asked for until the budget is used up. */
TEST(ipc_fb_reader, shared_parts_have_a_budget)
{
    struct buffer buffer;
    struct cfl_fb_table root = open_at(&buffer, 0, sizeof GOOD);
    buffer.fb.budget_bytes = 5;
    (void)cfl_fb_string(&root, 1);
    (void)cfl_fb_string(&root, 1);
    assert_null(buffer.fb.problem);
    assert_null(cfl_fb_string(&root, 1).data);
    assert_string_equal(buffer.fb.problem, "parts are shared too often");
}
