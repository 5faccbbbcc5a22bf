/* SPDX-License-Identifier: Apache-2.0 */
/* Stores rows as a file that appears when all of it has arrived and is on disk.
 *
 * Data with dictionaries is stored in the stream format, because the file format cannot hold a
 * dictionary that changes on its way; everything else as a file. Batches are acknowledged by a
 * PutResult whose metadata is the number of rows received so far, in decimal. A client need not
 * read these, so they must not fill the window of one that does not: the first ACKNOWLEDGED_MAX
 * batches are acknowledged one by one, later ones each time their number has grown by a tenth,
 * which stays below 64 KiB for any upload.
 *
 * The directory is opened when the upload begins and kept: links, names and directories that
 * somebody changes meanwhile lead the file nowhere else. */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/serve/store.h"
#include "cli/system/atomic_file.h"
#include "cli/system/beneath.h"
#include "cli/system/files.h"
#include "cli/system/os_error.h"

enum { ACKNOWLEDGED_MAX = 1000, DIRECTORY_MODE = 0777 };

struct store {
    struct cli_serve *serve;
    const char *name;
    const struct cli_rows *rows;
    struct cli_text path;
    int base_fd;     /* the nearest directory above that was there at the beginning; -1 for none */
    size_t base_len; /* length of its part of the path */
    struct cli_atomic_file file;
    int os_code; /* of the write that failed */
    struct cli_quota_share *share;
    cflight_error *over_quota; /* why the write was refused */
    int64_t row_count;
    int64_t batch_count;
    int64_t next_acknowledged; /* batch count at which the next PutResult is due */
    int64_t last_acknowledged;
};

static bool has_dictionary(const struct ArrowSchema *schema)
{
    if (schema->dictionary != NULL) {
        return true;
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (has_dictionary(schema->children[i])) {
            return true;
        }
    }
    return false;
}

/* Opens the nearest directory above `path` that is there; `*ret_len` is the length of its path, 0
 * for the served directory itself. */
static cflight_status open_nearest(const struct cli_serve *serve, const char *path, int *ret_fd,
                                   size_t *ret_len, cflight_error **reterr)
{
    char *directory = strdup(path);
    int fd = -1;
    if (directory == NULL) {
        return cli_error_no_memory(reterr, "storing a flight");
    }
    char *slash = strrchr(directory, '/');
    do {
        if (slash != NULL) {
            *slash = '\0';
        }
        fd = cli_beneath_open(serve->catalog.root_fd, slash == NULL ? "." : directory,
                              O_PATH | O_DIRECTORY);
        *ret_len = slash == NULL ? 0 : strlen(directory);
        slash = slash == NULL ? NULL : strrchr(directory, '/');
    } while (fd < 0 && errno == ENOENT && *ret_len > 0);
    cflight_status status = CFLIGHT_OK;
    if (fd >= 0) {
        *ret_fd = fd;
    } else if (errno == EXDEV) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "'%s' leads out of the served directory", path);
    } else {
        status = cli_error_from_errno(reterr, errno, "store", path);
    }
    free(directory);
    return status;
}

/* CFLIGHT_OK when the name may be used now. `*ret_is_there` tells whether a flight has it, which
 * `*ret_former` describes then. */
static cflight_status check_free(const struct store *store, bool *ret_is_there,
                                 struct stat *ret_former, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    int fd = -1;
    cflight_status status =
        cli_catalog_open(&store->serve->catalog, store->name, O_PATH, &path, &fd, &error);
    cli_text_done(&path);
    *ret_is_there = status == CFLIGHT_OK && fstat(fd, ret_former) == 0;
    cli_close(fd);
    if (status == CFLIGHT_NOT_FOUND || (status == CFLIGHT_OK && store->serve->may_overwrite)) {
        cflight_error_free(error);
        return CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "flight '%s' exists", store->name);
    }
    return cli_error_give(error, reterr);
}

static int write_views(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct store *store = user_data;
    for (size_t i = 0; i < count && store->os_code == 0; i++) {
        size_t written_bytes = 0;
        if (cli_quota_take(&store->serve->quota, store->share, views[i].len_bytes, 0,
                           &store->over_quota) != CFLIGHT_OK) {
            store->os_code = EDQUOT;
        }
        while (written_bytes < views[i].len_bytes && store->os_code == 0) {
            ssize_t written = write(store->file.fd, views[i].data + written_bytes,
                                    views[i].len_bytes - written_bytes);
            if (written >= 0) {
                written_bytes += (size_t)written;
            } else if (errno != EINTR) {
                store->os_code = errno;
            }
        }
    }
    return store->os_code;
}

/* Prefers the reason of a failed write over what the IPC writer made of it. */
static cflight_status explain(struct store *store, cflight_status status, cflight_error **reterr)
{
    if (status == CFLIGHT_OK || store->os_code == 0) {
        return status;
    }
    cli_error_drop(reterr);
    if (store->over_quota != NULL) {
        status = cflight_error_set(reterr, cflight_error_status(store->over_quota), "%s",
                                   cflight_error_message(store->over_quota));
        return status;
    }
    return cli_error_from_errno(reterr, store->os_code, "store", store->path.data);
}

