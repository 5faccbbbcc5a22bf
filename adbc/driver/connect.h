/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_CONNECT_H
#define CFLIGHT_ADBC_DRIVER_CONNECT_H

#include "adbc/driver/database.h"
#include "adbc/driver/login.h"
#include "cflight/cookies.h"

/* What a connection has of the network: a client of its own, with its cookies and its token, and
 * the options for clients of endpoints elsewhere. */
struct adbc_link {
    cflight_client *client;
    cflight_cookie_jar *jar;  /* NULL where cookies are off */
    struct adbc_login *login; /* NULL without a user */
    struct cflight_token_provider provider;
    void (*release_tokens)(void *user_data); /* of the provider, or NULL */
    struct cflight_client_options elsewhere;
};

/* Makes the client that a database asks for. Nothing is sent. The database outlives the link. */
AdbcStatusCode adbc_link_open(struct adbc_database *database, struct adbc_link *ret_link,
                              struct AdbcError *error);
/* Ends the session, if the server keeps one, within a second. */
void adbc_link_end_session(struct adbc_link *link);
void adbc_link_done(struct adbc_link *link);

#endif /* CFLIGHT_ADBC_DRIVER_CONNECT_H */
