/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_RESOLVE_H
#define CFL_NET_RESOLVE_H

#include "net/address.h"

/* A name lookup on a thread of its own, so that a caller can stop waiting for it. Thread class: one
 * at a time. */
struct cfl_resolve;

cflight_status cfl_resolve_start(const char *host, uint16_t port, struct cfl_resolve **ret_resolve,
                                 cflight_error **reterr);
/* Readable once the lookup is finished. */
int cfl_resolve_fd(const struct cfl_resolve *resolve);
/* The same as an answer. */
bool cfl_resolve_is_done(struct cfl_resolve *resolve);
/* To be called once, after the descriptor became readable. */
cflight_status cfl_resolve_take(struct cfl_resolve *resolve, struct cfl_address_list *ret_list,
                                cflight_error **reterr);
/* Never blocks: an unfinished lookup goes on alone and cleans up after itself. */
void cfl_resolve_free(struct cfl_resolve *resolve);

#endif /* CFL_NET_RESOLVE_H */
