/* SPDX-License-Identifier: Apache-2.0 */
/* Growing texts. */
#include "cli/system/text.h"
#include "test.h"

/* Goal: whatever is appended comes out in order, however often the memory grows.
 * Method: append thousands of pieces of every kind and compare the length and both ends. */
TEST(cli_text, pieces_keep_their_order)
{
    struct cli_text text = CLI_TEXT_INIT;
    for (int i = 0; i < 1000; i++) {
        cli_text_append_string(&text, "ab");
        cli_text_append_char(&text, 'c');
        cli_text_append_repeated(&text, '-', 2);
        cli_text_append_format(&text, "%03d", i);
    }
    assert_int_equal(text.len_bytes, 8000);
    const char *content = cli_text_terminated(&text);
    assert_memory_equal(content, "abc--000abc--001", 16);
    assert_string_equal(content + 7992, "abc--999");
    CHECK_STATUS(cli_text_status(&text, NULL), CFLIGHT_OK);
    cli_text_done(&text);
}

/* Goal: a failed append is remembered and reported, and the text stays safe to use.
 * Method: ask for more memory than there is, append more, look, then clear. */
TEST(cli_text, a_failure_is_kept_until_clear)
{
    struct cli_text text = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    cli_text_append_string(&text, "kept");
    assert_false(cli_text_reserve(&text, SIZE_MAX - 2));
    cli_text_append_string(&text, "dropped");
    assert_string_equal(cli_text_terminated(&text), "");
    CHECK_STATUS(cli_text_status(&text, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_error_free(error);
    cli_text_clear(&text);
    cli_text_append_string(&text, "new");
    assert_string_equal(cli_text_terminated(&text), "new");
    cli_text_done(&text);
}
