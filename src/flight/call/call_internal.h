/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CALL_INTERNAL_H
#define CFL_FLIGHT_CALL_CALL_INTERNAL_H

#include "flight/call/call.h"

/* What the call_*.c files share. Functions that end in _locked assume the connection's lock. */

/* ---- call.c ---- */
struct cfl_call *cfl_call_new(struct cfl_connection *connection, const struct cfl_method *method);
/* The call's failure, copied for the caller. */
cflight_status cfl_call_failure_locked(struct cfl_call *call, cflight_error **reterr);
/* Ends a call whose request is on no connection, if it is; takes `error`. */
void cfl_call_end_unsent_locked(struct cfl_call *call, cflight_status status, cflight_error *error);
void cfl_call_cancel_locked(struct cfl_call *call, cflight_status status, const char *message);

/* ---- call_start.c ---- */
/* Puts a request that needs a connection on one. Waits for it until `deadline_ns` when `may_wait`
 * is set; false: that passed before the call's own limits. A failure is the call's end. Not under
 * the lock; for the reader's thread. */
bool cfl_call_restart(struct cfl_call *call, bool may_wait, int64_t deadline_ns);

/* ---- call_gather.c ---- */
/* Queues a message with a body, which may be held back; then it was copied. */
cflight_status cfl_call_post_batch_locked(struct cfl_call *call, struct cflight_bytes head,
                                          const struct cfl_pieces *body, bool *ret_is_held_back,
                                          cflight_error **reterr);
/* Bytes of the call that are held back, all of them copied. */
uint64_t cfl_call_held_back_locked(const struct cfl_call *call);

/* ---- call_events.c ---- */
/* What to give the session for a call, with the call as user data. */
const struct cfl_grpc_call_handlers *cfl_call_handlers(void);
/* Has those who wait for the call look at it, with the end of this step. */
void cfl_call_stir_locked(struct cfl_call *call);
/* Credits what has arrived to the peer when a thread waits for the rest of a message. */
void cfl_call_credit_arrived_locked(struct cfl_call *call);

/* ---- call_wait.c ---- */
/* A wait ran into a limit: says which, and ends the call. */
void cfl_call_expire_locked(struct cfl_call *call, int64_t now_ns, bool is_write);
/* What moves when the call is not idle. */
uint64_t cfl_call_progress_locked(const struct cfl_call *call, bool is_write);
/* Waits under the call's limits, and until `until_ns`; false means only that the latter passed. A
 * limit of the call ends the call, and so the wait. */
bool cfl_call_wait_locked(struct cfl_call *call, bool (*is_done)(void *user_data), bool is_write,
                          int64_t until_ns);

/* ---- call_receive.c ---- */
/* Whether there is something to receive. */
bool cfl_call_has_inbound_locked(struct cfl_call *call);
void cfl_call_want_message_locked(struct cfl_call *call, bool wants);

/* ---- call_send.c ---- */
/* Server: response headers go out before the first message, and before a wait that may depend on
 * them. */
cflight_status cfl_call_send_headers_locked(struct cfl_call *call, cflight_error **reterr);
/* Whether everything was sent. */
bool cfl_call_has_sent_locked(struct cfl_call *call);

#endif /* CFL_FLIGHT_CALL_CALL_INTERNAL_H */
