/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is to be uploaded, and whatever may be wrong with it. */
#include "cli/commands/source.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/system/input.h"
#include "cli/system/message.h"

/* A stream that was cut between two messages reads as a shorter one. All that are written today
 * have an end mark, but need not. */
static void look_for_end(const struct cli_source *source)
{
    static const uint8_t MARK[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0};
    uint8_t first[4];
    uint8_t last[sizeof MARK];
    struct stat about;
    bool is_stream = cflight_ipc_file_batch_count(source->file.file) < 0;
    if (is_stream && fstat(source->file.fd, &about) == 0 &&
        pread(source->file.fd, first, sizeof first, 0) == (ssize_t)sizeof first &&
        memcmp(first, MARK, sizeof first) == 0 && about.st_size >= (off_t)sizeof last &&
        pread(source->file.fd, last, sizeof last, about.st_size - (off_t)sizeof last) ==
            (ssize_t)sizeof last &&
        memcmp(last, MARK, sizeof last) != 0) {
        cli_remark("'%s' has no end mark: if it was cut short, rows are missing", source->path);
    }
}

static cflight_status open_file(struct cli_source *source,
                                const struct cflight_ipc_read_options *options,
                                cflight_error **reterr)
{
    struct stat about;
    if (stat(source->path, &about) == 0 && !S_ISREG(about.st_mode)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' is not a regular file; use - to read a stream from standard "
                                 "input",
                                 source->path);
    }
    cflight_status status = cli_mapped_file_open(&source->file, source->path, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    look_for_end(source);
    source->rows_total = cflight_ipc_file_row_count(source->file.file);
    return cflight_ipc_file_stream(source->file.file, &source->stream, reterr);
}

static cflight_status fail(struct cli_source *source, cflight_error **reterr)
{
    const char *reason = source->stream.get_last_error(&source->stream);
    bool is_stdin = strcmp(source->path, "-") == 0;
    const char *quote = is_stdin ? "" : "'";
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "cannot read %s%s%s: %s", quote,
                             is_stdin ? "standard input" : source->path, quote,
                             reason == NULL ? "no reason given" : reason);
}

static cflight_status open_stdin(struct cli_source *source,
                                 const struct cflight_ipc_read_options *options,
                                 cflight_error **reterr)
{
    cflight_error *cause = NULL;
    cflight_status status =
        cflight_ipc_open_reader(cli_read_stdin, NULL, NULL, options, &source->stream, &cause);
    if (status != CFLIGHT_OK) {
        (void)cflight_error_set(reterr, status, "cannot read standard input: %s",
                                cflight_error_message(cause));
        cflight_error_free(cause);
    }
    return status;
}

cflight_status cli_source_open(struct cli_source *ret_source, const char *path,
                               const struct cflight_ipc_read_options *options,
                               cflight_error **reterr)
{
    *ret_source = (struct cli_source){.path = path, .file = CLI_MAPPED_FILE_INIT, .rows_total = -1};
    cflight_status status = CFLIGHT_OK;
    if (strcmp(path, "-") == 0) {
        status = open_stdin(ret_source, options, reterr);
    } else {
        status = open_file(ret_source, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (ret_source->stream.get_schema(&ret_source->stream, &ret_source->schema) != 0) {
        return fail(ret_source, reterr);
    }
    return cli_column_init(&ret_source->root, &ret_source->schema, reterr);
}

cflight_status cli_source_next(struct cli_source *source, struct ArrowArray *ret_batch,
                               cflight_error **reterr)
{
    return source->stream.get_next(&source->stream, ret_batch) == 0 ? CFLIGHT_OK
                                                                    : fail(source, reterr);
}

cflight_status cli_source_check_tail(const struct cli_source *source, cflight_error **reterr)
{
    uint8_t next = 0;
    if (source->file.fd >= 0 || cli_read_stdin(NULL, &next, sizeof next) <= 0) {
        return CFLIGHT_OK;
    }
    return cflight_error_set_message(
        reterr, CFLIGHT_DATA_LOSS,
        "bytes follow the end of the Arrow stream on standard input; only one stream is read");
}

cflight_status cli_source_check(const struct cli_source *source, cflight_error **reterr)
{
    cflight_error *change = NULL;
    if (source->file.fd < 0 || cli_mapped_file_check(&source->file, &change) == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "'%s': %s", source->path,
                                              cflight_error_message(change));
    cflight_error_free(change);
    return status;
}

void cli_source_done(struct cli_source *source)
{
    cli_column_done(&source->root);
    if (source->schema.release != NULL) {
        source->schema.release(&source->schema);
    }
    if (source->stream.release != NULL) {
        source->stream.release(&source->stream);
    }
    cli_mapped_file_done(&source->file);
}
