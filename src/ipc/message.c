/* SPDX-License-Identifier: Apache-2.0 */
/* The outer part of a message. Everything is a view of the caller's bytes. Thread class: free.
 * (Message.fbs: Message, MessageHeader, MetadataVersion) */
#include "ipc/message.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "ipc/decoder.h"

/* Fields of the table Message. */
enum {
    MESSAGE_VERSION = 0,
    MESSAGE_HEADER_TYPE = 1,
    MESSAGE_HEADER = 2,
    MESSAGE_BODY_LENGTH = 3,
    MESSAGE_CUSTOM_METADATA = 4,
};

enum { TABLE_OFFSET_BYTES = 4 };
enum { RECORD_BATCH_LENGTH = 0 }; /* field of the table RecordBatch */

/* Members of the union MessageHeader. */
enum {
    HEADER_NONE = 0,
    HEADER_SCHEMA = 1,
    HEADER_DICTIONARY_BATCH = 2,
    HEADER_RECORD_BATCH = 3,
};

cflight_status cfl_message_check(const struct cfl_fb *fb, const char *what, cflight_error **reterr)
{
    if (fb->problem == NULL) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "the %s is not a valid flatbuffer: %s",
                             what, fb->problem);
}

cflight_status cfl_metadata_version_check(int16_t metadata_version, cflight_error **reterr)
{
    if (metadata_version == CFL_METADATA_V4 || metadata_version == CFL_METADATA_V5) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                             "Arrow metadata version V%d is not supported; V4 and V5 are",
                             (int)metadata_version + 1);
}

static cflight_status kind_of(uint8_t header_type, enum cfl_message_kind *ret_kind,
                              cflight_error **reterr)
{
    switch (header_type) {
    case HEADER_SCHEMA:
        *ret_kind = CFL_MESSAGE_SCHEMA;
        return CFLIGHT_OK;
    case HEADER_DICTIONARY_BATCH:
        *ret_kind = CFL_MESSAGE_DICTIONARY;
        return CFLIGHT_OK;
    case HEADER_RECORD_BATCH:
        *ret_kind = CFL_MESSAGE_BATCH;
        return CFLIGHT_OK;
    case HEADER_NONE:
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         "the Arrow message has no header");
    default:
        return cflight_error_set(
            reterr, CFLIGHT_UNIMPLEMENTED,
            "Arrow message kind %u is not supported; schemas, dictionaries and "
            "record batches are",
            (unsigned int)header_type);
    }
}

cflight_status cfl_message_parse(struct cflight_bytes bytes, struct cfl_message *ret_message,
                                 cflight_error **reterr)
{
    struct cfl_message *message = ret_message;
    cfl_fb_init(&message->fb, bytes);
    struct cfl_fb_table root = cfl_fb_root(&message->fb);
    message->metadata_version = cfl_fb_i16(&root, MESSAGE_VERSION, 0);
    uint8_t header_type = cfl_fb_u8(&root, MESSAGE_HEADER_TYPE, HEADER_NONE);
    message->header = cfl_fb_table_field(&root, MESSAGE_HEADER);
    int64_t body_len_bytes = cfl_fb_i64(&root, MESSAGE_BODY_LENGTH, 0);
    message->body_len_place = cfl_fb_i64_place(&root, MESSAGE_BODY_LENGTH);
    message->custom_metadata =
        cfl_fb_vector_field(&root, MESSAGE_CUSTOM_METADATA, TABLE_OFFSET_BYTES);

    cflight_status status = cfl_message_check(&message->fb, "Arrow message", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_metadata_version_check(message->metadata_version, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = kind_of(header_type, &message->kind, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cfl_fb_is_present(&message->header)) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         "the Arrow message has no header");
    }
    if (body_len_bytes < 0) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow message has a body of %" PRId64 " bytes",
                                 body_len_bytes);
    }
    message->body_len_bytes = (uint64_t)body_len_bytes;
    return CFLIGHT_OK;
}

cflight_status cfl_message_body_len(struct cflight_bytes header, uint64_t *ret_body_len_bytes,
                                    enum cfl_message_kind *ret_kind, cflight_error **reterr)
{
    struct cfl_message message;
    cflight_status status = cfl_message_parse(header, &message, reterr);
    if (status == CFLIGHT_OK) {
        *ret_body_len_bytes = message.body_len_bytes;
        *ret_kind = message.kind;
    }
    return status;
}

cflight_status cfl_message_rows(const struct cfl_message *message, int64_t *ret_row_count,
                                cflight_error **reterr)
{
    int64_t row_count = cfl_fb_i64(&message->header, RECORD_BATCH_LENGTH, 0);
    cflight_status status = cfl_message_check(&message->fb, "record batch", reterr);
    if (status == CFLIGHT_OK && row_count < 0) {
        status = cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                   "the record batch has %" PRId64 " rows", row_count);
    }
    *ret_row_count = row_count;
    return status;
}

cflight_status cfl_message_check_body(const struct cfl_message *message, uint64_t body_len_bytes,
                                      cflight_error **reterr)
{
    if (message->body_len_bytes == body_len_bytes) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "the Arrow message has a body of %" PRIu64
                             " bytes; its header says %" PRIu64,
                             body_len_bytes, message->body_len_bytes);
}

cflight_status cfl_add_rows(int64_t *row_count, int64_t length, cflight_error **reterr)
{
    int64_t total = 0;
    if (length < 0 || __builtin_add_overflow(*row_count, length, &total)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a record batch of %" PRId64 " rows after %" PRId64
                                 " others cannot be",
                                 length, *row_count);
    }
    *row_count = total;
    return CFLIGHT_OK;
}

const char *cfl_foreign_format(struct cflight_bytes bytes)
{
    static const struct {
        const char *magic;
        size_t len_bytes;
        const char *name;
    } formats[] = {
        {"FEA1", 4, "a Feather file of version 1, which is not supported; version 2 is"},
        {"PAR1", 4, "a Parquet file"},
        {"ORC", 3, "an ORC file"},
        {"\x1F\x8B", 2, "a gzip file; unpack it first"},
        {"\x28\xB5\x2F\xFD", 4, "a Zstandard file; unpack it first"},
        {"\x04\x22\x4D\x18", 4, "an LZ4 file; unpack it first"},
        {"PK\x03\x04", 4, "a ZIP file; unpack it first"},
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (bytes.len_bytes >= formats[i].len_bytes &&
            memcmp(bytes.data, formats[i].magic, formats[i].len_bytes) == 0) {
            return formats[i].name;
        }
    }
    return NULL;
}
