/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_FLAGS_H
#define CFLIGHT_INTEGRATION_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flags as the official programs take them: `-name=value`, `-name value`, one hyphen or two. */
struct itg_flag {
    const char *name;
    const char **value; /* left alone when the flag is not given; points into argv */
};

/* Says on stderr what is wrong, and the usage, when it returns false. */
bool itg_flags_parse(int argc, char **argv, const struct itg_flag *flags, size_t flag_count);

/* A decimal number from 0 to 65535. */
bool itg_port_parse(const char *text, uint16_t *ret_port);

#endif /* CFLIGHT_INTEGRATION_FLAGS_H */
