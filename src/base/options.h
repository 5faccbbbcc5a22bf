/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_OPTIONS_H
#define CFL_BASE_OPTIONS_H

#include <stddef.h>

#include "cflight/error.h"

/* Copies an options struct, whose first member is `size_t struct_size`, from a caller that may have
 * been compiled against an older or a newer header. NULL `src` gives all defaults (zeros). Fails
 * with INVALID_ARGUMENT when the size is too small to hold itself, and with UNIMPLEMENTED when the
 * caller sets a field that this library does not know. */
cflight_status cfl_options_load(void *ret_dst, size_t dst_size_bytes, const void *src,
                                cflight_error **reterr);

#endif /* CFL_BASE_OPTIONS_H */
