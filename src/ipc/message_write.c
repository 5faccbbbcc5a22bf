/* SPDX-License-Identifier: Apache-2.0 */
/* Flatbuffers of record batches, dictionary batches and file footers.
 *
 * Everything here was checked before: the numbers come from this library's own encoder. Spec:
 * Message.fbs, File.fbs. Thread class: one at a time for the target. */
#include "ipc/message_write.h"

#include "base/error.h"

enum { HEADER_DICTIONARY_BATCH = 2, HEADER_RECORD_BATCH = 3 };
enum { NODE_BYTES = 16, RANGE_BYTES = 16, BLOCK_BYTES = 24 };
enum { CODEC_LZ4_FRAME = 0, CODEC_ZSTD = 1 };

static void write_compression(struct cfl_fbb *fbb, size_t from,
                              enum cflight_compression compression)
{
    static const uint8_t widths[] = {1, 1}; /* method 0 is BUFFER, the only one */
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);
    cfl_fbb_put_u8(fbb, table.fields[0],
                   compression == CFLIGHT_COMPRESSION_ZSTD ? CODEC_ZSTD : CODEC_LZ4_FRAME);
}

static void write_record_batch(struct cfl_fbb *fbb, size_t from, const struct cfl_batch_head *head)
{
    bool is_compressed = head->compression != CFLIGHT_COMPRESSION_NONE;
    const uint8_t widths[] = {8, 4, 4, is_compressed ? 4 : 0, head->variadic_count > 0 ? 4 : 0};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);

    cfl_fbb_put_i64(fbb, table.fields[0], head->row_count);
    size_t nodes = cfl_fbb_vector(fbb, table.fields[1], head->node_count, NODE_BYTES, 8);
    for (size_t i = 0; i < head->node_count; i++) {
        cfl_fbb_put_i64(fbb, nodes + NODE_BYTES * i, head->nodes[i].length);
        cfl_fbb_put_i64(fbb, nodes + NODE_BYTES * i + 8, head->nodes[i].null_count);
    }
    size_t ranges = cfl_fbb_vector(fbb, table.fields[2], head->range_count, RANGE_BYTES, 8);
    for (size_t i = 0; i < head->range_count; i++) {
        cfl_fbb_put_i64(fbb, ranges + RANGE_BYTES * i, (int64_t)head->ranges[i].offset);
        cfl_fbb_put_i64(fbb, ranges + RANGE_BYTES * i + 8, (int64_t)head->ranges[i].len_bytes);
    }
    if (is_compressed) {
        write_compression(fbb, table.fields[3], head->compression);
    }
    if (head->variadic_count == 0) {
        return;
    }
    size_t counts = cfl_fbb_vector(fbb, table.fields[4], head->variadic_count, 8, 8);
    for (size_t i = 0; i < head->variadic_count; i++) {
        cfl_fbb_put_i64(fbb, counts + 8 * i, head->variadic_counts[i]);
    }
}

static void write_dictionary_batch(struct cfl_fbb *fbb, size_t from,
                                   const struct cfl_batch_head *head)
{
    static const uint8_t widths[] = {8, 4, 1};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);

    cfl_fbb_put_i64(fbb, table.fields[0], head->dictionary_id);
    cfl_fbb_put_u8(fbb, table.fields[2], head->is_delta);
    write_record_batch(fbb, table.fields[1], head);
}

/* Arrow C++ looks for the codec of a V4 batch in the message's metadata only, where it was before
 * V5; others read BodyCompression whatever the version. Both are written. */
static void write_v4_compression(struct cfl_fbb *fbb, size_t from,
                                 enum cflight_compression compression)
{
    static const uint8_t widths[] = {4, 4};
    const char *name = compression == CFLIGHT_COMPRESSION_ZSTD ? "zstd" : "lz4";
    size_t pairs = cfl_fbb_vector(fbb, from, 1, 4, 4);
    struct cfl_fbb_table pair = cfl_fbb_table(fbb, pairs, widths, sizeof widths);

    cfl_fbb_string(fbb, pair.fields[0], cflight_bytes_from_text("ARROW:experimental_compression"));
    cfl_fbb_string(fbb, pair.fields[1], cflight_bytes_from_text(name));
}

cflight_status cfl_batch_to_message(const struct cfl_batch_head *head, int16_t metadata_version,
                                    struct cfl_buf *target, cflight_error **reterr)
{
    bool is_v4_compressed =
        metadata_version < CFL_METADATA_V5 && head->compression != CFLIGHT_COMPRESSION_NONE;
    const uint8_t widths[] = {2, 1, 4, 8, is_v4_compressed ? 4 : 0};
    struct cfl_fbb fbb;

    size_t root = cfl_fbb_begin(&fbb, target);
    struct cfl_fbb_table message = cfl_fbb_table(&fbb, root, widths, sizeof widths);
    cfl_fbb_put_i16(&fbb, message.fields[0], metadata_version);
    cfl_fbb_put_u8(&fbb, message.fields[1],
                   head->is_dictionary ? HEADER_DICTIONARY_BATCH : HEADER_RECORD_BATCH);
    cfl_fbb_put_i64(&fbb, message.fields[3], (int64_t)head->body_len_bytes);
    if (head->is_dictionary) {
        write_dictionary_batch(&fbb, message.fields[2], head);
    } else {
        write_record_batch(&fbb, message.fields[2], head);
    }
    if (is_v4_compressed) {
        write_v4_compression(&fbb, message.fields[4], head->compression);
    }
    return cfl_fbb_end(&fbb) ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

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
