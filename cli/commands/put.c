/* SPDX-License-Identifier: Apache-2.0 */
/* cflight put: sends an Arrow file or stream and reports the server's verdict.
 *
 * What the server answers meanwhile is read after every batch, so that neither side can block the
 * other. When the file turns out to be damaged, the call is cancelled: the server must not take
 * what came for all of it. */
#include <stdlib.h>

#include "cli/client/fetch.h"
#include "cli/client/flight_name.h"
#include "cli/commands/commands.h"
#include "cli/commands/source.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"
#include "cli/system/utf8.h"

struct upload {
    struct cli_run *run;
    struct cli_source source;
    struct cli_output *results; /* NULL when they are not shown */
    cflight_writer *writer;
    cflight_metadata_reader *answers;
    struct cli_progress progress;
    struct cli_transfer transfer;
};

static cflight_status start_call(struct upload *upload, cflight_error **reterr)
{
    const struct cli_connection *connection = &upload->run->connection;
    struct cflight_descriptor descriptor;
    struct cflight_bytes *elements = NULL;
    struct cflight_call_options options = cli_connection_call(connection);
    options.write_options = &upload->run->arguments->write_options;
    cflight_status status =
        cli_flight_descriptor(&upload->run->arguments->flight, &descriptor, &elements, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_do_put(connection->client, &descriptor, &upload->source.schema,
                                       &options, &upload->writer, &upload->answers, reterr);
    }
    free(elements);
    return status;
}

/* Shows one answer as a line. */
static void show_answer(struct upload *upload, const cflight_buffer *answer)
{
    struct cli_text line = CLI_TEXT_INIT;
    if (upload->results == NULL) {
        return;
    }
    cli_progress_clear(&upload->progress);
    cli_utf8_append_visible(&line, cflight_buffer_bytes(answer));
    cli_text_append_char(&line, '\n');
    (void)cli_output_write_text(upload->results, cli_text_bytes(&line));
    (void)cli_output_flush(upload->results);
    cli_text_done(&line);
}

/* Takes the answers that are there. */
static cflight_status take_answers(struct upload *upload, cflight_error **reterr)
{
    for (;;) {
        bool is_ready = false;
        cflight_buffer *answer = NULL;
        cflight_status status =
            cflight_metadata_reader_try_next(upload->answers, 0, &is_ready, &answer, reterr);
        if (status != CFLIGHT_OK || !is_ready || answer == NULL) {
            return status;
        }
        show_answer(upload, answer);
        cflight_buffer_unref(answer);
    }
}

/* Waits for the answers that are still to come. */
static cflight_status take_last_answers(struct upload *upload, cflight_error **reterr)
{
    for (;;) {
        cflight_buffer *answer = NULL;
        cflight_status status = cflight_metadata_reader_next(upload->answers, &answer, reterr);
        if (status != CFLIGHT_OK || answer == NULL) {
            return status;
        }
        show_answer(upload, answer);
        cflight_buffer_unref(answer);
    }
}

static cflight_status send_batch(struct upload *upload, struct ArrowArray *batch,
                                 cflight_error **reterr)
{
    cflight_status status = cflight_writer_write(upload->writer, batch, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_transfer_count(&upload->transfer, &upload->source.root, batch, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cli_progress_update(&upload->progress, upload->transfer.row_count, upload->transfer.size_bytes);
    return take_answers(upload, reterr);
}

/* Takes the upload back for something that is not the server's fault. */
static cflight_status take_back(struct upload *upload, cflight_status status)
{
    if (status != CFLIGHT_OK) {
        cflight_writer_cancel(upload->writer);
        upload->run->exit_code = CLI_EXIT_FAILURE;
    }
    return status;
}

static cflight_status send_all(struct upload *upload, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct ArrowArray batch = {0};
        status = cli_source_next(&upload->source, &batch, reterr);
        if (status != CFLIGHT_OK) {
            return take_back(upload, status);
        }
        if (batch.release == NULL) {
            return take_back(upload, cli_source_check_tail(&upload->source, reterr));
        }
        status = send_batch(upload, &batch, reterr);
        batch.release(&batch);
    }
    return status;
}

/* Takes an upload back whose file was changed meanwhile. That also explains whatever else went
 * wrong. */
static cflight_status check_source(struct upload *upload, cflight_status status,
                                   cflight_error **reterr)
{
    cflight_error *change = NULL;
    if (cli_source_check(&upload->source, &change) == CFLIGHT_OK) {
        return status;
    }
    cli_error_drop(reterr);
    return take_back(upload, cli_error_give(change, reterr));
}

/* Ends the upload and takes the verdict. */
static cflight_status finish(struct upload *upload, cflight_error **reterr)
{
    cflight_status status = cflight_writer_done_writing(upload->writer, reterr);
    if (status == CFLIGHT_OK) {
        status = take_last_answers(upload, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(upload->writer, reterr);
    }
    return status;
}

static void tell(const struct upload *upload, cflight_status status)
{
    struct cli_text note = CLI_TEXT_INIT;
    cli_transfer_append(&note, &upload->transfer);
    if (status == CFLIGHT_OK) {
        cli_remark("%s", cli_text_terminated(&note));
    } else if (upload->transfer.batch_count > 0 && cli_interrupt_signal() == 0) {
        cli_remark("sent before the failure: %s", cli_text_terminated(&note));
    }
    cli_text_done(&note);
}

static cflight_status run_upload(struct upload *upload, cflight_error **reterr)
{
    cflight_status status = start_call(upload, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cli_progress_start(&upload->progress, "put", upload->source.rows_total);
    status = check_source(upload, send_all(upload, reterr), reterr);
    if (status == CFLIGHT_OK) {
        status = finish(upload, reterr);
    }
    cli_progress_clear(&upload->progress);
    tell(upload, status);
    return status;
}

static void upload_done(struct upload *upload)
{
    cflight_metadata_reader_free(upload->answers);
    cflight_writer_free(upload->writer);
    cli_source_done(&upload->source);
    cli_output_free(upload->results);
}

cflight_status cli_run_put(struct cli_run *run, cflight_error **reterr)
{
    struct upload upload = {.run = run};

    run->subject = run->arguments->flight.name;
    cflight_status status = cli_source_open(&upload.source, run->arguments->source_path,
                                            &run->arguments->read_options, reterr);
    if (status == CFLIGHT_OK && run->arguments->put_shows_results) {
        status = cli_output_open(&upload.results, "-", reterr);
    }
    if (status != CFLIGHT_OK) {
        run->exit_code = CLI_EXIT_FAILURE;
        goto done;
    }
    status = cli_run_connect(run, reterr);
    if (status == CFLIGHT_OK) {
        status = run_upload(&upload, reterr);
    }
    if (status == CFLIGHT_OK && upload.results != NULL) {
        status = cli_output_close(upload.results, reterr);
        cli_run_blame_output(run, upload.results);
    }

done:
    upload_done(&upload);
    return status;
}
