/* SPDX-License-Identifier: Apache-2.0 */
/* DoPut: stores an upload as a file that appears when all of it has arrived and is on disk.
 *
 * Data with dictionaries is stored in the stream format, because the file format cannot hold a
 * dictionary that changes on its way; everything else as a file. Batches are acknowledged by a
 * PutResult whose metadata is the number of rows received so far, in decimal. A client need not
 * read these, so they must not fill the window of one that does not: the first ACKNOWLEDGED_MAX
 * batches are acknowledged one by one, later ones each time their number has grown by a tenth,
 * which stays below 64 KiB for any upload. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/atomic_file.h"
#include "cli/memory.h"
#include "cli/message.h"
#include "cli/os_error.h"
#include "cli/serve.h"
#include "cli/serve_name.h"

enum { ACKNOWLEDGED_MAX = 1000, DIRECTORY_MODE = 0777 };

struct store {
    struct cli_serve *serve;
    const char *name;
    cflight_reader *reader;
    cflight_metadata_writer *answers;
    struct cli_text path;
    struct cli_atomic_file file;
    int os_code; /* of the write that failed */
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

/* The nearest directory above `path` that is there. */
static cflight_status find_directory(const struct cli_serve *serve, const char *path,
                                     char **ret_directory, cflight_error **reterr)
{
    char *directory = cli_strdup(path);
    if (directory == NULL) {
        return cli_error_no_memory(reterr, "storing a flight");
    }
    struct stat about;
    char *slash = NULL;
    do {
        slash = strrchr(directory, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    } while (slash != NULL && stat(directory, &about) != 0);
    const char *found = slash == NULL ? "." : directory;
    cflight_status status = CFLIGHT_OK;
    if (!cli_catalog_contains(&serve->catalog, found)) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "'%s' leads out of the served directory", path);
    } else {
        *ret_directory = cli_strdup(found);
        status =
            *ret_directory == NULL ? cli_error_no_memory(reterr, "storing a flight") : CFLIGHT_OK;
    }
    cli_free(directory);
    return status;
}

/* CFLIGHT_OK when the name may be used now. */
static cflight_status check_free(const struct store *store, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    cflight_status status = cli_catalog_find(&store->serve->catalog, store->name, &path, &error);
    cli_text_done(&path);
    if (status == CFLIGHT_NOT_FOUND || (status == CFLIGHT_OK && store->serve->may_overwrite)) {
        cflight_error_free(error);
        return CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "flight '%s' exists", store->name);
    }
    if (reterr != NULL) {
        *reterr = error;
        return status;
    }
    cflight_error_free(error);
    return status;
}

