/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_DATABASE_H
#define CFLIGHT_ADBC_DRIVER_DATABASE_H

#include "adbc/driver/oauth.h"
#include "adbc/driver/options.h"

/* A database: where the server is, and how connections reach it. Nothing is sent for it. */

struct adbc_database {
    struct adbc_object base;
    bool is_ready; /* initialised: from then on most options are fixed */
    char *uri;
    char *location; /* of the library, made of the URI */
    char *username;
    char *password;
    char *authorization;
    struct adbc_oauth oauth;
    char *authority;
    char *certificates; /* of the client, for mutual TLS */
    char *private_key;
    char *host_to_verify;
    char *root_certificates;
    bool verification_is_off;
    bool cookies_are_on;
    int64_t message_bytes_max; /* 0 is the library's limit */
    int64_t connect_ms;        /* 0 is none */
    bool constraints_are_on;
};

extern const struct adbc_option_table adbc_database_options;

/* The object behind a struct of the program; NULL, with an error, when there is none. */
struct adbc_database *adbc_database_of(struct AdbcDatabase *database, struct AdbcError *error);

AdbcStatusCode adbc_database_new(struct AdbcDatabase *database, struct AdbcError *error);
AdbcStatusCode adbc_database_init(struct AdbcDatabase *database, struct AdbcError *error);
AdbcStatusCode adbc_database_release(struct AdbcDatabase *database, struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_DATABASE_H */
