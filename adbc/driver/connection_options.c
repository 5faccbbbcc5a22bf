/* SPDX-License-Identifier: Apache-2.0 */
/* Options of connections. Thread class: one at a time, but for getters. */
#include "adbc/driver/connection.h"
#include "adbc/driver/session.h"
#include "adbc/driver/transaction.h"

/* What the server would have to promise; the driver promises nothing for it. */
static AdbcStatusCode set_read_only(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, const struct adbc_value *value,
                                    struct AdbcError *error)
{
    bool is_on = false;
    (void)object;
    (void)name;
    if (!adbc_value_to_bool(value, &is_on)) {
        return adbc_option_refuse(option, value, "'true' or 'false'", error);
    }
    return is_on ? adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED,
                             "Flight SQL has no way to ask for a read-only connection")
                 : ADBC_STATUS_OK;
}

static AdbcStatusCode set_isolation(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, const struct adbc_value *value,
                                    struct AdbcError *error)
{
    (void)object;
    (void)option;
    (void)name;
    bool is_default = cflight_bytes_equal(
        value->bytes, cflight_bytes_from_text(ADBC_OPTION_ISOLATION_LEVEL_DEFAULT));
    return is_default ? ADBC_STATUS_OK
                      : adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED,
                                  "Flight SQL has no way to ask for an isolation level");
}

#define SESSION "adbc.flight.sql.session."

static const struct adbc_option OPTIONS[] = {
    {.key = ADBC_CONNECTION_OPTION_AUTOCOMMIT,
     .set = adbc_autocommit_set,
     .get = adbc_autocommit_get},
    {.key = ADBC_CONNECTION_OPTION_READ_ONLY, .set = set_read_only},
    {.key = ADBC_CONNECTION_OPTION_ISOLATION_LEVEL, .set = set_isolation},
    ADBC_OPTION_LIMITS,
    {.key = ADBC_OPTION_HEADER_PREFIX,
     .is_prefix = true,
     .set = adbc_option_add_header,
     .get = adbc_option_get_header},
    ADBC_OPTION_TRACE_PARENT,
    {.key = "adbc.cflight.objects.constraints",
     .offset = offsetof(struct adbc_connection, constraints_are_on),
     .set = adbc_option_set_bool,
     .get = adbc_option_get_bool},
    {.key = ADBC_CONNECTION_OPTION_CURRENT_CATALOG,
     .set = adbc_session_set_catalog,
     .get = adbc_session_get_catalog},
    {.key = ADBC_CONNECTION_OPTION_CURRENT_DB_SCHEMA,
     .set = adbc_session_set_schema,
     .get = adbc_session_get_schema},
    {.key = SESSION "options", .get = adbc_session_get_all},
    {.key = SESSION "option.",
     .is_prefix = true,
     .set = adbc_session_set_any,
     .get = adbc_session_get_any},
    {.key = SESSION "optionbool.",
     .is_prefix = true,
     .set = adbc_session_set_bool,
     .get = adbc_session_get_bool},
    {.key = SESSION "optionstringlist.",
     .is_prefix = true,
     .set = adbc_session_set_texts,
     .get = adbc_session_get_texts},
    {.key = SESSION "optionerase.", .is_prefix = true, .set = adbc_session_erase},
    {.key = "adbc.telemetry.", .is_prefix = true, .set = adbc_option_ignore},
};

const struct adbc_option_table adbc_connection_options = {"connection", OPTIONS,
                                                          sizeof OPTIONS / sizeof *OPTIONS};