static cflight_status acknowledge(struct store *store, cflight_error **reterr)
{
    store->last_acknowledged = store->batch_count;
    store->next_acknowledged = store->batch_count < ACKNOWLEDGED_MAX
                                   ? store->batch_count + 1
                                   : store->batch_count + store->batch_count / 10;
    return store->rows->acknowledge == NULL
               ? CFLIGHT_OK
               : store->rows->acknowledge(store->rows->user_data, store->row_count, reterr);
}

static cflight_status store_batch(struct store *store, cflight_ipc_writer *writer,
                                  const struct ArrowArray *batch, cflight_error **reterr)
{
    cflight_status status = explain(store, cflight_ipc_writer_write(writer, batch, reterr), reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    store->row_count += batch->length;
    store->batch_count++;
    return store->batch_count < store->next_acknowledged ? CFLIGHT_OK : acknowledge(store, reterr);
}

static cflight_status store_batches(struct store *store, cflight_ipc_writer *writer,
                                    cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct cflight_chunk chunk;
        status = store->rows->next(store->rows->user_data, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            break;
        }
        if (chunk.has_batch) {
            status = store_batch(store, writer, &chunk.batch, reterr);
        }
        cflight_chunk_release(&chunk);
    }
    if (status == CFLIGHT_OK && store->last_acknowledged < store->batch_count) {
        status = acknowledge(store, reterr);
    }
    return status;
}

