/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses sinks and formats. */
#include "cli/values/sink.h"

#include <stdlib.h>
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
