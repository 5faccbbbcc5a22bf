/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_CONNECTION_H
#define CFLIGHT_CLI_CLIENT_CONNECTION_H

#include "cflight/client.h"
#include "cflight/cookies.h"
#include "cflight/oauth.h"
#include "cli/system/text.h"

/* Texts in the order in which they were given. */
struct cli_list {
    const char **items;
    size_t count;
    size_t capacity;
};

/* What clients and servers demand of TLS. */
struct cli_tls_options {
    const char *crl_path;
    struct cflight_tls_policy policy; /* but for the lists */
};
/* The name of one that was given; NULL if none was. */
const char *cli_tls_option_given(const struct cli_tls_options *options);

/* What the user says about the server and how to call it; texts are NULL where he says nothing. */
struct cli_client_options {
    const char *uri;
    int64_t timeout_ms;      /* of all calls together; -1 for none */
    int64_t idle_timeout_ms; /* 0 for none */
    struct cli_list headers; /* "NAME: VALUE" */
    const char *user;
    const char *password_path;
    const char *token_path;
    const char *oauth_path;
    const char *roots_path;
    const char *cert_path;
    const char *key_path;
    struct cflight_client_options options; /* but for what is in these files */
};

enum { CLI_CLIENT_FILES = 4 /* roots, certificate, key, revocation lists */ };

/* The server a client command talks to, with the limits, headers and credentials that the user
 * gave. Thread class: one at a time. */
struct cli_connection {
    /* Set before it is opened, borrowed. */
    const struct cli_client_options *given;
    const struct cli_tls_options *tls;
    const struct cflight_ipc_read_options *read_options;
    cflight_cancel *cancel;

    char *uri;           /* complete; NULL while it was not found good */
    int64_t deadline_ms; /* on the monotonic clock; 0 for none */
    cflight_client *client;
    cflight_cookie_jar *cookies; /* of the client */
    cflight_token_cache *tokens; /* of a token server, or of logins; NULL for none of them */
    struct cflight_token_provider provider;  /* of them; for all clients, so it releases nothing */
    struct cflight_client_options options;   /* for clients of the service's locations, too */
    cflight_buffer *files[CLI_CLIENT_FILES]; /* what they point at */
    struct cflight_header *headers;          /* of the user, then at most one of the credentials */
    size_t header_count;
    struct cli_text secret;        /* password, or token until it is used */
    cflight_buffer *bearer;        /* of the first login, until it is used */
    struct cli_text authorization; /* value of the header that logs in */
};

/* Reads what the options name and makes the client: all that needs no server. The calls of a user
 * have tokens of `give_token`, whose `user_data` is the connection. cli_connection_done() in any
 * case. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (options), or what reading files says
 */
cflight_status cli_connection_open(struct cli_connection *connection,
                                   cflight_status (*give_token)(void *user_data,
                                                                cflight_buffer **ret_token,
                                                                int64_t *ret_lifetime_ms,
                                                                cflight_error **reterr),
                                   cflight_error **reterr);

/* Finds the password or token that the options name, which may ask the user. */
cflight_status cli_connection_find_secret(struct cli_connection *connection,
                                          cflight_error **reterr);
/* Logs in if one was found. @return as the calls of a client */
cflight_status cli_connection_log_in(struct cli_connection *connection, cflight_error **reterr);
/* A source of tokens for the calls of a user: gives that of the first login, then of others.
 * `user_data` is the connection. */
cflight_status cli_connection_give_token(void *user_data, cflight_buffer **ret_token,
                                         int64_t *ret_lifetime_ms, cflight_error **reterr);

/* Options for the next call, good while the connection stays where it is: what is left of the time
 * limit, cancel, and headers. */
struct cflight_call_options cli_connection_call(const struct cli_connection *connection);

/* What follows is a command of its own: its time limit begins, and `cancel` (borrowed) stops it. */
void cli_connection_renew(struct cli_connection *connection, cflight_cancel *cancel);
/* Options for a last call, which goes out although the others were cancelled or their time is over:
 * with a limit of `timeout_ms` instead. */
struct cflight_call_options cli_connection_last_call(const struct cli_connection *connection,
                                                     int64_t timeout_ms);
/* Ends the session, if the server has begun one; what comes of it is ignored. */
void cli_connection_close_session(const struct cli_connection *connection);

/* Safe to repeat. */
void cli_connection_done(struct cli_connection *connection);

#endif /* CFLIGHT_CLI_CLIENT_CONNECTION_H */
