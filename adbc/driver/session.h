/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_SESSION_H
#define CFLIGHT_ADBC_DRIVER_SESSION_H

#include "adbc/driver/options.h"

/* Options of the session with the server, as options of a connection: the current catalog and
 * schema by ADBC's names, and any by its own, one prefix for each type. They need cookies. */

#define ADBC_SESSION_SETTER(kind)                                                          \
    AdbcStatusCode adbc_session_##kind(struct adbc_object *object,                         \
                                       const struct adbc_option *option, const char *name, \
                                       const struct adbc_value *value, struct AdbcError *error)
#define ADBC_SESSION_GETTER(kind)                                                          \
    AdbcStatusCode adbc_session_##kind(struct adbc_object *object,                         \
                                       const struct adbc_option *option, const char *name, \
                                       struct adbc_value *ret_value, struct AdbcError *error)
ADBC_SESSION_SETTER(set_catalog);
ADBC_SESSION_SETTER(set_schema);
ADBC_SESSION_SETTER(set_any);
ADBC_SESSION_SETTER(set_bool);
ADBC_SESSION_SETTER(set_texts);
ADBC_SESSION_SETTER(erase);
ADBC_SESSION_GETTER(get_catalog);
ADBC_SESSION_GETTER(get_schema);
ADBC_SESSION_GETTER(get_all);
ADBC_SESSION_GETTER(get_any);
ADBC_SESSION_GETTER(get_bool);
ADBC_SESSION_GETTER(get_texts);

#endif /* CFLIGHT_ADBC_DRIVER_SESSION_H */
