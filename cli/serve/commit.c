/* SPDX-License-Identifier: Apache-2.0 */
/* The actions of uploads in parts: cflight.commit makes one flight of parts, cflight.abort drops
 * them.
 *
 * A commit writes the parts one behind the other into a new file. Before that gets its name, a note
 * says which file it is; so whoever asks again, because the answer was lost or the server was
 * killed, is told whether it has appeared. */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/serve/flight.h"
#include "cli/serve/name.h"
#include "cli/serve/staging.h"
#include "cli/serve/store.h"
#include "cli/system/files.h"
#include "cli/system/mapped_file.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

struct commit {
    struct cli_serve *serve;
    cflight_server_context *context;
    struct cli_text name;
    struct cli_text place;       /* of the upload */
    struct cflight_bytes rest;   /* the parts that are still to be read, a line each */
    cflight_buffer *schema;      /* of the first part; the others must have the same */
    struct cli_mapped_file file; /* the part that is being read */
    struct ArrowArrayStream stream;
};

static void close_part(struct commit *commit)
{
    if (commit->stream.release != NULL) {
        commit->stream.release(&commit->stream);
    }
    cli_mapped_file_done(&commit->file);
}

/* The columns of a part, which have to be those of the first. */
static cflight_status check_schema(struct commit *commit, struct cflight_bytes part,
                                   cflight_error **reterr)
{
    struct ArrowSchema schema = {0};
    cflight_buffer *bytes = NULL;
    cflight_status status = cflight_ipc_file_schema(commit->file.file, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_serialize(&schema, &bytes, reterr);
        schema.release(&schema);
    }
    if (status == CFLIGHT_OK && commit->schema == NULL) {
        commit->schema = bytes;
        return CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK &&
        !cflight_bytes_equal(cflight_buffer_bytes(bytes), cflight_buffer_bytes(commit->schema))) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "part %.*s has other columns than the first part",
                                   (int)part.len_bytes, (const char *)part.data);
    }
    cflight_buffer_unref(bytes);
    return status;
}

static cflight_status open_place(struct commit *commit, struct cflight_bytes part,
                                 const char *place, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_error *cause = NULL;
    int fd = -1;
    cflight_status status =
        cli_catalog_open(&commit->serve->catalog, place, O_RDONLY, &path, &fd, &cause);
    if (status == CFLIGHT_NOT_FOUND) {
        status = cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                   "part %.*s has not been uploaded, or was removed",
                                   (int)part.len_bytes, (const char *)part.data);
        cflight_error_free(cause);
    } else if (status != CFLIGHT_OK) {
        status = cli_error_give(cause, reterr);
    } else {
        status = cli_mapped_file_open_fd(&commit->file, fd, cli_text_terminated(&path),
                                         commit->serve->read_options, reterr);
    }
    cli_text_done(&path);
    return status;
}

