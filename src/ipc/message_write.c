/* SPDX-License-Identifier: Apache-2.0 */
/* Flatbuffers of record batches, dictionary batches and file footers.
 *
 * Everything here was checked before: the numbers come from this library's own encoder. The message
 * of a batch is laid out with zeros, and then the numbers are filled in: most batches of a stream
 * need the second step alone. Spec: Message.fbs, File.fbs. Thread class: one at a time for the
 * target. */
#include "ipc/message_write.h"

#include <string.h>

#include "base/error.h"
#include "base/le.h"

enum { HEADER_DICTIONARY_BATCH = 2, HEADER_RECORD_BATCH = 3 };
enum { NODE_BYTES = 16, RANGE_BYTES = 16, VARIADIC_COUNT_BYTES = 8, BLOCK_BYTES = 24 };
enum { CODEC_LZ4_FRAME = 0, CODEC_ZSTD = 1 };

/* ---- record batches and dictionary batches ---- */

static void add_compression(struct cfl_fbb *fbb, size_t from, enum cflight_compression compression)
{
    static const uint8_t widths[] = {1, 1}; /* method 0 is BUFFER, the only one */
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);
    cfl_fbb_put_u8(fbb, table.fields[0],
                   compression == CFLIGHT_COMPRESSION_ZSTD ? CODEC_ZSTD : CODEC_LZ4_FRAME);
}

static void add_record_batch(struct cfl_batch_message *message, struct cfl_fbb *fbb, size_t from)
{
    const struct cfl_batch_shape *shape = &message->shape;
    bool is_compressed = shape->compression != CFLIGHT_COMPRESSION_NONE;
    const uint8_t widths[] = {8, 4, 4, is_compressed ? 4 : 0, shape->variadic_count > 0 ? 4 : 0};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);

    message->row_count_at = table.fields[0];
    message->nodes_at = cfl_fbb_vector(fbb, table.fields[1], shape->node_count, NODE_BYTES, 8);
    message->ranges_at = cfl_fbb_vector(fbb, table.fields[2], shape->range_count, RANGE_BYTES, 8);
    if (is_compressed) {
        add_compression(fbb, table.fields[3], shape->compression);
    }
    if (shape->variadic_count > 0) {
        message->variadic_counts_at =
            cfl_fbb_vector(fbb, table.fields[4], shape->variadic_count, VARIADIC_COUNT_BYTES, 8);
    }
}

static void add_dictionary_batch(struct cfl_batch_message *message, struct cfl_fbb *fbb,
                                 size_t from)
{
    static const uint8_t widths[] = {8, 4, 1};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);

    message->dictionary_id_at = table.fields[0];
    message->is_delta_at = table.fields[2];
    add_record_batch(message, fbb, table.fields[1]);
}

/* Arrow C++ looks for the codec of a V4 batch in the message's metadata only, where it was before
 * V5; others read BodyCompression whatever the version. Both are written. */
static void add_v4_compression(struct cfl_fbb *fbb, size_t from,
                               enum cflight_compression compression)
{
    static const uint8_t widths[] = {4, 4};
    const char *name = compression == CFLIGHT_COMPRESSION_ZSTD ? "zstd" : "lz4";
    size_t pairs = cfl_fbb_vector(fbb, from, 1, 4, 4);
    struct cfl_fbb_table pair = cfl_fbb_table(fbb, pairs, widths, sizeof widths);

    cfl_fbb_string(fbb, pair.fields[0], cflight_bytes_from_text("ARROW:experimental_compression"));
    cfl_fbb_string(fbb, pair.fields[1], cflight_bytes_from_text(name));
}

/* Lays out a message of the shape, with zeros for the numbers. */
static bool lay_out(struct cfl_batch_message *message)
{
    const struct cfl_batch_shape *shape = &message->shape;
    bool is_v4_compressed =
        shape->metadata_version < CFL_METADATA_V5 && shape->compression != CFLIGHT_COMPRESSION_NONE;
    const uint8_t widths[] = {2, 1, 4, 8, is_v4_compressed ? 4 : 0};
    struct cfl_fbb fbb;

    cfl_buf_clear(&message->bytes);
    size_t root = cfl_fbb_begin(&fbb, &message->bytes);
    struct cfl_fbb_table table = cfl_fbb_table(&fbb, root, widths, sizeof widths);
    cfl_fbb_put_i16(&fbb, table.fields[0], shape->metadata_version);
    cfl_fbb_put_u8(&fbb, table.fields[1],
                   shape->is_dictionary ? HEADER_DICTIONARY_BATCH : HEADER_RECORD_BATCH);
    message->body_len_at = table.fields[3];
    if (shape->is_dictionary) {
        add_dictionary_batch(message, &fbb, table.fields[2]);
    } else {
        add_record_batch(message, &fbb, table.fields[2]);
    }
    if (is_v4_compressed) {
        add_v4_compression(&fbb, table.fields[4], shape->compression);
    }
    return cfl_fbb_end(&fbb);
}

