/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_CLIENT_ASYNC_H
#define CFL_FLIGHT_CLIENT_CLIENT_ASYNC_H

#include "flight/client/client_dial.h"

/* Those calls of event loops that wait for a connection. Loop only. */

/* A connect ended: what waited for it may go on, or fails with it. */
void cfl_async_settle(struct cflight_client *client, const struct cfl_client_dial *dial);
/* Calls back those for which trying makes sense. */
void cfl_async_run_due(struct cflight_client *client);
/* When the next of them is due. */
int64_t cfl_async_deadline_ns(struct cflight_client *client, int64_t now_ns);

#endif /* CFL_FLIGHT_CLIENT_CLIENT_ASYNC_H */
