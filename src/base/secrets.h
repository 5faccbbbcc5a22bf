/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_SECRETS_H
#define CFL_BASE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/error.h"

/* Random numbers and comparisons for tokens and session ids. Thread class: free. */

/* Fills with bytes from the operating system's generator. INTERNAL when it has none. */
cflight_status cfl_random_bytes(void *target, size_t len_bytes, cflight_error **reterr);
/* Takes the same time for all contents of one length. */
bool cfl_equal_in_constant_time(const void *a, const void *b, size_t len_bytes);
/* Writes 2 * len_bytes lower-case digits and a terminator. */
void cfl_hex_write(const uint8_t *bytes, size_t len_bytes, char *target);
/* Reads exactly 2 * len_bytes lower-case digits. */
bool cfl_hex_read(const uint8_t *text, size_t text_bytes, uint8_t *target, size_t len_bytes);

#endif /* CFL_BASE_SECRETS_H */
