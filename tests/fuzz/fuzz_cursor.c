/* SPDX-License-Identifier: Apache-2.0 */
/* The read cursor under any sequence of reads: it never passes its end, and a varint that was read
 * is written back in no more bytes. The first half of the input chooses the reads of the second. */
#include "base/buf.h"
#include "base/cursor.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void read_varint(struct cfl_cursor *cursor)
{
    uint64_t value = 0;
    uint8_t again[10];
    size_t before = cursor->offset;
    enum cfl_varint_result result = cfl_cursor_varint(cursor, &value);
    size_t taken_bytes = cursor->offset - before;
    if (result == CFL_VARINT_OK) {
        t_fuzz_require(taken_bytes >= 1 && taken_bytes <= 10);
        t_fuzz_require(cfl_varint_write(again, value) <= taken_bytes);
    } else {
        t_fuzz_require(taken_bytes == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    size_t choice_count = len_bytes / 2;
    struct cfl_cursor cursor =
        cfl_cursor_make(cflight_bytes_make(data + choice_count, len_bytes - choice_count));
    for (size_t i = 0; i < choice_count; i++) {
        uint8_t u8 = 0;
        uint16_t u16 = 0;
        uint32_t u32 = 0;
        uint64_t u64 = 0;
        struct cflight_bytes bytes = {NULL, 0};
        switch (data[i] % 6) {
        case 0:
            (void)cfl_cursor_u8(&cursor, &u8);
            break;
        case 1:
            (void)cfl_cursor_u16le(&cursor, &u16);
            break;
        case 2:
            (void)cfl_cursor_u32le(&cursor, &u32);
            break;
        case 3:
            (void)cfl_cursor_u64le(&cursor, &u64);
            break;
        case 4:
            if (cfl_cursor_bytes(&cursor, data[i] / 6, &bytes) && bytes.len_bytes > 0) {
                t_fuzz_require(bytes.data >= data &&
                               bytes.data + bytes.len_bytes <= data + len_bytes);
            }
            break;
        default:
            read_varint(&cursor);
            break;
        }
        t_fuzz_require(cursor.offset <= cursor.len_bytes);
    }
    return 0;
}
