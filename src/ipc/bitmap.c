/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and shifting bits, 64 at a time where whole words can be read. Thread class: free. */
#include "ipc/bitmap.h"

#include <string.h>

static uint64_t load_word(const uint8_t *data)
{
    uint64_t word = 0;
    memcpy(&word, data, sizeof word);
    return word;
}

int64_t cfl_bitmap_count(const uint8_t *bits, int64_t first, int64_t length)
{
    int64_t count = 0;
    int64_t index = first;
    int64_t end = first + length;

    for (; index < end && index % 8 != 0; index++) {
        count += cfl_bitmap_get(bits, index);
    }
    for (; end - index >= 64; index += 64) {
        count += __builtin_popcountll(load_word(bits + index / 8));
    }
    for (; end - index >= 8; index += 8) {
        count += __builtin_popcount(bits[index / 8]);
    }
    for (; index < end; index++) {
        count += cfl_bitmap_get(bits, index);
    }
    return count;
}

/* Eight bits from any position, of which the first `wanted` are needed. */
static uint8_t load_byte(const uint8_t *bits, int64_t first, int64_t wanted)
{
    unsigned int shift = (unsigned int)(first % 8);
    unsigned int byte = bits[first / 8];

    byte >>= shift;
    if (wanted > 8 - (int64_t)shift) {
        byte |= (unsigned int)bits[first / 8 + 1] << (8 - shift);
    }
    return (uint8_t)(wanted >= 8 ? byte : byte & ((1U << wanted) - 1));
}

/* Eight bytes at a time: each comes from two neighbours, so the byte behind them is read too, and
 * the last bits are left to the loop of bytes. The order of bytes in a word does not matter,
 * because every byte is put together from its own two. */
static int64_t copy_words(uint8_t *target, const uint8_t *bits, int64_t first, int64_t length)
{
    unsigned int shift = (unsigned int)(first % 8);
    const uint8_t *source = bits + first / 8;
    const uint64_t low_mask = UINT64_C(0x0101010101010101) * (0xFFU >> shift);
    int64_t done = 0;

    for (; shift != 0 && length - done >= 72; done += 64) {
        uint64_t here = load_word(source + done / 8);
        uint64_t next = load_word(source + done / 8 + 1);
        uint64_t word = (here >> shift & low_mask) | (next << (8 - shift) & ~low_mask);
        memcpy(target + done / 8, &word, sizeof word);
    }
    return done;
}

void cfl_bitmap_copy(uint8_t *target, const uint8_t *bits, int64_t first, int64_t length)
{
    for (int64_t done = copy_words(target, bits, first, length); done < length; done += 8) {
        target[done / 8] = load_byte(bits, first + done, length - done);
    }
}
