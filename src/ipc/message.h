/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_MESSAGE_H
#define CFL_IPC_MESSAGE_H

#include "ipc/encoder.h"
#include "ipc/fb_reader.h"

/* The outer table of every message, verified (Message.fbs: Message). Views into the header's bytes;
 * `header` points at `fb`, so the struct is not moved after it was filled in. */

/* Message.fbs: MetadataVersion. */
enum {
    CFL_METADATA_V4 = 3,
    CFL_METADATA_V5 = 4,
};

struct cfl_message {
    struct cfl_fb fb;
    int16_t metadata_version;
    enum cfl_message_kind kind;
    struct cfl_fb_table header;           /* Schema, DictionaryBatch or RecordBatch */
    struct cfl_fb_vector custom_metadata; /* tables KeyValue */
    uint64_t body_len_bytes;
    size_t body_len_place; /* of that number in the bytes; 0 when it is absent */
};

/* DATA_LOSS for bytes that are no message, UNIMPLEMENTED for another version or a kind that holds
 * no columns. */
cflight_status cfl_message_parse(struct cflight_bytes bytes, struct cfl_message *ret_message,
                                 cflight_error **reterr);
/* OK, or DATA_LOSS when the reader met a problem; `what` names the message. */
cflight_status cfl_message_check(const struct cfl_fb *fb, const char *what, cflight_error **reterr);
cflight_status cfl_metadata_version_check(int16_t metadata_version, cflight_error **reterr);

/* The rows that the header of a record batch claims; DATA_LOSS when they are none. */
cflight_status cfl_message_rows(const struct cfl_message *message, int64_t *ret_row_count,
                                cflight_error **reterr);
/* DATA_LOSS when the body has another length than the header says. */
cflight_status cfl_message_check_body(const struct cfl_message *message, uint64_t body_len_bytes,
                                      cflight_error **reterr);

/* What comes before a message's flatbuffer in files and streams (Arrow columnar: Encapsulated
 * message format). */
enum {
    CFL_PREFIX_BYTES = 4, /* length, or the continuation marker and then the length */
};
#define CFL_CONTINUATION UINT32_C(0xFFFFFFFF)

/* What data that begins so is, when it is no Arrow data but something that people take for it: "a
 * Parquet file". NULL for none. */
const char *cfl_foreign_format(struct cflight_bytes bytes);

/* Adds the rows of a batch to those of its stream: DATA_LOSS when no count could hold them, which
 * only columns without buffers (nulls) can claim. */
cflight_status cfl_add_rows(int64_t *row_count, int64_t length, cflight_error **reterr);

#endif /* CFL_IPC_MESSAGE_H */
