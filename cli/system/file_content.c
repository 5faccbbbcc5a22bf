/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, and standard input. */
#include "cli/system/file_content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/system/interrupt.h"
#include "cli/system/os_error.h"

enum { PART_BYTES = 16384, CONTENT_BYTES_MAX = 64 * 1024 * 1024 };

int64_t cli_read(int fd, void *target, size_t len_bytes)
{
    for (;;) {
        ssize_t got = read(fd, target, len_bytes);
        if (got >= 0 || errno != EINTR || cli_interrupt_signal() != 0) {
            return got;
        }
    }
}

int64_t cli_read_stdin(void *user_data, void *target, size_t len_bytes)
{
    (void)user_data;
    return cli_read(STDIN_FILENO, target, len_bytes);
}

/* @return 0 or an errno */
static int read_all(struct cli_text *content, int fd)
{
    struct stat about;
    if (fstat(fd, &about) == 0 && about.st_size > 0 && about.st_size <= CONTENT_BYTES_MAX) {
        /* A text that grows would leave copies behind, and the file may be a key. */
        (void)cli_text_reserve(content, (size_t)about.st_size + PART_BYTES + 1);
    }
    for (;;) {
        if (!cli_text_reserve(content, PART_BYTES + 1)) {
            return ENOMEM;
        }
        int64_t got = cli_read(fd, content->data + content->len_bytes, PART_BYTES);
        if (got <= 0) {
            return got < 0 ? errno : 0;
        }
        content->len_bytes += (size_t)got;
        if (content->len_bytes > CONTENT_BYTES_MAX) {
            return EFBIG;
        }
    }
}

cflight_status cli_file_read(struct cli_text *ret_content, const char *path, cflight_error **reterr)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cli_error_from_errno(reterr, errno, "read", path);
    }
    struct cli_text content = CLI_TEXT_INIT;
    int os_code = read_all(&content, fd);
    if (!is_stdin) {
        (void)close(fd);
    }
    if (os_code != 0) {
        cli_text_wipe(&content);
        return cli_error_from_errno(reterr, os_code, "read", is_stdin ? "standard input" : path);
    }
    *ret_content = content;
    return CFLIGHT_OK;
}
