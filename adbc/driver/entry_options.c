/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of ADBC for options: four setters and four getters for each of the three kinds of
 * objects, all alike. Thread class: getters free, setters one at a time. */
#include "adbc/driver/entry_options.h"

#include "adbc/driver/statement_options.h"
#include "adbc/driver/statement.h"

/* ---- setters ---- */

static AdbcStatusCode set_on_database(struct AdbcDatabase *database, const char *key,
                                      const struct adbc_value *value, struct AdbcError *error)
{
    struct adbc_database *self = adbc_database_of(database, error);
    return self == NULL ? ADBC_STATUS_INVALID_STATE
                        : adbc_options_set(&adbc_database_options, &self->base, key, value, error);
}

static AdbcStatusCode set_on_connection(struct AdbcConnection *connection, const char *key,
                                        const struct adbc_value *value, struct AdbcError *error)
{
    return adbc_connection_set(connection, key, value, error);
}

static AdbcStatusCode set_on_statement(struct AdbcStatement *statement, const char *key,
                                       const struct adbc_value *value, struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    return self == NULL ? ADBC_STATUS_INVALID_STATE
                        : adbc_options_set(&adbc_statement_options, &self->base, key, value, error);
}

#define DEFINE_SETTERS(object, type)                                                              \
    static AdbcStatusCode object##_set_text(struct type *self, const char *key, const char *text, \
                                            struct AdbcError *error)                              \
    {                                                                                             \
        const struct adbc_value value = adbc_value_of_text(text);                                 \
        return set_on_##object(self, key, &value, error);                                         \
    }                                                                                             \
    static AdbcStatusCode object##_set_bytes(struct type *self, const char *key,                  \
                                             const uint8_t *bytes, size_t len_bytes,              \
                                             struct AdbcError *error)                             \
    {                                                                                             \
        const struct adbc_value value = {.kind = ADBC_VALUE_BYTES,                                \
                                         .bytes = cflight_bytes_make(bytes, len_bytes)};          \
        return set_on_##object(self, key, &value, error);                                         \
    }                                                                                             \
    static AdbcStatusCode object##_set_int(struct type *self, const char *key, int64_t integer,   \
                                           struct AdbcError *error)                               \
    {                                                                                             \
        const struct adbc_value value = adbc_value_of_int(integer);                               \
        return set_on_##object(self, key, &value, error);                                         \
    }                                                                                             \
    static AdbcStatusCode object##_set_double(struct type *self, const char *key, double real,    \
                                              struct AdbcError *error)                            \
    {                                                                                             \
        const struct adbc_value value = adbc_value_of_double(real);                               \
        return set_on_##object(self, key, &value, error);                                         \
    }
DEFINE_SETTERS(database, AdbcDatabase)
DEFINE_SETTERS(connection, AdbcConnection)
DEFINE_SETTERS(statement, AdbcStatement)

/* ---- getters ---- */

static struct adbc_object *database_object(struct AdbcDatabase *database, struct AdbcError *error)
{
    struct adbc_database *self = adbc_database_of(database, error);
    return self == NULL ? NULL : &self->base;
}

static struct adbc_object *connection_object(struct AdbcConnection *connection,
                                             struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_made(connection, error);
    return self == NULL ? NULL : &self->base;
}

static struct adbc_object *statement_object(struct AdbcStatement *statement,
                                            struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    return self == NULL ? NULL : &self->base;
}

/* Getters of one type; those of texts and bytes have a length as well. */
#define DEFINE_GETTER(object, type, kind, value_type)                                             \
    static AdbcStatusCode object##_get_##kind(struct type *self, const char *key,                 \
                                              value_type *value, struct AdbcError *error)         \
    {                                                                                             \
        struct adbc_object *found = object##_object(self, error);                                 \
        return found == NULL                                                                      \
                   ? ADBC_STATUS_INVALID_STATE                                                    \
                   : adbc_options_get_##kind(&adbc_##object##_options, found, key, value, error); \
    }
#define DEFINE_LONG_GETTER(object, type, kind, value_type)                                   \
    static AdbcStatusCode object##_get_##kind(struct type *self, const char *key,            \
                                              value_type *value, size_t *len_bytes,          \
                                              struct AdbcError *error)                       \
    {                                                                                        \
        struct adbc_object *found = object##_object(self, error);                            \
        return found == NULL ? ADBC_STATUS_INVALID_STATE                                     \
                             : adbc_options_get_##kind(&adbc_##object##_options, found, key, \
                                                       value, len_bytes, error);             \
    }
#define DEFINE_GETTERS(object, type)                 \
    DEFINE_LONG_GETTER(object, type, text, char)     \
    DEFINE_LONG_GETTER(object, type, bytes, uint8_t) \
    DEFINE_GETTER(object, type, int, int64_t)        \
    DEFINE_GETTER(object, type, double, double)
DEFINE_GETTERS(database, AdbcDatabase)
DEFINE_GETTERS(connection, AdbcConnection)
DEFINE_GETTERS(statement, AdbcStatement)

void adbc_entry_options(struct AdbcDriver *driver, int version)
{
    driver->DatabaseSetOption = database_set_text;
    driver->ConnectionSetOption = connection_set_text;
    driver->StatementSetOption = statement_set_text;
    if (version < ADBC_VERSION_1_1_0) {
        return;
    }
    driver->DatabaseGetOption = database_get_text;
    driver->DatabaseGetOptionBytes = database_get_bytes;
    driver->DatabaseGetOptionDouble = database_get_double;
    driver->DatabaseGetOptionInt = database_get_int;
    driver->DatabaseSetOptionBytes = database_set_bytes;
    driver->DatabaseSetOptionDouble = database_set_double;
    driver->DatabaseSetOptionInt = database_set_int;
    driver->ConnectionGetOption = connection_get_text;
    driver->ConnectionGetOptionBytes = connection_get_bytes;
    driver->ConnectionGetOptionDouble = connection_get_double;
    driver->ConnectionGetOptionInt = connection_get_int;
    driver->ConnectionSetOptionBytes = connection_set_bytes;
    driver->ConnectionSetOptionDouble = connection_set_double;
    driver->ConnectionSetOptionInt = connection_set_int;
    driver->StatementGetOption = statement_get_text;
    driver->StatementGetOptionBytes = statement_get_bytes;
    driver->StatementGetOptionDouble = statement_get_double;
    driver->StatementGetOptionInt = statement_get_int;
    driver->StatementSetOptionBytes = statement_set_bytes;
    driver->StatementSetOptionDouble = statement_set_double;
    driver->StatementSetOptionInt = statement_set_int;
}
