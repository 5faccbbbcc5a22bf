/* SPDX-License-Identifier: Apache-2.0 */
/* Key-value metadata in the encoding of the C data interface. */
#include "base/buf.h"
#include "ipc/metadata.h"
#include "test.h"

static void append_i32(struct cfl_buf *buf, int32_t value)
{
    assert_true(cfl_buf_append(buf, &value, sizeof value));
}

static void append_text(struct cfl_buf *buf, const char *text)
{
    append_i32(buf, (int32_t)strlen(text));
    assert_true(cfl_buf_append_text(buf, text));
}

static void make(struct cfl_buf *buf, int32_t pair_count, const char *const *texts)
{
    cfl_buf_init(buf, NULL);
    append_i32(buf, pair_count);
    for (int32_t i = 0; i < 2 * pair_count; i++) {
        append_text(buf, texts[i]);
    }
}

/* Goal: the encoding is measured and walked. Method: two pairs, one with an empty value. */
TEST(metadata, pairs_are_measured_and_read)
{
    const char *const texts[] = {"key", "value", "empty", ""};
    struct cfl_buf buf;
    struct cflight_bytes metadata;
    struct cflight_bytes key;
    struct cflight_bytes value;
    make(&buf, 2, texts);

    assert_true(cfl_metadata_measure((const char *)buf.data, &metadata));
    assert_int_equal(metadata.len_bytes, buf.len_bytes);
    assert_int_equal(cfl_metadata_count(metadata), 2);
    struct cfl_metadata_reader reader = cfl_metadata_read(metadata);
    for (size_t i = 0; i < 4; i += 2) {
        assert_true(cfl_metadata_next(&reader, &key, &value));
        assert_true(cflight_bytes_equal(key, cflight_bytes_from_text(texts[i])));
        assert_true(cflight_bytes_equal(value, cflight_bytes_from_text(texts[i + 1])));
    }
    assert_false(cfl_metadata_next(&reader, &key, &value));
    cfl_buf_done(&buf);
}

/* Goal: none and no pairs are the same; negative numbers are refused. Method: each. */
TEST(metadata, empty_and_negative)
{
    const int32_t none[] = {0};
    const int32_t negative_count[] = {-1};
    const int32_t negative_len[] = {1, -1};
    struct cflight_bytes metadata;

    assert_true(cfl_metadata_measure(NULL, &metadata));
    assert_int_equal(metadata.len_bytes, 0);
    assert_int_equal(cfl_metadata_count(metadata), 0);
    assert_true(cfl_metadata_measure((const char *)none, &metadata));
    assert_int_equal(metadata.len_bytes, 0);
    assert_false(cfl_metadata_measure((const char *)negative_count, &metadata));
    assert_false(cfl_metadata_measure((const char *)negative_len, &metadata));
}

/* Goal: a view that is cut short is never read past its end. Method: every prefix. */
TEST(metadata, a_view_cut_short_ends_the_walk)
{
    const char *const texts[] = {"key", "value"};
    struct cfl_buf buf;
    make(&buf, 1, texts);

    for (size_t len_bytes = 0; len_bytes < buf.len_bytes; len_bytes++) {
        uint8_t *copy = test_malloc(len_bytes + 1);
        struct cflight_bytes key;
        struct cflight_bytes value;
        memcpy(copy, buf.data, len_bytes);
        struct cfl_metadata_reader reader = cfl_metadata_read(cflight_bytes_make(copy, len_bytes));
        assert_false(cfl_metadata_next(&reader, &key, &value));
        test_free(copy);
    }
    cfl_buf_done(&buf);
}

/* Goal: a value is found by its key. Method: a key that is there twice, one without a value, one
 * that is not there, none at all. */
TEST(metadata, a_value_is_found)
{
    const char *const texts[] = {"key", "first", "key", "second", "empty", ""};
    struct cfl_buf buf;
    make(&buf, 3, texts);

    struct cflight_bytes value =
        cfl_metadata_find(cfl_buf_bytes(&buf), cflight_bytes_from_text("key"));
    assert_true(cflight_bytes_equal(value, cflight_bytes_from_text("first")));
    value = cfl_metadata_find(cfl_buf_bytes(&buf), cflight_bytes_from_text("empty"));
    assert_non_null(value.data);
    assert_int_equal(value.len_bytes, 0);
    assert_null(cfl_metadata_find(cfl_buf_bytes(&buf), cflight_bytes_from_text("ke")).data);
    assert_null(cfl_metadata_find(cflight_bytes_make(NULL, 0), cflight_bytes_make(NULL, 0)).data);
    cfl_buf_done(&buf);
}

/* Goal: order does not matter, everything else does. Method: pairs of encodings. */
TEST(metadata, equality_ignores_order)
{
    const char *const first[] = {"a", "1", "b", "2", "a", "1"};
    const char *const turned[] = {"b", "2", "a", "1", "a", "1"};
    const char *const other[] = {"b", "2", "a", "1", "b", "2"};
    const char *const swapped[] = {"a", "2", "b", "1", "a", "1"};
    struct cfl_buf bufs[4];
    make(&bufs[0], 3, first);
    make(&bufs[1], 3, turned);
    make(&bufs[2], 3, other);
    make(&bufs[3], 3, swapped);

    assert_true(cfl_metadata_equal(cfl_buf_bytes(&bufs[0]), cfl_buf_bytes(&bufs[0])));
    assert_true(cfl_metadata_equal(cfl_buf_bytes(&bufs[0]), cfl_buf_bytes(&bufs[1])));
    assert_false(cfl_metadata_equal(cfl_buf_bytes(&bufs[0]), cfl_buf_bytes(&bufs[2])));
    assert_false(cfl_metadata_equal(cfl_buf_bytes(&bufs[0]), cfl_buf_bytes(&bufs[3])));
    assert_false(cfl_metadata_equal(cfl_buf_bytes(&bufs[0]), cflight_bytes_make(NULL, 0)));
    for (size_t i = 0; i < 4; i++) {
        cfl_buf_done(&bufs[i]);
    }
}
