/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses formats and sinks. */
#include "cli/values/format.h"

#include <string.h>

#include "cli/system/os_error.h"

static const struct {
    const char *name;
    enum cli_format format;
} format_names[] = {
    {"arrow", CLI_FORMAT_ARROW}, {"feather", CLI_FORMAT_ARROW}, {"arrows", CLI_FORMAT_ARROWS},
    {"csv", CLI_FORMAT_CSV},     {"jsonl", CLI_FORMAT_JSONL},   {"ndjson", CLI_FORMAT_JSONL},
    {"table", CLI_FORMAT_TABLE},
};

bool cli_format_from_name(const char *name, enum cli_format *ret_format)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (strcmp(format_names[i].name, name) == 0) {
            *ret_format = format_names[i].format;
            return true;
        }
    }
    return false;
}

bool cli_format_from_path(const char *path, enum cli_format *ret_format)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash == NULL ? path : slash, '.');
    return dot != NULL && strcmp(dot, ".table") != 0 && cli_format_from_name(dot + 1, ret_format);
}

static struct cli_sink *make_sink(enum cli_format format, struct cli_output *output,
                                  const struct cli_sink_options *options)
{
    switch (format) {
    case CLI_FORMAT_ARROW:
        return cli_sink_new_arrow(output, CFLIGHT_IPC_FORMAT_FILE, &options->ipc);
    case CLI_FORMAT_ARROWS:
        return cli_sink_new_arrow(output, CFLIGHT_IPC_FORMAT_STREAM, &options->ipc);
    case CLI_FORMAT_CSV:
        return cli_sink_new_csv(output);
    case CLI_FORMAT_JSONL:
        return cli_sink_new_jsonl(output);
    case CLI_FORMAT_TABLE:
        if (options->is_vertical) {
            return cli_sink_new_vertical(output, options->has_style);
        }
        return cli_sink_new_table(output, options->width, options->has_style);
    case CLI_FORMAT_NONE:
        return NULL;
    }
    return NULL;
}

cflight_status cli_sink_new(struct cli_sink **ret_sink, enum cli_format format,
                            struct cli_output *output, const struct cli_sink_options *options,
                            cflight_error **reterr)
{
    struct cli_sink *sink = make_sink(format, output, options);
    if (sink == NULL) {
        return cli_error_no_memory(reterr, "preparing the output");
    }
    *ret_sink = sink;
    return CFLIGHT_OK;
}
