/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_SINK_H
#define CFLIGHT_CLI_VALUES_SINK_H

#include "cflight/ipc.h"
#include "cli/system/output.h"
#include "cli/system/text.h"
#include "cli/values/column.h"

/* Where batches go: one sink per output format. The order of calls is begin, any number of writes,
 * end; a sink may be freed at any point. Thread class: one at a time. */

struct cli_sink;

/* What a kind of sink does, beyond what all do: a NULL is nothing. */
struct cli_sink_functions {
    cflight_status (*begin)(struct cli_sink *sink, const struct ArrowSchema *schema,
                            cflight_error **reterr);
    cflight_status (*write)(struct cli_sink *sink, const struct ArrowArray *batch,
                            cflight_error **reterr);
    cflight_status (*end)(struct cli_sink *sink, cflight_error **reterr);
    void (*done)(struct cli_sink *sink);
    /* Whether messages of this schema can be written as they are; then that is what comes. Before
     * begin. */
    bool (*take_messages)(struct cli_sink *sink, const struct ArrowSchema *schema,
                          bool is_one_stream);
    cflight_status (*write_message)(struct cli_sink *sink, const struct cflight_message *message,
                                    cflight_error **reterr);
};

/* First member of every sink. */
struct cli_sink {
    const struct cli_sink_functions *functions;
    struct cli_output *output;
    struct cli_column root; /* the schema as a struct, from begin on */
};

cflight_status cli_sink_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                              cflight_error **reterr);
cflight_status cli_sink_write(struct cli_sink *sink, const struct ArrowArray *batch,
                              cflight_error **reterr);
/* Asks, before begin, for messages in place of batches; `is_one_stream` when there are no others
 * behind it, with dictionaries of their own. False when the sink must have batches. */
bool cli_sink_take_messages(struct cli_sink *sink, const struct ArrowSchema *schema,
                            bool is_one_stream);
cflight_status cli_sink_write_message(struct cli_sink *sink, const struct cflight_message *message,
                                      cflight_error **reterr);
cflight_status cli_sink_end(struct cli_sink *sink, cflight_error **reterr);
void cli_sink_free(struct cli_sink *sink);

/* For the sinks: memory of `size_bytes` that begins with a struct cli_sink; NULL without memory. */
void *cli_sink_alloc(size_t size_bytes, const struct cli_sink_functions *functions,
                     struct cli_output *output);
/* Writes lines and clears the text; fails, too, when the output is not to be written on. */
cflight_status cli_sink_print(struct cli_sink *sink, struct cli_text *text, cflight_error **reterr);

/* Makers of the sinks; NULL when there is no memory. The output is borrowed, must outlive the sink,
 * and is closed by the caller after end. */
struct cli_sink *cli_sink_new_arrow(struct cli_output *output, enum cflight_ipc_format format,
                                    const struct cflight_ipc_write_options *options);
struct cli_sink *cli_sink_new_csv(struct cli_output *output);
struct cli_sink *cli_sink_new_jsonl(struct cli_output *output);
struct cli_sink *cli_sink_new_vertical(struct cli_output *output, bool has_style);
struct cli_sink *cli_sink_new_table(struct cli_output *output, size_t width, bool has_style);

#endif /* CFLIGHT_CLI_VALUES_SINK_H */
