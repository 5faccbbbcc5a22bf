/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the parts of uploads below `.cflight-uploads/UPLOAD/` of the served directory.
 *
 * No flight can have such a name, so parts are neither listed nor served. The note in the directory
 * tells what became of the upload, also after this server has been killed. */
#define _GNU_SOURCE /* O_PATH */
#include "cli/serve/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/serve/name.h"
#include "cli/system/atomic_file.h"
#include "cli/system/beneath.h"
#include "cli/system/files.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum { KEPT_S = 24 * 60 * 60, NOTE_BYTES = 80, NUMBER_LEN_MAX = 9 };

static const char root[] = ".cflight-uploads";
static const char note_name[] = "note";

bool cli_staging_take_line(struct cflight_bytes *text, struct cflight_bytes *ret_line)
{
    if (text->data == NULL) {
        return false;
    }
    const uint8_t *end = text->len_bytes == 0 ? NULL : memchr(text->data, '\n', text->len_bytes);
    size_t len_bytes = end == NULL ? text->len_bytes : (size_t)(end - text->data);
    *ret_line = cflight_bytes_make(text->data, len_bytes);
    *text = end == NULL ? cflight_bytes_make(NULL, 0)
                        : cflight_bytes_make(end + 1, text->len_bytes - len_bytes - 1);
    return true;
}

static bool is_id(struct cflight_bytes text)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (!is_digit && (text.data[i] < 'a' || text.data[i] > 'f')) {
            return false;
        }
    }
    return text.len_bytes == CLI_STAGING_ID_LEN;
}

static bool is_number(struct cflight_bytes text)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.len_bytes > 0 && text.len_bytes <= NUMBER_LEN_MAX;
}

static cflight_status refuse(const char *what, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "%s: expected 32 hexadecimal digits of an upload, the number of a "
                             "part, and 32 digits of an attempt",
                             what);
}

cflight_status cli_staging_find_upload(struct cli_text *ret_place, struct cflight_bytes upload,
                                       cflight_error **reterr)
{
    struct cli_text place = CLI_TEXT_INIT;
    if (!is_id(upload)) {
        return refuse("this is not an upload", reterr);
    }
    cli_text_append_string(&place, root);
    cli_text_append_char(&place, '/');
    cli_text_append(&place, upload.data, upload.len_bytes);
    (void)cli_text_terminated(&place);
    cflight_status status = cli_text_status(&place, reterr);
    if (status != CFLIGHT_OK) {
        cli_text_done(&place);
        return status;
    }
    *ret_place = place;
    return CFLIGHT_OK;
}

static cflight_status append_part(struct cli_text *place, struct cflight_bytes number,
                                  struct cflight_bytes attempt, cflight_error **reterr)
{
    if (!is_number(number) || !is_id(attempt)) {
        return refuse("this is not a part", reterr);
    }
    cli_text_append_char(place, '/');
    cli_text_append(place, number.data, number.len_bytes);
    cli_text_append_char(place, '-');
    cli_text_append(place, attempt.data, attempt.len_bytes);
    (void)cli_text_terminated(place);
    return cli_text_status(place, reterr);
}

cflight_status cli_staging_append_part(struct cli_text *place, struct cflight_bytes part,
                                       cflight_error **reterr)
{
    const uint8_t *space = part.len_bytes == 0 ? NULL : memchr(part.data, ' ', part.len_bytes);
    size_t len_bytes = space == NULL ? 0 : (size_t)(space - part.data);
    struct cflight_bytes attempt = cflight_bytes_make(NULL, 0);
    if (space != NULL) {
        attempt = cflight_bytes_make(space + 1, part.len_bytes - len_bytes - 1);
    }
    return append_part(place, cflight_bytes_make(part.data, len_bytes), attempt, reterr);
}

