/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SQL_STATEMENTS_H
#define CFLIGHT_INTEGRATION_SQL_STATEMENTS_H

#include "cflight/cflight.h"

/* What can be done with a statement. */
enum itg_sql_use {
    ITG_SQL_USE_QUERY = 1,
    ITG_SQL_USE_UPDATE = 2,
    ITG_SQL_USE_PREPARE = 4,
    ITG_SQL_USE_PREPARED_QUERY = 8,
    ITG_SQL_USE_PREPARED_UPDATE = 16,
};

struct itg_sql_statement {
    const char *text; /* NULL: the plan */
    unsigned uses;
    const char *handles[2]; /* outside and inside of a transaction */
};

/* What a message is about. */
struct itg_sql_subject {
    bool is_sql_info;
    const struct itg_sql_statement *statement; /* else */
    bool in_transaction;
};

bool itg_sql_is(struct cflight_bytes bytes, const char *text);

/* A statement that came as it is, text or plan: of the scenario, and good for this. */
cflight_status itg_sql_find_by_text(const struct cflight_sql_message *message, enum itg_sql_use use,
                                    struct itg_sql_subject *ret_subject, cflight_error **reterr);
cflight_status itg_sql_find_by_handle(const struct cflight_sql_message *message,
                                      enum itg_sql_use use, struct itg_sql_subject *ret_subject,
                                      cflight_error **reterr);
/* Commands of GetFlightInfo and GetSchema, and tickets. */
cflight_status itg_sql_find(const struct cflight_sql_message *message,
                            struct itg_sql_subject *ret_subject, cflight_error **reterr);
struct cflight_bytes itg_sql_handle_of(const struct itg_sql_subject *subject);

/* The actions, for a server that has no others. */
cflight_status itg_sql_do_action(void *user_data, cflight_server_context *context,
                                 const struct cflight_action *action, cflight_response *response,
                                 cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_SQL_STATEMENTS_H */
