/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by CSV and JSON Lines. Text is handed on in pieces of about 64 KiB; the output collects no
 * further then. A terminal gets escapes in the place of what could drive it; files and pipes get
 * the text as it is. */
#include "cli/values/sink_text.h"

#include "cli/system/utf8.h"

enum {
    FLUSH_BYTES = 64 * 1024,
    FREE_BYTES = 64 << 20, /* of text that any row may take */
    BYTES_MAX = 4096,      /* of text for a byte of data: an index can stand for a long word */
    REPEATED_BYTES_MAX = 256 << 20, /* of text that so long words may take */
    PLAIN_BYTES_MAX = 16,           /* of text for a byte of data, without such words */
};

struct cli_sink *cli_sink_text_new(struct cli_output *output,
                                   const struct cli_sink_functions *functions)
{
    struct cli_sink_text *self = cli_sink_alloc(sizeof *self, functions, output);
    if (self == NULL) {
        return NULL;
    }
    self->is_terminal = cli_output_is_terminal(output);
    return &self->sink;
}

static cflight_status flush(struct cli_sink_text *self, cflight_error **reterr)
{
    struct cli_text *shown = &self->text;
    cflight_status status = cli_text_status(&self->text, reterr);
    if (status == CFLIGHT_OK && self->is_terminal) {
        shown = &self->harmless;
        cli_text_clear(shown);
        cli_utf8_append_harmless(shown, cli_text_bytes(&self->text));
        status = cli_text_status(shown, reterr);
    }
    if (status == CFLIGHT_OK &&
        cli_output_write_text(self->sink.output, cli_text_bytes(shown)) != 0) {
        status = cli_output_error(self->sink.output, reterr);
    }
    cli_text_clear(&self->text);
    return status;
}

static uint64_t times(uint64_t count, uint64_t factor)
{
    uint64_t product = 0;
    return __builtin_mul_overflow(count, factor, &product) ? UINT64_MAX : product;
}

void cli_sink_text_limit(struct cli_sink_text *self, const struct ArrowArray *batch)
{
    uint64_t batch_bytes = cli_array_bytes(&self->sink.root, batch);
    uint64_t repeated_bytes = times(batch_bytes, BYTES_MAX);
    uint64_t plain_bytes = times(batch_bytes, PLAIN_BYTES_MAX);
    uint64_t limit_bytes =
        repeated_bytes < REPEATED_BYTES_MAX ? repeated_bytes : (uint64_t)REPEATED_BYTES_MAX;
    limit_bytes = plain_bytes > limit_bytes ? plain_bytes : limit_bytes;
    self->text.limit_bytes = (size_t)cli_add_bytes(limit_bytes, FREE_BYTES);
}

cflight_status cli_sink_text_flush_some(struct cli_sink_text *self, cflight_error **reterr)
{
    if (self->text.len_bytes < FLUSH_BYTES && !self->text.failed) {
        return CFLIGHT_OK;
    }
    if (cli_output_check(self->sink.output) != 0) {
        return cli_output_error(self->sink.output, reterr);
    }
    return flush(self, reterr);
}

cflight_status cli_sink_text_end(struct cli_sink *sink, cflight_error **reterr)
{
    return flush((struct cli_sink_text *)sink, reterr);
}

void cli_sink_text_done(struct cli_sink *sink)
{
    struct cli_sink_text *self = (struct cli_sink_text *)sink;
    cli_text_done(&self->text);
    cli_text_done(&self->harmless);
}
