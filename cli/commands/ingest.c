/* SPDX-License-Identifier: Apache-2.0 */
/* cflight ingest: loads an Arrow file or stream into a table.
 *
 * The library reads the source as a stream. What is wrong with the source, up to bytes behind its
 * end and a file that was changed meanwhile, is told by that stream before its end, which cancels
 * the upload: the server must not take what came for all of it. */
#include <errno.h>
#include <inttypes.h>

#include "cflight/sql_client.h"
#include "cli/client/fetch.h"
#include "cli/commands/commands.h"
#include "cli/commands/source.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

struct upload {
    struct cli_source source;
    cflight_error *error; /* of the source */
    struct cli_progress progress;
    struct cli_transfer transfer;
};

/* ---- the source, watched, as a stream ---- */

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct upload *upload = stream->private_data;
    return upload->source.stream.get_schema(&upload->source.stream, ret_schema);
}

static cflight_status take_batch(struct upload *upload, struct ArrowArray *ret_batch,
                                 cflight_error **reterr)
{
    cflight_status status = cli_source_next(&upload->source, ret_batch, reterr);
    if (status == CFLIGHT_OK && ret_batch->release != NULL) {
        status = cli_transfer_count(&upload->transfer, &upload->source.root, ret_batch, reterr);
        cli_progress_update(&upload->progress, upload->transfer.row_count,
                            upload->transfer.size_bytes);
    } else if (status == CFLIGHT_OK) {
        status = cli_source_check_tail(&upload->source, reterr);
    }
    return status == CFLIGHT_OK ? cli_source_check(&upload->source, reterr) : status;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct upload *upload = stream->private_data;
    struct ArrowArray batch = {.release = NULL};
    cli_error_drop(&upload->error);
    if (take_batch(upload, &batch, &upload->error) == CFLIGHT_OK) {
        *ret_batch = batch;
        return 0;
    }
    if (batch.release != NULL) {
        batch.release(&batch);
    }
    return EIO;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct upload *upload = stream->private_data;
    return upload->error == NULL ? NULL : cflight_error_message(upload->error);
}

static void release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* ---- the command ---- */

static struct cflight_sql_ingest_target find_target(const struct cli_arguments *arguments)
{
    static const struct cflight_sql_ingest_target modes[] = {
        [CLI_INGEST_CREATE] = {CFLIGHT_SQL_INGEST_CREATE},
        [CLI_INGEST_APPEND] = {CFLIGHT_SQL_INGEST_APPEND},
        [CLI_INGEST_CREATE_APPEND] = {CFLIGHT_SQL_INGEST_CREATE_APPEND},
        [CLI_INGEST_REPLACE] = {CFLIGHT_SQL_INGEST_REPLACE},
    };
    struct cflight_sql_ingest_target target = modes[arguments->ingest.mode];
    target.name.catalog = cflight_bytes_from_text(arguments->tables.catalog);
    target.name.db_schema = cflight_bytes_from_text(arguments->tables.db_schema);
    target.name.table = cflight_bytes_from_text(arguments->ingest.table);
    target.temporary = arguments->ingest.is_temporary;
    return target;
}

static void tell(const struct upload *upload, cflight_status status, int64_t row_count)
{
    struct cli_text note = CLI_TEXT_INIT;
    cli_transfer_append(&note, &upload->transfer);
    if (status == CFLIGHT_OK && row_count >= 0 && row_count != upload->transfer.row_count) {
        cli_remark("%s; the server counts %" PRId64, cli_text_terminated(&note), row_count);
    } else if (status == CFLIGHT_OK) {
        cli_remark("%s", cli_text_terminated(&note));
    } else if (upload->transfer.batch_count > 0 && cli_interrupt_signal() == 0) {
        cli_remark("sent before the failure: %s", cli_text_terminated(&note));
    }
    cli_text_done(&note);
}

static cflight_status send(struct cli_run *run, struct upload *upload, cflight_error **reterr)
{
    struct ArrowArrayStream rows = {.get_schema = get_schema,
                                    .get_next = get_next,
                                    .get_last_error = get_last_error,
                                    .release = release,
                                    .private_data = upload};
    const struct cflight_sql_ingest_target target = find_target(run->arguments);
    struct cflight_call_options call_options = cli_connection_call(&run->connection);
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    int64_t row_count = -1;
    call_options.write_options = &run->arguments->write_options;
    options.call_options = &call_options;

    cli_progress_start(&upload->progress, "ingest", upload->source.rows_total);
    cflight_status status =
        cflight_sql_ingest(run->connection.client, &target, &rows, &options, &row_count, reterr);
    cli_progress_clear(&upload->progress);
    if (status != CFLIGHT_OK && upload->error != NULL) {
        run->exit_code = CLI_EXIT_FAILURE;
        cli_error_drop(reterr);
        status = cli_error_give(upload->error, reterr);
        upload->error = NULL;
    } else if (status != CFLIGHT_OK && reterr != NULL) {
        cli_run_tell_doubt(*reterr);
    }
    tell(upload, status, row_count);
    return status;
}

cflight_status cli_run_ingest(struct cli_run *run, cflight_error **reterr)
{
    struct upload upload = {0};

    run->subject = run->arguments->ingest.table;
    cflight_status status = cli_source_open(&upload.source, run->arguments->source_path,
                                            &run->arguments->read_options, reterr);
    if (status != CFLIGHT_OK) {
        run->exit_code = CLI_EXIT_FAILURE;
        goto done;
    }
    status = cli_run_connect(run, reterr);
    if (status == CFLIGHT_OK) {
        status = send(run, &upload, reterr);
    }

done:
    cflight_error_free(upload.error);
    cli_source_done(&upload.source);
    return status;
}
