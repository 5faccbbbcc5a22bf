/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_MANIFEST_H
#define CFLIGHT_ADBC_GATEWAY_MANIFEST_H

#include <stdbool.h>

#include "cflight/error.h"

/* What the manifest of a driver says, as far as loading goes. */
struct gateway_manifest {
    char *library;    /* for this machine; NULL when there is none */
    char *entrypoint; /* NULL: the default */
};

/* Reads the text of a manifest (TOML).
 * @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (what is wrong, with its line);
 * CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status gateway_manifest_parse(const char *text, struct gateway_manifest *ret_manifest,
                                      cflight_error **reterr);
void gateway_manifest_done(struct gateway_manifest *manifest);

/* "linux_amd64": this machine, as manifests call it. */
extern const char *const gateway_manifest_platform;

#endif /* CFLIGHT_ADBC_GATEWAY_MANIFEST_H */
