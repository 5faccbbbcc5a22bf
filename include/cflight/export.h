/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_EXPORT_H
#define CFLIGHT_EXPORT_H

/// @file
/// Compiler attributes of the public interface: which names a shared library exports, and which
/// results must be looked at. Everything declared in include/cflight/ is usable from C11 and from
/// C++.

#if defined(__GNUC__) || defined(__clang__)
#define CFLIGHT_EXPORT __attribute__((visibility("default")))
#define CFLIGHT_NODISCARD __attribute__((warn_unused_result))
#define CFLIGHT_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#else
#define CFLIGHT_EXPORT
#define CFLIGHT_NODISCARD
#define CFLIGHT_PRINTF(format_index, first_index)
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
