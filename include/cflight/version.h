/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_VERSION_H
#define CFLIGHT_VERSION_H

#include "cflight/export.h"

/// @file
/// The version of the headers (macros) and of the library that runs (function).

#define CFLIGHT_VERSION_MAJOR 0
#define CFLIGHT_VERSION_MINOR 1
#define CFLIGHT_VERSION_PATCH 0
#define CFLIGHT_VERSION_TEXT "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/// Returns the version of the library, such as "0.1.0". Static storage. Thread class: free.
/// @since 0.1
CFLIGHT_EXPORT const char *cflight_version(void);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_VERSION_H */
