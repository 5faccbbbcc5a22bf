/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BENCH_HANDLERS_H
#define CFLIGHT_BENCH_HANDLERS_H

#include <cflight/cflight.h>

/* Handlers that several benchmarks serve. */

/* DoExchange: sends back what comes. */
cflight_status echo_exchange(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_writer *writer, cflight_error **reterr);

/* GetFlightInfo: the descriptor that was asked with, and nothing else. */
cflight_status answer_bare_info(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor,
                                cflight_response *response, cflight_error **reterr);

#endif /* CFLIGHT_BENCH_HANDLERS_H */
