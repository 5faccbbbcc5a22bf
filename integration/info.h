/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_INFO_H
#define CFLIGHT_INTEGRATION_INFO_H

#include "cflight/cflight.h"

/* Bytes of a literal, for constants. */
#define ITG_TEXT(literal)                                                     \
    {                                                                         \
        .data = (const uint8_t *)(literal), .len_bytes = sizeof(literal) - 1, \
    }

/* Answers GetFlightInfo with `info`, in which the serialised `schema` is filled in. */
cflight_status itg_respond_info(cflight_response *response, const struct ArrowSchema *schema,
                                const struct cflight_info *info, cflight_error **reterr);

/* A CMD descriptor over a constant. */
struct cflight_descriptor itg_command(const char *text);
bool itg_is_command(const struct cflight_descriptor *descriptor, const char *text);

/* Makes a client without options and asks for the info of a command. */
cflight_status itg_client_and_info(const char *location, const char *command,
                                   cflight_client **ret_client, struct cflight_info **ret_info,
                                   cflight_error **reterr);

/* Runs an action. `*ret_body` is its result, NULL when it had none; more than one is a failure. */
cflight_status itg_run_action(cflight_client *client, const struct cflight_action *action,
                              cflight_buffer **ret_body, cflight_error **reterr);

/* Nanoseconds since 1970, `seconds` from now. */
struct cflight_time itg_time_from_now(int64_t seconds);

#endif /* CFLIGHT_INTEGRATION_INFO_H */
