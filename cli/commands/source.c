/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is to be uploaded, and whatever may be wrong with it. */
#include "cli/commands/source.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/system/input.h"

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
    source->rows_total = cflight_ipc_file_row_count(source->file.file);
    return cflight_ipc_file_stream(source->file.file, &source->stream, reterr);
}

static cflight_status fail(struct cli_source *source, cflight_error **reterr)
{
    const char *reason = source->stream.get_last_error(&source->stream);
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "cannot read '%s': %s", source->path,
                             reason == NULL ? "no reason given" : reason);
}

cflight_status cli_source_open(struct cli_source *ret_source, const char *path,
                               const struct cflight_ipc_read_options *options,
                               cflight_error **reterr)
{
    *ret_source = (struct cli_source){.path = path, .file = CLI_MAPPED_FILE_INIT, .rows_total = -1};
    cflight_status status = CFLIGHT_OK;
    if (strcmp(path, "-") == 0) {
        status = cflight_ipc_open_reader(cli_read_stdin, NULL, NULL, options, &ret_source->stream,
                                         reterr);
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
