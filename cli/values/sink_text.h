/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_SINK_TEXT_H
#define CFLIGHT_CLI_VALUES_SINK_TEXT_H

#include "cli/system/text.h"
#include "cli/values/sink.h"

/* What the line-oriented sinks (CSV, JSON Lines) share: text on its way to the output. */
struct cli_sink_text {
    struct cli_sink sink;
    struct cli_text text;
    bool is_terminal;
    struct cli_text harmless; /* what a terminal is shown of `text` */
};

struct cli_sink *cli_sink_text_new(struct cli_output *output,
                                   const struct cli_sink_functions *functions);
/* Before the rows of a batch: limits what a row may take to what its data accounts for. A list of
 * nulls, or a run, can claim any number of values in no bytes. */
void cli_sink_text_limit(struct cli_sink_text *self, const struct ArrowArray *batch);
/* Hands the text to the output once there is enough of it. */
cflight_status cli_sink_text_flush_some(struct cli_sink_text *self, cflight_error **reterr);
cflight_status cli_sink_text_end(struct cli_sink *sink, cflight_error **reterr);
void cli_sink_text_done(struct cli_sink *sink);

#endif /* CFLIGHT_CLI_VALUES_SINK_TEXT_H */
