/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, and reads that a signal ends. */
#include "cli/system/input.h"

#include <errno.h>
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

cflight_status cli_read_all_stdin(struct cli_text *content, cflight_error **reterr)
{
    int64_t got = 0;
    do {
        if (!cli_text_reserve(content, PART_BYTES)) {
            return cli_text_status(content, reterr);
        }
        got = cli_read_stdin(NULL, content->data + content->len_bytes, PART_BYTES);
        content->len_bytes += got > 0 ? (size_t)got : 0;
    } while (got > 0 && content->len_bytes <= CONTENT_BYTES_MAX);
    return got == 0
               ? CFLIGHT_OK
               : cli_error_from_errno(reterr, got < 0 ? errno : EFBIG, "read", "standard input");
}