/* Goes on to the next part; `*ret_is_end` when there is none. */
static cflight_status open_part(struct commit *commit, bool *ret_is_end, cflight_error **reterr)
{
    struct cflight_bytes part;
    struct cli_text place = CLI_TEXT_INIT;
    close_part(commit);
    *ret_is_end = !cli_staging_take_line(&commit->rest, &part);
    if (*ret_is_end) {
        return CFLIGHT_OK;
    }
    cli_text_append(&place, commit->place.data, commit->place.len_bytes);
    cflight_status status = cli_staging_append_part(&place, part, reterr);
    if (status == CFLIGHT_OK) {
        status = open_place(commit, part, place.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_schema(commit, part, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_stream(commit->file.file, &commit->stream, reterr);
    }
    cli_text_done(&place);
    return status;
}

static cflight_status commit_schema(void *user_data, struct ArrowSchema *ret_schema,
                                    cflight_error **reterr)
{
    struct commit *commit = user_data;
    bool is_end = false;
    cflight_status status = open_part(commit, &is_end, reterr);
    if (status == CFLIGHT_OK && is_end) {
        status =
            cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "the commit names no part");
    }
    return status != CFLIGHT_OK
               ? status
               : cflight_ipc_schema_parse(cflight_buffer_bytes(commit->schema), ret_schema, reterr);
}

static cflight_status commit_next(void *user_data, struct cflight_chunk *ret_chunk,
                                  cflight_error **reterr)
{
    struct commit *commit = user_data;
    struct cflight_chunk chunk = {0};
    if (cflight_server_context_is_cancelled(commit->context)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "the client has gone");
    }
    while (!chunk.is_end && chunk.batch.release == NULL) {
        if (commit->stream.get_next(&commit->stream, &chunk.batch) != 0) {
            const char *reason = commit->stream.get_last_error(&commit->stream);
            return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "a part cannot be read: %s",
                                     reason == NULL ? "no reason is given" : reason);
        }
        cflight_status status = CFLIGHT_OK;
        if (chunk.batch.release == NULL) {
            status = cli_mapped_file_check(&commit->file, reterr);
        }
        if (status == CFLIGHT_OK && chunk.batch.release == NULL) {
            status = open_part(commit, &chunk.is_end, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    chunk.has_batch = !chunk.is_end;
    *ret_chunk = chunk;
    return CFLIGHT_OK;
}

/* The number of rows of the flight, if the upload has become one; else -1. */
static int64_t find_rows(const struct commit *commit)
{
    struct cli_staging_note note;
    struct cli_text path = CLI_TEXT_INIT;
    struct stat about;
    int fd = -1;
    cli_staging_read_note(commit->serve, commit->place.data, &note);
    if (note.state == CLI_STAGING_APPEARING &&
        cli_catalog_open(&commit->serve->catalog, commit->name.data, O_PATH, &path, &fd, NULL) ==
            CFLIGHT_OK &&
        fstat(fd, &about) == 0 && about.st_ino == note.inode) {
        note.state = CLI_STAGING_COMMITTED;
    }
    cli_close(fd);
    cli_text_done(&path);
    return note.state == CLI_STAGING_COMMITTED ? note.row_count : -1;
}

/* One commit at a time is here, so that of two of the same upload the second finds the first. */
static cflight_status commit_appears(void *user_data, int fd, int64_t row_count,
                                     cflight_error **reterr)
{
    struct commit *commit = user_data;
    struct stat about;
    if (find_rows(commit) >= 0) {
        return cflight_error_set_message(reterr, CFLIGHT_ABORTED,
                                         "the upload was committed meanwhile");
    }
    if (fstat(fd, &about) != 0) {
        return cli_error_from_errno(reterr, errno, "store", commit->name.data);
    }
    struct cli_staging_note note = {CLI_STAGING_APPEARING, about.st_ino, row_count};
    return cli_staging_write_note(commit->serve, commit->place.data, &note, reterr);
}

static cflight_status answer_rows(struct commit *commit, int64_t row_count,
                                  cflight_response *response, cflight_error **reterr)
{
    char text[24];
    struct cli_staging_note note = {CLI_STAGING_COMMITTED, 0, row_count};
    cflight_error *error = NULL;
    if (cli_staging_write_note(commit->serve, commit->place.data, &note, &error) == CFLIGHT_OK) {
        cli_staging_remove(commit->serve, commit->place.data, false);
    } else {
        cli_message_error("parts that were committed were not removed", error);
        cflight_error_free(error);
    }
    (void)snprintf(text, sizeof text, "%" PRId64, row_count);
    return cflight_response_result(response, cflight_bytes_from_text(text), reterr);
}

static cflight_status store_parts(struct commit *commit, cflight_response *response,
                                  cflight_error **reterr)
{
    struct cli_rows rows = {.user_data = commit,
                            .schema = commit_schema,
                            .next = commit_next,
                            .appears = commit_appears};
    struct cli_quota_share share;
    cflight_error *error = NULL;
    int64_t row_count = find_rows(commit);
    cflight_status status = CFLIGHT_OK;
    if (row_count < 0) {
        cli_quota_share_init(&share, commit->context);
        status = cli_store(commit->serve, commit->name.data, &rows, &share, &row_count, &error);
    }
    if (status != CFLIGHT_OK && find_rows(commit) >= 0) {
        row_count = find_rows(commit);
        status = CFLIGHT_OK;
        cflight_error_free(error);
        error = NULL;
    }
    if (status != CFLIGHT_OK) {
        cli_message_error_limited("commit refused or broken", error);
        return cli_error_give(error, reterr);
    }
    cli_remark("stored '%s' of parts: %" PRId64 " %s from %s", commit->name.data, row_count,
               row_count == 1 ? "row" : "rows", cflight_server_context_peer(commit->context));
    return answer_rows(commit, row_count, response, reterr);
}

/* Reads the first two lines, which both actions have. */
static cflight_status begin(struct commit *commit, struct cflight_bytes body,
                            cflight_error **reterr)
{
    struct cflight_bytes name = {0};
    struct cflight_bytes upload = {0};
    if (!cli_staging_take_line(&body, &name) || !cli_staging_take_line(&body, &upload)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "expected the name of a flight and an upload, on a line "
                                         "each");
    }
    cflight_status status = cli_name_check(name, reterr);
    if (status == CFLIGHT_OK) {
        cli_text_append(&commit->name, name.data, name.len_bytes);
        (void)cli_text_terminated(&commit->name);
        status = cli_text_status(&commit->name, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_flight_check_upload(commit->serve, commit->context, commit->name.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_staging_find_upload(&commit->place, upload, reterr);
    }
    commit->rest = body;
    return status;
}

cflight_status cli_serve_do_action(void *user_data, cflight_server_context *context,
                                   const struct cflight_action *action, cflight_response *response,
                                   cflight_error **reterr)
{
    struct commit commit = {.serve = user_data, .context = context, .file = CLI_MAPPED_FILE_INIT};
    bool is_commit = cflight_bytes_equal(action->type, cflight_bytes_from_text("cflight.commit"));
    if (!is_commit &&
        !cflight_bytes_equal(action->type, cflight_bytes_from_text("cflight.abort"))) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "this server has the actions cflight.commit and cflight.abort, "
                                 "not '%.*s'",
                                 (int)(action->type.len_bytes < 100 ? action->type.len_bytes : 100),
                                 (const char *)action->type.data);
    }
    cflight_status status = begin(&commit, action->body, reterr);
    if (status == CFLIGHT_OK && is_commit) {
        status = store_parts(&commit, response, reterr);
    } else if (status == CFLIGHT_OK) {
        cli_staging_remove(commit.serve, commit.place.data, find_rows(&commit) < 0);
    }
    cli_staging_sweep(commit.serve);
    close_part(&commit);
    cflight_buffer_unref(commit.schema);
    cli_text_done(&commit.place);
    cli_text_done(&commit.name);
    return status;
}

cflight_status cli_serve_list_actions(void *user_data, cflight_server_context *context,
                                      cflight_response *response, cflight_error **reterr)
{
    static const char *const actions[][2] = {
        {"cflight.commit", "Make one flight of parts that were uploaded; the answer is its rows."},
        {"cflight.abort", "Remove parts that were uploaded."},
    };
    (void)user_data;
    (void)context;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < sizeof actions / sizeof *actions; i++) {
        struct cflight_action_type type = {cflight_bytes_from_text(actions[i][0]),
                                           cflight_bytes_from_text(actions[i][1])};
        status = cflight_response_action_type(response, &type, reterr);
    }
    return status;
}