cflight_status cli_staging_find_part(struct cli_text *ret_name, struct cli_text *ret_place,
                                     struct cflight_bytes command, cflight_error **reterr)
{
    struct cflight_bytes kind;
    struct cflight_bytes name;
    struct cflight_bytes upload;
    struct cflight_bytes number;
    struct cflight_bytes attempt;
    struct cli_text place = CLI_TEXT_INIT;
    struct cli_text copy = CLI_TEXT_INIT;
    if (!cli_staging_take_line(&command, &kind) ||
        !cflight_bytes_equal(kind, cflight_bytes_from_text("cflight.part"))) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "flights are named by a path here, and parts of them by the command cflight.part");
    }
    if (!cli_staging_take_line(&command, &name) || !cli_staging_take_line(&command, &upload) ||
        !cli_staging_take_line(&command, &number) || !cli_staging_take_line(&command, &attempt) ||
        command.data != NULL) {
        return refuse("the command cflight.part has other lines", reterr);
    }
    cflight_status status = cli_name_check(name, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_staging_find_upload(&place, upload, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = append_part(&place, number, attempt, reterr);
    }
    if (status == CFLIGHT_OK) {
        cli_text_append(&copy, name.data, name.len_bytes);
        (void)cli_text_terminated(&copy);
        status = cli_text_status(&copy, reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_text_done(&place);
        cli_text_done(&copy);
        return status;
    }
    *ret_place = place;
    *ret_name = copy;
    return CFLIGHT_OK;
}

/* A directory of the staging area; -1 with errno. Never through a link. */
static int open_directory(const struct cli_serve *serve, const char *place)
{
    return cli_beneath_open(serve->catalog.root_fd, place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

void cli_staging_read_note(const struct cli_serve *serve, const char *place,
                           struct cli_staging_note *ret_note)
{
    char text[NOTE_BYTES] = "";
    char state[16] = "";
    struct cli_staging_note note = {0};
    int directory_fd = open_directory(serve, place);
    int fd =
        directory_fd < 0 ? -1 : openat(directory_fd, note_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 &&
        sscanf(text, "%15s %" SCNu64 " %" SCNd64, state, &note.inode, &note.row_count) == 3) {
        note.state = strcmp(state, "committed") == 0   ? CLI_STAGING_COMMITTED
                     : strcmp(state, "appearing") == 0 ? CLI_STAGING_APPEARING
                                                       : CLI_STAGING_OPEN;
    }
    cli_close(fd);
    cli_close(directory_fd);
    *ret_note = note;
}

cflight_status cli_staging_write_note(const struct cli_serve *serve, const char *place,
                                      const struct cli_staging_note *note, cflight_error **reterr)
{
    char text[NOTE_BYTES];
    struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
    int len = snprintf(text, sizeof text, "%s %" PRIu64 " %" PRId64 "\n",
                       note->state == CLI_STAGING_COMMITTED ? "committed" : "appearing",
                       note->inode, note->row_count);
    int directory_fd = open_directory(serve, place);
    if (directory_fd < 0) {
        return cli_error_from_errno(reterr, errno, "open", place);
    }
    cflight_status status = cli_atomic_file_create_in(&file, directory_fd, note_name, reterr);
    if (status == CFLIGHT_OK && write(file.fd, text, (size_t)len) != len) {
        status = cli_error_from_errno(reterr, errno, "write", place);
    }
    if (status == CFLIGHT_OK) {
        status = cli_atomic_file_commit_in(&file, directory_fd, CLI_REPLACE_EXISTING, NULL, reterr);
    }
    cli_atomic_file_done(&file);
    cli_close(directory_fd);
    return status;
}

/* Calls `visit` for each file of an upload. */
static void each_file(int directory_fd, void (*visit)(void *user_data, int fd, const char *name),
                      void *user_data)
{
    DIR *entries = directory_fd < 0 ? NULL : cli_entries_open(directory_fd);
    for (const struct dirent *entry = entries == NULL ? NULL : readdir(entries); entry != NULL;
         entry = readdir(entries)) {
        visit(user_data, directory_fd, entry->d_name);
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
}

static bool is_part(const char *name)
{
    return name[0] >= '0' && name[0] <= '9';
}

static void remove_part(void *user_data, int directory_fd, const char *name)
{
    struct cli_serve *serve = user_data;
    if (!is_part(name)) {
        return;
    }
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (unlinkat(directory_fd, name, 0) == 0) {
        cli_quota_forget(&serve->quota, fd);
    }
    cli_close(fd);
}

void cli_staging_remove(struct cli_serve *serve, const char *place, bool has_no_note)
{
    int fd = open_directory(serve, place);
    if (fd < 0) {
        return;
    }
    each_file(fd, remove_part, serve);
    if (has_no_note) {
        (void)cli_atomic_file_sweep(fd, NULL);
        (void)unlinkat(fd, note_name, 0);
        int root_fd = open_directory(serve, root);
        (void)unlinkat(root_fd, place + sizeof root, AT_REMOVEDIR);
        cli_close(root_fd);
    }
    cli_close(fd);
}

static void sweep_upload(void *user_data, int root_fd, const char *name)
{
    struct cli_serve *serve = user_data;
    struct cli_text place = CLI_TEXT_INIT;
    struct stat about;
    if (fstatat(root_fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode) &&
        time(NULL) - about.st_mtim.tv_sec > KEPT_S &&
        cli_staging_find_upload(&place, cflight_bytes_from_text(name), NULL) == CFLIGHT_OK) {
        cli_staging_remove(serve, place.data, true);
    }
    cli_text_done(&place);
}

void cli_staging_sweep(struct cli_serve *serve)
{
    int root_fd = open_directory(serve, root);
    each_file(root_fd, sweep_upload, serve);
    cli_close(root_fd);
}

static void count_part(void *user_data, int directory_fd, const char *name)
{
    struct cli_serve *serve = user_data;
    int fd = is_part(name)
                 ? openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                 : -1;
    cli_quota_remember(&serve->quota, fd);
    cli_close(fd);
}

static void count_upload(void *user_data, int root_fd, const char *name)
{
    struct cli_serve *serve = user_data;
    if (name[0] == '.') {
        return;
    }
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    each_file(fd, count_part, serve);
    cli_close(fd);
}

cflight_status cli_staging_count(struct cli_serve *serve, cflight_error **reterr)
{
    cflight_status status = cli_quota_count(&serve->quota, &serve->catalog, reterr);
    if (status == CFLIGHT_OK) {
        int root_fd = open_directory(serve, root);
        each_file(root_fd, count_upload, serve);
        cli_close(root_fd);
    }
    return status;
}
