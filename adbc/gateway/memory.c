/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in memory of their own. Thread class: free. */
#include "adbc/gateway/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

cflight_status gateway_no_memory(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
}

char *gateway_copy_text(const char *text, size_t len_bytes)
{
    char *copy = malloc(len_bytes + 1);
    if (copy != NULL) {
        if (len_bytes > 0) {
            memcpy(copy, text, len_bytes);
        }
        copy[len_bytes] = '\0';
    }
    return copy;
}

char *gateway_format_text(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len_bytes = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len_bytes >= 0 && (text = malloc((size_t)len_bytes + 1)) != NULL) {
        va_start(arguments, format);
        (void)vsnprintf(text, (size_t)len_bytes + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}

cflight_status gateway_terminate(struct cflight_bytes bytes, const char *what, char **ret_text,
                                 cflight_error **reterr)
{
    if (bytes.len_bytes > 0 && memchr(bytes.data, 0, bytes.len_bytes) != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s has a zero byte, which this database cannot take", what);
    }
    *ret_text = gateway_copy_text((const char *)bytes.data, bytes.len_bytes);
    return *ret_text == NULL ? gateway_no_memory(reterr) : CFLIGHT_OK;
}
