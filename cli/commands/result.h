/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_RESULT_H
#define CFLIGHT_CLI_COMMANDS_RESULT_H

#include "cli/client/fetch.h"
#include "cli/commands/commands.h"

/* Where a command writes the rows that it is given, as the user said. */
struct cli_result {
    struct cli_run *run; /* borrowed */
    const char *path;
    enum cli_format format;
    int64_t row_count_max; /* negative for all */
    struct cli_output *output;
    size_t count; /* streams that were written */
};

/* Chooses by the arguments; `table_rows` are shown when nothing is said. Refuses what makes no
 * sense. */
cflight_status cli_result_choose(struct cli_result *ret_result, struct cli_run *run,
                                 int64_t table_rows, cflight_error **reterr);
/* Opens the output, if it is not open. */
cflight_status cli_result_open(struct cli_result *result, cflight_error **reterr);
/* Writes the rows of a stream that was opened with the options of the fetch, and releases it.
 * Tables are kept apart by an empty line; other formats are for one stream.
 * @param rows_total  -1 when it is not known */
cflight_status cli_result_write(struct cli_result *result, struct cli_fetch *fetch,
                                struct ArrowArrayStream *stream, int64_t rows_total,
                                cflight_error **reterr);
/* Makes what was written appear; without an output that is nothing. */
cflight_status cli_result_close(struct cli_result *result, cflight_error **reterr);
void cli_result_done(struct cli_result *result);

/* "the first 10 of 300 rows": what a fetch has brought. */
void cli_result_append_note(struct cli_text *note, const struct cli_result *result,
                            const struct cli_fetch *fetch, int64_t rows_total);

#endif /* CFLIGHT_CLI_COMMANDS_RESULT_H */
