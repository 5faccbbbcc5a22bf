/* SPDX-License-Identifier: Apache-2.0 */
/* The footer of the file format. Owner: of the list of blocks. Thread class: free once made.
 * (Arrow columnar: IPC File Format; File.fbs) */
#include "ipc/footer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/error.h"
#include "ipc/walk.h"

enum { FOOTER_VERSION = 0, FOOTER_SCHEMA = 1, FOOTER_DICTIONARIES = 2, FOOTER_BATCHES = 3 };

/* The struct Block: offset, metaDataLength, four bytes of padding, bodyLength. */
enum { BLOCK_BYTES = 24, BLOCK_METADATA_LENGTH_AT = 8, BLOCK_BODY_LENGTH_AT = 16 };

enum {
    MAGIC_BYTES = 6,
    LEADING_BYTES = 8,                /* the magic, padded */
    TRAILING_BYTES = MAGIC_BYTES + 4, /* the footer's length and the magic */
};

static const char magic[MAGIC_BYTES + 1] = "ARROW1";

bool cfl_footer_has_magic(struct cflight_bytes bytes)
{
    return bytes.len_bytes >= MAGIC_BYTES && memcmp(bytes.data, magic, MAGIC_BYTES) == 0;
}

/* Finds the flatbuffer from the end of the file; `*ret_end` is where it begins, and so where
 * messages end. */
static cflight_status find_footer(struct cflight_bytes bytes, struct cflight_bytes *ret_footer,
                                  size_t *ret_end, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(bytes);
    struct cflight_bytes tail;
    uint32_t len_bytes = 0;
    if (bytes.len_bytes < LEADING_BYTES + TRAILING_BYTES) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow file is cut short: it has %zu %s", bytes.len_bytes,
                                 bytes.len_bytes == 1 ? "byte" : "bytes");
    }
    size_t end = bytes.len_bytes - TRAILING_BYTES;
    (void)cfl_cursor_skip(&cursor, end);
    (void)cfl_cursor_u32le(&cursor, &len_bytes);
    (void)cfl_cursor_bytes(&cursor, MAGIC_BYTES, &tail);
    if (!cfl_footer_has_magic(tail)) {
        return cflight_error_set(
            reterr, CFLIGHT_DATA_LOSS,
            "the Arrow file of %zu bytes is cut short: it does not end with 'ARROW1'",
            bytes.len_bytes);
    }
    if (len_bytes == 0 || len_bytes > end - LEADING_BYTES) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow file's footer claims %" PRIu32 " bytes; %zu are there",
                                 len_bytes, end - LEADING_BYTES);
    }
    cursor.offset = end - len_bytes;
    (void)cfl_cursor_bytes(&cursor, len_bytes, ret_footer);
    *ret_end = end - len_bytes;
    return CFLIGHT_OK;
}

static cflight_status read_block(const struct cfl_fb_vector *vector, size_t index, size_t end,
                                 struct cfl_block *ret_block, cflight_error **reterr)
{
    int64_t offset = cfl_fb_vector_i64(vector, index, 0);
    int32_t metadata_len_bytes = cfl_fb_vector_i32(vector, index, BLOCK_METADATA_LENGTH_AT);
    int64_t body_len_bytes = cfl_fb_vector_i64(vector, index, BLOCK_BODY_LENGTH_AT);
    int64_t left = 0;
    if (__builtin_sub_overflow((int64_t)end, offset, &left) || offset < LEADING_BYTES ||
        metadata_len_bytes < 0 || body_len_bytes < 0 || metadata_len_bytes > left ||
        body_len_bytes > left - metadata_len_bytes) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the footer has a block at %" PRId64 " with %" PRId32 " + %" PRId64
                                 " bytes; messages end at %zu",
                                 offset, metadata_len_bytes, body_len_bytes, end);
    }
    ret_block->offset = (size_t)offset;
    ret_block->metadata_len_bytes = (size_t)metadata_len_bytes;
    ret_block->body_len_bytes = (size_t)body_len_bytes;
    return CFLIGHT_OK;
}

static int compare_blocks(const void *a, const void *b)
{
    size_t offset_a = ((const struct cfl_block *)a)->offset;
    size_t offset_b = ((const struct cfl_block *)b)->offset;
    return (offset_a > offset_b) - (offset_a < offset_b);
}

