/* SPDX-License-Identifier: Apache-2.0 */
/* Reads passwords and tokens: from a file, or from the terminal with echo off. Nothing here prints
 * or logs one. */
#include "cli/client/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/system/interrupt.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

enum { SECRET_BYTES_MAX = 65536 };

static void wipe(char *memory, size_t len_bytes)
{
    volatile char *target = memory;
    while (len_bytes-- > 0) {
        *target++ = 0;
    }
}

void cli_secret_free(char *secret)
{
    if (secret != NULL) {
        wipe(secret, strlen(secret));
        cli_free(secret);
    }
}

/* Reads up to the first line end, which is dropped (a carriage return before it too). @return 0 or
 * an errno; EFBIG when there is none within SECRET_BYTES_MAX bytes */
static int read_line(int fd, char *line)
{
    static const char ORDER_MARK[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
    size_t used = 0;
    for (;;) {
        ssize_t got = read(fd, line + used, 1);
        if (got < 0 && errno == EINTR && !atomic_load(cli_interrupt_flag())) {
            continue;
        }
        if (got < 0) {
            return errno;
        }
        if (got == 0 || line[used] == '\n') {
            break;
        }
        if (++used == SECRET_BYTES_MAX) {
            return EFBIG;
        }
    }
    used -= used > 0 && line[used - 1] == '\r';
    line[used] = '\0';
    if (strncmp(line, ORDER_MARK, sizeof ORDER_MARK - 1) == 0) {
        memmove(line, line + sizeof ORDER_MARK - 1, used + 1 - (sizeof ORDER_MARK - 1));
    }
    return 0;
}

/* Hands out a copy of the line and wipes the line. */
static cflight_status keep_line(char *line, char **ret_secret, cflight_error **reterr)
{
    *ret_secret = cli_strdup(line);
    return *ret_secret == NULL ? cli_error_no_memory(reterr, "reading a secret") : CFLIGHT_OK;
}

cflight_status cli_secret_read_file(char **ret_secret, const char *path, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    char *line = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cli_error_from_errno(reterr, errno, "read", path);
    }
    line = cli_alloc_array(1, SECRET_BYTES_MAX + 1);
    if (line == NULL) {
        status = cli_error_no_memory(reterr, "reading a secret");
        goto done;
    }
    int os_code = read_line(fd, line);
    if (os_code != 0) {
        status = cli_error_from_errno(reterr, os_code, "read", path);
    } else if (line[0] == '\0') {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "the first line of '%s' is empty", path);
    } else {
        status = keep_line(line, ret_secret, reterr);
    }
    wipe(line, SECRET_BYTES_MAX + 1);

done:
    cli_free(line);
    (void)close(fd);
    return status;
}

static void print_on(int fd, const char *text)
{
    ssize_t ignored = write(fd, text, strlen(text));
    (void)ignored;
}

static cflight_status ask_on(int terminal, char **ret_secret, const char *prompt,
                             cflight_error **reterr)
{
    struct termios before;
    if (tcgetattr(terminal, &before) != 0) {
        return cli_error_from_errno(reterr, errno, "read from", "the terminal");
    }
    char *line = cli_alloc_array(1, SECRET_BYTES_MAX + 1);
    if (line == NULL) {
        return cli_error_no_memory(reterr, "asking for a password");
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(terminal, TCSAFLUSH, &silent); /* before anybody is moved to type */
    print_on(terminal, prompt);
    int os_code = read_line(terminal, line);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    print_on(terminal, "\n");
    cflight_status status = CFLIGHT_OK;
    if (os_code == EINTR) {
        status = cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "interrupted");
    } else if (os_code != 0) {
        status = cli_error_from_errno(reterr, os_code, "read from", "the terminal");
    } else {
        status = keep_line(line, ret_secret, reterr);
    }
    wipe(line, SECRET_BYTES_MAX + 1);
    cli_free(line);
    return status;
}

cflight_status cli_secret_ask(char **ret_secret, const char *prompt, cflight_error **reterr)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "there is no terminal to ask for the password on; use "
                                         "--password-file or CFLIGHT_PASSWORD");
    }
    cflight_status status = ask_on(terminal, ret_secret, prompt, reterr);
    (void)close(terminal);
    return status;
}
