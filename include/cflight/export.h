/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_EXPORT_H
#define CFLIGHT_EXPORT_H

/// @file
/// Compiler attributes of the public interface. CFLIGHT_EXPORT stands before each function that a
/// shared library exports, CFLIGHT_CHECKED before those whose result the caller must look at too,
/// CFLIGHT_UNNAMED before a union whose members are named as if they were the struct's.
/// Everything declared in include/cflight/ is usable from C99 and from C++11.
/// @since 0.1

#if defined(__GNUC__) || defined(__clang__)
#define CFLIGHT_EXPORT __attribute__((visibility("default")))
#define CFLIGHT_CHECKED __attribute__((visibility("default"), warn_unused_result))
#define CFLIGHT_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#define CFLIGHT_UNNAMED __extension__
#else
#define CFLIGHT_EXPORT
#define CFLIGHT_CHECKED
#define CFLIGHT_PRINTF(format_index, first_index)
#define CFLIGHT_UNNAMED
#endif

/// Initialises a struct of options or handlers: its size, and zero for the rest. For the `_INIT`
/// macro of each such struct, in C and in C++11.
#ifdef __cplusplus
#define CFLIGHT_SIZED_INIT(type)                   \
    ([]() {                                        \
        type cflight_sized_ = {};                  \
        cflight_sized_.struct_size = sizeof(type); \
        return cflight_sized_;                     \
    }())
#else
/* clang-format off */
#define CFLIGHT_SIZED_INIT(type) {.struct_size = sizeof(type)}
/* clang-format on */
#endif

#endif /* CFLIGHT_EXPORT_H */
