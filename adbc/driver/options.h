/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_OPTIONS_H
#define CFLIGHT_ADBC_DRIVER_OPTIONS_H

#include "adbc/driver/object.h"
#include "adbc/driver/value.h"

/* Options: each kind of object has a table of the keys that it knows, and getters and setters of
 * the four types go through it. Getters come at any time, from any thread. */

struct adbc_option;
typedef AdbcStatusCode (*adbc_option_set_fn)(struct adbc_object *object,
                                             const struct adbc_option *option, const char *name,
                                             const struct adbc_value *value,
                                             struct AdbcError *error);
typedef AdbcStatusCode (*adbc_option_get_fn)(struct adbc_object *object,
                                             const struct adbc_option *option, const char *name,
                                             struct adbc_value *ret_value, struct AdbcError *error);

struct adbc_option {
    const char *key;
    bool is_prefix;         /* what follows is a name of the program's */
    bool is_secret;         /* cannot be read */
    size_t offset;          /* of what it sets, in the object */
    adbc_option_set_fn set; /* NULL: it can only be read */
    adbc_option_get_fn get; /* NULL: it can only be set */
};

struct adbc_option_table {
    const char *what; /* "database" */
    const struct adbc_option *rows;
    size_t count;
};

AdbcStatusCode adbc_options_set(const struct adbc_option_table *table, struct adbc_object *object,
                                const char *key, const struct adbc_value *value,
                                struct AdbcError *error);
/* Whether there is such an option and it can be set; the value is not looked at but for NULL. */
AdbcStatusCode adbc_options_check(const struct adbc_option_table *table, const char *key,
                                  const struct adbc_value *value, struct AdbcError *error);
AdbcStatusCode adbc_options_get_text(const struct adbc_option_table *table,
                                     struct adbc_object *object, const char *key, char *text,
                                     size_t *len_bytes, struct AdbcError *error);
AdbcStatusCode adbc_options_get_bytes(const struct adbc_option_table *table,
                                      struct adbc_object *object, const char *key, uint8_t *bytes,
                                      size_t *len_bytes, struct AdbcError *error);
AdbcStatusCode adbc_options_get_int(const struct adbc_option_table *table,
                                    struct adbc_object *object, const char *key, int64_t *integer,
                                    struct AdbcError *error);
AdbcStatusCode adbc_options_get_double(const struct adbc_option_table *table,
                                       struct adbc_object *object, const char *key, double *real,
                                       struct AdbcError *error);

/* What a setter says of a value that is none, and a getter of one that is not set. */
AdbcStatusCode adbc_option_refuse(const struct adbc_option *option, const struct adbc_value *value,
                                  const char *wanted, struct AdbcError *error);
AdbcStatusCode adbc_option_unset(const struct adbc_option *option, const char *name,
                                 struct AdbcError *error);

/* The usual setters and getters: of a text (char *, owned), a boolean, a limit (int64_t in ms), a
 * number above 0 (int64_t), at the offset of the option. */
#define ADBC_OPTION_DECLARE(kind)                                                             \
    AdbcStatusCode adbc_option_set_##kind(                                                    \
        struct adbc_object *object, const struct adbc_option *option, const char *name,       \
        const struct adbc_value *value, struct AdbcError *error);                             \
    AdbcStatusCode adbc_option_get_##kind(struct adbc_object *object,                         \
                                          const struct adbc_option *option, const char *name, \
                                          struct adbc_value *ret_value, struct AdbcError *error)
ADBC_OPTION_DECLARE(text);
ADBC_OPTION_DECLARE(bool);
ADBC_OPTION_DECLARE(ms);
ADBC_OPTION_DECLARE(count);
/* A header of all calls: `name` is that of the field. The second adds to what is there, and takes
 * away with an empty value; the first replaces. */
ADBC_OPTION_DECLARE(header);
AdbcStatusCode adbc_option_add_header(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, const struct adbc_value *value,
                                      struct AdbcError *error);
/* The header `traceparent`. */
ADBC_OPTION_DECLARE(trace);
/* Takes any value and does nothing. */
AdbcStatusCode adbc_option_ignore(struct adbc_object *object, const struct adbc_option *option,
                                  const char *name, const struct adbc_value *value,
                                  struct AdbcError *error);

/* Rows of all three tables: the limits of calls. */
#define ADBC_OPTION_LIMIT(name, limit)                                     \
    {                                                                      \
        .key = "adbc.flight.sql.rpc.timeout_seconds." name,                \
        .offset = offsetof(struct adbc_object, settings.limits_ms[limit]), \
        .set = adbc_option_set_ms, .get = adbc_option_get_ms               \
    }
#define ADBC_OPTION_LIMITS                                                                      \
    ADBC_OPTION_LIMIT("fetch", ADBC_LIMIT_FETCH), ADBC_OPTION_LIMIT("query", ADBC_LIMIT_QUERY), \
        ADBC_OPTION_LIMIT("update", ADBC_LIMIT_UPDATE)
#define ADBC_OPTION_TRACE_PARENT                                            \
    {                                                                       \
        .key = "adbc.telemetry.trace_parent", .set = adbc_option_set_trace, \
        .get = adbc_option_get_trace                                        \
    }
#define ADBC_OPTION_HEADER_PREFIX "adbc.flight.sql.rpc.call_header."

#endif /* CFLIGHT_ADBC_DRIVER_OPTIONS_H */
