/* SPDX-License-Identifier: Apache-2.0 */
/* Options of statements. Thread class: one at a time, but for getters. */
#include "adbc/driver/statement_options.h"

#include "adbc/driver/statement.h"

static struct adbc_statement *statement_of(struct adbc_object *object)
{
    return (struct adbc_statement *)object;
}

/* ---- ingest ---- */

/* Another table: what was to be run is forgotten. */
static AdbcStatusCode set_table(struct adbc_object *object, const struct adbc_option *option,
                                const char *name, const struct adbc_value *value,
                                struct AdbcError *error)
{
    if (value->kind == ADBC_VALUE_TEXT) {
        adbc_statement_clear(statement_of(object));
    }
    return adbc_option_set_text(object, option, name, value, error);
}

static const struct {
    const char *text;
    enum cflight_sql_if_missing if_missing;
    enum cflight_sql_if_exists if_exists;
} MODES[] = {{ADBC_INGEST_OPTION_MODE_CREATE, CFLIGHT_SQL_INGEST_CREATE},
             {ADBC_INGEST_OPTION_MODE_APPEND, CFLIGHT_SQL_INGEST_APPEND},
             {ADBC_INGEST_OPTION_MODE_REPLACE, CFLIGHT_SQL_INGEST_REPLACE},
             {ADBC_INGEST_OPTION_MODE_CREATE_APPEND, CFLIGHT_SQL_INGEST_CREATE_APPEND}};
enum { MODE_COUNT = sizeof MODES / sizeof *MODES };

static AdbcStatusCode set_mode(struct adbc_object *object, const struct adbc_option *option,
                               const char *name, const struct adbc_value *value,
                               struct AdbcError *error)
{
    struct adbc_ingest *ingest = &statement_of(object)->ingest;
    (void)name;
    for (size_t i = 0; i < MODE_COUNT; i++) {
        if (cflight_bytes_equal(value->bytes, cflight_bytes_from_text(MODES[i].text))) {
            (void)pthread_mutex_lock(&object->lock);
            ingest->if_missing = MODES[i].if_missing;
            ingest->if_exists = MODES[i].if_exists;
            (void)pthread_mutex_unlock(&object->lock);
            return ADBC_STATUS_OK;
        }
    }
    return adbc_option_refuse(
        option, value, "adbc.ingest.mode.create, .append, .replace or .create_append", error);
}

static AdbcStatusCode get_mode(struct adbc_object *object, const struct adbc_option *option,
                               const char *name, struct adbc_value *ret_value,
                               struct AdbcError *error)
{
    const struct adbc_ingest *ingest = &statement_of(object)->ingest;
    const char *text = "";
    (void)option;
    (void)name;
    (void)pthread_mutex_lock(&object->lock);
    for (size_t i = 0; i < MODE_COUNT; i++) {
        if (MODES[i].if_missing == ingest->if_missing && MODES[i].if_exists == ingest->if_exists) {
            text = MODES[i].text;
        }
    }
    (void)pthread_mutex_unlock(&object->lock);
    return adbc_value_give_text(cflight_bytes_from_text(text), ret_value)
               ? ADBC_STATUS_OK
               : adbc_fail_no_memory(error);
}

/* An option for what the server does with the rows. */
static AdbcStatusCode set_ingest_option(struct adbc_object *object,
                                        const struct adbc_option *option, const char *name,
                                        const struct adbc_value *value, struct AdbcError *error)
{
    struct adbc_headers *options = &statement_of(object)->ingest.options;
    (void)option;
    adbc_headers_remove(options, cflight_bytes_from_text(name));
    return adbc_headers_add(options, cflight_bytes_from_text(name), value->bytes)
               ? ADBC_STATUS_OK
               : adbc_fail_no_memory(error);
}

/* ---- execution by parts ---- */

static AdbcStatusCode set_incremental(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, const struct adbc_value *value,
                                      struct AdbcError *error)
{
    adbc_incremental_clear(statement_of(object));
    return adbc_option_set_bool(object, option, name, value, error);
}

