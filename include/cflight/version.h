/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_VERSION_H
#define CFLIGHT_VERSION_H

#include <stddef.h>

#include "cflight/export.h"

/// @file
/// The version of the headers (macros) and of the library that runs (function), and of the
/// libraries that it runs with.
/// @since 0.1

#define CFLIGHT_VERSION_MAJOR 0
#define CFLIGHT_VERSION_MINOR 1
#define CFLIGHT_VERSION_PATCH 0
#define CFLIGHT_VERSION_TEXT "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/// Returns the version of the library, such as "0.1.0". Static storage. Thread class: free.
CFLIGHT_EXPORT const char *
cflight_version(void);

/// The libraries that cflight is linked with, for reports of faults and for whoever looks after
/// their updates. Thread class: free.
///
/// @param index  Counts from 0. How many there are may differ between versions.
/// @return The name of the project, such as "OpenSSL"; NULL past the last. Static storage.
CFLIGHT_EXPORT const char *
cflight_library_name(size_t index);
/// Returns the version of the library at `index` that the process has loaded, such as "3.0.17"; of
/// uriparser and libxcrypt, which do not tell it, the one that cflight was compiled with. NULL past
/// the last. Static storage. Thread class: free.
CFLIGHT_EXPORT const char *
cflight_library_version(size_t index);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_VERSION_H */
