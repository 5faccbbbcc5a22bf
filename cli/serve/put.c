/* SPDX-License-Identifier: Apache-2.0 */
/* DoPut: an upload of a flight, or of a part of one (staging.c). */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/serve/flight.h"
#include "cli/serve/name.h"
#include "cli/serve/staging.h"
#include "cli/serve/store.h"
#include "cli/system/atomic_file.h"
#include "cli/system/files.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

struct upload {
    cflight_reader *reader;
    cflight_metadata_writer *answers;
};

static cflight_status upload_schema(void *user_data, struct ArrowSchema *ret_schema,
                                    cflight_error **reterr)
{
    struct upload *upload = user_data;
    return cflight_reader_schema(upload->reader, ret_schema, reterr);
}

static cflight_status upload_next(void *user_data, struct cflight_chunk *ret_chunk,
                                  cflight_error **reterr)
{
    struct upload *upload = user_data;
    return cflight_reader_next(upload->reader, ret_chunk, reterr);
}

static cflight_status upload_acknowledge(void *user_data, int64_t row_count, cflight_error **reterr)
{
    struct upload *upload = user_data;
    char rows[24];
    (void)snprintf(rows, sizeof rows, "%" PRId64, row_count);
    return cflight_metadata_writer_write(upload->answers, cflight_bytes_from_text(rows), reterr);
}

/* Where the upload goes: the name of a flight, or of a part that is staged. */
static cflight_status find_place(struct cli_text *ret_name, struct cli_text *ret_place,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_error **reterr)
{
    if (descriptor->type == CFLIGHT_DESCRIPTOR_CMD) {
        return cli_staging_find_part(ret_name, ret_place, descriptor->cmd, reterr);
    }
    return cli_name_from_descriptor(ret_name, descriptor, reterr);
}

/* Stores the upload, and tells the operator what came of it. */
static cflight_status store(struct cli_serve *serve, cflight_server_context *context,
                            const struct cli_text *name, const struct cli_text *place,
                            const struct cli_rows *rows, cflight_error **reterr)
{
    struct cli_quota_share share;
    cflight_error *error = NULL;
    int64_t row_count = 0;
    bool is_part = place->len_bytes > 0;
    cli_quota_share_init(&share, context);
    cflight_status status =
        cli_store(serve, is_part ? place->data : name->data, rows, &share, &row_count, &error);
    if (status == CFLIGHT_OK) {
        cli_remark("%s '%s': %" PRId64 " %s from %s", is_part ? "took a part of" : "stored",
                   name->data, row_count, row_count == 1 ? "row" : "rows",
                   cflight_server_context_peer(context));
        return CFLIGHT_OK;
    }
    cli_message_error_limited("upload refused or broken", error);
    if (status == CFLIGHT_PERMISSION_DENIED) {
        /* The server's rights, not the client's: another login would not help. */
        cflight_error_free(error);
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "flight '%s': the server has no permission to write its file",
                                 name->data);
    }
    return cli_error_give(error, reterr);
}

cflight_status cli_serve_do_put(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor, cflight_reader *reader,
                                cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct upload upload = {reader, writer};
    struct cli_rows rows = {.user_data = &upload,
                            .schema = upload_schema,
                            .next = upload_next,
                            .acknowledge = upload_acknowledge};
    struct cli_text name = CLI_TEXT_INIT;
    struct cli_text place = CLI_TEXT_INIT; /* empty where it is the name */
    cflight_error *error = NULL;
    cflight_status status = find_place(&name, &place, descriptor, &error);
    if (status != CFLIGHT_OK) {
        cli_message_error_limited("upload refused or broken", error);
        return cli_error_give(error, reterr);
    }
    status = cli_flight_check_upload(user_data, context, name.data, reterr);
    if (status == CFLIGHT_OK) {
        status = store(user_data, context, &name, &place, &rows, reterr);
    }
    cli_text_done(&place);
    cli_text_done(&name);
    return status;
}

enum { SWEEP_DEPTH_MAX = 32 };

static size_t sweep_directory(int directory_fd, int depth)
{
    size_t count = cli_atomic_file_sweep(directory_fd, NULL);
    DIR *entries = cli_entries_open(directory_fd);
    if (entries == NULL) {
        return count;
    }
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        int inner_fd = entry->d_name[0] == '.' || depth == SWEEP_DEPTH_MAX
                           ? -1
                           : openat(directory_fd, entry->d_name,
                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner_fd >= 0) {
            count += sweep_directory(inner_fd, depth + 1);
            (void)close(inner_fd);
        }
    }
    (void)closedir(entries);
    return count;
}

size_t cli_serve_sweep(const struct cli_serve *serve)
{
    return sweep_directory(serve->catalog.root_fd, 0);
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
