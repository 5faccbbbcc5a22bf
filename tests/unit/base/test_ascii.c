/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of protocols. */
#include "base/ascii.h"

#include "test.h"

/* Goal: letters are lowered and digits read as in ASCII, and nothing else is touched.
 * Method: every byte, against the lists of what counts. */
TEST(ascii, every_byte_is_what_ascii_says)
{
    static const char UPPER[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char LOWER[] = "abcdefghijklmnopqrstuvwxyz";
    static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
    for (int byte = 0; byte < 256; byte++) {
        const char *upper = byte == 0 ? NULL : strchr(UPPER, byte);
        const char *digit = byte == 0 ? NULL : strchr(DIGITS, byte);
        assert_int_equal(cfl_ascii_lower((uint8_t)byte),
                         upper == NULL ? byte : LOWER[upper - UPPER]);
        assert_int_equal(cfl_ascii_hex_value((uint8_t)byte),
                         digit == NULL ? -1 : (digit - DIGITS) % 16);
    }
}
