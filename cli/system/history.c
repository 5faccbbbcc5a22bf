/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a history. Line ends and backslashes of an entry are written as \n and \\. Each entry
 * is one write to the end of the file, so a program that dies loses none and two lose none to each
 * other. A file that has grown is replaced by one with its last entries. */
#include "cli/system/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/system/files.h"
#include "cli/system/input.h"
#include "cli/system/os_error.h"
#include "cli/system/output.h"

enum { FILE_BYTES_MAX = 4 << 20 /* what is read of it */, ENTRY_BYTES_MAX = 64 << 10 };

/* Makes a directory for its owner, unless it is there. */
static void make_directory(const char *path)
{
    (void)mkdir(path, 0700); /* opening the file tells what is wrong */
}

/* The path of the file, with the directories above it; empty when there is no place for it. */
static void find_path(struct cli_text *path, const char *name)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state != NULL && state[0] == '/') {
        cli_text_append_string(path, state);
        make_directory(cli_text_terminated(path));
    } else if (home != NULL && home[0] == '/') {
        cli_text_append_format(path, "%s/.local", home);
        make_directory(cli_text_terminated(path));
        cli_text_append_string(path, "/state");
        make_directory(cli_text_terminated(path));
    } else {
        return;
    }
    cli_text_append_string(path, "/cflight");
    make_directory(cli_text_terminated(path));
    cli_text_append_format(path, "/%s", name);
}

/* Opens it for its owner alone. @return a descriptor, or -1 with errno */
static int open_file(const char *path)
{
    struct stat about;
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) {
        return -1;
    }
    int os_code = 0;
    if (fstat(fd, &about) != 0) {
        os_code = errno;
    } else if (!S_ISREG(about.st_mode)) {
        os_code = EINVAL;
    } else if ((about.st_mode & 0777) != 0600 && fchmod(fd, 0600) != 0) {
        os_code = errno;
    }
    if (os_code != 0) {
        cli_close(fd);
        errno = os_code;
        return -1;
    }
    return fd;
}

/* Reads the end of the file, from the beginning of a line. @return 0 or an errno */
static int read_end(int fd, struct cli_text *content)
{
    off_t size_bytes = lseek(fd, 0, SEEK_END);
    off_t start = size_bytes > FILE_BYTES_MAX ? size_bytes - FILE_BYTES_MAX : 0;
    int64_t got = 0;
    if (size_bytes < 0 || lseek(fd, start, SEEK_SET) < 0) {
        return errno;
    }
    if (!cli_text_reserve(content, (size_t)(size_bytes - start) + 1)) {
        return ENOMEM;
    }
    while (content->len_bytes < (size_t)(size_bytes - start) &&
           (got = cli_read(fd, content->data + content->len_bytes,
                           (size_t)(size_bytes - start) - content->len_bytes)) > 0) {
        content->len_bytes += (size_t)got;
    }
    char *end = start > 0 && content->len_bytes > 0
                    ? memchr(content->data, '\n', content->len_bytes)
                    : NULL;
    if (end != NULL) {
        content->len_bytes -= (size_t)(end + 1 - content->data);
        memmove(content->data, end + 1, content->len_bytes);
    }
    return got < 0 ? errno : 0;
}

/* Where the last entries begin. */
static size_t find_last(const struct cli_text *content, size_t *ret_count)
{
    size_t offset = content->len_bytes;
    size_t count = 0;
    while (offset > 0) {
        if (content->data[offset - 1] == '\n' && count++ == CLI_HISTORY_ENTRIES_MAX) {
            break;
        }
        offset--;
    }
    *ret_count = count;
    return offset;
}

/* An entry as it was. */
static void append_entry(struct cli_text *entry, const char *line, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        bool is_escape = line[i] == '\\' && i + 1 < len_bytes;
        i += is_escape ? 1 : 0;
        cli_text_append_char(entry, is_escape && line[i] == 'n' ? '\n' : line[i]);
    }
}

static void hand_out(const struct cli_text *content, size_t start, cli_history_fn take,
                     void *user_data)
{
    struct cli_text entry = CLI_TEXT_INIT;
    while (start < content->len_bytes) {
        const char *line = content->data + start;
        const char *end = memchr(line, '\n', content->len_bytes - start);
        size_t len_bytes = end == NULL ? content->len_bytes - start : (size_t)(end - line);
        cli_text_clear(&entry);
        append_entry(&entry, line, len_bytes);
        if (entry.len_bytes > 0 && memchr(entry.data, '\0', entry.len_bytes) == NULL) {
            take(user_data, cli_text_terminated(&entry));
        }
        start += len_bytes + 1;
    }
    cli_text_done(&entry);
}

/* Puts a file with the last entries in its place. @return whether that was done */
static bool replace(const char *path, const struct cli_text *content, size_t start)
{
    struct cli_output *output = NULL;
    if (cli_output_open(&output, path, NULL) != CFLIGHT_OK) {
        return false;
    }
    (void)cli_output_write_text(
        output, cflight_bytes_make(content->data + start, content->len_bytes - start));
    bool is_done = cli_output_close(output, NULL) == CFLIGHT_OK;
    cli_output_free(output);
    return is_done;
}

static int load(struct cli_history *history, const char *path, cli_history_fn take, void *user_data)
{
    struct cli_text content = CLI_TEXT_INIT;
    size_t count = 0;
    int os_code = read_end(history->fd, &content);
    if (os_code == 0 && content.len_bytes > 0) {
        size_t start = find_last(&content, &count);
        hand_out(&content, start, take, user_data);
        if (start > content.len_bytes / 2 && replace(path, &content, start)) {
            cli_close(history->fd);
            history->fd = open_file(path);
            os_code = history->fd < 0 ? errno : 0;
        }
    }
    cli_text_done(&content);
    return os_code;
}

cflight_status cli_history_open(struct cli_history *ret_history, const char *name,
                                cli_history_fn take, void *user_data, cflight_error **reterr)
{
    struct cli_history history = CLI_HISTORY_INIT;
    struct cli_text path = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    find_path(&path, name);
    if (path.len_bytes > 0) {
        history.fd = open_file(cli_text_terminated(&path));
        int os_code =
            history.fd < 0 ? errno : load(&history, cli_text_terminated(&path), take, user_data);
        status = os_code == 0
                     ? CFLIGHT_OK
                     : cli_error_from_errno(reterr, os_code, "open", cli_text_terminated(&path));
    }
    if (status == CFLIGHT_OK) {
        *ret_history = history;
    } else {
        cli_history_done(&history);
    }
    cli_text_done(&path);
    return status;
}

void cli_history_add(const struct cli_history *history, struct cflight_bytes entry)
{
    struct cli_text line = CLI_TEXT_INIT;
    if (history->fd < 0 || entry.len_bytes > ENTRY_BYTES_MAX) {
        return;
    }
    for (size_t i = 0; i < entry.len_bytes; i++) {
        char c = (char)entry.data[i];
        cli_text_append_string(&line, c == '\n' || c == '\\' ? "\\" : "");
        cli_text_append_char(&line, c == '\n' ? 'n' : c);
    }
    cli_text_append_char(&line, '\n');
    if (!line.failed) {
        ssize_t ignored = write(history->fd, line.data, line.len_bytes);
        (void)ignored;
    }
    cli_text_done(&line);
}

void cli_history_done(struct cli_history *history)
{
    cli_close(history->fd);
    history->fd = -1;
}
