/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Lines: one object per row, its members in the order of the columns. A name that appears
 * twice gets a suffix
 * (`a`, `a_2`), because most readers keep only one of two members with the same name. */
#include "cli/values/sink_text.h"
#include "cli/values/value.h"

static cflight_status jsonl_write(struct cli_sink *sink, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    struct cli_sink_text *self = (struct cli_sink_text *)sink;
    /* The rows of a batch are never null, whatever a validity bitmap of the outer struct says. */
    struct ArrowArray rows = *batch;
    rows.null_count = 0;
    cflight_status status = CFLIGHT_OK;
    cli_sink_text_limit(self, batch);
    for (int64_t row = 0; row < batch->length && status == CFLIGHT_OK; row++) {
        cli_value_append_json(&self->text, &self->sink.root, &rows, row);
        cli_text_append_char(&self->text, '\n');
        status = cli_sink_text_flush_some(self, reterr);
    }
    return status;
}

struct cli_sink *cli_sink_new_jsonl(struct cli_output *output)
{
    static const struct cli_sink_functions functions = {
        .write = jsonl_write,
        .end = cli_sink_text_end,
        .done = cli_sink_text_done,
    };
    return cli_sink_text_new(output, &functions);
}
