/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of a stream: its schema, its dictionaries, and how far it has come.
 *
 * The schema comes first and once; dictionaries and batches follow. A message that fails leaves the
 * decoder as it was, so a caller may skip it, though a stream with a hole in it is rarely worth
 * reading on. Owner: of the schema, the dictionaries and the codecs' state; arrays own their own
 * memory and outlive it. Thread class: one at a time. (Arrow columnar: IPC Streaming Format) */
#include "ipc/decoder.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/array_build.h"
#include "ipc/decoder_options.h"
#include "ipc/dictionary_set.h"
#include "ipc/schema_read.h"
#include "ipc/structure.h"

struct cfl_decoder {
    const struct cflight_allocator *alloc;
    struct cfl_limits limits;
    struct cfl_pool *pool;
    struct cfl_budget *budget;
    struct cfl_read_setup setup;
    struct cfl_schema *schema;          /* all columns */
    struct cfl_schema *selected_schema; /* what the caller sees */
    struct cfl_dictionary_set *dictionaries;
    struct cfl_decompressor decompressor;
    struct cflight_ipc_stats stats;
    int64_t row_count; /* of all batches */
    bool has_packed;   /* what is passed on has compressed values, so values are not looked at */
};

cflight_status cfl_decoder_new(const struct cflight_allocator *alloc,
                               const struct cflight_ipc_read_options *options,
                               const struct cfl_limits *limits, struct cfl_pool *pool,
                               struct cfl_decoder **ret_decoder, cflight_error **reterr)
{
    struct cfl_decoder *decoder = cfl_alloc_zeroed(alloc, sizeof *decoder);
    if (decoder == NULL) {
        return cfl_error_no_memory(reterr);
    }
    decoder->alloc = alloc;
    decoder->limits = limits == NULL ? cfl_limits_default : *limits;
    decoder->pool = pool == NULL ? NULL : cfl_pool_ref(pool);
    cflight_status status =
        cfl_read_setup_init(&decoder->setup, alloc, options, &decoder->limits, reterr);
    if (status != CFLIGHT_OK) {
        cfl_decoder_free(decoder);
        return status;
    }
    *ret_decoder = decoder;
    return CFLIGHT_OK;
}

void cfl_decoder_set_budget(struct cfl_decoder *decoder, struct cfl_budget *budget)
{
    decoder->budget = budget;
}

void cfl_decoder_free(struct cfl_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    cfl_dictionary_set_free(decoder->dictionaries);
    cfl_schema_unref(decoder->selected_schema);
    cfl_schema_unref(decoder->schema);
    cfl_decompressor_done(&decoder->decompressor);
    cfl_read_setup_done(&decoder->setup);
    cfl_pool_unref(decoder->pool);
    cfl_free(decoder->alloc, decoder, sizeof *decoder);
}

const struct cfl_schema *cfl_decoder_schema(const struct cfl_decoder *decoder)
{
    return decoder->selected_schema;
}

struct cflight_ipc_stats cfl_decoder_stats(const struct cfl_decoder *decoder)
{
    return decoder->stats;
}

static cflight_status feed_schema(struct cfl_decoder *decoder, const struct cfl_message *message,
                                  cflight_error **reterr)
{
    struct cfl_read_schemas schemas = {0};
    if (decoder->schema != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         "the Arrow stream has a second schema");
    }
    cflight_status status =
        cfl_read_schemas_init(&schemas, decoder->alloc, &message->header, &decoder->setup, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    decoder->schema = schemas.all;
    decoder->selected_schema = schemas.selected;
    decoder->dictionaries = schemas.dictionaries;
    return CFLIGHT_OK;
}

static struct cfl_decode_env environment(struct cfl_decoder *decoder)
{
    struct cfl_decode_env env = {
        .alloc = decoder->alloc,
        .pool = decoder->pool,
        .limits = &decoder->setup.limits,
        .validation = decoder->setup.validation,
        .schema = decoder->schema,
        .included = decoder->setup.included,
        .included_count = decoder->setup.included_count,
        .dictionaries = decoder->dictionaries,
        .decompressor = &decoder->decompressor,
        .budget = decoder->budget,
    };
    return env;
}

static cflight_status feed_dictionary(struct cfl_decoder *decoder,
                                      const struct cfl_message *message, struct cfl_body_view body,
                                      bool as_is, cflight_error **reterr)
{
    struct cfl_decode_env env = environment(decoder);
    struct cfl_dictionary_change change = {0};
    cflight_status status = (as_is ? cfl_dictionary_set_check : cfl_dictionary_set_feed)(
        decoder->dictionaries, &env, message, body, &change, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    decoder->stats.dictionary_batch_count++;
    decoder->stats.dictionary_delta_count += change.is_delta ? 1 : 0;
    decoder->stats.replaced_dictionary_count += change.is_replacement ? 1 : 0;
    return CFLIGHT_OK;
}

static cflight_status feed_batch(struct cfl_decoder *decoder, const struct cfl_message *message,
                                 struct cfl_body_view body, struct ArrowArray *ret_batch,
                                 cflight_error **reterr)
{
    struct cfl_decode_env env = environment(decoder);
    struct ArrowArray batch = {0};
    cflight_status status = cfl_decode_batch(&env, message, body, &batch, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_add_rows(&decoder->row_count, batch.length, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&batch);
        return status;
    }
    decoder->stats.record_batch_count++;
    *ret_batch = batch;
    return CFLIGHT_OK;
}

static cflight_status check_begun(const struct cfl_decoder *decoder,
                                  const struct cfl_message *message, cflight_error **reterr)
{
    if (message->kind == CFL_MESSAGE_SCHEMA || decoder->schema != NULL) {
        return CFLIGHT_OK;
    }
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     "the Arrow stream does not begin with a schema");
}

