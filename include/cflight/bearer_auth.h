/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BEARER_AUTH_H
#define CFLIGHT_BEARER_AUTH_H

#include "cflight/alloc.h"
#include "cflight/auth.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/middleware.h"

/// @file
/// Authentication for servers by user name and password once, and by a token afterwards.
///
/// A client sends `authorization: Basic ...`, with a Handshake
/// (cflight_client_authenticate_basic(), pyarrow's authenticate_basic_token()) or with any call,
/// and gets `authorization: Bearer TOKEN` in the response headers; later calls carry that. A call
/// with neither, or with a token that is unknown or has expired, ends as CFLIGHT_UNAUTHENTICATED.
/// Tokens are random and live in this process only. Use TLS: passwords and tokens travel as they
/// are. Wrong passwords slow those who send them: an address that has sent one is served one call
/// at a time, and from the fourth within ten minutes on its connections wait for up to 0.8 s each.
/// Each leaves a line in the log: "login failed from HOST port N for 'NAME'". Counted; thread
/// class: free.
///
///     cflight_bearer_auth *auth = NULL;
///     struct cflight_bearer_auth_options options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
///     struct cflight_server_auth handshake;
///     struct cflight_server_middleware middleware;
///     options.verify = cflight_password_file_verify;
///     options.user_data = password_file;
///     if (cflight_bearer_auth_new(&options, &auth, &error) != CFLIGHT_OK) { ... }
///     cflight_bearer_auth_server(auth, &handshake, &middleware);
///     server_options.auth = &handshake;
///     server_options.middleware = &middleware; // first, if there are more
///     server_options.middleware_count = 1;
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_bearer_auth cflight_bearer_auth;

/// Decides whether a password is right. Runs on the thread of the call, several at once, and may
/// block.
///
/// @param ret_identity  Who the caller is; may be left NULL for the user name. The kit unrefs it.
/// @return CFLIGHT_OK; CFLIGHT_UNAUTHENTICATED for a wrong name or password; any other status ends
/// the call
typedef cflight_status (*cflight_verify_password_fn)(void *user_data, struct cflight_bytes username,
                                                     struct cflight_bytes password,
                                                     cflight_buffer **ret_identity,
                                                     cflight_error **reterr);

struct cflight_bearer_auth_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    cflight_verify_password_fn verify;         ///< required
    void *user_data;                           ///< for `verify`; must outlive the kit
    /// How long a token is good; 0 is one hour, negative is without end.
    int64_t token_lifetime_ms;
    /// Each use begins the lifetime anew.
    bool use_extends_lifetime;
    /// Most tokens in all, 0 is 10000, and of one identity, 0 is 64. The oldest go first.
    uint32_t tokens_max;
    uint32_t tokens_per_identity_max;
    /// Most passwords that are verified at once, since that is made to be slow; 0 is 8. An address
    /// may have half of them, and one once it has sent a wrong password.
    uint32_t verifications_max;
    /// Passwords are taken with a Handshake only.
    bool basic_in_handshake_only;
    /// Most calls that wait, each for five seconds at most, for a password to be verified; 0 is 32.
    /// They, and those whose passwords are verified, hold no handler of the server, but count in
    /// its `waiting_max`, which should be well above both limits together. A call without a place
    /// or a turn ends as CFLIGHT_UNAVAILABLE: of the address that has most places, and from a
    /// connection that has sent a wrong password, first.
    uint32_t waiting_max;
};

#define CFLIGHT_BEARER_AUTH_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_bearer_auth_options)

/// Makes a kit with one reference.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (no `verify`); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_bearer_auth_new(const struct cflight_bearer_auth_options *options,
                        cflight_bearer_auth **ret_auth, cflight_error **reterr);
/// Adds a reference and returns `auth`; NULL gives NULL.
CFLIGHT_EXPORT cflight_bearer_auth *
cflight_bearer_auth_ref(cflight_bearer_auth *auth);
/// Drops a reference; the last one wipes all tokens. NULL is ignored.
CFLIGHT_EXPORT void
cflight_bearer_auth_unref(cflight_bearer_auth *auth);

