/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and the progress line. */
#include "cli/client/progress.h"
#include "test.h"

/* Goal: sizes are short and round well.
 * Method: around each step. */
TEST(cli_progress, sizes_have_three_digits)
{
    static const struct {
        uint64_t bytes;
        const char *expected;
    } cases[] = {{0, "0 bytes"},        {1, "1 byte"},          {999, "999 bytes"},
                 {1000, "1.00 kB"},     {9994, "9.99 kB"},      {9996, "10.0 kB"},
                 {99960, "100 kB"},     {999400, "999 kB"},     {999600, "1.00 MB"},
                 {123456789, "123 MB"}, {UINT64_MAX, "18.4 EB"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cli_text text = CLI_TEXT_INIT;
        cli_append_size(&text, cases[i].bytes);
        assert_string_equal(cli_text_terminated(&text), cases[i].expected);
        cli_text_done(&text);
    }
}

/* Goal: the line tells rows, bytes and rate, and a bar only when the end is known.
 * Method: fixed times and counts. */
TEST(cli_progress, the_line_tells_rows_bytes_and_rate)
{
    struct cli_progress progress = {.verb = "get", .rows_total = 400};
    struct cli_text text = CLI_TEXT_INIT;
    cli_progress_append_line(&text, &progress, 2000000000, 100, 5000000);
    assert_string_equal(cli_text_terminated(&text),
                        "get [=====               ]  25%  100 rows  5.00 MB  2.50 MB/s");
    cli_text_clear(&text);
    progress.rows_total = -1;
    cli_progress_append_line(&text, &progress, 0, 100, 5000000);
    assert_string_equal(cli_text_terminated(&text), "get  100 rows  5.00 MB");
    cli_text_clear(&text);
    cli_progress_append_line(&text, &progress, 0, 1, 1);
    assert_string_equal(cli_text_terminated(&text), "get  1 row  1 byte");
    cli_text_clear(&text);
    progress.rows_total = 10;
    cli_progress_append_line(&text, &progress, 0, 100, 0);
    assert_string_equal(cli_text_terminated(&text),
                        "get [====================] 100%  100 rows  0 bytes");
    cli_text_done(&text);
}
