/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_ARRAYS_H
#define CFLIGHT_TESTS_ARRAYS_H

#include <stddef.h>
#include <stdint.h>

#include "cflight/arrow_abi.h"

/* Schemas and arrays on the stack, for tests of what reads them. Nothing is owned: release only
 * marks. */

#define T_BUFFERS(...) ((const void *[]){__VA_ARGS__})

struct ArrowSchema t_field(const char *name, const char *format);
struct ArrowSchema t_nested_field(const char *name, const char *format,
                                  struct ArrowSchema **children, int64_t child_count);
/* Whether there are nulls is not said where there is a first buffer: a bitmap, but in unions. */
struct ArrowArray t_array(int64_t length, const void **buffers, int64_t buffer_count);
struct ArrowArray t_nested_array(int64_t length, const void **buffers, int64_t buffer_count,
                                 struct ArrowArray **children, int64_t child_count);

#endif /* CFLIGHT_TESTS_ARRAYS_H */
