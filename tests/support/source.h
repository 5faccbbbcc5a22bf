/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_SOURCE_H
#define CFLIGHT_TESTS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* A callback for cflight_ipc_open_reader: `data` in steps of `step_bytes`. */
struct t_source {
    const uint8_t *data;
    size_t len_bytes;
    size_t step_bytes;
};
int64_t t_source_read(void *user_data, void *target, size_t len_bytes);

#endif /* CFLIGHT_TESTS_SOURCE_H */