static int write_views(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct store *store = user_data;
    for (size_t i = 0; i < count && store->os_code == 0; i++) {
        size_t written_bytes = 0;
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
static cflight_status explain(const struct store *store, cflight_status status,
                              cflight_error **reterr)
{
    if (status == CFLIGHT_OK || store->os_code == 0) {
        return status;
    }
    if (reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = NULL;
    }
    return cli_error_from_errno(reterr, store->os_code, "store", store->path.data);
}

static cflight_status acknowledge(struct store *store, cflight_error **reterr)
{
    char rows[24];
    (void)snprintf(rows, sizeof rows, "%" PRId64, store->row_count);
    store->last_acknowledged = store->batch_count;
    store->next_acknowledged = store->batch_count < ACKNOWLEDGED_MAX
                                   ? store->batch_count + 1
                                   : store->batch_count + store->batch_count / 10;
    return cflight_metadata_writer_write(store->answers, cflight_bytes_from_text(rows), reterr);
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
        status = cflight_reader_next(store->reader, &chunk, reterr);
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

/* Makes the directories above `path` that are missing. `*ret_first_len` is the length of the first
 * one that was made, 0 for none. @return 0 or an errno */
static int make_directories(char *path, size_t *ret_first_len)
{
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_made = mkdir(path, DIRECTORY_MODE) == 0;
        int os_code = is_made || errno == EEXIST ? 0 : errno;
        *slash = '/';
        if (os_code != 0) {
            return os_code;
        }
        if (is_made && *ret_first_len == 0) {
            *ret_first_len = (size_t)(slash - path);
        }
    }
    return 0;
}

/* Takes directories away again that an upload made and then could not use. */
static void remove_directories(char *path, size_t first_len)
{
    char *slash = strrchr(path, '/');
    while (first_len > 0 && slash != NULL && (size_t)(slash - path) >= first_len) {
        *slash = '\0';
        if (rmdir(path) != 0) {
            return;
        }
        slash = strrchr(path, '/');
    }
}

/* Removes the files that a replaced flight had under other endings. */
static void remove_other_endings(const struct store *store)
{
    for (size_t i = 0; i < CLI_ENDING_COUNT; i++) {
        struct cli_text path = CLI_TEXT_INIT;
        cli_text_append_string(&path, store->name);
        cli_text_append_string(&path, cli_endings[i]);
        const char *terminated = cli_text_terminated(&path);
        if (!path.failed && strcmp(terminated, store->path.data) != 0) {
            (void)unlink(terminated);
        }
        cli_text_done(&path);
    }
}

static cflight_status commit_locked(struct store *store, cflight_error **reterr)
{
    size_t first_len = 0;
    enum cli_replace replace =
        store->serve->may_overwrite ? CLI_REPLACE_EXISTING : CLI_REPLACE_NEVER;
    cflight_status status = check_free(store, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int os_code = make_directories(store->path.data, &first_len);
    if (os_code != 0) {
        status = cli_error_from_errno(reterr, os_code, "store", store->path.data);
    } else {
        status = cli_atomic_file_commit(&store->file, replace, reterr);
    }
    if (status != CFLIGHT_OK) {
        remove_directories(store->path.data, first_len);
    } else if (store->serve->may_overwrite) {
        remove_other_endings(store);
    }
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
    char *directory = NULL;

    cflight_status status = check_free(store, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_reader_schema(store->reader, &schema, reterr);
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
        status = find_directory(store->serve, store->path.data, &directory, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_atomic_file_create(&store->file, directory, store->path.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = store_content(store, &schema, format, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = commit(store, reterr);
    }
    schema.release(&schema);
    cli_free(directory);
    return status;
}

cflight_status cli_serve_do_put(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor, cflight_reader *reader,
                                cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct cli_text name = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    struct store store = {.serve = user_data,
                          .reader = reader,
                          .answers = writer,
                          .file = CLI_ATOMIC_FILE_INIT,
                          .next_acknowledged = 1};
    cflight_status status = cli_name_from_descriptor(&name, descriptor, &error);
    if (status == CFLIGHT_OK) {
        store.name = name.data;
        status = store_upload(&store, &error);
    }
    if (status != CFLIGHT_OK) {
        cli_message_error("upload refused or broken", error);
    } else if (!store.serve->is_quiet) {
        cli_message("stored '%s': %" PRId64 " %s from %s", name.data, store.row_count,
                    store.row_count == 1 ? "row" : "rows", cflight_server_context_peer(context));
    }
    if (status == CFLIGHT_PERMISSION_DENIED) {
        /* The server's rights, not the client's: another login would not help. */
        status = cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                   "flight '%s': the server has no permission to write its file",
                                   name.data);
    } else if (reterr != NULL) {
        *reterr = error;
        error = NULL;
    }
    cflight_error_free(error);
    cli_atomic_file_done(&store.file);
    cli_text_done(&store.path);
    cli_text_done(&name);
    return status;
}

cflight_status cli_serve_refuse_put(void *user_data, cflight_server_context *context,
                                    const struct cflight_descriptor *descriptor,
                                    cflight_reader *reader, cflight_metadata_writer *writer,
                                    cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    (void)descriptor;
    (void)reader;
    (void)writer;
    return cflight_error_set_message(
        reterr, CFLIGHT_UNIMPLEMENTED,
        "this server takes no uploads; it would with cflight serve --writable");
}
