/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_LOGIN_H
#define CFLIGHT_ADBC_DRIVER_LOGIN_H

#include "cflight/client.h"

/* A user name and a password, and the token that they were changed for: a source of tokens for a
 * client. Thread class: free. */
struct adbc_login;

/* @param username, password  Copied; NULL is empty.
 * @return NULL when there is no memory */
struct adbc_login *adbc_login_new(const char *username, const char *password, int64_t limit_ms);
/* The client that handshakes are made with, and that is given the provider: it outlives neither. */
void adbc_login_set_client(struct adbc_login *login, cflight_client *client);
struct cflight_token_provider adbc_login_provider(struct adbc_login *login);
/* NULL is ignored. No call may be using it. */
void adbc_login_free(struct adbc_login *login);

#endif /* CFLIGHT_ADBC_DRIVER_LOGIN_H */
