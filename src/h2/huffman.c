/* SPDX-License-Identifier: Apache-2.0 */
/* HPACK's Huffman code (RFC 7541 5.2, Appendix B), decoding only: for the values that nghttp2 does
 * not take (long_fields.c).
 *
 * The code is canonical, symbols of one length in their order, so the lengths are the whole table.
 * Thread class: free. */
#include "h2/internal.h"

enum { SYMBOL_COUNT = 257, END_SYMBOL = 256, LENGTH_MAX = 30, PADDING_BITS_MAX = 7 };

static const uint8_t LENGTHS[SYMBOL_COUNT] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,
    7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

/* The codes of each length: the first one, and where its symbols begin in the sorted list. */
struct table {
    uint32_t first_code[LENGTH_MAX + 1];
    uint16_t first_index[LENGTH_MAX + 1];
    uint16_t count[LENGTH_MAX + 1];
    uint16_t symbols[SYMBOL_COUNT];
};

static void build(struct table *table)
{
    uint32_t code = 0;
    uint16_t index = 0;
    for (unsigned int length = 1; length <= LENGTH_MAX; length++) {
        code <<= 1;
        table->first_code[length] = code;
        table->first_index[length] = index;
        for (uint16_t symbol = 0; symbol < SYMBOL_COUNT; symbol++) {
            if (LENGTHS[symbol] == length) {
                table->symbols[index++] = symbol;
            }
        }
        table->count[length] = (uint16_t)(index - table->first_index[length]);
        code += table->count[length];
    }
}

bool cfl_h2_huffman_decode(struct cflight_bytes text, struct cfl_buf *target)
{
    struct table table;
    uint32_t code = 0;
    unsigned int length = 0;
    build(&table);
    for (size_t i = 0; i < text.len_bytes; i++) {
        for (unsigned int bit = 8; bit-- > 0;) {
            code = code << 1 | (uint32_t)(text.data[i] >> bit & 1);
            length++;
            uint32_t offset = code - table.first_code[length];
            if (code >= table.first_code[length] && offset < table.count[length]) {
                uint16_t symbol = table.symbols[table.first_index[length] + offset];
                if (symbol == END_SYMBOL || !cfl_buf_append_u8(target, (uint8_t)symbol)) {
                    return false;
                }
                code = 0;
                length = 0;
            }
        }
    }
    /* RFC 7541 5.2: the rest is the beginning of the end symbol, less than a byte of it. A code of
     * LENGTH_MAX bits always is one, so the length never passes it. */
    return length <= PADDING_BITS_MAX && code == ((uint32_t)1 << length) - 1;
}