cflight_status cfl_decoder_feed_view(struct cfl_decoder *decoder, struct cflight_bytes header,
                                     struct cfl_body_view body, enum cfl_message_kind *ret_kind,
                                     struct ArrowArray *ret_batch, cflight_error **reterr)
{
    struct cfl_message message;
    cflight_status status = cfl_message_parse(header, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = check_begun(decoder, &message, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    switch (message.kind) {
    case CFL_MESSAGE_SCHEMA:
        status = feed_schema(decoder, &message, reterr);
        break;
    case CFL_MESSAGE_DICTIONARY:
        status = feed_dictionary(decoder, &message, body, false, reterr);
        break;
    case CFL_MESSAGE_BATCH:
        status = feed_batch(decoder, &message, body, ret_batch, reterr);
        break;
    }
    if (status == CFLIGHT_OK) {
        decoder->stats.message_count++;
        *ret_kind = message.kind;
    }
    return status;
}

cflight_status cfl_decoder_feed(struct cfl_decoder *decoder, struct cflight_bytes header,
                                cflight_buffer *body, enum cfl_message_kind *ret_kind,
                                struct ArrowArray *ret_batch, cflight_error **reterr)
{
    struct cfl_body_view view = {.bytes = cflight_buffer_bytes(body), .owner = body};
    return cfl_decoder_feed_view(decoder, header, view, ret_kind, ret_batch, reterr);
}

/* ---- messages that are passed on ---- */

/* Once a message has compressed values, those of others cannot be looked at either: they may be in
 * its dictionary. */
static cflight_status look_for_packed(struct cfl_decoder *decoder,
                                      const struct cfl_message *message, struct cfl_body_view body,
                                      cflight_error **reterr)
{
    const struct cfl_decode_env env = environment(decoder);
    struct cfl_fb_table record_batch =
        message->kind == CFL_MESSAGE_BATCH ? message->header : cfl_dictionary_record_batch(message);
    return decoder->has_packed ? CFLIGHT_OK
                               : cfl_structure_is_packed(&env, message, &record_batch, body,
                                                         &decoder->has_packed, reterr);
}

static cflight_status check_batch(struct cfl_decoder *decoder, const struct cfl_message *message,
                                  struct cfl_body_view body, bool as_is, int64_t *ret_row_count,
                                  cflight_error **reterr)
{
    const struct cfl_decode_env env = environment(decoder);
    struct ArrowArray batch = {0};
    if (!as_is) {
        cflight_status status = feed_batch(decoder, message, body, &batch, reterr);
        *ret_row_count = batch.length;
        cfl_array_drop(&batch);
        return status;
    }
    cflight_status status = cfl_structure_check_batch(&env, message, body, ret_row_count, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_add_rows(&decoder->row_count, *ret_row_count, reterr);
    }
    decoder->stats.record_batch_count += status == CFLIGHT_OK;
    return status;
}

static cflight_status check_columns(struct cfl_decoder *decoder, const struct cfl_message *message,
                                    struct cfl_body_view body, enum cflight_message_check check,
                                    int64_t *ret_row_count, cflight_error **reterr)
{
    cflight_status status = look_for_packed(decoder, message, body, reterr);
    bool as_is = check == CFLIGHT_MESSAGE_CHECK_STRUCTURE || decoder->has_packed;
    if (status != CFLIGHT_OK) {
        return status;
    }
    return message->kind == CFL_MESSAGE_DICTIONARY
               ? feed_dictionary(decoder, message, body, as_is, reterr)
               : check_batch(decoder, message, body, as_is, ret_row_count, reterr);
}

cflight_status cfl_decoder_check(struct cfl_decoder *decoder, struct cflight_bytes header,
                                 cflight_buffer *body, enum cflight_message_check check,
                                 enum cfl_message_kind *ret_kind, int64_t *ret_row_count,
                                 cflight_error **reterr)
{
    const struct cfl_body_view view = {.bytes = cflight_buffer_bytes(body), .owner = body};
    struct cfl_message message;
    int64_t row_count = 0;
    cflight_status status = cfl_message_parse(header, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_message_check_body(&message, view.bytes.len_bytes, reterr);
    }
    if (status == CFLIGHT_OK && check != CFLIGHT_MESSAGE_CHECK_HEADER) {
        status = check_begun(decoder, &message, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (check == CFLIGHT_MESSAGE_CHECK_HEADER) {
        status = message.kind == CFL_MESSAGE_BATCH ? cfl_message_rows(&message, &row_count, reterr)
                                                   : CFLIGHT_OK;
        decoder->stats.record_batch_count += message.kind == CFL_MESSAGE_BATCH;
        decoder->stats.dictionary_batch_count += message.kind == CFL_MESSAGE_DICTIONARY;
    } else if (message.kind == CFL_MESSAGE_SCHEMA) {
        status = feed_schema(decoder, &message, reterr);
    } else {
        status = check_columns(decoder, &message, view, check, &row_count, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    decoder->stats.message_count++;
    *ret_kind = message.kind;
    *ret_row_count = row_count;
    return CFLIGHT_OK;
}
