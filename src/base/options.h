/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_OPTIONS_H
#define CFL_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "cflight/alloc.h"
#include "cflight/error.h"

/* Copies an options struct, whose first member is `size_t struct_size`, from a caller that may have
 * been compiled against an older or a newer header. NULL `src` gives all defaults (zeros). Fails
 * with INVALID_ARGUMENT when the size is too small to hold itself, and with UNIMPLEMENTED when the
 * caller sets a field that this library does not know. */
cflight_status cfl_options_load(void *ret_dst, size_t dst_size_bytes, const void *src,
                                cflight_error **reterr);
/* Sets an option whose zero means the default. */
static inline void cfl_option_default(uint32_t *option, uint32_t default_value)
{
    if (*option == 0) {
        *option = default_value;
    }
}

/* Copies an array of `count` such structs, each `size_bytes` long here. In `src` every element is
 * as long as its own struct_size says. `what` names the array in errors. Without elements
 * *ret_array is NULL; otherwise it is freed with cfl_free_array(). Untouched on failure. */
cflight_status cfl_options_load_array(const struct cflight_allocator *alloc, const void *src,
                                      size_t count, size_t size_bytes, const char *what,
                                      void **ret_array, cflight_error **reterr);

#endif /* CFL_BASE_OPTIONS_H */
