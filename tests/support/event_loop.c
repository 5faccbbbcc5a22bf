/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop for tests: plain poll, one client, one thread. */
#include "event_loop.h"

#include <poll.h>

void t_turn(cflight_client *client)
{
    struct cflight_loop_state state;
    cflight_client_loop_state(client, &state);
    struct pollfd wait = {.fd = state.fd, .events = POLLIN};
    (void)poll(&wait, 1, state.timeout_ms);
    cflight_client_loop_process(client);
}
