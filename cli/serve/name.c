/* SPDX-License-Identifier: Apache-2.0 */
/* Names of flights: the gate between what a client sends and the file system. */
#include "cli/serve/name.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/utf8.h"

enum { NAME_BYTES_MAX = 1000, ELEMENT_BYTES_MAX = 200 };

static cflight_status refuse(const char *reason, struct cflight_bytes name, cflight_error **reterr)
{
    struct cli_text shown = CLI_TEXT_INIT;
    cli_utf8_append_visible(&shown, cflight_bytes_make(name.data, name.len_bytes < NAME_BYTES_MAX
                                                                      ? name.len_bytes
                                                                      : NAME_BYTES_MAX));
    cflight_status status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                              "'%s' cannot be the name of a flight: %s",
                                              cli_text_terminated(&shown), reason);
    cli_text_done(&shown);
    return status;
}

/* NULL when the element is good, else what is wrong. */
static const char *check_element(const uint8_t *element, size_t len_bytes)
{
    if (len_bytes == 0) {
        return "it has an empty element";
    }
    if (element[0] == '.') {
        return "an element begins with a dot";
    }
    if (len_bytes > ELEMENT_BYTES_MAX) {
        return "an element is longer than 200 bytes";
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (element[i] < 0x20 || element[i] == 0x7F) {
            return "it has a control character";
        }
    }
    return NULL;
}

cflight_status cli_name_check(struct cflight_bytes name, cflight_error **reterr)
{
    if (name.len_bytes > NAME_BYTES_MAX) {
        return refuse("it is longer than 1000 bytes", name, reterr);
    }
    if (!cli_utf8_is_valid(name)) {
        return refuse("it is not UTF-8", name, reterr);
    }
    size_t start = 0;
    for (size_t i = 0; i <= name.len_bytes; i++) {
        if (i < name.len_bytes && name.data[i] != '/') {
            continue;
        }
        const char *reason =
            check_element(name.len_bytes == 0 ? NULL : name.data + start, i - start);
        if (reason != NULL) {
            return refuse(reason, name, reterr);
        }
        start = i + 1;
    }
    return CFLIGHT_OK;
}

cflight_status cli_name_from_descriptor(struct cli_text *ret_name,
                                        const struct cflight_descriptor *descriptor,
                                        cflight_error **reterr)
{
    struct cli_text name = CLI_TEXT_INIT;
    if (descriptor->type != CFLIGHT_DESCRIPTOR_PATH) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "flights are named by a path here, not by a command");
    }
    for (size_t i = 0; i < descriptor->path_count && name.len_bytes <= NAME_BYTES_MAX; i++) {
        if (i > 0) {
            cli_text_append_char(&name, '/');
        }
        cli_text_append(&name, descriptor->path[i].data, descriptor->path[i].len_bytes);
    }
    (void)cli_text_terminated(&name);
    cflight_status status = cli_text_status(&name, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_name_check(cli_text_bytes(&name), reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_text_done(&name);
        return status;
    }
    *ret_name = name;
    return CFLIGHT_OK;
}

bool cli_name_matches(const char *name, struct cflight_bytes criteria)
{
    if (criteria.len_bytes == 0) {
        return true;
    }
    if (criteria.len_bytes > NAME_BYTES_MAX ||
        memchr(criteria.data, '\0', criteria.len_bytes) != NULL) {
        return false;
    }
    char *pattern = strndup((const char *)criteria.data, criteria.len_bytes);
    if (pattern == NULL) {
        return false;
    }
    bool matches = strpbrk(pattern, "*?[") == NULL ? strncmp(name, pattern, criteria.len_bytes) == 0
                                                   : fnmatch(pattern, name, 0) == 0;
    free(pattern);
    return matches;
}
