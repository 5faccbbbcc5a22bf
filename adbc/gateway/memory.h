/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_MEMORY_H
#define CFLIGHT_ADBC_GATEWAY_MEMORY_H

#include <stdio.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

/* CFLIGHT_RESOURCE_EXHAUSTED, with its text. */
cflight_status gateway_no_memory(cflight_error **reterr);

/* A terminated copy, to be freed; NULL when there is no memory. */
char *gateway_copy_text(const char *text, size_t len_bytes);
/* The same of formatted text. */
char *gateway_format_text(const char *format, ...) CFLIGHT_PRINTF(1, 2);

/* Copies bytes that a client sent into terminated text for a C interface. A zero byte would end it
 * early, so it is refused. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT,
 * CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status gateway_terminate(struct cflight_bytes bytes, const char *what, char **ret_text,
                                 cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_MEMORY_H */