/* Every number that may differ between messages of one shape. */
static void fill_in(struct cfl_batch_message *message, const struct cfl_batch_head *head)
{
    uint8_t *data = message->bytes.data;
    uint8_t *node = data + message->nodes_at;
    uint8_t *range = data + message->ranges_at;

    cfl_store_u64le(data + message->body_len_at, head->body_len_bytes);
    cfl_store_u64le(data + message->row_count_at, (uint64_t)head->row_count);
    for (size_t i = 0; i < head->node_count; i++, node += NODE_BYTES) {
        cfl_store_u64le(node, (uint64_t)head->nodes[i].length);
        cfl_store_u64le(node + 8, (uint64_t)head->nodes[i].null_count);
    }
    for (size_t i = 0; i < head->range_count; i++, range += RANGE_BYTES) {
        cfl_store_u64le(range, head->ranges[i].offset);
        cfl_store_u64le(range + 8, head->ranges[i].len_bytes);
    }
    for (size_t i = 0; i < head->variadic_count; i++) {
        cfl_store_u64le(data + message->variadic_counts_at + VARIADIC_COUNT_BYTES * i,
                        (uint64_t)head->variadic_counts[i]);
    }
    if (head->is_dictionary) {
        cfl_store_u64le(data + message->dictionary_id_at, (uint64_t)head->dictionary_id);
        data[message->is_delta_at] = head->is_delta;
    }
}

static bool is_same_shape(const struct cfl_batch_shape *a, const struct cfl_batch_shape *b)
{
    return a->node_count == b->node_count && a->range_count == b->range_count &&
           a->variadic_count == b->variadic_count && a->compression == b->compression &&
           a->is_dictionary == b->is_dictionary && a->metadata_version == b->metadata_version;
}

void cfl_batch_message_init(struct cfl_batch_message *message,
                            const struct cflight_allocator *alloc)
{
    memset(message, 0, sizeof *message);
    cfl_buf_init(&message->bytes, alloc);
}

void cfl_batch_message_done(struct cfl_batch_message *message)
{
    cfl_buf_done(&message->bytes);
}

cflight_status cfl_batch_message_write(struct cfl_batch_message *message,
                                       const struct cfl_batch_head *head, int16_t metadata_version,
                                       struct cflight_bytes *ret_bytes, cflight_error **reterr)
{
    const struct cfl_batch_shape shape = {
        .node_count = head->node_count,
        .range_count = head->range_count,
        .variadic_count = head->variadic_count,
        .compression = head->compression,
        .is_dictionary = head->is_dictionary,
        .metadata_version = metadata_version,
    };
    if (message->bytes.len_bytes == 0 || !is_same_shape(&message->shape, &shape)) {
        message->shape = shape;
        if (!lay_out(message)) {
            cfl_buf_clear(&message->bytes);
            return cfl_error_no_memory(reterr);
        }
    }
    fill_in(message, head);
    *ret_bytes = cfl_buf_bytes(&message->bytes);
    return CFLIGHT_OK;
}

/* ---- files ---- */

static void write_blocks(struct cfl_fbb *fbb, size_t from, const struct cfl_file_block *blocks,
                         size_t block_count)
{
    size_t vector = cfl_fbb_vector(fbb, from, block_count, BLOCK_BYTES, 8);

    for (size_t i = 0; i < block_count; i++) {
        cfl_fbb_put_i64(fbb, vector + BLOCK_BYTES * i, blocks[i].offset);
        cfl_fbb_put_i32(fbb, vector + BLOCK_BYTES * i + 8, blocks[i].metadata_len_bytes);
        cfl_fbb_put_i64(fbb, vector + BLOCK_BYTES * i + 16, blocks[i].body_len_bytes);
    }
}

cflight_status cfl_footer_write(const struct cfl_schema *schema, int16_t metadata_version,
                                const struct cfl_file_block *dictionaries, size_t dictionary_count,
                                const struct cfl_file_block *batches, size_t batch_count,
                                struct cfl_buf *target, cflight_error **reterr)
{
    static const uint8_t widths[] = {2, 4, 4, 4};
    struct cfl_fbb fbb;

    size_t root = cfl_fbb_begin(&fbb, target);
    struct cfl_fbb_table footer = cfl_fbb_table(&fbb, root, widths, sizeof widths);
    cfl_fbb_put_i16(&fbb, footer.fields[0], metadata_version);
    cfl_schema_write(&fbb, footer.fields[1], schema);
    write_blocks(&fbb, footer.fields[2], dictionaries, dictionary_count);
    write_blocks(&fbb, footer.fields[3], batches, batch_count);
    return cfl_fbb_end(&fbb) ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}