static cflight_status store_content(struct store *store, const struct ArrowSchema *schema,
                                    enum cflight_ipc_format format, cflight_error **reterr)
{
    cflight_ipc_writer *writer = NULL;
    cflight_status status = explain(
        store, cflight_ipc_writer_new(format, schema, write_views, store, NULL, &writer, reterr),
        reterr);
    if (status == CFLIGHT_OK) {
        status = store_batches(store, writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = explain(store, cflight_ipc_writer_close(writer, reterr), reterr);
    }
    cflight_ipc_writer_free(writer);
    return status;
}

/* Opens the directory of the file, which may be missing from store->base_fd downward: that is made,
 * by one name in the directory before, never through a link. `*ret_made_len` is the length of the
 * path of the first one that was made, 0 for none. @return 0 or an errno */
static int make_directories(const struct store *store, int *ret_fd, size_t *ret_made_len)
{
    char *path = store->path.data;
    int fd = fcntl(store->base_fd, F_DUPFD_CLOEXEC, 0);
    int os_code = fd < 0 ? errno : 0;
    char *name = path + store->base_len + (store->base_len > 0 ? 1 : 0);
    for (char *slash = strchr(name, '/'); os_code == 0 && slash != NULL;
         slash = strchr(name, '/')) {
        *slash = '\0';
        bool is_made = mkdirat(fd, name, DIRECTORY_MODE) == 0;
        os_code = is_made || errno == EEXIST ? 0 : errno;
        int inner_fd = -1;
        if (os_code == 0) {
            inner_fd = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            os_code = inner_fd < 0 ? errno : 0;
        }
        *slash = '/';
        if (is_made && *ret_made_len == 0) {
            *ret_made_len = (size_t)(slash - path);
        }
        (void)close(fd);
        fd = inner_fd;
        name = slash + 1;
    }
    *ret_fd = fd;
    return os_code;
}

/* Takes directories away again that an upload made and then could not use. */
static void remove_directories(const struct store *store, size_t made_len)
{
    char *path = strdup(store->path.data);
    char *slash = path == NULL ? NULL : strrchr(path, '/');
    int os_code = 0;
    while (made_len > 0 && os_code == 0 && slash != NULL && (size_t)(slash - path) >= made_len) {
        *slash = '\0';
        slash = strrchr(path, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        int fd = cli_beneath_open(store->serve->catalog.root_fd, slash == NULL ? "." : path,
                                  O_PATH | O_DIRECTORY);
        os_code = fd < 0 || unlinkat(fd, slash == NULL ? path : slash + 1, AT_REMOVEDIR) != 0;
        cli_close(fd);
        if (slash != NULL) {
            *slash = '/';
        }
    }
    free(path);
}

/* Removes the files that a replaced flight had under other endings. */
static void remove_other_endings(const struct store *store, int directory_fd)
{
    const char *slash = strrchr(store->name, '/');
    const char *own = strrchr(store->path.data, '/');
    own = own == NULL ? store->path.data : own + 1;
    for (size_t i = 0; i < CLI_ENDING_COUNT; i++) {
        struct cli_text name = CLI_TEXT_INIT;
        struct stat there;
        cli_text_append_string(&name, slash == NULL ? store->name : slash + 1);
        cli_text_append_string(&name, cli_endings[i]);
        const char *terminated = cli_text_terminated(&name);
        if (!name.failed && strcmp(terminated, own) != 0 &&
            fstatat(directory_fd, terminated, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISREG(there.st_mode) || S_ISLNK(there.st_mode))) {
            (void)unlinkat(directory_fd, terminated, 0);
        }
        cli_text_done(&name);
    }
}

/* Whether the directory that was opened when the upload began is still the one that the name leads
 * to: what was moved away meanwhile may lie outside by now. */
static bool is_in_place(const struct store *store)
{
    struct stat kept;
    struct stat there;
    char *directory = strndup(store->path.data, store->base_len);
    int fd = directory == NULL
                 ? -1
                 : cli_beneath_open(store->serve->catalog.root_fd,
                                    store->base_len == 0 ? "." : directory, O_PATH | O_DIRECTORY);
    bool is_same = fd >= 0 && fstat(fd, &there) == 0 && fstat(store->base_fd, &kept) == 0 &&
                   cli_is_same_file(&kept, &there);
    cli_close(fd);
    free(directory);
    return is_same;
}

static cflight_status commit_in(struct store *store, int directory_fd, const struct stat *former,
                                cflight_error **reterr)
{
    enum cli_replace replace =
        store->serve->may_overwrite ? CLI_REPLACE_EXISTING : CLI_REPLACE_NEVER;
    cflight_status status =
        cli_atomic_file_commit_in(&store->file, directory_fd, replace, former, reterr);
    if (status == CFLIGHT_OK && store->serve->may_overwrite) {
        remove_other_endings(store, directory_fd);
    }
    return status;
}

/* The file that the upload replaces, for its size and its user; -1 for none. */
static int open_former(const struct store *store)
{
    struct cli_text path = CLI_TEXT_INIT;
    int fd = -1;
    if (cli_quota_is_on(&store->serve->quota) &&
        cli_catalog_open(&store->serve->catalog, store->name, O_RDONLY, &path, &fd, NULL) ==
            CFLIGHT_OK) {
        cli_text_done(&path);
    }
    return fd;
}

static cflight_status commit_locked(struct store *store, cflight_error **reterr)
{
    struct stat former;
    bool is_there = false;
    int directory_fd = -1;
    size_t made_len = 0;
    cflight_status status = check_free(store, &is_there, &former, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!is_in_place(store)) {
        return cflight_error_set(
            reterr, CFLIGHT_ABORTED,
            "cannot store '%s': its directory was moved or removed during the upload",
            store->path.data);
    }
    status = store->rows->appears == NULL
                 ? CFLIGHT_OK
                 : store->rows->appears(store->rows->user_data, store->file.fd, store->row_count,
                                        reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int former_fd = open_former(store);
    int os_code = make_directories(store, &directory_fd, &made_len);
    cli_quota_mark(&store->serve->quota, store->share, store->file.fd);
    status = os_code != 0 ? cli_error_from_errno(reterr, os_code, "store", store->path.data)
                          : commit_in(store, directory_fd, is_there ? &former : NULL, reterr);
    cli_close(directory_fd);
    if (status != CFLIGHT_OK) {
        remove_directories(store, made_len);
    } else {
        cli_quota_commit(&store->serve->quota, store->share, former_fd);
    }
    cli_close(former_fd);
    return status;
}

static cflight_status commit(struct store *store, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&store->serve->commit_mutex);
    cflight_status status = commit_locked(store, reterr);
    (void)pthread_mutex_unlock(&store->serve->commit_mutex);
    return status;
}

static cflight_status store_upload(struct store *store, cflight_error **reterr)
{
    struct ArrowSchema schema = {0};
    struct stat former;
    bool is_there = false;

    cflight_status status = check_free(store, &is_there, &former, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cli_quota_take(&store->serve->quota, store->share, 0, is_there ? 0 : 1, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = store->rows->schema(store->rows->user_data, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    enum cflight_ipc_format format =
        has_dictionary(&schema) ? CFLIGHT_IPC_FORMAT_STREAM : CFLIGHT_IPC_FORMAT_FILE;
    cli_text_append_string(&store->path, store->name);
    cli_text_append_string(&store->path,
                           format == CFLIGHT_IPC_FORMAT_STREAM ? ".arrows" : ".arrow");
    (void)cli_text_terminated(&store->path);
    status = cli_text_status(&store->path, reterr);
    if (status == CFLIGHT_OK) {
        status =
            open_nearest(store->serve, store->path.data, &store->base_fd, &store->base_len, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_atomic_file_create_in(&store->file, store->base_fd, store->path.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = store_content(store, &schema, format, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = commit(store, reterr);
    }
    schema.release(&schema);
    cli_close(store->base_fd);
    return status;
}

cflight_status cli_store(struct cli_serve *serve, const char *name, const struct cli_rows *rows,
                         struct cli_quota_share *share, int64_t *ret_row_count,
                         cflight_error **reterr)
{
    struct store store = {.serve = serve,
                          .name = name,
                          .rows = rows,
                          .share = share,
                          .base_fd = -1,
                          .file = CLI_ATOMIC_FILE_INIT,
                          .next_acknowledged = 1};
    cflight_status status = store_upload(&store, reterr);
    *ret_row_count = store.row_count;
    cli_quota_give_back(&serve->quota, share);
    cflight_error_free(store.over_quota);
    cli_atomic_file_done(&store.file);
    cli_text_done(&store.path);
    return status;
}
