/* SPDX-License-Identifier: Apache-2.0 */
/* What all sinks have in common. */
#include "cli/values/sink.h"

#include <stdlib.h>

void *cli_sink_alloc(size_t size_bytes, const struct cli_sink_functions *functions,
                     struct cli_output *output)
{
    struct cli_sink *sink = calloc(1, size_bytes);
    if (sink != NULL) {
        sink->functions = functions;
        sink->output = output;
    }
    return sink;
}

cflight_status cli_sink_print(struct cli_sink *sink, struct cli_text *text, cflight_error **reterr)
{
    cflight_status status = cli_text_status(text, reterr);
    if (status == CFLIGHT_OK && (cli_output_write_text(sink->output, cli_text_bytes(text)) != 0 ||
                                 cli_output_check(sink->output) != 0)) {
        status = cli_output_error(sink->output, reterr);
    }
    cli_text_clear(text);
    return status;
}

cflight_status cli_sink_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                              cflight_error **reterr)
{
    cflight_status status = cli_column_init(&sink->root, schema, reterr);
    return status == CFLIGHT_OK && sink->functions->begin != NULL
               ? sink->functions->begin(sink, schema, reterr)
               : status;
}

cflight_status cli_sink_write(struct cli_sink *sink, const struct ArrowArray *batch,
                              cflight_error **reterr)
{
    return sink->functions->write(sink, batch, reterr);
}

bool cli_sink_take_messages(struct cli_sink *sink, const struct ArrowSchema *schema,
                            bool is_one_stream)
{
    return sink->functions->take_messages != NULL &&
           sink->functions->take_messages(sink, schema, is_one_stream);
}

cflight_status cli_sink_write_message(struct cli_sink *sink, const struct cflight_message *message,
                                      cflight_error **reterr)
{
    return sink->functions->write_message(sink, message, reterr);
}

cflight_status cli_sink_end(struct cli_sink *sink, cflight_error **reterr)
{
    return sink->functions->end == NULL ? CFLIGHT_OK : sink->functions->end(sink, reterr);
}

void cli_sink_free(struct cli_sink *sink)
{
    if (sink != NULL) {
        sink->functions->done(sink);
        cli_column_done(&sink->root);
        free(sink);
    }
}
