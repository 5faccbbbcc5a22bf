/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers, constant-time comparison and hexadecimal text. Thread class: free. */
#include "base/secrets.h"

#include <errno.h>
#include <sys/random.h>

#include "base/error.h"
#include "cflight/bytes.h"

cflight_status cfl_random_bytes(void *target, size_t len_bytes, cflight_error **reterr)
{
    uint8_t *bytes = target;
    size_t filled_bytes = 0;
    while (filled_bytes < len_bytes) {
        ssize_t got = getrandom(bytes + filled_bytes, len_bytes - filled_bytes, 0);
        if (got < 0 && errno != EINTR) {
            return cfl_error_set_os(reterr, CFLIGHT_INTERNAL, errno, "no random numbers");
        }
        filled_bytes += got < 0 ? 0 : (size_t)got;
    }
    return CFLIGHT_OK;
}

bool cfl_equal_in_constant_time(const void *a, const void *b, size_t len_bytes)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        difference = (uint8_t)(difference | (left[i] ^ right[i]));
    }
    return difference == 0;
}

bool cflight_bytes_equal_in_constant_time(struct cflight_bytes a, struct cflight_bytes b)
{
    return a.len_bytes == b.len_bytes && cfl_equal_in_constant_time(a.data, b.data, a.len_bytes);
}

void cfl_hex_write(const uint8_t *bytes, size_t len_bytes, char *target)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < len_bytes; i++) {
        target[2 * i] = DIGITS[bytes[i] >> 4];
        target[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    target[2 * len_bytes] = '\0';
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool cfl_hex_read(const uint8_t *text, size_t text_bytes, uint8_t *target, size_t len_bytes)
{
    if (text_bytes != 2 * len_bytes) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        target[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
