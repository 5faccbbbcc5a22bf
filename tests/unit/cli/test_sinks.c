/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and JSON Lines. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arrays.h"
#include "cli/values/format.h"
#include "test.h"

/* Writes one batch through a sink and gives the bytes that came out; free() them. */
static char *write_batch(enum cli_format format, const struct ArrowSchema *schema,
                         const struct ArrowArray *batch)
{
    char directory[] = "/tmp/cflight-test-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/out", directory);
    struct cli_output *output = NULL;
    struct cli_sink *sink = NULL;
    struct cli_sink_options options = {0};
    cflight_error *error = NULL;
    CHECK_OK(cli_output_open(&output, path, &error), error);
    CHECK_OK(cli_sink_new(&sink, format, output, &options, &error), error);
    CHECK_OK(cli_sink_begin(sink, schema, &error), error);
    CHECK_OK(cli_sink_write(sink, batch, &error), error);
    CHECK_OK(cli_sink_end(sink, &error), error);
    cli_sink_free(sink);
    CHECK_OK(cli_output_close(output, &error), error);
    cli_output_free(output);

    char *content = calloc(1, 4096);
    FILE *file = fopen(path, "r");
    assert_non_null(content);
    assert_non_null(file);
    assert_true(fread(content, 1, 4095, file) > 0);
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    return content;
}

struct sample {
    struct ArrowSchema text_field;
    struct ArrowSchema number_field;
    struct ArrowSchema *fields[2];
    struct ArrowSchema schema;
    struct ArrowArray text_array;
    struct ArrowArray number_array;
    struct ArrowArray *arrays[2];
    struct ArrowArray batch;
};

static const uint8_t bitmap[] = {0xFB};
static const int32_t offsets[] = {0, 0, 3, 3, 6, 9, 11};
static const int64_t numbers[] = {1, -2, 3, 4, INT64_MAX, 6};

/* Texts: empty, `a,b`, null, `"q"`, line end inside, blank at the end; numbers with one null. */
static void make_sample(struct sample *sample)
{
    static const void *text_buffers[] = {bitmap, offsets, "a,b\"q\"x\nyz "};
    static const void *number_buffers[] = {bitmap, numbers};
    static const void *no_buffers[] = {NULL};
    sample->text_field = t_field("text \"x\"", "u");
    sample->number_field = t_field("number", "l");
    sample->fields[0] = &sample->text_field;
    sample->fields[1] = &sample->number_field;
    sample->schema = t_nested_field("", "+s", sample->fields, 2);
    sample->text_array = t_array(6, text_buffers, 3);
    sample->number_array = t_array(6, number_buffers, 2);
    sample->arrays[0] = &sample->text_array;
    sample->arrays[1] = &sample->number_array;
    sample->batch = t_nested_array(6, no_buffers, 1, sample->arrays, 2);
}

/* Goal: fields are quoted as RFC 4180 says, and null and empty text stay apart.
 * Method: a batch with every case. */
TEST(cli_csv, fields_are_quoted_when_needed)
{
    struct sample sample;
    make_sample(&sample);
    char *content = write_batch(CLI_FORMAT_CSV, &sample.schema, &sample.batch);
    assert_string_equal(content, "\"text \"\"x\"\"\",number\n"
                                 "\"\",1\n"
                                 "\"a,b\",-2\n"
                                 ",\n"
                                 "\"\"\"q\"\"\",4\n"
                                 "\"x\ny\",9223372036854775807\n"
                                 "\"z \",6\n");
    free(content);
}

/* Goal: every row is one line of JSON.
 * Method: the same batch. */
TEST(cli_jsonl, every_row_is_one_object)
{
    struct sample sample;
    make_sample(&sample);
    char *content = write_batch(CLI_FORMAT_JSONL, &sample.schema, &sample.batch);
    assert_string_equal(content, "{\"text \\\"x\\\"\":\"\",\"number\":1}\n"
                                 "{\"text \\\"x\\\"\":\"a,b\",\"number\":-2}\n"
                                 "{\"text \\\"x\\\"\":null,\"number\":null}\n"
                                 "{\"text \\\"x\\\"\":\"\\\"q\\\"\",\"number\":4}\n"
                                 "{\"text \\\"x\\\"\":\"x\\ny\",\"number\":9223372036854775807}\n"
                                 "{\"text \\\"x\\\"\":\"z \",\"number\":6}\n");
    free(content);
}

/* Goal: a batch that is a slice prints its own rows only.
 * Method: offset and length on the outer struct. */
TEST(cli_jsonl, slices_print_their_rows)
{
    struct sample sample;
    make_sample(&sample);
    sample.batch.offset = 1;
    sample.batch.length = 1;
    char *content = write_batch(CLI_FORMAT_JSONL, &sample.schema, &sample.batch);
    assert_string_equal(content, "{\"text \\\"x\\\"\":\"a,b\",\"number\":-2}\n");
    free(content);
    content = write_batch(CLI_FORMAT_CSV, &sample.schema, &sample.batch);
    assert_string_equal(content, "\"text \"\"x\"\"\",number\n\"a,b\",-2\n");
    free(content);
}

/* Goal: formats are found by name and by the ending of a path.
 * Method: all names, paths with dots elsewhere. */
TEST(cli_format, names_and_endings_are_known)
{
    enum cli_format format = CLI_FORMAT_TABLE;
    assert_true(cli_format_from_path("a/b.c/x.arrow", &format) && format == CLI_FORMAT_ARROW);
    assert_true(cli_format_from_path("x.feather", &format) && format == CLI_FORMAT_ARROW);
    assert_true(cli_format_from_path("x.arrows", &format) && format == CLI_FORMAT_ARROWS);
    assert_true(cli_format_from_path("x.csv", &format) && format == CLI_FORMAT_CSV);
    assert_true(cli_format_from_path("x.jsonl", &format) && format == CLI_FORMAT_JSONL);
    assert_true(cli_format_from_path("x.ndjson", &format) && format == CLI_FORMAT_JSONL);
    assert_true(cli_format_from_name("table", &format) && format == CLI_FORMAT_TABLE);
    assert_false(cli_format_from_path("csv", &format));
    assert_false(cli_format_from_path("x.csv/y", &format));
    assert_false(cli_format_from_path("x.table", &format));
    assert_false(cli_format_from_name("parquet", &format));
}