/// Fills the tables for a server; both are needed: a server with the handshake alone refuses every
/// call. The kit must outlive the server.
///
/// @param ret_handshake   Lets Handshake succeed without payloads, and names the caller of calls
/// with a
///                        token (cflight_server_context_peer_identity()).
/// @param ret_middleware  Checks `authorization` and answers passwords with tokens.
CFLIGHT_EXPORT void
cflight_bearer_auth_server(cflight_bearer_auth *auth, struct cflight_server_auth *ret_handshake,
                           struct cflight_server_middleware *ret_middleware);

/// Returns the caller of the call in hand, whether it came with a token or a password; empty when
/// the kit did not see the call. Valid until the handler returns.
CFLIGHT_EXPORT struct cflight_bytes
cflight_bearer_auth_identity(const cflight_server_context *context);

/// Makes a token without a password, for an identity that was established in some other way.
/// @param ret_token  Text without "Bearer "; unref it.
/// @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED, CFLIGHT_INTERNAL (no random numbers)
CFLIGHT_CHECKED cflight_status
cflight_bearer_auth_issue(cflight_bearer_auth *auth, struct cflight_bytes identity,
                          cflight_buffer **ret_token, cflight_error **reterr);
/// Ends a token, with or without "Bearer " before it. Tells whether it was valid.
CFLIGHT_EXPORT bool
cflight_bearer_auth_revoke(cflight_bearer_auth *auth, struct cflight_bytes token);
/// Ends all tokens of an identity, and logins of it that are under way. Returns how many tokens
/// there were. Calls that run already go on.
CFLIGHT_EXPORT size_t
cflight_bearer_auth_revoke_identity(cflight_bearer_auth *auth, struct cflight_bytes identity);

/// Names and password hashes from a file with a line `name:hash` for each user; empty lines and
/// lines that begin with '#' do not count. Hashes are those of crypt(5), as `openssl passwd -6`,
/// `mkpasswd` and cflight_password_hash() make them. Thread class: free.
typedef struct cflight_password_file cflight_password_file;

/// Reads a file. @return CFLIGHT_OK; CFLIGHT_NOT_FOUND, CFLIGHT_PERMISSION_DENIED or
/// CFLIGHT_UNKNOWN (it cannot be read); CFLIGHT_INVALID_ARGUMENT (a line is wrong: the message has
/// its number)
CFLIGHT_CHECKED cflight_status
cflight_password_file_new(const char *path, cflight_password_file **ret_file,
                          cflight_error **reterr);
/// Is told that a name is gone from a file or has another hash there.
typedef void (*cflight_password_change_fn)(void *user_data, struct cflight_bytes username);
/// Has `on_change` called for each such name by cflight_password_file_reload(), before that
/// returns: there tokens and sessions are ended, by cflight_bearer_auth_revoke_identity() and
/// cflight_session_store_end_identity(). NULL takes it back.
CFLIGHT_EXPORT void
cflight_password_file_on_change(cflight_password_file *file, cflight_password_change_fn on_change,
                                void *user_data);
/// Refuses a file that group or others may write, now and whenever it is read again.
/// @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION (what was read is from such a file)
CFLIGHT_CHECKED cflight_status
cflight_password_file_refuse_writable(cflight_password_file *file, cflight_error **reterr);
/// Reads the file again; after a failure the former content stays. Without
/// cflight_password_file_on_change() tokens that were given out stay good.
/// @return as cflight_password_file_new() and cflight_password_file_refuse_writable()
CFLIGHT_CHECKED cflight_status
cflight_password_file_reload(cflight_password_file *file, cflight_error **reterr);
/// Frees it. No call may be using it. NULL is ignored.
CFLIGHT_EXPORT void
cflight_password_file_free(cflight_password_file *file);
/// Verifies against the file: a cflight_verify_password_fn whose `user_data` is the file. Unknown
/// names, locked users (a hash that no password has, such as "!") and wrong passwords take the same
/// time: one hash of each method and cost in the file, of which there may be 16.
CFLIGHT_CHECKED cflight_status
cflight_password_file_verify(void *file, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr);
/// Hashes a password for such a file, with the system's preferred method and a random salt.
/// @param ret_hash  Free it with cflight_text_free().
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (NULL); CFLIGHT_UNIMPLEMENTED (no method);
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_password_hash(const char *password, char **ret_hash, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_BEARER_AUTH_H */
