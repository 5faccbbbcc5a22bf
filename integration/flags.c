/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of both programs. Values are borrowed from argv. Thread class: one at a time. */
#include "integration/flags.h"

#include <stdio.h>
#include <string.h>

static const struct itg_flag *find(const char *name, size_t len_bytes, const struct itg_flag *flags,
                                   size_t flag_count)
{
    for (size_t i = 0; i < flag_count; i++) {
        if (strlen(flags[i].name) == len_bytes && memcmp(flags[i].name, name, len_bytes) == 0) {
            return &flags[i];
        }
    }
    return NULL;
}

static bool usage(const char *program, const struct itg_flag *flags, size_t flag_count,
                  const char *problem, const char *argument)
{
    (void)fprintf(stderr, "%s: %s: %s\nflags:", program, problem, argument);
    for (size_t i = 0; i < flag_count; i++) {
        (void)fprintf(stderr, " -%s VALUE", flags[i].name);
    }
    (void)fprintf(stderr, "\n");
    return false;
}

bool itg_flags_parse(int argc, char **argv, const struct itg_flag *flags, size_t flag_count)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (name[0] != '-') {
            return usage(argv[0], flags, flag_count, "not a flag", argv[i]);
        }
        name += name[1] == '-' ? 2 : 1;
        const char *equals = strchr(name, '=');
        size_t len_bytes = equals == NULL ? strlen(name) : (size_t)(equals - name);
        const struct itg_flag *flag = find(name, len_bytes, flags, flag_count);
        if (flag == NULL) {
            return usage(argv[0], flags, flag_count, "unknown flag", argv[i]);
        }
        if (equals != NULL) {
            *flag->value = equals + 1;
        } else if (i + 1 < argc) {
            *flag->value = argv[++i];
        } else {
            return usage(argv[0], flags, flag_count, "a value is missing after", argv[i]);
        }
    }
    return true;
}

bool itg_port_parse(const char *text, uint16_t *ret_port)
{
    unsigned long port = 0;
    size_t digit_count = strlen(text);

    if (digit_count == 0 || digit_count > 5 || strspn(text, "0123456789") != digit_count) {
        return false;
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        port = port * 10 + (unsigned long)(*digit - '0');
    }
    if (port > UINT16_MAX) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}
