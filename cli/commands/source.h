/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_SOURCE_H
#define CFLIGHT_CLI_COMMANDS_SOURCE_H

#include "cli/system/mapped_file.h"
#include "cli/values/column.h"

/* The Arrow file or stream that is to be uploaded. Thread class: one at a time. */
struct cli_source {
    const char *path; /* "-" is standard input; borrowed */
    struct cli_mapped_file file;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct cli_column root;
    int64_t rows_total; /* -1: not known */
};

/* Opens it and reads its schema. cli_source_done() in any case. */
cflight_status cli_source_open(struct cli_source *ret_source, const char *path,
                               const struct cflight_ipc_read_options *options,
                               cflight_error **reterr);
/* Gives the next batch, to be released; its `release` is NULL at the end. */
cflight_status cli_source_next(struct cli_source *source, struct ArrowArray *ret_batch,
                               cflight_error **reterr);
/* Tells, at the end, whether something follows in standard input that would be lost in silence. */
cflight_status cli_source_check_tail(const struct cli_source *source, cflight_error **reterr);
/* Tells whether the file is still what was read. */
cflight_status cli_source_check(const struct cli_source *source, cflight_error **reterr);
void cli_source_done(struct cli_source *source);

#endif /* CFLIGHT_CLI_COMMANDS_SOURCE_H */
