/* SPDX-License-Identifier: Apache-2.0 */
/* Reads passwords and tokens: from a file, or from the terminal with echo off. Nothing here prints
 * or logs one, and a text that holds one gets its room first: one that grows would leave copies
 * behind. */
#include "cli/client/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/system/input.h"
#include "cli/system/files.h"
#include "cli/system/os_error.h"

enum { SECRET_BYTES_MAX = 65536 };

/* Reads up to the first line end, which is dropped (a carriage return before it too), or the first
 * zero byte. @return 0 or an errno; EFBIG when there is none within SECRET_BYTES_MAX bytes */
static int read_line(int fd, struct cli_text *line)
{
    static const char ORDER_MARK[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
    if (!cli_text_reserve(line, SECRET_BYTES_MAX)) {
        return ENOMEM;
    }
    for (;;) {
        char *next = line->data + line->len_bytes;
        int64_t got = cli_read(fd, next, 1);
        if (got < 0) {
            return errno;
        }
        if (got == 0 || *next == '\n') {
            break;
        }
        if (++line->len_bytes == SECRET_BYTES_MAX) {
            return EFBIG;
        }
    }
    line->len_bytes -= line->len_bytes > 0 && line->data[line->len_bytes - 1] == '\r';
    line->len_bytes = strlen(cli_text_terminated(line));
    if (strncmp(line->data, ORDER_MARK, sizeof ORDER_MARK - 1) == 0) {
        line->len_bytes -= sizeof ORDER_MARK - 1;
        memmove(line->data, line->data + sizeof ORDER_MARK - 1, line->len_bytes);
    }
    return 0;
}

cflight_status cli_secret_read_file(struct cli_text *secret, const char *path,
                                    cflight_error **reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int os_code = fd < 0 ? errno : read_line(fd, secret);
    cli_close(fd);
    if (os_code != 0) {
        return cli_error_from_errno(reterr, os_code, "read", path);
    }
    if (secret->len_bytes == 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the first line of '%s' is empty", path);
    }
    return CFLIGHT_OK;
}

cflight_status cli_secret_copy(struct cli_text *secret, const char *text, cflight_error **reterr)
{
    (void)cli_text_reserve(secret, strlen(text));
    cli_text_append_string(secret, text);
    return cli_text_status(secret, reterr);
}

static void print_on(int fd, const char *text)
{
    ssize_t ignored = write(fd, text, strlen(text));
    (void)ignored;
}

/* @return 0 or an errno */
static int ask_on(int terminal, struct cli_text *secret, const char *prompt)
{
    struct termios before;
    if (tcgetattr(terminal, &before) != 0) {
        return errno;
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(terminal, TCSAFLUSH, &silent); /* before anybody is moved to type */
    print_on(terminal, prompt);
    int os_code = read_line(terminal, secret);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    print_on(terminal, "\n");
    return os_code;
}

cflight_status cli_secret_ask(struct cli_text *secret, const char *prompt, cflight_error **reterr)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "there is no terminal to ask for the password on; use "
                                         "--password-file or CFLIGHT_PASSWORD");
    }
    int os_code = ask_on(terminal, secret, prompt);
    cli_close(terminal);
    if (os_code == EINTR) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "interrupted");
    }
    return os_code == 0 ? CFLIGHT_OK
                        : cli_error_from_errno(reterr, os_code, "read from", "the terminal");
}
