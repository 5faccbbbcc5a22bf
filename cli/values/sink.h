/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_SINK_H
#define CFLIGHT_CLI_VALUES_SINK_H

#include "cflight/ipc.h"
#include "cli/system/output.h"
#include "cli/system/text.h"
#include "cli/values/column.h"

/* Where batches go: one sink per output format. The order of calls is begin, any number of writes,
 * end; a sink may be freed at any point. Thread class: one at a time. */

enum cli_format {
    CLI_FORMAT_NONE = 0,
    CLI_FORMAT_TABLE = 1,
    CLI_FORMAT_ARROW = 2,  /* Arrow IPC file */
    CLI_FORMAT_ARROWS = 3, /* Arrow IPC stream */
    CLI_FORMAT_CSV = 4,
    CLI_FORMAT_JSONL = 5,
};

struct cli_sink_options {
    struct cflight_ipc_write_options ipc; /* Arrow formats */
    size_t width;                         /* table: columns of the terminal, 0 for no limit */
    bool is_vertical;                     /* table: a line for each value */
    bool has_style;                       /* table: the terminal understands escape sequences */
};

struct cli_sink;

/* What a kind of sink does, beyond what all do: a NULL is nothing. */
struct cli_sink_functions {
    cflight_status (*begin)(struct cli_sink *sink, const struct ArrowSchema *schema,
                            cflight_error **reterr);
    cflight_status (*write)(struct cli_sink *sink, const struct ArrowArray *batch,
                            cflight_error **reterr);
    cflight_status (*end)(struct cli_sink *sink, cflight_error **reterr);
    void (*done)(struct cli_sink *sink);
};

/* First member of every sink. */
struct cli_sink {
    const struct cli_sink_functions *functions;
    struct cli_output *output;
    struct cli_column root; /* the schema as a struct, from begin on */
};

/* @param output  Borrowed, must outlive the sink; the caller closes it after end. */
cflight_status cli_sink_new(struct cli_sink **ret_sink, enum cli_format format,
                            struct cli_output *output, const struct cli_sink_options *options,
                            cflight_error **reterr);
cflight_status cli_sink_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                              cflight_error **reterr);
cflight_status cli_sink_write(struct cli_sink *sink, const struct ArrowArray *batch,
                              cflight_error **reterr);
cflight_status cli_sink_end(struct cli_sink *sink, cflight_error **reterr);
void cli_sink_free(struct cli_sink *sink);

/* For the sinks: memory of `size_bytes` that begins with a struct cli_sink; NULL without memory. */
void *cli_sink_alloc(size_t size_bytes, const struct cli_sink_functions *functions,
                     struct cli_output *output);
/* Writes lines and clears the text; fails, too, when the output is not to be written on. */
cflight_status cli_sink_print(struct cli_sink *sink, struct cli_text *text, cflight_error **reterr);

/* Makers of the sinks; NULL when there is no memory. */
struct cli_sink *cli_sink_new_arrow(struct cli_output *output, enum cflight_ipc_format format,
                                    const struct cflight_ipc_write_options *options);
struct cli_sink *cli_sink_new_csv(struct cli_output *output);
struct cli_sink *cli_sink_new_jsonl(struct cli_output *output);
struct cli_sink *cli_sink_new_vertical(struct cli_output *output, bool has_style);
struct cli_sink *cli_sink_new_table(struct cli_output *output, size_t width, bool has_style);

/* The format that a name ("csv") or the ending of a path ("x.csv") means. @return whether there is
 * one */
bool cli_format_from_name(const char *name, enum cli_format *ret_format);
bool cli_format_from_path(const char *path, enum cli_format *ret_format);

#endif /* CFLIGHT_CLI_VALUES_SINK_H */
