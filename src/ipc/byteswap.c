/* SPDX-License-Identifier: Apache-2.0 */
/* Byte order. The loops read and write through memcpy, so neither side needs an alignment;
 * compilers turn them into vector shuffles. Thread class: free. (Arrow columnar: Byte Order;
 * Variable-size Binary View Layout) */
#include "ipc/byteswap.h"

#include <string.h>

#include "ipc/views.h"

static void swap_16(uint8_t *target, const uint8_t *source)
{
    uint16_t value;
    memcpy(&value, source, sizeof value);
    value = __builtin_bswap16(value);
    memcpy(target, &value, sizeof value);
}

static void swap_32(uint8_t *target, const uint8_t *source)
{
    uint32_t value;
    memcpy(&value, source, sizeof value);
    value = __builtin_bswap32(value);
    memcpy(target, &value, sizeof value);
}

static void swap_64(uint8_t *target, const uint8_t *source)
{
    uint64_t value;
    memcpy(&value, source, sizeof value);
    value = __builtin_bswap64(value);
    memcpy(target, &value, sizeof value);
}

/* A whole number of `word_count` 64-bit words, reversed as one. */
static void swap_words(uint8_t *target, const uint8_t *source, size_t word_count)
{
    uint64_t words[4];
    memcpy(words, source, word_count * sizeof words[0]);
    for (size_t i = 0; i < word_count; i++) {
        uint64_t word = __builtin_bswap64(words[word_count - 1 - i]);
        memcpy(target + i * sizeof word, &word, sizeof word);
    }
}

static void swap_month_day_nano(uint8_t *target, const uint8_t *source)
{
    swap_32(target, source);
    swap_32(target + 4, source + 4);
    swap_64(target + 8, source + 8);
}

static void swap_view(uint8_t *target, const uint8_t *source)
{
    int32_t len_bytes;
    memmove(target, source, CFL_VIEW_BYTES);
    swap_32(target, target);
    memcpy(&len_bytes, target, sizeof len_bytes);
    if (len_bytes > CFL_VIEW_INLINE_BYTES_MAX) {
        swap_32(target + CFL_VIEW_INDEX_AT, target + CFL_VIEW_INDEX_AT);
        swap_32(target + CFL_VIEW_OFFSET_AT, target + CFL_VIEW_OFFSET_AT);
    }
}

enum cfl_swap cfl_swap_of(const struct cfl_type *type)
{
    /* Interval units: months (4 bytes), days and milliseconds (2 x 4), months, days and nanoseconds
     * (4, 4, 8). */
    static const enum cfl_swap intervals[] = {CFL_SWAP_32, CFL_SWAP_32, CFL_SWAP_MONTH_DAY_NANO};

    if (type->id == CFL_TYPE_INTERVAL) {
        return intervals[type->unit];
    }
    if (type->id == CFL_TYPE_FIXED_SIZE_BINARY) {
        return CFL_SWAP_NONE;
    }
    switch (type->width_bytes) {
    case 2:
        return CFL_SWAP_16;
    case 4:
        return CFL_SWAP_32;
    case 8:
        return CFL_SWAP_64;
    case 16:
        return CFL_SWAP_128;
    case 32:
        return CFL_SWAP_256;
    default:
        return CFL_SWAP_NONE;
    }
}

void cfl_swap_bytes(enum cfl_swap swap, uint8_t *target, const uint8_t *source, size_t len_bytes)
{
    static const size_t widths[] = {1, 2, 4, 8, 16, 32, 16, 16};
    size_t width = widths[swap];
    size_t done = len_bytes - len_bytes % width;
    switch (swap) {
    case CFL_SWAP_NONE:
        done = 0;
        break;
    case CFL_SWAP_16:
        for (size_t i = 0; i < done; i += 2) {
            swap_16(target + i, source + i);
        }
        break;
    case CFL_SWAP_32:
        for (size_t i = 0; i < done; i += 4) {
            swap_32(target + i, source + i);
        }
        break;
    case CFL_SWAP_64:
        for (size_t i = 0; i < done; i += 8) {
            swap_64(target + i, source + i);
        }
        break;
    case CFL_SWAP_128:
    case CFL_SWAP_256:
        for (size_t i = 0; i < done; i += width) {
            swap_words(target + i, source + i, width / sizeof(uint64_t));
        }
        break;
    case CFL_SWAP_MONTH_DAY_NANO:
        for (size_t i = 0; i < done; i += width) {
            swap_month_day_nano(target + i, source + i);
        }
        break;
    case CFL_SWAP_VIEW:
        for (size_t i = 0; i < done; i += width) {
            swap_view(target + i, source + i);
        }
        break;
    }
    if (target != source && done < len_bytes) {
        memcpy(target + done, source + done, len_bytes - done);
    }
}