static AdbcStatusCode get_progress(struct adbc_object *object, const struct adbc_option *option,
                                   const char *name, struct adbc_value *ret_value,
                                   struct AdbcError *error)
{
    (void)option;
    (void)name;
    (void)pthread_mutex_lock(&object->lock);
    double progress = statement_of(object)->incremental.progress;
    (void)pthread_mutex_unlock(&object->lock);
    return adbc_value_give_double(progress, ret_value) ? ADBC_STATUS_OK
                                                       : adbc_fail_no_memory(error);
}

static AdbcStatusCode get_max_progress(struct adbc_object *object, const struct adbc_option *option,
                                       const char *name, struct adbc_value *ret_value,
                                       struct AdbcError *error)
{
    (void)object;
    (void)option;
    (void)name;
    return adbc_value_give_double(1.0, ret_value) ? ADBC_STATUS_OK : adbc_fail_no_memory(error);
}

static AdbcStatusCode get_last_info(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, struct adbc_value *ret_value,
                                    struct AdbcError *error)
{
    (void)option;
    (void)name;
    (void)pthread_mutex_lock(&object->lock);
    cflight_buffer *info = cflight_buffer_ref(statement_of(object)->incremental.last_info);
    (void)pthread_mutex_unlock(&object->lock);
    bool is_given = adbc_value_give_text(cflight_buffer_bytes(info), ret_value);
    ret_value->kind = ADBC_VALUE_BYTES;
    cflight_buffer_unref(info);
    return is_given ? ADBC_STATUS_OK : adbc_fail_no_memory(error);
}

/* ---- the table ---- */

#define AT(member) .offset = offsetof(struct adbc_statement, member)
#define EXEC "adbc.statement.exec."

static const struct adbc_option OPTIONS[] = {
    {.key = ADBC_INGEST_OPTION_TARGET_TABLE,
     AT(ingest.table),
     .set = set_table,
     .get = adbc_option_get_text},
    {.key = ADBC_INGEST_OPTION_MODE, .set = set_mode, .get = get_mode},
    {.key = ADBC_INGEST_OPTION_TARGET_CATALOG,
     AT(ingest.catalog),
     .set = adbc_option_set_text,
     .get = adbc_option_get_text},
    {.key = ADBC_INGEST_OPTION_TARGET_DB_SCHEMA,
     AT(ingest.db_schema),
     .set = adbc_option_set_text,
     .get = adbc_option_get_text},
    {.key = ADBC_INGEST_OPTION_TEMPORARY,
     AT(ingest.is_temporary),
     .set = adbc_option_set_bool,
     .get = adbc_option_get_bool},
    {.key = "adbc.cflight.ingest.option.", .is_prefix = true, .set = set_ingest_option},
    {.key = ADBC_STATEMENT_OPTION_INCREMENTAL,
     AT(incremental.is_on),
     .set = set_incremental,
     .get = adbc_option_get_bool},
    {.key = ADBC_STATEMENT_OPTION_PROGRESS, .get = get_progress},
    {.key = ADBC_STATEMENT_OPTION_MAX_PROGRESS, .get = get_max_progress},
    {.key = "adbc.flight.sql.statement.exec.last_flight_info", .get = get_last_info},
    {.key = "adbc.rpc.result_queue_size",
     AT(queue_size),
     .set = adbc_option_set_count,
     .get = adbc_option_get_count},
    {.key = "adbc.flight.sql.substrait.version",
     AT(substrait_version),
     .set = adbc_option_set_text,
     .get = adbc_option_get_text},
    ADBC_OPTION_LIMITS,
    {.key = ADBC_OPTION_HEADER_PREFIX,
     .is_prefix = true,
     .set = adbc_option_add_header,
     .get = adbc_option_get_header},
    ADBC_OPTION_TRACE_PARENT,
    {.key = "adbc.telemetry.", .is_prefix = true, .set = adbc_option_ignore},
};

const struct adbc_option_table adbc_statement_options = {"statement", OPTIONS,
                                                         sizeof OPTIONS / sizeof *OPTIONS};
