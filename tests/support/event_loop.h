/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_EVENT_LOOP_H
#define CFLIGHT_TESTS_EVENT_LOOP_H

#include "cflight/loop.h"

/* One turn of the simplest event loop: waits as the client says, by poll, and lets it work. */
void t_turn(cflight_client *client);

#endif /* CFLIGHT_TESTS_EVENT_LOOP_H */
