/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_FORMAT_H
#define CFLIGHT_CLI_VALUES_FORMAT_H

#include "cli/values/sink.h"

/* Formats of output, and the sink of each. */

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

/* The format that a name ("csv") or the ending of a path ("x.csv") means. @return whether there is
 * one */
bool cli_format_from_name(const char *name, enum cli_format *ret_format);
bool cli_format_from_path(const char *path, enum cli_format *ret_format);

/* Makes the sink of a format, see sink.h. */
cflight_status cli_sink_new(struct cli_sink **ret_sink, enum cli_format format,
                            struct cli_output *output, const struct cli_sink_options *options,
                            cflight_error **reterr);

#endif /* CFLIGHT_CLI_VALUES_FORMAT_H */
