/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are cut from batches. */
#include "adbc/gateway/single_rows.h"
#include "cflight/cflight.h"
#include "test.h"

enum { ROWS_MAX = 8 };

/* A batch of numbers from `first` on, every third of which is null, and texts. */
static struct ArrowArray make_batch(const struct ArrowSchema *schema, int64_t first, int64_t count)
{
    cflight_builder *builder = NULL;
    cflight_error *error = NULL;
    struct ArrowArray batch;
    CHECK_OK(cflight_builder_new(schema, NULL, &builder, &error), error);
    for (int64_t i = first; i < first + count; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "row %d", (int)i);
        if (i % 3 == 0) {
            cflight_append_null(cflight_builder_column(builder, 0));
        } else {
            cflight_append_int(cflight_builder_column(builder, 0), i);
        }
        cflight_append_text(cflight_builder_column(builder, 1), text);
        cflight_builder_end_row(builder);
    }
    CHECK_OK(cflight_builder_finish(builder, &batch, &error), error);
    cflight_builder_free(builder);
    return batch;
}

static void check_row(const struct ArrowSchema *schema, struct ArrowArrayStream *row,
                      int64_t expected)
{
    cflight_error *error = NULL;
    struct ArrowArray batch;
    struct ArrowArray wanted = make_batch(schema, expected, 1);
    bool is_equal = false;
    assert_int_equal(row->get_next(row, &batch), 0);
    assert_int_equal(batch.length, 1);
    CHECK_OK(cflight_array_equal(schema, &batch, &wanted, &is_equal, &error), error);
    assert_true(is_equal);
    batch.release(&batch);
    wanted.release(&wanted);
    assert_int_equal(row->get_next(row, &batch), 0);
    assert_null(batch.release);
}

/* Goal: each row comes once, in order, as a batch that holds what it needs.
 * Method: batches with and without rows; look at the rows when their source has gone. */
TEST(gateway_single_rows, each_row_is_a_batch)
{
    static const struct cflight_field fields[] = {{.name = "n", .format = "l"},
                                                  {.name = "t", .format = "u"}};
    struct ArrowSchema schema;
    struct ArrowArrayStream source;
    struct ArrowArrayStream streams[ROWS_MAX];
    struct gateway_single_rows *rows = NULL;
    cflight_error *error = NULL;
    size_t count = 0;
    bool has_row = true;
    CHECK_OK(cflight_schema_new(fields, 2, &schema, &error), error);
    struct ArrowArray batches[] = {make_batch(&schema, 0, 3), make_batch(&schema, 3, 0),
                                   make_batch(&schema, 3, 2)};
    CHECK_OK(cflight_batches_to_stream(&schema, batches, 3, &source, &error), error);
    CHECK_OK(gateway_single_rows_new(&source, &rows, &error), error);
    while (has_row) {
        assert_true(count < ROWS_MAX);
        CHECK_OK(gateway_single_rows_next(rows, &has_row, &streams[count], &error), error);
        count += has_row ? 1 : 0;
    }
    assert_int_equal(count, 5);
    gateway_single_rows_free(rows);
    source.release(&source);
    for (size_t i = count; i-- > 0;) {
        check_row(&schema, &streams[i], (int64_t)i);
        streams[i].release(&streams[i]);
    }
    schema.release(&schema);
}
