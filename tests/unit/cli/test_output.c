/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/system/output.h"
#include "test.h"

static void make_path(char *path, size_t size_bytes)
{
    char directory[] = "/tmp/cflight-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, size_bytes, "%s/out", directory);
}

static void remove_directory_of(char *path)
{
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

/* Goal: bytes arrive in order, whether they are collected or pass through.
 * Method: mix small and large writes, several views at a time, and read the file. */
TEST(cli_output, small_and_large_writes_keep_their_order)
{
    enum { LARGE_BYTES = 300000, ROUNDS = 3 };
    static uint8_t large[LARGE_BYTES];
    char path[64];
    make_path(path, sizeof path);
    struct cli_output *output = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cli_output_open(&output, path, &error), error);
    for (int i = 0; i < ROUNDS; i++) {
        memset(large, 'a' + i, sizeof large);
        struct cflight_bytes views[] = {cflight_bytes_from_text("<"), cflight_bytes_make(NULL, 0),
                                        cflight_bytes_make(large, sizeof large),
                                        cflight_bytes_from_text(">")};
        assert_int_equal(cli_output_write(output, views, 4), 0);
        assert_int_equal(cli_output_write_text(output, cflight_bytes_from_text("small")), 0);
    }
    assert_int_equal(access(path, F_OK), -1);
    CHECK_OK(cli_output_close(output, &error), error);
    cli_output_free(output);

    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int i = 0; i < ROUNDS; i++) {
        char small[6] = "";
        assert_int_equal(fgetc(file), '<');
        assert_int_equal(fread(large, 1, sizeof large, file), sizeof large);
        assert_int_equal(large[0], 'a' + i);
        assert_int_equal(large[LARGE_BYTES - 1], 'a' + i);
        assert_int_equal(fgetc(file), '>');
        assert_int_equal(fread(small, 1, 5, file), 5);
        assert_string_equal(small, "small");
    }
    assert_int_equal(fgetc(file), EOF);
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    remove_directory_of(path);
}

/* Goal: a full disk is an error with its reason, and stays one.
 * Method: write to the device that is always full. */
TEST(cli_output, a_full_disk_is_reported)
{
    struct cli_output *output = NULL;
    cflight_error *error = NULL;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    CHECK_OK(cli_output_open(&output, "/dev/full", &error), error);
    assert_int_equal(cli_output_write_text(output, cflight_bytes_from_text("x")), 0);
    CHECK_STATUS(cli_output_close(output, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "/dev/full"));
    assert_int_equal(cli_output_write_text(output, cflight_bytes_from_text("x")), ENOSPC);
    cflight_error_free(error);
    cli_output_free(output);
}

/* Goal: output that is not closed leaves nothing.
 * Method: write, free, and remove the directory, which must be empty. */
TEST(cli_output, without_close_nothing_is_left)
{
    char path[64];
    make_path(path, sizeof path);
    struct cli_output *output = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cli_output_open(&output, path, &error), error);
    assert_int_equal(cli_output_write_text(output, cflight_bytes_from_text("partial")), 0);
    cli_output_free(output);
    remove_directory_of(path);
}
