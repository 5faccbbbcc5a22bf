/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_NAME_H
#define CFLIGHT_CLI_SERVE_NAME_H

#include "cflight/types.h"
#include "cli/system/text.h"

/* Names of flights, as they come from clients. A good name is one or more elements joined by "/",
 * none of them empty, longer than 200 bytes or beginning with a dot, without control characters,
 * valid UTF-8, and at most 1000 bytes long: as a relative path it cannot leave the directory it
 * starts in. */

/* @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (what is wrong with the name) */
cflight_status cli_name_check(struct cflight_bytes name, cflight_error **reterr);

/* The elements of a path joined by "/", checked. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (not
 * a path, or not a good name), CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_name_from_descriptor(struct cli_text *ret_name,
                                        const struct cflight_descriptor *descriptor,
                                        cflight_error **reterr);

/* Tells whether a list asks for a name: criteria are empty, the beginning of names, or a pattern
 * with *, ? or [...]. */
bool cli_name_matches(const char *name, struct cflight_bytes criteria);

#endif /* CFLIGHT_CLI_SERVE_NAME_H */
