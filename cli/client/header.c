/* SPDX-License-Identifier: Apache-2.0 */
/* Headers from the command line: what gRPC can carry as metadata ("Custom-Metadata"). The library
 * refuses the rest too, but only when a call starts. Thread class: free. */
#include "cli/client/header.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define EXPECTED "--header takes 'NAME: VALUE'"

/* The connection's own. */
static const char *const reserved[] = {
    "content-type",   "te",      "host",       "connection",      "transfer-encoding",
    "content-length", "upgrade", "keep-alive", "proxy-connection"};

static bool is_binary(const char *name, size_t len_bytes)
{
    return len_bytes > 4 && strncasecmp(name + len_bytes - 4, "-bin", 4) == 0;
}

static bool is_reserved(const char *name, size_t len_bytes)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strlen(reserved[i]) == len_bytes && strncasecmp(name, reserved[i], len_bytes) == 0) {
            return true;
        }
    }
    return len_bytes >= 5 && strncasecmp(name, "grpc-", 5) == 0 && !is_binary(name, len_bytes);
}

static bool is_name_byte(unsigned char byte)
{
    return byte < 0x80 && (isalnum(byte) || byte == '_' || byte == '-' || byte == '.');
}

static cflight_status check_name(const char *name, size_t len_bytes, cflight_error **reterr)
{
    for (size_t i = 0; i < len_bytes; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (!is_name_byte(byte)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     EXPECTED ": byte %zu of the name is 0x%02x; expected are "
                                              "letters, digits, '_', '-' and '.'",
                                     i + 1, byte);
        }
    }
    if (is_reserved(name, len_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 EXPECTED ": the name '%.*s' is the connection's own; expected is "
                                          "another",
                                 (int)len_bytes, name);
    }
    return CFLIGHT_OK;
}

static cflight_status check_value(const char *value, cflight_error **reterr)
{
    for (size_t i = 0; value[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte < 0x20 || byte > 0x7e) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     EXPECTED ": byte %zu of the value is 0x%02x; expected is "
                                              "printable ASCII, or a name that ends in -bin",
                                     i + 1, byte);
        }
    }
    return CFLIGHT_OK;
}

cflight_status cli_header_split(const char *line, size_t *ret_name_len_bytes,
                                const char **ret_value, cflight_error **reterr)
{
    const char *colon = strchr(line, ':');
    if (colon == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         EXPECTED "; there is no ':' in what was given");
    }
    if (colon == line) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         EXPECTED "; there is no name before the ':'");
    }
    size_t len_bytes = (size_t)(colon - line);
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    cflight_status status = check_name(line, len_bytes, reterr);
    if (status == CFLIGHT_OK && !is_binary(line, len_bytes)) {
        status = check_value(value, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_name_len_bytes = len_bytes;
        *ret_value = value;
    }
    return status;
}
