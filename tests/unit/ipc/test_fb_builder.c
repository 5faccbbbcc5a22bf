/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the FlatBuffers format that verifiers insist on. */
#include "ipc/fb_builder.h"
#include "test.h"

static uint32_t load_u32(const struct cfl_buf *buf, size_t position)
{
    assert_true(position + 4 <= buf->len_bytes);
    return (uint32_t)buf->data[position] | (uint32_t)buf->data[position + 1] << 8 |
           (uint32_t)buf->data[position + 2] << 16 | (uint32_t)buf->data[position + 3] << 24;
}

static uint32_t load_u16(const struct cfl_buf *buf, size_t position)
{
    return load_u32(buf, position) & 0xFFFF;
}

/* Checks one table against its vtable: positions, sizes, alignment counted from `start`. */
static void check_table(const struct cfl_buf *buf, size_t start, size_t position,
                        const uint8_t *widths, const struct cfl_fbb_table *table,
                        size_t field_count)
{
    size_t vtable = position - load_u32(buf, position);

    assert_int_equal((position - start) % 4, 0);
    assert_int_equal((vtable - start) % 2, 0);
    assert_int_equal(load_u16(buf, vtable), 4 + 2 * field_count);
    for (size_t i = 0; i < field_count; i++) {
        size_t offset = load_u16(buf, vtable + 4 + 2 * i);
        assert_int_equal(offset != 0, widths[i] != 0);
        if (widths[i] != 0) {
            assert_int_equal(table->fields[i], position + offset);
            assert_int_equal((table->fields[i] - start) % widths[i], 0);
            assert_true(offset >= 4 && offset + widths[i] <= load_u16(buf, vtable + 2));
        }
    }
}

/* Goal: tables are laid out right for every mix of widths and wherever the buffer starts.
 * Method: all tables of up to three fields, at eight starts. */
TEST(fb_builder, tables_are_aligned_for_every_mix_of_widths)
{
    const uint8_t all_widths[] = {0, 1, 2, 4, 8};
    struct cfl_buf buf;
    struct cfl_fbb fbb;
    cfl_buf_init(&buf, NULL);

    for (size_t mix = 0; mix < 125 * 8; mix++) {
        const uint8_t widths[] = {all_widths[mix % 5], all_widths[mix / 5 % 5],
                                  all_widths[mix / 25 % 5]};
        cfl_buf_clear(&buf);
        cfl_buf_append_zeros(&buf, mix / 125);
        size_t root = cfl_fbb_begin(&fbb, &buf);
        struct cfl_fbb_table table = cfl_fbb_table(&fbb, root, widths, 3);
        assert_true(cfl_fbb_end(&fbb));
        assert_int_equal((buf.len_bytes - fbb.start) % 8, 0);
        check_table(&buf, fbb.start, root + load_u32(&buf, root), widths, &table, 3);
    }
    cfl_buf_done(&buf);
}

/* Goal: values land in their fields, little-endian. Method: one of each width. */
TEST(fb_builder, values_are_little_endian)
{
    const uint8_t widths[] = {1, 2, 4, 8};
    struct cfl_buf buf;
    struct cfl_fbb fbb;
    cfl_buf_init(&buf, NULL);

    size_t root = cfl_fbb_begin(&fbb, &buf);
    struct cfl_fbb_table table = cfl_fbb_table(&fbb, root, widths, 4);
    cfl_fbb_put_u8(&fbb, table.fields[0], 0xFE);
    cfl_fbb_put_i16(&fbb, table.fields[1], -2);
    cfl_fbb_put_i32(&fbb, table.fields[2], 0x01020304);
    cfl_fbb_put_i64(&fbb, table.fields[3], -2);
    assert_true(cfl_fbb_end(&fbb));
    assert_memory_equal(buf.data + table.fields[0], "\xFE", 1);
    assert_memory_equal(buf.data + table.fields[1], "\xFE\xFF", 2);
    assert_memory_equal(buf.data + table.fields[2], "\x04\x03\x02\x01", 4);
    assert_memory_equal(buf.data + table.fields[3], "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    cfl_buf_done(&buf);
}

/* Goal: strings are terminated, vectors aligned, offsets point forward. Method: both of odd
 * lengths. */
TEST(fb_builder, strings_and_vectors)
{
    const uint8_t widths[] = {4, 4};
    struct cfl_buf buf;
    struct cfl_fbb fbb;
    cfl_buf_init(&buf, NULL);

    size_t root = cfl_fbb_begin(&fbb, &buf);
    struct cfl_fbb_table table = cfl_fbb_table(&fbb, root, widths, 2);
    cfl_fbb_string(&fbb, table.fields[0], cflight_bytes_from_text("abcde"));
    size_t elements = cfl_fbb_vector(&fbb, table.fields[1], 3, 8, 8);
    assert_true(cfl_fbb_end(&fbb));

    size_t string = table.fields[0] + load_u32(&buf, table.fields[0]);
    assert_int_equal(string % 4, 0);
    assert_int_equal(load_u32(&buf, string), 5);
    assert_memory_equal(buf.data + string + 4, "abcde", 6);
    size_t vector = table.fields[1] + load_u32(&buf, table.fields[1]);
    assert_int_equal(load_u32(&buf, vector), 3);
    assert_int_equal(elements, vector + 4);
    assert_int_equal(elements % 8, 0);
    cfl_buf_done(&buf);
}

/* Goal: what 32-bit offsets cannot hold is refused without allocating it. Method: a vector of 4
 * GiB. */
TEST(fb_builder, too_large_is_refused)
{
    const uint8_t widths[] = {4};
    struct cfl_buf buf;
    struct cfl_fbb fbb;
    cfl_buf_init(&buf, NULL);

    size_t root = cfl_fbb_begin(&fbb, &buf);
    struct cfl_fbb_table table = cfl_fbb_table(&fbb, root, widths, 1);
    (void)cfl_fbb_vector(&fbb, table.fields[0], (size_t)1 << 28, 16, 8);
    assert_false(cfl_fbb_end(&fbb));
    assert_true(buf.capacity_bytes < 4096);
    cfl_buf_done(&buf);
}
