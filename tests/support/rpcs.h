/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_RPCS_H
#define CFLIGHT_TESTS_RPCS_H

#include "cflight/cflight.h"

/* Each of the ten methods as one function, from its request to its end. */

enum { T_METHOD_FIRST = CFLIGHT_METHOD_HANDSHAKE, T_METHOD_LAST = CFLIGHT_METHOD_POLL_FLIGHT_INFO };

/* Runs a call to its end: uploads send one batch of ten rows, whatever comes back is read and
 * dropped. `text` is the ticket, the command, the criteria, or type and body of the action; a
 * handshake authenticates with basic credentials. Returns the status of the call. */
cflight_status t_rpc(cflight_client *client, enum cflight_method method, const char *text,
                     const struct cflight_call_options *options, cflight_error **reterr);
/* Whether the method answers with one message, which the call then cannot do without. */
bool t_rpc_is_unary(enum cflight_method method);

#endif /* CFLIGHT_TESTS_RPCS_H */
