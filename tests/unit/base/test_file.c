/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files. */
#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cflight/tls.h"
#include "test.h"

enum { CONTENT_BYTES = 300000 };

/* Makes a file of CONTENT_BYTES bytes that count up. */
static void make_file(char *path, uint8_t *content)
{
    for (size_t i = 0; i < CONTENT_BYTES; i++) {
        content[i] = (uint8_t)(i * 7);
    }
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, content, CONTENT_BYTES) == CONTENT_BYTES);
    assert_int_equal(close(fd), 0);
}

/* Goal: a file is read whole up to the limit, with any allocation failing. Method: at the limit and
 * one below it, with what was read. */
TEST(file, is_read_whole_or_not_at_all)
{
    char path[] = "/tmp/cflight-file-XXXXXX";
    static uint8_t content[CONTENT_BYTES];
    struct stat about;
    make_file(path, content);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_buf read;
        cfl_buf_init(&read, &alloc->allocator);
        int os_code = cfl_file_read(path, CONTENT_BYTES, &read, &about);
        assert_int_equal(os_code, alloc->did_fail ? ENOMEM : 0);
        assert_true(
            alloc->did_fail ||
            cflight_bytes_equal(cfl_buf_bytes(&read), cflight_bytes_make(content, CONTENT_BYTES)));
        cfl_buf_wipe(&read);
    }
    assert_int_equal(about.st_size, CONTENT_BYTES);
    struct cfl_buf small;
    cfl_buf_init(&small, NULL);
    assert_int_equal(cfl_file_read(path, CONTENT_BYTES - 1, &small, NULL), EFBIG);
    cfl_buf_wipe(&small);
    assert_int_equal(unlink(path), 0);
}

static void check_refused(const char *path, cflight_status expected)
{
    cflight_buffer *pem = NULL;
    cflight_error *error = NULL;
    CHECK_STATUS(cflight_pem_read(path, &pem, &error), expected);
    assert_null(pem);
    assert_non_null(strstr(cflight_error_message(error), path == NULL ? "path" : path));
    cflight_error_free(error);
}

/* Goal: users get the content of a file, or why they do not. Method: a file, and everything that is
 * none; /dev/zero has no end. */
TEST(file, pem_is_read_or_the_reason_told)
{
    char path[] = "/tmp/cflight-file-XXXXXX";
    static uint8_t content[CONTENT_BYTES];
    cflight_buffer *pem = NULL;
    make_file(path, content);
    CHECK_STATUS(cflight_pem_read(path, &pem, NULL), CFLIGHT_OK);
    assert_true(
        cflight_bytes_equal(cflight_buffer_bytes(pem), cflight_bytes_make(content, CONTENT_BYTES)));
    cflight_buffer_unref(pem);
    CHECK_STATUS(cflight_pem_read(path, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_int_equal(unlink(path), 0);
    check_refused(path, CFLIGHT_NOT_FOUND);
    check_refused("/dev/null/x", CFLIGHT_NOT_FOUND);
    check_refused("/tmp", CFLIGHT_UNKNOWN);
    check_refused("/dev/zero", CFLIGHT_RESOURCE_EXHAUSTED);
    check_refused(NULL, CFLIGHT_INVALID_ARGUMENT);
}