/* Sums are inside the file, which read_block found. */
static cflight_status check_overlap(const struct cfl_footer *footer, cflight_error **reterr)
{
    size_t count = footer->dictionary_count + footer->batch_count;
    size_t end = 0;
    cflight_status status = CFLIGHT_OK;
    if (count == 0) {
        return CFLIGHT_OK;
    }
    struct cfl_block *sorted = cfl_alloc_array(footer->alloc, count, sizeof *sorted);
    if (sorted == NULL) {
        return cfl_error_no_memory(reterr);
    }
    memcpy(sorted, footer->blocks, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_blocks);
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        if (sorted[i].offset < end) {
            status = cflight_error_set(
                reterr, CFLIGHT_DATA_LOSS,
                "the footer's blocks overlap: one begins at %zu, another ends at %zu",
                sorted[i].offset, end);
        }
        end = sorted[i].offset + sorted[i].metadata_len_bytes + sorted[i].body_len_bytes;
    }
    cfl_free_array(footer->alloc, sorted, count, sizeof *sorted);
    return status;
}

static cflight_status read_blocks(struct cfl_footer *footer,
                                  const struct cfl_fb_vector *dictionaries,
                                  const struct cfl_fb_vector *batches, size_t end,
                                  cflight_error **reterr)
{
    size_t count = dictionaries->count + batches->count;
    cflight_status status = CFLIGHT_OK;
    if (count == 0) {
        return CFLIGHT_OK;
    }
    footer->blocks = cfl_alloc_array(footer->alloc, count, sizeof *footer->blocks);
    if (footer->blocks == NULL) {
        return cfl_error_no_memory(reterr);
    }
    footer->dictionary_count = dictionaries->count;
    footer->batch_count = batches->count;
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        bool is_dictionary = i < dictionaries->count;
        status = read_block(is_dictionary ? dictionaries : batches,
                            is_dictionary ? i : i - dictionaries->count, end, &footer->blocks[i],
                            reterr);
    }
    return status == CFLIGHT_OK ? check_overlap(footer, reterr) : status;
}

cflight_status cfl_footer_init(struct cfl_footer *ret_footer, const struct cflight_allocator *alloc,
                               struct cflight_bytes bytes, cflight_error **reterr)
{
    struct cflight_bytes flatbuffer = {0};
    size_t end = 0;
    memset(ret_footer, 0, sizeof *ret_footer);
    ret_footer->alloc = alloc;
    cflight_status status = find_footer(bytes, &flatbuffer, &end, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_fb_init(&ret_footer->fb, flatbuffer);
    struct cfl_fb_table root = cfl_fb_root(&ret_footer->fb);
    int16_t metadata_version = cfl_fb_i16(&root, FOOTER_VERSION, 0);
    ret_footer->schema = cfl_fb_table_field(&root, FOOTER_SCHEMA);
    struct cfl_fb_vector dictionaries =
        cfl_fb_vector_field(&root, FOOTER_DICTIONARIES, BLOCK_BYTES);
    struct cfl_fb_vector batches = cfl_fb_vector_field(&root, FOOTER_BATCHES, BLOCK_BYTES);
    status = cfl_message_check(&ret_footer->fb, "Arrow file footer", reterr);
    /* Old Java writers left the footer's version out; that of every message is checked. */
    if (status == CFLIGHT_OK && metadata_version > CFL_METADATA_V5) {
        status = cfl_metadata_version_check(metadata_version, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_blocks(ret_footer, &dictionaries, &batches, end, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_footer_done(ret_footer);
    }
    return status;
}

void cfl_footer_done(struct cfl_footer *footer)
{
    cfl_free_array(footer->alloc, footer->blocks, footer->dictionary_count + footer->batch_count,
                   sizeof *footer->blocks);
    footer->blocks = NULL;
    footer->dictionary_count = 0;
    footer->batch_count = 0;
}

cflight_status cfl_footer_message(const struct cfl_footer *footer, struct cflight_bytes bytes,
                                  size_t index, struct cflight_bytes *ret_header,
                                  struct cflight_bytes *ret_body, cflight_error **reterr)
{
    const struct cfl_block *block = &footer->blocks[index];
    struct cfl_cursor cursor = cfl_cursor_make(bytes);
    struct cflight_bytes metadata;
    size_t offset = 0;
    (void)cfl_cursor_skip(&cursor, block->offset);
    (void)cfl_cursor_bytes(&cursor, block->metadata_len_bytes, &metadata);
    (void)cfl_cursor_bytes(&cursor, block->body_len_bytes, ret_body);
    cflight_status status = cfl_walk_header(metadata, &offset, ret_header, reterr);
    if (status != CFLIGHT_OK) {
        return cfl_error_prefix(reterr, status, "the footer's block at byte %zu", block->offset);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_footer_other_kind(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     "the footer points at a message of another kind");
}

cflight_status cfl_footer_short_body(uint64_t body_len_bytes, uint64_t footer_bytes,
                                     cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "a message has a body of %" PRIu64 " bytes; the footer says %" PRIu64,
                             body_len_bytes, footer_bytes);
}
