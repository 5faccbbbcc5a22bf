/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC files and streams. Messages are written as they are where the format can hold them;
 * batches are encoded. */
#include "cli/system/os_error.h"
#include "cli/values/sink.h"

struct arrow_sink {
    struct cli_sink sink;
    enum cflight_ipc_format format;
    struct cflight_ipc_write_options options;
    bool takes_messages;
    cflight_ipc_writer *writer;
};

/* Prefers the reason of a failed write over what the IPC writer made of it. */
static cflight_status explain(const struct arrow_sink *self, cflight_status status,
                              cflight_error **reterr)
{
    if (status != CFLIGHT_OK && cli_output_os_code(self->sink.output) != 0) {
        cli_error_drop(reterr);
        return cli_output_error(self->sink.output, reterr);
    }
    return status;
}

static cflight_status arrow_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                                  cflight_error **reterr)
{
    struct arrow_sink *self = (struct arrow_sink *)sink;
    cflight_status status =
        cflight_ipc_writer_new(self->format, self->takes_messages ? NULL : schema, cli_output_write,
                               self->sink.output, &self->options, &self->writer, reterr);
    return explain(self, status, reterr);
}

static cflight_status arrow_write(struct cli_sink *sink, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    struct arrow_sink *self = (struct arrow_sink *)sink;
    cflight_status status = cflight_ipc_writer_write(self->writer, batch, reterr);
    if (status == CFLIGHT_UNIMPLEMENTED && self->format == CFLIGHT_IPC_FORMAT_FILE) {
        return cflight_error_set_message(
            reterr, status,
            "the data replaces a dictionary on its way, which the Arrow file "
            "format cannot hold; write the stream format (.arrows) instead");
    }
    return explain(self, status, reterr);
}

static bool has_dictionary(const struct ArrowSchema *schema)
{
    bool is_found = schema->dictionary != NULL;
    for (int64_t i = 0; !is_found && i < schema->n_children; i++) {
        is_found = has_dictionary(schema->children[i]);
    }
    return is_found;
}

/* A file has one dictionary for all its batches, and so what replaces one must be looked at: it may
 * be the same, or more of it. So must the dictionaries of several streams. */
static bool arrow_take_messages(struct cli_sink *sink, const struct ArrowSchema *schema,
                                bool is_one_stream)
{
    struct arrow_sink *self = (struct arrow_sink *)sink;
    bool may_replace = self->format == CFLIGHT_IPC_FORMAT_STREAM && is_one_stream;
    self->takes_messages = may_replace || !has_dictionary(schema);
    return self->takes_messages;
}

static cflight_status arrow_write_message(struct cli_sink *sink,
                                          const struct cflight_message *message,
                                          cflight_error **reterr)
{
    struct arrow_sink *self = (struct arrow_sink *)sink;
    return explain(self, cflight_ipc_writer_write_message(self->writer, message, reterr), reterr);
}

static cflight_status arrow_end(struct cli_sink *sink, cflight_error **reterr)
{
    struct arrow_sink *self = (struct arrow_sink *)sink;
    return explain(self, cflight_ipc_writer_close(self->writer, reterr), reterr);
}

static void arrow_done(struct cli_sink *sink)
{
    cflight_ipc_writer_free(((struct arrow_sink *)sink)->writer);
}

struct cli_sink *cli_sink_new_arrow(struct cli_output *output, enum cflight_ipc_format format,
                                    const struct cflight_ipc_write_options *options)
{
    static const struct cli_sink_functions functions = {
        .begin = arrow_begin,
        .write = arrow_write,
        .end = arrow_end,
        .take_messages = arrow_take_messages,
        .write_message = arrow_write_message,
        .done = arrow_done,
    };
    struct arrow_sink *self = cli_sink_alloc(sizeof *self, &functions, output);
    if (self == NULL) {
        return NULL;
    }
    self->format = format;
    self->options = *options;
    return &self->sink;
}
