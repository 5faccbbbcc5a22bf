/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_AUTH_H
#define CFLIGHT_AUTH_H

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Handshake authentication: two tables of functions, one for each side, that exchange payloads
/// over the Handshake call. Afterwards the client sends a token with every call (`auth-token-bin`)
/// and the server checks it. And a source of bearer tokens for clients. docs/guide/security.md says
/// which mechanism is for what.
///
/// The functions are called on the thread of the call in hand, several at once, never under a lock
/// of the library.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_server_context cflight_server_context;

/// The two directions of a Handshake call. Belongs to the library; valid inside the function it was
/// given to.
typedef struct cflight_handshake cflight_handshake;

/// Sends one payload.
CFLIGHT_CHECKED cflight_status
cflight_handshake_write(cflight_handshake *handshake, struct cflight_bytes payload,
                        cflight_error **reterr);
/// Receives one payload. @param ret_payload NULL when the peer has ended its side; otherwise unref
/// it.
CFLIGHT_CHECKED cflight_status
cflight_handshake_read(cflight_handshake *handshake, cflight_buffer **ret_payload,
                       cflight_error **reterr);

/// The client's half. Copied into the client; `user_data` must outlive it.
struct cflight_client_auth {
    size_t struct_size;
    void *user_data;
    /// Exchanges payloads. After the return the library half-closes and takes the server's status.
    cflight_status (*authenticate)(void *user_data, cflight_handshake *handshake,
                                   cflight_error **reterr);
    /// Gives the token for the next call; the library unrefs it. NULL sends none.
    cflight_status (*get_token)(void *user_data, cflight_buffer **ret_token,
                                cflight_error **reterr);
    /// May be NULL. Runs when the client lets go of the table.
    void (*release)(void *user_data);
};

#define CFLIGHT_CLIENT_AUTH_INIT CFLIGHT_SIZED_INIT(struct cflight_client_auth)

/// Where a client gets bearer tokens that expire. Copied into the client; `user_data` must outlive
/// it.
///
/// Every call but Handshake asks for the token and sends it as `authorization: Bearer ...`, unless
/// its options have an `authorization` header already. When the server answers UNAUTHENTICATED
/// before anything else, the provider is asked for another token, and a call whose request is one
/// message is started once more; for that, such a call returns to its caller only when the server
/// has sent its first message or a status; one of cflight_async_start() waits for nothing and is
/// started once more as well. DoPut and DoExchange are not started again, since part of their data
/// is gone: they fail, and the next call asks for another token.
struct cflight_token_provider {
    size_t struct_size;
    void *user_data;
    /// Gives the token for the next call, with or without "Bearer " before it; the library unrefs
    /// it. NULL sends none. `refused` is empty, or the token that a server has refused: then give a
    /// newer one, if need be by asking for it. Several calls may have been refused at once, so
    /// compare it with the newest that there is first. May block, and may make calls with the same
    /// client if they are handshakes (cflight_client_authenticate_basic()). A failure is the
    /// call's failure.
    cflight_status (*get)(void *user_data, struct cflight_bytes refused, cflight_buffer **ret_token,
                          cflight_error **reterr);
    /// May be NULL. Runs when the client lets go of the table.
    void (*release)(void *user_data);
};

#define CFLIGHT_TOKEN_PROVIDER_INIT CFLIGHT_SIZED_INIT(struct cflight_token_provider)

/// The server's half. Copied into the server; `user_data` must outlive it.
struct cflight_server_auth {
    size_t struct_size;
    void *user_data;
    /// Exchanges payloads with a caller whom nobody knows yet: a handshake ends after two minutes,
    /// and at most half of the server's handlers run handshakes; further ones are answered
    /// CFLIGHT_UNAVAILABLE.
    cflight_status (*authenticate)(void *user_data, cflight_server_context *context,
                                   cflight_handshake *handshake, cflight_error **reterr);
    /// Checks the token of a call (empty when it had none) and names the caller; the library unrefs
    /// the identity. Any failure ends the call before middleware and handler, without the x-arrow
    /// trailers.
    cflight_status (*is_valid)(void *user_data, cflight_server_context *context,
                               struct cflight_bytes token, cflight_buffer **ret_identity,
                               cflight_error **reterr);
};

#define CFLIGHT_SERVER_AUTH_INIT CFLIGHT_SIZED_INIT(struct cflight_server_auth)

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_AUTH_H */
